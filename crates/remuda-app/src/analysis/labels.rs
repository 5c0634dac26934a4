//! `analysis labels`: rows whose labels a candidate's out-of-sample probabilities speak against.

use super::examples::{Example, examples};
use super::judged::{AnalysisHead, judge};
use super::mistakes::may_look;
use super::{read_split, validation};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::gate::Sample;
use crate::use_case::{Access, UseCase};
use remuda_stats::confident::{Suspect, suspects};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Find labels that are probably wrong, by what a candidate says of rows that it was not trained on.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Labels {
    /// A model's name (its newest version), a version's digest, or a run (its only or last model).
    pub candidate: String,
    /// The rows: validation, or holdout, which is a look at its rows and charged as one.
    #[arg(long, default_value = "validation")]
    #[serde(default = "validation")]
    pub split: String,
    /// How many rows to show, the most doubtful first.
    #[arg(long, default_value_t = 20)]
    #[serde(default = "twenty")]
    pub limit: usize,
}

fn twenty() -> usize {
    20
}

impl Labels {
    /// The usual question about a candidate.
    pub fn of(candidate: &str) -> Self {
        Self { candidate: candidate.to_owned(), split: validation(), limit: twenty() }
    }
}

/// Labels in doubt.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DoubtfulLabels {
    /// What was judged.
    #[serde(flatten)]
    pub head: AnalysisHead,
    /// How many of their labels are in doubt.
    pub suspected: u64,
    /// Doubts by given and suggested class, the most first.
    pub pairs: Vec<DoubtfulPair>,
    /// The most doubtful rows.
    pub examples: Vec<DoubtfulLabel>,
}

/// How often one class is suggested for another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DoubtfulPair {
    /// The class that was given.
    pub given: String,
    /// The class that is suggested.
    pub suggested: String,
    /// Rows.
    pub rows: u64,
}

/// A row whose label is in doubt.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DoubtfulLabel {
    /// The class that is suggested.
    pub suggested: String,
    /// Probability of the given class less that of the suggested one.
    pub margin: f64,
    /// The row.
    pub row: Example,
}

impl UseCase for Labels {
    const NOUN: &'static str = "analysis";
    const VERB: &'static str = "labels";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str =
        "Find labels that are probably wrong, by what a candidate says of rows that it was not trained on.";
    type Answer = DoubtfulLabels;

    async fn run(self, app: &App, context: &Context) -> Result<DoubtfulLabels> {
        let split = read_split(&self.split)?;
        if !(1..=10_000).contains(&self.limit) {
            return Err(Error::new("request.invalid", format!("{} rows cannot be shown", self.limit))
                .hint("write `--limit 1` to `--limit 10000`"));
        }
        may_look(context, split)?;
        let judged = judge(app, context, &self.candidate, split, "labels").await?;
        let Sample::Classes(sample) = &judged.sample else {
            return Err(Error::new("analysis.not_ready", "labels that are numbers cannot be doubted this way")
                .hint(format!("`remuda analysis mistakes {}` shows the largest errors", judged.model.name)));
        };
        if sample.known < 2 {
            return Err(Error::new("analysis.not_ready", format!("`{}` gives no probabilities", judged.model.name))
                .hint("labels are doubted by probabilities: choose another candidate"));
        }
        let found = suspects(&sample.probabilities, &sample.truth, sample.known)
            .map_err(|why| Error::new("analysis.not_ready", why.to_string()))?;
        let class = |class: u32| sample.classes[class as usize].clone();
        let doubtful = |suspect: &Suspect| {
            let row = examples(&judged, [suspect.row]).pop()?;
            Some(DoubtfulLabel { suggested: class(suspect.suggested), margin: suspect.margin, row })
        };
        let mut pairs: Vec<DoubtfulPair> = Vec::new();
        for suspect in &found.rows {
            let (given, suggested) = (class(sample.truth[suspect.row]), class(suspect.suggested));
            match pairs.iter_mut().find(|pair| pair.given == given && pair.suggested == suggested) {
                Some(pair) => pair.rows += 1,
                None => pairs.push(DoubtfulPair { given, suggested, rows: 1 }),
            }
        }
        pairs.sort_by_key(|pair| std::cmp::Reverse(pair.rows));
        let found = DoubtfulLabels {
            head: AnalysisHead { rows: found.judged, ..judged.head(split) },
            suspected: found.rows.len() as u64,
            pairs,
            examples: found.rows.iter().take(self.limit).filter_map(doubtful).collect(),
        };
        super::doubted::note(app, context, &found).await?;
        Ok(found)
    }
}
