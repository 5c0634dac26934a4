//! CSV and TSV after RFC 4180, read strictly: what the `csv` crate lets pass in silence (a quote that never closes,
//! text behind a closing quote, NUL bytes, records without bound) is an error here, with its physical line.
//!
//! What does not live here: types and missing words.

use super::check_names;
use crate::cell::{Row, shown};
use crate::error::{DataError, Finding};
use crate::format::Format;
use memchr::{memchr, memchr2, memchr2_iter};
use remuda_model::text::count;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// Longest record in bytes; a longer one is an open quote or no table.
const RECORD_LIMIT: usize = 32 << 20;
/// Longest field in bytes.
const FIELD_LIMIT: usize = 8 << 20;

/// An open CSV or TSV file, behind its header.
pub(crate) struct TextSource {
    reader: BufReader<File>,
    file: String,
    names: Vec<String>,
    delimiter: u8,
    /// Physical lines read so far.
    line: u64,
    /// Bytes read so far.
    pub(crate) done: u64,
    raw: Vec<u8>,
    record: String,
}

impl TextSource {
    /// Opens a file and reads its header.
    pub(crate) fn open(path: &Path, file: &str, format: Format) -> Result<(Self, Vec<String>), DataError> {
        let handle = File::open(path).map_err(|source| DataError::Open { file: file.to_owned(), source })?;
        let mut source = Self {
            reader: BufReader::with_capacity(1 << 18, handle),
            file: file.to_owned(),
            names: Vec::new(),
            delimiter: if format == Format::Tsv { b'\t' } else { b',' },
            line: 0,
            done: 0,
            raw: Vec::new(),
            record: String::new(),
        };
        if !source.next_line_with_content()? {
            return Err(source.finding("the file holds nothing but blank lines", "it needs a header and rows").into());
        }
        if let Some(rest) = source.record.strip_prefix('\u{feff}') {
            source.record = rest.to_owned();
        }
        if format == Format::Csv {
            source.delimiter = sniff_delimiter(&source.record);
        }
        let header_line = source.line;
        let mut row = Row::default();
        row.clear(header_line);
        source.split_record(&mut row)?;
        let mut names = Vec::with_capacity(row.len());
        for index in 0..row.len() {
            let crate::cell::Raw::Text(name) = row.get(index) else { continue };
            names.push(name.trim().to_owned());
        }
        check_names(file, Some(header_line), &names)?;
        source.names = names.clone();
        Ok((source, names))
    }

    /// Reads the next row; blank lines are passed over.
    pub(crate) fn next(&mut self, row: &mut Row) -> Result<bool, DataError> {
        if !self.next_line_with_content()? {
            return Ok(false);
        }
        let first_line = self.line;
        row.clear(first_line);
        self.split_record(row)?;
        if row.len() != self.names.len() {
            let problem =
                format!("it has {} where the header has {}", count(row.len() as u64, "field"), self.names.len());
            let next = if row.len() > self.names.len() {
                "put quotes around a field that holds the separator, or remove the surplus field"
            } else {
                "add the missing fields (an empty field is a missing value)"
            };
            return Err(self.finding(problem, next).line(first_line).into());
        }
        Ok(true)
    }

    fn next_line_with_content(&mut self) -> Result<bool, DataError> {
        loop {
            self.record.clear();
            if !self.append_line()? {
                return Ok(false);
            }
            if !matches!(self.record.as_str(), "\n" | "\r\n" | "") {
                return Ok(true);
            }
        }
    }

    /// Appends one physical line, with its line break, to the record; `false` at the end of the file.
    fn append_line(&mut self) -> Result<bool, DataError> {
        self.raw.clear();
        loop {
            let chunk = self.reader.fill_buf().map_err(|source| DataError::Read { file: self.file.clone(), source })?;
            if chunk.is_empty() {
                break;
            }
            let (taken, ended) = match memchr(b'\n', chunk) {
                Some(at) => (at + 1, true),
                None => (chunk.len(), false),
            };
            self.raw.extend_from_slice(&chunk[..taken]);
            self.reader.consume(taken);
            self.done += taken as u64;
            if self.record.len() + self.raw.len() > RECORD_LIMIT {
                let problem = format!("a record is longer than {} MiB", RECORD_LIMIT >> 20);
                let next = "look for a quote that is never closed before this line, or for another file format";
                return Err(self.finding(problem, next).line(self.line + 1).into());
            }
            if ended {
                break;
            }
        }
        if self.raw.is_empty() {
            return Ok(false);
        }
        self.line += 1;
        match std::str::from_utf8(&self.raw) {
            Ok(text) => {
                if memchr(0, &self.raw).is_some() {
                    let next = "remove it: `tr -d '\\000'`; the file may be UTF-16 or damaged";
                    return Err(self.finding("it holds a NUL byte", next).line(self.line).into());
                }
                self.record.push_str(text);
                Ok(true)
            }
            Err(error) => Err(self.bad_utf8(error.valid_up_to())),
        }
    }

    fn bad_utf8(&self, at: usize) -> DataError {
        let byte = self.raw.get(at).copied().unwrap_or_default();
        let before = &self.raw[..at];
        let problem = format!("byte 0x{byte:02x} is not UTF-8");
        let next = "save the file as UTF-8; if it came from Windows: `iconv -f WINDOWS-1252 -t UTF-8`";
        let mut finding = self.finding(problem, next).line(self.line);
        // The column is certain only where no quote came before.
        if self.record.is_empty() && memchr(b'"', before).is_none() {
            let index = before.iter().filter(|byte| **byte == self.delimiter).count();
            finding.column = self.names.get(index).cloned();
        }
        finding.into()
    }

    /// Splits `self.record` into fields, reading on where a quoted field holds line breaks.
    fn split_record(&mut self, row: &mut Row) -> Result<(), DataError> {
        if memchr(b'"', self.record.as_bytes()).is_some() {
            return self.split_quoted(row);
        }
        let text = self.record.strip_suffix('\n').unwrap_or(&self.record);
        let text = text.strip_suffix('\r').unwrap_or(text);
        let mut start = 0;
        for at in memchr2_iter(self.delimiter, b'\r', text.as_bytes()) {
            if text.as_bytes()[at] == b'\r' {
                return Err(self.lone_return());
            }
            row.push_text(&text[start..at]);
            start = at + 1;
        }
        row.push_text(&text[start..]);
        let longest_possible = text.len() > FIELD_LIMIT;
        if longest_possible {
            return self.check_field_lengths(row);
        }
        Ok(())
    }

    fn check_field_lengths(&self, row: &Row) -> Result<(), DataError> {
        for index in 0..row.len() {
            if let crate::cell::Raw::Text(text) = row.get(index) {
                self.check_field_length(text.len(), index)?;
            }
        }
        Ok(())
    }

    fn check_field_length(&self, length: usize, index: usize) -> Result<(), DataError> {
        if length <= FIELD_LIMIT {
            return Ok(());
        }
        let problem = format!("a field is longer than {} MiB", FIELD_LIMIT >> 20);
        let next = "look for a quote that is never closed; keep large contents in files of their own";
        Err(self.place(self.finding(problem, next).line(self.line), index).into())
    }

    fn split_quoted(&mut self, row: &mut Row) -> Result<(), DataError> {
        let mut at = 0;
        loop {
            let index = row.len();
            if self.record.as_bytes().get(at) == Some(&b'"') {
                at = self.read_quoted_field(row, at + 1, index)?;
            } else {
                let rest = &self.record.as_bytes()[at..];
                let length = memchr2(self.delimiter, b'\n', rest).unwrap_or(rest.len());
                let mut field = &self.record[at..at + length];
                if rest.get(length) != Some(&self.delimiter) {
                    field = field.strip_suffix('\r').unwrap_or(field);
                }
                if memchr(b'\r', field.as_bytes()).is_some() {
                    return Err(self.lone_return());
                }
                row.push_text(field);
                at += length;
            }
            match self.record.as_bytes().get(at) {
                Some(byte) if *byte == self.delimiter => at += 1,
                None | Some(b'\n') => return Ok(()),
                Some(b'\r') if self.record[at..].trim_end_matches('\n') == "\r" => return Ok(()),
                Some(_) => {
                    let behind: String = self.record[at..].chars().take(12).collect();
                    let problem = format!("{} follows a closing quote", shown(behind.trim_end()));
                    let next = "double every quote inside a quoted field (`\"\"`)";
                    return Err(self.place(self.finding(problem, next).line(self.line), index).into());
                }
            }
        }
    }

    /// Reads from behind an opening quote to behind its closing quote.
    fn read_quoted_field(&mut self, row: &mut Row, mut at: usize, index: usize) -> Result<usize, DataError> {
        let opened = self.line;
        let start = row.open();
        loop {
            match memchr(b'"', &self.record.as_bytes()[at..]) {
                Some(length) => {
                    row.extend_open(&self.record[at..at + length]);
                    at += length + 1;
                    if self.record.as_bytes().get(at) == Some(&b'"') {
                        row.extend_open("\"");
                        at += 1;
                    } else {
                        self.check_field_length(row.open() - start, index)?;
                        row.close(start);
                        return Ok(at);
                    }
                }
                None => {
                    row.extend_open(&self.record[at..]);
                    at = self.record.len();
                    self.check_field_length(row.open() - start, index).map_err(|_| self.open_quote(opened, index))?;
                    if !self.append_line()? {
                        return Err(self.open_quote(opened, index));
                    }
                }
            }
        }
    }

    fn open_quote(&self, opened: u64, index: usize) -> DataError {
        let finding = self.finding(
            "a quote opens here and is never closed",
            "close it, or double it (`\"\"`) if it is part of the text",
        );
        self.place(finding.line(opened), index).into()
    }

    fn lone_return(&self) -> DataError {
        let next = "save the file with line feeds, or put quotes around a field that holds line breaks";
        self.finding("it holds a carriage return that ends no line", next).line(self.line).into()
    }

    fn finding(&self, problem: impl Into<String>, next: &str) -> Finding {
        Finding::file(&self.file, problem, next)
    }

    fn place(&self, finding: Finding, index: usize) -> Finding {
        match self.names.get(index) {
            Some(name) => finding.column(name.clone()),
            None => finding,
        }
    }
}

impl From<Finding> for DataError {
    fn from(finding: Finding) -> Self {
        DataError::Content(finding)
    }
}

/// The separator of a header: the comma, unless it has none and has another usual one.
fn sniff_delimiter(header: &str) -> u8 {
    [b',', b';', b'\t', b'|'].into_iter().find(|byte| memchr(*byte, header.as_bytes()).is_some()).unwrap_or(b',')
}
