//! Histories of metrics: points in the order in which they came, read part by part.

use super::block;
use super::fold::missing_run;
use super::runs::READ;
use super::writer::Tracker;
use crate::engine::{Row, Value};
use crate::error::Error;
use remuda_model::run::tracked::Point;

/// Where a page of a history begins: behind so many points of a part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HistoryPlace {
    /// The part.
    pub part: i64,
    /// Points of it that were read already.
    pub offset: usize,
}

/// A page of a history.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HistoryPage {
    /// The points.
    pub points: Vec<Point>,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<HistoryPlace>,
}

/// Parts that are read at once.
const PARTS: i64 = 16;

fn read(row: &Row) -> Result<(i64, Vec<u8>), sqlx::Error> {
    Ok((row.integer(0)?, row.bytes(1)?))
}

impl Tracker {
    /// Points of a metric, at most `limit`, in the order in which they came.
    ///
    /// # Errors
    /// The run is missing, or the database failed.
    pub async fn history(&self, run: &str, key: &str, from: HistoryPlace, limit: usize) -> Result<HistoryPage, Error> {
        let number = self.folded(run).await?;
        const SOME: &str =
            "SELECT part, points FROM tracked_part WHERE run = $1 AND key = $2 AND part >= $3 ORDER BY part LIMIT $4";
        let mut page = HistoryPage::default();
        let mut place = from;
        loop {
            let values = [Value::Integer(number), Value::Text(key), Value::Integer(place.part), Value::Integer(PARTS)];
            let parts = self.ledger.pool.list(READ, SOME, &values, read).await?;
            let last = (parts.len() as i64) < PARTS;
            for (part, bytes) in parts {
                let points = block::decode(&bytes)?;
                let skipped = if part == place.part { place.offset } else { 0 };
                let room = limit - page.points.len();
                let rest = points.len().saturating_sub(skipped);
                if rest > room {
                    page.points.extend(points.into_iter().skip(skipped).take(room));
                    page.next = Some(HistoryPlace { part, offset: skipped + room });
                    return Ok(page);
                }
                page.points.extend(points.into_iter().skip(skipped));
                place = HistoryPlace { part: part + 1, offset: 0 };
            }
            if last {
                return Ok(page);
            }
        }
    }

    /// The whole history of a metric, handed out part by part, so that a long one is never in memory at once. `each` ends
    /// it by answering false.
    ///
    /// # Errors
    /// The run is missing, or the database failed.
    pub async fn walk_history(
        &self,
        run: &str,
        key: &str,
        mut each: impl FnMut(Vec<Point>) -> bool + Send,
    ) -> Result<(), Error> {
        let number = self.folded(run).await?;
        const SOME: &str =
            "SELECT part, points FROM tracked_part WHERE run = $1 AND key = $2 AND part > $3 ORDER BY part LIMIT $4";
        let mut after = -1;
        loop {
            let values = [Value::Integer(number), Value::Text(key), Value::Integer(after), Value::Integer(PARTS)];
            let parts = self.ledger.pool.list(READ, SOME, &values, read).await?;
            let last = (parts.len() as i64) < PARTS;
            for (part, bytes) in parts {
                if !each(block::decode(&bytes)?) {
                    return Ok(());
                }
                after = part;
            }
            if last {
                return Ok(());
            }
        }
    }

    /// The run's number, with nothing of it left in the journal.
    async fn folded(&self, run: &str) -> Result<i64, Error> {
        const NUMBER: &str = "SELECT number FROM tracked_run WHERE product = $1 AND id = $2";
        const LOOSE: &str = "SELECT sequence FROM tracked_journal WHERE run = $1 LIMIT 1";
        let values = [Value::Text(&self.product), Value::Text(run)];
        let number = self.ledger.pool.first(READ, NUMBER, &values, |row| row.integer(0)).await?;
        let number = number.ok_or_else(|| missing_run(run))?;
        let loose = self.ledger.pool.first(READ, LOOSE, &[Value::Integer(number)], |row| row.integer(0)).await?;
        if loose.is_some() {
            self.fold().await?;
        }
        Ok(number)
    }
}
