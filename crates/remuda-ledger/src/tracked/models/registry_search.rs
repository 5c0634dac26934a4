//! Finding registered models and versions, page by page behind the last one seen. Prompts are hidden unless asked for.

use super::super::search::{Side, Sql, value_of, write_filter, write_member, write_number, write_text};
use super::super::writer::Tracker;
use super::seek::{self, OrderPlace, SeekKey};
use crate::engine::{Pool, Value};
use crate::error::Error;
use remuda_model::model::filter::{ModelAttribute, ModelKey};
use remuda_model::model::registered::{PROMPT_TAG, RegisteredModel, RegisteredVersion};
use remuda_model::run::filter::{Filter, Test};

/// What is sought.
#[derive(Clone, Debug)]
pub struct RegistrySearch<'a> {
    /// What fits.
    pub filter: &'a Filter<ModelKey>,
    /// Attributes, and whether the greatest comes first; then by name, and the newest version first.
    pub order: &'a [(&'static ModelAttribute, bool)],
    /// Behind this place of the page before.
    pub after: Option<&'a OrderPlace>,
    /// So many at most.
    pub limit: usize,
}

/// Which of the two is sought.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Model,
    Version,
}

impl Kind {
    fn tags(self) -> &'static str {
        match self {
            Kind::Model => "SELECT t.model FROM registered_model_tag AS t",
            Kind::Version => "SELECT t.version FROM registered_version_tag AS t",
        }
    }

    fn column(self, attribute: &ModelAttribute) -> &'static str {
        match (attribute.as_str(), self) {
            ("name", Kind::Model) => "r.name",
            ("name", Kind::Version) => "m.name",
            ("version_number", _) => "r.version",
            ("run_id", _) => "r.run",
            ("source_path", _) => "r.source",
            ("current_stage", _) => "r.stage",
            ("creation_timestamp", _) => "r.created",
            _ => "r.updated",
        }
    }
}

impl Tracker {
    /// The registered models that are sought, and where the page ends if there is more.
    ///
    /// # Errors
    /// The database failed.
    pub async fn search_registered_models(
        &self,
        search: &RegistrySearch<'_>,
    ) -> Result<(Vec<RegisteredModel>, Option<OrderPlace>), Error> {
        let (numbers, last) = self.search_registry(search, Kind::Model).await?;
        Ok((self.registered_models(&numbers).await?, last))
    }

    /// The versions that are sought, and where the page ends if there is more.
    ///
    /// # Errors
    /// The database failed.
    pub async fn search_versions(
        &self,
        search: &RegistrySearch<'_>,
    ) -> Result<(Vec<RegisteredVersion>, Option<OrderPlace>), Error> {
        let (numbers, last) = self.search_registry(search, Kind::Version).await?;
        Ok((self.versions(&numbers).await?, last))
    }

    async fn search_registry(
        &self,
        search: &RegistrySearch<'_>,
        kind: Kind,
    ) -> Result<(Vec<i64>, Option<OrderPlace>), Error> {
        let postgres = matches!(self.ledger.pool, Pool::Postgres(_));
        let mut sql = Sql { text: String::new(), values: Vec::new(), postgres, probing: false };
        let keys = order_keys(search, kind);
        sql.push(&format!("SELECT r.number{} FROM ", seek::columns(&keys)));
        let product = sql.text(&self.product);
        sql.push(&match kind {
            Kind::Model => format!("registered_model AS r WHERE r.product = {product}"),
            Kind::Version => {
                format!("registered_version AS r JOIN registered_model AS m ON m.number = r.model WHERE m.product = {product}")
            }
        });
        write_conditions(&mut sql, search.filter, kind);
        if let Some(after) = search.after.filter(|after| after.keys.len() == keys.len()) {
            seek::write_after(&mut sql, &keys, after);
        }
        seek::write_order(&mut sql, &keys, search.limit.saturating_add(1));
        let values: Vec<Value<'_>> = sql.values.iter().map(value_of).collect();
        let operation = "find registered models";
        let rows = self.ledger.pool.list(operation, sql.text, &values, |row| seek::read_place(row, &keys)).await?;
        Ok(seek::page(rows, search.limit))
    }
}

fn order_keys(search: &RegistrySearch<'_>, kind: Kind) -> Vec<SeekKey> {
    let mut keys: Vec<SeekKey> = Vec::new();
    let mut known: Vec<&str> = Vec::new();
    for (attribute, descending) in search.order {
        let column = kind.column(attribute);
        known.push(column);
        keys.push(match attribute.is_number {
            true => SeekKey::number(column, *descending),
            false => SeekKey::text(column, *descending),
        });
    }
    match kind {
        Kind::Model if !known.contains(&"r.name") => keys.push(SeekKey::text("r.name", false)),
        Kind::Version => {
            if !known.contains(&"m.name") {
                keys.push(SeekKey::text("m.name", false));
            }
            if !known.contains(&"r.version") {
                keys.push(SeekKey::number("r.version", true));
            }
        }
        Kind::Model => {}
    }
    keys
}

fn write_conditions(sql: &mut Sql, filter: &Filter<ModelKey>, kind: Kind) {
    let wants = prompts(filter);
    if wants != Some(true) {
        let key = sql.text(PROMPT_TAG);
        sql.push(&match kind {
            Kind::Model => format!(" AND r.number NOT IN ({} WHERE t.key = {key} AND t.value = 'true')", kind.tags()),
            Kind::Version => format!(
                " AND r.model NOT IN (SELECT v.model FROM registered_version_tag AS t \
                 JOIN registered_version AS v ON v.number = t.version WHERE t.key = {key} AND t.value = 'true')"
            ),
        });
    }
    if *filter != Filter::All(Vec::new()) {
        sql.push(" AND ");
        write_filter(sql, filter, &|sql, key, test| match key {
            // Models have no such tag: what asks for those that are none was said above.
            ModelKey::Tag(name) if name == PROMPT_TAG && wants != Some(true) => sql.push("1 = 1"),
            ModelKey::Tag(name) => {
                let from = format!("{} WHERE t.key = {}", kind.tags(), sql.text(name));
                write_member(sql, &from, test, &Side::Text { value: "t.value", head: Some("t.head") });
            }
            ModelKey::Attribute(attribute) if attribute.is_number => write_number(sql, kind.column(attribute), test),
            ModelKey::Attribute(attribute) => {
                sql.push("(");
                write_text(sql, kind.column(attribute), None, test);
                sql.push(")");
            }
            ModelKey::Parameter(_) | ModelKey::Metric(_) => sql.push("1 = 0"),
        });
    }
}

/// Whether a filter asks for prompts: the first comparison with their tag decides.
fn prompts(filter: &Filter<ModelKey>) -> Option<bool> {
    match filter {
        Filter::All(parts) | Filter::Any(parts) => parts.iter().find_map(prompts),
        Filter::Not(part) => prompts(part).map(|wants| !wants),
        Filter::Is(ModelKey::Tag(name), test) if name == PROMPT_TAG => Some(match test {
            Test::Equals(value) => value.eq_ignore_ascii_case("true"),
            Test::Differs(value) => value.eq_ignore_ascii_case("false"),
            Test::Present => true,
            _ => false,
        }),
        Filter::Is(..) => None,
    }
}
