//! `gate check`: verdicts on predictions that another program made, without a product: what it says, writes and refuses.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use crate::harness::Stage;

/// 400 true labels and two models' predictions in another order; the second is right where the first is, and a little more.
fn stage() -> Stage {
    let stage = Stage::new();
    let (mut truth, mut old, mut new) = ("case,label,region,customer\n".to_owned(), Vec::new(), Vec::new());
    for row in 0..400_u32 {
        let positive = row % 4 == 0;
        let label = if positive { "yes" } else { "no" };
        let region = if row % 3 == 0 { "north" } else { "south" };
        truth.push_str(&format!("c{row:03},{label},{region},k{}\n", row / 8));
        // Every tenth row is wrong for the old model, every sixteenth for the new one.
        for (lines, every, latency) in [(&mut old, 10, 20), (&mut new, 16, 30)] {
            let wrong = row % every == every - 1 || row % every == 4;
            let says = if positive != wrong { "yes" } else { "no" };
            let score =
                if says == "yes" { 0.95 - f64::from(row % 40) / 100.0 } else { 0.05 + f64::from(row % 37) / 100.0 };
            lines.push(format!("c{row:03},{says},{score:.3},{}", latency + row % 50));
        }
    }
    old.reverse();
    new.rotate_left(100);
    let with_header = |lines: &[String]| format!("case,prediction,score,latency_ms\n{}\n", lines.join("\n"));
    stage.write("truth.csv", &truth);
    stage.write("old.csv", &with_header(&old));
    stage.write("new.csv", &with_header(&new));
    stage.write("short.csv", &with_header(&new[..390]));
    stage.write("twice.csv", &with_header(&[&new[..], &new[..2]].concat()));
    stage.write("foreign.csv", &with_header(&[&new[..], &["zzz,yes,0.9,1".to_owned()]].concat()));
    stage.write("improbable.csv", &with_header(&new).replace("0.950", "1.950"));
    stage.write("triage_costs.csv", "truth,prediction,cost\nyes,no,5\nno,yes,1\n");
    stage
}

#[test]
fn anybodys_predictions_get_verdicts() {
    let stage = stage();
    let check = |criteria: &[&str], more: &[&str]| {
        let mut words = vec!["gate", "check", "--truth", "truth.csv", "--predictions", "new.csv"];
        criteria.iter().for_each(|criterion| words.extend(["-c", criterion]));
        words.extend(more);
        stage.tell(&words)
    };
    let against = ["--against", "production=old.csv"];
    let told = [
        check(&["accuracy >= 0.8", "recall of yes >= 0.7 where region = 'north'", "auc >= 0.8"], &[]),
        check(
            &[
                "accuracy >= 0.75 for each region",
                "accuracy >= 0.8 by customer",
                "mean cost using triage_costs.csv <= 1",
            ],
            &[],
        ),
        check(
            &[
                "p95 of latency_ms <= 80 ms",
                "gap of recall of yes between region <= 0.3",
                "ratio of selection rate between region >= 0.5",
            ],
            &[],
        ),
        check(
            &["accuracy >= production - 0.5 pp", "changed decisions vs production <= 40 %", "auc >= production - 0.2"],
            &against,
        ),
        check(
            &["accuracy >= 0.99", "precision of maybe >= 0.5", "f1 >= 0.95 where region = 'west'"],
            &["--format", "markdown"],
        ),
        check(&["accuracy >= 0.8", "accuracy >= 0.99"], &["--format", "junit"]),
        check(&["accuracy >= 0.8"], &["--looks", "20"]),
    ];
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn what_does_not_fit_together_is_refused_with_its_counts() {
    let stage = stage();
    let check = |predictions: &str, criterion: &str, more: &[&str]| {
        let mut words = vec!["gate", "check", "--truth", "truth.csv", "--predictions", predictions, "-c", criterion];
        words.extend(more);
        stage.tell(&words)
    };
    let told = [
        check("short.csv", "accuracy >= 0.8", &[]),
        check("foreign.csv", "accuracy >= 0.8", &[]),
        check("foreign.csv", "accuracy >= 0.8", &["--common-rows"]),
        check("twice.csv", "accuracy >= 0.8", &[]),
        check("improbable.csv", "auc >= 0.8", &[]),
        check("short.csv", "accuracy >= 0.8", &["--by-row-order"]),
        check("new.csv", "accuracy >= production", &[]),
        check("new.csv", "recal of yes >= 0.8", &[]),
        check("new.csv", "accuracy >= 0.8 where region = (select 1)", &[]),
        check("new.csv", "mae <= 1", &[]),
        check("new.csv", "accuracy >= 0.8", &["--label", "lable"]),
        check("nothing.csv", "accuracy >= 0.8", &[]),
        check("new.csv", "mean cost using other_costs.csv <= 1", &[]),
    ];
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn what_never_varies_is_decided_all_the_same() {
    let stage = stage();
    let perfect: String = std::fs::read_to_string(stage.path("truth.csv"))
        .unwrap()
        .lines()
        .skip(1)
        .map(|line| line.rsplitn(3, ',').nth(2).unwrap().to_owned() + "\n")
        .collect();
    stage.write("perfect.csv", &format!("case,prediction\n{perfect}"));
    let check = |predictions: &str, criteria: &[&str], more: &[&str]| {
        let mut words = vec!["gate", "check", "--truth", "truth.csv", "--predictions", predictions];
        criteria.iter().for_each(|criterion| words.extend(["-c", criterion]));
        words.extend(more);
        stage.tell(&words)
    };
    let told = [
        check("perfect.csv", &["macro f1 >= 0.9", "mcc >= 0.9", "micro f1 >= 0.99", "f1 of yes >= 0.9"], &[]),
        check(
            "new.csv",
            &["f1 of yes >= production - 0.01", "log loss <= production + 0.01", "macro f1 > production"],
            &["--against", "production=new.csv"],
        ),
        check("perfect.csv", &["macro f1 >= production - 0.05"], &["--against", "production=perfect.csv"]),
        check("perfect.csv", &["mean cost using triage_costs.csv <= 0.1"], &[]),
    ];
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_model_may_know_classes_that_the_truth_lacks() {
    let stage = stage();
    let truth = std::fs::read_to_string(stage.path("truth.csv")).unwrap();
    for (file, header, third) in [
        ("prefixed.csv", "case,p_yes,p_no,p_maybe", 0.17),
        // Named as classes are; a column of something else stands beside them.
        ("bare.csv", "case,yes,no,maybe,latency", 0.17),
        ("raw.csv", "case,yes,no,latency", 0.0),
    ] {
        let row = |line: &str| {
            let mut fields = line.split(',');
            let (case, sure) = (fields.next().unwrap(), if fields.next() == Some("yes") { 0.6 } else { 0.2 });
            let rest = if third > 0.0 { 1.0 - third - sure } else { 0.9 - sure };
            let middle = if third > 0.0 { format!(",{third}") } else { String::new() };
            let end = if header.ends_with("latency") { ",120" } else { "" };
            format!("{case},{sure},{rest:.2}{middle}{end}\n")
        };
        let rows: String = truth.lines().skip(1).map(row).collect();
        stage.write(file, &format!("{header}\n{rows}"));
    }
    let check = |predictions: &str| {
        let words = ["gate", "check", "--truth", "truth.csv", "--predictions", predictions, "-c", "log loss <= 0.6"];
        stage.tell(&[&words[..], &["-c", "auc >= 0.9"]].concat())
    };
    insta::assert_snapshot!([check("prefixed.csv"), check("bare.csv"), check("raw.csv")].join("\n"));
}

#[test]
fn neither_the_order_of_criteria_nor_a_named_class_changes_what_scores_mean() {
    let stage = stage();
    let json = |words: &[&str]| -> serde_json::Value {
        let usual = ["gate", "check", "--truth", "truth.csv", "--json", "--predictions"];
        serde_json::from_str(&stage.run(&[&usual[..], words].concat()).out).unwrap()
    };
    let estimate = |checked: &serde_json::Value, criterion: &str| {
        let verdicts = checked["verdicts"].as_array().unwrap();
        verdicts.iter().find(|one| one["criterion"] == criterion).unwrap()["estimate"].as_f64().unwrap()
    };
    let one = json(&["new.csv", "-c", "recall of no >= 0.1", "-c", "auc >= 0.5", "-c", "log loss <= 1"]);
    let other = json(&["new.csv", "-c", "auc >= 0.5", "-c", "log loss <= 1", "-c", "recall of no >= 0.1"]);
    for criterion in ["auc >= 0.5", "log loss <= 1", "recall of no >= 0.1"] {
        assert_eq!(estimate(&one, criterion), estimate(&other, criterion), "{criterion}");
    }
    // Turned round, it would lie as far below one half.
    assert!(estimate(&one, "auc >= 0.5") > 0.7);

    // Scores that speak of the other class are refused, unless their class is named.
    let new = std::fs::read_to_string(stage.path("new.csv")).unwrap();
    let turned: String = new
        .lines()
        .map(|line| match line.split(',').collect::<Vec<_>>().as_slice() {
            [case, says, score, _] if *case != "case" => {
                format!("{case},{says},{:.3}\n", 1.0 - score.parse::<f64>().unwrap())
            }
            _ => "case,prediction,score\n".to_owned(),
        })
        .collect();
    stage.write("turned.csv", &turned);
    let words = ["gate", "check", "--truth", "truth.csv", "--predictions", "turned.csv", "-c", "auc >= 0.5"];
    let refused = stage.run(&words);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("seems to be the probability of `no`"), "{}", refused.err);
    assert!(refused.err.contains("--positive no"), "{}", refused.err);
    assert_eq!(stage.run(&[&words[..], &["--positive", "no"]].concat()).code, 0);

    // Of three known classes the Brier score sums over all, whether or not another criterion names one of them.
    let truth = std::fs::read_to_string(stage.path("truth.csv")).unwrap();
    let row = |line: &str| format!("{},no,0.1,0.2,0.7\n", line.split(',').next().unwrap());
    let rows: String = truth.lines().skip(1).map(row).collect();
    stage.write("three.csv", &format!("case,prediction,p_yes,p_no,p_maybe\n{rows}"));
    let alone = json(&["three.csv", "-c", "brier <= 2"]);
    let beside = json(&["three.csv", "-c", "brier <= 2", "-c", "recall of yes >= 0", "--positive", "yes"]);
    // A quarter is yes: 0.9^2 + 0.2^2 + 0.7^2, the others 0.1^2 + 0.8^2 + 0.7^2.
    let wanted = 0.25 * 1.34 + 0.75 * 1.14;
    for checked in [alone, beside] {
        assert!((estimate(&checked, "brier <= 2") - wanted).abs() < 1e-6, "{checked}");
    }
}
