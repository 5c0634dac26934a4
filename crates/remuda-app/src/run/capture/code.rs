//! Packing the working files of a run, unless the ledger has exactly these already.

use super::super::KnownContents;
use crate::error::{Error, Result};
use remuda_model::Digest;
use remuda_model::run::captured::{Captured, Gap, GapKind, PackedCode};
use remuda_repo::archive::{self, Listing, PackRequest};
use remuda_repo::git::WorkingFiles;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// The text of installed packages, beside the files.
pub(crate) const PACKAGES: &str = "packages";
/// How many gaps of one kind are listed.
const LISTED: usize = 50;
/// How old a file that a killed run left here is when nobody can be at work on it any more.
const ABANDONED: Duration = Duration::from_secs(24 * 3600);

/// What to pack.
pub(super) struct Packing<'a> {
    pub(super) files: &'a WorkingFiles,
    pub(super) largest: u64,
    pub(super) allowed: BTreeSet<Vec<u8>>,
    pub(super) packages: Option<String>,
    pub(super) folders: Vec<String>,
    pub(super) known: &'a KnownContents,
}

/// Packs, and says in `captured` what was and what was not. The object is answered unless the ledger has one with the
/// same files.
pub(super) fn pack(
    root: &Path,
    packing: &Packing<'_>,
    captured: &mut Captured,
) -> Result<(Option<tempfile::TempPath>, Listing)> {
    let object = scratch(root)?;
    let notes: Vec<(String, Vec<u8>)> =
        packing.packages.iter().map(|text| (PACKAGES.to_owned(), text.clone().into_bytes())).collect();
    let known = packing.known.known();
    let request = PackRequest {
        top: &packing.files.top,
        paths: &packing.files.paths,
        largest: packing.largest,
        allowed: &packing.allowed,
        notes: &notes,
        folders: &packing.folders,
        known: &known,
        progress: &|_| {},
    };
    let packed = archive::pack(&request, &object)?;
    let gap = |kind, what: String, bytes| Gap { kind, what, bytes };
    let mut gaps = Vec::new();
    list(&mut gaps, packed.too_large.into_iter().map(|(path, bytes)| gap(GapKind::TooLarge, path, Some(bytes))));
    list(&mut gaps, packed.unreadable.into_iter().map(|path| gap(GapKind::Unreadable, path, None)));
    list(&mut gaps, packed.outside.into_iter().map(|path| gap(GapKind::Outside, path, None)));
    captured.gaps.extend(gaps);
    captured.withheld.extend(packed.withheld);
    let listing = packed.listing;
    captured.locks =
        listing.entries.iter().filter(|entry| is_lock(&entry.path)).map(|entry| entry.path.clone()).collect();
    let tree = listing.tree();
    let package_digest = listing.notes.get(PACKAGES).and_then(|entry| entry.digest.clone());
    if let Some(python) = &mut captured.python {
        python.packages.clone_from(&package_digest);
    }
    let same = |code: &&PackedCode| code.tree == tree && packing.known.notes.get(PACKAGES) == package_digest.as_ref();
    if let Some(code) = packing.known.code.as_ref().filter(same) {
        captured.code = Some(code.clone());
        return Ok((None, listing));
    }
    captured.code = Some(PackedCode {
        blob: Digest::of(b""),
        others: listing.packs.clone(),
        tree,
        files: listing.entries.len() as u64,
        bytes: packed.bytes,
        packed: 0,
    });
    Ok((Some(object), listing))
}

/// A file to pack into, beside the ledger's folder or where it would be. What killed runs left there goes.
fn scratch(root: &Path) -> Result<tempfile::TempPath> {
    let folder = root.join(".remuda").join("packing");
    let refused = |source: std::io::Error| {
        let code = crate::error::code_of_io(&source, "repository.unusable");
        Error::new(code, format!("cannot pack the code in {}", folder.display())).caused_by(&source)
    };
    std::fs::create_dir_all(&folder).map_err(refused)?;
    for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
        let age = entry.metadata().and_then(|about| about.modified()).ok().and_then(|time| time.elapsed().ok());
        if age.is_some_and(|age| age > ABANDONED) {
            // Another run may sweep at the same moment; what cannot be removed does no harm.
            let _ = std::fs::remove_file(entry.path());
        }
    }
    let file = tempfile::Builder::new().prefix("code-").tempfile_in(&folder).map_err(refused)?;
    Ok(file.into_temp_path())
}

/// Lists gaps of one kind, and says how many more there are.
fn list(gaps: &mut Vec<Gap>, found: impl Iterator<Item = Gap>) {
    let found: Vec<Gap> = found.collect();
    let more = found.len().saturating_sub(LISTED);
    let kind = found.first().map(|gap| gap.kind.words());
    gaps.extend(found.into_iter().take(LISTED));
    if let Some(words) = kind.filter(|_| more > 0) {
        gaps.push(Gap { kind: GapKind::More, what: format!("{more} others that are {words}"), bytes: None });
    }
}

fn is_lock(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let requirements = name.starts_with("requirements") && (name.ends_with(".txt") || name.ends_with(".lock"));
    let known = [
        "uv.lock",
        "poetry.lock",
        "pdm.lock",
        "Pipfile.lock",
        "pixi.lock",
        "pylock.toml",
        "conda-lock.yml",
        "environment.yml",
        "environment.yaml",
    ];
    // A library within may have its own; the command's are at the top or one folder below.
    path.matches('/').count() <= 2 && (requirements || known.contains(&name))
}
