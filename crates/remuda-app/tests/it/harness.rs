//! A product in a temporary folder: generated rows, a team of six, definitions committed by their authors, a clock
//! that the story sets, and a ledger on either engine.

use remuda_app::app::{Clock, SetClock};
use remuda_app::context::{Actor, Context, Source};
use remuda_app::data::{Add, Added};
use remuda_app::gate::{Evaluate, Evaluation};
use remuda_app::release::{Create, Promote, ReleasePage};
use remuda_app::run::RunState;
use remuda_app::run::pipeline::{self, Observer, Stream};
use remuda_app::serving::{Predict, Predicted};
use remuda_app::team::{Sign, Signature};
use remuda_app::use_case::{Caller, Local, UseCase};
use remuda_app::{App, Result, feedback};
use remuda_model::run::StepResult;
use remuda_model::team::{Member, Product, Risk, Role, Stage};
use sqlx::{AssertSqlSafe, Connection as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// 2026-03-02, a Monday.
const START: i64 = 1_772_409_600_000_000;
pub(crate) const MINUTE: i64 = 60_000_000;

/// A team at work.
pub(crate) struct Story {
    folder: tempfile::TempDir,
    pub(crate) app: App,
    clock: Arc<SetClock>,
    source: Source,
    /// Where the ledger is, when it is no file.
    address: Option<String>,
}

/// Runs a story on each engine.
pub(crate) fn check_both<F: Future<Output = ()>>(risk: Risk, story: impl Fn(Story) -> F) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        story(Story::begin(risk, None).await).await;
        if let Ok(server) = std::env::var("REMUDA_TEST_POSTGRES") {
            let (address, schema) = fresh_schema(&server).await;
            story(Story::begin(risk, Some(address)).await).await;
            postgres(&server, &format!("DROP SCHEMA {schema} CASCADE")).await;
        }
    });
}

/// A schema of its own for one story, and the server's address with it.
async fn fresh_schema(server: &str) -> (String, String) {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let schema = format!("story_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    postgres(server, &format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")).await;
    let separator = if server.contains('?') { '&' } else { '?' };
    (format!("{server}{separator}options[search_path]={schema}"), schema)
}

async fn postgres(address: &str, sql: &str) {
    let mut connection = sqlx::PgConnection::connect(address).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// Customers `from` to `to` as CSV: `spend` and `plan` tell `churned` nine times in ten. `flip` turns the labels of
/// every so-manieth row.
pub(crate) fn customers(from: u64, to: u64, flip: Option<u64>) -> String {
    let mut text = String::from("customer,spend,plan,churned\n");
    for id in from..=to {
        // A number that looks drawn: the middle bits of a product with an odd constant.
        let drawn = id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let spend = (drawn % 1000) as f64 / 10.0;
        let plan = ["basic", "family", "business"][(drawn / 1000 % 3) as usize];
        let mut churned = (spend < 45.0) ^ (drawn / 3000 % 10 == 0);
        if flip.is_some_and(|every| id % every == 0) {
            churned = !churned;
        }
        text.push_str(&format!("{id},{spend},{plan},{}\n", if churned { "yes" } else { "no" }));
    }
    text
}

fn email(name: &str) -> String {
    format!("{name}@team.example")
}

fn actor(name: &str) -> Actor {
    Actor { name: name.to_owned(), email: Some(email(name)), roles: Vec::new() }
}

fn product(risk: Risk, budget: u32) -> Product {
    let member =
        |(name, role): (&str, Role)| Member { name: name.to_owned(), email: Some(email(name)), roles: vec![role] };
    Product {
        name: "churn".to_owned(),
        stage: Stage::Build,
        risk,
        solo: false,
        server: None,
        holdout_budget: budget,
        run: Default::default(),
        members: [
            ("owner", Role::ProductOwner),
            ("deputy", Role::ProductOwner),
            ("scientist", Role::DataScientist),
            ("engineer", Role::DataEngineer),
            ("operator", Role::BackendEngineer),
            ("tester", Role::QualityEngineer),
        ]
        .map(member)
        .to_vec(),
    }
}

const PIPELINE: &str = "[[step]]\nname = \"majority\"\nlearn = \"majority\"\ndata = \"churn\"\n\n\
    [[step]]\nname = \"linear\"\nlearn = \"linear\"\ndata = \"churn\"\n";

struct Silent;

impl Observer for Silent {
    fn step_started(&mut self, _name: &str) {}
    fn step_ended(&mut self, _result: &StepResult) {}
    fn progress(&mut self, _share: f64, _what: &str) {}
    fn output(&mut self, _line: &str, _stream: Stream) {}
}

impl Story {
    async fn begin(risk: Risk, address: Option<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("churn");
        let file = folder.path().join("first.csv");
        std::fs::write(&file, customers(1, 400, None)).unwrap();
        let request = remuda_data::InferRequest { source: &file, format: None, name: "churn", label: Some("churned") };
        let inference = remuda_data::infer(&request, &mut |_, _| {}).unwrap();
        let texts = [
            ("remuda.toml", remuda_repo::render::product(&product(risk, 10))),
            ("data/churn.odcs.yaml", remuda_repo::render::contract(&inference.contract)),
            ("pipeline.toml", PIPELINE.to_owned()),
            ("requirements/churn.md", requirement(&["accuracy >= 0.8"])),
        ];
        let files: Vec<(&str, &str)> = texts.iter().map(|(path, text)| (*path, text.as_str())).collect();
        std::fs::create_dir_all(&root).unwrap();
        remuda_repo::scaffold(&root, &files).unwrap();
        remuda_repo::git::init(&root, &["remuda.toml".to_owned()]).unwrap();
        let clock = Arc::new(SetClock::default());
        clock.set(START);
        let seam: Arc<dyn Clock> = clock.clone();
        let app = App::open_at(&root.join(".remuda"), address.as_deref()).await.unwrap().with_clock(seam);
        let story = Self { app, clock, source: Source::new(root, actor("engineer")), address, folder };
        story.commit("engineer", "data/churn.odcs.yaml");
        story.commit("scientist", "pipeline.toml");
        story.commit("owner", "requirements/churn.md");
        story
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("churn")
    }

    fn commit(&self, member: &str, path: &str) {
        let who = remuda_repo::git::User { name: member.to_owned(), email: email(member) };
        remuda_repo::git::commit_as(&self.root(), &who, START / 1_000_000, &[path], "Say what we mean").unwrap();
    }

    /// A member changes a definition and commits it.
    pub(crate) fn write(&self, member: &str, path: &str, text: &str) {
        let file = self.root().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
        self.commit(member, path);
    }

    /// The engineer drafts the contract again, from rows with other columns.
    pub(crate) fn redraft(&self, text: &str) {
        let file = self.folder.path().join("again.csv");
        std::fs::write(&file, text).unwrap();
        let request = remuda_data::InferRequest { source: &file, format: None, name: "churn", label: Some("churned") };
        let inference = remuda_data::infer(&request, &mut |_, _| {}).unwrap();
        self.write("engineer", "data/churn.odcs.yaml", &remuda_repo::render::contract(&inference.contract));
    }

    /// Puts another budget on the holdout.
    pub(crate) fn budget(&self, budget: u32) {
        self.write("owner", "remuda.toml", &remuda_repo::render::product(&product(Risk::Medium, budget)));
    }

    /// What the clock says.
    pub(crate) fn now(&self) -> i64 {
        self.clock.now()
    }

    /// Time goes on.
    pub(crate) fn later(&self, by: i64) {
        self.clock.forward(by);
    }

    pub(crate) fn context(&self, member: &str) -> Context {
        self.source.context(Some(actor(member))).unwrap()
    }

    fn caller(&self, member: &str) -> Local {
        Local { app: self.app.clone(), context: self.context(member) }
    }

    /// A member does something.
    pub(crate) async fn does<U: UseCase>(&self, member: &str, request: U) -> Result<U::Answer> {
        self.later(MINUTE);
        self.caller(member).call(request).await
    }

    /// The same folder and ledger, opened anew as the next process would.
    pub(crate) async fn reopened(&self) -> App {
        App::open_at(&self.root().join(".remuda"), self.address.as_deref()).await.unwrap()
    }

    /// A file outside of the repository.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        self.folder_file(name, text.as_bytes())
    }

    pub(crate) fn folder_file(&self, name: &str, text: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(crate) async fn add(&self, text: &str) -> Added {
        let file = self.file("rows.csv", text);
        let add = Add { file, name: Some("churn".into()), format: None, source: None };
        self.does("engineer", add).await.unwrap()
    }

    pub(crate) async fn train(&self) -> RunState {
        self.try_train().await.unwrap()
    }

    pub(crate) async fn try_train(&self) -> Result<RunState> {
        let scientist = self.caller("scientist");
        let options = pipeline::Options::default();
        pipeline::execute(&scientist, &self.root(), &scientist.context, options, &mut Silent).await
    }

    pub(crate) async fn evaluate(&self, candidate: &str) -> Evaluation {
        let request = Evaluate { candidate: candidate.into(), requirement: None, verdicts_only: false };
        self.does("tester", request).await.unwrap()
    }

    pub(crate) async fn sign(&self, member: &str, kind: &str, subject: &str) -> Signature {
        let request =
            Sign { kind: kind.into(), subject: subject.into(), remark: String::new(), criterion: None, until: None };
        self.does(member, request).await.unwrap()
    }

    /// A release of the newest linear model.
    pub(crate) async fn release(&self) -> ReleasePage {
        self.does("operator", Create { model: "linear".into() }).await.unwrap()
    }

    pub(crate) async fn promote(&self, release: &str) -> Result<ReleasePage> {
        self.does("operator", Promote { release: Some(release.to_owned()) }).await
    }

    /// Everything from rows to a live release; gives its digest.
    pub(crate) async fn go_live(&self, rows: &str) -> String {
        self.add(rows).await;
        self.train().await;
        let evaluation = self.evaluate("linear").await;
        self.sign("owner", "intent", "churn").await;
        self.sign("tester", "evidence", &evaluation.id).await;
        let release = self.release().await.line.digest.to_string();
        self.sign("owner", "accept", &release).await;
        self.promote(&release).await.unwrap();
        release
    }

    /// Predicts customers with the live release, under their own ids.
    pub(crate) async fn predict(&self, from: u64, to: u64) -> Result<Predicted> {
        let file = self.file("ask.csv", &customers(from, to, None));
        let id_column = Some("customer".to_owned());
        self.does("operator", Predict { file, output: None, id_column, model: None, source: None }).await
    }

    /// Outcomes come in: `id,value` lines.
    pub(crate) async fn outcomes(&self, lines: &[(u64, &str)]) -> feedback::Joined {
        let mut text = String::from("prediction_id,outcome\n");
        for (id, value) in lines {
            text.push_str(&format!("{id},{value}\n"));
        }
        let file = self.file("outcomes.csv", &text);
        let add = feedback::Add { file, id_column: None, outcome_column: None, time_column: None, source: None };
        self.does("engineer", add).await.unwrap()
    }

    /// Runs SQL as somebody who came from outside and put the append-only triggers out of action.
    pub(crate) async fn tamper(&self, table: &str, sql: &str) {
        match &self.address {
            Some(address) => postgres(address, &format!("ALTER TABLE {table} DISABLE TRIGGER ALL; {sql}")).await,
            None => {
                let address = format!("sqlite:{}", self.root().join(".remuda/ledger.db").display());
                let mut connection = sqlx::SqliteConnection::connect(&address).await.unwrap();
                let sql = format!("DROP TRIGGER IF EXISTS {table}_no_update; {sql}");
                sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
        }
    }
}

/// A requirement with these criteria.
pub(crate) fn requirement(criteria: &[&str]) -> String {
    let list: Vec<String> = criteria.iter().map(|criterion| format!("  \"{criterion}\",\n")).collect();
    format!(
        "+++\ngoal = \"Keep customers who would leave\"\nowner = \"owner\"\ndata = \"churn\"\ncriteria = [\n{}]\n+++\n\n\
         # Why\n\nA customer who leaves costs more than a letter.\n",
        list.concat()
    )
}
