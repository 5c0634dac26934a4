//! The prediction log: written by an append; its labels counted, and streamed for drift. Traffic lives in `tally.rs`.

use crate::Ledger;
use crate::engine::{Conditions, Row, Transaction, Value, lists};
use crate::error::Error;
use crate::metrics::{PAGE, storable};
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use remuda_model::serving::PredictionRecord;
use std::collections::HashSet;

/// Which predictions: those of a product, of one release or all, in a span of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The product.
    pub product: String,
    /// The release's digest, or all releases.
    pub release: Option<String>,
    /// From this time on, microseconds since 1970, UTC.
    pub since: i64,
    /// Before this time.
    pub until: i64,
    /// One prediction in so many, evenly over the log: a sample that does not depend on what they say. 1: all.
    pub every: i64,
}

impl Window {
    /// Everything of a product.
    pub fn all(product: &str) -> Self {
        Self { product: product.to_owned(), release: None, since: 0, until: i64::MAX, every: 1 }
    }

    /// The conditions of a query over table `prediction` under the name `p`.
    pub(crate) fn conditions(&self) -> Conditions<'_> {
        let mut conditions = self.open_conditions();
        conditions.and("p.time <", Value::Integer(self.until));
        conditions
    }

    /// The conditions of a page before a place, which stands for the end of the window too: SQLite uses one upper
    /// bound of an index, and must not choose the wrong one.
    pub(crate) fn before(&self, place: Place) -> Conditions<'_> {
        let mut conditions = self.open_conditions();
        let places = [place.0, place.1, place.2].map(|number| conditions.place(Value::Integer(number)));
        conditions.text.push_str(&format!(" AND (p.time, p.sequence, p.position) < ({})", places.join(", ")));
        conditions
    }

    /// The place where the newest of the window end.
    pub(crate) fn end(&self) -> Place {
        (self.until, i64::MIN, i64::MIN)
    }

    fn open_conditions(&self) -> Conditions<'_> {
        let mut conditions = Conditions::default();
        conditions.and("p.product =", Value::Text(&self.product));
        if let Some(release) = &self.release {
            conditions.and("p.release =", Value::Text(release));
        }
        conditions.and("p.time >=", Value::Integer(self.since));
        if self.every > 1 {
            let every = conditions.place(Value::Integer(self.every));
            conditions.text.push_str(&format!(" AND (p.sequence + p.position) % {every} = 0"));
        }
        conditions
    }
}

/// How often a release gave a label in one bucket of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelCount {
    /// The release's digest.
    pub release: String,
    /// Where the bucket begins, microseconds since 1970, UTC.
    pub bucket: i64,
    /// The label.
    pub label: String,
    /// How often.
    pub count: i64,
}

const COLUMNS: &str = "p.id, p.release, p.time, p.label, p.score, p.inputs, p.microseconds, p.sequence, p.position";

/// The predictions of one fact, after a position, in order.
pub(crate) const OF_FACT: &str = "SELECT id, release, time, label, score, inputs, microseconds, position \
    FROM prediction WHERE product = $1 AND sequence = $2 AND position > $3 ORDER BY position LIMIT $4";

pub(crate) fn read(row: &Row) -> Result<PredictionRecord, sqlx::Error> {
    Ok(PredictionRecord {
        id: row.text(0)?,
        release: row.text(1)?,
        time: row.integer(2)?,
        label: row.text(3)?,
        score: row.optional_double(4)?.unwrap_or(f64::NAN),
        inputs: row.text(5)?,
        microseconds: row.integer(6)?,
    })
}

/// Inserts predictions; gives how many were not there before.
pub(crate) async fn insert(
    transaction: &mut Transaction,
    product: &str,
    sequence: i64,
    rows: &[PredictionRecord],
) -> Result<u64, sqlx::Error> {
    const INSERT: &str = "INSERT INTO prediction \
        (product, id, sequence, position, release, time, label, score, inputs, microseconds)";
    let mut inserted = 0;
    let mut position = 0;
    // Slices bound the memory that the values take.
    for slice in rows.chunks(4096) {
        let mut values = Vec::with_capacity(slice.len() * 10);
        for row in slice {
            values.extend([
                Value::Text(product),
                Value::Text(&row.id),
                Value::Integer(sequence),
                Value::Integer(position),
                Value::Text(&row.release),
                Value::Integer(row.time),
                Value::Text(&row.label),
                storable(row.score),
                Value::Text(&row.inputs),
                Value::Integer(row.microseconds),
            ]);
            position += 1;
        }
        inserted += transaction.insert(INSERT, 10, &values, " ON CONFLICT DO NOTHING").await?;
    }
    Ok(inserted)
}

/// The place of a row in the order of time: time, sequence, position.
pub(crate) type Place = (i64, i64, i64);

impl Ledger {
    /// The prediction with this id.
    ///
    /// # Errors
    /// The database failed.
    pub async fn prediction(&self, product: &str, id: &str) -> Result<Option<PredictionRecord>, Error> {
        const PREDICTION: &str = "SELECT id, release, time, label, score, inputs, microseconds \
            FROM prediction WHERE product = $1 AND id = $2";
        let values = [Value::Text(product), Value::Text(id)];
        self.pool.first("read a prediction", PREDICTION, &values, read).await
    }

    /// Which of these ids are predictions. Costs a query per some thousand ids.
    ///
    /// # Errors
    /// The database failed.
    pub async fn known_predictions(&self, product: &str, ids: &[&str]) -> Result<HashSet<String>, Error> {
        let text = format!(
            "SELECT p.id FROM {} CROSS JOIN prediction p WHERE p.product = $1 AND p.id = asked.id",
            self.pool.asked()
        );
        let mut known = HashSet::new();
        for ids in lists(ids) {
            let values = [Value::Text(product), Value::Text(&ids)];
            known.extend(self.pool.list("find predictions", text.clone(), &values, |row| row.text(0)).await?);
        }
        Ok(known)
    }

    /// The sequence of the fact that brought a prediction in.
    ///
    /// # Errors
    /// The database failed.
    pub async fn prediction_sequence(&self, product: &str, id: &str) -> Result<Option<i64>, Error> {
        const SEQUENCE: &str = "SELECT sequence FROM prediction WHERE product = $1 AND id = $2";
        let values = [Value::Text(product), Value::Text(id)];
        self.pool.first("find a prediction's fact", SEQUENCE, &values, |row| row.integer(0)).await
    }

    /// Labels per release and bucket of `width` microseconds (0: one bucket), ordered by bucket, release and label.
    ///
    /// # Errors
    /// The database failed.
    pub async fn label_counts(&self, window: &Window, width: i64) -> Result<Vec<LabelCount>, Error> {
        let mut conditions = window.conditions();
        let bucket = bucket(&mut conditions, width);
        let text = format!(
            "SELECT p.release, {bucket} AS bucket, p.label, CAST(COUNT(*) AS BIGINT) \
             FROM prediction p WHERE {} GROUP BY p.release, bucket, p.label",
            conditions.text
        );
        let read = |row: &Row| {
            Ok(LabelCount {
                release: row.text(0)?,
                bucket: row.integer(1)?,
                label: row.text(2)?,
                count: row.integer(3)?,
            })
        };
        let mut counts = self.pool.list("count labels", text, &conditions.values, read).await?;
        // Ordered here: a database orders labels by its own language.
        counts.sort_by(|a, b| (a.bucket, &a.release, &a.label).cmp(&(b.bucket, &b.release, &b.label)));
        Ok(counts)
    }

    /// The predictions of a window, the newest first, at most `limit`.
    ///
    /// # Errors
    /// The database failed.
    pub async fn predictions(&self, window: &Window, limit: usize) -> Result<Vec<PredictionRecord>, Error> {
        self.prediction_stream(window).take(limit).try_collect().await
    }

    /// The predictions of a window, the newest first, read page by page: memory stays small and no connection is held
    /// between pages. Rows that arrive meanwhile may or may not appear.
    pub fn prediction_stream(&self, window: &Window) -> BoxStream<'static, Result<PredictionRecord, Error>> {
        let ledger = self.clone();
        let window = window.clone();
        pages(window.end(), move |place| {
            let (ledger, window) = (ledger.clone(), window.clone());
            async move {
                let conditions = window.before(place);
                let text = format!(
                    "SELECT {COLUMNS} FROM prediction p WHERE {} \
                     ORDER BY p.time DESC, p.sequence DESC, p.position DESC LIMIT {PAGE}",
                    conditions.text
                );
                let with_place = |row: &Row| Ok((read(row)?, (row.integer(2)?, row.integer(7)?, row.integer(8)?)));
                ledger.pool.list("read predictions", text, &conditions.values, with_place).await
            }
        })
    }
}

/// The bucket that a prediction falls into, as SQL; times are never negative, so division rounds down in both engines.
pub(crate) fn bucket(conditions: &mut Conditions<'_>, width: i64) -> String {
    let width = if width <= 0 { i64::MAX } else { width };
    let place = conditions.place(Value::Integer(width));
    format!("(p.time / CAST({place} AS BIGINT)) * CAST({place} AS BIGINT)")
}

/// Rows read page by page, each page from the place of the last row before it.
pub(crate) fn pages<T, F>(
    start: Place,
    page: impl Fn(Place) -> F + Send + 'static,
) -> BoxStream<'static, Result<T, Error>>
where
    T: Send + 'static,
    F: Future<Output = Result<Vec<(T, Place)>, Error>> + Send + 'static,
{
    let stream = futures::stream::try_unfold(Some(start), move |place| {
        let next = place.map(&page);
        async move {
            let Some(next) = next else { return Ok(None) };
            let rows = next.await?;
            let Some(last) = rows.last().map(|(_, place)| *place) else { return Ok(None) };
            let more = if (rows.len() as i64) < PAGE { None } else { Some(last) };
            let rows = futures::stream::iter(rows.into_iter().map(|(row, _)| Ok(row)));
            Ok::<_, Error>(Some((rows, more)))
        }
    });
    stream.try_flatten().boxed()
}
