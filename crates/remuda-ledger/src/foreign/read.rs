//! Reading MLflow's tables: experiments at once, runs page by page, the points of a run one after another.

use super::ForeignDatabase;
use super::schema::OPERATION;
use crate::engine::{Pool, Row, Value};
use crate::error::Error;
use remuda_model::run::foreign::{ForeignExperiment, ForeignRun};
use remuda_model::run::tracked::{Input, ModelUse, Point, Stage, TrackedStatus};
use std::collections::{BTreeMap, HashMap};

/// The tag that says what a dataset was read for.
const CONTEXT: &str = "mlflow.data.context";
/// The tag that repeats a run's name; releases before 2.0 have no other place for it.
const NAME: &str = "mlflow.runName";

impl ForeignDatabase {
    /// All experiments, deleted ones too.
    ///
    /// # Errors
    /// The database failed.
    pub async fn experiments(&self) -> Result<Vec<ForeignExperiment>, Error> {
        let column = |name: &str, otherwise: &str| self.schema.column("experiments", name, otherwise);
        let sql = format!(
            "SELECT CAST(experiments.experiment_id AS BIGINT), experiments.name, experiments.lifecycle_stage, \
             CAST({} AS BIGINT), CAST({} AS BIGINT), {} FROM experiments ORDER BY experiments.experiment_id",
            column("creation_time", "NULL"),
            column("last_update_time", "NULL"),
            column("workspace", "CAST(NULL AS TEXT)"),
        );
        let mut all = self.pool.list(OPERATION, sql, &[], read_experiment).await?;
        if self.schema.has("experiment_tags") {
            const TAGS: &str = "SELECT CAST(experiment_id AS BIGINT), key, value FROM experiment_tags";
            let read = |row: &Row| Ok((row.integer(0)?.to_string(), row.text(1)?, row.optional_text(2)?));
            let mut tags: HashMap<String, BTreeMap<String, String>> = HashMap::new();
            for (experiment, key, value) in self.pool.list(OPERATION, TAGS, &[], read).await? {
                tags.entry(experiment).or_default().insert(key, value.unwrap_or_default());
            }
            for experiment in &mut all {
                experiment.tags = tags.remove(&experiment.id).unwrap_or_default();
            }
        }
        Ok(all)
    }

    /// How many runs there are.
    ///
    /// # Errors
    /// The database failed.
    pub async fn count_runs(&self) -> Result<u64, Error> {
        let found = self.pool.first(OPERATION, "SELECT COUNT(*) FROM runs", &[], |row| row.integer(0)).await?;
        Ok(found.unwrap_or_default().cast_unsigned())
    }

    /// The next runs by id, behind the one of this id.
    ///
    /// # Errors
    /// The database failed.
    pub async fn runs(&self, after: &str, limit: usize) -> Result<Vec<ForeignRun>, Error> {
        let sql = format!(
            "SELECT runs.run_uuid, CAST(runs.experiment_id AS BIGINT), {}, runs.user_id, runs.status, \
             CAST(runs.start_time AS BIGINT), CAST(runs.end_time AS BIGINT), runs.lifecycle_stage, \
             CAST({} AS BIGINT), runs.artifact_uri \
             FROM runs WHERE runs.run_uuid > $1 ORDER BY runs.run_uuid LIMIT $2",
            self.schema.column("runs", "name", "CAST(NULL AS TEXT)"),
            self.schema.column("runs", "deleted_time", "NULL"),
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let values = [Value::Text(after), Value::Integer(limit)];
        let mut runs = self.pool.list(OPERATION, sql, &values, read_run).await?;
        let ids: Vec<&str> = runs.iter().map(|run| run.id.as_str()).collect();
        let list = serde_json::Value::from(ids).to_string();
        let mut parameters = self.pairs("params", &list).await?;
        let mut tags = self.pairs("tags", &list).await?;
        let mut sizes = self.sizes(&list).await?;
        let mut inputs = self.inputs(&list).await?;
        let mut models = self.model_uses(&list).await?;
        for run in &mut runs {
            run.parameters = parameters.remove(&run.id).unwrap_or_default();
            run.tags = tags.remove(&run.id).unwrap_or_default();
            run.sizes = sizes.remove(&run.id).unwrap_or_default();
            run.inputs = inputs.remove(&run.id).unwrap_or_default();
            (run.model_inputs, run.model_outputs) = models.remove(&run.id).unwrap_or_default();
            if run.name.is_empty() {
                run.name = run.tags.get(NAME).cloned().unwrap_or_default();
            }
        }
        Ok(runs)
    }

    /// The points of a run, metric by metric, each in order of step and time; of one metric alone where it is named.
    ///
    /// # Errors
    /// The database failed.
    pub async fn walk_points(
        &self,
        run: &str,
        key: Option<&str>,
        mut each: impl FnMut(Point) + Send,
    ) -> Result<(), Error> {
        let not_a_number = self.schema.column("metrics", "is_nan", "NULL");
        let step = self.schema.column("metrics", "step", "0");
        let only = if key.is_some() { " AND metrics.key = $2" } else { "" };
        let sql = format!(
            "SELECT metrics.key, CAST(metrics.value AS DOUBLE PRECISION), CAST(metrics.timestamp AS BIGINT), \
             CAST({step} AS BIGINT) AS step, CAST(CASE WHEN {not_a_number} THEN 1 ELSE 0 END AS BIGINT) \
             FROM metrics WHERE metrics.run_uuid = $1{only} ORDER BY metrics.key, {step}, metrics.timestamp"
        );
        let values: Vec<Value<'_>> = std::iter::once(run).chain(key).map(Value::Text).collect();
        self.pool
            .walk(OPERATION, sql, &values, |row| {
                let value = row.optional_double(1)?.filter(|value| !value.is_nan());
                let value = if row.integer(4)? == 0 { value } else { None };
                each(Point {
                    key: row.text(0)?,
                    value,
                    step: row.optional_integer(3)?.unwrap_or_default(),
                    time: row.optional_integer(2)?.unwrap_or_default(),
                });
                Ok(())
            })
            .await
    }

    /// The condition that a column is one of the texts of a JSON list, bound as `$1`.
    fn listed(&self, column: &str) -> String {
        match self.pool {
            Pool::Sqlite(..) => format!("{column} IN (SELECT value FROM json_each($1))"),
            Pool::Postgres(_) => format!("{column} IN (SELECT value FROM json_array_elements_text(CAST($1 AS JSON)))"),
        }
    }

    async fn pairs(&self, table: &str, list: &str) -> Result<HashMap<String, BTreeMap<String, String>>, Error> {
        let sql = format!("SELECT run_uuid, key, value FROM {table} WHERE {}", self.listed("run_uuid"));
        let mut found: HashMap<String, BTreeMap<String, String>> = HashMap::new();
        let read = |row: &Row| Ok((row.text(0)?, row.text(1)?, row.optional_text(2)?));
        for (run, key, value) in self.pool.list(OPERATION, sql, &[Value::Text(list)], read).await? {
            found.entry(run).or_default().insert(key, value.unwrap_or_default());
        }
        Ok(found)
    }

    async fn sizes(&self, list: &str) -> Result<HashMap<String, BTreeMap<String, u64>>, Error> {
        let sql = format!(
            "SELECT run_uuid, key, COUNT(*) FROM metrics WHERE {} GROUP BY run_uuid, key",
            self.listed("run_uuid")
        );
        let mut found: HashMap<String, BTreeMap<String, u64>> = HashMap::new();
        let read = |row: &Row| Ok((row.text(0)?, row.text(1)?, row.integer(2)?));
        for (run, key, count) in self.pool.list(OPERATION, sql, &[Value::Text(list)], read).await? {
            found.entry(run).or_default().insert(key, count.cast_unsigned());
        }
        Ok(found)
    }

    async fn inputs(&self, list: &str) -> Result<HashMap<String, Vec<Input>>, Error> {
        let mut found: HashMap<String, Vec<Input>> = HashMap::new();
        if !self.schema.has("inputs") || !self.schema.has("datasets") || !self.schema.has("input_tags") {
            return Ok(found);
        }
        let sql = format!(
            "SELECT inputs.destination_id, inputs.input_uuid, d.name, d.digest, d.dataset_source_type, \
             d.dataset_source, d.dataset_schema, d.dataset_profile \
             FROM inputs JOIN datasets AS d ON d.dataset_uuid = inputs.source_id \
             WHERE inputs.source_type = 'DATASET' AND inputs.destination_type = 'RUN' AND {} \
             ORDER BY inputs.input_uuid",
            self.listed("inputs.destination_id")
        );
        let rows = self.pool.list(OPERATION, sql, &[Value::Text(list)], read_input).await?;
        let uses: Vec<&str> = rows.iter().map(|(_, id, _)| id.as_str()).collect();
        let uses = serde_json::Value::from(uses).to_string();
        let sql = format!("SELECT input_uuid, name, value FROM input_tags WHERE {}", self.listed("input_uuid"));
        let read = |row: &Row| Ok((row.text(0)?, row.text(1)?, row.optional_text(2)?));
        let mut tags: HashMap<String, BTreeMap<String, String>> = HashMap::new();
        for (id, key, value) in self.pool.list(OPERATION, sql, &[Value::Text(&uses)], read).await? {
            tags.entry(id).or_default().insert(key, value.unwrap_or_default());
        }
        for (run, id, mut input) in rows {
            input.tags = tags.remove(&id).unwrap_or_default();
            input.context = input.tags.get(CONTEXT).cloned().unwrap_or_default();
            found.entry(run).or_default().push(input);
        }
        Ok(found)
    }

    async fn model_uses(&self, list: &str) -> Result<HashMap<String, (Vec<ModelUse>, Vec<ModelUse>)>, Error> {
        let mut found: HashMap<String, (Vec<ModelUse>, Vec<ModelUse>)> = HashMap::new();
        if !self.schema.has("inputs") {
            return Ok(found);
        }
        let sql = format!(
            "SELECT inputs.source_id, inputs.source_type, inputs.destination_id, CAST({} AS BIGINT) FROM inputs \
             WHERE inputs.source_type IN ('RUN_INPUT', 'RUN_OUTPUT') AND {} ORDER BY inputs.input_uuid",
            self.schema.column("inputs", "step", "0"),
            self.listed("inputs.source_id")
        );
        let read = |row: &Row| Ok((row.text(0)?, row.text(1)?, row.text(2)?, row.optional_integer(3)?));
        for (run, kind, model, step) in self.pool.list(OPERATION, sql, &[Value::Text(list)], read).await? {
            let one = ModelUse { model, step: step.unwrap_or_default() };
            let (inputs, outputs) = found.entry(run).or_default();
            if kind == "RUN_INPUT" { inputs.push(one) } else { outputs.push(one) }
        }
        Ok(found)
    }
}

fn read_experiment(row: &Row) -> Result<ForeignExperiment, sqlx::Error> {
    let created = row.optional_integer(3)?.unwrap_or_default();
    let name = row.text(1)?;
    // Names are taken once in each workspace there, and once here.
    let name = match row.optional_text(5)? {
        Some(workspace) if !workspace.is_empty() && workspace != "default" => format!("{workspace}/{name}"),
        _ => name,
    };
    Ok(ForeignExperiment {
        id: row.integer(0)?.to_string(),
        name,
        stage: Stage::read(&row.optional_text(2)?.unwrap_or_default()),
        created,
        updated: row.optional_integer(4)?.unwrap_or(created),
        tags: BTreeMap::new(),
    })
}

fn read_run(row: &Row) -> Result<ForeignRun, sqlx::Error> {
    let status = row.optional_text(4)?.unwrap_or_default();
    Ok(ForeignRun {
        id: row.text(0)?,
        experiment: row.optional_integer(1)?.unwrap_or_default().to_string(),
        name: row.optional_text(2)?.unwrap_or_default(),
        actor: row.optional_text(3)?.unwrap_or_default(),
        status: TrackedStatus::parse(&status).unwrap_or(TrackedStatus::Failed),
        started: row.optional_integer(5)?.unwrap_or_default(),
        ended: row.optional_integer(6)?,
        stage: Stage::read(&row.optional_text(7)?.unwrap_or_default()),
        deleted: row.optional_integer(8)?,
        artifacts: row.optional_text(9)?.unwrap_or_default(),
        parameters: BTreeMap::new(),
        tags: BTreeMap::new(),
        inputs: Vec::new(),
        model_inputs: Vec::new(),
        model_outputs: Vec::new(),
        sizes: BTreeMap::new(),
    })
}

fn read_input(row: &Row) -> Result<(String, String, Input), sqlx::Error> {
    let input = Input {
        name: row.text(2)?,
        digest: row.text(3)?,
        source_type: row.text(4)?,
        source: row.text(5)?,
        schema: row.optional_text(6)?,
        profile: row.optional_text(7)?,
        context: String::new(),
        tags: BTreeMap::new(),
    };
    Ok((row.text(0)?, row.text(1)?, input))
}
