//! The seam between faces and use cases: one request struct is the command's flags, the API's body and the form.
//!
//! A face never calls a use case's function by itself: it goes through a [`Caller`], which runs it in this process
//! ([`Local`]) or sends it to a server. [`visit_all`] hands every use case to a visitor, so that the API's routes,
//! its OpenAPI description and the tests cannot forget one.

use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::future::Future;
use utoipa::ToSchema;

/// Whether a use case only reads. Reading needs no membership on a loopback server; writing needs a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It appends nothing.
    Read,
    /// It appends facts.
    Write,
}

/// One use case: the request is the struct, its function is [`UseCase::run`].
pub trait UseCase: Serialize + DeserializeOwned + ToSchema + Send + Sync + 'static {
    /// The noun: `data` in `remuda data add` and `/api/v1/data/add`.
    const NOUN: &'static str;
    /// The verb.
    const VERB: &'static str;
    /// Whether it only reads.
    const ACCESS: Access;
    /// One line for the reference.
    const ABOUT: &'static str;
    /// What it answers.
    type Answer: Serialize + DeserializeOwned + ToSchema + Send;

    /// Authorise, pin definitions, compute, append facts in one transaction.
    fn run(self, app: &App, context: &Context) -> impl Future<Output = Result<Self::Answer>> + Send;
}

/// Whoever can carry out use cases: this process, or a server.
pub trait Caller: Sync {
    /// Carries out one use case.
    fn call<U: UseCase>(&self, request: U) -> impl Future<Output = Result<U::Answer>> + Send;
}

/// A caller in this process.
pub struct Local {
    /// The application.
    pub app: App,
    /// Who calls, and with which definitions.
    pub context: Context,
}

impl Caller for Local {
    async fn call<U: UseCase>(&self, request: U) -> Result<U::Answer> {
        run(request, &self.app, &self.context).await
    }
}

/// Runs a use case after the checks that all share.
pub async fn run<U: UseCase>(request: U, app: &App, context: &Context) -> Result<U::Answer> {
    if U::ACCESS == Access::Write && !context.may_write() {
        return Err(Error::new(
            "access.denied",
            format!(
                "`{}` is no member of {}, so it may read but not write",
                context.actor.name,
                context.product_name()
            ),
        )
        .hint("add a `[members.NAME]` table to `remuda.toml`"));
    }
    request.run(app, context).await
}

/// Something that wants to know every use case.
pub trait Visitor {
    /// Called once for each use case.
    fn visit<U: UseCase>(&mut self);
}

macro_rules! use_cases {
    ($($request:ty),* $(,)?) => {
        /// Hands every use case to the visitor, by noun.
        pub fn visit_all(visitor: &mut impl Visitor) {
            $(visitor.visit::<$request>();)*
        }
    };
}

use_cases! {
    crate::product::Check,
    crate::product::Status,
    crate::requirement::List, crate::requirement::Show,
    crate::data::Add, crate::data::Log, crate::data::Show, crate::data::Diff, crate::data::Export,
    crate::run::Start, crate::run::Train, crate::run::Record, crate::run::Beat, crate::run::Finish,
    crate::run::List, crate::run::Show, crate::run::Diff,
    crate::run::KnownCode, crate::run::Keep, crate::run::RecordOutputs, crate::run::Fetch,
    crate::run::CompareRuns, crate::run::Curves, crate::run::Groups, crate::run::Experiments,
    crate::run::Views, crate::run::SaveView, crate::run::ForgetView, crate::run::Preview,
    crate::run::Artifacts, crate::run::Download,
    crate::run::Delete, crate::run::Undelete, crate::run::Collect, crate::run::Storage,
    crate::run::Import, crate::run::Export,
    crate::model::List, crate::model::Show, crate::model::Add, crate::model::Export,
    crate::model::registry::Registered,
    crate::gate::Evaluate, crate::gate::Show, crate::gate::List, crate::gate::Report,
    crate::analysis::Test, crate::analysis::ShowTests,
    crate::analysis::Keep, crate::analysis::Require, crate::analysis::Expect,
    crate::analysis::RequestLabels, crate::analysis::RequestedLabels,
    crate::analysis::Slices, crate::analysis::Mistakes, crate::analysis::Labels, crate::analysis::Compare, crate::analysis::Show, crate::analysis::List,
    crate::analysis::Threshold, crate::analysis::Phrases,
    crate::team::Show, crate::team::Sign, crate::team::Token, crate::team::RevokeToken,
    crate::release::Create, crate::release::List, crate::release::Show, crate::release::Promote, crate::release::Rollback,
    crate::serving::Predict, crate::serving::Live,
    crate::feedback::Add,
    crate::ledger::Log, crate::ledger::Why, crate::ledger::Verify,
}
