//! From the arguments to the outbox's folder, and a bar while something takes long.

use std::io::{self, IsTerminal};

use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use crate::{
    cli::{Failure, check, place_args::OutboxArgs},
    config,
};
use edgeward_outbox::tools::Place;

/// The outbox that is meant.
pub fn folder(args: &OutboxArgs) -> Result<Place, Failure> {
    match &args.dir {
        Some(dir) => Ok(Place::at(dir)),
        None => of_config(args),
    }
}

fn of_config(args: &OutboxArgs) -> Result<Place, Failure> {
    // Not the whole configuration: a backlog can be saved also where a model is missing.
    let outbox = config::load_outbox(&args.config.layers()).map_err(|error| check::tell(&error.faults))?;
    let missing = || Failure::config("the configuration has no [outbox]: name its folder with `--dir DIR`");
    outbox.as_ref().map(Place::of).ok_or_else(missing)
}

/// A bar on a terminal, counted in `what`.
pub fn progress_bar(quiet: bool, what: &'static str) -> Option<impl FnMut(u64, u64)> {
    if quiet || !io::stderr().is_terminal() {
        return None;
    }
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:40.cyan} {percent}%  {msg}  {eta} left") {
        bar.set_style(style);
    }
    Some(move |done: u64, total: u64| {
        bar.set_length(total);
        bar.set_position(done);
        bar.set_message(format!("{} {what}", HumanCount(done)));
        if done >= total {
            bar.finish_and_clear();
        }
    })
}
