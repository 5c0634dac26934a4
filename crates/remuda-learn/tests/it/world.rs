//! Tables to learn from, made by rule: every kind of column, with gaps, odd characters and large numbers.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use remuda_learn::{LearnError, Predictions, Target, TrainRequest, Trained, train};
use remuda_model::data::FeatureKind::{self, Category, Number, Text};
use remuda_model::feature::Feature;
use remuda_model::run::Algorithm;
use remuda_model::table::{Table, Texts, Values};
use std::collections::BTreeMap;

/// A table, its features, and three targets for it.
pub(crate) struct World {
    pub(crate) table: Table,
    pub(crate) features: Vec<Feature>,
    pub(crate) two: Target,
    pub(crate) three: Target,
    pub(crate) number: Target,
}

pub(crate) fn feature(name: &str, kind: FeatureKind) -> Feature {
    Feature { name: name.to_owned(), kind }
}

fn pick<'a>(random: &mut ChaCha8Rng, from: &[&'a str]) -> &'a str {
    from[random.random_range(0..from.len())]
}

/// `rows` rows; the label depends on every column.
pub(crate) fn world(rows: usize, seed: u64) -> World {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut amount, mut time, mut city, mut shop, mut words) = (vec![], vec![], vec![], vec![], vec![]);
    let (mut two, mut three, mut number) = (vec![], vec![], vec![]);
    for _ in 0..rows {
        let gap = random.random_bool(0.1);
        let own_amount = if gap { f64::NAN } else { random.random_range(-50.0..50.0) };
        let own_time = 1.7e9 + f64::from(random.random_range(0..10_000_000_u32));
        let own_city = pick(&mut random, &["Köln", "São Paulo", "東京", "New York", ""]);
        let own_shop = random.random_range(0..200_u32);
        let own_words = [(); 4]
            .map(|()| {
                pick(&mut random, &["Card", "card", "lost", "MY", "pin!", "Überweisung", "late", "£5", "x_y", "refund"])
            })
            .join(" ");
        let mut score = if gap { 1.0 } else { own_amount / 25.0 };
        score += if own_time > 1.705e9 { 0.7 } else { -0.7 };
        score += match own_city {
            "東京" => 1.2,
            "" => -1.0,
            _ => 0.0,
        };
        score += if own_shop % 3 == 0 { 0.8 } else { -0.4 };
        score += if own_words.to_ascii_lowercase().contains("lost") { 1.5 } else { -0.5 };
        let noise = random.random_range(-1.0..1.0);
        two.push(u32::from(score + noise > 0.3));
        three.push(if score + noise < -0.8 {
            0
        } else if score + noise < 1.0 {
            1
        } else {
            2
        });
        number.push(1000.0 + 40.0 * (score + noise));
        amount.push(own_amount);
        time.push(own_time);
        city.push(Some(own_city).filter(|city| !city.is_empty()));
        shop.push(Some(format!("shop {own_shop}")));
        words.push(Some(own_words).filter(|_| !random.random_bool(0.05)));
    }
    let mut table = Table::default();
    assert!(table.set("amount \"€\"", Values::Number(amount)));
    assert!(table.set("time", Values::Number(time)));
    assert!(table.set("city", Values::Text(Texts::from_values(city))));
    assert!(table.set("shop", Values::Text(Texts::from_values(shop))));
    assert!(table.set("label", Values::Text(Texts::from_values(words))));
    assert!(table.set("constant", Values::Number(vec![7.0; rows])));
    assert!(table.set("nothing", Values::Number(vec![f64::NAN; rows])));
    assert!(table.set("not a feature", Values::Number(vec![0.0; rows])));
    let labels = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    World {
        table,
        features: vec![
            feature("amount \"€\"", Number),
            feature("time", Number),
            feature("city", Category),
            feature("shop", Category),
            feature("label", Text),
            feature("constant", Number),
            feature("nothing", Number),
        ],
        two: Target::Classes { labels: labels(&["no, \"never\"\n", "ja ✓"]), index: two },
        three: Target::Classes { labels: labels(&["low", "mid", "high"]), index: three },
        number: Target::Number(number),
    }
}

/// Trains with the default parameters.
pub(crate) fn learn(world: &World, algorithm: Algorithm, target: &Target) -> Result<Trained, LearnError> {
    learn_from(&world.table, &world.features, algorithm, target)
}

/// Trains with the default parameters.
pub(crate) fn learn_from(
    table: &Table,
    features: &[Feature],
    algorithm: Algorithm,
    target: &Target,
) -> Result<Trained, LearnError> {
    let parameters = BTreeMap::new();
    train(&TrainRequest { algorithm, features, table, target, seed: 7, parameters: &parameters }, &mut |_| {})
}

/// Share of right labels, or one minus the share of variance left.
pub(crate) fn quality(predictions: &Predictions, target: &Target) -> f64 {
    match (predictions, target) {
        (Predictions::Classes { chosen, .. }, Target::Classes { index, .. }) => {
            chosen.iter().zip(index).filter(|(chosen, truth)| chosen == truth).count() as f64 / index.len() as f64
        }
        (Predictions::Number(found), Target::Number(truth)) => {
            let mean = truth.iter().sum::<f64>() / truth.len() as f64;
            let left: f64 = found.iter().zip(truth).map(|(found, truth)| (found - truth).powi(2)).sum();
            1.0 - left / truth.iter().map(|truth| (truth - mean).powi(2)).sum::<f64>()
        }
        _ => panic!("predictions and target are of different kinds"),
    }
}

/// All learners on all targets.
pub(crate) fn all(world: &World) -> Vec<(&'static str, Algorithm, &Target)> {
    let mut cases = Vec::new();
    for algorithm in [Algorithm::Majority, Algorithm::Linear, Algorithm::Trees] {
        cases.push(("two", algorithm, &world.two));
        cases.push(("three", algorithm, &world.three));
        cases.push(("number", algorithm, &world.number));
    }
    cases
}
