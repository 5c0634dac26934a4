//! Reading `slices.toml`: slices of datasets with a name. What their predicates say is checked where tables are known.

use crate::definitions::Context;
use crate::source::Source;
use crate::tree;
use remuda_model::analysis::NamedSlice;

/// The file of named slices.
pub(crate) const SLICES_FILE: &str = "slices.toml";

/// Reads `slices.toml`: a table `[slice.NAME]` each.
pub(crate) fn read(source: &mut Source<'_>, context: &Context<'_>) -> Option<Vec<NamedSlice>> {
    let root = match tree::toml::parse(source.text, 0) {
        Ok(root) => root,
        Err(faults) => {
            source.syntax("TOML", &faults);
            return None;
        }
    };
    let root = source.table_of(&root, SLICES_FILE)?;
    root.allow(source, &["slice"]);
    let Some(node) = root.get("slice") else { return Some(Vec::new()) };
    let mut slices = Vec::new();
    for entry in source.table_of(node, "slice")?.entries {
        source.check_name(&entry.key_span, "slice", &entry.key);
        let Some(table) = source.table_of(&entry.node, &entry.key) else { continue };
        table.allow(source, &["data", "where", "why"]);
        let filter = table.require_text(source, "where", "where = \"region = 'north'\"");
        if let (Some(text), Some(node)) = (filter, table.get("where"))
            && text.trim().is_empty()
        {
            source.error(&node.span, "invalid_value", "`where` is empty", "write a condition such as \"age >= 18\"");
        }
        let dataset = table.require_text(source, "data", "data = \"churn\"");
        if let (Some(name), Some(node)) = (dataset, table.get("data")) {
            context.check_dataset(source, &node.span, name);
        }
        let why = table.text(source, "why").unwrap_or_default();
        if let (Some(filter), Some(dataset)) = (filter, dataset) {
            slices.push(NamedSlice {
                name: entry.key.clone(),
                dataset: dataset.to_owned(),
                filter: filter.to_owned(),
                why: why.to_owned(),
            });
        }
    }
    Some(slices)
}
