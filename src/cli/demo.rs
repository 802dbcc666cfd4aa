//! `edgeward demo`: the first minute.

use super::{Failure, args::DemoArgs};
use crate::demo::{self, DemoError, Options};

pub fn run(args: DemoArgs) -> Result<(), Failure> {
    let options = Options {
        duration: args.duration,
        machines: args.machines.into(),
        rate_per_sec: args.rate,
        broker: args.broker,
    };
    demo::run(&options).map_err(|error| match error {
        DemoError::Books(differences) => Failure::Books(format!("the books differ: {differences}")),
        DemoError::Config(error) => super::check::tell(&error.faults),
        error @ DemoError::Url { .. } => Failure::config(error),
        error => Failure::failed(error),
    })
}
