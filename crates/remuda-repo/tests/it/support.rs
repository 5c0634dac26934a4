//! A small product to begin each story with, and a criterion parser that knows just enough.

use remuda_model::gate::Criterion;
use remuda_model::gate::criterion::{Bound, Change, Claim, Comparison, Each, Metric, MetricOf, Quantity, Reference};
use remuda_repo::{CriterionFault, DefinitionFiles, Definitions, check};

pub(crate) const PRODUCT: &str = r#"[product]
name = "churn"
stage = "build"
risk = "medium"
solo = false

[members.petra]
email = "petra@example.org"
roles = ["product-owner"]

[members.dan]
roles = ["data-scientist", "data-engineer"]
"#;

pub(crate) const CONTRACT: &str = "apiVersion: v3.1.0
kind: DataContract
id: customers
name: customers
version: 1.0.0
status: active
schema:
  - name: customers
    logicalType: object
    properties:
      - name: customer
        logicalType: string
        primaryKey: true
      - name: tenure
        logicalType: integer
      - name: churn
        logicalType: string
        customProperties:
          - property: remudaUse
            value: label
        quality:
          - metric: invalidValues
            arguments:
              validValues: [No, Yes]
            mustBe: 0
";

pub(crate) const PIPELINE: &str = r#"[[step]]
name = "rules"
learn = "majority"
data = "customers"

[[step]]
name = "trees"
learn = "trees"
data = "customers"
"#;

pub(crate) const REQUIREMENT: &str = r#"+++
goal = "Keep customers who would leave"
owner = "petra"
data = "customers"
criteria = ["recall of Yes >= 0.70"]
+++

Why it matters.
"#;

/// The small product with some of its files replaced.
pub(crate) fn files(changes: &[(&str, &str)]) -> DefinitionFiles {
    let mut files = DefinitionFiles::default();
    let usual = [
        ("remuda.toml", PRODUCT),
        ("data/customers.odcs.yaml", CONTRACT),
        ("pipeline.toml", PIPELINE),
        ("requirements/keep.md", REQUIREMENT),
    ];
    for (path, text) in usual.iter().chain(changes) {
        files.0.insert((*path).to_owned(), (*text).to_owned());
    }
    files
}

/// Checks the product and renders all findings as a terminal would.
pub(crate) fn findings(changes: &[(&str, &str)]) -> String {
    let (_, found) = check(&files(changes), &parse_criterion);
    found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Checks a product that must be without a finding.
pub(crate) fn good(changes: &[(&str, &str)]) -> Definitions {
    let (definitions, found) = check(&files(changes), &parse_criterion);
    let shown: String = found.iter().map(ToString::to_string).collect();
    assert_eq!(shown, "");
    definitions
}

/// Reads `every test of NAME passes` and `METRIC [of CLASS] >= (NUMBER | baseline NAME) [for each C] [by C]`; all
/// else is a fault at the word that is not understood.
pub(crate) fn parse_criterion(text: &str) -> Result<Criterion, CriterionFault> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let fault = |word: &str| {
        let at = text.find(word).unwrap_or(0);
        (format!("unknown word `{word}`"), at..at + word.len(), vec!["did you mean `recall`?".to_owned()])
    };
    if let ["every", "test", "of", name, "passes"] = words.as_slice() {
        let claim = Claim::EveryTest { name: (*name).to_owned() };
        return Ok(Criterion { claim, filter: None, each: None, by: None, confidence: None });
    }
    let after = |word: &str| words.iter().position(|other| *other == word).and_then(|at| words.get(at + 1));
    let metric = match words.first().copied().unwrap_or_default() {
        "recall" => Metric::Recall,
        "accuracy" => Metric::Accuracy,
        other => return Err(fault(other)),
    };
    let bound = match after("baseline") {
        Some(name) => Bound::Reference { reference: Reference::Baseline((*name).to_owned()), change: Change::None },
        None => {
            let number = after(">=").copied().unwrap_or_default();
            Bound::Number { value: number.parse().map_err(|_| fault(number))?, unit: None }
        }
    };
    let class = after("of").map(|class| (*class).to_owned());
    let claim =
        Claim::Holds { quantity: Quantity::Metric(MetricOf { metric, class }), comparison: Comparison::AtLeast, bound };
    let each = after("each").map(|column| Each { column: (*column).to_owned(), at_least: None });
    Ok(Criterion { claim, filter: None, each, by: after("by").map(|column| (*column).to_owned()), confidence: None })
}
