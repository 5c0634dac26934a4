//! Fills a ledger with many tracked runs, to see how finding them behaves:
//! `cargo run -p remuda-app --example load_runs -- FOLDER/.remuda/ledger.db PRODUCT 100000`.

use remuda_ledger::{Ledger, NewRun, Tracker};
use remuda_model::fact::{Link, NewFact};
use remuda_model::run::tracked::{Document, Latest, TrackedStatus};
use std::collections::BTreeMap;

/// Runs that wait for one commit.
const TOGETHER: u64 = 1_000;
/// Metrics and parameters of each run.
const KEYS: u64 = 10;

/// A number between 0 and 1 that looks like chance and is the same each time.
fn chance(run: u64, key: u64) -> f64 {
    let mut state = run.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ key.wrapping_mul(0xd134_2543_de82_ef95);
    state ^= state >> 31;
    state = state.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (state >> 11) as f64 / (1_u64 << 53) as f64
}

fn run(number: u64, experiment: i64, product: &str) -> NewRun {
    let started = 1_700_000_000_000 + number as i64 * 1_000;
    let depth = 2 + number % 8;
    let latest = |key: u64| Latest {
        value: Some(0.7 + 0.02 * depth as f64 + 0.1 * chance(number, key)),
        step: 9,
        time: started,
    };
    let names =
        ["auc", "accuracy", "loss", "f1", "val/auc", "val/loss", "system/cpu", "system/memory", "epoch", "recall"];
    let metrics = names.iter().zip(0..KEYS).map(|(name, key)| ((*name).to_owned(), latest(key))).collect();
    let mut parameters = BTreeMap::from([
        ("depth".to_owned(), depth.to_string()),
        ("lr".to_owned(), format!("{:.5}", 10_f64.powf(-4.0 + 3.0 * chance(number, 20)))),
        ("optimiser".to_owned(), ["adam", "sgd", "lion"][(number % 3) as usize].to_owned()),
    ]);
    parameters.extend((3..KEYS).map(|key| (format!("option_{key}"), format!("value {}", (number / key) % 5))));
    let name = format!("bold-otter-{number}");
    let id = format!("{:016x}{number:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let fact = NewFact {
        id: format!("loaded-{number}"),
        product: product.to_owned(),
        verb: "run.started".to_owned(),
        subject: id.clone(),
        actor: "ana".to_owned(),
        role: None,
        time: started * 1000,
        payload: r#"{"command":"","snapshot":{"commit":null,"parent":null,"branch":null,"changed_files":0,"left_out":[],"environment":{}},"note":"","tracked":true}"#.to_owned(),
        links: vec![Link::makes("run", &id)],
    };
    let tags = BTreeMap::from([("mlflow.runName".to_owned(), name.clone()), ("team".to_owned(), "search".to_owned())]);
    NewRun {
        id,
        experiment,
        name,
        actor: if number.is_multiple_of(3) { "ana" } else { "bo" }.to_owned(),
        status: if number % 50 == 7 { TrackedStatus::Failed } else { TrackedStatus::Finished },
        started,
        ended: Some(started + 42_000),
        artifacts: None,
        native: false,
        document: Document { metrics, parameters, tags, ..Document::default() },
        facts: vec![fact],
    }
}

async fn load(path: &str, product: &str, runs: u64) -> Result<(), remuda_ledger::Error> {
    let ledger = Ledger::open(&format!("sqlite:{path}")).await?;
    let tracker = Tracker::start(&ledger, product);
    tracker.ensure_default(1_700_000_000_000).await?;
    let mut experiments = Vec::new();
    for name in ["search depth", "search rate", "nightly"] {
        experiments.push(match tracker.experiment_named(name).await? {
            Some(known) => known.id,
            None => tracker.create_experiment(name, None, BTreeMap::new(), 1_700_000_000_000).await?,
        });
    }
    for first in (0..runs).step_by(TOGETHER as usize) {
        let numbers = first..runs.min(first + TOGETHER);
        let begun = numbers.map(|number| {
            tracker.begin_run(run(number, experiments.get((number % 3) as usize).copied().unwrap_or_default(), product))
        });
        for run in futures::future::join_all(begun).await {
            run?;
        }
    }
    ledger.close().await;
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, product, runs] = arguments.as_slice() else {
        return Err("say where the ledger is, which product, and how many runs".into());
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    Ok(runtime.block_on(load(path, product, runs.parse()?))?)
}
