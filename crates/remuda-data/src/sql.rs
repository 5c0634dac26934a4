//! A query over versions: what `features/*.sql` and data commands run. One `SELECT`, read only.
//!
//! What does not live here: predicates of one row (see `predicate`).

use crate::columns::{logical_type, normalise, schema_of};
use crate::error::{DataError, Finding};
use crate::part::Parts;
use crate::rows::Rows;
use datafusion::common::TableReference;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::execution::context::{SQLOptions, SessionConfig, SessionContext};
use remuda_model::data::ColumnType;
use std::sync::Arc;

/// Runs one `SELECT` over versions, each under its name (quoted names keep their case).
///
/// Errors: a statement that is no query, an unknown table or column, a result column of a nested type.
pub async fn run_sql(sql: &str, tables: &[(&str, &Parts)]) -> Result<Rows, DataError> {
    let failed = |error: datafusion::error::DataFusionError| DataError::engine("run the SQL", error);
    let mut config = SessionConfig::new();
    // Texts are read as they were written; a result is then what `Rows` holds anyway.
    config.options_mut().execution.parquet.schema_force_view_types = false;
    let context = SessionContext::new_with_config(config);
    for (name, parts) in tables {
        let mut urls = Vec::with_capacity(parts.paths.len());
        for path in &parts.paths {
            urls.push(ListingTableUrl::parse(path.to_string_lossy()).map_err(failed)?);
        }
        let options = ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension("");
        let config = ListingTableConfig::new_with_multi_paths(urls)
            .with_listing_options(options)
            .with_schema(schema_of(&parts.manifest.columns));
        let table = ListingTable::try_new(config).map_err(failed)?;
        context.register_table(TableReference::bare(*name), Arc::new(table)).map_err(failed)?;
    }
    let only_queries = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    let frame = context.sql_with_options(sql, only_queries).await.map_err(failed)?;
    let mut columns: Vec<(String, ColumnType)> = Vec::new();
    for field in frame.schema().fields() {
        let Some(kind) = logical_type(field.data_type()) else {
            let problem = format!("the result's type {} has no counterpart in a table", field.data_type());
            let finding = Finding::file("the query", problem, "cast it to text, number, boolean, date or timestamp");
            return Err(DataError::Content(finding.column(field.name().clone())));
        };
        columns.push((field.name().clone(), kind));
    }
    let batches = frame.collect().await.map_err(failed)?;
    let batches: Result<Vec<_>, DataError> =
        batches.iter().map(|batch| normalise(batch, &columns, "the query")).collect();
    Ok(Rows::new(&columns, batches?))
}
