//! Exit codes, documented in `docs/operations.md`, and the one place that prints an error chain.

use std::{error::Error, io, process::ExitCode};

use console::style;

/// Why a command did not succeed. Each variant has its exit code.
#[derive(Debug)]
pub enum Failure {
    /// 1: it failed while running.
    Failed(Box<dyn Error + Send + Sync>),
    /// 3: input was refused and the caller asked to be told so.
    Rejected(String),
    /// 4: the books don't agree.
    Books(String),
    /// 5: the daemon stopped with work left over.
    Left(String),
    /// 70: a part of the daemon died that it can't live without (EX_SOFTWARE of sysexits.h).
    Died(String),
    /// 78: the configuration or the model can't be used (EX_CONFIG of sysexits.h).
    Config(Box<dyn Error + Send + Sync>),
    /// 78, with everything printed already.
    ConfigTold,
}

impl Failure {
    pub fn failed(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Failure::Failed(error.into())
    }

    pub fn config(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Failure::Config(error.into())
    }

    fn code(&self) -> u8 {
        match self {
            Failure::Failed(_) => 1,
            Failure::Rejected(_) => 3,
            Failure::Books(_) => 4,
            Failure::Left(_) => 5,
            Failure::Died(_) => 70,
            Failure::Config(_) | Failure::ConfigTold => 78,
        }
    }

    /// Prints the failure and gives its exit code. A reader that closed the pipe is no failure.
    pub fn report(self) -> ExitCode {
        match &self {
            Failure::Failed(error) | Failure::Config(error) => {
                if is_broken_pipe(error.as_ref()) {
                    return ExitCode::SUCCESS;
                }
                print(&error.to_string());
                // A source already told within its parent's text is not told twice.
                let mut told = error.to_string();
                let mut source = error.source();
                while let Some(cause) = source {
                    let text = cause.to_string();
                    if !told.contains(&text) {
                        eprintln!("  caused by: {text}");
                    }
                    told = text;
                    source = cause.source();
                }
            }
            Failure::Rejected(text) | Failure::Books(text) | Failure::Left(text) | Failure::Died(text) => {
                print(text)
            }
            Failure::ConfigTold => {}
        }
        ExitCode::from(self.code())
    }
}

fn print(text: &str) {
    eprintln!("{} {text}", style("error:").red().bold().for_stderr());
}

fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            return true;
        }
        next = error.source();
    }
    false
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::failed(error)
    }
}
