//! Packing working files into one object.

use super::{BLOCK, Entry, FOOT, HEAD, Known, Listing, Place, SMALL, is_safe, to_text};
use crate::RepoError;
use crate::git::{bytes_of, path_of};
use crate::secrets;
use remuda_model::Digest;
use remuda_model::run::captured::Withheld;
use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File, Metadata};
use std::io::{BufWriter, Read, Write};
use std::path::{Component, Path, PathBuf};

/// How hard is compressed: zstd's usual level.
const LEVEL: i32 = 3;

/// What to pack.
pub struct PackRequest<'a> {
    /// The top that paths count from.
    pub top: &'a Path,
    /// The paths, as bytes.
    pub paths: &'a BTreeSet<Vec<u8>>,
    /// Files above this many bytes are named instead.
    pub largest: u64,
    /// Files that are packed although they seem to hold a secret.
    pub allowed: &'a BTreeSet<Vec<u8>>,
    /// Texts to keep beside the files.
    pub notes: &'a [(String, Vec<u8>)],
    /// Folders to make, though none of the files is in them.
    pub folders: &'a [String],
    /// What earlier objects hold.
    pub known: &'a Known,
    /// Told now and then how many of the paths are done.
    pub progress: &'a (dyn Fn(usize) + Sync),
}

/// What was packed, and what was not.
#[derive(Debug, Default)]
pub struct Packed {
    /// The object's list.
    pub listing: Listing,
    /// Bytes of the files that were packed.
    pub bytes: u64,
    /// Bytes of contents that no earlier object had.
    pub new_bytes: u64,
    /// Too large, with their sizes.
    pub too_large: Vec<(String, u64)>,
    /// Not readable, or no plain file.
    pub unreadable: Vec<String>,
    /// Links that lead out of the top. They are packed as links.
    pub outside: Vec<String>,
    /// Left out for a secret.
    pub withheld: Vec<Withheld>,
}

/// Packs files into an object at `into`, which is made anew.
///
/// # Errors
/// The object cannot be written. What cannot be read is named in the answer.
pub fn pack(request: &PackRequest<'_>, into: &Path) -> Result<Packed, RepoError> {
    let failed = |source| RepoError::Write { path: into.to_owned(), source };
    let file = File::create(into).map_err(failed)?;
    let mut writer = Writer::new(file, request.known).map_err(failed)?;
    let mut packed = Packed::default();
    for (index, path) in request.paths.iter().enumerate() {
        if index % 256 == 0 {
            (request.progress)(index);
        }
        take(request, path, &mut writer, &mut packed).map_err(failed)?;
    }
    for (name, text) in request.notes {
        let entry = Entry { path: name.clone(), mode: 0o644, ..Entry::default() };
        let kept = writer.small(entry, text).map_err(failed)?;
        packed.listing.notes.insert(name.clone(), kept);
    }
    packed.listing.folders = request.folders.to_vec();
    packed.listing.entries.sort_by(|left, right| left.path.cmp(&right.path));
    packed.new_bytes = writer.new_bytes;
    writer.finish(&mut packed.listing).map_err(failed)?;
    Ok(packed)
}

fn take(request: &PackRequest<'_>, path: &[u8], writer: &mut Writer<'_>, packed: &mut Packed) -> std::io::Result<()> {
    let text = to_text(path);
    if !is_safe(path) {
        // It could not be given back: a repository's or a ledger's own folder, checked in.
        packed.unreadable.push(text);
        return Ok(());
    }
    let full = request.top.join(path_of(path));
    let Ok(about) = fs::symlink_metadata(&full) else {
        // Gone since it was listed: then the command does not see it either.
        return Ok(());
    };
    let mut entry = Entry { path: text.clone(), mode: mode_of(&about), ..Entry::default() };
    if about.file_type().is_symlink() {
        let Ok(target) = fs::read_link(&full) else {
            packed.unreadable.push(text);
            return Ok(());
        };
        if leads_outside(request.top, &full, &target) {
            packed.outside.push(format!("{text} → {}", to_text(&bytes_of(&target))));
        }
        entry.link = Some(to_text(&bytes_of(&target)));
    } else if !about.is_file() {
        packed.unreadable.push(text);
        return Ok(());
    } else if about.len() > request.largest {
        packed.too_large.push((text, about.len()));
        return Ok(());
    } else {
        let Ok(file) = File::open(&full) else {
            packed.unreadable.push(text);
            return Ok(());
        };
        let allowed = request.allowed.contains(path);
        match content(file, about.len(), entry, allowed, writer)? {
            Content::Kept(kept) => entry = kept,
            Content::Secret(mut found) => {
                packed.withheld.append(&mut found);
                return Ok(());
            }
            Content::Unreadable => {
                packed.unreadable.push(text);
                return Ok(());
            }
        }
    }
    packed.bytes += entry.bytes;
    packed.listing.entries.push(entry);
    Ok(())
}

enum Content {
    Kept(Entry),
    Secret(Vec<Withheld>),
    Unreadable,
}

fn content(
    mut file: File,
    length: u64,
    entry: Entry,
    allowed: bool,
    writer: &mut Writer<'_>,
) -> std::io::Result<Content> {
    // What is read for the search of secrets is what is kept, so that a file cannot change between the two.
    let mut beginning = Vec::with_capacity(length.min(secrets::MOST_BYTES) as usize + 1);
    if (&mut file).take(secrets::MOST_BYTES).read_to_end(&mut beginning).is_err() {
        return Ok(Content::Unreadable);
    }
    if !allowed {
        let found = secrets::scan_file(&entry.path, &beginning);
        if !found.is_empty() {
            return Ok(Content::Secret(found));
        }
    }
    if (beginning.len() as u64) < secrets::MOST_BYTES && beginning.len() as u64 <= SMALL {
        return writer.small(entry, &beginning).map(Content::Kept);
    }
    writer.large(entry, &beginning, file)
}

/// Writes blocks.
struct Writer<'a> {
    out: BufWriter<File>,
    /// Bytes written so far.
    at: u64,
    known: &'a Known,
    /// Contents of this object: their places.
    own: HashMap<Digest, Place>,
    /// Small contents that wait for their block to be closed.
    waiting: Vec<u8>,
    /// Which of the earlier objects are referred to, in the order of their numbers from 1.
    used: Vec<usize>,
    new_bytes: u64,
}

/// The block of a small content that still waits: its place is known when the block is closed.
const OPEN: u64 = u64::MAX;

impl<'a> Writer<'a> {
    fn new(file: File, known: &'a Known) -> std::io::Result<Self> {
        let mut out = BufWriter::with_capacity(1 << 16, file);
        out.write_all(HEAD)?;
        let at = HEAD.len() as u64;
        Ok(Self { out, at, known, own: HashMap::new(), waiting: Vec::new(), used: Vec::new(), new_bytes: 0 })
    }

    /// A content that is in memory.
    fn small(&mut self, mut entry: Entry, bytes: &[u8]) -> std::io::Result<Entry> {
        let digest = Digest::of(bytes);
        entry.bytes = bytes.len() as u64;
        if !bytes.is_empty() {
            self.place(&digest).map_or_else(|| self.add_small(&digest, bytes), |_| Ok(()))?;
        }
        entry.digest = Some(digest);
        Ok(entry)
    }

    fn add_small(&mut self, digest: &Digest, bytes: &[u8]) -> std::io::Result<()> {
        let place = Place { pack: 0, block: OPEN, packed: 0, start: self.waiting.len() as u64 };
        self.own.insert(digest.clone(), place);
        self.waiting.extend_from_slice(bytes);
        self.new_bytes += bytes.len() as u64;
        if self.waiting.len() >= BLOCK { self.close_block() } else { Ok(()) }
    }

    /// A content that may be larger than memory should hold: its beginning, and the file behind it.
    fn large(&mut self, mut entry: Entry, beginning: &[u8], mut rest: File) -> std::io::Result<Content> {
        use std::io::{Seek, SeekFrom};
        let mut hasher = blake3::Hasher::new();
        hasher.update(beginning);
        if hasher.update_reader(&mut rest).is_err() || rest.seek(SeekFrom::Start(beginning.len() as u64)).is_err() {
            return Ok(Content::Unreadable);
        }
        entry.bytes = hasher.count();
        let digest = Digest::from_hash(hasher.finalize());
        if self.place(&digest).is_some() {
            entry.digest = Some(digest);
            return Ok(Content::Kept(entry));
        }
        // Packed in the same pass that its digest is computed from: the file may have grown meanwhile.
        self.close_block()?;
        let block = self.at;
        let mut hasher = blake3::Hasher::new();
        let counting = Counting { inner: &mut self.out, bytes: 0 };
        let mut encoder = zstd::stream::Encoder::new(counting, LEVEL)?;
        hasher.update(beginning);
        encoder.write_all(beginning)?;
        let mut piece = vec![0; 1 << 16];
        loop {
            let read = match rest.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(_) => break,
            };
            hasher.update(&piece[..read]);
            encoder.write_all(&piece[..read])?;
        }
        let packed = encoder.finish()?.bytes;
        self.at += packed;
        entry.bytes = hasher.count();
        let digest = Digest::from_hash(hasher.finalize());
        self.own.insert(digest.clone(), Place { pack: 0, block, packed, start: 0 });
        self.new_bytes += entry.bytes;
        entry.digest = Some(digest);
        Ok(Content::Kept(entry))
    }

    /// Where a content lies already, if it does.
    fn place(&self, digest: &Digest) -> Option<Place> {
        self.own.get(digest).or_else(|| self.known.places.get(digest)).copied()
    }

    fn close_block(&mut self) -> std::io::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let block = zstd::bulk::compress(&self.waiting, LEVEL)?;
        self.out.write_all(&block)?;
        let (begin, packed) = (self.at, block.len() as u64);
        for place in self.own.values_mut().filter(|place| place.block == OPEN) {
            (place.block, place.packed) = (begin, packed);
        }
        self.at += packed;
        self.waiting.clear();
        Ok(())
    }

    /// Gives every entry its place, and writes the list.
    fn finish(mut self, listing: &mut Listing) -> std::io::Result<()> {
        self.close_block()?;
        for entry in listing.entries.iter_mut().chain(listing.notes.values_mut()) {
            let Some(digest) = entry.digest.as_ref().filter(|_| entry.bytes > 0) else { continue };
            entry.place = match self.own.get(digest) {
                Some(place) => Some(*place),
                None => self.known.places.get(digest).map(|place| {
                    let place = *place;
                    let number = place.pack as usize;
                    let position = self.used.iter().position(|used| *used == number).unwrap_or_else(|| {
                        self.used.push(number);
                        self.used.len() - 1
                    });
                    Place { pack: position as u32 + 1, ..place }
                }),
            };
        }
        listing.packs = self.used.iter().filter_map(|number| self.known.packs.get(*number).cloned()).collect();
        write_listing(&mut self.out, listing)?;
        self.out.flush()?;
        self.out.get_ref().sync_all()
    }
}

/// The end of an object.
pub(super) fn write_listing(out: &mut impl Write, listing: &Listing) -> std::io::Result<()> {
    let text = zstd::bulk::compress(&serde_json::to_vec(listing)?, LEVEL)?;
    out.write_all(&text)?;
    out.write_all(blake3::hash(&text).as_bytes())?;
    out.write_all(&(text.len() as u64).to_le_bytes())?;
    out.write_all(FOOT)
}

struct Counting<W> {
    inner: W,
    bytes: u64,
}

impl<W: Write> Write for Counting<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

/// Whether a link leads out of the top, by its words alone: what it points to need not exist.
fn leads_outside(top: &Path, link: &Path, target: &Path) -> bool {
    let from = link.parent().unwrap_or(top);
    let mut place = PathBuf::new();
    for part in from.join(target).components() {
        match part {
            Component::ParentDir => drop(place.pop()),
            Component::CurDir => {}
            other => place.push(other),
        }
    }
    !place.starts_with(top)
}

#[cfg(unix)]
fn mode_of(about: &Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    about.permissions().mode() & 0o777
}

#[cfg(not(unix))]
fn mode_of(_: &Metadata) -> u32 {
    0o644
}
