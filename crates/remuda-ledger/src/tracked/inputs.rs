//! Datasets that runs read.

use super::refusal::Refusal;
use super::runs::{READ, append_facts, stored_run, write_document};
use super::writer::{Change, OPERATION, Tracker};
use crate::append::{Append, check};
use crate::engine::{Row, Transaction, Value, lists};
use crate::error::{Error, database};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use remuda_model::fact::NewFact;
use remuda_model::run::tracked::{Input, ModelUse, Stage};

struct AddInputs {
    run: String,
    inputs: Vec<Input>,
    model_inputs: Vec<ModelUse>,
    model_outputs: Vec<ModelUse>,
    facts: Vec<NewFact>,
}

impl Change for AddInputs {
    type Answer = ();

    fn apply<'a>(&'a self, product: &'a str, transaction: &'a mut Transaction) -> BoxFuture<'a, Result<(), Error>> {
        self.write(product, transaction).boxed()
    }
}

impl AddInputs {
    async fn write(&self, product: &str, transaction: &mut Transaction) -> Result<(), Error> {
        let run = stored_run(product, transaction, &self.run).await?;
        if run.stage == Stage::Deleted {
            return Err(Error::Refused(super::log::deleted(&self.run)));
        }
        put_inputs(product, transaction, run.number, run.experiment, &self.inputs).await?;
        if !self.model_inputs.is_empty() || !self.model_outputs.is_empty() {
            let mut document = run.document;
            document.add_models(&self.model_inputs, &self.model_outputs);
            write_document(transaction, run.number, &document).await?;
        }
        append_facts(product, transaction, &self.facts).await
    }
}

/// Notes what a run read.
pub(super) async fn put_inputs(
    product: &str,
    transaction: &mut Transaction,
    run: i64,
    experiment: i64,
    inputs: &[Input],
) -> Result<(), Error> {
    const INPUT: &str = "INSERT INTO tracked_input (run, dataset, context, tags)";
    for input in inputs {
        let dataset = dataset(product, transaction, experiment, input).await?;
        let tags = serde_json::to_string(&input.tags).unwrap_or_default();
        let values = [Value::Integer(run), Value::Integer(dataset), Value::Text(&input.context), Value::Text(&tags)];
        let tail = " ON CONFLICT (run, dataset) DO NOTHING";
        transaction.insert(INPUT, 4, &values, tail).await.map_err(|source| database(OPERATION, source))?;
    }
    Ok(())
}

/// The dataset's number in the experiment, made if it is not there yet.
async fn dataset(product: &str, transaction: &mut Transaction, experiment: i64, input: &Input) -> Result<i64, Error> {
    const INSERT: &str =
        "INSERT INTO tracked_dataset (product, experiment, name, digest, source_type, source, schema_text, profile)";
    const NUMBER: &str =
        "SELECT number FROM tracked_dataset WHERE product = $1 AND experiment = $2 AND name = $3 AND digest = $4";
    let failed = |source| database(OPERATION, source);
    let values = [
        Value::Text(product),
        Value::Integer(experiment),
        Value::Text(&input.name),
        Value::Text(&input.digest),
        Value::Text(&input.source_type),
        Value::Text(&input.source),
        Value::OptionalText(input.schema.as_deref()),
        Value::OptionalText(input.profile.as_deref()),
    ];
    let tail = " ON CONFLICT (product, experiment, name, digest) DO NOTHING";
    transaction.insert(INSERT, 8, &values, tail).await.map_err(failed)?;
    let rows = transaction.rows(NUMBER, &values[..4]).await.map_err(failed)?;
    let number = rows.first().map(|row| row.integer(0)).transpose().map_err(failed)?;
    number.ok_or_else(|| Error::Refused(Refusal::Missing { what: "dataset", name: input.name.clone() }))
}

fn read(row: &Row) -> Result<(String, Input), sqlx::Error> {
    let input = Input {
        name: row.text(1)?,
        digest: row.text(2)?,
        source_type: row.text(3)?,
        source: row.text(4)?,
        schema: row.optional_text(5)?,
        profile: row.optional_text(6)?,
        context: row.text(7)?,
        tags: serde_json::from_str(&row.text(8)?).unwrap_or_default(),
    };
    Ok((row.text(0)?, input))
}

impl Tracker {
    /// Notes what a run read and which logged models it read and made, with the facts that go with it.
    ///
    /// # Errors
    /// The run is missing or deleted, or the database failed.
    pub async fn add_inputs(
        &self,
        run: &str,
        inputs: Vec<Input>,
        model_inputs: Vec<ModelUse>,
        model_outputs: Vec<ModelUse>,
        facts: Vec<NewFact>,
    ) -> Result<(), Error> {
        check(&self.product, &Append { facts: facts.clone(), ..Append::default() })?;
        self.change(AddInputs { run: run.to_owned(), inputs, model_inputs, model_outputs, facts }).await
    }

    /// The datasets that these runs read: run and dataset.
    ///
    /// # Errors
    /// The database failed.
    pub async fn inputs(&self, runs: &[&str]) -> Result<Vec<(String, Input)>, Error> {
        let sql = format!(
            "SELECT tracked_run.id, d.name, d.digest, d.source_type, d.source, d.schema_text, d.profile, i.context, i.tags \
             FROM {} CROSS JOIN tracked_run CROSS JOIN tracked_input AS i CROSS JOIN tracked_dataset AS d \
             WHERE tracked_run.product = $1 AND tracked_run.id = asked.id AND i.run = tracked_run.number AND d.number = i.dataset",
            self.ledger.pool.asked()
        );
        let mut found = Vec::new();
        for list in lists(runs) {
            let values = [Value::Text(&self.product), Value::Text(&list)];
            found.extend(self.ledger.pool.list(READ, sql.clone(), &values, read).await?);
        }
        Ok(found)
    }

    /// The datasets that runs of these experiments read: experiment, name, digest and context, each once.
    ///
    /// # Errors
    /// The database failed.
    pub async fn datasets_of(&self, experiments: &[i64]) -> Result<Vec<(i64, String, String, String)>, Error> {
        const DATASETS: &str = "SELECT DISTINCT d.experiment, d.name, d.digest, i.context \
            FROM tracked_dataset AS d JOIN tracked_input AS i ON i.dataset = d.number \
            WHERE d.product = $1 AND d.experiment = $2 ORDER BY d.name, d.digest, i.context LIMIT 1000";
        let mut found = Vec::new();
        for experiment in experiments {
            let values = [Value::Text(&self.product), Value::Integer(*experiment)];
            let read = |row: &Row| Ok((row.integer(0)?, row.text(1)?, row.text(2)?, row.text(3)?));
            found.extend(self.ledger.pool.list(READ, DATASETS, &values, read).await?);
        }
        Ok(found)
    }
}
