//! What an unknown file's columns are for, on files made to be odd in one way each.

use crate::support::{Shelf, about, draft, try_draft};
use remuda_model::data::{Check, ColumnUse, FeatureKind, Task};
use std::fmt::Write;

/// A file of 400 rows with these columns.
fn file(shelf: &Shelf, header: &str, row: impl Fn(u64) -> String) -> std::path::PathBuf {
    let mut text = format!("{header}\n");
    for index in 0..400 {
        let _ = writeln!(text, "{}", row(index));
    }
    shelf.file("t.csv", text)
}

/// A number without a pattern.
fn noise(row: u64, column: u64) -> u64 {
    (row + 1)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .rotate_left(17 + 5 * column as u32)
        .wrapping_mul(0xbf58_476d_1ce4_e5b9)
        >> 40
}

#[test]
fn columns_that_tell_the_label_are_not_believed() {
    let shelf = Shelf::new();
    let label = |row: u64| if noise(row, 0).is_multiple_of(3) { "yes" } else { "no" };
    let path = file(&shelf, "x,refund,hint,y", |row| {
        let refund = if label(row) == "yes" { 100 + noise(row, 1) % 50 } else { noise(row, 1) % 50 };
        let hint = if row % 50 == 0 { "no" } else { label(row) };
        format!("{},{refund},{hint}-ish,{}", noise(row, 2) % 100, label(row))
    });
    let found = draft(&path, Some("y"));
    assert_eq!(found.task, Some(Task::Binary));
    assert_eq!(found.contract.positive.as_deref(), Some("yes"));
    let used = |name: &str| found.contract.column(name).unwrap().column_use;
    assert_eq!((used("x"), used("hint")), (ColumnUse::Feature, ColumnUse::Feature));
    assert!(about(&found, Some("hint"))[0].starts_with("`hint` alone tells "), "{:?}", found.oddities);
    assert!(!about(&found, Some("refund")).is_empty(), "{:?}", found.oddities);
    assert!(about(&found, Some("x")).is_empty(), "{:?}", found.oddities);
}

#[test]
fn a_number_label_is_a_regression_and_its_copy_is_a_leak() {
    let shelf = Shelf::new();
    let path = file(&shelf, "weight,cylinders,price_in_cents,price", |row| {
        let price = 1000.0 + noise(row, 0) as f64 / 1000.0;
        format!("{},{},{},{price:.2}", 1500 + noise(row, 1) % 3000, 4 + noise(row, 2) % 3 * 2, (price * 100.0).round())
    });
    let found = draft(&path, Some("price"));
    assert_eq!((found.task, found.contract.positive.clone()), (Some(Task::Regression), None));
    let used = |name: &str| found.contract.column(name).unwrap().column_use;
    // A plain weight is that of a car, not of a survey.
    assert_eq!((used("weight"), used("cylinders")), (ColumnUse::Feature, ColumnUse::Feature));
    assert!(
        about(&found, Some("price_in_cents"))[0].starts_with("`price_in_cents` alone tells "),
        "{:?}",
        found.oddities
    );
}

#[test]
fn identifiers_constants_groups_and_copies_never_reach_a_model() {
    let shelf = Shelf::new();
    let path = file(&shelf, "row_id,code,patient_id,unit,empty,size,size_text,comment,y", |row| {
        let size = noise(row, 0) % 5;
        format!(
            "{row},X{},P{},kg,,{size},{},\"patient {} said that number {} hurts\",{}",
            noise(row, 1) % 100_000 * 400 + row,
            row % 80,
            ["none", "small", "medium", "large", "huge"][size as usize],
            noise(row, 3) % 1000,
            noise(row, 4),
            if noise(row, 5).is_multiple_of(2) { "up" } else { "down" }
        )
    });
    let found = draft(&path, Some("y"));
    let used: Vec<_> = found.contract.columns.iter().map(|column| column.column_use).collect();
    use ColumnUse::{Feature, Group, Ignore, Key, Label};
    assert_eq!(used, [Key, Ignore, Group, Ignore, Ignore, Feature, Ignore, Feature, Label], "{:#?}", found.oddities);
    assert_eq!(found.contract.column("comment").unwrap().kind, Some(FeatureKind::Text));
    assert_eq!(found.contract.split.by, ["patient_id"]);
}

#[test]
fn sentinels_spellings_rare_classes_and_dressed_numbers_are_pointed_out() {
    let shelf = Shelf::new();
    let path = file(&shelf, "age,score,city,price,when,y", |row| {
        format!(
            "{},{},{},\"${},{:03}\",2026-01-{:02},{}",
            if row % 40 == 0 { -1 } else { (noise(row, 0) % 80) as i64 },
            if row % 50 == 0 { 999 } else { noise(row, 1) % 100 },
            ["Bern", "bern ", "Basel"][(noise(row, 2) % 3) as usize],
            1 + noise(row, 3) % 9,
            noise(row, 4) % 1000,
            1 + row % 28,
            if row < 3 {
                "rare"
            } else if row % 2 == 0 {
                "a"
            } else {
                "b"
            }
        )
    });
    let found = draft(&path, Some("y"));
    assert_eq!(found.task, Some(Task::Multiclass));
    for (column, start) in [
        ("age", "10 rows have `age` = -1"),
        ("score", "8 rows have `score` = 999"),
        ("city", "1 value of `city` is written in more than one way: `Bern` and `bern `"),
        ("price", "`price` holds numbers with signs or separators"),
        ("when", "`when` holds dates, 2026-01-01 to 2026-01-28"),
        ("y", "too few rows of 1 class: `rare` (3)"),
    ] {
        let said = about(&found, Some(column));
        let expected = start.replace("`Bern` and `bern `", "");
        assert!(said.iter().any(|line| line.starts_with(expected.trim_end())), "{column}: {said:?}");
    }
    let range = found.contract.rules.iter().find(|rule| rule.name == "range(score)").unwrap();
    assert_eq!(range.check, Check::Range { column: "score".to_owned(), minimum: Some(0.0), maximum: Some(1500.0) });
}

#[test]
fn a_label_that_is_an_identifier_is_refused_or_read_as_a_number() {
    let shelf = Shelf::new();
    let mut text = "x,name\n".to_owned();
    for row in 0..3000 {
        let _ = writeln!(text, "{},N{row}", row % 7);
    }
    let path = shelf.file("t.csv", text);
    let error = try_draft(&path, Some("name")).unwrap_err().to_string();
    assert_eq!(
        error,
        "`t.csv`, column `name`: the label has 3,000 classes in 3,000 rows; choose a label whose values repeat"
    );
}

#[test]
fn a_feature_that_is_never_missing_in_many_rows_is_required() {
    let mut shelf = Shelf::new();
    let text = |rows: u64| {
        let mut text = "id,x,note,y\n".to_owned();
        for row in 0..rows {
            let note = if row == 7 { String::new() } else { format!("n{}", noise(row, 2) % 5) };
            let label = if noise(row, 0).is_multiple_of(3) { "yes" } else { "no" };
            let _ = writeln!(text, "k{row},{},{note},{label}", noise(row, 1) % 100);
        }
        text
    };
    let required = |found: &remuda_data::Inference| {
        let columns = found.contract.columns.iter().filter(|column| column.required);
        columns.map(|column| column.name.clone()).collect::<Vec<_>>()
    };
    // Too few rows tell too little.
    let few = draft(&shelf.file("few.csv", text(999)), Some("y"));
    assert_eq!(required(&few), ["id", "y"]);
    let many = draft(&shelf.file("many.csv", text(1_000)), Some("y"));
    assert_eq!(required(&many), ["id", "x", "y"]);
    // A later file with a blank is marked, not refused: the rule on missing values says how grave that is.
    let path = shelf.file("later.csv", text(1_200).replace("k9,", "k9,,b,yes\nk9b,"));
    let (later, _) = shelf.ingest(&path, Some(&many.contract));
    let broken: Vec<String> = later.report.breaches().map(|result| result.rule.clone()).collect();
    assert_eq!(
        (later.report.refuses(), broken),
        (false, vec!["null_values(x)".to_owned(), "valid_values(note)".to_owned()])
    );
}
