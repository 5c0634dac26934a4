//! Reading rows of a version, and writing them to a file.

use super::{Export, Exported, ROWS_CHARGE, look};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::use_case::{Access, UseCase};
use remuda_data::{ReadRequest, Rows};
use remuda_model::data::{Contract, DatasetVersion, Split};

impl UseCase for Export {
    const NOUN: &'static str = "data";
    const VERB: &'static str = "export";
    const ACCESS: Access = Access::Write;
    const ABOUT: &'static str = "Write rows of a version to a file. Reading holdout rows is a fact.";
    type Answer = Exported;

    async fn run(self, app: &App, context: &Context) -> Result<Exported> {
        let line = look::resolve_version(app, context, &self.version).await?;
        let split = match self.split.as_deref() {
            None => None,
            Some(word) => Some(Split::parse(word).ok_or_else(|| {
                Error::new("request.invalid", format!("`{word}` is no split"))
                    .hint("write train, validation or holdout")
            })?),
        };
        let format = super::add::read_format(None, &self.output.to_string_lossy())?;
        let contract = look::contract_of(app, context, &line.version).await?;
        let request = ReadRequest { split, columns: None, filter: self.filter.clone(), limit: None };
        let rows = read_rows(app, &line.version, contract.as_ref(), request).await?;
        // Without a split rule there is no holdout; with one, everything but train and validation holds its rows.
        let charged = contract.as_ref().is_some_and(|contract| contract.label().is_some())
            && !matches!(split, Some(Split::Train | Split::Validation));
        if charged {
            let purpose = format!("exported to {}", self.output.display());
            let fact = look::note_look(app, context, &line.version, "rows", &purpose, ROWS_CHARGE)?;
            look::append_look(app, context, fact).await?;
        }
        let mut answer = Exported {
            output: self.output.clone(),
            rows: rows.len() as u64,
            version: line.version.digest.to_string(),
            charged,
            download: None,
        };
        if context.trusts_paths {
            rows.write(&self.output, format)?;
        } else {
            let scratch = app.scratch()?;
            let file = scratch.path().join("rows");
            rows.write(&file, format)?;
            answer.download = Some(app.offer_download(&file)?);
        }
        Ok(answer)
    }
}

/// Reads rows of a version into memory.
pub(crate) async fn read_rows(
    app: &App,
    version: &DatasetVersion,
    contract: Option<&Contract>,
    request: ReadRequest,
) -> Result<Rows> {
    let parts = look::version_parts(app, version).await?;
    Ok(remuda_data::read(&parts, contract, &request).await?)
}
