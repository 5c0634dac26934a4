//! Datasets: column types, contracts (the part of ODCS 3.1 that we enforce), splits, manifests and profiles.
//!
//! A dataset version is a manifest: a schema and a list of parts. Parts are cut at rows whose content says so, so
//! two versions that share rows share parts.

use crate::Digest;
use crate::diagnostic::Severity;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The logical type of a column, as in ODCS `logicalType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ColumnType {
    /// 64-bit signed integer.
    Integer,
    /// 64-bit float.
    Number,
    /// UTF-8 text.
    String,
    /// true or false.
    Boolean,
    /// A day, without time zone.
    Date,
    /// A moment in UTC, microseconds.
    Timestamp,
}

impl ColumnType {
    /// The word in a contract.
    pub fn as_str(self) -> &'static str {
        match self {
            ColumnType::Integer => "integer",
            ColumnType::Number => "number",
            ColumnType::String => "string",
            ColumnType::Boolean => "boolean",
            ColumnType::Date => "date",
            ColumnType::Timestamp => "timestamp",
        }
    }

    /// Reads [`ColumnType::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        use ColumnType::{Boolean, Date, Integer, Number, String, Timestamp};
        [Integer, Number, String, Boolean, Date, Timestamp].into_iter().find(|kind| kind.as_str() == word)
    }

    /// Whether values are numbers.
    pub fn is_numeric(self) -> bool {
        matches!(self, ColumnType::Integer | ColumnType::Number)
    }
}

/// What a column is for. Only `Feature` columns reach a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ColumnUse {
    /// An input of models.
    #[default]
    Feature,
    /// What models predict.
    Label,
    /// Identifies the row (or with others, the row).
    Key,
    /// The unit of independence: rows that share it stay in one split.
    Group,
    /// When the row happened.
    Time,
    /// A survey weight.
    Weight,
    /// Kept, shown, sliced by, but never an input.
    Ignore,
}

impl ColumnUse {
    /// The word in a contract.
    pub fn as_str(self) -> &'static str {
        match self {
            ColumnUse::Feature => "feature",
            ColumnUse::Label => "label",
            ColumnUse::Key => "key",
            ColumnUse::Group => "group",
            ColumnUse::Time => "time",
            ColumnUse::Weight => "weight",
            ColumnUse::Ignore => "ignore",
        }
    }

    /// Reads [`ColumnUse::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        use ColumnUse::{Feature, Group, Ignore, Key, Label, Time, Weight};
        [Feature, Label, Key, Group, Time, Weight, Ignore].into_iter().find(|purpose| purpose.as_str() == word)
    }
}

/// How values of a column are read by a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FeatureKind {
    /// A number; missing allowed.
    Number,
    /// One of a set of words; unseen and missing allowed.
    Category,
    /// Short free text.
    Text,
}

impl FeatureKind {
    /// The word in a contract.
    pub fn as_str(self) -> &'static str {
        match self {
            FeatureKind::Number => "number",
            FeatureKind::Category => "category",
            FeatureKind::Text => "text",
        }
    }

    /// Reads [`FeatureKind::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        [FeatureKind::Number, FeatureKind::Category, FeatureKind::Text].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// What the label asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// Two classes.
    Binary,
    /// Three classes or more.
    Multiclass,
    /// A number.
    Regression,
}

/// What a broken rule does to a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RuleSeverity {
    /// The version is refused.
    Error,
    /// The version is kept and marked.
    Warning,
}

/// One rule of a contract that rows must keep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Rule {
    /// A name for reports: `null_values(TotalCharges)`.
    pub name: String,
    /// What is checked.
    pub check: Check,
    /// What a breach does.
    pub severity: RuleSeverity,
}

/// The checks that a contract can ask for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// At most this many rows lack a value (`share` of all rows, 0 to 1, when set; otherwise `rows`).
    NullValues {
        /// The column.
        column: String,
        /// Greatest number of rows.
        rows: Option<u64>,
        /// Greatest share of rows.
        share: Option<f64>,
    },
    /// Values lie in `minimum ..= maximum`.
    Range {
        /// The column.
        column: String,
        /// Smallest allowed value.
        minimum: Option<f64>,
        /// Greatest allowed value.
        maximum: Option<f64>,
    },
    /// Values are among these.
    ValidValues {
        /// The column.
        column: String,
        /// The allowed values, as text.
        values: Vec<String>,
    },
    /// No two rows share the values of these columns (none named: the whole row).
    DuplicateValues {
        /// The columns; empty for the whole row.
        columns: Vec<String>,
        /// Greatest number of surplus rows.
        rows: u64,
    },
    /// The dataset has this many rows.
    RowCount {
        /// Smallest allowed count.
        minimum: Option<u64>,
        /// Greatest allowed count.
        maximum: Option<u64>,
    },
}

/// One column of a contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Column {
    /// The name, as in the file's header.
    pub name: String,
    /// The logical type.
    #[serde(rename = "type")]
    pub column_type: ColumnType,
    /// A value must be there in every row.
    pub required: bool,
    /// What the column is for.
    #[serde(rename = "use")]
    pub column_use: ColumnUse,
    /// How models read it; `None` when it is no feature.
    pub kind: Option<FeatureKind>,
    /// One line for readers.
    pub description: String,
}

/// How rows are dealt to train, validation and holdout: by a hash of `by`, so a row keeps its split as data grows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SplitRule {
    /// The columns whose values are hashed; empty: every column but the label (duplicates stay together).
    pub by: Vec<String>,
    /// Changes the deal; part of the contract, so a change shows.
    pub salt: String,
    /// Share of rows for training, 0 to 1.
    pub train: f64,
    /// Share of rows for validation.
    pub validation: f64,
    /// Share of rows for the holdout.
    pub holdout: f64,
}

/// One of the three parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// For fitting.
    Train,
    /// For choosing.
    Validation,
    /// For deciding; reading it is a fact.
    Holdout,
}

impl Split {
    /// The word in commands and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Validation => "validation",
            Split::Holdout => "holdout",
        }
    }

    /// Reads [`Split::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        [Split::Train, Split::Validation, Split::Holdout].into_iter().find(|split| split.as_str() == word)
    }
}

impl SplitRule {
    /// The usual rule: 70 % train, 15 % validation, 15 % holdout.
    pub fn usual(by: Vec<String>) -> Self {
        Self { by, salt: "1".into(), train: 0.70, validation: 0.15, holdout: 0.15 }
    }

    /// Whether both rules order rows alike. Their holdouts are then nested: that of the smaller share lies within that of
    /// the greater.
    pub fn deals_like(&self, other: &SplitRule) -> bool {
        self.by == other.by && self.salt == other.salt
    }

    /// Whether a row that was outside of this rule's holdout can be in the other's.
    pub fn may_leak_into(&self, other: &SplitRule) -> bool {
        !self.deals_like(other) || other.holdout > self.holdout
    }

    /// The split of a row whose split key (see [`SplitRule::by`]) is `key`: the fields' text, each with its length
    /// before it. The holdout takes the low end of the hash, validation the next part, train the rest, so changing
    /// the train share never moves a row out of the holdout.
    pub fn split_of(&self, key: &[u8]) -> Split {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"remuda split 1");
        hasher.update(&(self.salt.len() as u64).to_le_bytes());
        hasher.update(self.salt.as_bytes());
        hasher.update(key);
        let mut first = [0u8; 8];
        first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        let place = (u64::from_le_bytes(first) >> 11) as f64 / (1u64 << 53) as f64;
        if place < self.holdout {
            Split::Holdout
        } else if place < self.holdout + self.validation {
            Split::Validation
        } else {
            Split::Train
        }
    }
}

/// A data contract: what a dataset's rows look like and which rules they keep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Contract {
    /// The dataset's name.
    pub name: String,
    /// The contract's own version (`1.0.0`).
    pub version: String,
    /// One line for readers.
    pub description: String,
    /// Columns in file order.
    pub columns: Vec<Column>,
    /// Words that stand for a missing value in text files, besides the empty field: `?`, `NA`.
    pub missing: Vec<String>,
    /// The rules.
    pub rules: Vec<Rule>,
    /// The split rule.
    pub split: SplitRule,
    /// For a binary label: the class that metrics are of.
    pub positive: Option<String>,
}

impl Contract {
    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The label column, if the contract names one.
    pub fn label(&self) -> Option<&Column> {
        self.columns.iter().find(|column| column.column_use == ColumnUse::Label)
    }

    /// The key columns; may be empty.
    pub fn keys(&self) -> Vec<&str> {
        self.named_by_use(ColumnUse::Key)
    }

    /// The columns that models read.
    pub fn features(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| column.column_use == ColumnUse::Feature)
    }

    fn named_by_use(&self, purpose: ColumnUse) -> Vec<&str> {
        self.columns.iter().filter(|column| column.column_use == purpose).map(|column| column.name.as_str()).collect()
    }
}

/// One part of a dataset version: a Parquet blob with some thousands of rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Part {
    /// Digest over the rows' content: what decides whether two parts are the same rows.
    pub content: Digest,
    /// Digest of the Parquet bytes in the blob store.
    pub blob: Digest,
    /// Rows in this part.
    pub rows: u64,
    /// Size of the blob in bytes.
    pub bytes: u64,
}

/// What a dataset version is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Manifest {
    /// Name and type of each column, in order.
    pub columns: Vec<(String, ColumnType)>,
    /// The parts in row order.
    pub parts: Vec<Part>,
}

impl Manifest {
    /// The version's digest: over schema and row content, not over how Parquet happened to encode it.
    pub fn digest(&self) -> Digest {
        let mut fields: Vec<Vec<u8>> = vec![b"remuda dataset version 1".to_vec()];
        for (name, column_type) in &self.columns {
            fields.push(name.as_bytes().to_vec());
            fields.push(column_type.as_str().as_bytes().to_vec());
        }
        fields.push(b"parts".to_vec());
        for part in &self.parts {
            fields.push(part.content.as_str().as_bytes().to_vec());
        }
        Digest::of_fields(fields.iter().map(Vec::as_slice))
    }

    /// Rows in all parts.
    pub fn rows(&self) -> u64 {
        self.parts.iter().map(|part| part.rows).sum()
    }

    /// Bytes of all parts.
    pub fn bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.bytes).sum()
    }
}

/// What one rule found in one version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RuleResult {
    /// The rule's name.
    pub rule: String,
    /// What a breach does.
    pub severity: RuleSeverity,
    /// Whether the rows keep the rule.
    pub passed: bool,
    /// How many rows break it.
    pub breaches: u64,
    /// One sentence: what was found, with the first places (line or row numbers).
    pub message: String,
}

/// The contract's report on one version.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ContractReport {
    /// One result per rule, in the contract's order.
    pub results: Vec<RuleResult>,
}

impl ContractReport {
    /// Whether a rule of severity `error` is broken: the version is refused.
    pub fn refuses(&self) -> bool {
        self.results.iter().any(|result| !result.passed && result.severity == RuleSeverity::Error)
    }

    /// The broken rules.
    pub fn breaches(&self) -> impl Iterator<Item = &RuleResult> {
        self.results.iter().filter(|result| !result.passed)
    }
}

/// A bin of a histogram: `[lower, upper)`, the last one closed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Bin {
    /// Lower edge.
    pub lower: f64,
    /// Upper edge.
    pub upper: f64,
    /// Rows in it.
    pub count: u64,
}

/// A value and how many rows have it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ValueCount {
    /// The value as text.
    pub value: String,
    /// Rows with it.
    pub count: u64,
}

/// What one column of one version looks like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ColumnProfile {
    /// The column.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub column_type: ColumnType,
    /// Rows.
    pub count: u64,
    /// Rows without a value.
    pub missing: u64,
    /// Distinct values; exact up to 10,000, an estimate beyond.
    pub distinct: u64,
    /// Numbers and times (as seconds since 1970): smallest, greatest, mean, standard deviation, and the 5, 25, 50,
    /// 75, 95 % quantiles.
    pub numbers: Option<NumberSummary>,
    /// Numbers and times: at most 20 bins of equal width between minimum and maximum.
    pub histogram: Vec<Bin>,
    /// Text, boolean and few-valued integer columns: the most frequent values (at most 50), most frequent first.
    pub top: Vec<ValueCount>,
    /// Text: mean length in characters; `None` otherwise.
    pub mean_length: Option<f64>,
}

/// Summary of a numeric column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NumberSummary {
    /// Smallest value.
    pub minimum: f64,
    /// Greatest value.
    pub maximum: f64,
    /// Arithmetic mean.
    pub mean: f64,
    /// Standard deviation (n - 1).
    pub deviation: f64,
    /// Quantiles at 5, 25, 50, 75 and 95 %.
    pub quantiles: [f64; 5],
}

/// What a version looks like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Profile {
    /// Rows.
    pub rows: u64,
    /// Surplus rows that equal an earlier row exactly.
    pub duplicate_rows: u64,
    /// One profile per column, in file order.
    pub columns: Vec<ColumnProfile>,
}

/// Something that `init` or `data add` noticed and a person should look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Oddity {
    /// How bad.
    pub severity: Severity,
    /// The column, when it is about one.
    pub column: Option<String>,
    /// One sentence.
    pub message: String,
    /// What was assumed, or what to do.
    pub advice: String,
}

/// One dataset version, as the ledger lists it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DatasetVersion {
    /// The dataset's name.
    pub dataset: String,
    /// The version's digest.
    pub digest: Digest,
    /// The file's name it came from (no folder).
    pub source: String,
    /// Rows.
    pub rows: u64,
    /// Bytes of its parts.
    pub bytes: u64,
    /// Bytes of parts that no earlier version had.
    pub new_bytes: u64,
    /// Digest of the blob with the [`Manifest`].
    pub manifest: Digest,
    /// Digest of the blob with the [`Profile`].
    pub profile: Digest,
    /// Digest of the contract's text, when there was one.
    pub contract: Option<Digest>,
    /// What the contract found.
    pub report: ContractReport,
    /// Rows in train, validation and holdout.
    pub split_rows: [u64; 3],
    /// The file that it came from, so that a run which reads this file is known to read this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<SourceFile>,
}

/// The content of a file that a version came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceFile {
    /// Digest of its bytes.
    pub digest: Digest,
    /// Its size in bytes.
    pub bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_keeps_its_split_when_the_train_share_changes() {
        let rule = SplitRule::usual(vec!["id".into()]);
        let wider = SplitRule { train: 0.60, validation: 0.25, ..rule.clone() };
        let mut counts = [0u32; 3];
        for row in 0..20_000u32 {
            let key = row.to_le_bytes();
            let split = rule.split_of(&key);
            counts[split as usize] += 1;
            if split == Split::Holdout {
                assert_eq!(wider.split_of(&key), Split::Holdout);
            }
        }
        // 15 % of 20,000 with a standard deviation of 50: five of them either way.
        assert!((2750..3250).contains(&counts[2]), "{counts:?}");
        assert!((2750..3250).contains(&counts[1]), "{counts:?}");
    }
}
