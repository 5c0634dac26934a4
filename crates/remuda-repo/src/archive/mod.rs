//! Packed working files: one object per snapshot, which holds the list of files and the contents that no earlier
//! object has. It stands alone from git, so it keeps the bytes as they lay on the disk, in folders without git too.
//!
//! An object is a magic word, blocks (zstd frames), the list (a zstd frame of JSON), the list's BLAKE3 hash and
//! length, and another magic word. Small files share a block; a large one has its own. A content that an earlier object holds is referred
//! to by that object's digest. Writing is in `write`, reading in `read`, giving back in `restore`, paths in `path`.

mod path;
mod read;
mod restore;
mod write;

pub use path::{from_text, is_safe, to_text};
pub use read::{Reader, read_listing};
pub use restore::{Restored, restore};
pub use write::{PackRequest, Packed, pack};

use remuda_model::Digest;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// How an object begins.
const HEAD: &[u8; 8] = b"rmdcode1";
/// How an object ends.
const FOOT: &[u8; 8] = b"1edocdmr";
/// Files up to this many bytes share blocks.
const SMALL: u64 = 256 * 1024;
/// A block is closed at this many bytes; so none of shared files is larger than this and [`SMALL`].
const BLOCK: usize = 512 * 1024;
/// The most bytes of a list: some half a million files.
const LONGEST_LISTING: u64 = 128 * 1024 * 1024;
/// Beyond this many earlier objects everything is packed anew, so that no snapshot hangs on a long chain.
const MOST_PACKS: usize = 40;

/// All that an object holds or refers to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// Files and links, by path.
    pub entries: Vec<Entry>,
    /// Folders that hold none of them, but were there.
    #[serde(default)]
    pub folders: Vec<String>,
    /// Texts beside the files, such as the list of installed packages.
    #[serde(default)]
    pub notes: BTreeMap<String, Entry>,
    /// Earlier objects that [`Place::pack`] counts, from 1.
    #[serde(default)]
    pub packs: Vec<Digest>,
}

/// A file or a link.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// From the top, as [`to_text`] writes it.
    pub path: String,
    /// Permission bits.
    pub mode: u32,
    /// Bytes of its content.
    pub bytes: u64,
    /// Digest of its content, or of the link's target; `None` only for links.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Where a link points, as [`to_text`] writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// Where its content lies; nothing for links and empty files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// Where a content lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// 0: this object; else the number of the one in [`Listing::packs`].
    pub pack: u32,
    /// Where its block begins, in bytes from the object's beginning.
    pub block: u64,
    /// Bytes of the block as packed.
    pub packed: u64,
    /// Where the content begins in the unpacked block.
    pub start: u64,
}

/// Contents that an earlier object holds or refers to: where, with 0 for that object itself.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The object, and those that it refers to.
    pub packs: Vec<Digest>,
    /// Each content's place; the pack counts [`Known::packs`] from 0.
    pub places: HashMap<Digest, Place>,
}

impl Known {
    /// What the object with this digest and list offers to later ones. Nothing, when it hangs on too many others.
    pub fn from(object: &Digest, listing: &Listing) -> Self {
        if listing.packs.len() >= MOST_PACKS {
            return Self::default();
        }
        let packs = std::iter::once(object.clone()).chain(listing.packs.iter().cloned()).collect();
        let contents = listing.entries.iter().chain(listing.notes.values());
        let places = contents.filter_map(|entry| Some((entry.digest.clone()?, entry.place?))).collect();
        Self { packs, places }
    }
}

impl Listing {
    /// Digest over paths, contents and what may be executed: equal where the files are equal.
    pub fn tree(&self) -> Digest {
        let mut fields: Vec<Vec<u8>> = vec![b"remuda files 1".to_vec()];
        for entry in &self.entries {
            fields.push(entry.path.clone().into_bytes());
            let kind: &[u8] = match &entry.link {
                Some(_) => b"link",
                None if entry.mode & 0o100 != 0 => b"program",
                None => b"file",
            };
            fields.push(kind.to_vec());
            fields.push(match &entry.link {
                Some(target) => target.clone().into_bytes(),
                None => entry.digest.as_ref().map(ToString::to_string).unwrap_or_default().into_bytes(),
            });
        }
        Digest::of_fields(fields.iter().map(Vec::as_slice))
    }

    /// The file at a path.
    pub fn entry(&self, path: &str) -> Option<&Entry> {
        let place = self.entries.binary_search_by(|entry| entry.path.as_str().cmp(path)).ok()?;
        self.entries.get(place)
    }
}
