//! The language tested as a whole: DESIGN's examples, errors as a reader meets them, and identities over any criterion.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use proptest::prelude::*;

use super::criterion::{Bound, Change, Claim, Comparison, Criterion, Each, Metric, MetricOf, Quantity, Reference};
use super::cursor::{Stop, sql_end};
use super::metrics::{ClassUse, METRICS, Parameter, Scale};
use super::{CriterionError, grammar, lint, parse, words};

fn error(text: &str) -> CriterionError {
    match parse(text) {
        Ok(criterion) => panic!("{text:?} was read as {criterion:?}"),
        Err(error) => error,
    }
}

fn metric(metric: Metric, class: Option<&str>) -> Quantity {
    Quantity::Metric(MetricOf { metric, class: class.map(str::to_owned) })
}

#[test]
fn the_examples_of_the_design_are_read_as_meant() {
    let holds = |quantity, comparison, bound| Criterion {
        claim: Claim::Holds { quantity, comparison, bound },
        filter: None,
        each: None,
        by: None,
        confidence: None,
    };
    let number = |value, unit: Option<&str>| Bound::Number { value, unit: unit.map(str::to_owned) };
    let production = |change| Bound::Reference { reference: Reference::Production, change };
    let (least, most) = (Comparison::AtLeast, Comparison::AtMost);
    let recall = metric(Metric::Recall, Some("urgent"));
    let rules = Bound::Reference { reference: Reference::Baseline("rules".to_owned()), change: Change::Add(0.02) };
    let gap = Quantity::Gap {
        metric: MetricOf { metric: Metric::Recall, class: Some("approved".to_owned()) },
        column: "gender".to_owned(),
    };
    let latency = Quantity::Quantile { percent: 99.0, expression: "latency_ms".to_owned() };
    let region = Each { column: "region".to_owned(), at_least: Some(50) };
    let cases = [
        (
            "recall of urgent >= 0.90 where language = 'es' @95%",
            Criterion {
                filter: Some("language = 'es'".to_owned()),
                confidence: Some(95.0),
                ..holds(recall.clone(), least, number(0.9, None))
            },
        ),
        (
            "f1 of urgent >= production + 0.01",
            holds(metric(Metric::F1, Some("urgent")), least, production(Change::Add(0.01))),
        ),
        (
            "accuracy >= production - 0.5 pp",
            holds(metric(Metric::Accuracy, None), least, production(Change::AddPoints(-0.5))),
        ),
        (
            "recall of urgent >= 0.85 for each region with at least 50",
            Criterion { each: Some(region), ..holds(recall, least, number(0.85, None)) },
        ),
        (
            "auc >= baseline rules + 0.02 by customer_id",
            Criterion { by: Some("customer_id".to_owned()), ..holds(metric(Metric::Auc, None), least, rules) },
        ),
        ("gap of recall of approved between gender <= 0.05", holds(gap, most, number(0.05, None))),
        ("p99 of latency_ms <= 80 ms", holds(latency, most, number(80.0, Some("ms")))),
        (
            "mean cost using triage_costs.csv <= 0.35",
            holds(Quantity::MeanCost { file: "triage_costs.csv".to_owned() }, most, number(0.35, None)),
        ),
        (
            "changed decisions vs production <= 10 %",
            holds(Quantity::ChangedDecisions { against: Reference::Production }, most, number(10.0, Some("%"))),
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(parse(text).as_ref(), Ok(&expected), "{text}");
    }
    let every = parse("Every test of negation passes").unwrap();
    assert_eq!(every.claim, Claim::EveryTest { name: "negation".to_owned() });
}

#[test]
fn many_ways_to_write_have_one_way_to_print() {
    let cases = [
        ("  RECALL  OF urgent>=.9@95%", "recall of urgent >= 0.9 @95%"),
        ("Log_Loss ≤ 0.3", "log loss <= 0.3"),
        ("cohen's kappa > 60%", "kappa > 60 %"),
        ("F1-macro >= 0.5", "macro f1 >= 0.5"),
        ("f1.0 of a >= 0.5", "f1 of a >= 0.5"),
        ("f0.5 >= 0.5", "f0.5 >= 0.5"),
        ("ndcg @ 10 >= 0.5", "ndcg@10 >= 0.5"),
        ("hit_rate@5 >= 0.5", "hit rate@5 >= 0.5"),
        ("pinball 0.9 <= 12 EUR", "pinball0.9 <= 12 EUR"),
        ("precision of '>50K' >= 0.7", "precision of '>50K' >= 0.7"),
        ("precision of \"urgent\" >= 0.7", "precision of urgent >= 0.7"),
        ("recall of 'it''s' >= 0.7", "recall of 'it''s' >= 0.7"),
        ("recall of 1 >= 0.7", "recall of 1 >= 0.7"),
        ("recall of 'by' >= 0.7", "recall of 'by' >= 0.7"),
        ("accuracy >= 0.9 for each \"native-country\"", "accuracy >= 0.9 for each native-country"),
        ("accuracy >= 0.9 for each 'native country'", "accuracy >= 0.9 for each \"native country\""),
        (
            "accuracy >= 0.9 @ 99.5 % by id where x = 1 for each y",
            "accuracy >= 0.9 where x = 1 for each y by id @99.5%",
        ),
        ("auc >= baseline rules+0.02", "auc >= baseline rules + 0.02"),
        ("auc >= baseline rules - 0.02", "auc >= baseline rules - 0.02"),
        ("auc >= release 2026-11/3 × 1.02", "auc >= release 2026-11/3 x 1.02"),
        ("bias >= −0.5 days", "bias >= -0.5 days"),
        ("mae <= 5 €", "mae <= 5 €"),
        ("p99.9 of (a + b) * 2 < 1e2", "p99.9 of (a + b) * 2 < 100"),
        ("gap of recall of approved between gender <= 5 pp", "gap of recall of approved between gender <= 5 pp"),
        (
            "accuracy >= 0.9 where note = 'by x for each y @ 3' and f(a, by) for each z",
            "accuracy >= 0.9 where note = 'by x for each y @ 3' and f(a, by) for each z",
        ),
        (
            "accuracy >= 0.9 where tags @> ['a'] and standby = 1 @95%",
            "accuracy >= 0.9 where tags @> ['a'] and standby = 1 @95%",
        ),
        ("accuracy >= 0.9 where a > 1\n\tby b", "accuracy >= 0.9 where a > 1 by b"),
        ("accuracy >= 0.9 for each a with at least 50 rows", "accuracy >= 0.9 for each a with at least 50"),
    ];
    for (text, printed) in cases {
        let criterion = parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        assert_eq!(criterion.to_string(), printed, "{text}");
        assert_eq!(printed.parse(), Ok(criterion), "{text}");
    }
}

#[test]
fn an_error_says_what_where_and_what_instead() {
    // The text, the part the span covers, a part of the message, a part of the hints.
    let cases = [
        ("recal of a >= 0.9", "recal", "`recal`: did you mean `recall`?", ""),
        ("balanced acuracy >= 0.9", "balanced acuracy", "did you mean `balanced accuracy`?", ""),
        ("speed >= 0.9", "speed", "`speed` is no metric", "the metrics are accuracy, "),
        (
            "accuracy >= production + 0.5 %",
            "+ 0.5 %",
            "a bare % on a difference is ambiguous: write `0.5 pp` or `x 1.005`",
            "",
        ),
        ("accuracy >= production + 2%", "+ 2%", "ambiguous: write `2 pp` or `x 1.02`", ""),
        (
            "gap of recall between g <= 5 %",
            "5 %",
            "a bare % on a difference is ambiguous: write `5 pp` or `0.05`",
            "percentage points",
        ),
        ("accuracy = 0.9", "=", "no estimate equals", "write `>=`"),
        ("accuracy => 0.9", "=>", "did you mean `>=`?", ""),
        ("accuracy at least 0.9", "at least", "write `>=` for `at least`", ""),
        ("recall urgent >= 0.9", "urgent", "a comparison", "`recall of urgent`"),
        ("recall of very urgent >= 0.9", "urgent", "a comparison", "quoted"),
        ("recall of >= 0.9", ">", "a class is expected here", ""),
        ("recall of >=0.9", ">", "a class is expected here", ""),
        ("recall of <=50K >= 0.9", "<=50K", "needs quotes", "`'<=50K'`"),
        ("recall of a >= 90", "90", "lies between 0 and 1", "did you mean 0.90 or 90 %?"),
        ("recall of a >= 120 %", "120 %", "lies between 0 and 1", ""),
        ("mcc >= 80", "80", "lies between -1 and 1", "0.80 or 80 %"),
        ("log loss <= -1", "-1", "is never below 0", ""),
        ("log loss <= 10 %", "10 %", "not measured in %", ""),
        ("mae <= production + 1 pp", "pp", "no percentage points", "x 1.02"),
        ("recall >= 0.9 ms", "ms", "`ms` is not expected here", ""),
        ("recall >= 0.9 were a = 1", "were", "`were` is not expected", "did you mean `where`?"),
        ("recall >= 0.9 and auc >= 0.8", "and", "not expected", "each on its own line"),
        ("recall >= 0.9 better", "better", "not expected", "prose"),
        ("recall >= 0.9 @0.95", "@0.95", "needs its `%`", "write `@95%`"),
        ("recall >= 0.9 @95", "@95", "needs its `%`", "write `@95%`"),
        ("recall >= 0.9 @0.95%", "@0.95%", "between 50 % and 100 %", "write `@95%`"),
        ("recall >= 0.9 @100%", "@100%", "between 50 % and 100 %", ""),
        ("recall >= 0.9 @49%", "@49%", "between 50 % and 100 %", ""),
        ("recall >= 0.9 @95% @90%", "@90%", "stands twice", ""),
        ("recall >= 0.9 where a = 1 where b = 2", "where b = 2", "stands twice", ""),
        ("recall >= NaN", "NaN", "no bound", ""),
        ("mae <= 1e999", "1e999", "too large", ""),
        ("mae <= 1e-999", "1e-999", "too small", ""),
        ("mae <= 1,5", "1,5", "is no number", "`1.5`"),
        ("recall >= ", "", "a bound is expected here, not the end", "production"),
        ("recall >= prodution", "prodution", "did you mean `production`?", ""),
        ("auc >= baseline", "", "a name is expected here, not the end", ""),
        ("auc >= baseline rules-0.02", "rules-0.02", "needs quotes", "`rules - 0.02`"),
        ("recall >= production + 2", "+ 2", "more than the whole range", "`2 pp`"),
        ("accuracy of urgent >= 0.9", "accuracy of urgent", "over all classes", "`recall of urgent`"),
        ("ndcg >= 0.9", "ndcg", "`ndcg` needs a whole number", ""),
        ("ndcg@0 >= 0.9", "ndcg@0", "needs a whole number", ""),
        ("pinball1.5 <= 3", "pinball1.5", "between 0 and 1", ""),
        ("p100 of x <= 3", "p100", "no quantile", ""),
        ("p99 latency <= 3", "latency", "`of` and a column", "p99 of COLUMN"),
        ("p99 of latency_ms <= 0.08 s", "s", "is in ms, this bound in s", "in ms"),
        ("gap of recall of a <= 0.05", "<", "`between COLUMN` is expected", ""),
        ("recall >= 0.9 where (a = 1", "(", "never closed", ""),
        ("recall >= 0.9 where a = 'x", "'", "never closed", ""),
        ("recall >= 0.9 where a = 1)", ")", "never opened", ""),
        ("recall >= 0.9 where a = 1; drop table x", ";", "no place", ""),
        ("recall >= 0.9 where a = 1 -- b", "--", "no place", ""),
        ("recall >= 0.9 where @95%", "@", "an SQL predicate", ""),
        ("recall >= 0.9 where a = 1 for region", "for", "did you mean `for each`?", ""),
        ("recall >= 0.9 for region", "for", "not expected", "for each"),
        ("recall >= 0.9 for each r with at least 0", "0", "whole number of rows", ""),
        ("recall >= 0.9 for each r with at least 2.5", "2.5", "whole number of rows", ""),
        (
            "recall >= 0.9 for each r with at least 99999999999999999999",
            "99999999999999999999",
            "whole number of rows",
            "",
        ),
        ("recall of '' >= 0.9", "''", "cannot be empty", ""),
        ("mean cost using ../x.csv <= 1", "../x.csv", "needs quotes", ""),
        ("mean cost using '../x.csv' <= 1", "'../x.csv'", "not inside the product's folder", ""),
        ("every test of a/b passes", "a/b", "without folder", ""),
        ("every test of negation", "", "`passes` is expected", ""),
        ("every test of negation passes @95%", "@", "takes no more", "pass rate"),
        ("changed decisions vs baseline a <= 0.1", "<", "`production` or `release ID`", ""),
        ("recall of a\u{202e} >= 0.9", "\u{202e}", "U+202E cannot be seen", "delete it"),
        ("recall of '\u{1b}[2J' >= 0.9", "\u{1b}", "U+001B cannot be seen", "delete it"),
        ("mae <= 5 better", "better", "not expected", "prose"),
        ("recall of > 50 >= 0.9", ">", "a class is expected here", ""),
        ("recall of >50K >= 0.9", ">50K", "needs quotes", "`'>50K'`"),
        ("recall of c++ >= 0.9", "c++", "needs quotes", "`'c++'`"),
        ("accuracy >= 0.9 for each by", "by", "needs quotes", ""),
        ("recall of yes", "", "a comparison", ""),
        ("gap of selection rate between g <= production + 5 %", "+ 5 %", "ambiguous", ""),
        ("auc >= baseline rules x", "", "a factor is expected", "x 1.02"),
        ("auc >= baseline rules x -1", "-1", "not above 0", ""),
        ("auc >= production +", "", "a number is expected after `+`", ""),
        ("auc >= production + -1", "-1", "a number is expected after `+`", ""),
        ("0.9 <= recall", "0.9", "a metric is expected here", "quantity first"),
        ("  ", "  ", "cannot be empty", "accuracy >= 0.9"),
    ];
    for (text, place, message, hint) in cases {
        let error = error(text);
        let hints = error.hints.join(" | ");
        assert!(error.message.contains(message) && hints.contains(hint), "{text}: {error:?}");
        assert_eq!(text.get(error.span.clone()), Some(place), "{text}: {error:?}");
    }
    assert!(error(&"é".repeat(5000)).message.contains("at most 4096 bytes"));
}

#[test]
fn plain_words_are_english() {
    let cases = [
        ("recall of urgent >= 0.9", "at least 9 in 10 rows that are urgent are found"),
        ("recall >= 85 %", "at least 85 in 100 rows that are labelled yes are found"),
        ("precision of '>50K' > 0.7", "more than 7 in 10 rows predicted >50K really are >50K"),
        ("specificity of urgent >= 0.995", "at least 995 in 1,000 rows that are not urgent are predicted not urgent"),
        ("accuracy >= 0.87654", "at least 87.654 % of rows are predicted right"),
        ("accuracy >= production - 1 pp", "the accuracy is at most 1 percentage point below that of the live release"),
        ("f2 of a >= 0.5", "the F2 score of a is at least 0.5"),
        ("f1 >= baseline rules x 1.02", "the F1 score of yes is at least 1.02 times that of the baseline rules"),
        ("log loss < release r7", "the log loss is lower than that of release r7"),
        ("mae <= 5 days", "the mean absolute error is at most 5 days"),
        ("mape <= 12 %", "the mean absolute percentage error is at most 12 %"),
        ("pinball0.9 <= 3", "the pinball loss at quantile 0.9 is at most 3"),
        ("hit rate@5 >= 0.4", "at least 4 in 10 queries have a hit among the first 5"),
        (
            "gap of recall of a between g <= 0.05",
            "the recall of a differs by at most 5 percentage points between any two values of g",
        ),
        (
            "ratio of recall of a between g >= 0.8",
            "the recall of a in the lowest g is at least 80 % of that in the highest",
        ),
        ("p99 of latency_ms <= 80 ms", "the 99th percentile of latency_ms is at most 80 ms"),
        ("p50 of x <= 3", "the median of x is at most 3"),
        ("mean cost using c.csv <= 0.35", "the mean cost per row by c.csv is at most 0.35"),
        ("changed decisions vs production <= 10 %", "at most 1 in 10 decisions differ from those of the live release"),
        ("pass rate of tests typos >= 95 %", "at least 95 in 100 tests of typos pass"),
        (
            "auc >= 0.8 by customer",
            "the area under the ROC curve of yes is at least 0.8, with the rows of one customer counted together as one unit",
        ),
    ];
    for (text, expected) in cases {
        let said = words(&parse(text).unwrap(), Some("yes"));
        assert_eq!(said.strip_prefix("we will be 95 % sure that "), Some(expected), "{text}");
    }
    assert_eq!(words(&parse("every test of negation passes").unwrap(), None), "every test of negation passes");
    assert!(words(&parse("auc >= 0.8 @99.5%").unwrap(), None).starts_with("we will be 99.5 % sure that "));
}

#[test]
fn doubts_are_raised_only_where_due() {
    let cases = [
        ("recall <= 0.9", "more recall is better"),
        ("log loss >= production", "less log loss is better"),
        ("gap of recall between g >= 0.1", "less gap is better"),
        ("recall >= 0", "asks for nothing"),
        ("recall >= 1", "no finite number of rows"),
        ("recall > 100 %", "no model can keep"),
        ("recall >= 0.9 %", "did you mean `90 %`?"),
        ("mape <= 10", "did you mean `10 %`?"),
        ("auc >= production + 0", "left out"),
        ("gap of recall between g <= 0.1 for each g", "nothing to compare"),
        ("recall >= 0.9 @60%", "by luck"),
        ("pass rate of tests a >= 0.9 where b = 1", "selects none"),
    ];
    for (text, part) in cases {
        let doubts = lint(&parse(text).unwrap());
        assert!(doubts.len() == 1 && doubts[0].contains(part), "{text}: {doubts:?}");
    }
}

#[test]
fn every_example_of_the_grammar_is_read_and_said() {
    let grammar = grammar();
    let metrics = grammar.metrics.iter().map(|metric| metric.example.as_str());
    for text in grammar.examples.iter().map(|example| example.text.as_str()).chain(metrics) {
        let criterion = parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        assert_eq!(criterion.to_string().replace("0.9 ", "0.90 "), text.replace("0.9 ", "0.90 "), "{text}");
        assert_eq!(lint(&criterion), Vec::<String>::new(), "{text}");
        assert!(words(&criterion, None).len() > 20, "{text}");
    }
    for entry in &METRICS {
        for alias in entry.aliases {
            let number = match (entry.parameter, entry.metric.parameter()) {
                (Parameter::First, Some(number)) => format!("@{number}"),
                (_, number) => number.map(|number| number.to_string()).unwrap_or_default(),
            };
            let quantity = parse(&format!("{alias}{number} <= 0.5")).map(|criterion| criterion.claim);
            let is_entry = matches!(&quantity, Ok(Claim::Holds { quantity: Quantity::Metric(of), .. }) if of.metric == entry.metric);
            assert!(is_entry, "{alias}: {quantity:?}");
        }
    }
    let json = serde_json::to_string(&grammar).unwrap();
    assert_eq!(serde_json::from_str::<super::Grammar>(&json).unwrap(), grammar);
}

fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z_][a-zA-Z0-9_.-]{0,8}",
        "\\PC{1,6}",
        prop::sample::select(vec![
            "by",
            "x",
            "<=50K",
            "it's",
            "a \"b\"",
            "production",
            "rules-0.5",
            "where",
            "ünï",
            "@"
        ])
        .prop_map(str::to_owned),
    ]
}

fn any_metric() -> impl Strategy<Value = Metric> {
    prop_oneof![
        8 => prop::sample::select(METRICS.iter().map(|entry| entry.metric).collect::<Vec<_>>()),
        1 => (0.01..20.0_f64).prop_filter("f1 has its own name", |beta| *beta != 1.0).prop_map(Metric::FBeta),
        1 => (0.001..0.999_f64).prop_map(Metric::Pinball),
        1 => (1..=u32::MAX).prop_map(Metric::Ndcg),
        1 => (1..=u32::MAX).prop_map(Metric::HitRate),
    ]
}

fn any_metric_of() -> impl Strategy<Value = MetricOf> {
    (any_metric(), prop::option::of(any_name())).prop_map(|(metric, class)| MetricOf {
        metric,
        class: class.filter(|_| metric.entry().class != ClassUse::Never),
    })
}

fn any_sql(stop: Stop) -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "= 'by for each'",
        "(x by y >= 1)",
        "and",
        "\"w @ \"",
        "> 1",
        "in (1, 2)",
        "é",
        "@> b",
        "+ 2",
    ]);
    prop::collection::vec(piece, 1..5)
        .prop_map(|pieces| pieces.join(" "))
        .prop_filter("ends only at its end", move |sql| sql_end(sql, 0, stop) == Ok(sql.len()))
}

fn any_test() -> impl Strategy<Value = String> {
    any_name().prop_filter("a test has no folder", |name| !name.contains(['/', '\\']))
}

fn any_quantity() -> impl Strategy<Value = Quantity> {
    let file = any_test()
        .prop_filter("inside the product", |name| !name.starts_with('~') && !name.contains(':') && name != "..");
    let model = prop_oneof![Just(Reference::Production), any_name().prop_map(Reference::Release)];
    prop_oneof![
        5 => any_metric_of().prop_map(Quantity::Metric),
        1 => (any_metric_of(), any_name()).prop_map(|(metric, column)| Quantity::Gap { metric, column }),
        1 => (any_metric_of(), any_name()).prop_map(|(metric, column)| Quantity::Ratio { metric, column }),
        1 => (0.001..99.999_f64, any_sql(Stop::Comparison)).prop_map(|(percent, expression)| Quantity::Quantile { percent, expression }),
        1 => any_test().prop_map(|name| Quantity::PassRate { name }),
        1 => file.prop_map(|file| Quantity::MeanCost { file }),
        1 => model.prop_map(|against| Quantity::ChangedDecisions { against }),
    ]
}

/// A bound that the quantity can be held against; `share` lies between 0 and 1.
fn bound_of(quantity: &Quantity, share: f64, choice: u8, name: String) -> Bound {
    let scale = quantity.scale();
    let (least, greatest) = quantity.range();
    let value = share.clamp(least.max(-1.0), greatest.min(1.0));
    let unit = match (scale, choice % 3) {
        (Scale::Share | Scale::Column, 0) => Some("%"),
        (Scale::Difference, 0) => Some("pp"),
        (Scale::Own | Scale::Column, 1) => Some("EUR"),
        _ => None,
    };
    let number = Bound::Number { value, unit: unit.map(str::to_owned) };
    if choice < 8 || matches!(quantity, Quantity::ChangedDecisions { .. }) {
        return number;
    }
    let reference = match choice % 3 {
        0 => Reference::Production,
        1 => Reference::Baseline(name),
        _ => Reference::Release(name),
    };
    let change = match choice % 5 {
        0 => Change::None,
        1 => Change::Times(share + 0.5),
        2 if matches!(scale, Scale::Share | Scale::Difference) => Change::AddPoints(-share),
        3 => Change::Add(share),
        _ => Change::Add(-share),
    };
    Bound::Reference { reference, change }
}

fn any_criterion() -> impl Strategy<Value = Criterion> {
    let sign =
        prop::sample::select(vec![Comparison::AtLeast, Comparison::AtMost, Comparison::MoreThan, Comparison::LessThan]);
    let bound = (0.0..1.0_f64, 0..16_u8, any_name());
    let holds = (any_quantity(), sign, bound).prop_map(|(quantity, comparison, (share, choice, name))| {
        let bound = bound_of(&quantity, share, choice, name);
        Claim::Holds { quantity, comparison, bound }
    });
    let each = (any_name(), prop::option::of(1..u64::MAX)).prop_map(|(column, at_least)| Each { column, at_least });
    let clauses = (
        prop::option::of(any_sql(Stop::Clause)),
        prop::option::of(each),
        prop::option::of(any_name()),
        prop::option::of(50.0..99.99_f64),
    );
    let with_clauses = (holds, clauses).prop_map(|(claim, (filter, each, by, confidence))| Criterion {
        claim,
        filter,
        each,
        by,
        confidence,
    });
    let every = any_test().prop_map(|name| Criterion {
        claim: Claim::EveryTest { name },
        filter: None,
        each: None,
        by: None,
        confidence: None,
    });
    prop_oneof![12 => with_clauses, 1 => every]
}

fn assert_sound(text: &str) -> Result<(), TestCaseError> {
    match parse(text) {
        Ok(criterion) => {
            let printed = criterion.to_string();
            prop_assert_eq!(parse(&printed), Ok(criterion.clone()), "{:?} printed {:?}", text, &printed);
            words(&criterion, None);
            lint(&criterion);
        }
        Err(error) => {
            prop_assert!(text.get(error.span.clone()).is_some(), "{:?}: {:?}", text, error);
            prop_assert!(!error.message.is_empty() && error.message.len() < 1000);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn what_is_printed_is_read_back(criterion in any_criterion()) {
        let text = criterion.to_string();
        prop_assert_eq!(parse(&text), Ok(criterion.clone()), "{:?}", &text);
        prop_assert_eq!(parse(&text).unwrap().to_string(), text);
        words(&criterion, None);
        lint(&criterion);
    }

    #[test]
    fn no_text_breaks_the_parser(text in "\\PC{0,60}") {
        assert_sound(&text)?;
    }

    #[test]
    fn no_mix_of_the_language_breaks_the_parser(pieces in prop::collection::vec(prop::sample::select(vec![
        "recall", "f", "f1", "of", " ", "  ", "urgent", ">=", "<", "0.9", "%", "pp", "x", "@", "95", "where", "for each", "by",
        "production", "baseline", "gap of", "between", "'", "\"", "(", ")", "é", "p99", "pinball", "ndcg", "-", "+", "1e", ".", "=",
        "with at least", "every test of", "passes", "mean cost using", "changed decisions vs", "ms", "−", "r²", "\n", "\0", "1,5",
    ]), 0..14)) {
        assert_sound(&pieces.concat())?;
        assert_sound(&pieces.join(" "))?;
    }

    #[test]
    fn a_broken_criterion_breaks_nothing(criterion in any_criterion(), at in 0..400_usize, put in "\\PC{0,2}") {
        let mut characters: Vec<char> = criterion.to_string().chars().collect();
        let place = at % (characters.len() + 1);
        if place < characters.len() {
            characters.remove(place);
        }
        characters.splice(place.min(characters.len())..place.min(characters.len()), put.chars());
        assert_sound(&characters.into_iter().collect::<String>())?;
    }
}
