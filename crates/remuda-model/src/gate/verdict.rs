//! Verdicts: met, not met, undecided. Undecided has one reason and a price; it never passes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The three values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerdictKind {
    /// The bound on the safe side keeps the criterion.
    Met,
    /// The bound on the other side breaks it.
    NotMet,
    /// Neither.
    Undecided,
}

impl VerdictKind {
    /// The words as people read them.
    pub fn words(self) -> &'static str {
        match self {
            VerdictKind::Met => "met",
            VerdictKind::NotMet => "not met",
            VerdictKind::Undecided => "undecided",
        }
    }

    /// The sign that stands before the word.
    pub fn icon(self) -> &'static str {
        match self {
            VerdictKind::Met => "✓",
            VerdictKind::NotMet => "✗",
            VerdictKind::Undecided => "?",
        }
    }

    /// The verdict over several criteria that must all be met (intersection-union): not met if one is not met,
    /// else undecided if one is, else met. No criteria at all is undecided: nothing was shown.
    pub fn all(kinds: impl IntoIterator<Item = VerdictKind>) -> VerdictKind {
        let mut seen = false;
        let mut undecided = false;
        for kind in kinds {
            seen = true;
            match kind {
                VerdictKind::NotMet => return VerdictKind::NotMet,
                VerdictKind::Undecided => undecided = true,
                VerdictKind::Met => {}
            }
        }
        if undecided || !seen { VerdictKind::Undecided } else { VerdictKind::Met }
    }
}

/// Why a verdict is undecided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The interval covers the threshold.
    TooFewLabels,
    /// The holdout's submissions are used up.
    NoBudget,
    /// Something that the criterion needs is not there: the sentence says what.
    DataMissing(String),
    /// The labels disagree too much.
    LabelsTooNoisy,
}

impl Reason {
    /// One short sentence.
    pub fn words(&self) -> String {
        match self {
            Reason::TooFewLabels => "too few labels".to_owned(),
            Reason::NoBudget => "no budget left on this holdout".to_owned(),
            Reason::DataMissing(what) => format!("data missing: {what}"),
            Reason::LabelsTooNoisy => "labels too noisy".to_owned(),
        }
    }
}

/// What deciding would cost: always a range with its chance, never one bare number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Price {
    /// The cases, from the most hopeful to the least.
    pub cases: Vec<PriceCase>,
    /// What has to be labelled, in words: `rows whose truth is urgent`.
    pub unit: String,
}

/// The labels that one assumed true value costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PriceCase {
    /// The true value that is assumed.
    pub assumed: f64,
    /// Labels needed in all (those at hand included); `None` when no number decides at this value.
    pub needed: Option<u64>,
    /// Labels still to get.
    pub more: Option<u64>,
    /// The chance that the verdict is then `met`.
    pub chance: f64,
}

/// The product owner lets a candidate pass although this criterion is not met: a signature that ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Waiver {
    /// The signature's fact.
    pub fact: String,
    /// Who gave it.
    pub member: String,
    /// The last day on which it counts, `2026-12-31` (UTC).
    pub until: String,
    /// Why.
    pub why: String,
    /// Its last day is over: it no longer counts.
    pub expired: bool,
}

impl Waiver {
    /// One short sentence: what every face prints beside the verdict.
    pub fn words(&self) -> String {
        let Waiver { member, until, why, .. } = self;
        if self.expired {
            format!("the waiver by {member} ended on {until}")
        } else {
            format!("waived by {member} until {until}: {why}")
        }
    }
}

/// A criterion's verdict on one candidate, with everything that it rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Verdict {
    /// The criterion as written.
    pub criterion: String,
    /// The criterion in plain words.
    pub words: String,
    /// Which slice of a `for each` this is, `COLUMN = value`.
    pub slice: Option<String>,
    /// Met, not met, undecided.
    pub kind: VerdictKind,
    /// Why it is undecided.
    pub reason: Option<Reason>,
    /// The point estimate of the quantity (of the difference, when held against another model).
    pub estimate: Option<f64>,
    /// One-sided lower bound at `confidence`.
    pub lower: Option<f64>,
    /// One-sided upper bound at `confidence`.
    pub upper: Option<f64>,
    /// What the estimate is compared with.
    pub threshold: f64,
    /// Whether the quantity must lie above the threshold.
    pub wants_more: bool,
    /// One-sided confidence as a share.
    pub confidence: f64,
    /// Rows that carry the quantity (for recall: rows of the class).
    pub n: u64,
    /// The method that decided, by name.
    pub method: String,
    /// What deciding would cost, when undecided for want of labels.
    pub price: Option<Price>,
    /// The newest waiver of this verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiver: Option<Waiver>,
}

impl Verdict {
    /// Whether it stops nothing: it is met, or waived for now.
    pub fn passes(&self) -> bool {
        self.kind == VerdictKind::Met || self.waiver.as_ref().is_some_and(|waiver| !waiver.expired)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_must_be_met_and_nothing_is_not_enough() {
        use VerdictKind::{Met, NotMet, Undecided};
        let cases = [
            (vec![], Undecided),
            (vec![Met, Met], Met),
            (vec![Met, Undecided], Undecided),
            (vec![Undecided, NotMet, Met], NotMet),
        ];
        for (kinds, expected) in cases {
            assert_eq!(VerdictKind::all(kinds.clone()), expected, "{kinds:?}");
        }
    }
}
