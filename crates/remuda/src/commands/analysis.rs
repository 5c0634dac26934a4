//! `remuda analysis`: where a candidate fails, and what can be done with what is found.

use super::{Exit, FINE, NOT_MET};
use crate::render;
use crate::session::Session;
use clap::Subcommand;
use remuda_app::analysis as noun;
use remuda_app::{Caller, Result};

/// Where a candidate fails, on which rows, and whether that can be believed.
#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Find the slices of data on which a candidate is worst, and check them on rows that the search has not seen.
    #[command(after_help = "Examples:
  remuda analysis slices trees
  remuda analysis slices trees --metric \"recall of yes\" --columns region,tenure --min-support 2%
  remuda analysis keep new-customers --slice 1 --criterion \"recall of yes >= 0.8\"")]
    Slices(noun::Slices),
    /// Show a candidate's mistakes: the confusion matrix with rows behind its cells, the surest mistakes, calibration.
    #[command(after_help = "Examples:
  remuda analysis mistakes trees
  remuda analysis mistakes trees --limit 20 --json")]
    Mistakes(noun::Mistakes),
    /// Find labels that are probably wrong, by what a candidate says of rows that it was not trained on.
    #[command(after_help = "Examples:
  remuda analysis labels trees
  remuda analysis labels trees --limit 200 --json")]
    Labels(noun::Labels),
    /// Compare two candidates on the same rows: won, lost, both wrong, with rows of each.
    #[command(after_help = "Examples:
  remuda analysis compare trees linear")]
    Compare(noun::Compare),
    /// Find the words and phrases that mark a candidate's mistakes, checked on rows that the search has not seen.
    #[command(after_help = "Examples:
  remuda analysis phrases intents
  remuda analysis phrases intents --metric \"recall of card_lost\" --min-support 20 --examples 5")]
    Phrases(noun::Phrases),
    /// Choose the decision threshold that costs least under a cost file, and say what it costs on rows it was not chosen on.
    #[command(
        after_help = "A cost file begins with `truth,prediction,cost`; pairs that it does not name must be right, and cost nothing.

Examples:
  remuda analysis threshold trees --costs churn_costs.csv"
    )]
    Threshold(noun::Threshold),
    /// Give a slice a name: it goes to `slices.toml`, and the criterion to paste is printed.
    #[command(after_help = "Examples:
  remuda analysis keep new-customers --slice 1
  remuda analysis keep seniors --where \"age >= 65\" --criterion \"accuracy >= 0.85\"")]
    Keep(noun::Keep),
    /// Put a slice under a criterion: one line more in a requirement. Comments and order of the file stay.
    #[command(after_help = "Examples:
  remuda analysis require 1
  remuda analysis require new-customers --criterion \"recall of yes >= 0.8\" --in churn")]
    Require(noun::Require),
    /// Turn a slice into a behavioural test: rows of it must get the label that they carry.
    #[command(after_help = "Examples:
  remuda analysis expect 1
  remuda analysis expect new-customers --pass-rate 0.8 --in churn")]
    Expect(noun::Expect),
    /// Ask for labels of a slice's rows: ids, inputs and an empty label in a CSV file, drawn by lot. The request is a fact.
    #[command(after_help = "Examples:
  remuda analysis request-labels 1 -o to-label.csv
  remuda analysis request-labels new-customers --split holdout -o to-label.csv
  remuda analysis request-labels 1 --again --rows 50 -o second-opinion.csv")]
    RequestLabels(noun::RequestLabels),
    /// Write the rows of a request for labels to a file again. Costs nothing.
    RequestedLabels(noun::RequestedLabels),
    /// Show an analysis again. Costs nothing.
    Show(noun::Show),
    /// List analyses, newest first.
    List(noun::List),
    /// Run behavioural tests on a candidate: rows that are written, filled in or changed on purpose.
    #[command(
        after_help = "Ends with 0 when every test passes, 1 when one does not. A test passes when as many of its cases
pass as its `pass_rate` demands: all of them, where it names none.

Examples:
  remuda analysis test trees
  remuda analysis test trees --test typos --limit 20"
    )]
    Test(noun::Test),
    /// Show again what behavioural tests found. Costs nothing.
    Tested(noun::ShowTests),
}

pub(crate) async fn run(verb: Verb, session: &Session) -> Result<Exit> {
    match verb {
        Verb::Test(request) => {
            let tested = session.ask(request, render::analysis::test::tested).await?;
            Ok(if tested.passed { FINE } else { NOT_MET })
        }
        Verb::Tested(request) => session.ask(request, render::analysis::test::state).await.map(|_| FINE),
        Verb::Slices(request) => session.ask(request, render::analysis::slices::sliced).await.map(|_| FINE),
        Verb::Mistakes(request) => session.ask(request, render::analysis::mistakes::mistakes).await.map(|_| FINE),
        Verb::Labels(request) => session.ask(request, render::analysis::labels::labels).await.map(|_| FINE),
        Verb::Compare(request) => session.ask(request, render::analysis::compare::compare).await.map(|_| FINE),
        Verb::Phrases(request) => session.ask(request, render::analysis::phrases::phrases).await.map(|_| FINE),
        Verb::Threshold(request) => session.ask(request, render::analysis::threshold::threshold).await.map(|_| FINE),
        Verb::Keep(request) => keep(request, session).await,
        Verb::Require(request) => {
            let sliced = numbered(&request.slice, &request.analysis, session).await?;
            let required = noun::require(&session.context()?, &request, sliced.as_ref())?;
            session.answer(&required, render::analysis::uses::required).map(|()| FINE)
        }
        Verb::Expect(request) => {
            let sliced = numbered(&request.slice, &request.analysis, session).await?;
            let expected = noun::expect(&session.context()?, &request, sliced.as_ref())?;
            session.answer(&expected, render::analysis::uses::expected).map(|()| FINE)
        }
        Verb::RequestLabels(request) => session.ask(request, render::analysis::uses::asked).await.map(|_| FINE),
        Verb::RequestedLabels(request) => session.ask(request, render::analysis::uses::asked).await.map(|_| FINE),
        Verb::Show(request) => session.ask(request, render::analysis::slices::sliced).await.map(|_| FINE),
        Verb::List(request) => session.ask(request, render::analysis::list).await.map(|_| FINE),
    }
}

/// The analysis that a slice's number is of; none for a slice by its name.
async fn numbered(slice: &str, analysis: &str, session: &Session) -> Result<Option<noun::Sliced>> {
    if !noun::is_number(slice) {
        return Ok(None);
    }
    Ok(Some(session.client().await?.call(noun::Show { analysis: analysis.to_owned() }).await?))
}

/// The ledger, perhaps a server's, tells what was found; the file is the member's own.
async fn keep(request: noun::Keep, session: &Session) -> Result<Exit> {
    let sliced = match &request.filter {
        Some(_) => None,
        None => {
            let show = noun::Show { analysis: request.analysis.clone() };
            Some(session.client().await?.call(show).await?)
        }
    };
    let kept = noun::keep(&session.context()?, &request, sliced.as_ref())?;
    session.answer(&kept, render::analysis::slices::kept)?;
    Ok(FINE)
}
