//! Decisions under costs, and phrases that mark mistakes: planted ones are found, and what cannot be asked says why.

use crate::harness::{check_both, customers};
use remuda_app::analysis::{Phrases, PhrasesFound, RuleKind, Slices, Threshold, ThresholdFound, cost_files};
use remuda_app::product::Status;
use remuda_model::gate::parse;
use remuda_model::team::Risk;

const COSTS: &str = "truth,prediction,cost\nyes,no,20\nno,yes,1\n";

fn rule(found: &ThresholdFound, kind: RuleKind) -> (f64, Option<f64>) {
    let rule = found.rules.iter().find(|rule| rule.rule == kind).unwrap();
    (rule.cost.value.unwrap(), rule.difference.as_ref().and_then(|difference| difference.upper))
}

#[test]
fn a_threshold_is_cheaper_than_the_models_own_labels_where_a_miss_is_dear() {
    check_both(Risk::Medium, |story| async move {
        story.write("owner", "requirements/churn_costs.csv", COSTS);
        story.add(&customers(1, 4_000, None)).await;
        story.train().await;
        assert_eq!(cost_files(&story.context("owner")), ["churn_costs.csv"]);
        let found = story.does("scientist", Threshold::of("linear", None)).await.unwrap();
        let chosen = found.chosen.clone().unwrap();
        assert_eq!((found.positive.as_deref(), found.costs.as_str()), (Some("yes"), "requirements/churn_costs.csv"));
        assert!(
            chosen.low <= chosen.threshold && chosen.threshold <= chosen.high && chosen.threshold < 0.5,
            "{chosen:?}"
        );
        let (own, _) = rule(&found, RuleKind::Own);
        let (cost, upper) = rule(&found, RuleKind::Chosen);
        assert!(cost < own && upper.unwrap() < 0.0, "{cost} {own} {upper:?}");
        // What is honest is no cheaper than what was seen, and the calibrated threshold follows from the costs alone.
        assert!(chosen.optimism.unwrap() > -0.01 && cost + 1e-9 >= chosen.seen_cost - 0.01);
        let expected = found.rules.iter().find(|rule| rule.rule == RuleKind::ExpectedCost).unwrap();
        assert_eq!(expected.threshold, Some(1.0 / 21.0));
        // The confusion at the threshold holds every row, and its cost is the one that was seen.
        let chosen_rule = found.rules.iter().find(|rule| rule.rule == RuleKind::Chosen).unwrap();
        let confusion = chosen_rule.confusion.as_ref().unwrap();
        assert_eq!(confusion.counts.iter().sum::<u64>(), found.head.rows);
        let (no, yes) = (0, 1);
        assert_eq!(confusion.classes, ["no", "yes"]);
        let cost = (20 * confusion.at(yes, no) + confusion.at(no, yes)) as f64 / found.head.rows as f64;
        assert!((cost - chosen.seen_cost).abs() < 1e-9);
        let least = found.curve.iter().map(|point| point.cost).fold(f64::INFINITY, f64::min);
        assert!((least - chosen.seen_cost).abs() < 1e-9);
        assert!(found.advice.starts_with("Take rows as yes from "), "{}", found.advice);
        // The gate's mean cost measures the model's own labels, and nothing of this looked at the holdout.
        assert!(parse("mean cost using churn_costs.csv <= 1").is_ok());
        assert_eq!(story.does("owner", Status {}).await.unwrap().holdouts[0].spent, 0);
        let again = story.does("owner", Threshold::of("linear", Some("churn_costs.csv"))).await.unwrap();
        assert_eq!(serde_json::to_value(&again).unwrap(), serde_json::to_value(&found).unwrap());
    });
}

#[test]
fn what_no_threshold_is_for_says_why() {
    check_both(Risk::Medium, |story| async move {
        story.add(&customers(1, 2_000, None)).await;
        story.train().await;
        let ask = |costs: Option<&str>| Threshold::of("linear", costs);
        let refused = story.does("scientist", ask(None)).await.unwrap_err();
        assert_eq!(refused.message, "no file says what mistakes cost");
        story.write("owner", "dear_costs.csv", COSTS);
        story.write("owner", "half_costs.csv", "truth,prediction,cost\nyes,no,5\n");
        story.write("owner", "mad_costs.csv", "truth,prediction,cost\nyes,yes,5\nno,no,5\nyes,no,0\nno,yes,0\n");
        story.write("owner", "free_costs.csv", "truth,prediction,cost\nyes,no,0\nno,yes,0\n");
        let cases = [
            (None, "validation", "there are 4 cost files"),
            (Some("deer_costs.csv"), "validation", "there is no cost file `deer_costs.csv`"),
            (Some("half_costs.csv"), "validation", "does not say what no taken for yes costs"),
            (Some("mad_costs.csv"), "validation", "both mistakes are cheaper than being right"),
            (Some("dear_costs.csv"), "holdout", "a threshold is not chosen on the holdout"),
            (Some("dear_costs.csv"), "train", "not judged on the rows that it learnt"),
        ];
        for (costs, split, words) in cases {
            let asked = Threshold { split: split.into(), ..ask(costs) };
            let error = story.does("scientist", asked).await.unwrap_err();
            assert!(error.message.contains(words) && !error.hints.is_empty(), "{words}: {error:?}");
        }
        assert_eq!(story.does("owner", Status {}).await.unwrap().holdouts[0].spent, 0);
        // Where nothing costs anything, no threshold is better than another.
        let free = story.does("scientist", ask(Some("free_costs.csv"))).await.unwrap();
        assert!(free.prices.is_empty() && free.rules.iter().all(|rule| rule.rule != RuleKind::ExpectedCost));
    });
}

/// Customers with a note: those who mention a frozen account leave or stay as a coin falls.
fn noted(to: u64) -> String {
    let openings =
        ["Hello, I wonder about my plan", "The invoice is fine", "Please call me back", "Thanks for the help"];
    let plain = customers(1, to, None);
    let mut lines = plain.lines();
    let mut text = format!("{},note\n", lines.next().unwrap());
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        let number = cells[0].parse::<u64>().unwrap().wrapping_mul(0x2545_f491_4f6c_dd1d);
        let opening = openings[(number >> 40) as usize % 4];
        let frozen = (number >> 50) % 5 == 0;
        let coin = number >> 63 == 1;
        let churned = match (frozen, coin) {
            (true, true) => "yes",
            (true, false) => "no",
            _ => cells[3],
        };
        // How it is said tells nothing of the label.
        let ending = match (frozen, number >> 30 & 1) {
            (true, 0) => "My account was frozen, why",
            (true, _) => "it says account was frozen again",
            _ => "see you soon",
        };
        text.push_str(&format!(
            "{},{},{},{churned},\"{opening}. {ending} {}\"\n",
            cells[0], cells[1], cells[2], cells[0]
        ));
    }
    text
}

#[test]
fn a_planted_phrase_is_found_and_checked_on_other_rows() {
    check_both(Risk::Medium, |story| async move {
        // Without prose there is an answer too, and a next step.
        story.add(&customers(1, 2_000, None)).await;
        story.train().await;
        let none = story.does("owner", Phrases::of("linear")).await.unwrap();
        assert_eq!(none.nothing.as_deref(), Some("no column of this data holds prose"));
        assert!(none.next.as_ref().is_some_and(|next| next.starts_with("remuda analysis slices ")));
    });
    check_both(Risk::Medium, |story| async move {
        story.redraft(&noted(400));
        story.add(&noted(6_000)).await;
        story.train().await;
        let found: PhrasesFound = story.does("owner", Phrases::of("linear")).await.unwrap();
        let first = found.phrases.first().expect("a phrase was planted");
        assert!(first.slice.confirmed, "{first:?}");
        let said = || std::iter::once(&first.phrase).chain(&first.alternatives);
        assert!(said().any(|phrase| phrase.contains("frozen")), "{first:?}");
        assert!(first.slice.inside.value.unwrap() > 0.3 && first.slice.rest.unwrap() < 0.2, "{first:?}");
        assert!(first.slice.filter.starts_with("regexp_like(note, "));
        assert!(!first.confusions.is_empty());
        let example = &first.examples[0];
        let marked: Vec<&str> =
            example.text.iter().filter(|piece| piece.marked).map(|piece| piece.text.as_str()).collect();
        assert_eq!(marked.first().map(|text| text.to_lowercase()), Some(first.phrase.clone()), "{example:?}");
        // The phrases overlap in their rows, so no two of those reported are the same.
        let mut filters: Vec<&str> = found.phrases.iter().map(|phrase| phrase.slice.filter.as_str()).collect();
        filters.sort_unstable();
        filters.dedup();
        assert_eq!(filters.len(), found.phrases.len());
        // The search for slices reads the same words.
        let slices = story.does("scientist", Slices::of("linear")).await.unwrap();
        assert!(
            slices.slices[0].filter.contains("frozen") || slices.slices[0].filter.contains("account"),
            "{slices:?}"
        );

        let refused = [
            (Phrases { column: Some("spend".into()), ..Phrases::of("linear") }, "column `spend` holds no text"),
            (Phrases { column: Some("notes".into()), ..Phrases::of("linear") }, "there is no column `notes`"),
            (Phrases { limit: 0, ..Phrases::of("linear") }, "0 phrases cannot be reported"),
            (Phrases { min_support: Some("most".into()), ..Phrases::of("linear") }, "`most` is no number of rows"),
        ];
        for (request, words) in refused {
            let error = story.does("owner", request).await.unwrap_err();
            assert!(error.message.contains(words) && !error.hints.is_empty(), "{error:?}");
        }
    });
}
