//! `run preview`: the beginning of a file that a run logged, as people can read it: text, a table's first rows, or what
//! kind of thing it is. Never more than a fixed number of bytes is read, and nothing is unpacked.

use super::tracked::artifact_folder;
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::use_case::{Access, UseCase};
use futures::StreamExt as _;
use remuda_model::Digest;
use remuda_model::run::artifact::ArtifactPath;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Bytes of a file that are looked at.
const LOOKED_AT: u64 = 256 * 1024;
/// Rows, columns and letters of a cell that are shown.
const ROWS: usize = 50;
const COLUMNS: usize = 40;
const LETTERS: usize = 120;

/// Show the beginning of a file that a run logged.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Preview {
    /// A run's id, or the beginning of it.
    pub run: String,
    /// The file among the run's files.
    pub path: String,
}

/// What a file is, as far as its name and its beginning tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FileKind {
    /// A picture that browsers show.
    Image,
    /// Rows of values, separated.
    Table,
    /// Markdown.
    Markdown,
    /// A page, shown in a sandbox.
    Page,
    /// JSON.
    Json,
    /// Other text.
    Text,
    /// Something else.
    Other,
}

/// The beginning of a file.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FilePreview {
    /// The run.
    pub run: String,
    /// Its name.
    pub name: String,
    /// The file's path below the run's folder.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// The digest of its content.
    pub digest: Digest,
    /// What it is.
    pub kind: FileKind,
    /// Its text, or the beginning of it.
    pub text: Option<String>,
    /// The first rows of a table; the first of them names the columns.
    pub rows: Vec<Vec<String>>,
    /// There is more than is shown.
    pub cut: bool,
}

impl UseCase for Preview {
    const NOUN: &'static str = "run";
    const VERB: &'static str = "preview";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "Show the beginning of a file that a run logged.";
    type Answer = FilePreview;

    async fn run(self, app: &App, context: &Context) -> Result<FilePreview> {
        let tracking = app.tracking(&context.product()?.name)?;
        let run = tracking.find(&self.run).await?;
        let below = ArtifactPath::parse(&self.path).map_err(|_| {
            Error::new("request.invalid", format!("`{}` cannot be the path of an artifact", self.path))
                .hint(format!("remuda run artifacts {}", run.id))
        })?;
        let artifact = tracking.artifact(&artifact_folder(&run.artifacts)?.join(&below)).await?;
        let mut preview = FilePreview {
            kind: kind_of(below.name()),
            run: run.id,
            name: run.name,
            path: below.as_str().to_owned(),
            bytes: artifact.bytes,
            digest: artifact.digest.clone(),
            text: None,
            rows: Vec::new(),
            cut: artifact.bytes > LOOKED_AT,
        };
        if matches!(preview.kind, FileKind::Image | FileKind::Page | FileKind::Other) {
            return Ok(preview);
        }
        let mut stream = tracking.artifact_stream(&artifact, 0..artifact.bytes.min(LOOKED_AT)).await?;
        let mut bytes = Vec::new();
        while let Some(piece) = stream.next().await {
            bytes.extend_from_slice(&piece?);
        }
        read(&mut preview, &bytes);
        Ok(preview)
    }
}

fn kind_of(name: &str) -> FileKind {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
    match ending.as_str() {
        "png" | "jpg" | "jpeg" | "gif" | "webp" | "bmp" | "svg" => FileKind::Image,
        "csv" | "tsv" => FileKind::Table,
        "md" | "markdown" => FileKind::Markdown,
        "html" | "htm" => FileKind::Page,
        "json" => FileKind::Json,
        "pkl" | "pickle" | "onnx" | "parquet" | "npy" | "npz" | "zip" | "gz" | "pt" | "pth" | "bin" | "pdf" => {
            FileKind::Other
        }
        _ => FileKind::Text,
    }
}

/// Fills in what the bytes say; bytes that are no text make it something else.
fn read(preview: &mut FilePreview, bytes: &[u8]) {
    let Some(text) = text_of(bytes, preview.cut) else {
        preview.kind = FileKind::Other;
        return;
    };
    match preview.kind {
        FileKind::Table => {
            let separator = if preview.path.to_ascii_lowercase().ends_with(".tsv") { '\t' } else { ',' };
            let (rows, more) = table(text, separator);
            preview.rows = rows;
            preview.cut |= more;
        }
        FileKind::Json if !preview.cut => {
            // Written anew with its lines indented; numbers keep their digits as far as they fit one.
            let value = serde_json::from_str::<serde_json::Value>(text);
            let pretty = value.ok().and_then(|value| serde_json::to_string_pretty(&value).ok());
            preview.text = Some(pretty.unwrap_or_else(|| text.to_owned()));
        }
        _ => preview.text = Some(text.to_owned()),
    }
}

/// The bytes as text; a letter that was cut off at the end is left out.
fn text_of(bytes: &[u8], cut: bool) -> Option<&str> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if cut && error.error_len().is_none() => {
            std::str::from_utf8(bytes.get(..error.valid_up_to())?).ok()?
        }
        Err(_) => return None,
    };
    (!text.contains('\0')).then_some(text)
}

/// Rows of RFC 4180, at most fifty behind the head; whether there are more rows or columns.
fn table(text: &str, separator: char) -> (Vec<Vec<String>>, bool) {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let (mut row, mut cell, mut quoted, mut more) = (Vec::new(), String::new(), false, false);
    let mut letters = text.chars().peekable();
    let mut keep = |row: &mut Vec<String>, cell: &mut String| {
        if row.len() < COLUMNS {
            row.push(std::mem::take(cell));
        } else {
            more = true;
            cell.clear();
        }
    };
    let push = |cell: &mut String, letters: &mut usize, letter: char| {
        *letters += 1;
        match *letters {
            few if few <= LETTERS => cell.push(letter),
            few if few == LETTERS + 1 => cell.push('…'),
            _ => {}
        }
    };
    let mut length = 0;
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                push(&mut cell, &mut length, '"');
            }
            '"' if quoted => quoted = false,
            '"' if length == 0 => quoted = true,
            letter if quoted => push(&mut cell, &mut length, letter),
            letter if letter == separator => {
                keep(&mut row, &mut cell);
                length = 0;
            }
            '\r' => {}
            '\n' => {
                keep(&mut row, &mut cell);
                length = 0;
                rows.push(std::mem::take(&mut row));
                if rows.len() > ROWS {
                    more |= letters.peek().is_some();
                    return (rows, more);
                }
            }
            letter => push(&mut cell, &mut length, letter),
        }
    }
    if !row.is_empty() || !cell.is_empty() {
        keep(&mut row, &mut cell);
        rows.push(row);
    }
    (rows, more)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(text: &str) -> Vec<Vec<String>> {
        table(text, ',').0
    }

    #[test]
    fn rows_are_read_with_quotes_and_broken_ones_do_no_harm() {
        assert_eq!(cells("a,b\r\n1,\"x, \"\"y\"\"\nz\"\n"), [vec!["a", "b"], vec!["1", "x, \"y\"\nz"]]);
        assert_eq!(cells("a\n\"open, never closed"), [vec!["a"], vec!["open, never closed"]]);
        assert!(cells("").is_empty());
        let wide: String = (0..500).map(|column| format!("c{column},")).collect();
        let (rows, more) = table(&wide, ',');
        assert!(more && rows.first().is_some_and(|row| row.len() == COLUMNS));
        let (rows, more) = table(&"1,2\n".repeat(1000), ',');
        assert!(more && rows.len() == ROWS + 1);
        let long = "x".repeat(100_000);
        assert_eq!(
            cells(&long).first().and_then(|row| row.first()).map(|cell| cell.chars().count()),
            Some(LETTERS + 1)
        );
    }

    #[test]
    fn what_is_no_text_is_not_shown_as_text() {
        assert_eq!(text_of(b"a\0b", false), None);
        assert_eq!(text_of(&[0xff, 0xfe], false), None);
        assert_eq!(text_of("größe".as_bytes().get(..3).unwrap_or_default(), true), Some("gr"));
        assert_eq!(text_of("größe".as_bytes().get(..3).unwrap_or_default(), false), None);
    }
}
