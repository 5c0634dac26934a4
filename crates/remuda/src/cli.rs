//! The command line: its commands in groups of what a team does, and the options that all commands share.

use crate::commands;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// The shared workplace of a machine-learning team: one binary, one ledger.
#[derive(Parser)]
#[command(
    name = "remuda",
    version,
    help_template = TEMPLATE,
    max_term_width = 100,
    disable_help_subcommand = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const TEMPLATE: &str = "\
{about}

{usage-heading} {usage}

Begin
  demo         Tell a team's whole history on generated tickets, and open its board
  init         Make a product from a data file
  status       What holds, what is stale, what waits and on whom
  check        Validate every definition file
  up           Serve pages, API and the live model on one port

Agree
  requirement  What the business wants, and where each criterion stands
  team         Members, roles, signatures, tokens
  sign         Promise something about a requirement, evidence or a release

Work
  data         Add, list, look at, compare and export dataset versions
  run          Run the pipeline, or track any command
  sync         Deliver what runs logged while their server was away
  model        Model versions: what they read, who made them, how good they are

Decide
  gate         Evaluate a candidate: met, not met or undecided, and at what price
  analysis     Where a candidate fails, and whether that can be believed
  release      Bind model and evidence to one digest; put it live, take it back

Operate
  predict      Predict the rows of a file with the live release
  live         Traffic, the live metric, drift
  feedback     Join outcomes to predictions

Understand
  why          Where something came from, and what came of it
  ledger       The facts, and whether they are whole

Options
{options}

`remuda COMMAND --help` tells more, with examples. `remuda completions SHELL` prints completions.
";

/// Options that all commands share.
#[derive(Args, Clone, Default)]
pub(crate) struct Globals {
    /// The product's folder; without it, the nearest one upwards with a `remuda.toml`.
    #[arg(long, short = 'C', global = true, value_name = "DIR", help_heading = "Global options")]
    pub(crate) product: Option<PathBuf>,
    /// Act as this member; without it, whoever git knows.
    #[arg(
        id = "acting_member",
        long = "as",
        alias = "member",
        global = true,
        value_name = "MEMBER",
        env = "REMUDA_MEMBER",
        hide_env_values = true,
        help_heading = "Global options"
    )]
    pub(crate) acting_member: Option<String>,
    /// Answer as JSON; errors too.
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) json: bool,
    /// The server that keeps the ledger; without it, the one that `remuda.toml` names, else this machine.
    #[arg(long = "server", id = "server_url", global = true, value_name = "URL", help_heading = "Global options")]
    pub(crate) server: Option<String>,
    /// The token for the server.
    #[arg(
        long = "token",
        id = "server_token",
        global = true,
        value_name = "TOKEN",
        env = "REMUDA_TOKEN",
        hide_env_values = true,
        help_heading = "Global options"
    )]
    pub(crate) token: Option<String>,
    /// A PostgreSQL that keeps the facts instead of `.remuda/ledger.db`.
    #[arg(
        long = "ledger",
        id = "ledger_url",
        global = true,
        value_name = "URL",
        env = "REMUDA_LEDGER",
        hide_env_values = true,
        help_heading = "Global options"
    )]
    pub(crate) ledger: Option<String>,
    /// When to use colour.
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WHEN",
        default_value_t = Colour::Auto,
        hide_possible_values = true,
        help_heading = "Global options",
        help = "When to use colour: auto, always or never"
    )]
    pub(crate) color: Colour,
    /// Say nothing beside the answer.
    #[arg(long, short, global = true, help_heading = "Global options")]
    pub(crate) quiet: bool,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    /// On terminals, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Subcommand)]
pub(crate) enum Command {
    Init(commands::product::Init),
    Check(commands::product::Check),
    Status(commands::product::Status),
    #[command(subcommand)]
    Requirement(commands::requirement::Verb),
    #[command(subcommand)]
    Data(commands::data::Verb),
    Run(commands::run::Run),
    Sync(commands::sync::Sync),
    #[command(subcommand)]
    Model(commands::model::Verb),
    #[command(subcommand)]
    Gate(commands::gate::Verb),
    #[command(subcommand)]
    Analysis(commands::analysis::Verb),
    Team(commands::team::Team),
    Sign(commands::team::Sign),
    #[command(subcommand)]
    Release(commands::release::Verb),
    Predict(commands::serving::Predict),
    Live(commands::serving::Live),
    #[command(subcommand)]
    Feedback(commands::feedback::Verb),
    Why(commands::ledger::Why),
    #[command(subcommand)]
    Ledger(commands::ledger::Verb),
    Up(commands::up::Up),
    Demo(commands::demo::Demo),
    Completions(commands::completions::Completions),
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_command_is_missing_from_the_help() {
        for command in Cli::command().get_subcommands() {
            let name = command.get_name();
            let listed = TEMPLATE.lines().any(|line| line.starts_with(&format!("  {name} ")));
            assert!(listed || name == "completions", "`{name}` is not in the help");
        }
    }

    #[test]
    fn a_member_can_be_named_before_and_after_any_command() {
        let cases: [(&[&str], Option<&str>); 5] = [
            (&["remuda", "--as", "ana", "status"], Some("ana")),
            (&["remuda", "status", "--as", "ana"], Some("ana")),
            (&["remuda", "--as", "ana", "data", "add", "f.csv", "--as", "tickets"], Some("ana")),
            (&["remuda", "data", "add", "f.csv", "--as", "tickets", "--member", "ana"], Some("ana")),
            (&["remuda", "data", "add", "f.csv", "--as", "tickets"], None),
        ];
        for (words, member) in cases {
            let cli = Cli::try_parse_from(words).unwrap();
            assert_eq!(cli.globals.acting_member.as_deref(), member, "{words:?}");
            if let Command::Data(commands::data::Verb::Add(add)) = cli.command {
                assert_eq!(add.request.name.as_deref(), Some("tickets"));
            }
        }
    }
}
