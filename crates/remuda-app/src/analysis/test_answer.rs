//! What behavioural tests of a candidate found, as faces and facts have it.

use remuda_model::Digest;
use remuda_model::behaviour::{Segment, TestType};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What behavioural tests found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Tested {
    /// Its id.
    pub id: String,
    /// Every test passes by its own pass rate.
    pub passed: bool,
    /// The candidate.
    pub model: Digest,
    /// The candidate's name.
    pub model_name: String,
    /// The dataset whose contract typed the rows.
    pub dataset: String,
    /// The version whose rows were used, where tests draw rows of the data.
    pub version: Option<Digest>,
    /// The files.
    pub files: Vec<TestedFile>,
    /// The one test or file that was asked for.
    pub only: Option<String>,
    /// Results by capability and type.
    pub matrix: Vec<CapabilityRow>,
    /// Results of each test, in the order of the files.
    pub tests: Vec<TestResult>,
    /// The same tests were run on the same candidate and rows before: this is that answer.
    pub repeated: bool,
    /// Who ran them.
    pub actor: String,
    /// When, microseconds since 1970.
    pub time: i64,
    /// The fact's id.
    pub fact: String,
}

/// A file of tests, as it was when they ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TestedFile {
    /// Its name.
    pub name: String,
    /// Digest of its text.
    pub digest: Digest,
}

/// A row of the matrix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CapabilityRow {
    /// The capability.
    pub capability: String,
    /// One cell for each type of test that it has.
    pub cells: Vec<MatrixCell>,
}

/// A cell of the matrix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MatrixCell {
    /// The type.
    #[serde(rename = "type")]
    pub kind: TestType,
    /// Tests in it.
    pub tests: u64,
    /// Of these, tests that pass by their own pass rate.
    pub passing: u64,
    /// What its cases say.
    pub rate: PassRate,
}

/// A share of cases that pass.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PassRate {
    /// Cases.
    pub cases: u64,
    /// Cases that fail.
    pub failures: u64,
    /// What cases are made of and what is counted as independent: base rows and templates.
    pub units: u64,
    /// The share; `None` without cases.
    pub value: Option<f64>,
    /// One-sided lower bound at `confidence`, for rows and templates like these.
    pub lower: Option<f64>,
    /// One-sided upper bound at `confidence`.
    pub upper: Option<f64>,
    /// One-sided confidence as a share.
    pub confidence: f64,
    /// The method of the bounds.
    pub method: String,
}

/// The result of one test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TestResult {
    /// The file.
    pub file: String,
    /// The test.
    pub name: String,
    /// One line for readers.
    pub about: String,
    /// What it is a test of.
    pub capability: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: TestType,
    /// What is expected, in words.
    pub expected: String,
    /// Whether as many cases pass as it demands, and there is at least one.
    pub passed: bool,
    /// The share of cases that must pass.
    pub demanded: f64,
    /// What its cases say.
    pub rate: PassRate,
    /// Changes that changed nothing, and so made no case.
    pub void: u64,
    /// Why it could not be run.
    pub problem: Option<String>,
    /// Failures, worst first.
    pub failures: Vec<Failure>,
}

/// A case that fails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Failure {
    /// The base row or template.
    pub unit: String,
    /// What was changed, in words; empty where the row was taken as it is.
    pub change: String,
    /// The column that is shown.
    pub column: String,
    /// Its value before, with what was changed marked; empty where nothing was.
    pub before: Vec<Segment>,
    /// Its value as it was asked, with what was changed or filled in marked.
    pub after: Vec<Segment>,
    /// The answer before.
    pub answered_before: Option<Answered>,
    /// The answer.
    pub answered: Answered,
    /// The label that was expected, where the row itself said it.
    pub own_label: Option<String>,
    /// All inputs of the row as it was asked.
    #[schema(value_type = Object)]
    pub row: serde_json::Map<String, serde_json::Value>,
}

/// What a model answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Answered {
    /// The class, or the number as text.
    pub label: String,
    /// The class whose score is looked at.
    pub of: Option<String>,
    /// That score, or the number.
    pub score: Option<f64>,
}

/// The behavioural tests of a candidate: what is defined, and what was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TestState {
    /// The candidate.
    pub model: Digest,
    /// The candidate's name.
    pub model_name: String,
    /// The files that there are now.
    pub files: Vec<DefinedTests>,
    /// What was found last; `None` where they were never run on this candidate.
    pub found: Option<Tested>,
    /// Why that no longer speaks for what is in force.
    pub stale: Vec<String>,
}

/// A file of tests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DefinedTests {
    /// Its name.
    pub name: String,
    /// What they are for.
    pub about: String,
    /// How many tests.
    pub tests: u64,
    /// Digest of its text.
    pub digest: Digest,
}
