//! The language as data, for editors that complete it and pages that explain it.
//!
//! Metrics come from [`super::metrics`]; every example is parsed by a test.

use serde::{Deserialize, Serialize};

use super::metrics::{ClassUse, METRICS, Parameter, Scale};
use super::parse::parse;
use super::words::words;

/// What an editor needs to complete a criterion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Grammar {
    /// The productions, one per line.
    pub productions: Vec<String>,
    /// The words of the language and what they begin.
    pub keywords: Vec<GrammarPiece>,
    /// The metrics.
    pub metrics: Vec<MetricHelp>,
    /// The quantities that are no plain metric.
    pub quantities: Vec<GrammarPiece>,
    /// The comparison signs.
    pub comparisons: Vec<GrammarPiece>,
    /// What may stand behind a comparison.
    pub bounds: Vec<GrammarPiece>,
    /// What may follow the bound.
    pub clauses: Vec<GrammarPiece>,
    /// Whole criteria with their plain words.
    pub examples: Vec<GrammarExample>,
}

/// A piece of the language and its meaning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct GrammarPiece {
    /// The piece as it is written; capitals are to be filled in.
    pub form: String,
    /// What it means.
    pub meaning: String,
}

/// A metric as completion offers it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MetricHelp {
    /// The name, with an example of its number where it has one.
    pub name: String,
    /// Other names that are understood.
    pub aliases: Vec<String>,
    /// Whether it takes `of CLASS`.
    pub class: ClassUse,
    /// Whether a number belongs to the name.
    pub parameter: Parameter,
    /// Its unit.
    pub scale: Scale,
    /// The least value; `null` when there is none.
    pub least: Option<f64>,
    /// The greatest value; `null` when there is none.
    pub greatest: Option<f64>,
    /// Whether greater is better; `null` when neither.
    pub greater_is_better: Option<bool>,
    /// The metric in a sentence.
    pub phrase: String,
    /// A criterion that holds it.
    pub example: String,
}

/// A whole criterion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct GrammarExample {
    /// The criterion.
    pub text: String,
    /// The same in plain words.
    pub words: String,
}

const PRODUCTIONS: [&str; 8] = [
    "criterion := quantity comparison bound clauses | \"every test of\" NAME \"passes\"",
    "quantity := metric | \"gap of\" metric \"between\" COLUMN | \"ratio of\" metric \"between\" COLUMN | pQ \"of\" EXPR | \"pass rate of tests\" NAME | \"mean cost using\" FILE | \"changed decisions vs\" (\"production\" | \"release\" ID)",
    "metric := METRIC [\"of\" CLASS]",
    "comparison := \">=\" | \"<=\" | \">\" | \"<\"",
    "bound := NUMBER [UNIT] | model [change]",
    "model := \"production\" | \"baseline\" NAME | \"release\" ID",
    "change := (\"+\" | \"-\") NUMBER [\"pp\"] | \"x\" NUMBER",
    "clauses := [\"where\" SQL] [\"for each\" COLUMN [\"with at least\" N]] [\"by\" COLUMN] [\"@\" PERCENT]",
];

const KEYWORDS: [(&str, &str); 17] = [
    ("of", "the class of a metric, or the column of a quantile"),
    ("gap of", "greatest minus smallest over groups"),
    ("ratio of", "smallest over greatest over groups"),
    ("between", "the column whose values are the groups"),
    ("pass rate of tests", "the share of behavioural tests that pass"),
    ("every test of", "all behavioural tests of a file"),
    ("passes", "ends `every test of NAME`"),
    ("mean cost using", "the mean cost of decisions by a cost file"),
    ("changed decisions vs", "the share of decisions that another model takes differently; needs no labels"),
    ("production", "the live release"),
    ("baseline", "a baseline by the name of its pipeline step"),
    ("release", "a release by its id"),
    ("pp", "percentage points"),
    ("x", "times"),
    ("where", "selects rows"),
    ("for each", "must hold in each slice"),
    ("by", "the unit of independence"),
];

const QUANTITIES: [(&str, &str); 7] = [
    ("gap of METRIC between COLUMN", "how far the metric differs between groups, at most"),
    ("ratio of METRIC between COLUMN", "the lowest group's metric over the highest group's"),
    ("p99 of EXPR", "a quantile of a column or an SQL expression"),
    ("pass rate of tests NAME", "the share of behavioural tests that pass"),
    ("mean cost using FILE", "the mean cost of decisions by a cost file"),
    ("changed decisions vs production", "the share of decisions that the live release takes differently"),
    ("changed decisions vs release ID", "the share of decisions that a release takes differently"),
];

const COMPARISONS: [(&str, &str); 4] = [(">=", "at least"), ("<=", "at most"), (">", "more than"), ("<", "less than")];

const BOUNDS: [(&str, &str); 8] = [
    ("0.9", "a number"),
    ("90 %", "a share"),
    ("80 ms", "a number with its unit"),
    ("production", "as the live release"),
    ("production + 0.01", "better or worse than the live release by a difference"),
    ("production - 0.5 pp", "the same in percentage points"),
    ("production x 1.02", "the live release times a factor"),
    ("baseline NAME + 0.02", "as a baseline, shifted"),
];

const CLAUSES: [(&str, &str); 5] = [
    ("where SQL", "an SQL predicate on the evaluation table"),
    ("for each COLUMN", "must hold for each value of the column"),
    ("for each COLUMN with at least N", "the same, without values that have fewer rows"),
    ("by COLUMN", "rows with the same value are one unit"),
    ("@95%", "one-sided confidence; 95 % when absent"),
];

const EXAMPLES: [&str; 14] = [
    "recall of urgent >= 0.90 where language = 'es' @95%",
    "f1 of urgent >= production + 0.01",
    "accuracy >= production - 0.5 pp",
    "recall of urgent >= 0.85 for each region with at least 50",
    "auc >= baseline rules + 0.02 by customer_id",
    "gap of recall of approved between gender <= 0.05",
    "ratio of selection rate of approved between gender >= 80 %",
    "p99 of latency_ms <= 80 ms",
    "mean cost using triage_costs.csv <= 0.35",
    "changed decisions vs production <= 10 %",
    "pass rate of tests typos >= 95 %",
    "every test of negation passes",
    "mae <= production x 0.98",
    "precision of '>50K' >= 70 % for each \"native country\" @99%",
];

fn pieces_of(pieces: &[(&str, &str)]) -> Vec<GrammarPiece> {
    pieces
        .iter()
        .map(|(form, meaning)| GrammarPiece { form: (*form).to_owned(), meaning: (*meaning).to_owned() })
        .collect()
}

/// The whole language.
///
/// ```
/// let grammar = remuda_model::gate::grammar();
/// let recall = grammar.metrics.iter().find(|metric| metric.name == "recall").unwrap();
/// assert_eq!(recall.phrase, "at least 9 in 10 rows that are CLASS are found");
/// ```
pub fn grammar() -> Grammar {
    let say = |text: &str| parse(text).map(|criterion| words(&criterion, None)).unwrap_or_default();
    Grammar {
        productions: PRODUCTIONS.map(str::to_owned).to_vec(),
        keywords: pieces_of(&KEYWORDS),
        metrics: metrics(),
        quantities: pieces_of(&QUANTITIES),
        comparisons: pieces_of(&COMPARISONS),
        bounds: pieces_of(&BOUNDS),
        clauses: pieces_of(&CLAUSES),
        examples: EXAMPLES.iter().map(|text| GrammarExample { text: (*text).to_owned(), words: say(text) }).collect(),
    }
}

fn metrics() -> Vec<MetricHelp> {
    let describe = |entry: &super::metrics::MetricEntry| {
        let name = entry.metric.name();
        let of = if entry.class == ClassUse::Never { "" } else { " of CLASS" };
        let bound = match (entry.metric.greater_is_better(), entry.scale) {
            (Some(true), _) => ">= 0.9",
            (_, Scale::Own) => "<= 5",
            _ => "<= 0.1",
        };
        let example = format!("{name}{of} {bound}");
        let sentence = parse(&example).map(|criterion| words(&criterion, None)).unwrap_or_default();
        let phrase = sentence.strip_prefix("we will be 95 % sure that ").unwrap_or(&sentence).to_owned();
        MetricHelp {
            name,
            aliases: entry.aliases.iter().map(|alias| (*alias).to_owned()).collect(),
            class: entry.class,
            parameter: entry.parameter,
            scale: entry.scale,
            least: Some(entry.range.0).filter(|least| least.is_finite()),
            greatest: Some(entry.range.1).filter(|greatest| greatest.is_finite()),
            greater_is_better: entry.metric.greater_is_better(),
            phrase,
            example,
        }
    };
    METRICS.iter().map(describe).collect()
}
