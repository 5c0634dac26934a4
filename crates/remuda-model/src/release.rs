//! Releases: one digest over model, features, schema, criteria, evidence and signatures.

use crate::Digest;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a release is made of. Its digest is the release's id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReleaseContent {
    /// The product.
    pub product: String,
    /// The model version.
    pub model: Digest,
    /// Digest over the model's signature: features, labels, task.
    pub signature: Digest,
    /// The data contract that types the endpoint's inputs.
    pub contract: Option<Digest>,
    /// The requirements' texts, by name.
    pub requirements: Vec<(String, Digest)>,
    /// The evaluation facts that the release rests on (fact ids).
    pub evaluations: Vec<String>,
    /// The signatures (fact ids) it was created with.
    pub signatures: Vec<String>,
    /// The team is one person and says so.
    pub solo: bool,
}

impl ReleaseContent {
    /// The release's digest.
    pub fn digest(&self) -> Digest {
        let mut fields: Vec<Vec<u8>> = vec![
            b"remuda release 1".to_vec(),
            self.product.as_bytes().to_vec(),
            self.model.as_str().as_bytes().to_vec(),
            self.signature.as_str().as_bytes().to_vec(),
            self.contract.as_ref().map(|digest| digest.as_str().as_bytes().to_vec()).unwrap_or_default(),
            vec![u8::from(self.solo)],
        ];
        for (name, digest) in &self.requirements {
            fields.push(format!("requirement {name} {digest}").into_bytes());
        }
        fields.extend(self.evaluations.iter().map(|id| format!("evaluation {id}").into_bytes()));
        fields.extend(self.signatures.iter().map(|id| format!("signature {id}").into_bytes()));
        Digest::of_fields(fields.iter().map(Vec::as_slice))
    }
}
