//! Whole suites of cases: a model, its inputs, and what it must answer.
//!
//! `tests/suites/` writes them; each case is a folder with `model.onnx`, `case.json` and the values as
//! ONNX messages. What fails is listed with its reason in `tests/suites/failing/SUITE.txt`, and that list
//! must be exact: a case that begins to pass must leave it.
//!
//! `CASES=resize cargo test --lib native::tests::suite -- --nocapture` runs the cases whose name
//! holds the word and prints what is wrong with each; `SUITES` is another folder of suites;
//! `UPDATE_FAILING=1` writes the lists anew.

use std::{
    cell::Cell,
    collections::BTreeMap,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Once,
};

use bytes::Bytes;
use prost::Message;
use serde::Deserialize;

use super::compare::compare;
use crate::{
    native::{
        build::build,
        exec::{Bounds, Run},
        value::{Value, Weights, decode, reference},
    },
    onnx::proto::{MapProto, ModelProto, OptionalProto, SequenceProto, TensorProto},
};

#[derive(Deserialize)]
pub(super) struct Case {
    rtol: f64,
    atol: f64,
    pub inputs: Vec<Part>,
    outputs: Vec<Part>,
}

#[derive(Deserialize)]
pub(super) struct Part {
    pub name: String,
    pub kind: String,
}

pub(super) const BOUNDS: Bounds = Bounds { max_tensor_bytes: 1 << 30, max_loop_turns: 1_000_000 };

pub(super) fn root() -> PathBuf {
    std::env::var_os("SUITES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/test-suites"), PathBuf::from)
}

pub(super) fn value(path: &Path, kind: &str) -> Result<Option<Value>, String> {
    let Ok(bytes) = fs::read(path) else { return Ok(None) };
    let bytes = Bytes::from(bytes);
    let weights = Weights { file: None, max_tensor_bytes: BOUNDS.max_tensor_bytes };
    let text = |error: prost::DecodeError| error.to_string();
    let value = match kind {
        "tensor" => decode::tensor(&TensorProto::decode(bytes).map_err(text)?, weights).map(Value::Tensor),
        "sequence" => reference::sequence(&SequenceProto::decode(bytes).map_err(text)?, weights),
        "optional" => reference::optional(&OptionalProto::decode(bytes).map_err(text)?, weights),
        _ => reference::map(&MapProto::decode(bytes).map_err(text)?, weights),
    };
    value.map(Some).map_err(|fault| fault.to_string())
}

/// Runs one case; an error is one sentence on what differs.
fn check(folder: &Path) -> Result<(), String> {
    let text = fs::read_to_string(folder.join("case.json")).map_err(|error| error.to_string())?;
    let case: Case = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let bytes = fs::read(folder.join("model.onnx")).map_err(|error| error.to_string())?;
    let proto = ModelProto::decode(Bytes::from(bytes)).map_err(|error| error.to_string())?;
    let weights = Weights { file: None, max_tensor_bytes: BOUNDS.max_tensor_bytes };
    let graph = build(&proto, weights, BOUNDS).map_err(|fault| fault.to_string())?;
    for set in 0.. {
        let folder = folder.join(format!("set_{set}"));
        if !folder.is_dir() {
            break;
        }
        let part = |role: &str, index: usize, part: &Part| {
            value(&folder.join(format!("{role}_{index}.pb")), &part.kind)
                .map_err(|error| format!("{role} {index}: {error}"))
        };
        // A case counts the weights that old models list among their inputs; they are in the model.
        let inputs = case
            .inputs
            .iter()
            .enumerate()
            .filter(|(_, input)| graph.inputs.iter().any(|port| port.name == input.name));
        let inputs = inputs.map(|(i, input)| part("input", i, input)).collect::<Result<Vec<_>, _>>()?;
        let mut run = Run::new(BOUNDS);
        let outputs = run.graph(&graph, inputs, &[]).map_err(|fault| fault.to_string())?;
        for (index, (output, got)) in case.outputs.iter().zip(&outputs).enumerate() {
            let Some(want) = part("output", index, output)? else { continue };
            compare(got, &want, case.rtol, case.atol).map_err(|what| format!("output {index}: {what}"))?;
        }
    }
    Ok(())
}

thread_local! {
    /// A panic in this thread is a case's failure, and told as such.
    pub(super) static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Panics of cases are not printed; those of other tests, which run meanwhile, are.
pub(super) fn hush() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !QUIET.get() {
                loud(panic);
            }
        }));
    });
}

/// Runs a suite and holds what fails against the list.
fn run(suite: &str) {
    let root = root().join(suite);
    let Ok(entries) = fs::read_dir(&root) else {
        assert!(std::env::var_os("CI").is_none(), "{} is missing: run tests/setup", root.display());
        println!("skipped: {} is missing; tests/setup makes it", root.display());
        return;
    };
    let wanted = std::env::var("CASES").unwrap_or_default();
    let mut names: Vec<_> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.contains(&wanted) && root.join(name).is_dir())
        .collect();
    names.sort();
    hush();
    let mut failed = BTreeMap::new();
    for name in &names {
        QUIET.set(true);
        let outcome = catch_unwind(AssertUnwindSafe(|| check(&root.join(name))));
        QUIET.set(false);
        if let Err(what) = outcome.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            Err(format!(
                "PANIC {}",
                text.or(panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()
            ))
        }) {
            failed.insert(name.clone(), what);
        }
    }
    println!("{suite}: {} of {} cases pass", names.len() - failed.len(), names.len());
    if !wanted.is_empty() || std::env::var_os("SHOW").is_some() {
        failed.iter().for_each(|(name, what)| println!("  {name}: {what}"));
    }
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../tests/suites/failing/{suite}.txt"));
    if std::env::var_os("UPDATE_FAILING").is_some() && wanted.is_empty() {
        let lines: String = failed.iter().map(|(name, what)| format!("{name}  {what}\n")).collect();
        let head = format!("# {} of {} cases of `{suite}` fail, and why.\n", failed.len(), names.len());
        return fs::write(&list, head + &lines).unwrap();
    }
    let list = fs::read_to_string(list).unwrap_or_default();
    let known: Vec<_> = list
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| name.contains(&wanted))
        .collect();
    let new: Vec<_> = failed.iter().filter(|(name, _)| !known.contains(&&***name)).collect();
    let mended: Vec<_> = known.iter().filter(|name| !failed.contains_key(**name)).collect();
    assert!(new.is_empty(), "{} cases fail that are not listed: {new:#?}", new.len());
    assert!(mended.is_empty(), "listed as failing, but they pass or are gone: {mended:#?}");
}

macro_rules! suites {
    ($($name:ident: $folder:literal),* $(,)?) => {$(
        #[test]
        fn $name() {
            run($folder);
        }
    )*};
}

suites! {
    onnx_node: "node",
    onnx_simple: "simple",
    onnx_pytorch_converted: "pytorch-converted",
    onnx_pytorch_operator: "pytorch-operator",
    onnx_light: "light",
    sklearn: "sklearn",
    sklearn_differs: "sklearn-differs",
    boosters: "boosters",
    boosters_differs: "boosters-differs",
    quantised: "quant",
    quantised_contrib: "quant-contrib",
    fused: "fused",
    whole_models: "whole",
    classical: "classical",
}
