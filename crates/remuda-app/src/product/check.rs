//! Validating every definition file, without a ledger.

use super::{Check, Checked};
use crate::app::App;
use crate::context::Context;
use crate::error::Result;
use crate::requirement::criteria_words;
use crate::use_case::{Access, UseCase};

impl UseCase for Check {
    const NOUN: &'static str = "product";
    const VERB: &'static str = "check";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "Validate every definition file.";
    type Answer = Checked;

    async fn run(self, _app: &App, context: &Context) -> Result<Checked> {
        Ok(checked(context))
    }
}

/// What is right and wrong in the definitions of a context.
pub fn checked(context: &Context) -> Checked {
    let criteria = context
        .definitions
        .requirements
        .iter()
        .map(|requirement| {
            let contract = context.definitions.contract(&requirement.value.dataset);
            let positive = contract.and_then(|contract| contract.value.positive.as_deref());
            (requirement.value.name.clone(), criteria_words(&requirement.value, positive))
        })
        .collect();
    let mut diagnostics = context.diagnostics.as_ref().clone();
    diagnostics.extend(crate::gate::misfits(context));
    diagnostics.sort_by(|one, other| (&one.file, one.line, one.column).cmp(&(&other.file, other.line, other.column)));
    Checked { files: context.files.0.len() as u64, diagnostics, criteria }
}
