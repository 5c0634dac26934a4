//! What the learners learn.

use crate::world::{all, learn, learn_from, quality, world};
use remuda_learn::{Predictions, check_golden, golden, load};
use remuda_model::run::Algorithm;
use remuda_model::table::{Table, Texts, Values};
use std::collections::BTreeMap;

#[test]
fn each_learner_beats_the_one_below_on_new_rows() {
    let (old, new) = (world(4000, 1), world(2000, 2));
    for (name, old_target, new_target) in
        [("two", &old.two, &new.two), ("three", &old.three, &new.three), ("number", &old.number, &new.number)]
    {
        let [majority, linear, trees] = [Algorithm::Majority, Algorithm::Linear, Algorithm::Trees].map(|algorithm| {
            let trained = learn(&old, algorithm, old_target).unwrap();
            let predictor = load(&trained.onnx).unwrap();
            assert_eq!(predictor.inputs(), old.features);
            assert_eq!(predictor.engine(), remuda_model::model::Engine::Remuda);
            quality(&predictor.predict(&new.table).unwrap(), new_target)
        });
        assert!(linear > majority + 0.15, "{name}: linear {linear} against majority {majority}");
        assert!(trees > majority + 0.2, "{name}: trees {trees} against majority {majority}");
    }
}

#[test]
fn the_columns_that_decide_are_the_important_ones() {
    let world = world(3000, 3);
    for algorithm in [Algorithm::Linear, Algorithm::Trees] {
        let trained = learn(&world, algorithm, &world.two).unwrap();
        let importance: BTreeMap<_, _> = trained.importance.iter().cloned().collect();
        assert!((trained.importance.iter().map(|(_, share)| share).sum::<f64>() - 1.0).abs() < 1e-9);
        assert!(trained.importance.is_sorted_by(|left, right| left.1 >= right.1));
        assert!(importance["amount \"€\""] > 0.1 && importance["label"] > 0.1, "{algorithm:?} {importance:?}");
        assert!(importance["constant"] == 0.0 && importance["nothing"] == 0.0, "{algorithm:?} {importance:?}");
    }
}

#[test]
fn equal_requests_give_equal_bytes() {
    let world = world(1500, 4);
    for (name, algorithm, target) in all(&world) {
        let [first, second] = [(); 2].map(|()| learn(&world, algorithm, target).unwrap().onnx);
        assert!(first == second, "{algorithm:?} {name}");
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let world = world(12_000, 4);
    for (name, algorithm, target) in all(&world) {
        let [one, three] = [1, 3].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| learn(&world, algorithm, target).unwrap().onnx)
        });
        assert!(one == three, "{algorithm:?} {name}");
    }
}

#[test]
fn progress_rises_from_nothing_to_all() {
    let world = world(500, 5);
    for (_, algorithm, target) in all(&world) {
        let mut heard = Vec::new();
        let parameters = BTreeMap::new();
        let request = remuda_learn::TrainRequest {
            algorithm,
            features: &world.features,
            table: &world.table,
            target,
            seed: 1,
            parameters: &parameters,
        };
        remuda_learn::train(&request, &mut |share| heard.push(share)).unwrap();
        assert!(heard.is_sorted() && heard[0] == 0.0 && *heard.last().unwrap() == 1.0, "{heard:?}");
    }
}

#[test]
fn rows_are_predicted_alike_alone_and_together() {
    let world = world(3000, 6);
    for (name, algorithm, target) in all(&world) {
        let predictor = load(&learn(&world, algorithm, target).unwrap().onnx).unwrap();
        let together = predictor.predict(&world.table).unwrap();
        for row in (0..3000).step_by(311) {
            let alone = predictor.predict(&world.table.take(&[row])).unwrap();
            match (&together, &alone) {
                (Predictions::Number(together), Predictions::Number(alone)) => assert_eq!(together[row], alone[0]),
                (
                    Predictions::Classes { labels, chosen, probabilities },
                    Predictions::Classes { chosen: own_chosen, probabilities: own_probabilities, .. },
                ) => {
                    let width = labels.len();
                    assert_eq!(chosen[row], own_chosen[0], "{algorithm:?} {name}");
                    assert_eq!(&probabilities[row * width..(row + 1) * width], own_probabilities.as_slice());
                    let sum: f32 = own_probabilities.iter().sum();
                    assert!((sum - 1.0).abs() < 1e-5, "{algorithm:?} {name} {sum}");
                }
                _ => panic!("two kinds"),
            }
        }
        let none = Table { rows: 0, columns: world.table.take(&[]).columns };
        match predictor.predict(&none).unwrap() {
            Predictions::Number(numbers) => assert!(numbers.is_empty()),
            Predictions::Classes { labels, chosen, probabilities } => {
                assert_eq!(Some(&labels), predictor.labels());
                assert!(chosen.is_empty() && probabilities.is_empty());
            }
        }
    }
}

#[test]
fn unseen_missing_and_infinite_values_are_answered() {
    let world = world(1000, 8);
    let mut strange = Table::default();
    let texts = |values: [Option<&str>; 4]| Values::Text(Texts::from_values(values));
    strange.set("amount \"€\"", Values::Number(vec![f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1e300]));
    strange.set("time", Values::Number(vec![0.0, -1e300, f64::NAN, f64::MAX]));
    strange.set("city", texts([Some("Atlantis"), None, Some("\0"), Some("")]));
    strange.set("shop", texts([None, None, Some(""), Some("shop 1")]));
    strange.set("label", texts([Some(""), None, Some("🦄 \u{202e} \0"), Some("lost card")]));
    strange.set("constant", Values::Number(vec![f64::NAN, 8.0, 7.0, f64::INFINITY]));
    strange.set("nothing", Values::Number(vec![1.0, f64::NAN, f64::INFINITY, 0.0]));
    for (name, algorithm, target) in all(&world) {
        let predictor = load(&learn(&world, algorithm, target).unwrap().onnx).unwrap();
        match predictor.predict(&strange).unwrap() {
            Predictions::Number(numbers) => {
                assert!(numbers.iter().all(|number| number.is_finite()), "{algorithm:?} {name} {numbers:?}")
            }
            Predictions::Classes { probabilities, .. } => {
                assert!(
                    probabilities.iter().all(|share| (0.0..=1.0).contains(share)),
                    "{algorithm:?} {name} {probabilities:?}"
                );
            }
        }
    }
}

#[test]
fn golden_rows_survive_json_and_notice_another_model() {
    let world = world(800, 9);
    for (name, algorithm, target) in all(&world) {
        let predictor = load(&learn(&world, algorithm, target).unwrap().onnx).unwrap();
        let kept = golden(predictor.as_ref(), &world.table, 20).unwrap();
        let json = serde_json::to_string(&kept).unwrap();
        let read: remuda_learn::Golden = serde_json::from_str(&json).unwrap();
        check_golden(predictor.as_ref(), &read).unwrap_or_else(|error| panic!("{algorithm:?} {name}: {error}"));
        if algorithm != Algorithm::Majority {
            let other =
                learn_from(&world.table.take(&(0..400).collect::<Vec<_>>()), &world.features, algorithm, &half(target))
                    .unwrap();
            let error = check_golden(load(&other.onnx).unwrap().as_ref(), &read).unwrap_err();
            assert!(error.to_string().starts_with("golden row "), "{error}");
        }
    }
}

fn half(target: &remuda_learn::Target) -> remuda_learn::Target {
    match target {
        remuda_learn::Target::Number(numbers) => remuda_learn::Target::Number(numbers[..400].to_vec()),
        remuda_learn::Target::Classes { labels, index } => {
            remuda_learn::Target::Classes { labels: labels.clone(), index: index[..400].to_vec() }
        }
    }
}
