//! What cannot be learned or predicted is refused by name, and what is odd but possible is learned.

use crate::world::{all, feature, learn, learn_from, world};
use remuda_learn::{Predictions, Target, TrainRequest, load, train};
use remuda_model::data::FeatureKind::{Category, Number, Text};
use remuda_model::run::Algorithm::{self, Linear, Majority, Trees};
use remuda_model::table::{Table, TableColumn, Texts, Values};
use std::collections::BTreeMap;

fn numbers(values: Vec<f64>) -> Table {
    let mut table = Table::default();
    assert!(table.set("x", Values::Number(values)));
    table
}

fn classes(names: &[&str], index: Vec<u32>) -> Target {
    Target::Classes { labels: names.iter().map(|name| (*name).to_owned()).collect(), index }
}

fn refusal(
    table: &Table,
    features: &[remuda_model::feature::Feature],
    algorithm: Algorithm,
    target: &Target,
) -> String {
    learn_from(table, features, algorithm, target).unwrap_err().to_string()
}

#[test]
fn requests_that_make_no_sense_are_refused() {
    let x = [feature("x", Number)];
    let yes_no = |index| classes(&["no", "yes"], index);
    let table = numbers(vec![1.0, 2.0, 3.0]);
    for algorithm in [Majority, Linear, Trees] {
        let cases = [
            (refusal(&table, &[], algorithm, &yes_no(vec![0, 1, 0])), "no feature is named"),
            (refusal(&numbers(vec![]), &x, algorithm, &yes_no(vec![])), "the table has no rows"),
            (refusal(&table, &[feature("y", Number)], algorithm, &yes_no(vec![0, 1, 0])), "column `y` is missing"),
            (
                refusal(&table, &[feature("x", Text)], algorithm, &yes_no(vec![0, 1, 0])),
                "column `x` must hold texts, but holds numbers",
            ),
            (
                refusal(&table, &[feature("x", Number), feature("x", Number)], algorithm, &yes_no(vec![0, 1, 0])),
                "`x` is named twice",
            ),
            (refusal(&table, &x, algorithm, &yes_no(vec![0, 1])), "2 labels for 3 rows"),
            (refusal(&table, &x, algorithm, &yes_no(vec![0, 1, 2])), "row 2 (from 0) has a class outside the 2 known"),
            (refusal(&table, &x, algorithm, &classes(&["a", "a"], vec![0, 1, 0])), "two classes have one name"),
            (
                refusal(&table, &x, algorithm, &Target::Number(vec![0.0, f64::NAN, 1.0])),
                "row 1 (from 0) is missing, infinite",
            ),
            (refusal(&table, &x, algorithm, &Target::Number(vec![0.0, 1e300, 1.0])), "beyond 32-bit floats"),
        ];
        for (found, expected) in cases {
            assert!(found.contains(expected), "{algorithm:?}: {found:?} lacks {expected:?}");
        }
    }
    for algorithm in [Linear, Trees] {
        let found = refusal(&table, &x, algorithm, &yes_no(vec![1, 1, 1]));
        assert!(found.contains("every row has the label `yes`"), "{found}");
    }
}

#[test]
fn unknown_and_ill_typed_parameters_are_named_with_the_known_ones() {
    let world = world(50, 1);
    let ask = |algorithm, name: &str, value: serde_json::Value| {
        let parameters = BTreeMap::from([(name.to_owned(), value)]);
        let (features, table, target) = (&world.features, &world.table, &world.two);
        train(&TrainRequest { algorithm, features, table, target, seed: 1, parameters: &parameters }, &mut |_| {})
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    assert_eq!(
        ask(Linear, "C", 1.into()).unwrap_err(),
        "unknown parameter `C` for `linear`; known: l2, max_iterations and max_terms"
    );
    assert_eq!(ask(Majority, "l2", 1.into()).unwrap_err(), "unknown parameter `l2` for `majority`; known: none");
    let wrong = ask(Trees, "max_leaves", "many".into()).unwrap_err();
    assert!(
        wrong.starts_with(
            "parameter `max_leaves` must be a whole number from 2 to 4096, but is \"many\"; known: learning_rate,"
        ),
        "{wrong}"
    );
    for (name, value) in [
        ("max_leaves", 1.into()),
        ("max_leaves", 2.5.into()),
        ("learning_rate", 0.into()),
        ("row_share", 1.1.into()),
        ("l2", (-1).into()),
    ] {
        assert!(ask(Trees, name, value).is_err(), "{name}");
    }
    assert_eq!(ask(Trees, "rounds", 3.into()), Ok(()));
}

#[test]
fn odd_data_is_learned() {
    let mut odd = Table::default();
    let texts = |values: Vec<Option<&str>>| Values::Text(Texts::from_values(values));
    odd.set("inf", Values::Number(vec![f64::INFINITY, f64::NEG_INFINITY, 1e300, f64::NAN]));
    odd.set("huge", Values::Number(vec![f64::MAX, 3e38, -3e38, 0.0]));
    odd.set("none", Values::Number(vec![f64::NAN; 4]));
    odd.set("same", Values::Number(vec![1.0; 4]));
    odd.set("word", texts(vec![None, Some(""), Some("a\0b"), Some("\u{10ffff}")]));
    odd.set("no words", texts(vec![None; 4]));
    odd.set("text", texts(vec![Some("!!!"), None, Some("a b"), Some("ÀÉ a")]));
    odd.set("no text", texts(vec![Some("?"), None, Some(""), Some("...")]));
    let features = [
        feature("inf", Number),
        feature("huge", Number),
        feature("none", Number),
        feature("same", Number),
        feature("word", Category),
        feature("no words", Category),
        feature("text", Text),
        feature("no text", Text),
    ];
    let many: Vec<String> = (0..9).map(|number| format!("class {number}")).collect();
    let targets = [
        classes(&["a", "b"], vec![0, 1, 0, 1]),
        Target::Classes { labels: many, index: vec![8, 0, 3, 3] },
        Target::Number(vec![3e38, -3e38, 0.0, 1.0]),
        Target::Number(vec![5.0; 4]),
    ];
    for algorithm in [Majority, Linear, Trees] {
        for target in &targets {
            for end in 0..features.len() {
                for features in [&features[end..=end], &features[..=end]] {
                    let trained = learn_from(&odd, features, algorithm, target).unwrap();
                    let predictions = load(&trained.onnx).unwrap().predict(&odd).unwrap();
                    let finite = match &predictions {
                        Predictions::Number(numbers) => numbers.iter().all(|number| number.is_finite()),
                        Predictions::Classes { probabilities, .. } => {
                            probabilities.iter().all(|share| share.is_finite())
                        }
                    };
                    assert!(finite, "{algorithm:?} {features:?} {target:?} {predictions:?}");
                }
            }
        }
        let one = odd.take(&[0]);
        learn_from(&one, &features, algorithm, &Target::Number(vec![2.0])).unwrap();
        learn_from(&one, &features, Majority, &classes(&["only"], vec![0])).unwrap();
    }
}

#[test]
fn prediction_names_the_column_that_is_wrong() {
    let world = world(300, 2);
    for (_, algorithm, target) in all(&world) {
        let predictor = load(&learn(&world, algorithm, target).unwrap().onnx).unwrap();
        let refusal = |change: &dyn Fn(&mut Table)| {
            let mut table = world.table.clone();
            change(&mut table);
            predictor.predict(&table).unwrap_err().to_string()
        };
        let missing = refusal(&|table| table.columns.retain(|column| column.name != "city"));
        assert!(
            missing.starts_with("column `city` is missing; the model reads `amount \"€\"`, `time`, `city`"),
            "{missing}"
        );
        let typed = refusal(&|table| table.columns[1].values = table.columns[2].values.clone());
        assert_eq!(typed, "column `time` must hold numbers, but holds texts");
        let typed = refusal(&|table| table.columns[2].values = table.columns[1].values.clone());
        assert_eq!(typed, "column `city` must hold texts, but holds numbers");
        let short = refusal(&|table| table.columns[1].values = Values::Number(vec![1.0]));
        assert_eq!(short, "column `time` is malformed: it has 1 values for 300 rows");
        let code = refusal(&|table| {
            table.columns[2] = TableColumn {
                name: "city".to_owned(),
                values: Values::Text(Texts { dictionary: vec![], codes: vec![5; 300] }),
            };
        });
        assert_eq!(code, "column `city` is malformed: a code lies outside its dictionary");
    }
}
