//! Finding runs: `metrics.auc > 0.8 and (params.depth in ('4', '6') or not tags.user = 'ana')`.
//!
//! The language is a superset of MLflow's `filter_string`, so that every filter that its clients send is understood:
//! added are `OR`, `NOT`, brackets, `IN` for every text, and numbers compared with parameters that look like numbers.
//! A comparison with something that a run does not have never holds, `!=` included; `NOT` turns that round.

mod order;
mod print;
mod read;

pub use order::{OrderBy, order_by};
pub use read::{FilterError, Keyed, ReadKey, parse, parse_with};

use std::borrow::Cow;

/// Which runs are wanted.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter<K = Key> {
    /// All of these hold; without any, every run is wanted.
    All(Vec<Filter<K>>),
    /// One of these holds.
    Any(Vec<Filter<K>>),
    /// This does not hold.
    Not(Box<Filter<K>>),
    /// What a run has is held against something.
    Is(K, Test),
}

/// What of a run is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// The latest value of a metric.
    Metric(String),
    /// A parameter.
    Parameter(String),
    /// A tag.
    Tag(String),
    /// Something that every run has.
    Attribute(Attribute),
    /// A part of a dataset that the run read; one of its datasets fits.
    Dataset(DatasetPart),
}

/// Something that every run has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// `run_id`.
    Id,
    /// `run_name`.
    Name,
    /// `status`.
    Status,
    /// `user_id`: who ran it.
    User,
    /// `artifact_uri`.
    ArtifactUri,
    /// `lifecycle_stage`: `active` or `deleted`.
    Stage,
    /// `experiment_id`.
    Experiment,
    /// `start_time`, milliseconds since 1970.
    Started,
    /// `end_time`, milliseconds since 1970.
    Ended,
    /// `command`: what was run.
    Command,
    /// `note`.
    Note,
}

impl Attribute {
    /// All of them.
    pub const ALL: [Attribute; 11] = [
        Attribute::Id,
        Attribute::Name,
        Attribute::Status,
        Attribute::User,
        Attribute::ArtifactUri,
        Attribute::Stage,
        Attribute::Experiment,
        Attribute::Started,
        Attribute::Ended,
        Attribute::Command,
        Attribute::Note,
    ];

    /// The word in a filter.
    pub fn as_str(self) -> &'static str {
        match self {
            Attribute::Id => "run_id",
            Attribute::Name => "run_name",
            Attribute::Status => "status",
            Attribute::User => "user_id",
            Attribute::ArtifactUri => "artifact_uri",
            Attribute::Stage => "lifecycle_stage",
            Attribute::Experiment => "experiment_id",
            Attribute::Started => "start_time",
            Attribute::Ended => "end_time",
            Attribute::Command => "command",
            Attribute::Note => "note",
        }
    }

    /// Reads [`Attribute::as_str`] and the other words that MLflow's clients write.
    pub fn parse(word: &str) -> Option<Self> {
        let word = match word.to_ascii_lowercase().as_str() {
            "run name" | "name" => "run_name".to_owned(),
            "created" => "start_time".to_owned(),
            "user" => "user_id".to_owned(),
            "id" => "run_id".to_owned(),
            other => other.to_owned(),
        };
        Self::ALL.into_iter().find(|known| known.as_str() == word)
    }

    /// Whether it is a number.
    pub fn is_number(self) -> bool {
        matches!(self, Attribute::Started | Attribute::Ended)
    }
}

/// A part of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatasetPart {
    /// Its name.
    Name,
    /// Its digest.
    Digest,
    /// What it was read for: `training`.
    Context,
}

impl DatasetPart {
    /// All of them.
    pub const ALL: [DatasetPart; 3] = [DatasetPart::Name, DatasetPart::Digest, DatasetPart::Context];

    /// The word in a filter.
    pub fn as_str(self) -> &'static str {
        match self {
            DatasetPart::Name => "name",
            DatasetPart::Digest => "digest",
            DatasetPart::Context => "context",
        }
    }
}

/// What something is held against.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// A number.
    Number(Comparison, f64),
    /// A text that it equals.
    Equals(String),
    /// A text that it is not.
    Differs(String),
    /// A pattern with `%` for any characters and `_` for one.
    Like {
        /// The pattern.
        pattern: String,
        /// `ILIKE`: upper and lower case are the same.
        fold_case: bool,
    },
    /// One of these texts.
    In(Vec<String>),
    /// None of these texts.
    NotIn(Vec<String>),
    /// The run has it.
    Present,
    /// The run does not have it.
    Absent,
}

/// How numbers are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
    /// `<`
    Less,
    /// `<=`
    AtMost,
}

impl Comparison {
    /// The sign.
    pub fn as_str(self) -> &'static str {
        match self {
            Comparison::Equal => "=",
            Comparison::NotEqual => "!=",
            Comparison::Greater => ">",
            Comparison::AtLeast => ">=",
            Comparison::Less => "<",
            Comparison::AtMost => "<=",
        }
    }

    /// Whether it holds; with a NaN only `!=` does.
    pub fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Comparison::Equal => left == right,
            Comparison::NotEqual => left != right,
            Comparison::Greater => left > right,
            Comparison::AtLeast => left >= right,
            Comparison::Less => left < right,
            Comparison::AtMost => left <= right,
        }
    }
}

/// What a run has, as a filter asks for it.
pub trait Subject {
    /// The latest value of a metric.
    fn metric(&self, name: &str) -> Option<f64>;
    /// A number that every run has.
    fn number(&self, attribute: Attribute) -> Option<f64>;
    /// The texts behind a key that is no metric: none, one, or one per dataset.
    fn texts(&self, key: &Key) -> Vec<Cow<'_, str>>;
}

impl Filter {
    /// Whether a run is wanted.
    pub fn matches(&self, run: &impl Subject) -> bool {
        match self {
            Filter::All(parts) => parts.iter().all(|part| part.matches(run)),
            Filter::Any(parts) => parts.iter().any(|part| part.matches(run)),
            Filter::Not(part) => !part.matches(run),
            Filter::Is(key, test) => test.matches(key, run),
        }
    }
}

impl Test {
    fn matches(&self, key: &Key, run: &impl Subject) -> bool {
        let number = match key {
            Key::Metric(name) => run.metric(name),
            Key::Attribute(attribute) if attribute.is_number() => run.number(*attribute),
            _ => None,
        };
        let texts = if number.is_none() { run.texts(key) } else { Vec::new() };
        match self {
            Test::Number(comparison, wanted) => {
                let found = number.or_else(|| texts.first().and_then(|text| text.trim().parse().ok()));
                found.is_some_and(|found| comparison.holds(found, *wanted))
            }
            Test::Present => number.is_some() || !texts.is_empty(),
            Test::Absent => number.is_none() && texts.is_empty(),
            Test::Equals(wanted) => texts.iter().any(|text| text == wanted),
            Test::Differs(other) => texts.iter().any(|text| text != other),
            Test::In(wanted) => texts.iter().any(|text| wanted.iter().any(|one| text == one)),
            Test::NotIn(others) => texts.iter().any(|text| others.iter().all(|one| text != one)),
            Test::Like { pattern, fold_case } => texts.iter().any(|text| is_like(text, pattern, *fold_case)),
        }
    }
}

/// SQL's `LIKE`: linear in the text for each `%` of the pattern.
fn is_like(text: &str, pattern: &str, fold_case: bool) -> bool {
    let folded = |text: &str| if fold_case { text.to_lowercase() } else { text.to_owned() };
    let (text, pattern): (Vec<char>, Vec<char>) = (folded(text).chars().collect(), folded(pattern).chars().collect());
    let (mut at, mut sign) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(sign) {
            Some('%') => {
                retry = Some((sign + 1, at));
                sign += 1;
            }
            Some(one) if *one == '_' || *one == text[at] => (at, sign) = (at + 1, sign + 1),
            _ => match retry {
                Some((after, from)) => {
                    retry = Some((after, from + 1));
                    (at, sign) = (from + 1, after);
                }
                None => return false,
            },
        }
    }
    pattern[sign.min(pattern.len())..].iter().all(|sign| *sign == '%')
}

#[cfg(test)]
mod tests;
