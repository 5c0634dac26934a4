//! Runs a story on each engine, and makes the facts it is told with.

use remuda_ledger::{Append, Ledger};
use remuda_model::fact::{Link, NewFact};
use remuda_model::team::Role;
use sqlx::{AssertSqlSafe, Connection as _};
use std::sync::atomic::{AtomicU32, Ordering};

/// An empty ledger and the address at which it can be opened again.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) ledger: Ledger,
    pub(crate) address: String,
}

/// Runs a story on SQLite and, where a server is given, on PostgreSQL.
pub(crate) fn check_both<F: Future<Output = ()>>(story: impl Fn(Place) -> F) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let address = format!("sqlite:{}", folder.path().join("new/ledger.db").display());
        let ledger = Ledger::open(&address).await.unwrap();
        story(Place { ledger: ledger.clone(), address }).await;
        ledger.close().await;

        if let Ok(server) = std::env::var("REMUDA_TEST_POSTGRES") {
            let (address, schema) = fresh_schema(&server).await;
            let ledger = Ledger::open(&address).await.unwrap();
            story(Place { ledger: ledger.clone(), address }).await;
            ledger.close().await;
            postgres(&server, &format!("DROP SCHEMA {schema} CASCADE")).await.unwrap();
        }
    });
}

/// A schema of its own for one test, and the server's address with it.
async fn fresh_schema(server: &str) -> (String, String) {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let schema = format!("test_{}_{number}", std::process::id());
    postgres(server, &format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")).await.unwrap();
    let separator = if server.contains('?') { '&' } else { '?' };
    (format!("{server}{separator}options[search_path]={schema}"), schema)
}

async fn postgres(address: &str, sql: &str) -> Result<(), sqlx::Error> {
    let mut connection = sqlx::PgConnection::connect(address).await?;
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await?;
    connection.close().await
}

impl Place {
    /// Runs SQL as somebody who came to the database from outside.
    pub(crate) async fn outside(&self, sql: &str) -> Result<(), sqlx::Error> {
        if !self.ledger.is_local() {
            return postgres(&self.address, sql).await;
        }
        let mut connection = sqlx::SqliteConnection::connect(&self.address).await?;
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await?;
        connection.close().await
    }

    /// Runs SQL as somebody who first put the append-only triggers out of action.
    pub(crate) async fn tamper(&self, sql: &str) {
        let mut all = String::new();
        for table in ["fact", "link", "definition", "metric_point", "prediction", "outcome"] {
            if self.ledger.is_local() {
                all.push_str(&format!("DROP TRIGGER IF EXISTS {table}_no_update;"));
                all.push_str(&format!("DROP TRIGGER IF EXISTS {table}_no_delete;"));
                all.push_str(&format!("DROP TRIGGER IF EXISTS {table}_no_replace;"));
            } else {
                all.push_str(&format!("ALTER TABLE {table} DISABLE TRIGGER ALL;"));
            }
        }
        self.outside(&format!("{all}{sql}")).await.unwrap();
    }

    /// The messages of a verification.
    pub(crate) async fn problems(&self) -> Vec<String> {
        let report = self.ledger.verify("churn", &mut |_, _| {}).await.unwrap();
        report
            .problems
            .into_iter()
            .map(|problem| format!("{} {}: {}", problem.sequence.unwrap_or(0), problem.id, problem.message))
            .collect()
    }

    /// Appends facts of product churn.
    pub(crate) async fn add(&self, facts: Vec<NewFact>) {
        self.ledger.append("churn", Append { facts, ..Append::default() }).await.unwrap();
    }
}

/// A fact of product churn by which Ana adds data.
pub(crate) fn fact(id: &str) -> NewFact {
    NewFact {
        id: id.to_owned(),
        product: "churn".to_owned(),
        time: 1_700_000_000_000_000,
        actor: "ana".to_owned(),
        role: Some(Role::DataEngineer),
        verb: "data.added".to_owned(),
        subject: format!("version-of-{id}"),
        payload: r#"{"rows": 7043}"#.to_owned(),
        links: vec![Link::makes("dataset_version", format!("version-of-{id}"))],
    }
}

/// Facts `f1`, `f2`, … of product churn.
pub(crate) fn facts(numbers: std::ops::RangeInclusive<u32>) -> Vec<NewFact> {
    numbers.map(|number| fact(&format!("f{number}"))).collect()
}
