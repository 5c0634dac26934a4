//! Traffic: predictions and outcomes counted per release and minute, kept up to date by every append, so that a month of
//! heavy traffic is read in milliseconds. Derived from the bulk rows; `ledger verify` counts them again.

use crate::Ledger;
use crate::engine::{Conditions, Row, Transaction, Value};
use crate::error::Error;
use crate::predictions::Window;

/// Microseconds to a minute.
pub const MINUTE: i64 = 60_000_000;

/// How many predictions a release made, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseCount {
    /// The release's digest.
    pub release: String,
    /// Its predictions.
    pub count: i64,
    /// Those of them that have an outcome.
    pub outcomes: i64,
    /// Time of the first, microseconds since 1970, UTC.
    pub first: i64,
    /// Time of the last.
    pub last: i64,
}

/// Traffic of one release in one bucket of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Traffic {
    /// The release's digest.
    pub release: String,
    /// Where the bucket begins, microseconds since 1970, UTC: a multiple of its width.
    pub bucket: i64,
    /// Predictions in it.
    pub count: i64,
    /// Those of them that have an outcome.
    pub outcomes: i64,
    /// Mean time to answer, in microseconds.
    pub mean_microseconds: f64,
    /// Longest time to answer, in microseconds.
    pub maximum_microseconds: i64,
}

/// What a batch adds to the counts it meets.
const ADD: &str = "ON CONFLICT (product, release, minute) DO UPDATE SET \
    predictions = tally.predictions + excluded.predictions, outcomes = tally.outcomes + excluded.outcomes, \
    microseconds = tally.microseconds + excluded.microseconds, \
    slowest = CASE WHEN excluded.slowest > tally.slowest THEN excluded.slowest ELSE tally.slowest END, \
    first = CASE WHEN excluded.first < tally.first THEN excluded.first ELSE tally.first END, \
    last = CASE WHEN excluded.last > tally.last THEN excluded.last ELSE tally.last END";

/// The counts of predictions `p`, without `FROM`.
const COUNT: &str = "SELECT p.product, p.release, (p.time / 60000000) * 60000000 AS minute, \
    CAST(COUNT(*) AS BIGINT) AS predictions, CAST(SUM(CASE WHEN EXISTS (SELECT 1 FROM outcome o \
    WHERE o.product = p.product AND o.prediction = p.id) THEN 1 ELSE 0 END) AS BIGINT) AS outcomes, \
    CAST(SUM(p.microseconds) AS BIGINT) AS microseconds, MAX(p.microseconds) AS slowest, \
    MIN(p.time) AS first, MAX(p.time) AS last";

const COLUMNS: &str = "product, release, minute, predictions, outcomes, microseconds, slowest, first, last";

/// Counts the predictions that a fact brought in.
pub(crate) async fn add_predictions(
    transaction: &mut Transaction,
    product: &str,
    sequence: i64,
) -> Result<(), sqlx::Error> {
    let text = format!(
        "INSERT INTO tally ({COLUMNS}) {COUNT} FROM prediction p WHERE p.product = $1 AND p.sequence = $2 \
         GROUP BY p.product, p.release, minute {ADD}"
    );
    transaction.execute(text, &[Value::Text(product), Value::Integer(sequence)]).await.map(|_| ())
}

/// Counts the predictions whose first outcome a fact brought in.
pub(crate) async fn add_outcomes(
    transaction: &mut Transaction,
    product: &str,
    sequence: i64,
) -> Result<(), sqlx::Error> {
    // `CROSS JOIN` and `+ 0` steer SQLite as in `outcomes.rs`.
    let text = format!(
        "INSERT INTO tally ({COLUMNS}) SELECT p.product, p.release, (p.time / 60000000) * 60000000 AS minute, 0, \
         CAST(COUNT(*) AS BIGINT), 0, 0, MIN(p.time), MAX(p.time) \
         FROM (SELECT DISTINCT prediction FROM outcome WHERE product = $1 AND sequence = $2) AS fresh \
         CROSS JOIN prediction p WHERE p.product = $1 AND p.id = fresh.prediction AND NOT EXISTS \
         (SELECT 1 FROM outcome o WHERE o.product = p.product AND o.prediction = p.id AND o.sequence + 0 < $2) \
         GROUP BY p.product, p.release, minute {ADD}"
    );
    transaction.execute(text, &[Value::Text(product), Value::Integer(sequence)]).await.map(|_| ())
}

/// Rows in which the counts differ from what the predictions say: the release and the minute of some of them.
pub(crate) async fn differences(pool: &crate::engine::Pool, product: &str) -> Result<Vec<(String, i64)>, Error> {
    let kept = format!("SELECT {COLUMNS} FROM tally WHERE product = $1");
    let counted = format!("{COUNT} FROM prediction p WHERE p.product = $1 GROUP BY p.product, p.release, minute");
    let text = format!(
        "SELECT release, minute FROM (SELECT * FROM ({kept}) AS a EXCEPT SELECT * FROM ({counted}) AS b) AS surplus \
         UNION SELECT release, minute FROM (SELECT * FROM ({counted}) AS c EXCEPT SELECT * FROM ({kept}) AS d) AS lack \
         ORDER BY 1, 2 LIMIT 10"
    );
    pool.list("count traffic again", text, &[Value::Text(product)], |row| Ok((row.text(0)?, row.integer(1)?))).await
}

impl Ledger {
    /// The predictions of each release that made any, ordered by release.
    ///
    /// # Errors
    /// The database failed.
    pub async fn prediction_counts(&self, product: &str) -> Result<Vec<ReleaseCount>, Error> {
        const COUNTS: &str = "SELECT release, CAST(SUM(predictions) AS BIGINT), CAST(SUM(outcomes) AS BIGINT), \
            MIN(first), MAX(last) FROM tally WHERE product = $1 GROUP BY release ORDER BY release";
        let read = |row: &Row| {
            Ok(ReleaseCount {
                release: row.text(0)?,
                count: row.integer(1)?,
                outcomes: row.integer(2)?,
                first: row.integer(3)?,
                last: row.integer(4)?,
            })
        };
        self.pool.list("count predictions", COUNTS, &[Value::Text(product)], read).await
    }

    /// Traffic per release and bucket of `width` microseconds (0: one bucket), ordered by bucket and release. Buckets
    /// without predictions are absent. Counts are kept by minute: the width is taken as whole minutes, the window as
    /// all minutes it touches.
    ///
    /// # Errors
    /// The database failed.
    pub async fn traffic(&self, window: &Window, width: i64) -> Result<Vec<Traffic>, Error> {
        let width = if width <= 0 { i64::MAX } else { (width / MINUTE).max(1) * MINUTE };
        let mut conditions = Conditions::default();
        conditions.and("product =", Value::Text(&window.product));
        if let Some(release) = &window.release {
            conditions.and("release =", Value::Text(release));
        }
        conditions.and("minute >", Value::Integer(window.since.saturating_sub(MINUTE)));
        conditions.and("minute <", Value::Integer(window.until));
        let place = conditions.place(Value::Integer(width));
        let text = format!(
            "SELECT release, (minute / CAST({place} AS BIGINT)) * CAST({place} AS BIGINT) AS bucket, \
             CAST(SUM(predictions) AS BIGINT), CAST(SUM(outcomes) AS BIGINT), \
             CAST(SUM(microseconds) AS DOUBLE PRECISION) / SUM(predictions), MAX(slowest) \
             FROM tally WHERE {} GROUP BY release, bucket ORDER BY bucket, release",
            conditions.text
        );
        let read = |row: &Row| {
            Ok(Traffic {
                release: row.text(0)?,
                bucket: row.integer(1)?,
                count: row.integer(2)?,
                outcomes: row.integer(3)?,
                mean_microseconds: row.double(4)?,
                maximum_microseconds: row.integer(5)?,
            })
        };
        self.pool.list("count traffic", text, &conditions.values, read).await
    }
}
