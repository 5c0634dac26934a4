//! Tidy on small trees: a sound one passes, and each rule can fail.

use super::check;
use std::path::Path;

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// A tree that breaks no rule.
fn sound() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(
        root,
        "crates/remuda-model/Cargo.toml",
        "[package]\nname = \"remuda-model\"\n[dependencies]\nserde = \"1\"\n",
    );
    write(root, "crates/remuda-model/src/lib.rs", "//! Words.\n// `allow(this)` in a comment hides nothing.\n");
    write(
        root,
        "crates/remuda-data/Cargo.toml",
        "[package]\nname = \"remuda-data\"\n[dependencies]\nremuda-model = \"1\"\ndatafusion = \"55\"\n",
    );
    write(
        root,
        "crates/remuda-data/src/lib.rs",
        "//! Data.\nuse datafusion::prelude::SessionContext;\nuse remuda_model::Digest;\n",
    );
    write(root, "crates/remuda-data/tests/it/main.rs", "//! Tests.\nmod add;\n");
    write(root, "crates/remuda-data/tests/it/add.rs", "//! Adding.\n");
    write(
        root,
        "crates/remuda-app/src/error.rs",
        "//! Errors.\npub const CODES: &[Code] = &[Code { code: \"data.unreadable\" }];\n\
         fn make() -> Error { Error::new(\"data.unreadable\", \"x\") }\n",
    );
    write(root, "Cargo.lock", &"x".repeat(300_000));
    folder
}

/// The errors after one more file.
fn errors_with(path: &str, text: &str) -> Vec<String> {
    let folder = sound();
    write(folder.path(), path, text);
    check(folder.path()).unwrap().errors
}

#[test]
fn a_sound_tree_passes() {
    let folder = sound();
    let report = check(folder.path()).unwrap();
    assert_eq!(report.errors, Vec::<String>::new());
    assert_eq!(report.warnings, Vec::<String>::new());
}

#[test]
fn every_rule_can_fail() {
    let long = format!("//! Long.\n{}", "\n".repeat(600));
    let big = "x".repeat(200_001);
    let wide = "x".repeat(501);
    let cases: Vec<(&str, &str, &str)> = vec![
        (
            "crates/remuda-stats/Cargo.toml",
            "[dependencies]\nremuda-data = \"1\"\n",
            "crates/remuda-stats/Cargo.toml: `remuda-stats` may not know `remuda-data`",
        ),
        (
            "crates/remuda-web/Cargo.toml",
            "[dev-dependencies]\nremuda-ledger = \"1\"\n",
            "crates/remuda-web/Cargo.toml: `remuda-web` may not know `remuda-ledger`",
        ),
        (
            "crates/remuda-app/Cargo.toml",
            "[target.'cfg(unix)'.dependencies]\nsqlx-core = \"1\"\n",
            "crates/remuda-app/Cargo.toml: only remuda-ledger may know `sqlx`",
        ),
        (
            "crates/remuda-app/Cargo.toml",
            "[dependencies]\nquery = { package = \"datafusion\", version = \"55\" }\n",
            "crates/remuda-app/Cargo.toml: only remuda-data may know `datafusion`",
        ),
        (
            "crates/remuda-model/Cargo.toml",
            "[dependencies]\ntokio = \"1\"\n",
            "crates/remuda-model/Cargo.toml: the words may depend on serde, serde_json, blake3, thiserror, utoipa only, not on `tokio`",
        ),
        (
            "crates/remuda-extra/Cargo.toml",
            "",
            "crates/remuda-extra/Cargo.toml: `remuda-extra` has no layer: give it one in xtask/src/tidy/layers.rs",
        ),
        (
            "crates/remuda-serve/src/lib.rs",
            "//! Serve.\nuse remuda_web::router;\n",
            "crates/remuda-serve/src/lib.rs:2: `remuda-serve` may not know `remuda-web`",
        ),
        (
            "crates/remuda-app/src/look.rs",
            "//! Look.\nfn a() { sqlx::query() }\n",
            "crates/remuda-app/src/look.rs:2: only remuda-ledger may know `sqlx`",
        ),
        (
            "crates/remuda-app/src/look.rs",
            "//! Look.\nfn a() { arrow::array::x() }\n",
            "crates/remuda-app/src/look.rs:2: only remuda-data may know `arrow`",
        ),
        (
            "crates/remuda-model/src/file.rs",
            "//! Files.\nuse std::fs;\n",
            "crates/remuda-model/src/file.rs:2: the words know no `std::fs`",
        ),
        (
            "crates/remuda-data/src/bare.rs",
            "use remuda_model::Digest;\n",
            "crates/remuda-data/src/bare.rs:1: begin with `//!`: what lives here, and what does not",
        ),
        (
            "crates/remuda-data/src/long.rs",
            &long,
            "crates/remuda-data/src/long.rs: 601 lines; split by noun before 600",
        ),
        (
            "crates/remuda-data/src/quiet.rs",
            "//! Quiet.\n#[cfg_attr(test, allow(dead_code))]\nfn a() {}\n",
            "crates/remuda-data/src/quiet.rs:2: `allow` hides for ever; write `expect(…, reason = \"…\")`",
        ),
        (
            "crates/remuda-data/tests/it/lost.rs",
            "//! Lost.\n",
            "crates/remuda-data/tests/it/lost.rs: crates/remuda-data/tests/it/main.rs has no `mod lost;`, so these tests never run",
        ),
        (
            "crates/remuda-data/tests/other.rs",
            "//! Other.\n",
            "crates/remuda-data/tests/other.rs: integration tests lie in tests/it/, one binary per crate",
        ),
        (
            "crates/remuda-web/src/assets/tools.js",
            &wide,
            "crates/remuda-web/src/assets/tools.js: a line of 501 bytes looks minified; no third-party file is committed",
        ),
        (
            "crates/remuda-web/src/assets/htmx.js",
            "x\n",
            "crates/remuda-web/src/assets/htmx.js: named like the library `htmx`; no third-party file is committed",
        ),
        (
            "proto/a.proto",
            "",
            "proto/a.proto: a protocol file that is not in our list; no third-party file is committed",
        ),
        ("docs/data.csv", &big, "docs/data.csv: 200 kB; nothing over 200 kB is committed"),
        (
            "crates/remuda-app/src/data.rs",
            "//! Data.\nfn a() -> Error {\n    Error::new(\n        \"data.odd\", \"x\")\n}\n",
            "crates/remuda-app/src/data.rs:3: error code `data.odd` is not in CODES (crates/remuda-app/src/error.rs)",
        ),
    ];
    for (path, text, expected) in cases {
        assert_eq!(errors_with(path, text), [expected], "{path}");
    }
}

#[test]
fn long_functions_and_unused_codes_are_warned_of() {
    let folder = sound();
    let body = "    a();\n".repeat(61);
    write(folder.path(), "crates/remuda-data/src/long.rs", &format!("//! Long.\nfn long() {{\n{body}}}\n"));
    write(folder.path(), "crates/remuda-app/src/error.rs", "//! Errors.\nconst A: Code = Code { code: \"a.b\" };\n");
    let report = check(folder.path()).unwrap();
    assert_eq!(
        report.warnings,
        [
            "crates/remuda-app/src/error.rs: nobody answers error code `a.b`",
            "crates/remuda-data/src/long.rs:2: `long` has 63 lines; 60 fit a screen",
        ]
    );
}
