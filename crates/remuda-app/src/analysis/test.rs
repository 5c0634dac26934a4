//! Behavioural tests of a candidate: the question, the answer, the fact. Running them is in [`test_run`](super::test_run),
//! what their numbers are worth in [`test_tally`](super::test_tally).

use super::test_answer::{DefinedTests, TestState, Tested, TestedFile};
use super::test_run::{Subject, run_tests, subject};
use super::test_tally::{Outcome, matrix};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::pin::{self, Pins, payload};
use crate::use_case::{Access, UseCase};
use remuda_ledger::{Append, FactQuery};
use remuda_model::Digest;
use remuda_model::behaviour::{Base, BehaviouralTest, BehaviouralTests};
use remuda_model::fact::{Fact, Link};
use remuda_repo::Defined;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Run behavioural tests on a candidate.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// A model's name (its newest version), a version's digest, or a run (its only or last model).
    pub candidate: String,
    /// Only this file of tests, or this test: a name, or FILE/TEST.
    #[arg(long, value_name = "NAME")]
    #[serde(default)]
    pub test: Option<String>,
    /// Failures shown of each test, worst first; 20 at most.
    #[arg(long, default_value_t = shown_failures())]
    #[serde(default = "shown_failures")]
    pub limit: usize,
}

fn shown_failures() -> usize {
    3
}

/// Show again what behavioural tests found. Costs nothing.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct ShowTests {
    /// A model's name (its newest version), a version's digest, or a run (its only or last model).
    pub candidate: String,
    /// Failures shown of each test, worst first; 20 at most.
    #[arg(long, default_value_t = shown_failures())]
    #[serde(default = "shown_failures")]
    pub limit: usize,
}

impl UseCase for Test {
    const NOUN: &'static str = "analysis";
    const VERB: &'static str = "test";
    const ACCESS: Access = Access::Write;
    const ABOUT: &'static str = "Run behavioural tests on a candidate.";
    type Answer = Tested;

    async fn run(self, app: &App, context: &Context) -> Result<Tested> {
        context.need_sound()?;
        let subject = subject(app, context, &self.candidate).await?;
        let chosen = choose(context, self.test.as_deref())?;
        let key = plan_key(&subject, &chosen, self.test.as_deref());
        let product = &context.product()?.name;
        let facts = app.ledger.facts_linking(product, key.as_str()).await?;
        if let Some(fact) = facts.iter().find(|fact| fact.fact.verb == "analysis.tested") {
            let known = read(fact)?;
            return Ok(shortened(Tested { repeated: true, ..known }, self.limit));
        }
        let mut outcomes = Vec::new();
        for (file, tests) in &chosen {
            outcomes.extend(run_tests(app, context, &subject, &file.value, tests).await?);
        }
        let tested = answer(app, context, &subject, &chosen, self.test.clone(), outcomes);
        let tested = append(app, context, &chosen, &key, tested).await?;
        Ok(shortened(tested, self.limit))
    }
}

impl UseCase for ShowTests {
    const NOUN: &'static str = "analysis";
    const VERB: &'static str = "tested";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "Show again what behavioural tests found. Costs nothing.";
    type Answer = TestState;

    async fn run(self, app: &App, context: &Context) -> Result<TestState> {
        let version = crate::model::resolve_model(app, context, &self.candidate).await?.version;
        let found = newest(app, context, &version.digest).await?;
        let files: Vec<DefinedTests> = context.definitions.tests.iter().map(defined).collect();
        let mut stale = Vec::new();
        if let Some(found) = &found {
            stale.extend(changed_files(&files, found));
            if let Some(version) = &found.version
                && let Some(latest) = crate::data::latest_version(app, context, &found.dataset).await?
                && latest.version.digest != *version
            {
                stale.push(format!("there is newer data: {}", latest.version.digest.short()));
            }
        }
        let found = found.map(|found| shortened(found, self.limit));
        Ok(TestState { model: version.digest, model_name: version.name, files, found, stale })
    }
}

fn defined(file: &Defined<BehaviouralTests>) -> DefinedTests {
    DefinedTests {
        name: file.value.name.clone(),
        about: file.value.about.clone(),
        tests: file.value.tests.len() as u64,
        digest: file.digest.clone(),
    }
}

fn changed_files(now: &[DefinedTests], found: &Tested) -> Vec<String> {
    let mut reasons = Vec::new();
    for file in &found.files {
        match now.iter().find(|known| known.name == file.name) {
            None => reasons.push(format!("the tests {} are there no more", file.name)),
            Some(known) if known.digest != file.digest => {
                reasons.push(format!("the tests {} have changed since", file.name));
            }
            Some(_) => {}
        }
    }
    if found.only.is_none() {
        let is_new = |known: &&DefinedTests| !found.files.iter().any(|file| file.name == known.name);
        reasons.extend(now.iter().filter(is_new).map(|known| format!("the tests {} are new", known.name)));
    }
    reasons
}

/// The newest run of all tests on a model; of some of them where all were never run.
pub(super) async fn newest(app: &App, context: &Context, model: &Digest) -> Result<Option<Tested>> {
    let query = FactQuery {
        verbs: vec!["analysis.tested".into()],
        target: Some(model.to_string()),
        newest_first: true,
        ..FactQuery::of(&context.product()?.name)
    };
    let facts = app.ledger.facts(&query).await?;
    let mut found: Vec<Tested> = facts.iter().map(read).collect::<Result<_>>()?;
    let whole = found.iter().position(|tested| tested.only.is_none());
    Ok(if found.is_empty() { None } else { Some(found.swap_remove(whole.unwrap_or(0))) })
}

fn read(fact: &Fact) -> Result<Tested> {
    let mut tested: Tested = payload(fact)?;
    tested.time = fact.fact.time;
    tested.fact.clone_from(&fact.fact.id);
    Ok(tested)
}

/// Files with those of their tests that were chosen.
pub(crate) type Chosen<'a> = Vec<(&'a Defined<BehaviouralTests>, Vec<&'a BehaviouralTest>)>;

/// The tests that a name means: all, a file's, or one.
fn choose<'a>(context: &'a Context, name: Option<&str>) -> Result<Chosen<'a>> {
    let files = &context.definitions.tests;
    if files.iter().all(|file| file.value.tests.is_empty()) {
        return Err(Error::new("analysis.not_ready", "there are no behavioural tests yet")
            .hint("write some in `tests/NAME.toml`: begin with `[[test]]`, and `remuda check` says what it needs"));
    }
    let whole = |file: &'a Defined<BehaviouralTests>| (file, file.value.tests.iter().collect());
    let Some(name) = name else { return Ok(files.iter().map(whole).collect()) };
    if let Some(file) = files.iter().find(|file| file.value.name == name) {
        return Ok(vec![whole(file)]);
    }
    let means = |file: &Defined<BehaviouralTests>, test: &BehaviouralTest| {
        test.name == name || format!("{}/{}", file.value.name, test.name) == name
    };
    let chosen: Chosen<'a> = files
        .iter()
        .map(|file| (file, file.value.tests.iter().filter(|test| means(file, test)).collect::<Vec<_>>()))
        .filter(|(_, tests)| !tests.is_empty())
        .collect();
    if chosen.is_empty() {
        let tests = files.iter().flat_map(|file| file.value.tests.iter().map(|test| test.name.as_str()));
        let known = files.iter().map(|file| file.value.name.as_str()).chain(tests);
        let error = Error::not_found("behavioural test", name);
        return Err(match remuda_model::text::nearest(name, known) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint("`remuda check` reads the files in `tests/`; leave out `--test` to run them all"),
        });
    }
    Ok(chosen)
}

fn reads_data(test: &BehaviouralTest) -> bool {
    matches!(test.base, Base::Data { .. }) || test.others.is_some()
}

/// Digest over everything that a run rests on: the same plan has the same answer.
fn plan_key(subject: &Subject, chosen: &Chosen<'_>, only: Option<&str>) -> Digest {
    let mut fields = vec![
        "remuda behavioural tests 1".to_owned(),
        subject.model.digest.to_string(),
        subject.version.contract.as_ref().map(ToString::to_string).unwrap_or_default(),
        only.unwrap_or_default().to_owned(),
    ];
    if chosen.iter().any(|(_, tests)| tests.iter().any(|test| reads_data(test))) {
        fields.push(subject.version.digest.to_string());
    }
    fields.extend(chosen.iter().map(|(file, _)| format!("{} {}", file.value.name, file.digest)));
    Digest::of_fields(fields.iter().map(String::as_bytes))
}

fn answer(
    app: &App,
    context: &Context,
    subject: &Subject,
    chosen: &Chosen<'_>,
    only: Option<String>,
    outcomes: Vec<Outcome>,
) -> Tested {
    let with_data = chosen.iter().any(|(_, tests)| tests.iter().any(|test| reads_data(test)));
    Tested {
        id: app.ids.short(),
        passed: outcomes.iter().all(|outcome| outcome.result.passed),
        model: subject.model.digest.clone(),
        model_name: subject.model.name.clone(),
        dataset: subject.version.dataset.clone(),
        version: with_data.then(|| subject.version.digest.clone()),
        files: chosen
            .iter()
            .map(|(file, _)| TestedFile { name: file.value.name.clone(), digest: file.digest.clone() })
            .collect(),
        only,
        matrix: matrix(&outcomes),
        tests: outcomes.into_iter().map(|outcome| outcome.result).collect(),
        repeated: false,
        actor: context.actor.name.clone(),
        time: 0,
        fact: String::new(),
    }
}

async fn append(app: &App, context: &Context, chosen: &Chosen<'_>, key: &Digest, mut tested: Tested) -> Result<Tested> {
    let mut pins = Pins::default();
    let mut links = vec![
        Link::makes("behavioural_tests", tested.id.as_str()),
        Link::uses("model_version", tested.model.as_str()),
        Link::uses("tests_key", key.as_str()),
    ];
    links.extend(tested.version.iter().map(|version| Link::uses("dataset_version", version.as_str())));
    chosen.iter().for_each(|(file, _)| pins.add(context, &file.path));
    if let Some(contract) = context.contract(&tested.dataset)? {
        pins.add(context, &contract.path);
    }
    links.extend(pins.links);
    let fact = pin::fact(app, context, "analysis.tested", tested.id.as_str(), &tested, links)?;
    tested.time = fact.time;
    tested.fact.clone_from(&fact.id);
    let append = Append { facts: vec![fact], definitions: pins.definitions, ..Append::default() };
    app.ledger.append(&context.product()?.name, append).await?;
    Ok(tested)
}

/// The same answer with so many failures of each test.
fn shortened(mut tested: Tested, limit: usize) -> Tested {
    tested.tests.iter_mut().for_each(|test| test.failures.truncate(limit));
    tested
}
