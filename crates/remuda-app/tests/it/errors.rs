//! The registry of error codes knows every code that is used.

use remuda_app::error::CODES;
use std::collections::BTreeSet;
use std::path::Path;

fn sources(folder: &Path, texts: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, texts);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            texts.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
        }
    }
}

#[test]
fn every_code_is_registered_and_every_registered_code_is_used() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut texts = Vec::new();
    for name in ["remuda-app", "remuda-serve", "remuda-web", "remuda"] {
        sources(&crates.join(name).join("src"), &mut texts);
    }
    let known: BTreeSet<&str> = CODES.iter().map(|code| code.code).collect();
    assert_eq!(known.len(), CODES.len(), "a code is registered twice");
    let mut used = BTreeSet::new();
    for (path, text) in &texts {
        for call in ["Error::new(", "with_source("] {
            for after in text.split(call).skip(1) {
                let Some(code) = after.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next()) else {
                    continue;
                };
                assert!(known.contains(code), "{path} uses the code `{code}`, which is not registered");
                used.insert(code);
            }
        }
    }
    // Some are chosen by a condition first: then the code stands somewhere else than in the registry.
    let quoted = |code: &str| texts.iter().map(|(_, text)| text.matches(&format!("\"{code}\"")).count()).sum::<usize>();
    for code in known {
        // The registry itself is one place.
        assert!(used.contains(code) || quoted(code) > 1, "the code `{code}` is registered and never used");
    }
}
