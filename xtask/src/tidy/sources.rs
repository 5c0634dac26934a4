//! Rust files by themselves: they say what lives in them, they are short, they silence no lint, and no test is
//! forgotten.

use super::scrub::{code, functions};
use super::{Report, Tree};

/// The most lines of a file.
const FILE_LINES: usize = 600;

/// Files that may be longer. Empty, and to stay so: split by noun instead.
const LONG_FILES: [&str; 0] = [];

/// The most lines of a function that fits a screen.
const FUNCTION_LINES: usize = 60;

pub fn check(tree: &Tree, report: &mut Report) {
    for (path, text) in tree.rust() {
        if !text.starts_with("//!") {
            report.errors.push(format!("{path}:1: begin with `//!`: what lives here, and what does not"));
        }
        let lines = text.lines().count();
        if lines > FILE_LINES && !LONG_FILES.contains(&path) {
            report.errors.push(format!("{path}: {lines} lines; split by noun before {FILE_LINES}"));
        }
        let code = code(text);
        for line in allowed(&code) {
            report.errors.push(format!("{path}:{line}: `allow` hides for ever; write `expect(…, reason = \"…\")`"));
        }
        let long = functions(&code).into_iter().filter(|function| function.lines > FUNCTION_LINES);
        for function in long {
            let (name, line, lines) = (function.name, function.line, function.lines);
            report.warnings.push(format!("{path}:{line}: `{name}` has {lines} lines; {FUNCTION_LINES} fit a screen"));
        }
    }
    check_tests(tree, report);
}

/// The lines of attributes that allow a lint.
fn allowed(code: &str) -> Vec<usize> {
    let mut lines = Vec::new();
    for (at, _) in code.match_indices('#') {
        let rest = code[at + 1..].trim_start_matches('!').trim_start();
        let Some(inner) = rest.strip_prefix('[') else { continue };
        let attribute = &inner[..closing(inner).unwrap_or(inner.len())];
        let hides = attribute.match_indices("allow").any(|(place, _)| {
            let before = attribute[..place].bytes().next_back();
            let own_word = before.is_none_or(|byte| !byte.is_ascii_alphanumeric() && byte != b'_' && byte != b'=');
            own_word && attribute[place + 5..].trim_start().starts_with('(')
        });
        if hides {
            lines.push(code[..at].matches('\n').count() + 1);
        }
    }
    lines
}

/// Where the square bracket that is open closes.
fn closing(inner: &str) -> Option<usize> {
    let mut depth = 1usize;
    for (at, byte) in inner.bytes().enumerate() {
        match byte {
            b'[' => depth += 1,
            b']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// One integration binary per crate, and every file beside its `main.rs` is a module of it.
fn check_tests(tree: &Tree, report: &mut Report) {
    for (path, _) in tree.rust() {
        let Some((before, name)) = path.rsplit_once('/') else { continue };
        if before.ends_with("/tests") && before.starts_with("crates/") {
            report.errors.push(format!("{path}: integration tests lie in tests/it/, one binary per crate"));
        }
        let module = match before.rsplit_once('/') {
            Some((above, folder)) if name == "mod.rs" && above.ends_with("/tests/it") => Some((above, folder)),
            _ if before.ends_with("/tests/it") && name != "main.rs" => Some((before, name.trim_end_matches(".rs"))),
            _ => None,
        };
        let Some((folder, module)) = module else { continue };
        let main = format!("{folder}/main.rs");
        let declared = tree.text(&main).is_some_and(|text| {
            code(text)
                .lines()
                .any(|line| line.trim() == format!("mod {module};") || line.trim() == format!("pub mod {module};"))
        });
        if !declared {
            report.errors.push(format!("{path}: {main} has no `mod {module};`, so these tests never run"));
        }
    }
}
