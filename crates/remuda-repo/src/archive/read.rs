//! Reading packed files: the list, single contents, and an object that needs no other.

use super::{BLOCK, Entry, FOOT, HEAD, LONGEST_LISTING, Listing, Place, SMALL, write::write_listing};
use crate::RepoError;
use remuda_model::Digest;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The list of an object.
///
/// # Errors
/// The file cannot be read, or is no such object, or a damaged one.
pub fn read_listing(object: &Path) -> Result<Listing, RepoError> {
    let failed = |source| RepoError::Read { path: object.to_owned(), source };
    let mut file = File::open(object).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let tail = (32 + 8 + FOOT.len()) as u64;
    if length < HEAD.len() as u64 + tail {
        return Err(broken(object, "it is too short"));
    }
    let mut head = [0; 8];
    let mut end = [0; 48];
    file.read_exact(&mut head).map_err(failed)?;
    file.seek(SeekFrom::Start(length - tail)).map_err(failed)?;
    file.read_exact(&mut end).map_err(failed)?;
    if head != *HEAD || end[40..] != *FOOT {
        return Err(broken(object, "it holds no packed files"));
    }
    let mut number = [0; 8];
    number.copy_from_slice(&end[32..40]);
    let packed = u64::from_le_bytes(number);
    let begin = (length - tail).checked_sub(packed).filter(|begin| *begin >= HEAD.len() as u64);
    let begin = begin.ok_or_else(|| broken(object, "its list has an impossible length"))?;
    file.seek(SeekFrom::Start(begin)).map_err(failed)?;
    let mut frame = Vec::new();
    file.take(packed).read_to_end(&mut frame).map_err(failed)?;
    if blake3::hash(&frame).as_bytes() != &end[..32] {
        return Err(broken(object, "its list is damaged"));
    }
    let decoder = zstd::stream::Decoder::with_buffer(frame.as_slice()).map_err(failed)?;
    let mut text = Vec::new();
    decoder.take(LONGEST_LISTING).read_to_end(&mut text).map_err(|error| broken(object, &error.to_string()))?;
    let listing: Listing = serde_json::from_slice(&text).map_err(|error| broken(object, &error.to_string()))?;
    Ok(listing)
}

fn broken(object: &Path, reason: &str) -> RepoError {
    RepoError::BrokenArchive { path: object.to_owned(), reason: reason.to_owned() }
}

/// An object and the earlier ones that it refers to, on local disk.
pub struct Reader {
    /// The object's list.
    pub listing: Listing,
    objects: Vec<PathBuf>,
    /// The last block of small files that was unpacked.
    block: Option<(u32, u64, Vec<u8>)>,
}

impl Reader {
    /// Opens an object; `others` says where each earlier one lies.
    ///
    /// # Errors
    /// As [`read_listing`], or an earlier object is not among `others`.
    pub fn open(object: &Path, others: &HashMap<Digest, PathBuf>) -> Result<Self, RepoError> {
        let listing = read_listing(object)?;
        let mut objects = vec![object.to_owned()];
        for pack in &listing.packs {
            let place = others.get(pack);
            objects
                .push(place.ok_or_else(|| broken(object, &format!("it refers to {pack}, which is missing")))?.clone());
        }
        Ok(Self { listing, objects, block: None })
    }

    /// Copies the content of a file, checked against its digest.
    ///
    /// # Errors
    /// It cannot be read or written, or is damaged.
    pub fn copy(&mut self, entry: &Entry, out: &mut impl Write, out_path: &Path) -> Result<(), RepoError> {
        let place = match entry.place {
            Some(place) => place,
            None if entry.bytes == 0 => return Ok(()),
            None => return Err(broken(&self.objects[0], &format!("it lacks the content of {}", entry.path))),
        };
        let object = self.object(place)?;
        let mut hasher = blake3::Hasher::new();
        let failed = |source| RepoError::Write { path: out_path.to_owned(), source };
        if entry.bytes <= SMALL {
            let content = self.small(place, entry.bytes)?;
            hasher.update(content);
            out.write_all(content).map_err(failed)?;
        } else {
            let mut decoder = decoder(&object, place)?;
            let mut unpacked = (&mut decoder).take(place.start.saturating_add(entry.bytes));
            std::io::copy(&mut (&mut unpacked).take(place.start), &mut std::io::sink())
                .map_err(|error| broken(&object, &error.to_string()))?;
            let mut piece = vec![0; 1 << 16];
            loop {
                let read = unpacked.read(&mut piece).map_err(|error| broken(&object, &error.to_string()))?;
                if read == 0 {
                    break;
                }
                hasher.update(&piece[..read]);
                out.write_all(&piece[..read]).map_err(failed)?;
            }
        }
        if hasher.count() == entry.bytes && Some(Digest::from_hash(hasher.finalize())) == entry.digest {
            return Ok(());
        }
        Err(broken(&object, &format!("the content of {} is damaged", entry.path)))
    }

    /// The content of a file.
    ///
    /// # Errors
    /// As [`Reader::copy`].
    pub fn content(&mut self, entry: &Entry) -> Result<Vec<u8>, RepoError> {
        let mut bytes = Vec::new();
        self.copy(entry, &mut bytes, Path::new(&entry.path))?;
        Ok(bytes)
    }

    /// A text beside the files.
    ///
    /// # Errors
    /// As [`Reader::copy`].
    pub fn note(&mut self, name: &str) -> Result<Option<Vec<u8>>, RepoError> {
        let Some(entry) = self.listing.notes.get(name).cloned() else { return Ok(None) };
        self.content(&entry).map(Some)
    }

    /// Writes an object that holds all these files and needs no other: blocks are copied as they are.
    ///
    /// # Errors
    /// An object cannot be read, or the new one not written.
    pub fn gather(&self, into: &Path) -> Result<(), RepoError> {
        let failed = |source| RepoError::Write { path: into.to_owned(), source };
        let mut out = BufWriter::new(File::create(into).map_err(failed)?);
        out.write_all(HEAD).map_err(failed)?;
        let mut at = HEAD.len() as u64;
        let mut moved: HashMap<(u32, u64), u64> = HashMap::new();
        let mut listing = self.listing.clone();
        listing.packs.clear();
        for entry in listing.entries.iter_mut().chain(listing.notes.values_mut()) {
            let Some(place) = &mut entry.place else { continue };
            let key = (place.pack, place.block);
            let begin = match moved.entry(key) {
                std::collections::hash_map::Entry::Occupied(known) => *known.get(),
                std::collections::hash_map::Entry::Vacant(new) => {
                    let object = self.object(*place)?;
                    let copied = std::io::copy(&mut raw_block(&object, *place)?, &mut out).map_err(failed)?;
                    if copied != place.packed {
                        return Err(broken(&object, "it is cut off"));
                    }
                    at += copied;
                    *new.insert(at - copied)
                }
            };
            (place.pack, place.block) = (0, begin);
        }
        write_listing(&mut out, &listing).and_then(|()| out.flush()).map_err(failed)
    }

    fn object(&self, place: Place) -> Result<PathBuf, RepoError> {
        let object = self.objects.get(place.pack as usize).cloned();
        object.ok_or_else(|| broken(&self.objects[0], "its list names an object that it does not know"))
    }

    /// A content of a shared block.
    fn small(&mut self, place: Place, bytes: u64) -> Result<&[u8], RepoError> {
        let object = self.object(place)?;
        let is_there = matches!(&self.block, Some((pack, block, _)) if *pack == place.pack && *block == place.block);
        if !is_there {
            let mut unpacked = Vec::new();
            // No block of small files is larger, so what unpacks to more is not ours.
            let most = BLOCK as u64 + SMALL;
            decoder(&object, place)?
                .take(most)
                .read_to_end(&mut unpacked)
                .map_err(|error| broken(&object, &error.to_string()))?;
            self.block = Some((place.pack, place.block, unpacked));
        }
        let unpacked = self.block.as_ref().map_or(&[][..], |(_, _, unpacked)| unpacked.as_slice());
        let content = usize::try_from(place.start)
            .ok()
            .zip(usize::try_from(bytes).ok())
            .and_then(|(start, length)| unpacked.get(start..start.checked_add(length)?));
        content.ok_or_else(|| broken(&object, "a block is shorter than its list says"))
    }
}

fn raw_block(object: &Path, place: Place) -> Result<std::io::Take<BufReader<File>>, RepoError> {
    let failed = |source| RepoError::Read { path: object.to_owned(), source };
    let mut file = BufReader::new(File::open(object).map_err(failed)?);
    file.seek(SeekFrom::Start(place.block)).map_err(failed)?;
    Ok(file.take(place.packed))
}

type Decoder = zstd::stream::Decoder<'static, BufReader<std::io::Take<BufReader<File>>>>;

fn decoder(object: &Path, place: Place) -> Result<Decoder, RepoError> {
    let block = raw_block(object, place)?;
    zstd::stream::Decoder::new(block).map_err(|source| RepoError::Read { path: object.to_owned(), source })
}
