//! What filters say, whom they find, and what is wrong with them.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Default)]
struct Run {
    metrics: BTreeMap<String, f64>,
    texts: Vec<(Key, String)>,
    started: f64,
}

impl Subject for Run {
    fn metric(&self, name: &str) -> Option<f64> {
        self.metrics.get(name).copied()
    }
    fn number(&self, attribute: Attribute) -> Option<f64> {
        (attribute == Attribute::Started).then_some(self.started)
    }
    fn texts(&self, key: &Key) -> Vec<Cow<'_, str>> {
        self.texts.iter().filter(|(known, _)| known == key).map(|(_, text)| Cow::Borrowed(text.as_str())).collect()
    }
}

fn run() -> Run {
    let parameter = |name: &str, value: &str| (Key::Parameter(name.to_owned()), value.to_owned());
    Run {
        metrics: [("auc".to_owned(), 0.83), ("val loss".to_owned(), f64::NAN)].into(),
        texts: vec![
            parameter("depth", "6"),
            parameter("lr", "1e-3"),
            parameter("model", "Gradient Boosting"),
            (Key::Tag("mlflow.user".to_owned()), "ana".to_owned()),
            (Key::Attribute(Attribute::Status), "FINISHED".to_owned()),
            (Key::Dataset(DatasetPart::Name), "train".to_owned()),
            (Key::Dataset(DatasetPart::Name), "test".to_owned()),
        ],
        started: 1_700_000_000_000.0,
    }
}

#[test]
fn filters_find_the_runs_that_they_mean() {
    for (filter, wanted) in [
        ("", true),
        ("metrics.auc > 0.8", true),
        ("metric.auc <= 0.8", false),
        ("metrics.`val loss` > 0", false),
        ("metrics.\"val loss\" != 0", true),
        ("params.depth = '6' and params.depth != '7'", true),
        ("params.depth = \"6\"", true),
        // What a run does not have fits no comparison; NOT turns that round.
        ("params.width != '3'", false),
        ("not params.width = '3'", true),
        ("params.width is null AND params.depth IS NOT NULL", true),
        ("param.lr < 0.01 and parameters.lr >= 0.001", true),
        ("params.model < 3", false),
        ("params.model LIKE 'Grad%ing'", true),
        ("params.model LIKE 'grad%'", false),
        ("params.model ILIKE '%BOOST_NG'", true),
        ("params.model LIKE '%%%'", true),
        ("tags.mlflow.user IN ('bo', 'ana')", true),
        ("tags.`mlflow.user` NOT IN ('bo', 'ana')", false),
        ("status = 'FINISHED'", true),
        ("attributes.status != 'FINISHED' OR metrics.auc > 0.9", false),
        ("metrics.auc > 0.9 or metrics.auc < 0.9 and params.depth = '7'", false),
        ("(metrics.auc > 0.9 or metrics.auc < 0.9) and params.depth = '6'", true),
        ("start_time >= 1700000000000 and created < 1.8e12", true),
        ("end_time > 0", false),
        ("dataset.name = 'test'", true),
        ("datasets.name IN ('other')", false),
        ("NOT (NOT metrics.auc > 0.8)", true),
    ] {
        assert_eq!(parse(filter).map(|filter| filter.matches(&run())), Ok(wanted), "{filter}");
    }
}

#[test]
fn a_mistake_is_told_with_its_place_and_what_to_write() {
    for (filter, at, said) in [
        ("metrics.auc >", "", "a value is missing at the end"),
        ("metric.auc = 'high'", "'high'", "metrics.auc is a number; write a number without quotes"),
        ("params.depth = high", "high", "params.depth is a text; put the value in single quotes"),
        ("params.depth > 'x'", ">", "texts are not compared with `>`"),
        ("parms.depth = '6'", "parms", "`parms.` is nothing that a run has; did you mean `params.`?"),
        ("stats = 'FINISHED'", "stats", "a run has no attribute `stats`; did you mean `status`?"),
        ("depth = '6'", "depth", "a run has no attribute `depth`; for a parameter write params.depth"),
        ("params.a = '1' params.b = '2'", "params.b", "was not expected here; join comparisons with AND or OR"),
        ("(params.a = '1'", "", "a bracket is not closed"),
        ("params.a = 'open", "'open", "a quote is not closed; end it with '"),
        ("params.a IN '1'", "'1'", "IN is followed by a list"),
        ("params.a IN (1)", "1", "`1` is no text; put it in single quotes"),
        ("metrics.a LIKE 'x'", "LIKE", "metrics.a is a number"),
        ("params.a IS 3", "3", "IS compares with NULL only"),
        ("params. = '1'", "params.", "a name is missing behind `params.`"),
        ("datasets.size = '1'", "datasets.size", "a dataset has no `size`"),
        ("= 3", "=", "`=` is nothing that a run has"),
        ("; drop table run", ";", "`;` is nothing that a run has"),
    ] {
        let error = parse(filter).unwrap_err();
        let whole = format!("{}; {}", error.message, error.hint);
        assert!(whole.contains(said), "{filter}: {whole}");
        assert_eq!(&filter[error.span.clone()], at, "{filter}: {whole}");
    }
    assert!(parse(&"(".repeat(100_000)).is_err());
    assert!(parse(&"not ".repeat(100_000)).is_err());
}

#[test]
fn an_order_names_a_key_and_a_way() {
    let order = order_by("params.lr").unwrap();
    assert_eq!((order.key, order.descending), (Key::Parameter("lr".into()), false));
    assert_eq!(order_by("start_time desc").unwrap().key, Key::Attribute(Attribute::Started));
    for wrong in ["", "metrics.auc DOWN", "metrics.auc DESC, params.lr", "'auc'", "auc"] {
        assert!(order_by(wrong).is_err(), "{wrong}");
    }
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z][a-z0-9_./-]{0,6}", "[ -~äß]{1,8}"]
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![any::<i32>().prop_map(f64::from), any::<f64>().prop_filter("comparable", |number| !number.is_nan())]
}

fn clause() -> impl Strategy<Value = Filter> {
    let text = || "[ -~äß'\"`]{0,8}";
    let comparison = prop::sample::select(vec![
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::Greater,
        Comparison::AtLeast,
        Comparison::Less,
        Comparison::AtMost,
    ]);
    let numeric = (prop_oneof![name().prop_map(Key::Metric), name().prop_map(Key::Parameter)], comparison, number())
        .prop_map(|(key, comparison, number)| Filter::Is(key, Test::Number(comparison, number)));
    let of_text = prop_oneof![
        name().prop_map(Key::Parameter),
        name().prop_map(Key::Tag),
        Just(Key::Attribute(Attribute::Name)),
        Just(Key::Dataset(DatasetPart::Digest)),
    ];
    let test = prop_oneof![
        text().prop_map(Test::Equals),
        text().prop_map(Test::Differs),
        (text(), any::<bool>()).prop_map(|(pattern, fold_case)| Test::Like { pattern, fold_case }),
        prop::collection::vec(text(), 1..4).prop_map(Test::In),
        prop::collection::vec(text(), 1..4).prop_map(Test::NotIn),
        Just(Test::Present),
        Just(Test::Absent),
    ];
    prop_oneof![numeric, (of_text, test).prop_map(|(key, test)| Filter::Is(key, test))]
}

fn filter() -> impl Strategy<Value = Filter> {
    clause().prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::All),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::Any),
            inner.prop_map(|part| Filter::Not(Box::new(part))),
        ]
    })
}

proptest! {
    #[test]
    fn a_filter_that_is_printed_and_read_is_the_same(filter in filter()) {
        let text = filter.to_string();
        prop_assert_eq!(parse(&text).map_err(|error| format!("{text}: {error}")), Ok(filter));
    }

    #[test]
    fn no_text_breaks_the_reader(text in "[metrics.paatus'\"`()<>=!, ;0-9ANDORnotinlikeäß%_-]{0,60}") {
        if let Err(error) = parse(&text) {
            prop_assert!(text.get(error.span).is_some());
        }
        let _ = order_by(&text);
    }
}
