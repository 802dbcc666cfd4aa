//! `edgeward model`: what a model is, and how fast it is here.

mod bench;
mod inspect;
mod recipe;
mod verify;

use std::path::{Path, PathBuf};

use super::{
    Failure,
    args::{EngineArg, ModelArgs, ModelCommand},
    text::{bytes, grouped, print, print_json, table},
};
use edgeward_core::models;
use edgeward_engine::{Choice, Limits};

pub fn run(args: ModelArgs) -> Result<(), Failure> {
    let limits = Limits::default();
    match args.command {
        ModelCommand::Inspect { model, engine, nodes, json } => {
            let (onnx, choice) = onnx_of(&model, engine, &limits)?;
            inspect::inspect(&onnx, &limits, choice, nodes, json)
        }
        ModelCommand::Verify { model, data, random, tolerance, trace, json } => {
            let asked = verify::Asked { data: &data, random, tolerance, trace, json };
            verify::verify(&model, &limits, &asked)
        }
        ModelCommand::Recipe { name, json } => recipe::recipe(name, json),
        ModelCommand::Bench { model, engine, secs, json } => {
            let (onnx, choice) = onnx_of(&model, engine, &limits)?;
            bench::bench(&onnx, &limits, choice, secs, json)
        }
    }
}

/// The model file itself, where a bundle's folder is given, and what shall run it: as asked for, else
/// as the bundle says.
fn onnx_of(path: &Path, asked: Option<EngineArg>, limits: &Limits) -> Result<(PathBuf, Choice), Failure> {
    let asked = asked.map(Choice::from);
    if !path.is_dir() {
        return Ok((path.into(), asked.unwrap_or_default()));
    }
    let opened = models::open(path, limits).map_err(Failure::config)?;
    Ok((opened.onnx().into(), asked.unwrap_or(opened.engine)))
}
