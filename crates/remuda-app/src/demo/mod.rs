//! `remuda demo`: a team's history, told by the same use cases that members call, on a clock that the story sets.
//!
//! Members are named by their role: owner, scientist, engineer, operator, tester. Nothing is painted: every number on the pages is computed from the generated
//! tickets by the functions that a real product uses; only the clock and the tickets are made up.

mod tickets;

use crate::app::{App, Clock, Progress, SetClock, SystemClock};
use crate::context::{Actor, Context, Source};
use crate::error::{Error, Result};
use crate::product::{Init, ledger_folder};
use crate::run::pipeline::{self, Observer, Stream};
use crate::serving::Inferred;
use crate::use_case::{Caller, Local};
use remuda_model::run::StepResult;
use remuda_model::serving::PredictionRecord;
use remuda_model::team::{Member, Product, Risk, Role, Stage};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tickets::{Mix, Random, Ticket};

/// The product's name.
const PRODUCT: &str = "triage";
const SEED: u64 = 7;
const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;
/// Days of traffic, and tickets on each of them.
const TRAFFIC_DAYS: usize = 16;
const TICKETS_A_DAY: usize = 140;

const REQUIREMENT: &str = r#"+++
goal = "Urgent tickets reach a person within minutes, in every language we serve"
owner = "owner"
data = "triage"
criteria = [
  "recall of urgent >= 0.80",
  "recall of urgent >= 0.70 where language = 'es'",
  "precision of urgent >= 0.70",
  "accuracy >= baseline majority + 0.05",
]
+++
# Why

An urgent ticket that waits in the ordinary queue costs us a customer in one of twelve cases; a routine ticket that is
taken for urgent costs a minute of somebody's time. So recall comes first, and precision only has to be bearable.

Spanish is our newest market. Its tickets are few, so its criterion is weaker, but it stands on its own: a good average
must not hide a language in which we fail.
"#;

/// In minutes of work: what the requirement says of customers and minutes.
const COSTS: &str = "truth,prediction,cost\nurgent,routine,20\nroutine,urgent,1\n";

const TESTS: &str = r#"about = "Urgent tickets are seen as such, however they are put and wherever they come in"
data = "triage"

[lexicon]
greeting = ["", "hello team,", "good morning,"]
trouble = [
  "our shop is down", "nobody can log in", "payments fail since this morning", "the server does not answer",
  "production has stopped",
]
question = ["where is the manual", "when is the next release", "can I add a colleague", "I would like a demo"]

[[test]]
name = "urgent-words"
capability = "vocabulary"
type = "minimum"
template = ["{greeting} {trouble}", "{trouble}, {trouble2}"]
with = { language = "en", channel = "mail" }
expect = { label = "urgent" }

[[test]]
name = "routine-words"
capability = "vocabulary"
type = "minimum"
template = "{greeting} {question}"
with = { language = "en", channel = "chat" }
expect = { label = "routine" }

[[test]]
name = "typos"
about = "A slip of the finger changes nothing"
capability = "robustness"
type = "invariance"
from = "validation"
change = { typos = 1 }
pass_rate = 0.95

[[test]]
name = "channel"
about = "A ticket is as urgent in a chat as on the phone, or nearly"
capability = "fairness"
type = "invariance"
from = "validation"
where = "language = 'en'"
limit = 100
change = { column = "channel", set = ["mail", "phone", "chat"] }
expect = { within = 0.1 }
pass_rate = 0.9

[[test]]
name = "more-trouble"
about = "A second trouble makes no ticket less urgent"
capability = "vocabulary"
type = "directional"
from = "validation"
where = "language = 'en'"
limit = 100
change = { append = "{trouble}" }
expect = { score = "not down", of = "urgent" }
"#;

/// What was told.
pub struct Told {
    /// The product's folder.
    pub root: PathBuf,
    /// Its name.
    pub product: String,
}

/// The story's clock goes on while a step works: its runs take the time that they really took.
struct Clockwork(Arc<SetClock>);

impl Observer for Clockwork {
    fn step_started(&mut self, _name: &str) {}
    fn step_ended(&mut self, result: &StepResult) {
        self.0.forward((result.seconds * 1e6) as i64);
    }
    fn progress(&mut self, _share: f64, _what: &str) {}
    fn output(&mut self, _line: &str, _stream: Stream) {}
}

/// The story while it is told.
struct Story {
    root: PathBuf,
    app: App,
    clock: Arc<SetClock>,
    source: Source,
    random: Random,
    start: i64,
}

/// Tells a team's history into a new folder `triage` under `folder`.
///
/// # Errors
/// The folder is a product already or cannot be written.
pub async fn tell(folder: &Path, progress: Progress) -> Result<Told> {
    let now = SystemClock.now();
    let start = now - 44 * DAY;
    let clock = Arc::new(SetClock::default());
    clock.set(start);
    let mut random = Random::new(SEED);
    progress(0.0, "drawing tickets");
    let first = tickets::draw(&mut random, 1, 2_600, &day_text(start), &Mix { spanish: 0.10, urgent: 0.30 });
    let scratch = tempfile::tempdir()?;
    let file = scratch.path().join("tickets.csv");
    std::fs::write(&file, tickets::csv(&first))?;
    progress(0.05, "engineer makes the product");
    let request = Init {
        name: PRODUCT.to_owned(),
        from: file.clone(),
        label: "priority".to_owned(),
        risk: "medium".to_owned(),
        format: None,
    };
    let quiet: Progress = Arc::new(|_, _| {});
    let actor = actor("engineer");
    let clock_seam: Arc<dyn Clock> = clock.clone();
    let place = crate::product::Place { clock: Some(clock_seam), ledger: None };
    let made = crate::product::init_at(folder, request, actor.clone(), quiet, place).await?;
    let root = made.folder;
    let clock_seam: Arc<dyn Clock> = clock.clone();
    let app = App::open(&ledger_folder(&root)).await?.with_clock(clock_seam);
    let source = Source::new(root.clone(), actor);
    let mut story = Story { root, app, clock, source, random, start };
    story.write_definitions()?;
    story.until_release(first, &file, &progress).await?;
    story.traffic(now, &scratch.path().join("outcomes.csv"), &progress).await?;
    story.app.ledger.close().await;
    progress(1.0, "told");
    Ok(Told { root: story.root, product: PRODUCT.to_owned() })
}

fn email(name: &str) -> String {
    format!("{name}@triage.example")
}

fn actor(name: &str) -> Actor {
    Actor { name: name.to_owned(), email: Some(email(name)), roles: Vec::new() }
}

/// `2026-11-23`.
fn day_text(time: i64) -> String {
    jiff::Timestamp::from_microsecond(time).map(|moment| moment.strftime("%Y-%m-%d").to_string()).unwrap_or_default()
}

fn team() -> Product {
    let member =
        |(name, role): (&str, Role)| Member { name: name.to_owned(), email: Some(email(name)), roles: vec![role] };
    Product {
        name: PRODUCT.to_owned(),
        stage: Stage::Operate,
        risk: Risk::Medium,
        solo: false,
        server: None,
        holdout_budget: 10,
        run: Default::default(),
        members: [
            ("owner", Role::ProductOwner),
            ("scientist", Role::DataScientist),
            ("engineer", Role::DataEngineer),
            ("operator", Role::BackendEngineer),
            ("tester", Role::QualityEngineer),
        ]
        .map(member)
        .to_vec(),
    }
}

impl Story {
    fn context(&self, member: &str) -> Result<Context> {
        self.source.context(Some(actor(member)))
    }

    fn caller(&self, member: &str) -> Result<Local> {
        Ok(Local { app: self.app.clone(), context: self.context(member)? })
    }

    /// Puts the clock to an hour of a day of the story.
    fn at(&self, day: i64, hour: i64) {
        self.clock.set(self.start + day * DAY + hour * HOUR);
    }

    fn commit(&self, member: &str, day: i64, files: &[&str], message: &str) -> Result<()> {
        let author = remuda_repo::git::User { name: member.to_owned(), email: email(member) };
        let seconds = (self.start + day * DAY) / 1_000_000;
        remuda_repo::git::commit_as(&self.root, &author, seconds, files, message)?;
        Ok(())
    }

    /// The team, its requirement and its duty roster take the place of what `init` proposed for one person.
    fn write_definitions(&self) -> Result<()> {
        let write = |path: &str, text: &str| std::fs::write(self.root.join(path), text);
        write("remuda.toml", &remuda_repo::render::product(&team()))?;
        write(&format!("requirements/{PRODUCT}.md"), REQUIREMENT)?;
        write(&format!("requirements/{PRODUCT}_costs.csv"), COSTS)?;
        let mut serving = remuda_model::serving::Serving::usual(PRODUCT);
        serving.on_duty = Some("operator".to_owned());
        write("serving.toml", &remuda_repo::render::serving(&serving))?;
        std::fs::create_dir_all(self.root.join("tests"))?;
        write(&format!("tests/{PRODUCT}.toml"), TESTS)?;
        self.commit("engineer", 0, &["remuda.toml"], "Name the team")?;
        self.commit(
            "owner",
            1,
            &["requirements/triage.md", "requirements/triage_costs.csv"],
            "Say what urgent tickets need",
        )?;
        self.commit("operator", 1, &["serving.toml"], "Say who is on duty")?;
        self.commit("tester", 1, &["tests/triage.toml"], "Say how the model must behave")?;
        Ok(())
    }

    async fn until_release(&mut self, first: Vec<Ticket>, file: &Path, progress: &Progress) -> Result<()> {
        self.at(2, 9);
        let owner = self.caller("owner")?;
        owner.call(sign("intent", PRODUCT, "as agreed with the support desk")).await?;

        progress(0.10, "scientist runs the pipeline");
        self.at(3, 14);
        self.run_pipeline("first try").await?;

        progress(0.30, "tester evaluates: too few Spanish tickets to decide");
        self.at(4, 10);
        self.evaluate("linear").await?;

        progress(0.33, "tester looks where it fails");
        self.slice("linear").await?;

        progress(0.35, "engineer adds more labelled tickets");
        self.at(12, 11);
        let mut more = first;
        let (count, day) = (more.len(), day_text(self.start + 11 * DAY));
        // A second look at the labels corrected a few; then the Spanish desk labelled its backlog.
        for ticket in more.iter_mut().step_by(97) {
            ticket.urgent = !ticket.urgent;
        }
        more.extend(tickets::draw(&mut self.random, count + 1, 12_000, &day, &Mix { spanish: 0.26, urgent: 0.30 }));
        std::fs::write(file, tickets::csv(&more))?;
        let engineer = self.caller("engineer")?;
        let add = crate::data::Add { file: file.to_owned(), name: Some(PRODUCT.into()), format: None, source: None };
        engineer.call(add).await?;

        progress(0.45, "scientist runs the pipeline again");
        self.at(13, 15);
        self.run_pipeline("with the Spanish backlog").await?;
        progress(0.65, "tester evaluates and signs the evidence");
        self.at(14, 10);
        let evaluation = self.evaluate("linear").await?;
        self.at(15, 9);
        let quality = self.caller("tester")?;
        quality.call(crate::analysis::Test { candidate: "linear".to_owned(), test: None, limit: 0 }).await?;
        // With few rows no slice stood out; with the backlog one does, and the other half of the rows says so too.
        self.slice("linear").await?;
        quality.call(sign("evidence", &evaluation.id, "checked the split and the Spanish slice by hand")).await?;

        progress(0.70, "operator makes a release; owner accepts it");
        self.at(16, 9);
        let backend = self.caller("operator")?;
        let release = backend.call(crate::release::Create { model: "linear".to_owned() }).await?;
        let digest = release.line.digest.to_string();
        self.at(16, 16);
        owner.call(sign("accept", &digest, "")).await?;
        self.at(17, 9);
        let promoted = backend.call(crate::release::Promote { release: Some(digest) }).await;
        promoted.map_err(|error| {
            let mut error = error;
            error.message = format!("the story's release could not go live: {}", error.message);
            error
        })?;
        Ok(())
    }

    async fn run_pipeline(&self, note: &str) -> Result<()> {
        let scientist = self.caller("scientist")?;
        let options = pipeline::Options { note: note.to_owned(), ..pipeline::Options::default() };
        pipeline::execute(&scientist, &self.root, &scientist.context, options, &mut Clockwork(self.clock.clone()))
            .await?;
        Ok(())
    }

    async fn slice(&self, model: &str) -> Result<crate::analysis::Sliced> {
        let slices = crate::analysis::Slices::of(model);
        let request = crate::analysis::Slices { metric: Some("recall of urgent".to_owned()), ..slices };
        self.caller("tester")?.call(request).await
    }

    async fn evaluate(&self, model: &str) -> Result<crate::gate::Evaluation> {
        let request = crate::gate::Evaluate { candidate: model.to_owned(), requirement: None, verdicts_only: false };
        self.caller("tester")?.call(request).await
    }

    /// Tickets come in day by day; Spanish grows from a tenth to more than half. What really was urgent is known two
    /// to six days later.
    async fn traffic(&mut self, now: i64, outcomes: &Path, progress: &Progress) -> Result<()> {
        let context = self.context("operator")?;
        let endpoint = crate::serving::live_endpoint(&self.app, &context)
            .await?
            .ok_or_else(|| Error::new("serving.no_release", "the story has no live release"))?;
        let begin = now - TRAFFIC_DAYS as i64 * DAY;
        let mut known: Vec<(i64, String, &'static str)> = Vec::new();
        let mut number = 100_000;
        for day in 0..TRAFFIC_DAYS {
            let share = day as f64 / TRAFFIC_DAYS as f64;
            progress(0.75 + 0.24 * share, "tickets come in; outcomes follow, late");
            let mix = Mix { spanish: 0.25 + 0.50 * share, urgent: 0.30 };
            let count = TICKETS_A_DAY + self.random.below(60);
            let midnight = begin + day as i64 * DAY;
            let drawn = tickets::draw(&mut self.random, number, count, &day_text(midnight), &mix);
            number += count;
            let mut records = Vec::with_capacity(count);
            for ticket in &drawn {
                let time = midnight + (self.random.share() * DAY as f64) as i64;
                let started = std::time::Instant::now();
                let predicted = endpoint.predict_rows(&[ticket.inputs()])?;
                let microseconds = started.elapsed().as_micros() as i64;
                records.extend(predicted.iter().map(|one| record(ticket, one, &endpoint.release, time, microseconds)));
                let seen = time + 2 * DAY + (self.random.share() * 4.0 * DAY as f64) as i64;
                known.push((seen, ticket.id.clone(), ticket.priority()));
            }
            self.clock.set(midnight + DAY - HOUR);
            crate::serving::append_predictions(&self.app, PRODUCT, &records, "system").await?;
            if day % 3 == 2 {
                self.outcomes(&mut known, midnight + DAY - HOUR / 2, outcomes).await?;
            }
        }
        self.outcomes(&mut known, now - 2 * HOUR, outcomes).await
    }

    /// Joins the outcomes that are known by now.
    async fn outcomes(&self, known: &mut Vec<(i64, String, &'static str)>, now: i64, file: &Path) -> Result<()> {
        let (due, later): (Vec<_>, Vec<_>) = known.drain(..).partition(|(seen, _, _)| *seen <= now);
        *known = later;
        if due.is_empty() {
            return Ok(());
        }
        self.clock.set(now);
        let mut text = String::from("prediction_id,priority\n");
        for (_, id, priority) in &due {
            text.push_str(&format!("{id},{priority}\n"));
        }
        std::fs::write(file, text)?;
        let request = crate::feedback::Add {
            file: file.to_owned(),
            id_column: None,
            outcome_column: None,
            time_column: None,
            source: None,
        };
        self.caller("engineer")?.call(request).await.map(|_| ())
    }
}

fn sign(kind: &str, subject: &str, remark: &str) -> crate::team::Sign {
    crate::team::Sign {
        kind: kind.to_owned(),
        subject: subject.to_owned(),
        remark: remark.to_owned(),
        criterion: None,
        until: None,
    }
}

fn record(ticket: &Ticket, one: &Inferred, release: &str, time: i64, microseconds: i64) -> PredictionRecord {
    PredictionRecord {
        id: ticket.id.clone(),
        release: release.to_owned(),
        time,
        label: one.label.clone(),
        score: one.score,
        inputs: serde_json::Value::Object(ticket.inputs()).to_string(),
        microseconds,
    }
}
