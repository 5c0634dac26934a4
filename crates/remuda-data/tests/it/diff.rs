//! What changed between two versions.

use crate::support::{Shelf, draft};
use remuda_data::{CellChange, ReadRequest, RowChange, RowChangeKind, diff, read_now};
use remuda_model::data::Split;
use std::collections::HashSet;

fn table(rows: std::ops::Range<u32>, edit: impl Fn(u32) -> Option<String>) -> String {
    let mut text = "id,amount,label\n".to_owned();
    for row in rows {
        let line =
            edit(row).unwrap_or_else(|| format!("{row},{},{}", row % 97, if row % 3 == 0 { "yes" } else { "no" }));
        if !line.is_empty() {
            text.push_str(&line);
            text.push('\n');
        }
    }
    text
}

#[test]
fn rows_are_matched_by_key() {
    let mut shelf = Shelf::new();
    let path = shelf.file("before.csv", table(0..20_000, |_| None));
    let (_, before) = shelf.ingest(&path, None);
    let path = shelf.file(
        "after.csv",
        table(0..20_001, |row| match row {
            5 => Some("5,5,yes".to_owned()),
            9000 => Some("9000,1,yes".to_owned()),
            12_345 => Some(String::new()),
            _ => None,
        }),
    );
    let (_, after) = shelf.ingest(&path, None);
    let key = ["id".to_owned()];
    let found = diff(&before, &after, &key, Some("label"), 10, &[]).unwrap();
    assert_eq!((found.added, found.removed, found.changed, found.relabelled), (1, 1, 1, 1));
    assert_eq!((found.rows_before, found.rows_after), (20_000, 20_000));
    assert_eq!(found.by_column, [("amount".to_owned(), 1), ("label".to_owned(), 1)]);
    assert_eq!(found.key_used.as_deref(), Some(&key[..]));
    let cell = |column: &str, before: &str, after: &str| CellChange {
        column: column.to_owned(),
        before: Some(before.to_owned()),
        after: Some(after.to_owned()),
    };
    let keyed = |id: &str| vec![("id".to_owned(), id.to_owned())];
    assert_eq!(
        found.examples[..2],
        [
            RowChange { kind: RowChangeKind::Relabelled, key: keyed("5"), changes: vec![cell("label", "no", "yes")] },
            RowChange { kind: RowChangeKind::Changed, key: keyed("9000"), changes: vec![cell("amount", "76", "1")] },
        ]
    );
    assert_eq!(found.examples[2].kind, RowChangeKind::Added);
    assert_eq!((found.examples[3].kind, &found.examples[3].key), (RowChangeKind::Removed, &keyed("12345")));
    let nothing = diff(&before, &before, &key, None, 10, &[]).unwrap();
    assert_eq!((nothing.added, nothing.removed, nothing.changed), (0, 0, 0));
}

#[test]
fn without_a_unique_key_rows_are_compared_whole() {
    let mut shelf = Shelf::new();
    let path = shelf.file("before.csv", "id,amount\n1,5\n1,6\n2,7\n");
    let (_, before) = shelf.ingest(&path, None);
    let path = shelf.file("after.csv", "id,amount\n1,5\n1,8\n1,9\n2,7\n2,7\n");
    let (_, after) = shelf.ingest(&path, None);
    for key in [vec![], vec!["id".to_owned()]] {
        let found = diff(&before, &after, &key, None, 10, &[]).unwrap();
        assert_eq!((found.added, found.removed, found.changed), (3, 1, 0));
        assert_eq!(found.key_used, None);
        assert_eq!(found.note.is_some(), !key.is_empty());
        assert_eq!(found.examples.len(), 4);
    }
}

#[test]
fn columns_that_come_and_go_are_told_apart_from_rows() {
    let mut shelf = Shelf::new();
    let path = shelf.file("before.csv", "id,amount,old\n1,5,x\n2,7,y\n");
    let (_, before) = shelf.ingest(&path, None);
    let path = shelf.file("after.csv", "id,amount,new\n1,5.0,a\n2,7.5,b\n");
    let (_, after) = shelf.ingest(&path, None);
    let found = diff(&before, &after, &["id".to_owned()], None, 10, &[]).unwrap();
    assert_eq!((found.added, found.removed, found.changed), (0, 0, 1));
    assert_eq!((found.columns_added, found.columns_removed), (vec!["new".to_owned()], vec!["old".to_owned()]));
    assert_eq!(found.retyped.len(), 1);
}

#[test]
fn rows_of_a_hidden_holdout_are_counted_and_never_shown() {
    let mut shelf = Shelf::new();
    let path = shelf.file("before.csv", table(0..3_000, |_| None));
    let contract = draft(&path, Some("label")).contract;
    let (_, before) = shelf.ingest(&path, Some(&contract));
    let every_tenth = |row: u32| match row % 30 {
        0 => Some(format!("{row},98,yes")),
        10 => Some(String::new()),
        20 => Some(format!("{row},{},{}", row % 97, if row.is_multiple_of(3) { "no" } else { "yes" })),
        _ => None,
    };
    let path = shelf.file("after.csv", table(0..3_100, every_tenth));
    let (_, after) = shelf.ingest(&path, Some(&contract));
    let holdout: HashSet<String> = [&before, &after]
        .into_iter()
        .flat_map(|parts| {
            let request = ReadRequest { split: Some(Split::Holdout), columns: None, filter: None, limit: None };
            let ids = read_now(parts, Some(&contract), &request).unwrap().text("id").unwrap();
            (0..ids.codes.len()).filter_map(|row| ids.get(row).map(str::to_owned)).collect::<Vec<_>>()
        })
        .collect();
    let contracts = [contract];
    for key in [vec!["id".to_owned()], vec![]] {
        let open = diff(&before, &after, &key, Some("label"), 1_000, &[]).unwrap();
        let closed = diff(&before, &after, &key, Some("label"), 1_000, &contracts).unwrap();
        let id = |row: &RowChange| {
            let cell = row.changes.iter().find(|cell| cell.column == "id");
            let of_cell = cell.and_then(|cell| cell.before.clone().or(cell.after.clone()));
            of_cell.unwrap_or_else(|| row.key[0].1.clone())
        };
        let (hidden, shown): (Vec<&RowChange>, Vec<&RowChange>) =
            open.examples.iter().partition(|row| holdout.contains(&id(row)));
        assert!(hidden.len() > 20 && shown.len() > 100, "{} and {}", hidden.len(), shown.len());
        assert_eq!(closed.examples.iter().collect::<Vec<_>>(), shown);
        assert_eq!(closed.hidden, hidden.len() as u64);
        // The counts tell of all rows.
        assert_eq!((closed.added, closed.removed, closed.changed), (open.added, open.removed, open.changed));
        // Few examples are asked for: they are found behind those that are hidden.
        assert_eq!(diff(&before, &after, &key, Some("label"), 5, &contracts).unwrap().examples.len(), 5);
    }
}
