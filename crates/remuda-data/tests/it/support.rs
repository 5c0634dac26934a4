//! What the stories share: folders, files, and versions without a blob store.

use remuda_data::{DataError, Format, InferRequest, Inference, IngestRequest, Ingested, Parts, infer, ingest};
use remuda_model::Digest;
use remuda_model::data::{Contract, Part};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// A file of the shared data sets.
pub(crate) fn shared(name: &str) -> PathBuf {
    let folder = std::env::var_os("REMUDA_SHARED").map(PathBuf::from).unwrap_or_else(|| {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
        workspace.join("../shared")
    });
    folder.join("data").join(name)
}

/// A scratch folder with versions in it.
pub(crate) struct Shelf {
    pub(crate) folder: tempfile::TempDir,
    stored: HashMap<Digest, (Part, PathBuf)>,
}

impl Shelf {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), stored: HashMap::new() }
    }

    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn try_ingest(
        &mut self,
        source: &Path,
        contract: Option<&Contract>,
    ) -> Result<(Ingested, Parts), DataError> {
        let scratch = self.folder.path().join("parts");
        std::fs::create_dir_all(&scratch).unwrap();
        let known = |content: &Digest| self.stored.get(content).map(|(part, _)| part.clone());
        let request = IngestRequest { source, format: None, contract, folder: &scratch, known: &known };
        let ingested = ingest(&request, &mut |done, total| assert!(done <= total))?;
        for part in &ingested.manifest.parts {
            if let Some((_, path)) = ingested.new_parts.iter().find(|(blob, _)| *blob == part.blob) {
                self.stored.insert(part.content.clone(), (part.clone(), path.clone()));
            }
        }
        let paths = ingested.manifest.parts.iter().map(|part| self.stored[&part.content].1.clone()).collect();
        let parts = Parts { manifest: ingested.manifest.clone(), paths };
        Ok((ingested, parts))
    }

    pub(crate) fn ingest(&mut self, source: &Path, contract: Option<&Contract>) -> (Ingested, Parts) {
        self.try_ingest(source, contract).unwrap()
    }
}

pub(crate) fn draft(source: &Path, label: Option<&str>) -> Inference {
    try_draft(source, label).unwrap()
}

pub(crate) fn try_draft(source: &Path, label: Option<&str>) -> Result<Inference, DataError> {
    infer(&InferRequest { source, format: None, name: "test", label }, &mut |done, total| assert!(done <= total))
}

pub(crate) fn named(path: &Path, format: Format) -> Result<Inference, DataError> {
    infer(&InferRequest { source: path, format: Some(format), name: "test", label: None }, &mut |_, _| {})
}

/// The oddities about a column, as `message / advice`.
pub(crate) fn about(inference: &Inference, column: Option<&str>) -> Vec<String> {
    let of = inference.oddities.iter().filter(|oddity| oddity.column.as_deref() == column);
    of.map(|oddity| format!("{} / {}", oddity.message, oddity.advice)).collect()
}
