//! Definition files cut off, torn and smeared at every place: findings, never a panic, and each points into its file.

use crate::support::{CONTRACT, PIPELINE, PRODUCT, REQUIREMENT, files};
use remuda_repo::{DefinitionFiles, check, parse_criterion};

fn check_places(files: &DefinitionFiles) -> usize {
    let (_, found) = check(files, &parse_criterion);
    for finding in &found {
        if finding.line == 0 {
            continue;
        }
        let text = &files.0[&finding.file];
        let line = text.split('\n').nth(finding.line as usize - 1).unwrap();
        assert_eq!(line.trim_end_matches('\r'), finding.source_line, "{finding}");
        assert!(finding.column >= 1 && finding.length >= 1, "{finding}");
        assert!(finding.column as usize <= line.chars().count() + 1, "{finding}");
    }
    found.len()
}

#[test]
fn damaged_files_are_findings_never_panics() {
    let serving = "endpoint = \"churn\"\non_duty = \"dan\"\n[drift]\ndistance = 0.2\n";
    let whole = files(&[("serving.toml", serving)]);
    assert_eq!(check_places(&whole), 0);
    let mut findings = 0;
    for (path, text) in [
        ("remuda.toml", PRODUCT),
        ("data/customers.odcs.yaml", CONTRACT),
        ("pipeline.toml", PIPELINE),
        ("requirements/keep.md", REQUIREMENT),
        ("serving.toml", serving),
    ] {
        let mut damaged = whole.clone();
        let mut try_text = |text: String| {
            damaged.0.insert(path.to_owned(), text);
            findings += check_places(&damaged);
        };
        for at in (0..text.len()).step_by(2) {
            try_text(text[..at].to_owned());
            let smear = ["\"", ":", "[", "\u{0}", "ä", "- ", "\n", "+++\n", "&a *a", "'"][at / 2 % 10];
            try_text(format!("{}{smear}{}", &text[..at], &text[at + 1..]));
        }
        let lines: Vec<&str> = text.lines().collect();
        for gone in 0..lines.len() {
            let rest: Vec<&str> =
                lines.iter().enumerate().filter(|(index, _)| *index != gone).map(|(_, line)| *line).collect();
            try_text(rest.join("\r\n"));
        }
    }
    assert!(findings > 1_000, "{findings}");
}

#[test]
fn huge_nonsense_is_answered_in_time() {
    let lines = |line: &str| line.repeat(1_000_000 / line.len());
    let numbered = |make: &dyn Fn(usize) -> String| (0..11_000).map(make).collect::<String>();
    let cases = [
        ("remuda.toml", numbered(&|index| format!("k{index} = 1\n"))),
        ("remuda.toml", format!("{} = 1", "k".repeat(1_000_000))),
        ("remuda.toml", format!("a = {}", "[".repeat(1_000_000))),
        ("pipeline.toml", numbered(&|index| format!("[[step]]\nname = \"s{index}\"\n"))),
        (
            "pipeline.toml",
            (0..9_000)
                .map(|index| {
                    format!(
                        "[[step]]\nname = \"s{index}\"\ncommand = \"x\"\ninputs = [\"step:s{}\"]\n",
                        (index + 1) % 9_000
                    )
                })
                .collect(),
        ),
        ("data/customers.odcs.yaml", numbered(&|index| format!("k{index}: 1\n"))),
        ("data/customers.odcs.yaml", lines("- ")),
        ("data/customers.odcs.yaml", lines("[")),
        (
            "data/customers.odcs.yaml",
            format!("{CONTRACT}{}", numbered(&|index| format!("      - name: c{index}\n        logicalType: x\n"))),
        ),
        ("requirements/keep.md", REQUIREMENT.replace("\"recall of Yes >= 0.70\"", &lines("\"x\","))),
        ("requirements/keep.md", lines("+++\n")),
    ];
    for (path, text) in cases {
        let (_, found) = check(&files(&[(path, &text)]), &parse_criterion);
        assert!(found.iter().any(|finding| finding.file == path), "{path}");
        assert!(found.len() <= 200, "{path}: {}", found.len());
    }
}
