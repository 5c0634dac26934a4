//! `remuda team` and `remuda sign`: members, tokens, signatures.

use super::{Exit, FINE};
use crate::render;
use crate::session::Session;
use clap::{Args, Subcommand};
use remuda_app::Result;
use remuda_app::team as noun;

/// Show members, roles, signatures and who has done what; make and withdraw tokens.
#[derive(Args)]
#[command(after_help = "Members and their roles stand in `remuda.toml`:
  [members.ana]
  email = \"ana@example.org\"
  roles = [\"data-scientist\", \"data-engineer\"]")]
pub(crate) struct Team {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Subcommand)]
enum Verb {
    /// Show members, roles, signatures and who has done what.
    Show(noun::Show),
    /// Make a token for a member, to use the server from elsewhere. It is shown once.
    #[command(after_help = "Example:
  REMUDA_TOKEN=$(remuda team token ana --quiet) remuda status --server http://server:7777")]
    Token(noun::Token),
    /// Withdraw all tokens of a member.
    RevokeToken(noun::RevokeToken),
}

/// Sign: promise something about a subject. The signature binds digests.
#[derive(Args)]
#[command(after_help = "What is promised, by whom, about what:
  intent       product owner                     these criteria say what the business needs
  evidence     quality engineer, data scientist
               or domain expert                  the evaluation supports these verdicts
  operability  backend engineer                  it can be served, watched and rolled back
  accept       product owner                     the product takes this release
  waiver       product owner                     one criterion may be unmet until a day

Somebody who did part of the work may sign, but not as independent.

Examples:
  remuda sign intent churn
  remuda sign evidence trees --remark \"checked the split by hand\"
  remuda sign accept 9f3c01b2 --as pat
  remuda sign waiver k3f9a2 --criterion 2 --until 2026-12-31 --remark \"the holidays are quiet\"")]
#[group(skip)]
pub(crate) struct Sign {
    #[command(flatten)]
    request: noun::Sign,
}

pub(crate) async fn run(team: Team, session: &Session) -> Result<Exit> {
    match team.verb.unwrap_or(Verb::Show(noun::Show {})) {
        Verb::Show(request) => session.ask(request, render::team::show).await.map(|_| FINE),
        Verb::Token(request) => {
            let made = session.ask(request, |made, _| made.token.clone()).await?;
            session.say(&format!(
                "This is the only time that the token of {} is shown. Use it with `--token` or REMUDA_TOKEN.",
                made.member
            ));
            Ok(FINE)
        }
        Verb::RevokeToken(request) => {
            let member = request.member.clone();
            let render = move |_: &_, _: &_| format!("The tokens of {member} are withdrawn.\n");
            session.ask(request, render).await.map(|_| FINE)
        }
    }
}

pub(crate) async fn sign(sign: Sign, session: &Session) -> Result<Exit> {
    session.ask(sign.request, render::team::signed).await.map(|_| FINE)
}
