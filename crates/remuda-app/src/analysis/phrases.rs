//! `analysis phrases`: the words and phrases that mark a candidate's mistakes, found on half of the rows and checked on the
//! other half, as slices are.

use super::judged::{AnalysisHead, Judged, judge};
use super::losses::{RowLosses, losses_of};
use super::mistakes::may_look;
use super::phrases_found::found_phrases;
use super::slicing::{self, Wanted};
use super::{FoundSlice, read_split, validation};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::use_case::{Access, UseCase};
use remuda_data::Rows;
use remuda_data::phrases::mean_words;
use remuda_model::data::{ColumnType, ColumnUse, Contract, FeatureKind};
use remuda_model::run::MetricValue;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The fewest rows of a phrase in the half that is searched, and the least share of them, when nobody says. Fewer than of
/// a slice: a phrase that marks mistakes is rarer than a category.
const USUAL_LEAST: (f64, f64) = (8.0, 0.004);
/// A column without a declared kind is prose when its texts have so many words on average.
const WORDS_OF_PROSE: f64 = 3.0;

/// Find the words and phrases that mark a candidate's mistakes, checked on rows that the search has not seen.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Phrases {
    /// A model's name (its newest version), a version's digest, or a run (its only or last model).
    pub candidate: String,
    /// The rows: validation, or holdout, which is a look at its rows and charged as one.
    #[arg(long, default_value = "validation")]
    #[serde(default = "validation")]
    pub split: String,
    /// What counts as bad: accuracy, `recall of CLASS`, log_loss, brier; mae or rmse for numbers.
    #[arg(long)]
    #[serde(default)]
    pub metric: Option<String>,
    /// Only this column; without it, every column that holds prose.
    #[arg(long)]
    #[serde(default)]
    pub column: Option<String>,
    /// The fewest rows of a phrase in the half that is searched: a number (20) or a share (1%).
    #[arg(long, value_name = "ROWS|SHARE")]
    #[serde(default)]
    pub min_support: Option<String>,
    /// How many phrases to report at the most: each is one more claim that must hold.
    #[arg(long, default_value_t = 8)]
    #[serde(default = "eight")]
    pub limit: usize,
    /// How many rows to show of each.
    #[arg(long, default_value_t = 3)]
    #[serde(default = "three")]
    pub examples: usize,
}

fn eight() -> usize {
    8
}

fn three() -> usize {
    3
}

impl Phrases {
    /// The usual question about a candidate.
    pub fn of(candidate: &str) -> Self {
        Self {
            candidate: candidate.to_owned(),
            split: validation(),
            metric: None,
            column: None,
            min_support: None,
            limit: eight(),
            examples: three(),
        }
    }
}

/// Phrases that mark mistakes.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PhrasesFound {
    /// What was judged.
    #[serde(flatten)]
    pub head: AnalysisHead,
    /// The metric asked about: `accuracy`, `recall of yes`, `mae`.
    pub metric: String,
    /// What the losses are, in words: `error rate`, `absolute error`.
    pub loss: String,
    /// The columns of prose that were read.
    pub columns: Vec<String>,
    /// Rows searched.
    pub searched: u64,
    /// The fewest rows of a phrase there.
    pub least_rows: u64,
    /// The mean loss of all rows that the phrases were checked on.
    pub overall: MetricValue,
    /// The phrases: those that are confirmed first, and the most telling of the search first among them.
    pub phrases: Vec<FoundPhrase>,
    /// Why there is no phrase, when there is none.
    pub nothing: Option<String>,
    /// The next step, where there is no phrase.
    pub next: Option<String>,
}

/// A phrase that marks mistakes, as the other half of the rows has it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FoundPhrase {
    /// One word, or up to three.
    pub phrase: String,
    /// The column.
    pub column: String,
    /// Other phrases of much the same rows.
    pub alternatives: Vec<String>,
    /// Its rows as a slice: the predicate, the intervals, the test.
    #[serde(flatten)]
    pub slice: FoundSlice,
    /// What its rows are taken for by mistake: the true class, the predicted one, how often; the most first.
    pub confusions: Vec<ConfusedPair>,
    /// Some of its mistakes, the surest first; of numbers those with the largest errors.
    pub examples: Vec<PhraseExample>,
}

/// How often one class was taken for another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConfusedPair {
    /// The true class.
    pub truth: String,
    /// The predicted class.
    pub predicted: String,
    /// Rows.
    pub rows: u64,
}

/// A row with its phrase marked.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PhraseExample {
    /// Its key, or its place among the rows of the split where the data has none.
    pub id: String,
    /// The text, or what stands near the phrase.
    pub text: Vec<Piece>,
    /// What is so, by the label.
    pub truth: String,
    /// What the candidate says.
    pub predicted: String,
    /// How sure the candidate is of what it says, 0 to 1.
    pub confidence: Option<f64>,
}

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Piece {
    /// Its letters.
    pub text: String,
    /// It is the phrase.
    pub marked: bool,
}

impl UseCase for Phrases {
    const NOUN: &'static str = "analysis";
    const VERB: &'static str = "phrases";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str =
        "Find the words and phrases that mark a candidate's mistakes, checked on rows the search has not seen.";
    type Answer = PhrasesFound;

    async fn run(self, app: &App, context: &Context) -> Result<PhrasesFound> {
        let split = read_split(&self.split)?;
        self.check()?;
        may_look(context, split)?;
        let judged = judge(app, context, &self.candidate, split, "phrases").await?;
        let losses = losses_of(&judged, self.metric.as_deref())?;
        let places: Vec<usize> = losses.places.iter().map(|place| judged.kept[*place]).collect();
        let rows = judged.rows.take(&places)?;
        let columns = prose(&rows, &judged.contract, self.column.as_deref())?;
        let searched = slicing::halves(&rows, &judged.contract)?;
        let count = searched.iter().filter(|searched| **searched).count();
        let wanted = Wanted {
            least_rows: slicing::least_rows(self.min_support.as_deref(), count, USUAL_LEAST)?,
            depth: 1,
            limit: self.limit,
            weight: 1.0,
            is_rate: losses.is_rate,
            metric: losses.words.clone(),
            split: split.as_str().to_owned(),
        };
        let checked: Vec<f64> =
            losses.losses.iter().zip(&searched).filter(|(_, searched)| !**searched).map(|(loss, _)| *loss).collect();
        let mut answer = PhrasesFound {
            head: judged.head(split),
            metric: losses.metric.clone(),
            loss: losses.words.clone(),
            columns,
            searched: count as u64,
            least_rows: wanted.least_rows as u64,
            overall: slicing::overall(&checked, &wanted),
            phrases: Vec::new(),
            nothing: None,
            next: None,
        };
        context.tell(0.5, "reading words");
        let units = slicing::units(&rows, &judged.contract)?;
        answer.phrases = found_phrases(&Searched {
            judged: &judged,
            rows: &rows,
            losses: &losses,
            searched: &searched,
            units: units.as_deref(),
            wanted: &wanted,
            columns: &answer.columns,
            examples: self.examples,
        })
        .await?;
        let mut slices: Vec<&mut FoundSlice> = answer.phrases.iter_mut().map(|one| &mut one.slice).collect();
        super::look::add_names_to(context, &judged.version.dataset, &mut slices);
        if answer.phrases.is_empty() {
            say_nothing(&mut answer, &judged, &losses);
        }
        Ok(answer)
    }
}

/// What a search goes by.
pub(super) struct Searched<'a> {
    pub(super) judged: &'a Judged,
    /// The rows that have a loss, and theirs.
    pub(super) rows: &'a Rows,
    pub(super) losses: &'a RowLosses,
    /// Which of them may be searched.
    pub(super) searched: &'a [bool],
    /// The unit of each, where rows of one depend on each other.
    pub(super) units: Option<&'a [u32]>,
    pub(super) wanted: &'a Wanted,
    pub(super) columns: &'a [String],
    pub(super) examples: usize,
}

impl Phrases {
    fn check(&self) -> Result<()> {
        if !(1..=100).contains(&self.limit) {
            return Err(Error::new("request.invalid", format!("{} phrases cannot be reported", self.limit))
                .hint("write `--limit 1` to `--limit 100`"));
        }
        if self.examples > 100 {
            return Err(Error::new("request.invalid", format!("{} rows of each cannot be shown", self.examples))
                .hint("write `--examples 0` to `--examples 100`"));
        }
        Ok(())
    }
}

/// The columns that hold prose: those that the contract calls text, and others whose texts are long.
fn prose(rows: &Rows, contract: &Contract, asked: Option<&str>) -> Result<Vec<String>> {
    let types = rows.columns();
    if let Some(name) = asked.map(str::trim) {
        return match types.iter().find(|(known, _)| known == name) {
            Some((name, ColumnType::String)) => Ok(vec![name.clone()]),
            Some(_) => Err(Error::new("request.invalid", format!("column `{name}` holds no text"))
                .hint("leave `--column` out to have every column that holds prose")),
            None => {
                let error = Error::new("request.invalid", format!("there is no column `{name}`"));
                Err(match remuda_model::text::nearest(name, types.iter().map(|(known, _)| known.as_str())) {
                    Some(near) => error.hint(format!("did you mean `{near}`?")),
                    None => error.hint("`remuda data show NAME` lists the columns"),
                })
            }
        };
    }
    let mut columns = Vec::new();
    for (name, _) in types.iter().filter(|(_, column_type)| *column_type == ColumnType::String) {
        let Some(column) = contract.column(name) else { continue };
        let is_input =
            !matches!(column.column_use, ColumnUse::Key | ColumnUse::Label | ColumnUse::Weight | ColumnUse::Group);
        let is_prose = || -> Result<bool> {
            let texts = rows.text(name)?;
            let seldom_same = texts.dictionary.len() * 2 > texts.codes.len();
            Ok(seldom_same && mean_words(&texts).is_some_and(|words| words >= WORDS_OF_PROSE))
        };
        if is_input && (column.kind == Some(FeatureKind::Text) || is_prose()?) {
            columns.push(name.clone());
        }
    }
    Ok(columns)
}

fn say_nothing(answer: &mut PhrasesFound, judged: &Judged, losses: &RowLosses) {
    let short = judged.model.digest.short();
    let slices = format!("remuda analysis slices {short}");
    let count = |number: u64| remuda_model::text::count(number, "row");
    let (nothing, next) = if answer.columns.is_empty() {
        ("no column of this data holds prose".to_owned(), slices)
    } else if losses.losses.iter().all(|loss| *loss == 0.0) {
        (format!("no row has any loss: all {} are right", count(losses.losses.len() as u64)), slices)
    } else if answer.searched < 2 * answer.least_rows {
        let words =
            format!("{} were searched, too few for phrases of {}", count(answer.searched), count(answer.least_rows));
        (words, format!("remuda analysis phrases {short} --min-support 3"))
    } else {
        let words = format!("no phrase of at least {} has more mistakes than other rows", count(answer.least_rows));
        (words, format!("remuda analysis phrases {short} --min-support {}", (answer.least_rows / 2).max(1)))
    };
    (answer.nothing, answer.next) = (Some(nothing), Some(next));
}
