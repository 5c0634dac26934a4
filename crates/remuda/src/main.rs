//! The `remuda` program: commands for people, over the use cases of remuda-app.
//!
//! What lives here: the command line ([`cli`], [`commands`]: one file per noun), what answers look like in a terminal
//! ([`render`]: the same nouns), and the wiring of the server ([`server`]). What never does: a rule. Whether something
//! may happen, and what it means, is decided by the use cases.
//!
//! - [`session`]: what all commands share: the product's folder, who acts, where answers go
//! - [`client`]: use cases in this process, or over HTTP ([`remote`])
//! - [`runner`]: the local address of a tracked command, its spool, and who delivers it
//! - [`onnxruntime`]: where the library of the second engine lies on this machine
//! - [`screen`]: standard output for data, standard error for talk; colours and widths; [`progress`]

mod cli;
mod client;
mod commands;
mod onnxruntime;
mod progress;
mod remote;
mod render;
mod runner;
mod screen;
mod server;
mod session;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let error = remuda_app::Error::new("internal", "cannot start the threads of the program").caused_by(&error);
            session::Session::new(cli.globals).fail(&error);
            return ExitCode::from(commands::failed(&cli.command));
        }
    };
    let failed = commands::failed(&cli.command);
    let session = session::Session::new(cli.globals);
    let outcome = runtime.block_on(async {
        let outcome = commands::run(cli.command, &session).await;
        session.close().await;
        outcome
    });
    // Whatever still reads a file in the background must not hold the end of the program.
    runtime.shutdown_background();
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            session.fail(&error);
            ExitCode::from(failed)
        }
    }
}

/// Help and version go to standard output; a wrong command line is an error, as JSON where it was asked for.
fn usage(error: &clap::Error) -> ExitCode {
    let wants_json = std::env::args_os().take_while(|word| word != "--").any(|word| word == "--json");
    if error.use_stderr() && wants_json {
        let rendered = error.render().to_string();
        let message = rendered.lines().next().unwrap_or_default().trim_start_matches("error: ");
        let globals = cli::Globals { json: true, ..cli::Globals::default() };
        let shown = remuda_app::Error::new("request.invalid", message).hint("`remuda --help` lists the commands");
        session::Session::new(globals).fail(&shown);
        return ExitCode::from(2);
    }
    // A closed pipe is no reason to complain.
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}
