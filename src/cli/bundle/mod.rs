//! `edgeward bundle`: models with what is known of them.

mod ask;
mod init;

use super::{
    Failure,
    args::{BundleArgs, BundleCommand},
};

pub fn run(args: BundleArgs) -> Result<(), Failure> {
    match args.command {
        BundleCommand::Init(args) => init::init(args),
    }
}
