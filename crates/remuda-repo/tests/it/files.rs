//! Finding, reading and writing definition files on disk.

use remuda_repo::{RepoError, find_root, read_files, scaffold};
use std::fs;

#[test]
fn the_root_is_found_from_below_and_the_error_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(folder.path()).unwrap();
    fs::create_dir_all(root.join("product/src/deep")).unwrap();
    fs::write(root.join("product/remuda.toml"), "").unwrap();
    assert_eq!(find_root(&root.join("product/src/deep")).unwrap(), root.join("product"));
    let error = find_root(&root).unwrap_err().to_string();
    assert!(error.contains("`remuda init`") && error.contains("remuda.toml"), "{error}");
    assert!(matches!(find_root(&root.join("nowhere")), Err(RepoError::Read { .. })));
}

#[test]
fn a_scaffold_is_written_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let files =
        [("remuda.toml", "[product]\n"), ("requirements/keep.md", "+++\n+++\n"), ("data/x.odcs.yaml", "a: 1\n")];
    assert_eq!(scaffold(root, &files).unwrap(), ["remuda.toml", "requirements/keep.md", "data/x.odcs.yaml"]);
    fs::remove_file(root.join("requirements/keep.md")).unwrap();
    fs::write(root.join("remuda.toml"), "mine").unwrap();
    let error = scaffold(root, &files).unwrap_err();
    assert_eq!(
        error.to_string(),
        "nothing was written, because these files exist already: remuda.toml, data/x.odcs.yaml; move them away or choose another folder"
    );
    assert!(!root.join("requirements/keep.md").exists());
    assert_eq!(fs::read_to_string(root.join("remuda.toml")).unwrap(), "mine");
    for bad in ["../x", "/x", "", "a/../../x", "a\\b"] {
        assert!(matches!(scaffold(root, &[(bad, "")]), Err(RepoError::BadPath { .. })), "{bad:?}");
    }
    // The second file cannot be written: the first is taken back.
    assert!(scaffold(root, &[("first.md", ""), ("remuda.toml/second.md", "")]).is_err());
    assert!(!root.join("first.md").exists());
    assert!(
        fs::read_dir(root).unwrap().all(|entry| !entry.unwrap().file_name().to_string_lossy().starts_with(".remuda-"))
    );
}

#[test]
fn only_definition_files_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let files = [
        ("remuda.toml", "a"),
        ("pipeline.toml", "b"),
        ("requirements/keep.md", "c"),
        ("data/x.odcs.yaml", "d"),
        ("data/x.csv", "e"),
        ("labels/triage.toml", "f"),
        ("features/age.sql", "g"),
        ("tests/typos.toml", "h"),
        ("decisions/0001-a.md", "i"),
        ("assumptions/a.toml", "j"),
        ("requirements/.hidden.md", "k"),
        ("requirements/deep/x.md", "l"),
        ("README.md", "m"),
    ];
    scaffold(root, &files).unwrap();
    let read = read_files(root).unwrap();
    let expected = [
        "assumptions/a.toml",
        "data/x.odcs.yaml",
        "decisions/0001-a.md",
        "features/age.sql",
        "labels/triage.toml",
        "pipeline.toml",
        "remuda.toml",
        "requirements/keep.md",
        "tests/typos.toml",
    ];
    assert_eq!(read.0.keys().collect::<Vec<_>>(), expected);
    assert_eq!(read.0["data/x.odcs.yaml"], "d");
}

#[test]
fn files_that_are_no_definitions_are_refused_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::write(root.join("remuda.toml"), b"good\nl\xff\n").unwrap();
    assert_eq!(
        read_files(root).unwrap_err().to_string(),
        "`remuda.toml`, line 2: byte 2 of the line is no UTF-8; save the file as UTF-8"
    );
    fs::write(root.join("remuda.toml"), vec![b' '; 2 * 1024 * 1024]).unwrap();
    assert!(matches!(read_files(root), Err(RepoError::TooLarge { bytes: 2_097_152, .. })));
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_product_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("product");
    scaffold(&root, &[("remuda.toml", "")]).unwrap();
    fs::write(folder.path().join("secret.md"), "secret").unwrap();
    fs::create_dir(root.join("requirements")).unwrap();
    std::os::unix::fs::symlink("../../secret.md", root.join("requirements/x.md")).unwrap();
    assert!(matches!(read_files(&root), Err(RepoError::LeadsOutside { .. })));
}
