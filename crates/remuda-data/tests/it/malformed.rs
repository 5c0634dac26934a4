//! Files that are no tables, or not quite: each gets one sentence with its place and the next step.

use crate::support::{Shelf, draft, named, shared, try_draft};
use remuda_data::Format;

/// What ingesting a file with this content says.
fn complaint(name: &str, content: &[u8]) -> String {
    let mut shelf = Shelf::new();
    let path = shelf.file(name, content);
    let error = shelf.try_ingest(&path, None).unwrap_err().to_string();
    let left: Vec<_> = std::fs::read_dir(shelf.folder.path().join("parts")).unwrap().collect();
    assert!(left.is_empty(), "files were left behind: {left:?}");
    assert_eq!(try_draft(&path, None).unwrap_err().to_string(), error);
    error
}

#[test]
fn every_flaw_of_a_text_file_is_named_with_its_line() {
    let cases: [(&[u8], &str); 18] = [
        (b"", "`t.csv`: the file is empty; it needs a header and rows"),
        (b"\n\n", "`t.csv`: the file holds nothing but blank lines; it needs a header and rows"),
        (b"a,b\n", "`t.csv`: the file has a header and no row; add rows under the header"),
        (
            b"a,b\n1,2\n1,2,3\n",
            "`t.csv` line 3: it has 3 fields where the header has 2; put quotes around a field that holds the separator, or remove the surplus field",
        ),
        (
            b"a,b\n1\n",
            "`t.csv` line 2: it has 1 field where the header has 2; add the missing fields (an empty field is a missing value)",
        ),
        (
            b"a,b\n1,caf\xe9\n",
            "`t.csv` line 2, column `b`: byte 0xe9 is not UTF-8; save the file as UTF-8; if it came from Windows: `iconv -f WINDOWS-1252 -t UTF-8`",
        ),
        (
            b"a,b\n1,x\0y\n",
            "`t.csv` line 2: it holds a NUL byte; remove it: `tr -d '\\000'`; the file may be UTF-16 or damaged",
        ),
        (
            b"a,b,a\n1,2,3\n",
            "`t.csv` line 1: columns 1 and 3 are both called `a`; rename one of them; if the file has no header, add one",
        ),
        (b"a,,c\n1,2,3\n", "`t.csv` line 1: column 2 has no name; name it in the header"),
        (
            b",a\n0,2\n",
            "`t.csv` line 1: column 1 has no name; name it, or drop it (pandas leaves it out with `index=False`)",
        ),
        (
            b"a,b\n1,2\n3,\"open\n4,5\n",
            "`t.csv` line 3, column `b`: a quote opens here and is never closed; close it, or double it (`\"\"`) if it is part of the text",
        ),
        (
            b"a,b\n\"x\"y,2\n",
            "`t.csv` line 2, column `a`: `y,2` follows a closing quote; double every quote inside a quoted field (`\"\"`)",
        ),
        (
            b"a,b\r1,2\r",
            "`t.csv` line 1: it holds a carriage return that ends no line; save the file with line feeds, or put quotes around a field that holds line breaks",
        ),
        (b"\x1f\x8b\x08\x00rest", "`t.csv`: it is compressed with gzip; unpack it first: `gunzip --keep`"),
        (
            b"PK\x03\x04rest",
            "`t.csv`: it is a zip archive or a spreadsheet; unpack it, or save the sheet as CSV (UTF-8)",
        ),
        (b"\xff\xfea\0,\0b\0", "`t.csv`: it is UTF-16, not UTF-8; convert it: `iconv -f UTF-16 -t UTF-8`"),
        (
            b"\"a\nb\",c\n1,2\n",
            "`t.csv` line 1: the name of column 1 holds a line break or control character; rename it in the header",
        ),
        (
            b"a,b\n\"one\ntwo\",2\n1\n",
            "`t.csv` line 4: it has 1 field where the header has 2; add the missing fields (an empty field is a missing value)",
        ),
    ];
    for (content, expected) in cases {
        assert_eq!(complaint("t.csv", content), expected);
    }
}

#[test]
fn a_field_without_end_is_refused_before_memory_is_full() {
    let mut content = b"a,b\n1,\"".to_vec();
    content.extend(std::iter::repeat_n(b"some words\n".as_slice(), 1_000_000).flatten());
    let said = complaint("t.csv", &content);
    assert!(said.starts_with("`t.csv` line 2, column `b`: a quote opens here"), "{said}");
}

#[test]
fn every_flaw_of_json_lines_is_named_with_its_line() {
    let cases: [(&[u8], &str); 6] = [
        (
            b"{\"a\":1}\n{\"a\":{\"b\":2}}\n",
            "`t.jsonl` line 2, column `a`: the value is an object; a table has plain values; write one key per value (`address_city`), or the value as a string",
        ),
        (
            b"{\"a\":1}\n{\"a\":\n",
            "`t.jsonl` line 2: not valid JSON: EOF while parsing a value; write one whole object per line, in UTF-8",
        ),
        (b"[1,2]\n", "`t.jsonl` line 1: a JSON array; write one object per line, such as {\"column\": 1}"),
        (
            b"{\"a\":1,\"a\":2}\n",
            "`t.jsonl` line 1, column `a`: the key stands twice in one object; remove one of them",
        ),
        (b"{}\n", "`t.jsonl`: it holds no object with a key; write one JSON object per line"),
        (b"", "`t.jsonl`: the file is empty; write one JSON object per line"),
    ];
    for (content, expected) in cases {
        let said = complaint("t.jsonl", content);
        assert_eq!(said, expected);
    }
}

#[test]
fn files_of_unknown_kind_and_absent_files_are_named() {
    let shelf = Shelf::new();
    for (name, expected) in [
        ("t.csv.gz", "`t.csv.gz`: it is compressed; unpack it first, for example with `gunzip --keep`"),
        ("t.json", "`t.json`: a JSON document is no table; write one object per line and call the file `.jsonl`"),
        ("t.xlsx", "`t.xlsx`: it is a spreadsheet; save the sheet as CSV (UTF-8)"),
        ("t.what", "`t.what`: the ending `.what` names no known format; name the format: csv, tsv, jsonl or parquet"),
    ] {
        let path = shelf.file(name, "a,b\n1,2\n");
        assert_eq!(try_draft(&path, None).unwrap_err().to_string(), expected);
    }
    let path = shelf.file("t.dat", "a,b\n1,2\n3,4\n");
    assert_eq!(named(&path, Format::Csv).unwrap().profile.rows, 2);
    assert_eq!(try_draft(&shelf.folder.path().join("no.csv"), None).unwrap_err().to_string(), "cannot open `no.csv`");
    let path = shelf.file("t.parquet", "PAR1 is not enough");
    assert_eq!(
        try_draft(&path, None).unwrap_err().to_string(),
        "cannot read `t.parquet` as Parquet; if it is whole, write it anew, or as CSV"
    );
}

#[test]
fn a_label_must_be_there_and_have_two_classes() {
    let shelf = Shelf::new();
    let telco = shared("telco-churn/Telco-Customer-Churn.csv");
    assert_eq!(
        try_draft(&telco, Some("churn")).unwrap_err().to_string(),
        "`Telco-Customer-Churn.csv`: there is no column `churn` to be the label; did you mean `Churn`?"
    );
    let path = shelf.file("t.csv", "a,y\n1,no\n2,no\n3,no\n");
    assert_eq!(
        try_draft(&path, Some("y")).unwrap_err().to_string(),
        "`t.csv`, column `y`: the label has one class only, `no`; nothing can be learned from it: add rows of another class, or choose another label column"
    );
    let path = shelf.file("one.csv", "a,y\n1,no\n");
    assert_eq!(
        try_draft(&path, Some("y")).unwrap_err().to_string(),
        "`one.csv`: the file has one row; nothing can be inferred or learned from one row; add more"
    );
}

#[test]
fn what_is_unusual_but_clear_is_read() {
    let shelf = Shelf::new();
    let path = shelf.file("t.csv", "\u{feff}name , size\r\n\"a \"\"b\"\"\",5\"\r\n\r\n\"x,\r\ny\",6\"\r\n");
    let found = draft(&path, None);
    let names: Vec<_> = found.profile.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!((found.profile.rows, names), (2, vec!["name", "size"]));
    let path = shelf.file("wine.csv", "\"fixed acidity\";quality\n7.4;5\n7.8;6\n");
    let found = draft(&path, None);
    assert_eq!(found.profile.columns[0].name, "fixed acidity");
    assert_eq!(found.profile.columns[0].numbers.as_ref().unwrap().maximum, 7.8);
}
