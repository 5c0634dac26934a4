//! Outcomes: written by an append, joined to predictions by id. The newest outcome of a prediction counts: the one that
//! was observed last, or received last where no time of observation was told.

use crate::Ledger;
use crate::bulk::OutcomeRecord;
use crate::engine::{Row, Transaction, Value, lists};
use crate::error::Error;
use crate::metrics::PAGE;
use crate::predictions::{Window, bucket, pages};
use futures::TryStreamExt as _;
use futures::stream::BoxStream;
use remuda_model::feedback::Outcome;
use std::collections::HashMap;

/// A prediction and what really happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Joined {
    /// The prediction's id.
    pub prediction: String,
    /// The release's digest.
    pub release: String,
    /// The label predicted.
    pub label: String,
    /// The score given; NaN if the model gave none.
    pub score: f64,
    /// What really happened.
    pub outcome: String,
    /// When it was predicted, microseconds since 1970, UTC.
    pub time: i64,
    /// When it happened or was seen, if the file said so.
    pub observed: Option<i64>,
    /// When the outcome was received.
    pub received: i64,
}

/// How often a release predicted a label where something else, or the same, really happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionCount {
    /// The release's digest.
    pub release: String,
    /// Where the bucket begins, microseconds since 1970, UTC.
    pub bucket: i64,
    /// The label predicted.
    pub label: String,
    /// What really happened.
    pub outcome: String,
    /// How often.
    pub count: i64,
}

/// The outcomes of one fact, after a position, in order.
pub(crate) const OF_FACT: &str = "SELECT prediction, value, observed, received, position FROM outcome \
    WHERE product = $1 AND sequence = $2 AND position > $3 ORDER BY position LIMIT $4";

/// Joins the newest outcome to each prediction `p`; goes before the window's conditions. `CROSS JOIN` steers SQLite, which
/// knows nothing of the tables' sizes: it keeps predictions the outer loop, in the order of their index, so that a page
/// costs a page.
const NEWEST_OUTCOME: &str = "CROSS JOIN outcome o WHERE o.product = p.product AND o.prediction = p.id \
    AND NOT EXISTS (SELECT 1 FROM outcome n WHERE n.product = o.product AND n.prediction = o.prediction \
    AND (COALESCE(n.observed, n.received), n.sequence, n.position) \
    > (COALESCE(o.observed, o.received), o.sequence, o.position))";

pub(crate) fn read(row: &Row) -> Result<OutcomeRecord, sqlx::Error> {
    let outcome = Outcome { prediction: row.text(0)?, value: row.text(1)?, observed: row.optional_integer(2)? };
    Ok(OutcomeRecord { outcome, received: row.integer(3)? })
}

/// Inserts outcomes; gives how many say something that was not said before.
pub(crate) async fn insert(
    transaction: &mut Transaction,
    product: &str,
    sequence: i64,
    rows: &[OutcomeRecord],
) -> Result<u64, sqlx::Error> {
    const INSERT: &str = "INSERT INTO outcome (product, sequence, position, prediction, value, observed, received)";
    let mut inserted = 0;
    let mut position = 0;
    // Slices bound the memory that the values take.
    for slice in rows.chunks(4096) {
        let mut values = Vec::with_capacity(slice.len() * 7);
        for row in slice {
            values.extend([
                Value::Text(product),
                Value::Integer(sequence),
                Value::Integer(position),
                Value::Text(&row.outcome.prediction),
                Value::Text(&row.outcome.value),
                Value::OptionalInteger(row.outcome.observed),
                Value::Integer(row.received),
            ]);
            position += 1;
        }
        inserted += transaction.insert(INSERT, 7, &values, " ON CONFLICT DO NOTHING").await?;
    }
    Ok(inserted)
}

impl Ledger {
    /// All outcomes of a prediction, in the order of their observation (or else receipt): the last one counts.
    ///
    /// # Errors
    /// The database failed.
    pub async fn outcomes_of(&self, product: &str, prediction: &str) -> Result<Vec<OutcomeRecord>, Error> {
        const OUTCOMES: &str = "SELECT prediction, value, observed, received FROM outcome \
            WHERE product = $1 AND prediction = $2 \
            ORDER BY COALESCE(observed, received), sequence, position";
        let values = [Value::Text(product), Value::Text(prediction)];
        self.pool.list("read outcomes", OUTCOMES, &values, read).await
    }

    /// All outcomes of many predictions, each's in the order of [`Ledger::outcomes_of`]: the last one counts. A prediction without an outcome has
    /// no entry. Costs a query per some thousand ids.
    ///
    /// # Errors
    /// The database failed.
    pub async fn outcomes_of_many(
        &self,
        product: &str,
        predictions: &[&str],
    ) -> Result<HashMap<String, Vec<OutcomeRecord>>, Error> {
        let text = format!(
            "SELECT o.prediction, o.value, o.observed, o.received FROM {} CROSS JOIN outcome o \
             WHERE o.product = $1 AND o.prediction = asked.id \
             ORDER BY COALESCE(o.observed, o.received), o.sequence, o.position",
            self.pool.asked()
        );
        let mut found: HashMap<String, Vec<OutcomeRecord>> = HashMap::new();
        for ids in lists(predictions) {
            let values = [Value::Text(product), Value::Text(&ids)];
            for record in self.pool.list("read outcomes", text.clone(), &values, read).await? {
                found.entry(record.outcome.prediction.clone()).or_default().push(record);
            }
        }
        Ok(found)
    }

    /// Outcomes whose prediction is not in the ledger (yet).
    ///
    /// # Errors
    /// The database failed.
    pub async fn unmatched_outcomes(&self, product: &str) -> Result<i64, Error> {
        const UNMATCHED: &str = "SELECT CAST(COUNT(DISTINCT o.prediction) AS BIGINT) FROM outcome o \
            WHERE o.product = $1 AND NOT EXISTS \
            (SELECT 1 FROM prediction p WHERE p.product = o.product AND p.id = o.prediction)";
        let count = self.pool.first("count outcomes", UNMATCHED, &[Value::Text(product)], |row| row.integer(0)).await?;
        Ok(count.unwrap_or_default())
    }

    /// The predictions of a window whose outcome is known, the newest prediction first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn joined(&self, window: &Window) -> Result<Vec<Joined>, Error> {
        self.joined_stream(window).try_collect().await
    }

    /// [`Ledger::joined`], read page by page.
    pub fn joined_stream(&self, window: &Window) -> BoxStream<'static, Result<Joined, Error>> {
        let ledger = self.clone();
        let window = window.clone();
        pages(window.end(), move |place| {
            let (ledger, window) = (ledger.clone(), window.clone());
            async move {
                let conditions = window.before(place);
                let text = format!(
                    "SELECT p.id, p.release, p.label, p.score, o.value, p.time, o.observed, o.received, \
                     p.sequence, p.position FROM prediction p {NEWEST_OUTCOME} AND {} \
                     ORDER BY p.time DESC, p.sequence DESC, p.position DESC LIMIT {PAGE}",
                    conditions.text
                );
                ledger.pool.list("join outcomes to predictions", text, &conditions.values, read_joined).await
            }
        })
    }

    /// Labels against outcomes per release and bucket of `width` microseconds of the prediction's time (0: one bucket),
    /// ordered by bucket, release, label and outcome.
    ///
    /// # Errors
    /// The database failed.
    pub async fn confusion(&self, window: &Window, width: i64) -> Result<Vec<ConfusionCount>, Error> {
        let mut conditions = window.conditions();
        let bucket = bucket(&mut conditions, width);
        let text = format!(
            "SELECT p.release, {bucket} AS bucket, p.label, o.value, CAST(COUNT(*) AS BIGINT) \
             FROM prediction p {NEWEST_OUTCOME} AND {} GROUP BY p.release, bucket, p.label, o.value",
            conditions.text
        );
        let read = |row: &Row| {
            Ok(ConfusionCount {
                release: row.text(0)?,
                bucket: row.integer(1)?,
                label: row.text(2)?,
                outcome: row.text(3)?,
                count: row.integer(4)?,
            })
        };
        let mut counts = self.pool.list("count outcomes by label", text, &conditions.values, read).await?;
        // Ordered here: a database orders labels by its own language.
        counts.sort_by(|a, b| {
            (a.bucket, &a.release, &a.label, &a.outcome).cmp(&(b.bucket, &b.release, &b.label, &b.outcome))
        });
        Ok(counts)
    }
}

fn read_joined(row: &Row) -> Result<(Joined, (i64, i64, i64)), sqlx::Error> {
    let time = row.integer(5)?;
    let joined = Joined {
        prediction: row.text(0)?,
        release: row.text(1)?,
        label: row.text(2)?,
        score: row.optional_double(3)?.unwrap_or(f64::NAN),
        outcome: row.text(4)?,
        time,
        observed: row.optional_integer(6)?,
        received: row.integer(7)?,
    };
    Ok((joined, (time, row.integer(8)?, row.integer(9)?)))
}
