//! What a requirement can get wrong.

use crate::support::{PIPELINE, REQUIREMENT, findings, good};
use insta::assert_snapshot;

const PATH: &str = "requirements/keep.md";

fn found(requirement: &str) -> String {
    findings(&[(PATH, requirement)])
}

#[test]
fn every_mistake_in_the_front_matter_is_found_at_once() {
    let requirement = "+++
gaol = \"x\"
owner = \"petro\"
data = \"customer\"
criteria = [\"recall of Yes >= 0.70\", 3, \"recall of Yes >= 0.70\"]
+++
";
    assert_snapshot!(found(requirement));
}

#[test]
fn a_criterion_is_underlined_where_it_is_wrong() {
    let requirement = REQUIREMENT.replace(
        "[\"recall of Yes >= 0.70\"]",
        "[
    \"recal of Yes >= 0.70\",
    'recall of \"Yes\" >= much',
    \"recall of \\\"Ja\\\" >= m\\u00fcch\",
    \"\"\"
recall of Yes >= lots\"\"\",
]",
    );
    assert_snapshot!(found(&requirement));
}

#[test]
fn the_words_of_a_criterion_are_held_against_the_other_files() {
    let requirement = REQUIREMENT.replace(
        "[\"recall of Yes >= 0.70\"]",
        "[
    \"recall of yes >= 0.70\",
    \"accuracy >= baseline rule\",
    \"recall >= 0.7\",
    \"accuracy >= 0.7 for each tenur\",
    \"accuracy >= 0.7 by region\",
    \"every test of typos passes\",
]",
    );
    assert_snapshot!(found(&requirement));
    // Columns may come from feature files, so these cannot be judged; tests that are there are fine.
    let rest = findings(&[
        (PATH, &requirement),
        ("features/region.sql", "SELECT 1"),
        ("tests/typos.toml", crate::bad_behaviour::TESTS),
    ]);
    assert!(!rest.contains("region") && !rest.contains("typos"), "{rest}");
}

#[test]
fn front_matter_must_be_there_and_end() {
    assert_snapshot!(found("# Keep customers\n"));
    assert_snapshot!(found("+++\ngoal = \"x\"\n"));
    assert_snapshot!(found(""));
    assert_snapshot!(found("+++\ngoal = x\nowner = \"petra\nx\n+++\n"));
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_are_read() {
    let requirement = format!("\u{feff}{}", REQUIREMENT.replace('\n', "\r\n"));
    let definitions = good(&[(PATH, &requirement)]);
    assert_eq!(definitions.requirements[0].value.prose, "Why it matters.");
    assert_eq!(definitions.requirements[0].value.criteria[0].line, 5);
}

#[test]
fn a_requirement_without_criteria_is_a_warning_and_bad_names_are_errors() {
    assert_snapshot!(findings(&[
        (PATH, &REQUIREMENT.replace("\"recall of Yes >= 0.70\"", "")),
        ("requirements/Keep Them.md", REQUIREMENT),
        ("pipeline.toml", PIPELINE),
    ]));
}

#[test]
fn the_language_itself_can_be_the_parser() {
    let requirement = REQUIREMENT.replace("recall of Yes >= 0.70", "recal of Yes >= 0.70 @95%");
    let (_, found) = remuda_repo::check(&crate::support::files(&[(PATH, &requirement)]), &remuda_repo::parse_criterion);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].code.as_str(), found[0].line, found[0].column, found[0].length),
        ("definition.criterion", 5, 14, 5)
    );
    let doubtful = REQUIREMENT.replace("recall of Yes >= 0.70", "recall of Yes <= 0.70");
    let (definitions, found) =
        remuda_repo::check(&crate::support::files(&[(PATH, &doubtful)]), &remuda_repo::parse_criterion);
    assert_eq!(
        (found.len(), found[0].severity, definitions.requirements.len()),
        (1, remuda_model::diagnostic::Severity::Warning, 1)
    );
    let (definitions, found) = remuda_repo::check(&crate::support::files(&[]), &remuda_repo::parse_criterion);
    assert_eq!((found.len(), definitions.requirements.len()), (0, 1));
}
