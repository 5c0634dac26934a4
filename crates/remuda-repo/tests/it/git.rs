//! Git: snapshots, who changed what, differences, and new repositories.

use remuda_repo::git::{self, ChangeKind, FileChange};
use remuda_repo::{RepoError, scaffold};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A repository in a temporary folder, and git as somebody would type it there.
struct Repository {
    _folder: tempfile::TempDir,
    root: PathBuf,
}

impl Repository {
    fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        let repository = Self { _folder: folder, root };
        repository.git(&["init", "-q", "-b", "main"]);
        repository.git(&["config", "user.name", "Data scientist"]);
        repository.git(&["config", "user.email", "scientist@example.org"]);
        repository
    }

    fn with_a_commit() -> Self {
        let repository = Self::empty();
        repository.write("train.py", "print(1)\n");
        repository.write(".gitignore", "*.log\n");
        repository.git(&["add", "-A"]);
        repository.git(&["commit", "-q", "-m", "Begin"]);
        repository
    }

    fn git(&self, arguments: &[&str]) -> String {
        run_git(&self.root, arguments)
    }

    fn write(&self, path: &str, text: &str) {
        let full = self.root.join(path);
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        fs::write(full, text).unwrap();
    }

    fn snapshot(&self, run_id: &str) -> remuda_model::run::Snapshot {
        git::snapshot(&self.root, run_id, git::USUAL_CAP).unwrap()
    }

    /// What must not change: index, branch, references of the team, working files' status.
    fn state(&self) -> (String, String, Vec<u8>, String) {
        let index = fs::read(self.root.join(".git/index")).unwrap_or_default();
        let status = self.git(&["--no-optional-locks", "status", "--porcelain", "--ignored"]);
        (status, self.git(&["for-each-ref", "refs/heads", "refs/tags"]), index, self.git(&["stash", "list"]))
    }

    fn files_of(&self, commit: &str) -> Vec<String> {
        self.git(&["ls-tree", "-r", "-z", "--name-only", commit])
            .split('\0')
            .filter(|path| !path.is_empty())
            .map(str::to_owned)
            .collect()
    }
}

fn run_git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    for name in ["GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_OBJECT_DIRECTORY"] {
        command.env_remove(name);
    }
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    let output = command.arg("-C").arg(folder).args(arguments).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end_matches('\n').to_owned()
}

#[test]
fn the_commit_is_found_wherever_git_keeps_it() {
    let repository = Repository::empty();
    let check = |expected: bool| {
        let commit = git::commit(&repository.root).unwrap();
        assert_eq!(commit, git::head(&repository.root).unwrap().commit);
        assert_eq!(commit.is_some(), expected);
    };
    check(false);
    repository.write("train.py", "print(1)\n");
    repository.git(&["add", "-A"]);
    repository.git(&["commit", "-q", "-m", "Begin"]);
    check(true);
    repository.git(&["pack-refs", "--all"]);
    check(true);
    repository.git(&["commit", "-q", "--allow-empty", "-m", "Go on"]);
    check(true);
    repository.git(&["checkout", "-q", "--detach", "HEAD~1"]);
    check(true);
    repository.git(&["checkout", "-q", "-b", "topic/deep"]);
    check(true);
    let beside = tempfile::tempdir().unwrap();
    let tree = beside.path().join("tree");
    repository.git(&["worktree", "add", "-q", tree.to_str().unwrap(), "main"]);
    assert_eq!(git::commit(&tree).unwrap(), git::head(&tree).unwrap().commit);
    assert_ne!(git::commit(&tree).unwrap(), git::commit(&repository.root).unwrap());
    assert_eq!(git::commit(beside.path()).unwrap(), None);
}

#[test]
fn a_snapshot_has_uncommitted_and_untracked_files_and_leaves_all_else_alone() {
    let repository = Repository::with_a_commit();
    repository.write("staged.py", "staged");
    repository.git(&["add", "staged.py"]);
    repository.write("train.py", "print(2)\n");
    repository.write("notes/idea.md", "new");
    repository.write("noise.log", "ignored");
    repository.write(".remuda/ledger.db", "facts, with no line in .gitignore");
    let before = repository.state();
    let snapshot = repository.snapshot("run-1");
    assert_eq!(repository.state(), before);

    let commit = snapshot.commit.unwrap();
    assert_eq!(repository.git(&["rev-parse", "refs/remuda/runs/run-1"]), commit);
    assert_eq!(repository.files_of(&commit), [".gitignore", "notes/idea.md", "staged.py", "train.py"]);
    assert_eq!(repository.git(&["show", &format!("{commit}:train.py")]), "print(2)");
    assert_eq!(snapshot.parent.as_deref(), Some(repository.git(&["rev-parse", "HEAD"]).as_str()));
    assert_eq!(snapshot.branch.as_deref(), Some("main"));
    assert_eq!((snapshot.changed_files, snapshot.left_out.len()), (3, 0));
    assert_eq!(
        repository.git(&["log", "-1", "--format=%an <%ae> %s", &commit]),
        "remuda <remuda@localhost> Snapshot of run run-1"
    );
    let leftovers = fs::read_dir(repository.root.join(".git")).unwrap();
    assert!(
        leftovers
            .map(|entry| entry.unwrap().file_name())
            .all(|name| !name.to_string_lossy().contains("remuda-snapshot"))
    );
}

#[test]
fn deleted_files_links_and_a_change_in_the_same_tick_are_seen() {
    let repository = Repository::with_a_commit();
    repository.write("gone.py", "1");
    repository.write("same.py", "aaaa");
    repository.git(&["add", "-A"]);
    repository.git(&["commit", "-q", "-m", "More"]);
    // Same size, and most likely the same moment as the index: only its content tells.
    repository.write("same.py", "bbbb");
    fs::remove_file(repository.root.join("gone.py")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("nowhere", repository.root.join("link")).unwrap();
    let snapshot = repository.snapshot("run-2");
    let commit = snapshot.commit.unwrap();
    assert_eq!(repository.git(&["show", &format!("{commit}:same.py")]), "bbbb");
    assert!(!repository.files_of(&commit).contains(&"gone.py".to_owned()));
    #[cfg(unix)]
    assert_eq!(repository.git(&["show", &format!("{commit}:link")]), "nowhere");
}

#[test]
fn large_files_are_left_out_and_listed() {
    let repository = Repository::with_a_commit();
    repository.write("big.bin", &"x".repeat(2_000));
    repository.write("train.py", &"y".repeat(3_000));
    repository.write("small.py", "z");
    let snapshot = git::snapshot(&repository.root, "run-3", 1_000).unwrap();
    assert_eq!(snapshot.left_out, [("big.bin".to_owned(), 2_000), ("train.py".to_owned(), 3_000)]);
    assert_eq!(repository.files_of(&snapshot.commit.unwrap()), [".gitignore", "small.py"]);
    // A large file that was committed before costs nothing, and stays.
    repository.git(&["add", "-A"]);
    repository.git(&["commit", "-q", "-m", "Large"]);
    let snapshot = git::snapshot(&repository.root, "run-4", 1_000).unwrap();
    assert_eq!((snapshot.changed_files, snapshot.left_out.len()), (0, 0));
    assert!(repository.files_of(&snapshot.commit.unwrap()).contains(&"big.bin".to_owned()));
}

#[test]
fn an_empty_repository_and_no_repository_are_fine() {
    let repository = Repository::empty();
    let nothing = repository.snapshot("run-0");
    assert!(nothing.commit.is_some() && nothing.parent.is_none());
    repository.write("a.py", "1");
    let snapshot = repository.snapshot("run-1");
    assert_eq!((snapshot.changed_files, snapshot.branch.as_deref()), (1, Some("main")));
    assert_eq!(repository.files_of(&snapshot.commit.unwrap()), ["a.py"]);
    assert_eq!(git::head(&repository.root).unwrap().commit, None);
    assert_eq!(git::contributors(&repository.root, "a.py").unwrap(), []);

    let folder = tempfile::tempdir().unwrap();
    assert_eq!(git::snapshot(folder.path(), "run-1", 1).unwrap(), remuda_model::run::Snapshot::default());
    assert_eq!(git::head(folder.path()).unwrap(), git::Head::default());
}

#[test]
fn a_product_in_a_subfolder_takes_tracked_changes_everywhere_but_untracked_files_only_of_its_own() {
    let repository = Repository::with_a_commit();
    repository.write("product/remuda.toml", "");
    repository.write("train.py", "print(3)\n");
    repository.write("elsewhere.txt", "private");
    let snapshot = git::snapshot(&repository.root.join("product"), "run-5", git::USUAL_CAP).unwrap();
    let commit = snapshot.commit.unwrap();
    assert_eq!(repository.files_of(&commit), [".gitignore", "product/remuda.toml", "train.py"]);
    assert_eq!(repository.git(&["show", &format!("{commit}:train.py")]), "print(3)");
    let product = repository.root.join("product");
    assert_eq!(git::show_file(&product, &commit, "remuda.toml").unwrap(), Some(Vec::new()));
    assert_eq!(git::show_file(&product, &commit, "train.py").unwrap(), None);
}

#[test]
fn submodules_and_repositories_within_are_passed_over() {
    let inner = Repository::with_a_commit();
    let repository = Repository::with_a_commit();
    let source = inner.root.to_str().unwrap();
    repository.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", source, "module"]);
    repository.git(&["commit", "-q", "-m", "Add a module"]);
    repository.write("module/train.py", "dirty");
    run_git(&repository.root, &["init", "-q", "nested-without-commits"]);
    repository.write("nested-without-commits/x.py", "1");
    run_git(&repository.root, &["clone", "-q", source, "nested-clone"]);
    repository.write("mine.py", "1");
    let before = repository.state();
    let snapshot = repository.snapshot("run-6");
    assert_eq!(repository.state(), before);
    assert_eq!(
        repository.files_of(&snapshot.commit.unwrap()),
        [".gitignore", ".gitmodules", "mine.py", "module", "train.py"]
    );
    fs::remove_dir_all(repository.root.join("module")).unwrap();
    repository.snapshot("run-7");
}

#[test]
fn odd_names_line_ends_and_hooks_do_no_harm() {
    let repository = Repository::with_a_commit();
    repository.git(&["config", "core.autocrlf", "true"]);
    repository.git(&["config", "core.safecrlf", "true"]);
    let odd = ["a b.py", "ä.py", "-rf", "quote\".py", "new\nline.py", ":(top)x.py", "*.py", "[x].py"];
    for name in odd {
        repository.write(name, "1\r\n2\n");
    }
    for hook in ["pre-commit", "post-index-change", "reference-transaction"] {
        let path = repository.root.join(".git/hooks").join(hook);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "#!/bin/sh\ntouch hook-ran\nexit 1\n").unwrap();
        #[cfg(unix)]
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    let snapshot = repository.snapshot("run-8");
    assert!(!repository.root.join("hook-ran").exists());
    let files = repository.files_of(&snapshot.commit.unwrap());
    for name in odd {
        assert!(files.contains(&name.to_owned()), "{name:?} in {files:?}");
    }
}

#[cfg(unix)]
#[test]
fn names_that_are_no_utf8_and_unreadable_files_do_no_harm() {
    use std::os::unix::ffi::OsStrExt;
    let repository = Repository::with_a_commit();
    fs::write(repository.root.join(std::ffi::OsStr::from_bytes(b"\xff.py")), "1").unwrap();
    let fifo = repository.root.join("pipe");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    assert_eq!(repository.snapshot("run-9").changed_files, 1);
}

#[test]
fn a_merge_a_lock_and_a_missing_user_do_not_stop_a_snapshot() {
    let repository = Repository::with_a_commit();
    repository.git(&["checkout", "-q", "-b", "other"]);
    repository.write("train.py", "other\n");
    repository.git(&["commit", "-q", "-am", "Other"]);
    repository.git(&["checkout", "-q", "main"]);
    repository.write("train.py", "main\n");
    repository.git(&["commit", "-q", "-am", "Main"]);
    let merge = Command::new("git").arg("-C").arg(&repository.root).args(["merge", "-q", "other"]).output().unwrap();
    assert!(!merge.status.success(), "the merge must conflict");
    repository.git(&["config", "user.name", ""]);
    repository.git(&["config", "user.email", ""]);
    repository.git(&["config", "user.useConfigOnly", "true"]);
    let before = repository.state();
    fs::write(repository.root.join(".git/index.lock"), "").unwrap();
    let snapshot = repository.snapshot("run-10");
    fs::remove_file(repository.root.join(".git/index.lock")).unwrap();
    assert_eq!(repository.state(), before);
    assert!(repository.git(&["show", &format!("{}:train.py", snapshot.commit.unwrap())]).contains("<<<<<<<"));
    assert_eq!(git::user(&repository.root).unwrap(), None);
}

#[test]
fn a_detached_head_and_a_second_worktree_are_known() {
    let repository = Repository::with_a_commit();
    let other =
        repository.root.join("../").join(format!("{}-tree", repository.root.file_name().unwrap().to_string_lossy()));
    repository.git(&["worktree", "add", "-q", "--detach", other.to_str().unwrap()]);
    fs::write(other.join("new.py"), "1").unwrap();
    let snapshot = git::snapshot(&other, "run-11", git::USUAL_CAP).unwrap();
    assert_eq!((snapshot.branch, snapshot.changed_files), (None, 1));
    assert_eq!(repository.files_of("refs/remuda/runs/run-11"), [".gitignore", "new.py", "train.py"]);
    fs::remove_dir_all(other).unwrap();
}

#[test]
fn two_snapshots_at_once_do_not_meet() {
    let repository = Repository::with_a_commit();
    for index in 0..200 {
        repository.write(&format!("files/{index}.py"), &index.to_string());
    }
    let root = &repository.root;
    let commits: Vec<String> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..4)
            .map(|index| scope.spawn(move || git::snapshot(root, &format!("run-{index}"), git::USUAL_CAP).unwrap()))
            .collect();
        started.into_iter().map(|one| one.join().unwrap().commit.unwrap()).collect()
    });
    for commit in commits {
        assert_eq!(repository.files_of(&commit).len(), 202);
    }
}

#[test]
fn a_run_id_must_be_a_name_and_a_commit_hexadecimal() {
    let repository = Repository::with_a_commit();
    for bad in ["", "../x", "a b", "--help", "A"] {
        assert!(matches!(git::snapshot(&repository.root, bad, 1), Err(RepoError::BadRunId { .. })), "{bad:?}");
    }
    for bad in ["--output=x", "HEAD", "abc", "zzzzzzz"] {
        assert!(matches!(git::diff(&repository.root, bad, bad), Err(RepoError::BadCommit { .. })), "{bad:?}");
    }
    assert!(matches!(git::show_file(&repository.root, "0000000", "x"), Err(RepoError::Git { .. })));
}

#[test]
fn contributors_are_authors_and_co_authors_through_renames() {
    let repository = Repository::with_a_commit();
    repository.write("train.py", "print(1)\nprint(2)\n");
    let message = "Print more\n\nCo-authored-by: Data engineer <engineer@example.org>\nCo-authored-by: Data scientist <scientist@example.org>\n";
    repository.git(&["commit", "-q", "-am", message]);
    repository.git(&["mv", "train.py", "learn.py"]);
    repository.git(&[
        "-c",
        "user.name=Quality engineer",
        "-c",
        "user.email=quality@example.org",
        "commit",
        "-q",
        "-m",
        "Rename",
    ]);
    let found = git::contributors(&repository.root, "learn.py").unwrap();
    let who: Vec<(&str, &str)> = found.iter().map(|one| (one.email.as_str(), one.summary.as_str())).collect();
    assert_eq!(
        who,
        [
            ("quality@example.org", "Rename"),
            ("scientist@example.org", "Print more"),
            ("engineer@example.org", "Print more"),
            ("scientist@example.org", "Begin"),
        ]
    );
    assert!(found.iter().all(|one| one.time > 1_500_000_000_000_000 && one.commit.len() == 40));
    assert_eq!(found[2].name, "Data engineer");
    assert_eq!(git::contributors(&repository.root, "unknown.py").unwrap(), []);
}

#[test]
fn two_commits_differ_by_file() {
    let repository = Repository::with_a_commit();
    repository.write("old.py", "1\n2\n3\n4\n5\n6\n");
    repository.write("gone\n.py", "1\n");
    let first = repository.snapshot("run-1").commit.unwrap();
    fs::rename(repository.root.join("old.py"), repository.root.join("new.py")).unwrap();
    fs::remove_file(repository.root.join("gone\n.py")).unwrap();
    repository.write("train.py", "print(1)\nprint(2)\n");
    fs::write(repository.root.join("a.bin"), [0u8, 1, 2]).unwrap();
    let second = repository.snapshot("run-2").commit.unwrap();
    let change = |path: &str, old_path: Option<&str>, kind, added, removed| FileChange {
        path: path.into(),
        old_path: old_path.map(str::to_owned),
        kind,
        added,
        removed,
    };
    assert_eq!(
        git::diff(&repository.root, &first, &second).unwrap(),
        [
            change("a.bin", None, ChangeKind::Added, None, None),
            change("gone\n.py", None, ChangeKind::Removed, Some(0), Some(1)),
            change("new.py", Some("old.py"), ChangeKind::Renamed, Some(0), Some(0)),
            change("train.py", None, ChangeKind::Modified, Some(1), Some(0)),
        ]
    );
    assert_eq!(git::show_file(&repository.root, &first, "old.py").unwrap().unwrap(), b"1\n2\n3\n4\n5\n6\n");
    assert_eq!(git::show_file(&repository.root, &second, "old.py").unwrap(), None);
}

#[test]
fn init_makes_a_repository_with_only_our_files() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::write(root.join("Customers.csv"), "a,b\n").unwrap();
    let files = scaffold(root, &[("remuda.toml", ""), ("requirements/keep.md", "")]).unwrap();
    let done = git::init(root, &files).unwrap();
    assert!(done.created && done.ignore_changed);
    let commit = done.commit.unwrap();
    assert_eq!(
        run_git(root, &["ls-tree", "-r", "--name-only", &commit]),
        ".gitignore\nremuda.toml\nrequirements/keep.md"
    );
    assert_eq!(run_git(root, &["status", "--porcelain"]), "?? Customers.csv");
    let again = git::init(root, &files).unwrap();
    assert_eq!(again, git::Initialised::default());
}

#[test]
fn init_within_a_repository_only_adds_an_ignore_line() {
    let repository = Repository::with_a_commit();
    fs::write(repository.root.join(".gitignore"), "*.log\r\n/build").unwrap();
    let head = git::head(&repository.root).unwrap();
    let done = git::init(&repository.root, &["remuda.toml".to_owned()]).unwrap();
    assert_eq!((done.created, done.commit, done.ignore_changed), (false, None, true));
    let text = fs::read_to_string(repository.root.join(".gitignore")).unwrap();
    assert!(text.starts_with("*.log\r\n/build\r\n#") && text.ends_with(".remuda/\r\n"), "{text:?}");
    assert_eq!(git::head(&repository.root).unwrap(), head);
}

#[test]
fn init_where_an_outer_repository_ignores_the_folder_makes_its_own() {
    let repository = Repository::with_a_commit();
    repository.write(".gitignore", "target/\n");
    let root = repository.root.join("target/demo");
    let files = scaffold(&root, &[("remuda.toml", "")]).unwrap();
    let done = git::init(&root, &files).unwrap();
    assert!(done.created && done.commit.is_some());
    assert_eq!(git::snapshot(&root, "run-1", git::USUAL_CAP).unwrap().changed_files, 0);
}

/// Runs one of these stories in a process of its own with other environment variables.
fn story_holds_with(story: &str, variables: &[(&str, &str)]) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", story]).envs(variables.iter().copied());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_the_environment_says_of_another_repository_is_not_followed() {
    let elsewhere = Repository::with_a_commit();
    let before = elsewhere.state();
    let folder = elsewhere.root.join(".git");
    let variables = [
        ("GIT_DIR", folder.to_str().unwrap()),
        ("GIT_WORK_TREE", elsewhere.root.to_str().unwrap()),
        ("GIT_INDEX_FILE", "/nowhere/index"),
        ("GIT_OBJECT_DIRECTORY", "/nowhere/objects"),
    ];
    story_holds_with("git::a_snapshot_has_uncommitted_and_untracked_files_and_leaves_all_else_alone", &variables);
    story_holds_with("git::init_makes_a_repository_with_only_our_files", &variables);
    assert_eq!(elsewhere.state(), before);
}

#[test]
fn a_machine_without_any_git_configuration_is_fine() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path().to_str().unwrap();
    let variables =
        [("HOME", home), ("XDG_CONFIG_HOME", home), ("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1")];
    story_holds_with("git::init_makes_a_repository_with_only_our_files", &variables);
    story_holds_with("git::init_where_an_outer_repository_ignores_the_folder_makes_its_own", &variables);
}

#[test]
fn what_a_killed_snapshot_left_behind_is_swept() {
    let repository = Repository::with_a_commit();
    let (old, young) =
        (repository.root.join(".git/remuda-snapshot-old"), repository.root.join(".git/remuda-snapshot-young"));
    for folder in [&old, &young] {
        fs::create_dir(folder).unwrap();
        fs::write(folder.join("index"), "torn").unwrap();
    }
    let made = fs::metadata(&old).unwrap().modified().unwrap();
    fs::File::open(&old).unwrap().set_modified(made - std::time::Duration::from_secs(7_200)).unwrap();
    repository.snapshot("run-1");
    assert!(!old.exists() && young.exists());
}

#[test]
fn sparse_and_split_indexes_are_read() {
    let repository = Repository::with_a_commit();
    repository.write("far/away.py", "1");
    repository.write("near/by.py", "1");
    repository.git(&["add", "-A"]);
    repository.git(&["commit", "-q", "-m", "Two folders"]);
    repository.git(&["sparse-checkout", "set", "--sparse-index", "near"]);
    repository.write("near/new.py", "2");
    let snapshot = repository.snapshot("run-1");
    let files = [".gitignore", "far/away.py", "near/by.py", "near/new.py", "train.py"];
    assert_eq!(
        (repository.files_of(&snapshot.commit.unwrap()), snapshot.changed_files),
        (files.map(str::to_owned).to_vec(), 1)
    );
    repository.git(&["sparse-checkout", "disable"]);
    repository.git(&["update-index", "--split-index"]);
    repository.write("near/by.py", "3");
    let before = repository.state();
    let snapshot = repository.snapshot("run-2");
    assert_eq!(repository.git(&["show", &format!("{}:near/by.py", snapshot.commit.unwrap())]), "3");
    assert_eq!(repository.state(), before);
}
