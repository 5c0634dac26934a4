//! Dataset versions and their differences.

use super::{HOUR, NOW, digest, facts};
use remuda_app::data::{
    Cell, CellChange, ChangeCounts, ColumnChange, Look, RowChange, VersionDiff, VersionLine, VersionPage,
};
use remuda_model::data::*;

pub(crate) fn line(dataset: &str, index: u64) -> VersionLine {
    let result = |rule: &str, passed: bool, breaches: u64, message: &str| RuleResult {
        rule: rule.into(),
        severity: RuleSeverity::Warning,
        passed,
        breaches,
        message: message.into(),
    };
    let report = ContractReport {
        results: vec![
            result(
                "null_values(TotalCharges)",
                false,
                11,
                "11 rows lack a value where none may: lines 489, 754, 937, …",
            ),
            result("valid_values(Contract)", true, 0, "every value is known"),
            result("range(tenure)", true, 0, "all between 0 and 72"),
            result("duplicate_values(customerID)", true, 0, "no key comes twice"),
        ],
    };
    VersionLine {
        version: DatasetVersion {
            dataset: dataset.into(),
            digest: digest(&format!("{dataset} {index}")),
            source: format!("Telco-Customer-Churn-{index}.csv"),
            rows: 7_043 + 1_000 * index,
            bytes: 412_331 + 58_000 * index,
            new_bytes: 58_212,
            manifest: digest("manifest"),
            profile: digest("profile"),
            contract: Some(digest("contract")),
            report,
            split_rows: [4_930 + 700 * index, 1_056 + 150 * index, 1_057 + 150 * index],
            file: None,
        },
        actor: "engineer".into(),
        time: NOW - (12 - index as i64) * 9 * HOUR,
        fact: "0199f2c4-7d1e-7a31-9c55-000000000001".into(),
    }
}

fn column(name: &str, column_type: ColumnType, column_use: ColumnUse) -> Column {
    Column { name: name.into(), column_type, required: true, column_use, kind: None, description: String::new() }
}

fn numbers(name: &str, maximum: f64, shape: impl Fn(f64) -> f64, missing: u64) -> ColumnProfile {
    let bin = |index: u64| Bin {
        lower: maximum * index as f64 / 20.0,
        upper: maximum * (index + 1) as f64 / 20.0,
        count: (1_000.0 * shape((index as f64 + 0.5) / 20.0)) as u64,
    };
    ColumnProfile {
        name: name.into(),
        column_type: ColumnType::Number,
        count: 7_043,
        missing,
        distinct: 1_585,
        numbers: Some(NumberSummary {
            minimum: 0.0,
            maximum,
            mean: maximum * 0.44,
            deviation: maximum * 0.2,
            quantiles: [0.05, 0.22, 0.45, 0.71, 0.95].map(|share| share * maximum),
        }),
        histogram: (0..20).map(bin).collect(),
        top: Vec::new(),
        mean_length: None,
    }
}

fn words(name: &str, values: &[(&str, u64)], distinct: u64, mean_length: Option<f64>) -> ColumnProfile {
    ColumnProfile {
        name: name.into(),
        column_type: ColumnType::String,
        count: 7_043,
        missing: 0,
        distinct,
        numbers: None,
        histogram: Vec::new(),
        top: values.iter().map(|(value, count)| ValueCount { value: (*value).into(), count: *count }).collect(),
        mean_length,
    }
}

pub(crate) fn page() -> VersionPage {
    let mut signed_up = numbers("SignedUp", 1.0, |x| 0.3 + 0.6 * x, 0);
    signed_up.column_type = ColumnType::Timestamp;
    if let Some(summary) = &mut signed_up.numbers {
        (summary.minimum, summary.maximum) = (1_388_534_400.0, 1_795_442_700.0);
        summary.quantiles = [1.40e9, 1.52e9, 1.63e9, 1.72e9, 1.79e9];
    }
    let profile = Profile {
        rows: 7_043,
        duplicate_rows: 22,
        columns: vec![
            words("customerID", &[("7590-VHVEG", 1), ("5575-GNVDE", 1), ("3668-QPYBK", 1)], 7_043, Some(10.0)),
            numbers("tenure", 72.0, |x| 0.9 - 1.6 * x + 1.5 * x * x, 0),
            numbers("MonthlyCharges", 118.75, |x| 0.15 + (x * 9.0).sin().abs() * 0.7, 0),
            numbers("TotalCharges", 8_684.8, |x| (-4.0 * x).exp(), 11),
            words("Contract", &[("Month-to-month", 3_875), ("Two year", 1_695), ("One year", 1_473)], 3, None),
            words(
                "PaymentMethod",
                &[
                    ("Electronic check", 2_365),
                    ("Mailed check", 1_612),
                    ("Bank transfer (automatic)", 1_544),
                    ("Credit card (automatic)", 1_522),
                ],
                4,
                None,
            ),
            signed_up,
            words(
                "Notes",
                &[
                    ("called twice about the bill", 31),
                    ("", 12),
                    ("moved", 9),
                    ("asked for a quote", 7),
                    ("paid late", 6),
                    ("wants fibre", 5),
                    ("no answer", 4),
                ],
                2_811,
                Some(38.4),
            ),
            words("Churn", &[("No", 5_174), ("Yes", 1_869)], 2, None),
        ],
    };
    let look = |hours, revealed: &str, purpose: String, charge| Look {
        time: NOW - hours * HOUR,
        actor: "quality".into(),
        revealed: revealed.into(),
        purpose,
        charge,
        budget: 10,
        retired: hours > 200,
    };
    VersionPage {
        line: line("customers", 2),
        columns: vec![
            column("customerID", ColumnType::String, ColumnUse::Key),
            column("Churn", ColumnType::String, ColumnUse::Label),
            column("SignedUp", ColumnType::Timestamp, ColumnUse::Time),
        ],
        profile,
        report: line("customers", 2).version.report,
        looks: vec![
            look(6, "numbers", format!("candidate {}", digest("trees")), 1),
            look(40, "verdicts", "candidate linear".into(), 1),
        ],
        budget: 20,
        used_by: facts().facts.into_iter().take(4).collect(),
        siblings: vec![line("customers", 1), line("customers", 0)],
    }
}

/// A version with very many columns, each with very long values.
pub(crate) fn wide_page(columns: usize) -> VersionPage {
    let mut wide = page();
    let long = "x".repeat(3_000);
    wide.profile.columns = (0..columns)
        .map(|index| {
            let name = format!("column {index} {long}");
            if index % 2 == 0 {
                numbers(&name, 1e9, |x| x, 3)
            } else {
                words(&name, &[(&long, 9), (&long, 8), (&long, 7), (&long, 6), (&long, 5), (&long, 4)], 99, None)
            }
        })
        .collect();
    wide
}

pub(crate) fn difference() -> VersionDiff {
    let change = |column: &str, before: &str, after: &str| CellChange {
        column: column.into(),
        before: before.into(),
        after: after.into(),
    };
    let row = |kind: &str, key: &str, changes| RowChange {
        kind: kind.into(),
        key: vec![Cell { column: "customerID".into(), value: key.into() }],
        changes,
    };
    VersionDiff {
        before: digest("customers 1").to_string(),
        after: digest("customers 2").to_string(),
        counts: ChangeCounts { added: 2_107, removed: 14, changed: 61, relabelled: 9 },
        same: 6_959,
        key: vec!["customerID".into()],
        by_column: vec![
            ColumnChange { column: "MonthlyCharges".into(), rows: 44 },
            ColumnChange { column: "Contract".into(), rows: 17 },
            ColumnChange { column: "Churn".into(), rows: 9 },
        ],
        examples: vec![
            row("relabelled", "7590-VHVEG", vec![change("Churn", "No", "Yes")]),
            row(
                "changed",
                "5575-GNVDE",
                vec![change("MonthlyCharges", "56.95", "61.2"), change("Contract", "Month-to-month", "One year")],
            ),
            row("changed", "3668-QPYBK", vec![change("TotalCharges", "", "108.15")]),
            row("added", "9237-HQITU", vec![]),
            row("removed", "0280-XJGEX", vec![]),
        ],
        hidden: 0,
        charged: false,
    }
}
