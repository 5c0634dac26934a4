//! `remuda gate`: evaluate a candidate, show evaluations, explain the language of criteria.

use super::{Exit, FINE, NOT_MET, UNDECIDED};
use crate::render;
use crate::session::Session;
use clap::{Args, Subcommand, ValueEnum};
use remuda_app::gate as noun;
use remuda_app::{Error, Result};
use remuda_model::gate::VerdictKind;
use std::path::PathBuf;

/// Evaluate a candidate on the holdout: met, not met or undecided, and at what price.
#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Evaluate a candidate on the holdout against the criteria. The look is a fact and is charged.
    #[command(after_help = "Ends with 0 when every criterion is met, 1 when one is not met, 3 when one is undecided.

Examples:
  remuda gate evaluate trees
  remuda gate evaluate trees --requirement churn --verdicts-only")]
    Evaluate(noun::Evaluate),
    /// Decide criteria on predictions that any program made: two files, joined by id. Needs no product.
    #[command(after_help = "Ends with 0 when every criterion is met, 1 when one is not met, 3 when one is undecided.

Examples:
  remuda gate check --truth test.parquet --predictions mine.csv -c \"recall of yes >= 0.9 where region = 'north'\"
  remuda gate check --truth test.csv --predictions new.csv --against production=old.csv -c \"accuracy >= production - 0.5 pp\"
  remuda gate check --truth test.csv --predictions mine.csv -c \"auc >= 0.8\" --format junit -o gate.xml")]
    Check(Check),
    /// Show an evaluation again. Costs nothing.
    Show(noun::Show),
    /// List evaluations, newest first.
    List(noun::List),
    /// Write an evaluation as one HTML file that can be sent on, or as a model card. Costs nothing.
    #[command(after_help = "The same evaluation gives the same bytes.

Examples:
  remuda gate report trees -o report.html
  remuda gate report trees --format card -o MODEL_CARD.md")]
    Report(Report),
    /// Explain the language of acceptance criteria.
    #[command(after_help = "With `--json`: the metrics with their ranges and units, for editors.")]
    Grammar(Grammar),
}

/// `gate check`, and how its answer is written.
#[derive(Args)]
#[group(skip)]
pub(crate) struct Check {
    #[command(flatten)]
    request: noun::Check,
    /// Write the verdicts as JUnit XML, as Markdown for a pull request, or as text for people.
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
    /// Write them to this file instead of standard output; people still get the text.
    #[arg(long, short = 'o', value_name = "FILE")]
    output: Option<PathBuf>,
}

/// `gate report`, and how it is written.
#[derive(Args)]
#[group(skip)]
pub(crate) struct Report {
    #[command(flatten)]
    request: noun::Report,
    /// One HTML file, or a model card in Markdown.
    #[arg(long, value_enum, default_value_t = Sheet::Html)]
    format: Sheet,
    /// Where to; without it, `NAME-report.html`, or the card to standard output.
    #[arg(long, short = 'o', value_name = "FILE")]
    output: Option<PathBuf>,
}

/// What a report is written as.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Sheet {
    /// One file with everything inside.
    Html,
    /// A model card in Markdown.
    Card,
}

/// How verdicts are written.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people.
    Text,
    /// For continuous integration.
    Junit,
    /// A comment for a pull request.
    Markdown,
}

/// `gate grammar` asks nothing.
#[derive(Args)]
pub(crate) struct Grammar {}

pub(crate) async fn run(verb: Verb, session: &Session) -> Result<Exit> {
    match verb {
        Verb::Evaluate(request) => {
            let evaluation = session.ask(request, render::gate::evaluation).await?;
            Ok(exit(evaluation.verdict))
        }
        Verb::Check(check) => check_files(check, session).await,
        Verb::Show(request) => session.ask(request, render::gate::evaluation).await.map(|_| FINE),
        Verb::List(request) => session.ask(request, render::gate::list).await.map(|_| FINE),
        Verb::Report(report) => write_report(report, session).await,
        Verb::Grammar(Grammar {}) => {
            session.answer(&render::grammar::data(), |_, paper| render::grammar::page(paper))?;
            Ok(FINE)
        }
    }
}

fn exit(verdict: VerdictKind) -> Exit {
    match verdict {
        VerdictKind::Met => FINE,
        VerdictKind::NotMet => NOT_MET,
        VerdictKind::Undecided => UNDECIDED,
    }
}

async fn write_report(report: Report, session: &Session) -> Result<Exit> {
    if session.globals.json && report.output.is_none() {
        return session.ask(report.request, render::report::text).await.map(|_| FINE);
    }
    let view = session.fetch(report.request).await?;
    let text = match report.format {
        Sheet::Html => render::report::html(&view),
        Sheet::Card => render::card::card(&view),
    };
    let output = match (&report.output, report.format) {
        (Some(output), _) => output.clone(),
        (None, Sheet::Html) => PathBuf::from(format!("{}-report.html", view.evaluation.model_name)),
        (None, Sheet::Card) => {
            session.screen.data(&text);
            return Ok(FINE);
        }
    };
    std::fs::write(&output, &text).map_err(|source| {
        Error::new("request.invalid", format!("cannot write {}", output.display()))
            .hint("name another place: -o FILE")
            .caused_by(&source)
    })?;
    session.say(&render::report::written(&view, &output.display().to_string(), text.len()));
    Ok(FINE)
}

async fn check_files(check: Check, session: &Session) -> Result<Exit> {
    let progress = session.progress.as_progress();
    let checked = noun::check(&check.request, progress.as_ref()).await?;
    let written = match check.format {
        Form::Text => None,
        Form::Junit => Some(render::check::junit(&checked)),
        Form::Markdown => Some(render::check::markdown(&checked)),
    };
    match (written, &check.output) {
        (None, None) => session.answer(&checked, render::check::text)?,
        (Some(text), None) => session.screen.data(&text),
        (written, Some(output)) => {
            let plain = || render::check::text(&checked, &session.paper());
            let text = match written {
                Some(text) => text,
                None if session.globals.json => serde_json::to_string_pretty(&checked)?,
                None => anstream::adapter::strip_str(&plain()).to_string(),
            };
            std::fs::write(output, text).map_err(|source| {
                Error::new("request.invalid", format!("cannot write {}", output.display())).caused_by(&source)
            })?;
            session.say(&plain());
        }
    }
    Ok(exit(checked.verdict))
}
