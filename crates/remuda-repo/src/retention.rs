//! `[retention]` of `remuda.toml`: how long what nobody needs is kept.

use crate::source::{Source, Table};
use crate::tree::{self, Entry, Node, Value};
use remuda_model::run::retention::Span;

const TABLE: &str = "retention";
const RUNS: &str = "runs";

/// Checks the table, where there is one.
pub(crate) fn check(source: &mut Source<'_>, root: Table<'_>) {
    let Some(node) = root.get(TABLE) else { return };
    let Some(table) = source.table_of(node, TABLE) else { return };
    table.allow(source, &[RUNS]);
    let Some(node) = table.get(RUNS) else { return };
    let Some(text) = source.text_of(node, RUNS) else { return };
    if Span::parse(text).is_none() {
        let hint = "write a number of hours, days or weeks, such as \"90d\"";
        source.error(&node.span, "invalid_value", format!("`{text}` is no length of time"), hint);
    }
}

/// How long runs are kept that ended and that nothing pins, if `remuda.toml` says so.
pub fn keep_runs(text: &str) -> Option<Span> {
    let root = tree::toml::parse(text, 0).ok()?;
    let span = entry(entry(&root, TABLE)?, RUNS)?;
    match &span.value {
        Value::Text(text) => Span::parse(text),
        _ => None,
    }
}

fn entry<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    let Value::Table(entries) = &node.value else { return None };
    entries.iter().find(|entry: &&Entry| entry.key == key).map(|entry| &entry.node)
}

#[cfg(test)]
mod tests {
    use super::keep_runs;

    #[test]
    fn a_rule_is_read_where_there_is_one() {
        let days = |text| keep_runs(text).map(|span| span.milliseconds / 86_400_000);
        assert_eq!(days("[product]\nname = \"churn\"\n\n[retention]\nruns = \"90d\"\n"), Some(90));
        assert_eq!(days("[product]\nname = \"churn\"\n"), None);
        assert_eq!(days("[retention]\nruns = 90\n"), None);
        assert_eq!(days("[retention\n"), None);
    }
}
