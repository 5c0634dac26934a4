//! Levels to slice by: each predicate holds for exactly the rows that its levels say, however odd names and values are.

use crate::support::{Shelf, draft, shared};
use remuda_data::{Cutting, Levels, ReadRequest, Rows, levels, read};
use remuda_model::data::{ColumnType, FeatureKind};
use std::path::Path;

async fn rows(path: &Path) -> Rows {
    let found = draft(path, None);
    let mut shelf = Shelf::new();
    let (_, parts) = shelf.ingest(path, Some(&found.contract));
    read(&parts, Some(&found.contract), &ReadRequest::default()).await.unwrap()
}

/// Every column by its type; texts with blanks as prose.
fn kinds(rows: &Rows, prose: &[&str]) -> Vec<(String, FeatureKind)> {
    let kind = |(name, column_type): (String, ColumnType)| {
        let kind = match column_type {
            ColumnType::String if prose.contains(&name.as_str()) => FeatureKind::Text,
            ColumnType::String => FeatureKind::Category,
            _ => FeatureKind::Number,
        };
        (name, kind)
    };
    rows.columns().into_iter().map(kind).collect()
}

async fn all_levels(rows: &Rows, prose: &[&str], least_rows: usize) -> Vec<Levels> {
    let losses: Vec<f64> = (0..rows.len()).map(|row| f64::from(u8::from(row % 5 == 0))).collect();
    let searched: Vec<bool> = (0..rows.len()).map(|row| row % 2 == 0).collect();
    let cutting = Cutting { least_rows, losses: &losses, searched: &searched };
    levels(rows, &kinds(rows, prose), &cutting).await.unwrap()
}

/// Checks every level and every range of neighbours.
async fn check(rows: &Rows, found: &[Levels]) {
    for one in found {
        for from in 0..one.levels {
            let last = if from < one.ordered { one.ordered - 1 } else { from };
            for to in from..=last {
                let predicate = one.predicate(from as u8, to as u8);
                let said = rows.matching(&predicate).await.map_err(|error| format!("{predicate}: {error}")).unwrap();
                let meant: Vec<bool> = one.codes.iter().map(|code| (from..=to).contains(&usize::from(*code))).collect();
                assert_eq!(said, meant, "{predicate}");
            }
        }
        let is_full = one.codes.iter().all(|code| usize::from(*code) < one.levels);
        assert!(is_full || one.ordered == 0, "every row of {} has a level", one.column);
    }
}

#[tokio::test]
async fn a_predicate_holds_for_the_rows_of_its_levels() {
    let mut text =
        String::from("id,order,O'Neil's \"share\",Tag des Kaufs,seen at,is new,true,städte,what they said\n");
    for row in 0..600u32 {
        let missing = row % 17 == 0;
        let share = if missing { String::new() } else { format!("{:.3}", f64::from(row * row % 997) / 7.0 - 60.0) };
        let city = ["Köln", "it's \"here\"", "a, b", "NULL", "x_%", ""][(row % 6) as usize];
        let said =
            ["my card's broken", "Where is my CARD?", "refund_now please", "", "naïve café, 100%"][(row % 5) as usize];
        text.push_str(&format!(
            "{row},{},{share},2024-{:02}-{:02},2024-03-{:02}T{:02}:{:02}:07Z,{},{},\"{}\",\"{}\"\n",
            row % 7,
            row % 12 + 1,
            row % 28 + 1,
            row % 5 + 1,
            row % 24,
            row % 60,
            row % 3 == 0,
            row % 4,
            city.replace('"', "\"\""),
            said.replace('"', "\"\""),
        ));
    }
    let shelf = Shelf::new();
    let rows = rows(&shelf.file("odd.csv", text)).await;
    let found = all_levels(&rows, &["what they said"], 20).await;
    check(&rows, &found).await;
    let of = |column: &str| -> Vec<String> {
        let mut said = Vec::new();
        for one in found.iter().filter(|one| one.column == column) {
            said.extend((0..one.levels).map(|level| one.predicate(level as u8, level as u8)));
        }
        said
    };
    assert_eq!(of("order")[..2], ["order = 0", "order = 1"]);
    assert_eq!(of("true")[0], "\"true\" = 0");
    assert_eq!(of("is new"), ["\"is new\" = false", "\"is new\" = true"]);
    assert!(of("städte").contains(&"\"städte\" = 'it''s \"here\"'".to_owned()), "{:?}", of("städte"));
    assert!(of("O'Neil's \"share\"").contains(&"\"O'Neil's \"\"share\"\"\" IS NULL".to_owned()));
    assert!(of("Tag des Kaufs")[0].starts_with("\"Tag des Kaufs\" < DATE '2024-0"), "{:?}", of("Tag des Kaufs"));
    let words = of("what they said");
    assert!(words.iter().any(|word| word.contains("\\bbroken\\b")), "{words:?}");
    assert!(words.iter().all(|word| !word.contains("refund_now")), "{words:?}");
}

#[tokio::test]
async fn bins_of_real_columns_read_well() {
    let rows = rows(&shared("telco-churn/Telco-Customer-Churn.csv")).await;
    let found = all_levels(&rows, &[], 70).await;
    check(&rows, &found).await;
    let charges = found.iter().find(|one| one.column == "MonthlyCharges").unwrap();
    let said: Vec<String> = (0..charges.levels).map(|level| charges.predicate(level as u8, level as u8)).collect();
    assert_eq!(
        said[..3],
        [
            "MonthlyCharges < 20.5",
            "MonthlyCharges >= 20.5 AND MonthlyCharges < 45",
            "MonthlyCharges >= 45 AND MonthlyCharges < 60"
        ]
    );
    // A column of ids has no value that comes twice, so there is nothing to slice by.
    assert!(found.iter().all(|one| one.column != "customerID"));
}

#[tokio::test]
async fn nothing_to_tell_apart_gives_no_levels() {
    let shelf = Shelf::new();
    let rows = rows(&shelf.file("same.csv", "one,two\n1,a\n1,a\n1,a\n")).await;
    assert!(all_levels(&rows, &[], 1).await.is_empty());
    // A value that most rows share, and a tail: the tail is a bin of its own.
    let text: String = (0..1000u32).map(|row| format!("{}\n", if row < 920 { 0 } else { row * 13 })).collect();
    let rows = self::rows(&shelf.file("tail.csv", format!("gain\n{text}"))).await;
    let found = all_levels(&rows, &[], 20).await;
    check(&rows, &found).await;
    let first = found[0].predicate(0, 0);
    assert!(first.starts_with("gain < "), "{first}");
    assert_eq!(found[0].codes.iter().filter(|code| **code == 0).count(), 920);
}
