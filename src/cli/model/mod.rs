//! `edgeward model`: what a model is, and how fast it is here.

mod bench;
mod inspect;
mod recipe;
mod sizes;
mod verify;

use std::path::{Path, PathBuf};

use super::{
    Failure,
    args::{EngineArg, ModelArgs, ModelCommand, Size},
    text::{bytes, grouped, print, print_json, table},
};
use edgeward_core::models;
use edgeward_engine::{Choice, Limits};

pub fn run(args: ModelArgs) -> Result<(), Failure> {
    let limits = Limits::default();
    match args.command {
        ModelCommand::Inspect { model, engine, nodes, size, json } => {
            let (onnx, choice) = onnx_of(&model, engine, &limits)?;
            let asked = inspect::Asked { all_nodes: nodes, sizes: &size, json };
            inspect::inspect(&onnx, &limits, choice, &asked)
        }
        ModelCommand::Verify { model, data, random, tolerance, trace, json } => {
            let asked = verify::Asked { data: &data, random, tolerance, trace, json };
            verify::verify(&model, &limits, &asked)
        }
        ModelCommand::Recipe { name, json } => recipe::recipe(name, json),
        ModelCommand::Bench { model, engine, size, secs, json } => {
            let (onnx, choice) = onnx_of(&model, engine, &limits)?;
            bench::bench(&onnx, &limits, choice, &size, secs, json)
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
