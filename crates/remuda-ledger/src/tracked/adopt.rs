//! Experiments that come from elsewhere: one of the same name is taken, else it is made as it was.

use super::experiments::{by_name, next_number, store};
use super::writer::{Change, OPERATION, Tracker};
use crate::engine::{Transaction, Value};
use crate::error::{Error, database};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use remuda_model::run::foreign::ForeignExperiment;
use remuda_model::run::tracked::Experiment;

struct Adopt {
    experiment: ForeignExperiment,
    tag: (String, String),
}

impl Change for Adopt {
    type Answer = Experiment;

    fn apply<'a>(
        &'a self,
        product: &'a str,
        transaction: &'a mut Transaction,
    ) -> BoxFuture<'a, Result<Experiment, Error>> {
        self.write(product, transaction).boxed()
    }
}

impl Adopt {
    async fn write(&self, product: &str, transaction: &mut Transaction) -> Result<Experiment, Error> {
        const INSERT: &str =
            "INSERT INTO tracked_experiment (product, id, name, artifacts, stage, created, updated, tags)";
        let foreign = &self.experiment;
        let known = by_name(product, transaction, &foreign.name).await?;
        let is_new = known.is_none();
        let mut experiment = match known {
            Some(known) => known,
            None => {
                let id = next_number(product, transaction).await?;
                Experiment {
                    id,
                    name: foreign.name.clone(),
                    artifacts: format!("mlflow-artifacts:/{id}"),
                    stage: foreign.stage,
                    created: foreign.created,
                    updated: foreign.updated,
                    tags: Default::default(),
                }
            }
        };
        let before = experiment.tags.clone();
        for (key, value) in foreign.tags.iter().chain(std::iter::once((&self.tag.0, &self.tag.1))) {
            experiment.tags.entry(key.clone()).or_insert_with(|| value.clone());
        }
        if is_new {
            let tags = serde_json::to_string(&experiment.tags).unwrap_or_default();
            let values = [
                Value::Text(product),
                Value::Integer(experiment.id),
                Value::Text(&experiment.name),
                Value::Text(&experiment.artifacts),
                Value::Text(experiment.stage.as_str()),
                Value::Integer(experiment.created),
                Value::Integer(experiment.updated),
                Value::Text(&tags),
            ];
            transaction.insert(INSERT, 8, &values, "").await.map_err(|source| database(OPERATION, source))?;
        } else if before != experiment.tags {
            store(product, transaction, &experiment, experiment.updated).await?;
        }
        Ok(experiment)
    }
}

impl Tracker {
    /// The experiment of this name here, made as it was elsewhere if there is none. Tags that it lacks are added, and
    /// one that tells which it was.
    ///
    /// # Errors
    /// The database failed.
    pub async fn import_experiment(
        &self,
        experiment: ForeignExperiment,
        tag: (String, String),
    ) -> Result<Experiment, Error> {
        self.change(Adopt { experiment, tag }).await
    }
}
