//! SQLite's write-ahead log, read before SQLite reads it. SQLite ends the log at the first frame whose checksum does
//! not fit and forgets what lies behind: right after a crash, silent where a byte was changed. So a log that breaks
//! off before transactions that were committed is kept aside and named.
//!
//! What can be known: a break in the last frame is what a killed writer leaves, and says nothing. A break with whole
//! transactions behind it is a changed byte, or a write that a power cut tore. The format is SQLite's:
//! <https://sqlite.org/fileformat2.html#the_write_ahead_log>.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
const USUAL_PAGE: usize = 4096;

/// Broken logs that are kept at most: a disk that breaks each one needs no more evidence.
const MOST_KEPT: u32 = 20;

/// A log that breaks off before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Break {
    /// The byte at which the header or frame begins whose checksum does not fit.
    pub(crate) at: u64,
    /// Transactions that were committed behind it.
    pub(crate) transactions: u64,
}

/// The sums of a frame, which go on from those of the frame before.
type Sums = (u32, u32);

/// Looks at the log beside a database that is about to be opened. If it breaks off before its end, it is copied to
/// `NAME-broken-log-1`, where `verify` finds it. A log that cannot be read or copied is left to SQLite.
pub(crate) fn keep_if_broken(database: &Path) {
    let log = beside(database, "-wal");
    let Ok(Some(found)) = broken(&log) else { return };
    // A writer at work may have begun the log anew while it was read: then it reads otherwise now.
    if broken(&log).ok().flatten().as_ref() != Some(&found) {
        return;
    }
    for number in 1..MOST_KEPT {
        let kept = beside(database, &format!("-broken-log-{number}"));
        if !kept.exists() {
            let _ = std::fs::copy(&log, kept);
            return;
        }
    }
}

/// The logs that were kept aside, with where they break off.
pub(crate) fn kept(database: &Path) -> Vec<(PathBuf, Break)> {
    let files = (1..MOST_KEPT).map(|number| beside(database, &format!("-broken-log-{number}")));
    files.filter_map(|file| broken(&file).ok().flatten().map(|found| (file, found))).collect()
}

/// A file that belongs to a database: its name with an ending.
pub(crate) fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut name: OsString = database.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Where a log breaks off with committed transactions behind the break; `None` for a log that is whole.
pub(crate) fn broken(log: &Path) -> std::io::Result<Option<Break>> {
    let file = match File::open(log) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let mut header = [0; HEADER];
    if !fill(&mut reader, &mut header)? {
        return Ok(None);
    }
    let big_endian = word(&header, 0) & 1 == 1;
    let mut sums = add((0, 0), &header[..24], big_endian);
    let header_fits = word(&header, 0) | 1 == 0x377f_0683 && sums == (word(&header, 24), word(&header, 28));
    let mut salts = header_fits.then(|| (word(&header, 16), word(&header, 20)));
    let page = usize::try_from(word(&header, 8)).unwrap_or_default();
    let page = if page.is_power_of_two() && (512..=65_536).contains(&page) { page } else { USUAL_PAGE };
    let mut found = (!header_fits).then_some(Break { at: 0, transactions: 0 });
    let mut frame = vec![0; FRAME_HEADER + page];
    let mut at = HEADER as u64;
    while fill(&mut reader, &mut frame)? {
        let own = (word(&frame, 8), word(&frame, 12));
        // Where the header is damaged, the first frame tells the salts.
        let of_this_log = own == *salts.get_or_insert(own);
        match &mut found {
            Some(found) => found.transactions += u64::from(of_this_log && word(&frame, 4) != 0),
            None => {
                sums = add(add(sums, &frame[..8], big_endian), &frame[FRAME_HEADER..], big_endian);
                if !of_this_log || sums != (word(&frame, 16), word(&frame, 20)) {
                    found = Some(Break { at, transactions: 0 });
                }
            }
        }
        at += frame.len() as u64;
    }
    Ok(found.filter(|found| found.transactions > 0))
}

/// Fills the buffer; `false` at the end of the file, also in the middle of the buffer.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<bool> {
    match reader.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// Numbers of the format's headers are big-endian.
fn word(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4].iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// SQLite's checksum over pairs of words, whose order of bytes the log's first word tells.
fn add((mut first, mut second): Sums, bytes: &[u8], big_endian: bool) -> Sums {
    let read = |bytes: &[u8]| if big_endian { word(bytes, 0) } else { word(bytes, 0).swap_bytes() };
    for pair in bytes.chunks_exact(8) {
        first = first.wrapping_add(read(&pair[..4])).wrapping_add(second);
        second = second.wrapping_add(read(&pair[4..])).wrapping_add(first);
    }
    (first, second)
}
