//! Packed files: what goes in comes back byte for byte, from any folder, and never beyond the folder it goes to.

use remuda_repo::RepoError;
use remuda_repo::archive::{self, Entry, Known, PackRequest, Packed, Reader};
use remuda_repo::git::{self, path_of, working_files};
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder of work and one of objects.
struct Place {
    _folder: tempfile::TempDir,
    work: PathBuf,
    objects: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        for name in ["work", "objects"] {
            fs::create_dir(root.join(name)).unwrap();
        }
        Self { _folder: folder, work: root.join("work"), objects: root.join("objects") }
    }

    fn write(&self, path: &str, text: &str) {
        let full = self.work.join(path);
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        fs::write(full, text).unwrap();
    }

    fn git(&self, folder: &str, arguments: &[&str]) {
        let mut command = Command::new("git");
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").arg("-C").arg(self.work.join(folder));
        command.args(["-c", "user.name=A", "-c", "user.email=a@b", "-c", "protocol.file.allow=always"]);
        let output = command.args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn pack(&self, name: &str, known: &Known) -> Packed {
        let files = working_files(&self.work).unwrap();
        let request = PackRequest {
            top: &files.top,
            paths: &files.paths,
            largest: 1_000_000,
            allowed: &BTreeSet::new(),
            notes: &[("packages".into(), b"numpy==2.0\n".to_vec())],
            folders: &["out".into()],
            known,
            progress: &|_| {},
        };
        archive::pack(&request, &self.objects.join(name)).unwrap()
    }

    fn object(&self, name: &str) -> PathBuf {
        self.objects.join(name)
    }
}

fn names(packed: &Packed) -> Vec<&str> {
    packed.listing.entries.iter().map(|entry| entry.path.as_str()).collect()
}

fn no_others() -> HashMap<remuda_model::Digest, PathBuf> {
    HashMap::new()
}

#[test]
fn a_folder_without_git_comes_back_with_links_modes_and_odd_names() {
    let place = Place::new();
    place.write("train.py", "print(1)\n");
    place.write("empty.txt", "");
    place.write("run.sh", "#!/bin/sh\n");
    fs::set_permissions(place.work.join("run.sh"), fs::Permissions::from_mode(0o750)).unwrap();
    fs::write(place.work.join(path_of(b"caf\xe9.txt")), "latin").unwrap();
    symlink("train.py", place.work.join("link.py")).unwrap();
    symlink("/etc/hostname", place.work.join("far")).unwrap();
    place.write(".gitignore", "*.log\n");
    place.write("noise.log", "x");
    place.write("__pycache__/train.pyc", "x");
    place.write("venv/pyvenv.cfg", "x");
    place.write("venv/lib/a.py", "x");
    // Larger than a shared block, and of bytes that do not repeat.
    let large: String =
        (0..60_000).map(|number: u64| format!("{:x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    place.write("large.csv", &large[..800_000]);
    place.write("huge.bin", &large.repeat(2));
    let packed = place.pack("a", &Known::default());
    assert_eq!(
        names(&packed),
        [".gitignore", "caf\\xe9.txt", "empty.txt", "far", "large.csv", "link.py", "run.sh", "train.py"]
    );
    let huge = fs::metadata(place.work.join("huge.bin")).unwrap().len();
    assert_eq!(packed.too_large, [("huge.bin".to_owned(), huge)]);
    assert_eq!(packed.outside, ["far → /etc/hostname"]);

    let mut reader = Reader::open(&place.object("a"), &no_others()).unwrap();
    let back = place.objects.join("back");
    let restored = archive::restore(&mut reader, &back, false).unwrap();
    assert_eq!((restored.written, restored.unchanged), (8, 0));
    assert_eq!(fs::read(back.join("large.csv")).unwrap(), &large.as_bytes()[..800_000]);
    assert_eq!(fs::read(back.join(path_of(b"caf\xe9.txt"))).unwrap(), b"latin");
    assert_eq!(fs::metadata(back.join("run.sh")).unwrap().permissions().mode() & 0o777, 0o750);
    assert_eq!(fs::read_link(back.join("link.py")).unwrap(), Path::new("train.py"));
    assert!(back.join("out").is_dir());
    assert_eq!(reader.note("packages").unwrap().unwrap(), b"numpy==2.0\n");
    assert_eq!(archive::restore(&mut reader, &back, false).unwrap().unchanged, 8);
}

#[test]
fn unchanged_contents_are_referred_to_and_gathered_again() {
    let place = Place::new();
    for number in 0..300 {
        place.write(&format!("src/module_{number:03}.py"), &format!("VALUE = {number}\n").repeat(50));
    }
    let first = place.pack("first", &Known::default());
    let digest = remuda_model::Digest::of(&fs::read(place.object("first")).unwrap());
    place.write("src/module_007.py", "VALUE = 'new'\n");
    let known = Known::from(&digest, &first.listing);
    let second = place.pack("second", &known);
    assert_eq!(second.new_bytes, 14);
    assert_eq!(second.listing.packs, std::slice::from_ref(&digest));
    assert_ne!(second.listing.tree(), first.listing.tree());

    // Without the first one, the second is of no use, and says so.
    let error = Reader::open(&place.object("second"), &no_others()).err().unwrap();
    assert!(error.to_string().contains("is missing"), "{error}");
    let others = HashMap::from([(digest, place.object("first"))]);
    let reader = Reader::open(&place.object("second"), &others).unwrap();
    reader.gather(&place.object("whole")).unwrap();
    let mut whole = Reader::open(&place.object("whole"), &no_others()).unwrap();
    assert_eq!(whole.listing.tree(), second.listing.tree());
    let back = place.objects.join("back");
    assert_eq!(archive::restore(&mut whole, &back, false).unwrap().written, 300);
    assert_eq!(fs::read_to_string(back.join("src/module_007.py")).unwrap(), "VALUE = 'new'\n");
    assert_eq!(fs::read_to_string(back.join("src/module_299.py")).unwrap(), "VALUE = 299\n".repeat(50));
}

#[test]
fn restoring_writes_over_nothing_and_through_no_link() {
    let place = Place::new();
    place.write("a/train.py", "1");
    place.write("b.py", "2");
    place.pack("a", &Known::default());
    let mut reader = Reader::open(&place.object("a"), &no_others()).unwrap();
    let target = place.objects.join("target");
    let outside = place.objects.join("outside");
    fs::create_dir_all(&outside).unwrap();
    fs::create_dir_all(&target).unwrap();
    fs::write(target.join("b.py"), "mine").unwrap();
    let error = archive::restore(&mut reader, &target, false).unwrap_err();
    assert!(matches!(&error, RepoError::WouldOverwrite { paths, .. } if paths == &["b.py"]), "{error}");
    assert!(!target.join("a").exists());
    symlink(&outside, target.join("a")).unwrap();
    assert!(archive::restore(&mut reader, &target, true).is_err());
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    fs::remove_file(target.join("a")).unwrap();
    archive::restore(&mut reader, &target, true).unwrap();
    assert_eq!(fs::read_to_string(target.join("b.py")).unwrap(), "2");
}

#[test]
fn a_list_that_leads_elsewhere_is_refused() {
    let place = Place::new();
    place.write("a.py", "1");
    place.pack("a", &Known::default());
    let file = |path: &str| Entry { path: path.into(), mode: 0o644, ..Entry::default() };
    let link = |path: &str, to: &str| Entry { link: Some(to.into()), ..file(path) };
    for entries in [
        vec![file("../x")],
        vec![file("/etc/x")],
        vec![file(".git/hooks/post-checkout")],
        vec![file("a"), file("a")],
        vec![link("a", "/tmp"), file("a/x")],
        vec![file("a\\x00b")],
        vec![file("a\\q")],
    ] {
        let mut reader = Reader::open(&place.object("a"), &no_others()).unwrap();
        reader.listing.entries = entries.clone();
        let target = place.objects.join("target");
        let refused = archive::restore(&mut reader, &target, true);
        assert!(matches!(refused, Err(RepoError::BadPath { .. })), "{entries:?}");
        assert!(!target.exists() || fs::read_dir(&target).unwrap().count() == 0);
    }
}

#[test]
fn a_damaged_or_cut_object_is_an_error_and_never_a_wrong_file() {
    let place = Place::new();
    place.write("a.py", &"abcdefgh".repeat(500));
    place.pack("a", &Known::default());
    let whole = fs::read(place.object("a")).unwrap();
    for damage in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[damage] ^= 0x20;
        fs::write(place.object("b"), &bytes).unwrap();
        let Ok(mut reader) = Reader::open(&place.object("b"), &no_others()) else { continue };
        for entry in reader.listing.entries.clone() {
            let content = reader.content(&entry);
            assert!(content.is_err() || content.unwrap() == "abcdefgh".repeat(500).as_bytes(), "byte {damage}");
        }
    }
    for length in [0, 8, 20, whole.len() - 1] {
        fs::write(place.object("b"), &whole[..length]).unwrap();
        assert!(Reader::open(&place.object("b"), &no_others()).is_err());
    }
}

#[test]
fn submodules_and_repositories_within_are_taken_with_their_changes() {
    let place = Place::new();
    place.write("library/lib.py", "1");
    place.git("library", &["init", "-q"]);
    place.git("library", &["add", "-A"]);
    place.git("library", &["commit", "-q", "-m", "x"]);
    place.write("main/train.py", "import lib");
    place.git("main", &["init", "-q"]);
    place.git("main", &["submodule", "--quiet", "add", "../library", "sub"]);
    place.git("main", &["add", "-A"]);
    place.git("main", &["commit", "-q", "-m", "x"]);
    place.write("main/sub/lib.py", "changed");
    place.write("main/sub/new.py", "new");
    place.write("main/other/own.py", "own");
    place.git("main/other", &["init", "-q"]);
    let files = working_files(&place.work.join("main")).unwrap();
    let names: Vec<String> = files.paths.iter().map(|path| String::from_utf8_lossy(path).into_owned()).collect();
    assert_eq!(names, [".gitmodules", "other/own.py", "sub/lib.py", "sub/new.py", "train.py"]);
}

#[test]
fn secrets_stay_out_of_the_object_and_of_the_commit() {
    let place = Place::new();
    place.git("", &["init", "-q"]);
    let key = format!("-----BEGIN {}KEY-----\n{}\n", "PRIVATE ", "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC");
    place.write("deploy.py", &key);
    place.write("train.py", "1");
    place.git("", &["add", "-A"]);
    place.git("", &["commit", "-q", "-m", "x"]);
    place.write(".env", "A=1");
    let packed = place.pack("a", &Known::default());
    assert_eq!(names(&packed), ["train.py"]);
    let found: Vec<(&str, Option<u64>)> = packed.withheld.iter().map(|one| (one.place.as_str(), one.line)).collect();
    assert_eq!(found, [(".env", None), ("deploy.py", Some(1))]);
    let object = fs::read(place.object("a")).unwrap();
    assert!(!object.windows(16).any(|window| window == b"MIIEvQIBADANBgkq"));

    let without: BTreeSet<Vec<u8>> = [b".env".to_vec(), b"deploy.py".to_vec()].into();
    let snapshot = git::snapshot_without(&place.work, "run-1", git::USUAL_CAP, &without).unwrap();
    let commit = snapshot.commit.unwrap();
    assert_eq!(git::show_file(&place.work, &commit, "train.py").unwrap().as_deref(), Some(b"1".as_slice()));
    assert_eq!(git::show_file(&place.work, &commit, "deploy.py").unwrap(), None);
    assert_eq!(git::show_file(&place.work, &commit, ".env").unwrap(), None);
    // What the team has committed stays as it is.
    assert!(git::show_file(&place.work, &snapshot.parent.unwrap(), "deploy.py").unwrap().is_some());
}

#[test]
fn a_branch_is_made_of_the_commit_or_of_the_packed_files() {
    let place = Place::new();
    place.git("", &["init", "-q"]);
    place.write("train.py", "1");
    place.git("", &["add", "-A"]);
    place.git("", &["commit", "-q", "-m", "x"]);
    place.write("train.py", "2");
    place.write("a \"quoted\"\tname", "3");
    let snapshot = git::snapshot(&place.work, "run-1", git::USUAL_CAP).unwrap();
    place.pack("a", &Known::default());
    let commit = snapshot.commit.unwrap();
    assert_eq!(git::branch_of_commit(&place.work, "by-commit", &commit).unwrap().as_ref(), Some(&commit));
    let taken = git::branch_of_commit(&place.work, "by-commit", &commit);
    assert!(matches!(taken, Err(RepoError::BranchExists { .. })));
    for bad in ["-x", "a..b", "", "a b"] {
        assert!(matches!(git::branch_of_commit(&place.work, bad, &commit), Err(RepoError::BadBranch { .. })), "{bad}");
    }
    assert_eq!(git::branch_of_commit(&place.work, "gone", &"0".repeat(40)).unwrap(), None);

    let mut reader = Reader::open(&place.object("a"), &no_others()).unwrap();
    let parent = snapshot.parent.as_deref();
    let made = git::branch_of_files(&place.work, "by-files", parent, "Snapshot of run 1", 0, &mut reader).unwrap();
    assert_eq!(git::diff(&place.work, &commit, &made).unwrap(), []);
    assert_eq!(fs::read_to_string(place.work.join("train.py")).unwrap(), "2");
}
