//! What goes wrong is said well: the place, the cause, the next step, the exit code; as JSON where that was asked for.

use crate::harness::Stage;
use crate::journey;

#[test]
fn outside_of_a_product_the_next_step_is_named() {
    let stage = Stage::new();
    let told: Vec<String> = [
        &["status"][..],
        &["status", "--json"],
        &["check"],
        &["frobnicate"],
        &["frobnicate", "--json"],
        &["init", "churn", "--from", "nothing.csv", "--label", "Churn"],
        &["run", "--force", "--", "true"],
        &["status", "--server", "127.0.0.1:7777"],
        &["status", "--server", "http://127.0.0.1:1"],
    ]
    .iter()
    .map(|words| format!("{}\n", stage.tell(words)))
    .collect();
    insta::assert_snapshot!(told.concat());
}

#[test]
fn a_definition_with_a_slip_shows_the_line() {
    let (stage, _) = journey::churn();
    let manifest = std::fs::read_to_string(stage.path("remuda.toml")).expect("init wrote it");
    stage.write("remuda.toml", &manifest.replace("stage =", "stge ="));
    insta::assert_snapshot!(format!("{}\n{}", stage.tell(&["check"]), stage.tell(&["run"])));
}

#[test]
fn an_address_that_others_can_reach_needs_a_token() {
    let (stage, _) = journey::churn();
    insta::assert_snapshot!(stage.tell(&["up", "--listen", "0.0.0.0:0"]));
}

#[test]
fn beyond_this_machine_everybody_needs_a_token() {
    let (stage, _) = journey::churn();
    let token = stage.run(&["team", "token", "ana", "--quiet"]).out;
    let server = stage.serve(&["up", "--listen", "0.0.0.0:0", "--json"]);
    let told = [
        stage.tell(&["requirement", "list", "--server", &server.url]),
        stage.tell(&["requirement", "list", "--server", &server.url, "--token", "wrong"]),
        stage.tell(&["requirement", "list", "--server", &server.url, "--as", "ana"]),
        stage.tell(&["requirement", "list", "--server", &server.url, "--token", token.trim()]),
        stage.tell(&["team", "revoke-token", "ana"]),
        stage.tell(&["requirement", "list", "--server", &server.url, "--token", token.trim()]),
    ];
    insta::assert_snapshot!(told.join("\n").replace(token.trim(), "[token]"));
}

#[test]
fn an_interrupted_run_ends_as_failed() {
    let (stage, _) = journey::churn();
    assert_eq!(stage.interrupt(&["run", "--", "sh", "-c", "echo begun; exec sleep 60"]), 130);
    insta::assert_snapshot!(stage.tell(&["run", "list"]));
}

#[test]
fn a_tracked_command_keeps_its_exit_code_and_its_words() {
    let (stage, _) = journey::churn();
    let told: Vec<String> = [
        &["run", "--", "sh", "-c", "echo one; echo two; exit 7"][..],
        &["run", "--", "sh", "-c", "echo to output; echo to error >&2"],
        &["run", "list"],
        &["run", "--note", "a try", "--", "true"],
        &["run", "--", "no-such-program"],
    ]
    .iter()
    .map(|words| format!("{}\n", stage.tell(words)))
    .collect();
    insta::assert_snapshot!(told.concat());
}

#[test]
fn help_reads_as_prose() {
    let stage = Stage::new();
    let told: Vec<String> = [
        &["--help"][..],
        &["data", "add", "--help"],
        &["run", "--help"],
        &["sign", "--help"],
        &["gate", "--help"],
        &["up", "--help"],
    ]
    .iter()
    .map(|words| format!("{}\n", stage.tell(words)))
    .collect();
    insta::assert_snapshot!(told.concat());
}
