//! From files to versions: shared parts, types, rules, formats.

use crate::support::{Shelf, draft};
use remuda_data::Rows;
use remuda_data::{Format, ReadRequest, read_now};
use remuda_model::data::{Check, ColumnType, Rule, RuleSeverity};
use std::fmt::Write;

fn lines(rows: usize) -> Vec<String> {
    (0..rows).map(|row| format!("{row},{},{}", row * 7919 % 1013, ["red", "green", "blue"][row * 31 % 7 % 3])).collect()
}

fn csv(lines: &[String]) -> String {
    let mut text = "id,amount,colour\n".to_owned();
    for line in lines {
        let _ = writeln!(text, "{line}");
    }
    text
}

#[test]
fn versions_share_more_than_nine_tenths_when_one_row_differs() {
    let mut shelf = Shelf::new();
    let before = lines(100_000);
    let path = shelf.file("t.csv", csv(&before));
    let (first, _) = shelf.ingest(&path, None);
    assert!((15..40).contains(&first.manifest.parts.len()), "{}", first.manifest.parts.len());
    let mut inserted = before.clone();
    inserted.insert(33_333, "-1,5,red".to_owned());
    let mut deleted = before.clone();
    deleted.remove(71_000);
    let mut changed = before.clone();
    changed[50_000] = "50000,1,none".to_owned();
    for (name, lines) in [("inserted", inserted), ("deleted", deleted), ("changed", changed)] {
        let path = shelf.file("t.csv", csv(&lines));
        let (version, _) = shelf.ingest(&path, None);
        assert_ne!(version.manifest.digest(), first.manifest.digest());
        let total = version.manifest.bytes();
        let new: u64 = version.new_parts.iter().map(|(_, path)| std::fs::metadata(path).unwrap().len()).sum();
        assert!(new * 10 < total, "{name}: {new} of {total} bytes are new");
    }
}

#[test]
fn the_same_rows_make_the_same_version_whatever_the_format() {
    let mut shelf = Shelf::new();
    let path = shelf.file("t.csv", "id,when,ok,price\n1,2026-01-01,true,1.5\n2,2026-01-02,false,\n3,,true,3\n");
    let (from_csv, parts) = shelf.ingest(&path, None);
    let rows = read_now(&parts, None, &ReadRequest::default()).unwrap();
    let kinds: Vec<_> = rows.columns().into_iter().map(|(_, kind)| kind).collect();
    assert_eq!(kinds, [ColumnType::Integer, ColumnType::Date, ColumnType::Boolean, ColumnType::Number]);
    for format in [Format::Tsv, Format::JsonLines, Format::Parquet, Format::Csv] {
        let copy = shelf.folder.path().join(format!("copy.{}", format.as_str()));
        rows.write(&copy, format).unwrap();
        let (again, _) = shelf.ingest(&copy, None);
        assert_eq!(again.manifest, from_csv.manifest, "{format:?}");
        assert_eq!(again.profile, from_csv.profile, "{format:?}");
    }
}

#[test]
fn types_are_inferred_over_the_whole_file() {
    let shelf = Shelf::new();
    let mut text = "zip,big,late,flag,when,nearly,na\n".to_owned();
    for row in 0..200 {
        let late = if row == 199 { "1.5".to_owned() } else { row.to_string() };
        let nearly = if row == 150 { "oops".to_owned() } else { row.to_string() };
        let na = if row % 3 == 0 { "NA".to_owned() } else { (row % 5).to_string() };
        let _ = writeln!(
            text,
            "0{row:04},9{row:020},{late},{},2026-01-01 10:{:02}:00,{nearly},{na}",
            row % 2 == 0,
            row % 60
        );
    }
    let found = draft(&shelf.file("t.csv", text), None);
    let kinds: Vec<_> = found.contract.columns.iter().map(|column| column.column_type).collect();
    use ColumnType::{Boolean, Integer, Number, String, Timestamp};
    assert_eq!(kinds, [String, String, Number, Boolean, Timestamp, String, Integer]);
    let nearly = found.oddities.iter().find(|oddity| oddity.column.as_deref() == Some("nearly")).unwrap();
    assert_eq!(nearly.message, "`nearly` would be numbers but for 1 value (first: line 152, `oops`)");
    assert_eq!(found.contract.missing, ["NA"]);
}

#[test]
fn a_cell_that_does_not_fit_refuses_the_file_and_counts_the_others() {
    let mut shelf = Shelf::new();
    let contract = draft(&shelf.file("t.csv", csv(&lines(50))), None).contract;
    let mut broken = lines(50);
    broken[6] = "6,many,red".to_owned();
    broken[9] = "9,few,red".to_owned();
    let path = shelf.file("t.csv", csv(&broken));
    assert_eq!(
        shelf.try_ingest(&path, Some(&contract)).unwrap_err().to_string(),
        "`t.csv` line 8, column `amount`: `many` is no integer (1 more like it); correct them, add a word to the \
         contract's `missing`, or change the column's type there"
    );
    let path = shelf.file("t.csv", "id,amuont,colour\n1,2,red\n");
    assert_eq!(
        shelf.try_ingest(&path, Some(&contract)).unwrap_err().to_string(),
        "`t.csv`, column `amount`: the contract has this column and the file lacks it; rename its column `amuont`, or \
         change the contract"
    );
    let path = shelf.file("t.csv", "id,amount,colour,size\n1,2,red,3\n");
    assert_eq!(
        shelf.try_ingest(&path, Some(&contract)).unwrap_err().to_string(),
        "`t.csv`, column `size`: the contract does not have this column; add it to the contract (`use: ignore` keeps \
         it from models), or remove it from the file"
    );
    let path = shelf.file("t.csv", "colour,id,amount\nred,1,2\n");
    let (version, _) = shelf.ingest(&path, Some(&contract));
    assert_eq!(version.manifest.columns[0].0, "id");
}

#[test]
fn rules_are_counted_with_their_first_places() {
    let mut shelf = Shelf::new();
    let path = shelf.file("t.csv", csv(&lines(50)));
    let mut contract = draft(&path, None).contract;
    let name = |name: &str| name.to_owned();
    contract.rules = vec![
        Rule {
            name: name("range(amount)"),
            check: Check::Range { column: name("amount"), minimum: Some(0.0), maximum: Some(1013.0) },
            severity: RuleSeverity::Error,
        },
        Rule {
            name: name("valid_values(colour)"),
            check: Check::ValidValues {
                column: name("colour"),
                values: vec![name("red"), name("green"), name("blue")],
            },
            severity: RuleSeverity::Warning,
        },
        Rule {
            name: name("duplicate_values(id)"),
            check: Check::DuplicateValues { columns: vec![name("id")], rows: 0 },
            severity: RuleSeverity::Error,
        },
        Rule {
            name: name("row_count"),
            check: Check::RowCount { minimum: Some(100), maximum: None },
            severity: RuleSeverity::Warning,
        },
        Rule {
            name: name("null_values(amount)"),
            check: Check::NullValues { column: name("amount"), rows: None, share: Some(0.5) },
            severity: RuleSeverity::Error,
        },
    ];
    let path = shelf.file("t.csv", "id,amount,colour\n1,-5,red\n1,,pink\n,7,blue\n");
    let (version, _) = shelf.ingest(&path, Some(&contract));
    let said: Vec<_> =
        version.report.results.iter().map(|result| format!("{} {}", result.passed, result.message)).collect();
    assert_eq!(
        said,
        [
            "false 1 row of 3 has no `id`, allowed 0 (line 4)",
            "false 1 value of `amount` outside 0 to 1,013 (line 2: `-5`)",
            "false 1 value of `colour` not among the valid ones (line 3: `pink`)",
            "false 1 row equals an earlier row in `id`, allowed 0 (line 3: `1`)",
            "false 3 rows, expected at least 100",
            "true 1 row of 3 has no `amount`, allowed 50 % (line 3)",
        ]
    );
    assert!(version.report.refuses());
}

#[test]
fn rows_keep_their_split_as_data_grows() {
    let mut shelf = Shelf::new();
    let path = shelf.file("t.csv", csv(&lines(3000)));
    let contract = draft(&path, None).contract;
    assert_eq!(contract.split.by, ["id"]);
    let request = ReadRequest {
        split: Some(remuda_model::data::Split::Holdout),
        columns: Some(vec!["id".to_owned()]),
        ..Default::default()
    };
    let ids = |rows: &Rows| rows.text("id").unwrap().dictionary;
    let (_, small) = shelf.ingest(&path, Some(&contract));
    let path = shelf.file("t.csv", csv(&lines(6000)));
    let (_, large) = shelf.ingest(&path, Some(&contract));
    let small = ids(&read_now(&small, Some(&contract), &request).unwrap());
    let large = ids(&read_now(&large, Some(&contract), &request).unwrap());
    assert!((380..520).contains(&small.len()), "{}", small.len());
    assert_eq!(large[..small.len()], small[..]);
}
