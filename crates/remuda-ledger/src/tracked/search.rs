//! Finding runs: a filter as SQL over the tables turned round, in an order, page by page behind the last one seen.

use super::groups::RunCount;
use super::runs::READ;
use super::writer::Tracker;
use crate::engine::{Pool, Row, Value};
use crate::error::Error;
use remuda_model::run::filter::{Attribute, Comparison, DatasetPart, Filter, Key, OrderBy, Test};
use remuda_model::run::tracked::{Stage, TrackedRun};

/// What is sought.
#[derive(Clone, Debug)]
pub struct RunSearch<'a> {
    /// Of these experiments; empty: of all.
    pub experiments: &'a [i64],
    /// In this stage; `None`: in any.
    pub stage: Option<Stage>,
    /// That fit.
    pub filter: &'a Filter,
    /// In this order; then the newest first, then by id.
    pub order: &'a [OrderBy],
    /// Behind this run of the page before.
    pub after: Option<&'a RunOrder>,
    /// So many at most.
    pub limit: usize,
}

/// Where a run stands in an order: what the next page begins behind.
#[derive(Clone, Debug, PartialEq)]
pub struct RunOrder {
    /// For each key of the order: 0 for a value, 1 for what is not a number, 2 for none; and the value.
    pub keys: Vec<(i64, Option<f64>, Option<String>)>,
    /// The start.
    pub started: i64,
    /// The run.
    pub id: String,
}

/// A page of runs.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The runs, in order.
    pub runs: Vec<TrackedRun>,
    /// Where the last one stands, if there may be more.
    pub last: Option<RunOrder>,
}

/// SQL under construction.
pub(super) struct Sql {
    pub(super) text: String,
    pub(super) values: Vec<Owned>,
    pub(super) postgres: bool,
    /// Each run is asked by itself whether it fits, instead of looking it up in the list of all that do: less work where
    /// few runs are asked.
    pub(super) probing: bool,
}

pub(super) enum Owned {
    Text(String),
    Integer(i64),
    Double(f64),
}

impl Sql {
    pub(super) fn place(&mut self, value: Owned) -> String {
        self.values.push(value);
        // Bound without a type, PostgreSQL would guess one.
        let number = self.values.len();
        match (&self.values[number - 1], self.postgres) {
            (Owned::Double(_), true) => format!("${number}::double precision"),
            (Owned::Integer(_), true) => format!("${number}::bigint"),
            (Owned::Text(_), true) => format!("${number}::text"),
            _ => format!("${number}"),
        }
    }

    pub(super) fn text(&mut self, value: &str) -> String {
        self.place(Owned::Text(value.to_owned()))
    }

    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }
}

impl Tracker {
    pub(super) fn sql(&self) -> Sql {
        let postgres = matches!(self.ledger.pool, Pool::Postgres(_));
        Sql { text: String::new(), values: Vec::new(), postgres, probing: false }
    }

    /// The runs that are sought. What lies in the journal is folded first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn search(&self, search: &RunSearch<'_>) -> Result<Found, Error> {
        self.fold().await?;
        if let Some(places) = self.places_by_metric(search).await? {
            return self.found(search, places).await;
        }
        if let Some(places) = self.places_of_newest(search).await? {
            return self.found(search, places).await;
        }
        let mut sql = self.sql();
        let keys = order_keys(&mut sql, search.order);
        write_query(&mut sql, &self.product, search, &keys);
        let values: Vec<Value<'_>> = sql.values.iter().map(value_of).collect();
        let width = search.order.len();
        let places = self.ledger.pool.list(READ, sql.text, &values, |row| read_place(row, width, search.order)).await?;
        self.found(search, places).await
    }

    /// The runs that stand at these places.
    async fn found(&self, search: &RunSearch<'_>, places: Vec<RunOrder>) -> Result<Found, Error> {
        let ids: Vec<&str> = places.iter().map(|place| place.id.as_str()).collect();
        let runs = self.runs(&ids).await?;
        let last = if places.len() < search.limit { None } else { places.last().cloned() };
        Ok(Found { runs, last })
    }

    /// How many runs are sought, the limit and the page apart.
    ///
    /// # Errors
    /// The database failed.
    pub async fn count(&self, search: &RunSearch<'_>) -> Result<u64, Error> {
        if *search.filter == Filter::All(Vec::new()) {
            let counts = self.run_counts().await?;
            let fits = |count: &&RunCount| {
                search.stage.is_none_or(|stage| stage == count.stage)
                    && (search.experiments.is_empty() || search.experiments.contains(&count.experiment))
            };
            return Ok(counts.iter().filter(fits).map(|count| count.runs).sum());
        }
        self.fold().await?;
        let mut sql = self.sql();
        sql.push("SELECT COUNT(*) FROM tracked_run AS r WHERE ");
        write_conditions(&mut sql, &self.product, search);
        let values: Vec<Value<'_>> = sql.values.iter().map(value_of).collect();
        let found = self.ledger.pool.first(READ, sql.text, &values, |row| row.integer(0)).await?;
        Ok(found.unwrap_or_default().cast_unsigned())
    }
}

pub(super) fn value_of(value: &Owned) -> Value<'_> {
    match value {
        Owned::Text(text) => Value::Text(text),
        Owned::Integer(number) => Value::Integer(*number),
        Owned::Double(number) => Value::OptionalDouble(Some(*number)),
    }
}

/// A key of an order as SQL: what is joined for it, what says whether there is a value, and the value.
struct OrderKey {
    join: String,
    class: String,
    value: String,
    descending: bool,
    number: bool,
}

fn is_number(order: &OrderBy) -> bool {
    match &order.key {
        Key::Metric(_) => true,
        Key::Attribute(attribute) => attribute.is_number(),
        _ => false,
    }
}

fn order_keys(sql: &mut Sql, order: &[OrderBy]) -> Vec<OrderKey> {
    order
        .iter()
        .enumerate()
        .map(|(place, one)| {
            let number = is_number(one);
            let (join, class, value) = match &one.key {
                Key::Metric(name) => {
                    let (join, value) = joined("tracked_metric", place, &sql.text(name));
                    let class =
                        format!("CASE WHEN {value} IS NOT NULL THEN 0 WHEN o{place}.run IS NOT NULL THEN 1 ELSE 2 END");
                    (join, class, value)
                }
                Key::Parameter(name) => text_key("tracked_parameter", place, &sql.text(name)),
                Key::Tag(name) => text_key("tracked_tag", place, &sql.text(name)),
                Key::Attribute(attribute) => match tag_of(*attribute) {
                    Some(tag) => text_key("tracked_tag", place, &sql.text(tag)),
                    None => {
                        let column = column(*attribute);
                        let value = if number { format!("CAST({column} AS DOUBLE PRECISION)") } else { text_column(*attribute) };
                        (String::new(), format!("CASE WHEN {column} IS NULL THEN 2 ELSE 0 END"), value)
                    }
                },
                Key::Dataset(part) => {
                    let value = format!(
                        "(SELECT MIN({}) FROM tracked_input AS i JOIN tracked_dataset AS d ON d.number = i.dataset WHERE i.run = r.number)",
                        dataset_column(*part)
                    );
                    (String::new(), format!("CASE WHEN {value} IS NULL THEN 2 ELSE 0 END"), value)
                }
            };
            OrderKey { join, class, value, descending: one.descending, number }
        })
        .collect()
}

/// The join that brings one value of a table turned round to each run, and that value.
fn joined(table: &str, place: usize, key: &str) -> (String, String) {
    let join = format!(" LEFT JOIN {table} AS o{place} ON o{place}.run = r.number AND o{place}.key = {key}");
    (join, format!("o{place}.value"))
}

fn text_key(table: &str, place: usize, key: &str) -> (String, String, String) {
    let (join, value) = joined(table, place, key);
    (join, format!("CASE WHEN {value} IS NULL THEN 2 ELSE 0 END"), value)
}

fn write_query(sql: &mut Sql, product: &str, search: &RunSearch<'_>, keys: &[OrderKey]) {
    sql.push("SELECT r.started, r.id");
    for key in keys {
        sql.push(&format!(", {}, {}", key.class, key.value));
    }
    sql.push(" FROM tracked_run AS r");
    for key in keys {
        sql.push(&key.join);
    }
    sql.push(" WHERE ");
    write_conditions(sql, product, search);
    if let Some(after) = search.after.filter(|after| after.keys.len() == keys.len()) {
        write_after(sql, keys, after);
    }
    sql.push(" ORDER BY ");
    for (place, key) in keys.iter().enumerate() {
        let (class, value) = (3 + 2 * place, 4 + 2 * place);
        sql.push(&format!("{class}, {value}{}, ", if key.descending { " DESC" } else { "" }));
    }
    sql.push("r.started DESC, r.id LIMIT ");
    let limit = sql.place(Owned::Integer(i64::try_from(search.limit).unwrap_or(i64::MAX)));
    sql.push(&limit);
}

pub(super) fn write_conditions(sql: &mut Sql, product: &str, search: &RunSearch<'_>) {
    let product = sql.text(product);
    sql.push(&format!("r.product = {product}"));
    if !search.experiments.is_empty() {
        let list: Vec<String> = search.experiments.iter().map(i64::to_string).collect();
        sql.push(&format!(" AND r.experiment IN ({})", list.join(", ")));
    }
    if let Some(stage) = search.stage {
        sql.push(&format!(" AND r.stage = '{}'", stage.as_str()));
    }
    if *search.filter != Filter::All(Vec::new()) {
        sql.push(" AND ");
        write_filter(sql, search.filter, &write_test);
    }
}

/// `AND` what comes behind a place: the first key that differs decides.
fn write_after(sql: &mut Sql, keys: &[OrderKey], after: &RunOrder) {
    let mut equal = String::new();
    let mut cases = Vec::new();
    for (key, (class, number, text)) in keys.iter().zip(&after.keys) {
        let class_place = sql.place(Owned::Integer(*class));
        cases.push(format!("({equal}{} > {class_place})", key.class));
        equal.push_str(&format!("{} = {class_place} AND ", key.class));
        let place = match (key.number, number, text) {
            (true, Some(number), _) => sql.place(Owned::Double(*number)),
            (false, _, Some(text)) => sql.text(text),
            _ => continue,
        };
        let sign = if key.descending { "<" } else { ">" };
        cases.push(format!("({equal}{} {sign} {place})", key.value));
        equal.push_str(&format!("{} = {place} AND ", key.value));
    }
    let started = sql.place(Owned::Integer(after.started));
    let id = sql.text(&after.id);
    cases.push(format!("({equal}r.started < {started})"));
    cases.push(format!("({equal}r.started = {started} AND r.id > {id})"));
    sql.push(&format!(" AND ({})", cases.join(" OR ")));
}

fn read_place(row: &Row, width: usize, order: &[OrderBy]) -> Result<RunOrder, sqlx::Error> {
    let mut keys = Vec::with_capacity(width);
    for (place, one) in order.iter().enumerate() {
        let class = row.small(2 + 2 * place)?;
        let at = 3 + 2 * place;
        keys.push(match is_number(one) {
            true => (class, row.optional_double(at)?, None),
            false => (class, None, row.optional_text(at)?),
        });
    }
    Ok(RunOrder { started: row.integer(0)?, id: row.text(1)?, keys })
}

/// Writes a filter; `each` writes one comparison.
pub(super) fn write_filter<K>(sql: &mut Sql, filter: &Filter<K>, each: &dyn Fn(&mut Sql, &K, &Test)) {
    match filter {
        Filter::All(parts) if parts.is_empty() => sql.push("1 = 1"),
        Filter::Any(parts) if parts.is_empty() => sql.push("1 = 0"),
        Filter::All(parts) => write_joined(sql, parts, " AND ", each),
        Filter::Any(parts) => write_joined(sql, parts, " OR ", each),
        Filter::Not(part) => {
            // `IS NOT TRUE`, because a comparison with what is missing is neither.
            sql.push("(");
            write_filter(sql, part, each);
            sql.push(") IS NOT TRUE");
        }
        Filter::Is(key, test) => each(sql, key, test),
    }
}

fn write_joined<K>(sql: &mut Sql, parts: &[Filter<K>], word: &str, each: &dyn Fn(&mut Sql, &K, &Test)) {
    sql.push("(");
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            sql.push(word);
        }
        write_filter(sql, part, each);
    }
    sql.push(")");
}

pub(super) fn write_test(sql: &mut Sql, key: &Key, test: &Test) {
    match key {
        Key::Metric(name) => {
            let key = sql.text(name);
            write_member(
                sql,
                &format!("SELECT m.run FROM tracked_metric AS m WHERE m.key = {key}"),
                test,
                &Side::Metric,
            );
        }
        Key::Parameter(name) => write_pair(sql, "tracked_parameter", name, test),
        Key::Tag(name) => write_pair(sql, "tracked_tag", name, test),
        Key::Attribute(attribute) => match tag_of(*attribute) {
            Some(tag) => write_pair(sql, "tracked_tag", tag, test),
            None => write_column(sql, *attribute, test),
        },
        Key::Dataset(part) => {
            let from =
                "SELECT i.run FROM tracked_input AS i JOIN tracked_dataset AS d ON d.number = i.dataset WHERE 1 = 1";
            write_member(sql, from, test, &Side::Text { value: dataset_column(*part), head: None });
        }
    }
}

/// A parameter or tag: runs among those of a list that is read once.
fn write_pair(sql: &mut Sql, table: &str, name: &str, test: &Test) {
    let key = sql.text(name);
    let from = format!("SELECT t.run FROM {table} AS t WHERE t.key = {key}");
    write_member(sql, &from, test, &Side::Text { value: "t.value", head: Some("t.head") });
}

/// What a test looks at.
pub(super) enum Side {
    Metric,
    Text { value: &'static str, head: Option<&'static str> },
}

pub(super) fn write_member(sql: &mut Sql, from: &str, test: &Test, side: &Side) {
    let (is_member, is_none) = if sql.probing {
        let own = match side {
            Side::Metric => "m.run",
            Side::Text { head: Some(_), .. } => "t.run",
            Side::Text { head: None, .. } => "i.run",
        };
        let from = format!("EXISTS ({from} AND {own} = r.number");
        (from.clone(), format!("NOT {from})"))
    } else {
        (format!("r.number IN ({from}"), format!("r.number NOT IN ({from})"))
    };
    if *test == Test::Absent {
        sql.push(&is_none);
        return;
    }
    sql.push(&is_member);
    if *test != Test::Present {
        sql.push(" AND ");
        match side {
            Side::Metric => write_number(sql, "m.value", test),
            Side::Text { value, head } => write_text(sql, value, *head, test),
        }
    }
    sql.push(")");
}

pub(super) fn write_number(sql: &mut Sql, value: &str, test: &Test) {
    let Test::Number(comparison, wanted) = test else {
        sql.push("1 = 0");
        return;
    };
    let place = sql.place(Owned::Double(*wanted));
    // What is not a number differs from every number.
    let tail = if *comparison == Comparison::NotEqual { format!(" OR {value} IS NULL") } else { String::new() };
    sql.push(&format!("({value} {} {place}{tail})", comparison.as_str()));
}

pub(super) fn write_text(sql: &mut Sql, value: &str, head: Option<&str>, test: &Test) {
    match test {
        Test::Equals(wanted) => {
            if let Some(head) = head {
                let place = sql.text(super::runs::head(wanted));
                sql.push(&format!("{head} = {place} AND "));
            }
            let place = sql.text(wanted);
            sql.push(&format!("{value} = {place}"));
        }
        Test::Differs(other) => {
            let place = sql.text(other);
            sql.push(&format!("{value} <> {place}"));
        }
        Test::In(all) | Test::NotIn(all) => {
            let places: Vec<String> = all.iter().map(|one| sql.text(one)).collect();
            let word = if matches!(test, Test::In(_)) { "IN" } else { "NOT IN" };
            if places.is_empty() {
                sql.push(if word == "IN" { "1 = 0" } else { "1 = 1" });
            } else {
                sql.push(&format!("{value} {word} ({})", places.join(", ")));
            }
        }
        Test::Like { pattern, fold_case } => {
            let pattern = if *fold_case { pattern.to_lowercase() } else { pattern.clone() };
            let place = sql.text(&pattern);
            let value = if *fold_case { format!("LOWER({value})") } else { value.to_owned() };
            // Without an escape character: PostgreSQL's own would be the backslash.
            let escape = if sql.postgres { " ESCAPE ''" } else { "" };
            sql.push(&format!("{value} LIKE {place}{escape}"));
        }
        Test::Number(comparison, wanted) => {
            let number = number_of(sql, value);
            let place = sql.place(Owned::Double(*wanted));
            sql.push(&format!("{number} {} {place}", comparison.as_str()));
        }
        Test::Present => sql.push(&format!("{value} IS NOT NULL")),
        Test::Absent => sql.push(&format!("{value} IS NULL")),
    }
}

/// A text read as a number, NULL where it is none.
pub(super) fn number_of(sql: &Sql, value: &str) -> String {
    if sql.postgres {
        return format!(
            "CASE WHEN {value} ~ '^\\s*[-+]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][-+]?[0-9]{{1,3}})?\\s*$' THEN CAST({value} AS DOUBLE PRECISION) END"
        );
    }
    // SQLite casts the longest beginning that is a number; a text that is one whole is the same after the cast.
    format!(
        "CASE WHEN TRIM({value}) <> '' AND TRIM({value}) NOT GLOB '*[^0-9.eE+-]*' AND TRIM({value}) GLOB '*[0-9]*' THEN CAST({value} AS REAL) END"
    )
}

fn write_column(sql: &mut Sql, attribute: Attribute, test: &Test) {
    if attribute.is_number() {
        let column = column(attribute);
        match test {
            Test::Number(comparison, wanted) => {
                let place = sql.place(Owned::Double(*wanted));
                sql.push(&format!("({column} IS NOT NULL AND {column} {} {place})", comparison.as_str()));
            }
            Test::Present => sql.push(&format!("{column} IS NOT NULL")),
            Test::Absent => sql.push(&format!("{column} IS NULL")),
            _ => sql.push("1 = 0"),
        }
        return;
    }
    sql.push("(");
    write_text(sql, &text_column(attribute), None, test);
    sql.push(")");
}

fn column(attribute: Attribute) -> &'static str {
    match attribute {
        Attribute::Id | Attribute::Command | Attribute::Note => "r.id",
        Attribute::Name => "r.name",
        Attribute::Status => "r.status",
        Attribute::User => "r.actor",
        Attribute::ArtifactUri => "r.artifacts",
        Attribute::Stage => "r.stage",
        Attribute::Experiment => "r.experiment",
        Attribute::Started => "r.started",
        Attribute::Ended => "r.ended",
    }
}

pub(super) fn text_column(attribute: Attribute) -> String {
    match attribute {
        Attribute::Experiment => "CAST(r.experiment AS TEXT)".to_owned(),
        other => column(other).to_owned(),
    }
}

/// Attributes that are kept as tags.
pub(super) fn tag_of(attribute: Attribute) -> Option<&'static str> {
    match attribute {
        Attribute::Command => Some("remuda.command"),
        Attribute::Note => Some("mlflow.note.content"),
        _ => None,
    }
}

fn dataset_column(part: DatasetPart) -> &'static str {
    match part {
        DatasetPart::Name => "d.name",
        DatasetPart::Digest => "d.digest",
        DatasetPart::Context => "i.context",
    }
}
