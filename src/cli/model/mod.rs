//! `edgeward model`: what a model is, and how fast it is here.

mod bench;
mod inspect;

use std::path::{Path, PathBuf};

use super::{
    Failure,
    args::{ModelArgs, ModelCommand},
    text::{bytes, grouped, print, print_json},
};
use crate::{engine::Limits, models};

pub fn run(args: ModelArgs) -> Result<(), Failure> {
    let limits = Limits::default();
    match args.command {
        ModelCommand::Inspect { model, json } => inspect::inspect(&onnx_of(&model, &limits)?, &limits, json),
        ModelCommand::Bench { model, secs, json } => {
            bench::bench(&onnx_of(&model, &limits)?, &limits, secs, json)
        }
    }
}

/// The model file itself, where a bundle's folder is given.
fn onnx_of(path: &Path, limits: &Limits) -> Result<PathBuf, Failure> {
    if !path.is_dir() {
        return Ok(path.into());
    }
    Ok(models::open(path, limits).map_err(Failure::config)?.onnx().into())
}
