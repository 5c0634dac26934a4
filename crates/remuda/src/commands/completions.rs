//! `remuda completions`: what shells need to complete commands.

use super::{Exit, FINE};
use crate::cli::Cli;
use clap::{Args, CommandFactory};

/// Print completions for a shell.
#[derive(Args)]
#[command(after_help = "Examples:
  remuda completions bash > ~/.local/share/bash-completion/completions/remuda
  remuda completions zsh > ~/.zfunc/_remuda
  remuda completions fish > ~/.config/fish/completions/remuda.fish")]
pub(crate) struct Completions {
    /// The shell.
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

pub(crate) fn run(completions: &Completions) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(completions.shell, &mut Cli::command(), "remuda", &mut script);
    // A closed pipe is no reason to complain.
    let _ = std::io::Write::write_all(&mut std::io::stdout(), &script);
    FINE
}
