//! One file per noun: arguments around the use case's own request, and one function each.

pub(crate) mod analysis;
pub(crate) mod completions;
pub(crate) mod data;
pub(crate) mod demo;
pub(crate) mod feedback;
pub(crate) mod gate;
pub(crate) mod ledger;
pub(crate) mod model;
pub(crate) mod product;
pub(crate) mod release;
pub(crate) mod requirement;
pub(crate) mod run;
pub(crate) mod run_again;
mod run_files;
pub(crate) mod serving;
pub(crate) mod sync;
pub(crate) mod team;
pub(crate) mod up;

use crate::cli::Command;
use crate::session::Session;
use remuda_app::Result;

/// How a command ended: the program's exit code.
pub(crate) type Exit = u8;

/// Fine, or met.
pub(crate) const FINE: Exit = 0;
/// Not met, or what was checked is not well.
pub(crate) const NOT_MET: Exit = 1;
/// A command whose 1 is an answer failed, so it has none.
pub(crate) const NO_ANSWER: Exit = 2;
/// Undecided.
pub(crate) const UNDECIDED: Exit = 3;
/// Stopped by Ctrl-C, as shells count it.
pub(crate) const INTERRUPTED: Exit = 130;

/// How a command ends that fails: whoever asks for a verdict must not take a missing file for one.
pub(crate) fn failed(command: &Command) -> Exit {
    match command {
        Command::Check(_)
        | Command::Gate(gate::Verb::Evaluate(_) | gate::Verb::Check(_))
        | Command::Analysis(analysis::Verb::Test(_))
        | Command::Ledger(ledger::Verb::Verify(_)) => NO_ANSWER,
        Command::Run(arguments) if arguments.answers_by_exit_code() => NO_ANSWER,
        _ => NOT_MET,
    }
}

/// Runs a command.
pub(crate) async fn run(command: Command, session: &Session) -> Result<Exit> {
    match command {
        Command::Init(init) => product::init(init, session).await,
        Command::Check(check) => product::check(check, session),
        Command::Status(status) => product::status(status, session).await,
        Command::Requirement(verb) => requirement::run(verb, session).await,
        Command::Data(verb) => data::run(verb, session).await,
        Command::Run(arguments) => run::run(arguments, session).await,
        Command::Model(verb) => model::run(verb, session).await,
        Command::Gate(verb) => gate::run(verb, session).await,
        Command::Analysis(verb) => analysis::run(verb, session).await,
        Command::Team(team) => team::run(team, session).await,
        Command::Sign(sign) => team::sign(sign, session).await,
        Command::Release(verb) => release::run(verb, session).await,
        Command::Predict(predict) => serving::predict(predict, session).await,
        Command::Live(live) => serving::live(live, session).await,
        Command::Feedback(verb) => feedback::run(verb, session).await,
        Command::Why(why) => ledger::why(why, session).await,
        Command::Ledger(verb) => ledger::run(verb, session).await,
        Command::Up(up) => up::run(up, session).await,
        Command::Demo(demo) => demo::run(demo, session).await,
        Command::Sync(arguments) => sync::run(arguments, session).await,
        Command::Completions(completions) => Ok(completions::run(&completions)),
    }
}
