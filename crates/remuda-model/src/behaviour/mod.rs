//! Behavioural tests: what a model must do on rows that are written, filled in or changed on purpose.
//!
//! The three types are those of CheckList (Ribeiro, Wu, Guestrin and Singh 2020, "Beyond accuracy: behavioral testing of
//! NLP models with CheckList", section 2). What lives here is what a file `tests/NAME.toml` says; filling, changing and
//! judging is remuda-data's.

pub mod template;

use crate::data::Split;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The most base rows that one test may have.
pub const LIMIT_CAP: u64 = 10_000;

/// What one file of behavioural tests says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BehaviouralTests {
    /// The file's name, without folder and ending: what criteria call it.
    pub name: String,
    /// What they are for, in one line; may be empty.
    pub about: String,
    /// The dataset whose contract types the rows; `None`: that of whichever candidate is tested.
    pub dataset: Option<String>,
    /// Where sampling and random changes begin.
    pub seed: u64,
    /// Words that fill `{NAME}` in templates.
    pub lexicons: BTreeMap<String, Vec<String>>,
    /// The tests, in the order of the file.
    pub tests: Vec<BehaviouralTest>,
}

/// One behavioural test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BehaviouralTest {
    /// Its name, unique in the file.
    pub name: String,
    /// One line for readers; may be empty.
    pub about: String,
    /// What it is a test of: negation, robustness, fairness, vocabulary.
    pub capability: String,
    /// Where its rows come from.
    pub base: Base,
    /// Columns that every base row has with this value.
    #[schema(value_type = Object)]
    pub with: Map<String, Value>,
    /// The split from whose rows the columns are drawn that a template or a listed row does not say.
    pub others: Option<Split>,
    /// How often they are drawn for each base row: so many rows are made of it.
    pub draws: u32,
    /// Base rows at most; a seeded sample where there are more.
    pub limit: u64,
    /// Each change makes cases of its own out of each base row; empty for minimum functionality.
    pub changes: Vec<Change>,
    /// What must hold.
    pub expectation: Expectation,
    /// The share of cases that must pass for the test to pass, 0 to 1.
    pub pass_rate: f64,
    /// The line where it begins.
    pub line: u32,
}

/// The type of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TestType {
    /// A row has a known right answer.
    Minimum,
    /// A change of the row must not change the answer.
    Invariance,
    /// A change of the row must move a score in a known direction.
    Directional,
}

impl TestType {
    /// All of them, in the order of a matrix.
    pub const ALL: [TestType; 3] = [TestType::Minimum, TestType::Invariance, TestType::Directional];

    /// The word in a file.
    pub fn as_str(self) -> &'static str {
        match self {
            TestType::Minimum => "minimum",
            TestType::Invariance => "invariance",
            TestType::Directional => "directional",
        }
    }

    /// Reads [`TestType::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// The words as people read them.
    pub fn words(self) -> &'static str {
        match self {
            TestType::Minimum => "minimum functionality",
            TestType::Invariance => "invariance",
            TestType::Directional => "directional",
        }
    }
}

/// Where base rows come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Base {
    /// Texts with `{LEXICON}` in them, put into a column.
    Templates {
        /// The texts.
        templates: Vec<String>,
        /// The column.
        column: String,
    },
    /// Rows as listed.
    Rows {
        /// One object each.
        #[schema(value_type = Vec<Object>)]
        rows: Vec<Map<String, Value>>,
    },
    /// Rows of a split of the data; never of the holdout.
    Data {
        /// Train or validation.
        split: Split,
        /// An SQL predicate that selects rows.
        filter: Option<String>,
    },
}

/// One way to change a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Change {
    /// The column that is changed.
    pub column: String,
    /// What is done to it.
    pub perturbation: Perturbation,
    /// Variants of each row, where chance decides.
    pub times: u32,
}

/// What is done to a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Perturbation {
    /// This many slips of the finger: neighbouring letters swapped, a letter dropped or doubled.
    Typos(u32),
    /// Other letters of the same words.
    Case(LetterCase),
    /// Punctuation taken out, or a mark put at the end.
    Punctuation(Punctuation),
    /// Each digit of each number replaced by another, so that numbers keep their length.
    Numbers,
    /// Each word of a lexicon replaced by another one of it.
    Swap(String),
    /// The first English verb that can be negated is negated, or its negation taken out.
    Negation,
    /// A text, with lexicons filled in, put in front.
    Prepend(String),
    /// A text, with lexicons filled in, put behind.
    Append(String),
    /// The column set to each of these values.
    #[schema(value_type = Vec<Object>)]
    Set(Vec<Value>),
    /// This much added to a number.
    Add(f64),
}

impl Perturbation {
    /// Whether chance has a part in it, so that several variants differ.
    pub fn is_random(&self) -> bool {
        use Perturbation::{Append, Numbers, Prepend, Swap, Typos};
        matches!(self, Typos(_) | Numbers | Swap(_) | Prepend(_) | Append(_))
    }

    /// Whether it needs a text.
    pub fn is_of_text(&self) -> bool {
        !matches!(self, Perturbation::Set(_) | Perturbation::Add(_))
    }

    /// What it does, in words: `2 typos`, `upper case`.
    pub fn words(&self) -> String {
        match self {
            Perturbation::Typos(count) => crate::text::count(u64::from(*count), "typo"),
            Perturbation::Case(case) => format!("{} case", case.as_str()),
            Perturbation::Punctuation(Punctuation::Strip) => "no punctuation".to_owned(),
            Perturbation::Punctuation(Punctuation::Add) => "another mark at the end".to_owned(),
            Perturbation::Numbers => "other numbers".to_owned(),
            Perturbation::Swap(lexicon) => format!("another {lexicon}"),
            Perturbation::Negation => "negated".to_owned(),
            Perturbation::Prepend(_) => "text in front".to_owned(),
            Perturbation::Append(_) => "text behind".to_owned(),
            Perturbation::Set(_) => "another value".to_owned(),
            Perturbation::Add(amount) if *amount < 0.0 => format!("less {}", crate::text::number(-amount)),
            Perturbation::Add(amount) => format!("plus {}", crate::text::number(*amount)),
        }
    }
}

/// Cases of letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LetterCase {
    /// `LIKE THIS`
    Upper,
    /// `like this`
    Lower,
    /// `Like This`
    Title,
}

impl LetterCase {
    /// All of them.
    pub const ALL: [LetterCase; 3] = [LetterCase::Upper, LetterCase::Lower, LetterCase::Title];

    /// The word in a file.
    pub fn as_str(self) -> &'static str {
        match self {
            LetterCase::Upper => "upper",
            LetterCase::Lower => "lower",
            LetterCase::Title => "title",
        }
    }
}

/// Changes of punctuation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Punctuation {
    /// All marks are taken out.
    Strip,
    /// The mark at the end is taken out where there is one, else a full stop is added.
    Add,
}

impl Punctuation {
    /// All of them.
    pub const ALL: [Punctuation; 2] = [Punctuation::Strip, Punctuation::Add];

    /// The word in a file.
    pub fn as_str(self) -> &'static str {
        match self {
            Punctuation::Strip => "strip",
            Punctuation::Add => "add",
        }
    }
}

/// What a test expects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Expectation {
    /// Minimum functionality: the label is one of these.
    Label(Vec<String>),
    /// Minimum functionality: the label is the one that the row itself carries in the label column.
    OwnLabel,
    /// Minimum functionality: a score (a prediction, where the model gives numbers) lies in a range.
    Score {
        /// The class; `None`: the positive one.
        of: Option<String>,
        /// Smallest score.
        at_least: Option<f64>,
        /// Greatest score.
        at_most: Option<f64>,
    },
    /// Invariance: the label stays.
    SameLabel,
    /// Invariance: the score moves by no more than this.
    Within {
        /// The class; `None`: the positive one, else the one that was predicted before.
        of: Option<String>,
        /// The greatest move.
        distance: f64,
    },
    /// Directional: the score moves this way.
    Moves {
        /// The class; `None`: the positive one, else the one that was predicted before.
        of: Option<String>,
        /// Which way.
        direction: Direction,
        /// For `up` and `down` the least move; for `not up` and `not down` what is still borne.
        by: f64,
    },
}

impl Expectation {
    /// The type of test that expects such a thing.
    pub fn test_type(&self) -> TestType {
        match self {
            Expectation::Label(_) | Expectation::OwnLabel | Expectation::Score { .. } => TestType::Minimum,
            Expectation::SameLabel | Expectation::Within { .. } => TestType::Invariance,
            Expectation::Moves { .. } => TestType::Directional,
        }
    }

    /// The class whose score is looked at, where one is named.
    pub fn class(&self) -> Option<&str> {
        match self {
            Expectation::Score { of, .. } | Expectation::Within { of, .. } | Expectation::Moves { of, .. } => {
                of.as_deref()
            }
            _ => None,
        }
    }

    /// Whether a score is needed, not only a label.
    pub fn needs_score(&self) -> bool {
        !matches!(self, Expectation::Label(_) | Expectation::OwnLabel | Expectation::SameLabel)
    }

    /// What is expected, in words.
    pub fn words(&self) -> String {
        let score = |of: &Option<String>| match of {
            Some(class) => format!("the score of {class}"),
            None => "the score".to_owned(),
        };
        let number = crate::text::number;
        match self {
            Expectation::Label(labels) => format!("the label is {}", labels.join(" or ")),
            Expectation::OwnLabel => "the label is the row's own".to_owned(),
            Expectation::Score { of, at_least, at_most } => match (at_least, at_most) {
                (Some(least), Some(most)) => {
                    format!("{} lies between {} and {}", score(of), number(*least), number(*most))
                }
                (Some(least), None) => format!("{} is at least {}", score(of), number(*least)),
                (None, Some(most)) => format!("{} is at most {}", score(of), number(*most)),
                (None, None) => format!("{} is anything", score(of)),
            },
            Expectation::SameLabel => "the label stays".to_owned(),
            Expectation::Within { of, distance } => {
                format!("{} moves by at most {}", score(of), number(*distance))
            }
            Expectation::Moves { of, direction, by } => {
                let much = match direction {
                    _ if *by == 0.0 => String::new(),
                    Direction::Up | Direction::Down => format!(" by at least {}", number(*by)),
                    Direction::NotUp | Direction::NotDown => format!(" by more than {}", number(*by)),
                };
                format!("{} {}{much}", score(of), direction.words())
            }
        }
    }
}

/// Which way a score must move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// It rises.
    Up,
    /// It falls.
    Down,
    /// It does not rise.
    NotUp,
    /// It does not fall.
    NotDown,
}

impl Direction {
    /// All of them.
    pub const ALL: [Direction; 4] = [Direction::Up, Direction::Down, Direction::NotUp, Direction::NotDown];

    /// The words in a file.
    pub fn as_str(self) -> &'static str {
        match self {
            Direction::Up => "up",
            Direction::Down => "down",
            Direction::NotUp => "not up",
            Direction::NotDown => "not down",
        }
    }

    /// The words in a sentence about a score.
    fn words(self) -> &'static str {
        match self {
            Direction::Up => "rises",
            Direction::Down => "falls",
            Direction::NotUp => "does not rise",
            Direction::NotDown => "does not fall",
        }
    }
}

/// A stretch of a text, and whether it is what was changed or filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Segment {
    /// The text.
    pub text: String,
    /// Whether it is the changed part.
    pub changed: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expectations_are_said_in_words() {
        let of = Some("urgent".to_owned());
        let cases = [
            (Expectation::Label(vec!["a".into(), "b".into()]), "the label is a or b"),
            (
                Expectation::Score { of: of.clone(), at_least: Some(0.8), at_most: None },
                "the score of urgent is at least 0.8",
            ),
            (Expectation::Within { of: None, distance: 0.1 }, "the score moves by at most 0.1"),
            (
                Expectation::Moves { of: of.clone(), direction: Direction::NotDown, by: 0.05 },
                "the score of urgent does not fall by more than 0.05",
            ),
            (
                Expectation::Moves { of: of.clone(), direction: Direction::Up, by: 0.1 },
                "the score of urgent rises by at least 0.1",
            ),
            (Expectation::Moves { of, direction: Direction::NotUp, by: 0.0 }, "the score of urgent does not rise"),
        ];
        for (expectation, words) in cases {
            assert_eq!(expectation.words(), words);
        }
    }
}
