//! The newest analyses of one candidate, for a report about it.

use super::doubted::{self, Doubted};
use super::{Sliced, Tested, look, test};
use crate::app::App;
use crate::context::Context;
use crate::error::Result;
use remuda_ledger::FactQuery;
use remuda_model::Digest;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What was found about a candidate beside its verdicts: the newest of each kind, `None` where nobody asked.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Findings {
    /// The slices on which it is worst.
    pub sliced: Option<Sliced>,
    /// Its behavioural tests.
    pub tested: Option<Tested>,
    /// The labels that it speaks against.
    pub doubted: Option<Doubted>,
}

/// The newest findings about a candidate.
pub(crate) async fn findings(app: &App, context: &Context, model: &Digest) -> Result<Findings> {
    let query = FactQuery {
        verbs: vec!["analysis.sliced".into()],
        target: Some(model.to_string()),
        newest_first: true,
        ..FactQuery::of(&context.product()?.name)
    };
    let sliced = app.ledger.facts(&query).await?.first().map(look::read).transpose()?;
    let tested = test::newest(app, context, model).await?;
    let doubted = doubted::all(app, context, model).await?.into_iter().next();
    Ok(Findings { sliced, tested, doubted })
}
