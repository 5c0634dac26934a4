//! Runs counted: by the value of a parameter with what a metric does in each group, and by experiment.

use super::runs::READ;
use super::search::{Owned, RunSearch, Sql, tag_of, text_column, value_of, write_conditions};
use super::writer::Tracker;
use crate::engine::{Row, Value};
use crate::error::Error;
use remuda_model::run::filter::Key;
use remuda_model::run::tracked::Stage;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Groups at most.
const GROUPS: usize = 500;

/// Runs that have the same value of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct RunGroup {
    /// The value; `None` for runs that have none.
    pub value: Option<String>,
    /// How many runs.
    pub runs: u64,
    /// How many of them have a finite number for the metric.
    pub measured: u64,
    /// The least of these numbers.
    pub least: Option<f64>,
    /// The greatest.
    pub greatest: Option<f64>,
    /// Their mean.
    pub mean: Option<f64>,
    /// Their variance (with n - 1); none of fewer than two.
    pub variance: Option<f64>,
    /// When the newest run of the group began, milliseconds since 1970.
    pub newest: i64,
}

/// Runs in groups.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grouped {
    /// The groups, the one with the best number first, at most 500.
    pub groups: Vec<RunGroup>,
    /// There are more.
    pub more: bool,
}

/// How many runs an experiment has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunCount {
    /// The experiment.
    pub experiment: i64,
    /// In which stage.
    pub stage: Stage,
    /// How many.
    pub runs: u64,
    /// When the newest began, milliseconds since 1970.
    pub newest: i64,
}

/// How long counts are believed: other processes count too.
const BELIEVED: Duration = Duration::from_secs(2);

/// The last counts of runs. A change by this process forgets them.
#[derive(Default)]
pub(super) struct Counts(Mutex<Option<(Instant, Vec<RunCount>)>>);

impl Counts {
    fn known(&self) -> Option<Vec<RunCount>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().filter(|(then, _)| then.elapsed() < BELIEVED).map(|(_, counts)| counts.clone())
    }

    fn keep(&self, counts: &[RunCount]) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), counts.to_vec()));
    }

    pub(super) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Tracker {
    /// The runs that are sought (order, page and limit apart), grouped by a parameter, a tag or an attribute, with the
    /// latest values of a metric. The groups with the greatest numbers come first, or those with the least.
    ///
    /// # Errors
    /// The database failed.
    pub async fn groups(
        &self,
        search: &RunSearch<'_>,
        by: &Key,
        metric: Option<&str>,
        greatest_first: bool,
    ) -> Result<Grouped, Error> {
        self.fold().await?;
        let middle = match metric {
            Some(metric) => self.middle(metric).await?,
            None => 0.0,
        };
        let mut sql = self.sql();
        write_groups(&mut sql, &self.product, search, by, metric, middle);
        let best = if greatest_first { "MAX(m.value) DESC" } else { "MIN(m.value)" };
        let ranked = if metric.is_some() {
            format!("CASE WHEN COUNT(m.value) = 0 THEN 1 ELSE 0 END, {best}, ")
        } else {
            String::new()
        };
        sql.push(&format!(" GROUP BY 1 ORDER BY {ranked}COUNT(*) DESC, 1 LIMIT {}", GROUPS + 1));
        let values: Vec<Value<'_>> = sql.values.iter().map(value_of).collect();
        let mut groups = self.ledger.pool.list(READ, sql.text, &values, |row| read(row, middle)).await?;
        let more = groups.len() > GROUPS;
        groups.truncate(GROUPS);
        Ok(Grouped { groups, more })
    }

    /// A number amid a metric's values. Squares are summed from there, so that they keep their digits.
    async fn middle(&self, metric: &str) -> Result<f64, Error> {
        const MIDDLE: &str =
            "SELECT AVG(value) FROM tracked_metric WHERE key = $1 AND value > -1e300 AND value < 1e300";
        let found = self.ledger.pool.first(READ, MIDDLE, &[Value::Text(metric)], |row| row.optional_double(0)).await?;
        Ok(found.flatten().filter(|middle| middle.is_finite()).unwrap_or_default())
    }

    /// How many runs each experiment has, by stage.
    ///
    /// # Errors
    /// The database failed.
    pub async fn run_counts(&self) -> Result<Vec<RunCount>, Error> {
        const COUNTS: &str = "SELECT experiment, stage, COUNT(*), MAX(started) FROM tracked_run WHERE product = $1 \
            GROUP BY experiment, stage ORDER BY experiment, stage";
        let count = |row: &Row| {
            Ok::<_, sqlx::Error>(RunCount {
                experiment: row.integer(0)?,
                stage: Stage::read(&row.text(1)?),
                runs: row.integer(2)?.cast_unsigned(),
                newest: row.integer(3)?,
            })
        };
        if let Some(counts) = self.counts.known() {
            return Ok(counts);
        }
        let counts = self.ledger.pool.list(READ, COUNTS, &[Value::Text(&self.product)], count).await?;
        self.counts.keep(&counts);
        Ok(counts)
    }
}

fn write_groups(sql: &mut Sql, product: &str, search: &RunSearch<'_>, by: &Key, metric: Option<&str>, middle: f64) {
    let pair = |table: &str, key: String| {
        (format!(" LEFT JOIN {table} AS g ON g.run = r.number AND g.key = {key}"), "g.value".to_owned())
    };
    let (join, value) = match by {
        Key::Parameter(name) => pair("tracked_parameter", sql.text(name)),
        Key::Tag(name) => pair("tracked_tag", sql.text(name)),
        Key::Attribute(attribute) => match tag_of(*attribute) {
            Some(tag) => pair("tracked_tag", sql.text(tag)),
            None => (String::new(), format!("CAST({} AS TEXT)", text_column(*attribute))),
        },
        Key::Metric(_) | Key::Dataset(_) => (String::new(), "CAST(NULL AS TEXT)".to_owned()),
    };
    let numbers = match metric {
        Some(name) => {
            let key = sql.text(name);
            format!(
                " LEFT JOIN tracked_metric AS m ON m.run = r.number AND m.key = {key} AND m.value > -1e300 AND m.value < 1e300"
            )
        }
        None => String::new(),
    };
    let columns = if metric.is_some() {
        let middle = sql.place(Owned::Double(middle));
        format!(
            "COUNT(m.value), MIN(m.value), MAX(m.value), SUM(m.value - {middle}), SUM((m.value - {middle}) * (m.value - {middle}))"
        )
    } else {
        let nothing = "CAST(NULL AS DOUBLE PRECISION)";
        format!("CAST(0 AS BIGINT), {nothing}, {nothing}, {nothing}, {nothing}")
    };
    sql.push(&format!(
        "SELECT {value}, COUNT(*), MAX(r.started), {columns} FROM tracked_run AS r{join}{numbers} WHERE "
    ));
    write_conditions(sql, product, search);
}

fn read(row: &Row, middle: f64) -> Result<RunGroup, sqlx::Error> {
    let measured = row.integer(3)?.cast_unsigned();
    let n = measured as f64;
    let sum = row.optional_double(6)?;
    let squares = row.optional_double(7)?;
    let mean = sum.map(|sum| middle + sum / n).filter(|mean| mean.is_finite());
    let variance = sum.zip(squares).filter(|_| measured > 1);
    let variance = variance.map(|(sum, squares)| ((squares - sum * sum / n) / (n - 1.0)).max(0.0));
    Ok(RunGroup {
        value: row.optional_text(0)?,
        runs: row.integer(1)?.cast_unsigned(),
        newest: row.integer(2)?,
        measured,
        least: row.optional_double(4)?,
        greatest: row.optional_double(5)?,
        mean,
        variance: variance.filter(|variance| variance.is_finite()),
    })
}
