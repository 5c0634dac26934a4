//! Bulk rows (metric points, predictions, outcomes) and the digests by which they enter the hash chain.
//!
//! The first fact of an append brings its bulk rows in: the ledger adds a link to it whose target is the digest over
//! the new rows, in the order in which they were inserted. So a changed, removed or added bulk row shows although it
//! carries no hash of its own. Metric points may come without a fact (a training script logs thousands); a later fact
//! seals them, such as the one that ends the run.

use remuda_model::Digest;
use remuda_model::feedback::Outcome;
use remuda_model::serving::PredictionRecord;

/// Kind of the link whose target is the digest over a fact's predictions.
pub const BULK_PREDICTIONS: &str = "bulk.predictions";
/// Kind of the link whose target is the digest over a fact's outcomes.
pub const BULK_OUTCOMES: &str = "bulk.outcomes";
/// Kind of the link whose target is the digest over a fact's metric points.
pub const BULK_METRIC_POINTS: &str = "bulk.metric_points";
/// Kind of the link that seals the metric points of a run which came without a fact. Its target is
/// `RUN/COUNT/DIGEST`: the digest over the first COUNT of them.
pub const SEALED_METRIC_POINTS: &str = "sealed.metric_points";

/// One value of a metric while a run goes on.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricPoint {
    /// The run's id.
    pub run: String,
    /// The metric's name.
    pub name: String,
    /// The training step, from the script.
    pub step: i64,
    /// Microseconds since 1970, UTC.
    pub time: i64,
    /// The value; may be infinite or NaN.
    pub value: f64,
}

/// One outcome and when it reached us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutcomeRecord {
    /// What really happened, and to which prediction.
    pub outcome: Outcome,
    /// When it was received, microseconds since 1970, UTC.
    pub received: i64,
}

impl OutcomeRecord {
    /// The moment by which the newest of a prediction's outcomes is found: when it was seen, where the file says so,
    /// else when it reached us. Of two at the same moment, the one that was appended later is newer.
    pub fn moment(&self) -> i64 {
        self.outcome.observed.unwrap_or(self.received)
    }
}

/// A digest over rows that is built up row by row.
pub(crate) struct RowDigest(blake3::Hasher);

impl RowDigest {
    pub(crate) fn new(kind: &str) -> Self {
        let mut digest = Self(blake3::Hasher::new());
        digest.field(kind.as_bytes());
        digest
    }

    fn field(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    fn number(&mut self, number: i64) {
        self.field(&number.to_le_bytes());
    }

    /// NaN has many bit patterns and zero has two; each counts as one value, since a database may store either.
    fn double(&mut self, number: f64) {
        let bits = if number.is_nan() { f64::NAN.to_bits() } else { (number + 0.0).to_bits() };
        self.field(&bits.to_le_bytes());
    }

    pub(crate) fn prediction(&mut self, row: &PredictionRecord) {
        self.field(row.id.as_bytes());
        self.field(row.release.as_bytes());
        self.number(row.time);
        self.field(row.label.as_bytes());
        self.double(row.score);
        self.field(row.inputs.as_bytes());
        self.number(row.microseconds);
    }

    pub(crate) fn outcome(&mut self, row: &OutcomeRecord) {
        self.field(row.outcome.prediction.as_bytes());
        self.field(row.outcome.value.as_bytes());
        match row.outcome.observed {
            Some(time) => self.number(time),
            None => self.field(b""),
        }
        self.number(row.received);
    }

    pub(crate) fn metric_point(&mut self, row: &MetricPoint) {
        self.field(row.run.as_bytes());
        self.field(row.name.as_bytes());
        self.number(row.step);
        self.number(row.time);
        self.double(row.value);
    }

    pub(crate) fn finish(self) -> Digest {
        Digest::from_hash(self.0.finalize())
    }
}

/// The digest over predictions in this order: the target of a [`BULK_PREDICTIONS`] link.
pub fn digest_predictions<'a>(rows: impl IntoIterator<Item = &'a PredictionRecord>) -> Digest {
    let mut digest = RowDigest::new(BULK_PREDICTIONS);
    rows.into_iter().for_each(|row| digest.prediction(row));
    digest.finish()
}

/// The digest over outcomes in this order: the target of a [`BULK_OUTCOMES`] link.
pub fn digest_outcomes<'a>(rows: impl IntoIterator<Item = &'a OutcomeRecord>) -> Digest {
    let mut digest = RowDigest::new(BULK_OUTCOMES);
    rows.into_iter().for_each(|row| digest.outcome(row));
    digest.finish()
}

/// The digest over metric points in this order: the target of a [`BULK_METRIC_POINTS`] link.
pub fn digest_metric_points<'a>(rows: impl IntoIterator<Item = &'a MetricPoint>) -> Digest {
    let mut digest = RowDigest::new(BULK_METRIC_POINTS);
    rows.into_iter().for_each(|row| digest.metric_point(row));
    digest.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_a_prediction_reaches_the_digest_and_zero_is_one_value() {
        let row = PredictionRecord {
            id: "p1".into(),
            release: "b3:1".into(),
            time: 1,
            label: "Yes".into(),
            score: 0.0,
            inputs: "{}".into(),
            microseconds: 3,
        };
        let changes: Vec<fn(&mut PredictionRecord)> = vec![
            |row| row.id.push('x'),
            |row| row.release.push('x'),
            |row| row.time += 1,
            |row| row.label.push('x'),
            |row| row.score = 0.5,
            |row| row.score = f64::NAN,
            |row| row.inputs.push(' '),
            |row| row.microseconds += 1,
        ];
        for change in changes {
            let mut changed = row.clone();
            change(&mut changed);
            assert_ne!(digest_predictions([&changed]), digest_predictions([&row]));
        }
        let negative_zero = PredictionRecord { score: -0.0, ..row.clone() };
        assert_eq!(digest_predictions([&negative_zero]), digest_predictions([&row]));
        assert_ne!(digest_predictions([&row, &row]), digest_predictions([&row]));
    }
}
