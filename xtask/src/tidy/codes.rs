//! Error codes: each that is used is in the registry, and each in the registry is used.

use super::{Report, Tree};
use std::collections::BTreeSet;

/// Where the registry stands.
const REGISTRY: &str = "crates/remuda-app/src/error.rs";

/// The crates that make errors of the application.
const USERS: [&str; 4] = ["crates/remuda-app/", "crates/remuda-web/", "crates/remuda-serve/", "crates/remuda/"];

/// The functions whose first argument is a code.
const MAKERS: [&str; 2] = ["Error::new(", "with_source("];

pub fn check(tree: &Tree, report: &mut Report) {
    let Some(registry) = tree.text(REGISTRY) else { return };
    let known: BTreeSet<&str> = registry.split("code: \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let mut used: BTreeSet<&str> = BTreeSet::new();
    for (path, text) in tree.rust().filter(|(path, _)| USERS.iter().any(|user| path.starts_with(user))) {
        for maker in MAKERS {
            for (at, _) in text.match_indices(maker) {
                // `DiagnosticError::new(` is another function.
                let goes_on =
                    text[..at].bytes().next_back().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                let argument = text[at + maker.len()..].trim_start();
                let Some(code) = argument.strip_prefix('"').and_then(|rest| rest.split('"').next()) else { continue };
                if goes_on {
                    continue;
                }
                used.insert(code);
                if !known.contains(code) {
                    let line = text[..at].matches('\n').count() + 1;
                    report.errors.push(format!("{path}:{line}: error code `{code}` is not in CODES ({REGISTRY})"));
                }
            }
        }
        // Codes that are chosen first and used later.
        used.extend(known.iter().copied().filter(|code| path != REGISTRY && text.contains(&format!("\"{code}\""))));
    }
    for code in known.difference(&used) {
        let chosen_there = registry.matches(&format!("\"{code}\"")).count() > 1;
        if !chosen_there {
            report.warnings.push(format!("{REGISTRY}: nobody answers error code `{code}`"));
        }
    }
}
