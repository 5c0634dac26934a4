//! Files that are not ours, or too big to be: scripts, styles and fonts of others, protocol files, data.

use super::{Report, Tree};

/// The most bytes of a file in the repository.
const FILE_BYTES: usize = 200_000;

/// Written by cargo.
const BIG_FILES: [&str; 1] = ["Cargo.lock"];

/// Protocol files that we wrote ourselves.
const OUR_PROTOS: [&str; 0] = [];

/// Fonts, archives, programs, models: nobody writes these by hand.
const FOREIGN_ENDINGS: [&str; 16] = [
    ".woff", ".woff2", ".ttf", ".otf", ".eot", ".zip", ".gz", ".tar", ".so", ".dll", ".dylib", ".jar", ".wasm",
    ".onnx", ".whl", ".exe",
];

/// Names under which the world's libraries are copied.
const FOREIGN_NAMES: [&str; 14] = [
    "jquery",
    "bootstrap",
    "tailwind",
    "htmx",
    "alpine",
    "react",
    "vue",
    "svelte",
    "d3",
    "chart",
    "plotly",
    "lodash",
    "normalize",
    "fontawesome",
];

/// A line of script that no person wrote.
const WRITTEN_LINE: usize = 500;

pub fn check(tree: &Tree, report: &mut Report) {
    for (path, bytes) in tree.all() {
        if bytes.len() > FILE_BYTES && !BIG_FILES.contains(&path) {
            report.errors.push(format!(
                "{path}: {} kB; nothing over {} kB is committed",
                bytes.len() / 1000,
                FILE_BYTES / 1000
            ));
        }
        if let Some(reason) = foreign(path, bytes) {
            report.errors.push(format!("{path}: {reason}; no third-party file is committed"));
        }
    }
}

fn foreign(path: &str, bytes: &[u8]) -> Option<String> {
    let name = path.rsplit('/').next().unwrap_or(path).to_lowercase();
    if let Some(ending) = FOREIGN_ENDINGS.iter().find(|ending| name.ends_with(*ending)) {
        return Some(format!("`{ending}` files are not written by hand"));
    }
    if name.ends_with(".proto") && !OUR_PROTOS.contains(&path) {
        return Some("a protocol file that is not in our list".to_owned());
    }
    if path.split('/').any(|part| part == "node_modules" || part == "vendor" || part == "third_party") {
        return Some("a folder of other people's code".to_owned());
    }
    let is_asset = [".js", ".mjs", ".css"].iter().any(|ending| name.ends_with(ending));
    if !is_asset {
        return None;
    }
    let stem = name.split(['.', '-']).next().unwrap_or_default();
    if name.contains(".min.") {
        return Some("minified".to_owned());
    }
    if let Some(library) = FOREIGN_NAMES.iter().find(|library| **library == stem) {
        return Some(format!("named like the library `{library}`"));
    }
    let longest = bytes.split(|byte| *byte == b'\n').map(<[u8]>::len).max().unwrap_or(0);
    (longest > WRITTEN_LINE).then(|| format!("a line of {longest} bytes looks minified"))
}
