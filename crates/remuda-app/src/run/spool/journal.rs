//! The journal of a spool: one file of records, appended by one thread. All that wait are written and flushed together,
//! and each is acknowledged only then.
//!
//! A record is its length (4 bytes), a checksum (16 bytes of BLAKE3 over number and content), its number (8 bytes), and
//! the content: the length of the head (4 bytes), the head as JSON, the body. Numbers begin at 1. All little-endian.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::mpsc;
use tokio::sync::{oneshot, watch};

/// Bytes before the content.
const FRAME: usize = 4 + 16 + 8;

/// The most bytes of a record's content: bodies that are larger lie in files.
const LARGEST: usize = 64 << 20;

/// Records that are written at once.
const GROUP: usize = 1024;

/// What a record asks of the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The method: `POST`.
    pub method: String,
    /// The address on the server, with its query.
    pub path: String,
    /// When it was acknowledged, milliseconds since 1970.
    pub at: i64,
    /// The name of the file that holds the body, where it is large.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// A record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its number.
    pub sequence: u64,
    /// What it asks.
    pub head: Head,
    /// The body.
    pub body: Vec<u8>,
}

struct Job {
    content: Vec<u8>,
    reply: oneshot::Sender<std::io::Result<u64>>,
}

/// The end of a journal where records are added. Cheap to clone.
#[derive(Clone)]
pub struct Journal {
    jobs: mpsc::Sender<Job>,
    durable: watch::Receiver<u64>,
}

impl Journal {
    /// Opens the journal of a spool, making it if need be. A record that a crash cut off is cut away: it was never
    /// acknowledged.
    ///
    /// # Errors
    /// The file cannot be read or written, or is damaged before its end.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join("journal");
        let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path)?;
        let mut reader = Reader::open(folder)?;
        while reader.next(u64::MAX)?.is_some() {}
        file.set_len(reader.offset)?;
        // What a killed process wrote but did not flush is kept from now on.
        file.sync_all()?;
        file.seek(SeekFrom::Start(reader.offset))?;
        let (jobs, waiting) = mpsc::channel();
        let (tell, durable) = watch::channel(reader.last);
        let writer = Writer { file, length: reader.offset, last: reader.last, tell };
        std::thread::Builder::new().name("spool".to_owned()).spawn(move || writer.work(&waiting))?;
        Ok(Self { jobs, durable })
    }

    /// Adds a record; when this returns its number it is on the disk.
    ///
    /// # Errors
    /// The disk takes no more; nothing was kept.
    pub async fn append(&self, head: &Head, body: &[u8]) -> Result<u64> {
        let head = serde_json::to_vec(head)?;
        let mut content = Vec::with_capacity(4 + head.len() + body.len());
        content.extend_from_slice(&(head.len() as u32).to_le_bytes());
        content.extend_from_slice(&head);
        content.extend_from_slice(body);
        if content.len() > LARGEST {
            return Err(Error::new("request.invalid", "a record of more than 64 MiB is not kept"));
        }
        let (reply, answer) = oneshot::channel();
        let stopped = || Error::new("internal", "the spool was closed");
        self.jobs.send(Job { content, reply }).map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?.map_err(|source| {
            let code = crate::error::code_of_io(&source, "ledger.unusable");
            Error::new(code, "the spool's disk takes no more").caused_by(&source)
        })
    }

    /// The number of the last record on the disk, as it grows.
    pub fn durable(&self) -> watch::Receiver<u64> {
        self.durable.clone()
    }
}

struct Writer {
    file: File,
    /// Bytes of the file that hold whole records.
    length: u64,
    last: u64,
    tell: watch::Sender<u64>,
}

impl Writer {
    fn work(mut self, waiting: &mpsc::Receiver<Job>) {
        while let Ok(first) = waiting.recv() {
            let mut group = vec![first];
            while group.len() < GROUP {
                match waiting.try_recv() {
                    Ok(job) => group.push(job),
                    Err(_) => break,
                }
            }
            self.write_group(group);
        }
    }

    /// Writes a group; where it has no room as a whole, each record alone.
    fn write_group(&mut self, group: Vec<Job>) {
        let contents: Vec<&[u8]> = group.iter().map(|job| job.content.as_slice()).collect();
        let first = self.last + 1;
        if group.len() > 1 && self.write(&contents).is_ok() {
            for (sequence, job) in (first..).zip(group) {
                let _ = job.reply.send(Ok(sequence));
            }
            return;
        }
        for job in group {
            let written = self.write(&[&job.content]);
            let _ = job.reply.send(written.map(|()| self.last));
        }
    }

    fn write(&mut self, contents: &[&[u8]]) -> std::io::Result<()> {
        let mut bytes = Vec::new();
        let mut sequence = self.last;
        for content in contents {
            sequence += 1;
            bytes.extend_from_slice(&(content.len() as u32).to_le_bytes());
            bytes.extend_from_slice(&checksum(sequence, content));
            bytes.extend_from_slice(&sequence.to_le_bytes());
            bytes.extend_from_slice(content);
        }
        let written = self.file.write_all(&bytes).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // Half a record must not stand before a whole one.
            self.file.set_len(self.length)?;
            self.file.seek(SeekFrom::Start(self.length))?;
            return Err(error);
        }
        self.length += bytes.len() as u64;
        self.last = sequence;
        let _ = self.tell.send(sequence);
        Ok(())
    }
}

fn checksum(sequence: u64, content: &[u8]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&sequence.to_le_bytes());
    hasher.update(content);
    let mut sum = [0; 16];
    sum.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    sum
}

/// Reads a journal from its beginning.
pub struct Reader {
    file: BufReader<File>,
    size: u64,
    offset: u64,
    last: u64,
}

impl Reader {
    /// A reader of the journal of a spool; one without a journal has no records.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join("journal");
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => tempfile::tempfile()?,
            Err(error) => return Err(error.into()),
        };
        Ok(Self { file: BufReader::new(file), size: 0, offset: 0, last: 0 })
    }

    /// The next record with a number up to `through`; `None` at the end.
    ///
    /// # Errors
    /// The file cannot be read, or is damaged: whole records follow one that is not.
    pub fn next(&mut self, through: u64) -> Result<Option<Record>> {
        if self.last >= through {
            return Ok(None);
        }
        let start = self.offset;
        match self.read_one()? {
            Some(record) => Ok(Some(record)),
            None => {
                // What is not whole yet is read again when it is asked for again.
                self.offset = start;
                self.file.seek(SeekFrom::Start(start))?;
                Ok(None)
            }
        }
    }

    fn read_one(&mut self) -> Result<Option<Record>> {
        let mut frame = [0; FRAME];
        if !self.fill(&mut frame)? {
            return Ok(None);
        }
        let length = frame.first_chunk::<4>().map_or(0, |bytes| u32::from_le_bytes(*bytes)) as usize;
        let sequence = frame.last_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        if length > LARGEST || sequence != self.last + 1 {
            return self.torn();
        }
        let mut content = vec![0; length];
        if !self.fill(&mut content)? {
            return Ok(None);
        }
        if checksum(sequence, &content) != frame[4..20] {
            return self.torn();
        }
        let unreadable = || damaged(sequence);
        let (head_length, rest) = content.split_first_chunk::<4>().ok_or_else(unreadable)?;
        let (head, body) = rest.split_at_checked(u32::from_le_bytes(*head_length) as usize).ok_or_else(unreadable)?;
        let head = serde_json::from_slice(head).map_err(|_| unreadable())?;
        self.last = sequence;
        Ok(Some(Record { sequence, head, body: body.to_vec() }))
    }

    /// Fills the buffer; false where the file ends first.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<bool> {
        match self.file.read_exact(buffer) {
            Ok(()) => {
                self.offset += buffer.len() as u64;
                Ok(true)
            }
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// A record that is not whole: the end of the journal if nothing but zeroes or a single record can follow, which is
    /// what a crash leaves; damage otherwise.
    fn torn(&mut self) -> Result<Option<Record>> {
        self.size = self.file.get_ref().metadata()?.len();
        let whole = self.finds_record_after()?;
        if whole { Err(damaged(self.last + 1)) } else { Ok(None) }
    }

    /// Whether a whole record with a later number follows somewhere.
    fn finds_record_after(&mut self) -> Result<bool> {
        let mut rest = Vec::new();
        self.file.by_ref().take(LARGEST as u64).read_to_end(&mut rest)?;
        for place in 0..rest.len().saturating_sub(FRAME) {
            let frame = &rest[place..];
            let length = frame.first_chunk::<4>().map_or(0, |bytes| u32::from_le_bytes(*bytes)) as usize;
            let Some(sequence) = frame[20..].first_chunk::<8>().map(|bytes| u64::from_le_bytes(*bytes)) else { break };
            let later = sequence > self.last && sequence < self.last + (1 << 24);
            if !later || length > LARGEST {
                continue;
            }
            let content = frame.get(FRAME..FRAME + length);
            if content.is_some_and(|content| checksum(sequence, content) == frame[4..20]) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn damaged(sequence: u64) -> Error {
    Error::new("spool.damaged", format!("record {sequence} of the spool cannot be read, and whole ones follow it"))
        .hint("copy the folder `.remuda/spool-runs` before anything else is tried")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    fn head(path: &str) -> Head {
        Head { method: "POST".to_owned(), path: path.to_owned(), at: 7, file: None }
    }

    fn all(folder: &Path) -> Result<Vec<Record>> {
        let mut reader = Reader::open(folder)?;
        std::iter::from_fn(|| reader.next(u64::MAX).transpose()).collect()
    }

    #[tokio::test]
    async fn what_was_acknowledged_is_read_again_after_a_crash_at_any_byte() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        let heads: Vec<Head> = (0..20).map(|place| head(&format!("/{place}"))).collect();
        let appended = futures::future::join_all(heads.iter().map(|head| journal.append(head, b"{\"a\":1}"))).await;
        let numbers: Vec<u64> = appended.into_iter().map(Result::unwrap).collect();
        assert_eq!(numbers, (1..=20).collect::<Vec<u64>>());
        let whole = std::fs::read(folder.path().join("journal")).unwrap();
        let lengths: Vec<usize> = {
            let mut reader = Reader::open(folder.path()).unwrap();
            std::iter::from_fn(|| reader.next(u64::MAX).unwrap().map(|_| reader.offset as usize)).collect()
        };
        for cut in (0..whole.len()).step_by(7) {
            std::fs::write(folder.path().join("journal"), &whole[..cut]).unwrap();
            let kept = lengths.iter().filter(|length| **length <= cut).count();
            assert_eq!(all(folder.path()).unwrap().len(), kept, "cut at {cut}");
        }
        // A new writer goes on behind the last whole record.
        std::fs::write(folder.path().join("journal"), &whole[..lengths[9] + 11]).unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        assert_eq!(journal.append(&head("/again"), b"").await.unwrap(), 11);
        assert_eq!(all(folder.path()).unwrap().last().unwrap().head.path, "/again");
    }

    #[tokio::test]
    async fn damage_before_the_end_is_an_error_and_never_silence() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        for _ in 0..5 {
            journal.append(&head("/x"), b"body").await.unwrap();
        }
        let mut bytes = std::fs::read(folder.path().join("journal")).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(folder.path().join("journal"), bytes).unwrap();
        assert_eq!(all(folder.path()).unwrap_err().code, "spool.damaged");
    }
}
