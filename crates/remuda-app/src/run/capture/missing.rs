//! What a command reads beyond the packed files, as far as its words and its script tell; which files are dataset
//! versions; which seeds are seen.

use super::Command;
use super::outputs::{digest_of, state_of};
use remuda_model::Digest;
use remuda_model::data::SourceFile;
use remuda_model::run::captured::{Captured, DataFile, Gap, GapKind};
use remuda_repo::archive::{Listing, to_text};
use remuda_repo::git::bytes_of;
use remuda_repo::seeds;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A script larger than this is not read for seeds and names of files.
const LONGEST_SCRIPT: u64 = 4 * 1024 * 1024;
/// How many of these gaps are listed.
const LISTED: usize = 50;

/// The file that a dataset version came from.
#[derive(Clone, Debug)]
pub(super) struct DatasetFile {
    pub(super) dataset: String,
    pub(super) version: Digest,
    pub(super) file: SourceFile,
}

/// Says where the command runs; outside of the packed files that is a gap.
pub(super) fn place(top: &Path, folder: &Path, captured: &mut Captured) {
    match folder.strip_prefix(top) {
        Ok(within) if within.as_os_str().is_empty() => {}
        Ok(within) => captured.folder = format!("{}/", to_text(&bytes_of(within))),
        Err(_) => {
            let what = format!("the command ran in {}", folder.display());
            captured.gaps.push(Gap { kind: GapKind::Outside, what, bytes: None });
        }
    }
}

/// Looks for seeds, for files that the packed ones lack, and for dataset versions.
pub(super) fn look(
    top: &Path,
    folder: &Path,
    command: &Command,
    listing: &Listing,
    datasets: &[DatasetFile],
    captured: &mut Captured,
) {
    let words = captured.arguments.clone();
    captured.seeds.extend(seeds::in_words(&words));
    for name in ["PYTHONHASHSEED", "SEED", "RANDOM_SEED", "PL_GLOBAL_SEED"] {
        if let Some(value) = captured.variables.get(name).filter(|value| value.parse::<i64>().is_ok()) {
            captured.seeds.push(remuda_model::run::captured::SeenSeed {
                name: name.to_owned(),
                value: value.clone(),
                place: "the environment".to_owned(),
            });
        }
    }
    let mut named: Vec<String> = command.argv.iter().skip(1).flat_map(|word| values_of(word)).collect();
    if let Some((path, text)) = script(folder, command) {
        let shown = path.strip_prefix(top).map_or_else(|_| path.display().to_string(), |path| to_text(&bytes_of(path)));
        captured.seeds.extend(seeds::in_source(&shown, &text));
        named.extend(quoted_paths(&text));
    }
    let mut extra = BTreeSet::new();
    for name in named {
        if let Some(file) = existing(folder, &name) {
            note(top, &file, listing, captured, &mut extra);
        }
    }
    captured.data = data_files(top, listing, datasets, extra.into_iter());
}

/// The value of an option, or the word itself.
fn values_of(word: &str) -> Vec<String> {
    let value = word.split_once('=').map(|(_, value)| value.to_owned());
    value.into_iter().chain(Some(word.to_owned())).collect()
}

fn existing(folder: &Path, name: &str) -> Option<PathBuf> {
    let fits = !name.is_empty() && name.len() < 1_000 && !name.contains(['\0', '\n']);
    let full = fits.then(|| folder.join(name))?;
    std::fs::canonicalize(full).ok().filter(|file| file != Path::new("/"))
}

/// Notes a file or folder that is read and not among the packed ones.
fn note(top: &Path, file: &Path, listing: &Listing, captured: &mut Captured, extra: &mut BTreeSet<PathBuf>) {
    let Ok(within) = file.strip_prefix(top) else {
        if file.is_file() {
            extra.insert(file.to_owned());
        }
        return add(captured, GapKind::Outside, file.display().to_string(), file);
    };
    let path = to_text(&bytes_of(within));
    let is_code = path.is_empty() || listing.entry(&path).is_some();
    if is_code || path.starts_with(".remuda") || path.starts_with(".git/") {
        return;
    }
    if file.is_file() {
        extra.insert(file.to_owned());
        add(captured, GapKind::Ignored, path, file);
    } else if file.is_dir() && file.join("pyvenv.cfg").exists() {
        // An environment is rebuilt from its packages.
    } else if file.is_dir() {
        let beginning = format!("{path}/");
        let holds_code = listing.entries.iter().any(|entry| entry.path.starts_with(&beginning));
        // A folder whose files are all ignored, and not empty: data that a script reads.
        let files = state_of(file);
        let mut held: Vec<PathBuf> = files.sizes().map(|(path, _)| path.to_owned()).collect();
        if !holds_code && !held.is_empty() {
            held.truncate(LISTED);
            extra.extend(held);
            add(captured, GapKind::Ignored, beginning, file);
        }
    }
}

fn add(captured: &mut Captured, kind: GapKind, what: String, file: &Path) {
    let is_known = captured.gaps.iter().any(|gap| gap.what == what)
        || captured.withheld.iter().any(|withheld| withheld.place == what);
    // The interpreter, its library and the temporary folder are the machine's, not the run's.
    let of_the_machine = kind == GapKind::Outside
        && (!file.is_file()
            || ["/usr/", "/bin/", "/dev/", "/proc/", "/sys/"].iter().any(|place| what.starts_with(place)));
    let listed = captured.gaps.iter().filter(|gap| gap.kind == kind).count();
    if !is_known && !of_the_machine && listed < LISTED {
        let bytes = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|about| about.len());
        captured.gaps.push(Gap { kind, what, bytes });
    }
}

/// The Python file or notebook that the command begins with, and its text.
fn script(folder: &Path, command: &Command) -> Option<(PathBuf, String)> {
    let by_word = command.argv.iter().find(|word| word.ends_with(".py")).map(|word| folder.join(word));
    let module = command.argv.iter().position(|word| word == "-m").and_then(|place| command.argv.get(place + 1));
    let by_module = module.map(|module| folder.join(format!("{}.py", module.replace('.', "/"))));
    let by_notebook = command.notebook.as_ref().map(|notebook| folder.join(notebook));
    let path = by_notebook.or(by_word).or(by_module)?;
    let path = std::fs::canonicalize(path).ok()?;
    let about = path.metadata().ok()?;
    (about.is_file() && about.len() <= LONGEST_SCRIPT).then_some(())?;
    Some((path.clone(), String::from_utf8_lossy(&std::fs::read(&path).ok()?).into_owned()))
}

/// Words in quotes that could be the path of a file.
fn quoted_paths(text: &str) -> Vec<String> {
    let mut found = BTreeSet::new();
    for line in text.lines() {
        for mark in ['"', '\''] {
            // In a notebook's JSON the quotes of the code are escaped.
            let parts = line.split(mark).skip(1).step_by(2).map(|part| part.trim_end_matches('\\'));
            let paths = parts.filter(|part| part.contains(['/', '.']) && !part.contains(['\n', '*', '{', '<', '%']));
            found.extend(paths.filter(|part| !part.starts_with("http")).map(str::to_owned));
        }
    }
    found.into_iter().collect()
}

/// Files that are, byte for byte, the source of a dataset version.
fn data_files(
    top: &Path,
    listing: &Listing,
    datasets: &[DatasetFile],
    beside: impl Iterator<Item = PathBuf>,
) -> Vec<DataFile> {
    let mut found = Vec::new();
    let mut add = |path: String, bytes: u64, digest: &mut dyn FnMut() -> Option<Digest>| {
        if !datasets.iter().any(|known| known.file.bytes == bytes) {
            return;
        }
        let Some(digest) = digest() else { return };
        for known in datasets.iter().filter(|known| known.file.digest == digest) {
            let seen = DataFile { path: path.clone(), dataset: known.dataset.clone(), version: known.version.clone() };
            if !found.contains(&seen) {
                found.push(seen);
            }
        }
    };
    for entry in &listing.entries {
        add(entry.path.clone(), entry.bytes, &mut || entry.digest.clone());
    }
    for file in beside {
        let Ok(about) = file.metadata() else { continue };
        let path = file.strip_prefix(top).unwrap_or(&file);
        add(to_text(&bytes_of(path)), about.len(), &mut || digest_of(&file));
    }
    found
}
