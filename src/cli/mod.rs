//! The command line: arguments -> a call into the library -> what is printed and the exit code.
//!
//! One file a command. Progress bars and colours live here; logic does not.

mod args;
mod audit;
mod bundle;
mod check;
#[cfg(feature = "demo")]
mod demo;
mod exit;
mod model;
mod place_args;
mod queue;
mod run;
mod score;
mod shell;
mod text;

pub use args::command;
pub use exit::Failure;

use std::process::ExitCode;

use args::{Cli, Command};
use clap::Parser;

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Run(args) => run::run(&args),
        Command::Score(args) => score::run(args),
        Command::Check(args) => check::run(&args),
        Command::Queue(args) => queue::run(args),
        Command::Audit(args) => audit::run(&args),
        Command::Model(args) => model::run(args),
        Command::Bundle(args) => bundle::run(args),
        #[cfg(feature = "demo")]
        Command::Demo(args) => demo::run(args),
        Command::Completions(args) => shell::completions(&args),
        Command::Man(args) => shell::man(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
