//! Behavioural tests as a team of one types them, in this process and through a server: the words must be the same.

use crate::harness::Stage;
use crate::shop::{fine, shop};

/// The label follows `x`; `kind` says nothing.
const TESTS: &str = r#"about = "What the label depends on, and what not"
data = "shop"

[[test]]
name = "ends"
capability = "size"
type = "minimum"
rows = [{ x = 0.02, label = "No" }, { x = 0.98, label = "Yes" }]
others = "validation"
draws = 20

[[test]]
name = "kind"
about = "The kind decides nothing"
capability = "fairness"
type = "invariance"
from = "validation"
limit = 50
change = { column = "kind", set = ["a", "b", "c"] }

[[test]]
name = "greater"
capability = "size"
type = "directional"
from = "validation"
where = "x < 0.4"
limit = 50
change = { column = "x", add = 0.5 }
expect = { score = "up", of = "Yes", by = 0.5 }

[[test]]
name = "never-so"
about = "Fails on purpose: a greater x must change nothing"
capability = "size"
type = "invariance"
rows = [{ x = 0.1, kind = "a" }, { x = 0.9, kind = "b" }]
change = { column = "x", set = [0.95] }

[[test]]
name = "elsewhere"
capability = "size"
type = "minimum"
rows = [{ x = 0.1 }]
expect = { label = "No" }
"#;

const STORY: [&[&str]; 8] = [
    &["analysis", "test", "linear"],
    &["analysis", "tested", "linear"],
    &["check"],
    &["analysis", "test", "linear", "--limit", "2"],
    &["analysis", "test", "linear", "--test", "sizes/kind"],
    &["analysis", "test", "linear", "--test", "kindd"],
    &["analysis", "tested", "linear", "--limit", "0"],
    &["analysis", "test", "linear", "--test", "kind"],
];

fn tell(stage: &Stage) -> String {
    let mut told = String::new();
    for (place, words) in STORY.iter().enumerate() {
        if place == 2 {
            std::fs::create_dir_all(stage.path("tests")).expect("a folder can be made");
            stage.write("tests/sizes.toml", TESTS);
        }
        told.push_str(&format!("{}\n", stage.tell(words)));
    }
    told
}

#[test]
fn tests_are_written_run_and_shown_again() {
    let stage = shop();
    fine(&stage, &["run"]);
    insta::assert_snapshot!("behaviour", tell(&stage));
}

#[test]
fn the_same_tests_through_a_server() {
    let mut stage = shop();
    fine(&stage, &["run"]);
    let server = stage.serve(&["up", "--listen", "127.0.0.1:0", "--json"]);
    stage.always(&["--server", &server.url]);
    let told = tell(&stage);
    stage.always(&[]);
    assert!(server.stop(), "the server ended well when it was asked to");
    insta::assert_snapshot!("behaviour", told);
}

#[test]
fn check_finds_what_no_table_could_select_and_no_model_could_see() {
    let stage = shop();
    std::fs::create_dir_all(stage.path("tests")).expect("a folder can be made");
    let label = TESTS.replace(r#"column = "x", set = [0.95]"#, r#"column = "label", set = ["Yes"]"#);
    let told =
        [label, TESTS.replace("x < 0.4", "x < (select 1)"), TESTS.replace("x < 0.4", "sighs < 1")].map(|tests| {
            stage.write("tests/sizes.toml", &tests);
            stage.tell(&["check"])
        });
    insta::assert_snapshot!(told.join("\n"));
}
