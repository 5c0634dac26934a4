//! Running behavioural tests: rows from files and data, the model's answers, what passes. Never the holdout.

use super::test_answer::{Answered, Failure, TestResult};
use super::test_failure::{Asked, failure};
use super::test_judge::{RowAnswer, row_answers, severity, worst};
use super::test_tally::{Outcome, Tally};
use crate::app::App;
use crate::context::Context;
use crate::data::{contract_of, latest_version, read_rows, resolve_version};
use crate::error::{Error, Result};
use crate::model::{self, resolve_model};
use remuda_data::behaviour::{BaseRow, Cases, base_rows, cases, passes, sampled};
use remuda_data::{ReadRequest, Rows, json_table};
use remuda_learn::Predictor;
use remuda_model::behaviour::{Base, BehaviouralTest, BehaviouralTests, Expectation};
use remuda_model::data::{Contract, DatasetVersion, FeatureKind, Split};
use remuda_model::label::LabelSpace;
use remuda_model::model::ModelVersion;
use remuda_model::text;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Cases that one test may have.
const CASES_CAP: usize = 200_000;

/// Rows of the data from which other columns are drawn.
const OTHERS: usize = 2_000;

/// Who is tested, and whose contract and rows are used.
pub(crate) struct Subject {
    /// The candidate.
    pub(crate) model: ModelVersion,
    /// The newest version of the data that it was trained on.
    pub(crate) version: DatasetVersion,
    /// That version's contract.
    pub(crate) contract: Contract,
}

/// The candidate with the newest version of the data that it was trained on.
///
/// # Errors
/// A candidate that is not there, or of which nothing says what it was trained on.
pub(crate) async fn subject(app: &App, context: &Context, candidate: &str) -> Result<Subject> {
    let model = resolve_model(app, context, candidate).await?.version;
    let trained_on = model.trained_on.clone().ok_or_else(|| {
        Error::new("analysis.not_ready", format!("nothing says what `{}` was trained on", model.name))
            .hint("register it with its data: `remuda model add FILE --dataset NAME`")
    })?;
    let trained_on = resolve_version(app, context, trained_on.hex()).await?.version;
    let version = match latest_version(app, context, &trained_on.dataset).await? {
        Some(line) => line.version,
        None => trained_on,
    };
    let contract = match contract_of(app, context, &version).await? {
        Some(contract) => contract,
        None => context.need_contract(&version.dataset)?.value.clone(),
    };
    Ok(Subject { model, version, contract })
}

/// Runs tests of one file. A test that cannot be run says why in its result; the others still run.
///
/// # Errors
/// A model that does not load, data that cannot be read.
pub(crate) async fn run_tests(
    app: &App,
    context: &Context,
    subject: &Subject,
    file: &BehaviouralTests,
    tests: &[&BehaviouralTest],
) -> Result<Vec<Outcome>> {
    let predictor = model::load(app, &subject.model).await?;
    let mut room = Room { subject, file, predictor, splits: BTreeMap::new() };
    let mut outcomes = Vec::with_capacity(tests.len());
    for (place, test) in tests.iter().enumerate() {
        context.tell(place as f64 / tests.len() as f64, &format!("testing {}: {}", file.name, test.name));
        room.read_splits(app, test).await?;
        outcomes.push(match room.run(test).await {
            Ok(outcome) => outcome,
            Err(problem) => Outcome { result: result(file, test, Some(problem)), tally: Tally::default() },
        });
    }
    Ok(outcomes)
}

/// Why a test cannot be run: a sentence with what to do.
type Problem = String;

/// What the tests of a file are run with.
struct Room<'a> {
    subject: &'a Subject,
    file: &'a BehaviouralTests,
    predictor: Arc<dyn Predictor>,
    splits: BTreeMap<Split, Rows>,
}

/// A base row with the label that it carries itself.
struct Drawn {
    base: BaseRow,
    own: Option<String>,
}

impl Room<'_> {
    async fn read_splits(&mut self, app: &App, test: &BehaviouralTest) -> Result<()> {
        let from = match &test.base {
            Base::Data { split, .. } => Some(*split),
            _ => None,
        };
        for split in from.into_iter().chain(test.others) {
            // The reader of definitions knows no holdout here; should it ever, this is the last door.
            if split != Split::Holdout && !self.splits.contains_key(&split) {
                let request = ReadRequest { split: Some(split), columns: None, filter: None, limit: None };
                let rows = read_rows(app, &self.subject.version, Some(&self.subject.contract), request).await?;
                self.splits.insert(split, rows);
            }
        }
        Ok(())
    }

    async fn run(&self, test: &BehaviouralTest) -> std::result::Result<Outcome, Problem> {
        self.check(test)?;
        let drawn = self.draw(test).await?;
        let bases: Vec<BaseRow> = drawn.iter().map(|drawn| drawn.base.clone()).collect();
        if bases.is_empty() {
            return Err("it has no row: nothing in the data fits".to_owned());
        }
        self.check_columns(&bases)?;
        let Cases { cases, void } = cases(self.file, test, &bases);
        if cases.is_empty() {
            return Err(format!("none of its changes changes anything in {}", text::count(bases.len() as u64, "row")));
        }
        if cases.len() > CASES_CAP {
            let (many, cap) = (text::thousands(cases.len() as u64), text::thousands(CASES_CAP as u64));
            return Err(format!("it has {many} cases, more than {cap}: lower `limit` or `times`"));
        }
        let before = if test.changes.is_empty() {
            Vec::new()
        } else {
            self.answers(bases.iter().map(|base| base.row.clone()).collect()).await?
        };
        let after = self.answers(cases.iter().map(|case| case.row.clone()).collect()).await?;
        let mut tally = Tally::default();
        let mut failures: Vec<(f64, Failure)> = Vec::new();
        for (case, after) in cases.iter().zip(&after) {
            let before = before.get(case.base);
            let of = self.class_of(&test.expectation, before);
            let own = drawn[case.base].own.as_deref();
            let (was, is) = (before.map(|row| row.looked_at(of)), after.looked_at(of));
            let fine = passes(&test.expectation, own, was.as_ref().map(Answered::as_answer), is.as_answer());
            tally.add(&bases[case.base].unit, fine);
            if !fine {
                let asked =
                    Asked { test, case, base: &bases[case.base], inputs: &self.subject.model.signature.features };
                let how_bad = severity(&test.expectation, was.as_ref(), &is, after);
                failures.push((how_bad, failure(&asked, was, is, own)));
            }
        }
        let mut found = result(self.file, test, None);
        found.rate = tally.rate();
        found.void = void;
        let passing = (found.rate.cases - found.rate.failures) as f64;
        found.passed = found.rate.cases > 0 && passing >= test.pass_rate * found.rate.cases as f64 - 1e-9;
        found.failures = worst(failures);
        Ok(Outcome { result: found, tally })
    }

    /// Whether this model can be asked what the test expects.
    fn check(&self, test: &BehaviouralTest) -> std::result::Result<(), Problem> {
        let signature = &self.subject.model.signature;
        if let Some(dataset) = &self.file.dataset
            && *dataset != self.subject.version.dataset
        {
            let trained = &self.subject.version.dataset;
            return Err(format!(
                "it is about dataset `{dataset}`, and `{}` learnt from `{trained}`",
                self.subject.model.name
            ));
        }
        let LabelSpace::Classes(classes) = &signature.labels else {
            return match test.expectation {
                Expectation::Label(_) | Expectation::OwnLabel | Expectation::SameLabel => {
                    Err("the model gives numbers: expect `at_least`, `at_most` or `within`".to_owned())
                }
                _ => Ok(()),
            };
        };
        let labels = match &test.expectation {
            Expectation::Label(labels) => labels.as_slice(),
            _ => &[],
        };
        let named = labels.iter().map(String::as_str).chain(test.expectation.class());
        for name in named {
            if !classes.iter().any(|class| class == name) {
                let near = text::nearest(name, classes.iter().map(String::as_str));
                let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                return Err(format!("the model has no class `{name}`{hint}"));
            }
        }
        let score = matches!(test.expectation, Expectation::Score { .. });
        if score && test.expectation.class().is_none() && signature.positive.is_none() {
            return Err("the score of which class? Add `of = \"CLASS\"` to `expect`".to_owned());
        }
        Ok(())
    }

    /// The base rows of a test.
    async fn draw(&self, test: &BehaviouralTest) -> std::result::Result<Vec<Drawn>, Problem> {
        let label = self.subject.contract.label().map(|column| column.name.clone()).unwrap_or_default();
        let drawn = |base: BaseRow| {
            let own = base.row.get(&label).and_then(as_text);
            Drawn { base, own }
        };
        let rows: Vec<Drawn> = match &test.base {
            Base::Data { split, filter } => {
                let rows = self.splits.get(split).ok_or("its rows were not read")?;
                self.draw_data(test, rows, *split, filter.as_deref()).await?.into_iter().map(drawn).collect()
            }
            _ => {
                let others = match test.others.and_then(|split| self.splits.get(&split)) {
                    Some(rows) => self.others(rows),
                    None => Vec::new(),
                };
                base_rows(self.file, test, &others).into_iter().map(drawn).collect()
            }
        };
        // A row without a label of its own says nothing about what its label should be.
        let speaks = |drawn: &Drawn| test.expectation != Expectation::OwnLabel || drawn.own.is_some();
        Ok(rows.into_iter().filter(speaks).collect())
    }

    async fn draw_data(
        &self,
        test: &BehaviouralTest,
        rows: &Rows,
        split: Split,
        filter: Option<&str>,
    ) -> std::result::Result<Vec<BaseRow>, Problem> {
        let places: Vec<usize> = match filter {
            None => (0..rows.len()).collect(),
            Some(filter) => {
                let matching = rows.matching(filter).await;
                let matching =
                    matching.map_err(|error| format!("`where {filter}` cannot be used: {}", chain(&error)))?;
                (0..rows.len()).filter(|row| matching[*row]).collect()
            }
        };
        let keys = self.subject.contract.keys();
        let base = |place: usize| {
            let mut row = rows.row_json(places[place]).unwrap_or_default();
            let key: Vec<String> = keys.iter().filter_map(|key| row.get(*key).and_then(as_text)).collect();
            let unit = match key.is_empty() {
                true => format!("{} row {}", split.as_str(), text::thousands(places[place] as u64 + 1)),
                false => format!("{} row {}", split.as_str(), key.join(" ")),
            };
            row.extend(test.with.clone());
            BaseRow { unit, row, filled: None }
        };
        Ok(sampled(self.file, test, places.len()).into_iter().map(base).collect())
    }

    /// Rows of the data from which the columns are drawn that a test does not say: some of them, spread over all.
    /// Their labels are not taken: they belong to the whole row.
    fn others(&self, rows: &Rows) -> Vec<Map<String, Value>> {
        let inputs = &self.subject.model.signature.features;
        // As many as one base row may need, whatever its limit is.
        let places = (0..rows.len()).step_by((rows.len() / OTHERS).max(1)).take(OTHERS);
        let row = |place: usize| {
            let mut row = rows.row_json(place).unwrap_or_default();
            row.retain(|name, _| inputs.iter().any(|input| input.name == *name));
            row
        };
        places.map(row).collect()
    }

    /// Every input of the model is said by every row.
    fn check_columns(&self, bases: &[BaseRow]) -> std::result::Result<(), Problem> {
        let inputs = &self.subject.model.signature.features;
        let lacking: Vec<String> = inputs
            .iter()
            .filter(|input| bases.iter().any(|base| !base.row.contains_key(&input.name)))
            .map(|input| format!("`{}`", input.name))
            .collect();
        if lacking.is_empty() {
            return Ok(());
        }
        let shown = text::list(&lacking[..lacking.len().min(6)]);
        let more = if lacking.len() > 6 { " and others" } else { "" };
        Err(format!(
            "the model reads {shown}{more}, which its rows do not say: add `with` or `others = \"validation\"`"
        ))
    }

    async fn answers(&self, rows: Vec<Map<String, Value>>) -> std::result::Result<Vec<RowAnswer>, Problem> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let features = &self.subject.model.signature.features;
        let columns: Vec<(String, FeatureKind)> =
            features.iter().map(|feature| (feature.name.clone(), feature.kind)).collect();
        let (predictor, contract) = (Arc::clone(&self.predictor), self.subject.contract.clone());
        let work = move || -> std::result::Result<Vec<RowAnswer>, Problem> {
            let table = json_table(&rows, &contract, &columns).map_err(|error| error.to_string())?;
            let predictions = predictor.predict(&table).map_err(|error| error.to_string())?;
            Ok(row_answers(&predictions))
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| "predicting stopped".to_owned())?
    }

    /// The class whose score is looked at: the one named, the positive one, or the one predicted before the change. None
    /// where only the label counts.
    fn class_of(&self, expectation: &Expectation, before: Option<&RowAnswer>) -> Option<usize> {
        if !expectation.needs_score() {
            return None;
        }
        let signature = &self.subject.model.signature;
        let classes = signature.labels.classes();
        let place = |name: &str| classes.iter().position(|class| class == name);
        let named = expectation.class().or(signature.positive.as_deref()).and_then(place);
        named.or_else(|| before.and_then(|row| place(&row.label)))
    }
}

/// An error with what lies beneath it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let text = source.to_string();
        if !words.ends_with(&text) {
            words.push_str(&format!(": {text}"));
        }
        next = source.source();
    }
    words.lines().next().unwrap_or_default().to_owned()
}

/// A test's result before anything was counted.
fn result(file: &BehaviouralTests, test: &BehaviouralTest, problem: Option<Problem>) -> TestResult {
    TestResult {
        file: file.name.clone(),
        name: test.name.clone(),
        about: test.about.clone(),
        capability: test.capability.clone(),
        kind: test.expectation.test_type(),
        expected: test.expectation.words(),
        passed: false,
        demanded: test.pass_rate,
        rate: Tally::default().rate(),
        void: 0,
        problem,
        failures: Vec::new(),
    }
}

/// A value as data files write it; `None` where it is missing.
fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
