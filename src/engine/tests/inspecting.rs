//! Reports on models that run and on models that don't.

use super::{
    build::{D, DataType, Model, autoencoder, mlp},
    load_bytes, write,
};
use crate::{Choice, DimReport, Limits, LoadError, OperatorCount, Report, inspect};

const N: D = D::Named("N");

fn report(model: &Model) -> Report {
    let folder = tempfile::tempdir().unwrap();
    inspect(&write(&folder, &model.bytes()), &Limits::default(), Choice::Auto, None).unwrap()
}

#[test]
fn a_model_that_runs() {
    let report = report(&autoencoder(N));
    assert!(report.runs_here && report.missing.is_empty() && report.fault.is_none());
    assert_eq!(report.producer, "edgeward tests");
    assert_eq!((report.ir_version, report.opsets.len()), (8, 2));
    let weights = 640 * 128 * 2 + 128 * 128 * 6 + 128 * 8 * 2;
    let biases = 128 * 8 + 8 + 640;
    assert_eq!(report.parameters, weights + biases);
    assert_eq!(report.parameter_bytes, 4 * report.parameters);
    let running = report.running.unwrap();
    assert!(running.batches);
    // tract alone counts them.
    assert_eq!(running.multiply_adds, cfg!(feature = "tract").then_some(weights));
    assert!((report.parameter_bytes + 2560..2 * report.parameter_bytes).contains(&running.memory_bytes));
    assert_eq!(report.inputs[0].name, "x");
    assert_eq!(report.inputs[0].dims, [DimReport::Free("N".into()), DimReport::Fixed(640)]);
    assert_eq!(report.operators[0], OperatorCount { name: "Add".into(), count: 10 });
}

#[test]
fn what_nodes_make_is_told() {
    let model = autoencoder(N);
    let told = report(&model);
    let ty = |output: &str| {
        let outputs = told.nodes.iter().flat_map(|node| &node.outputs);
        outputs.filter(|made| made.name == output).find_map(|made| made.ty.clone())
    };
    let first = &told.nodes[0].outputs[0];
    assert_eq!(first.ty.as_deref(), Some("float32[N, 128]"), "{first:?}");
    assert_eq!(ty(&told.outputs[0].name).as_deref(), Some("float32[N, 640]"));
    let json = serde_json::to_value(&told).unwrap();
    assert_eq!(json["nodes"][0]["outputs"][0]["type"], "float32[N, 128]");
    // A length that only a run knows, on either engine.
    let model = Model::new()
        .input("x", DataType::Float, &[N, D::Is(4)])
        .output("y", DataType::Float, &[N, D::Is(4)])
        .node("NonZero", &["x"], &["places"])
        .node("Relu", &["x"], &["y"]);
    let told = report(&model);
    assert_eq!(told.nodes[0].outputs[0].ty.as_deref(), Some("int64[2, ?]"));
}

#[test]
fn a_small_network_has_the_same_report() {
    let report = report(&mlp(N));
    let running = report.running.unwrap();
    let count = 4 * 16 + 16 * 8 + 8;
    assert_eq!(running.multiply_adds, cfg!(feature = "tract").then_some(count));
    assert!(running.batches);
}

#[test]
fn a_model_that_lacks_operators() {
    let report = report(&mlp(N).node("Wobble", &["y"], &["z"]));
    assert!(!report.runs_here && report.running.is_none());
    let missing = &report.missing[0];
    assert_eq!((&*missing.operator, &*missing.nodes), ("Wobble", &["z_node".to_owned()][..]));
    assert!(missing.advice.contains("not supported here"));
    // What the file says is still told.
    assert_eq!(report.inputs[0].dims, [DimReport::Free("N".into()), DimReport::Fixed(4)]);
    assert_eq!(report.parameters, 4 * 16 + 16 + 16 * 8 + 8 + 8 + 1);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["runs_here"], false);
    assert_eq!(json["inputs"][0]["dims"], serde_json::json!(["N", 4]));
}

#[test]
fn a_model_that_fails_otherwise() {
    let report = report(
        &Model::new()
            .input("x", DataType::Float, &[N, D::Is(4)])
            .output("y", DataType::Float, &[N, D::Is(4)])
            .weights("w", &[7, 4], &[0.5; 28])
            .node("MatMul", &["x", "w"], &["y"]),
    );
    assert!(!report.runs_here && report.missing.is_empty());
    assert!(report.fault.unwrap().contains("y_node"));
}

#[test]
fn no_model_no_report() {
    let folder = tempfile::tempdir().unwrap();
    let refused = inspect(&write(&folder, b"no model"), &Limits::default(), Choice::Auto, None);
    assert!(matches!(refused, Err(LoadError::NotOnnx { .. })));
    assert!(load_bytes(b"no model").is_err());
}
