//! A product's whole story on real data: from a raw file to a signed, served, watched release. Told twice, here and
//! through a server: the words must be the same.

use crate::harness::{Stage, shared};

/// Everything after `init`, as a team of one would type it.
const STORY: [&[&str]; 37] = [
    &["check"],
    &["status"],
    &["data", "log"],
    &["data", "show", "churn"],
    &["data", "add", "telco.csv", "--as", "churn"],
    &["data", "diff", "churn"],
    &["run"],
    &["run"],
    &["run", "list"],
    &["model", "list"],
    &["model", "show", "trees"],
    &["requirement", "list"],
    &["requirement", "show", "churn"],
    &["release", "create", "trees"],
    &["release", "promote"],
    &["gate", "evaluate", "trees"],
    &["gate", "show", "trees"],
    &["gate", "list"],
    &["analysis", "slices", "trees"],
    &["analysis", "mistakes", "trees", "--limit", "2"],
    &["analysis", "keep", "worst", "--slice", "1", "--criterion", "recall of Yes >= 0.5"],
    &["analysis", "expect", "worst", "--pass-rate", "0.5"],
    &["analysis", "request-labels", "worst", "--again", "--rows", "20", "-o", "second.csv"],
    &["analysis", "list"],
    &["gate", "report", "trees", "--format", "card"],
    &["sign", "intent", "churn"],
    &["sign", "evidence", "trees"],
    &["release", "create", "trees"],
    &["sign", "accept", "newest", "--remark", "looks good"],
    &["release", "promote"],
    &["release", "list"],
    &["predict", "new.csv", "--id-column", "customerID", "-o", "predictions.csv"],
    &["feedback", "add", "outcomes.csv", "--id-column", "customerID", "--outcome-column", "Churn"],
    &["feedback", "add", "outcomes.csv", "--id-column", "customerID", "--outcome-column", "Churn"],
    &["live"],
    &["team"],
    &["ledger", "verify"],
];

/// The shortest way from a new product to a live release.
pub(crate) const TO_LIVE: [&[&str]; 7] = [
    &["run"],
    &["gate", "evaluate", "trees"],
    &["sign", "intent", "churn"],
    &["sign", "evidence", "trees"],
    &["release", "create", "trees"],
    &["sign", "accept", "newest"],
    &["release", "promote"],
];

/// A product of telco's customers, with a file to predict and a file of outcomes.
pub(crate) fn churn() -> (Stage, String) {
    let mut stage = Stage::new();
    let file = shared("telco-churn/Telco-Customer-Churn.csv");
    std::fs::copy(&file, stage.path("telco.csv")).expect("the shared data can be read");
    let told = stage.tell(&["init", "churn", "--from", "telco.csv", "--label", "Churn"]);
    stage.enter("churn");
    std::fs::copy(&file, stage.path("telco.csv")).expect("the shared data can be read");
    let text = std::fs::read_to_string(&file).expect("the shared data is text");
    // The last 200 customers arrive as if they were new; what became of 150 of them is learnt later.
    let lines: Vec<&str> = text.lines().collect();
    let (header, rows) = (lines[0], &lines[lines.len() - 200..]);
    stage.write("new.csv", &format!("{header}\n{}\n", rows.join("\n")));
    let outcomes: Vec<String> = rows[..150]
        .iter()
        .map(|row| {
            let cells: Vec<&str> = row.split(',').collect();
            format!("{},{}", cells[0], cells[cells.len() - 1])
        })
        .collect();
    // What init proposes is a floor to argue about; this team argues it down to what one holdout can decide.
    let requirement = std::fs::read_to_string(stage.path("requirements/churn.md")).expect("init wrote it");
    let criteria = requirement.split_once("criteria = [").map(|(before, rest)| {
        let after = rest.split_once(']').map_or("", |(_, after)| after);
        format!("{before}criteria = [\n    \"auc >= 0.75\",\n    \"recall of Yes >= 0.3\",\n]{after}")
    });
    stage.write("requirements/churn.md", &criteria.expect("init wrote criteria"));
    stage.write("outcomes.csv", &format!("customerID,Churn\n{}\n", outcomes.join("\n")));
    (stage, told)
}

fn tell_all(stage: &Stage) -> String {
    STORY.iter().map(|words| format!("{}\n", stage.tell(words))).collect()
}

#[test]
fn a_product_from_a_file_to_a_watched_release() {
    let (stage, init) = churn();
    insta::assert_snapshot!("init", init);
    insta::assert_snapshot!("story", tell_all(&stage));
}

#[test]
fn the_same_story_through_a_server() {
    let (mut stage, _) = churn();
    let server = stage.serve(&["up", "--listen", "127.0.0.1:0", "--json"]);
    stage.always(&["--server", &server.url]);
    let told = tell_all(&stage);
    stage.always(&[]);
    assert!(server.stop(), "the server ended well when it was asked to");
    insta::assert_snapshot!("story", told);
}
