//! Files that can't be loaded, and what the message says.

use crate::onnx::proto::FunctionProto;

use super::{
    build::{self, D, DataType, Model, mlp},
    error, load_by, load_bytes, load_model, run_f32, write,
};
use crate::{Choice, Limits, LoadError, Tensor, TensorData, load};

const N: D = D::Named("N");

fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
}

#[test]
fn no_such_file() {
    let text = error(load("no/such/model.onnx".as_ref(), &Limits::default(), Choice::Auto));
    assert_says(&text, &["can't read the model", "no/such/model.onnx"]);
}

#[test]
fn a_folder() {
    let folder = tempfile::tempdir().unwrap();
    assert_says(
        &error(load(folder.path(), &Limits::default(), Choice::Auto)),
        &["can't read", "it is a folder"],
    );
}

#[test]
fn an_empty_file() {
    assert_says(&error(load_bytes(b"")), &["not an ONNX model", "empty"]);
}

#[test]
fn files_that_are_something_else() {
    let other: [&[u8]; 5] =
        [b"<html>404</html>", b"{\"model\": 1}", &[0; 4096], &[0xff; 4096], b"\x08\x08\x12\x04test"];
    for bytes in other {
        assert!(matches!(load_bytes(bytes), Err(LoadError::NotOnnx { .. })), "{bytes:?}");
    }
}

#[test]
fn a_file_cut_anywhere() {
    let mut model = mlp(N);
    // Without its second operator set the model is whole as well: that cut can't be seen.
    model.proto.opset_import.truncate(1);
    let whole = model.bytes();
    assert!(load_bytes(&whole).is_ok());
    for len in 0..whole.len() {
        let cut = load_bytes(&whole[..len]);
        assert!(matches!(cut, Err(LoadError::NotOnnx { .. })), "{len} of {} bytes", whole.len());
    }
}

#[test]
fn a_byte_changed_anywhere_never_crashes() {
    let whole = mlp(N).bytes();
    for at in 0..whole.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] ^= flip;
            // Weights and names may change without harm; all else is an error, not a panic.
            let _ = load_bytes(&bytes);
        }
    }
}

#[test]
fn a_model_without_its_parts() {
    let without = |change: &dyn Fn(&mut Model)| {
        let mut model = mlp(N);
        change(&mut model);
        error(load_model(&model))
    };
    assert_says(&without(&|m| m.proto.graph = None), &["no graph"]);
    assert_says(&without(&|m| m.proto.ir_version = 0), &["no IR version"]);
    assert_says(&without(&|m| m.proto.opset_import.clear()), &["names no operator set"]);
    assert_says(&without(&|m| m.graph().node.clear()), &["no nodes"]);
    assert_says(&without(&|m| m.graph().output.clear()), &["no outputs"]);
    assert_says(&without(&|m| m.graph().input.clear()), &["takes no input"]);
    assert_says(&without(&|m| m.graph().input[0].r#type = None), &["input `x`", "declares no type"]);
    assert_says(
        &without(&|m| m.graph().output[0].name = "elsewhere".into()),
        &["no node makes", "`elsewhere`"],
    );
    assert_says(&without(&|m| drop(m.graph().initializer.pop())), &["`b2`", "neither an input nor a weight"]);
}

#[test]
fn larger_than_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder, &mlp(N).bytes());
    let limits = Limits { max_model_bytes: 100, ..Limits::default() };
    assert_says(
        &error(load(&path, &limits, Choice::Auto)),
        &["bytes on disk", "limit of 100 bytes", "max_model_bytes"],
    );
}

#[test]
fn every_missing_operator_is_listed() {
    let inner = Model::new().node("Bogus", &["x"], &["inner"]).proto.graph.unwrap();
    let mut model = mlp(N)
        .node("SVMRegressor", &["y"], &["s1"])
        .node("SVMRegressor", &["y"], &["s2"])
        .node_with("If", &["y"], &["i"], vec![build::graph("then_branch", inner)]);
    let custom = model.graph().node.len();
    model = model.node("MatMul", &["y"], &["c"]);
    model.graph().node[custom].domain = "com.example".into();
    let Err(LoadError::UnsupportedOperators { nodes, .. }) = load_model(&model) else { panic!("loaded") };
    assert_eq!(nodes.len(), 3, "{nodes:#?}");
    let text = error(load_model(&model));
    assert_says(
        &text,
        &[
            "3 operators are not supported",
            "Operator `SVMRegressor` (nodes `s1_node`, `s2_node`): ",
            "Operator `Bogus` (node `inner_node`)",
            "Operator `com.example.MatMul` (node `c_node`): an operator of `com.example`",
        ],
    );
}

#[test]
fn functions_of_the_model_itself() {
    let mut model = Model::new()
        .input("x", DataType::Float, &[N, D::Is(2)])
        .output("y", DataType::Float, &[N, D::Is(2)])
        .node("Twice", &["x"], &["y"]);
    model.graph().node[0].domain = "local".into();
    let mut function = FunctionProto {
        name: "Twice".into(),
        domain: "local".into(),
        input: vec!["a".into()],
        output: vec!["b".into()],
        opset_import: model.proto.opset_import.clone(),
        ..FunctionProto::default()
    };
    function.node = Model::new().node("Add", &["a", "a"], &["b"]).proto.graph.unwrap().node;
    model.proto.functions.push(function.clone());
    let engine = load_model(&model).unwrap();
    assert_eq!(run_f32(&*engine, Tensor::new(vec![1, 2], TensorData::F32(vec![1.5, -2.0]))), [3.0, -4.0]);
    // A call with more inputs than the function has.
    model.proto.functions[0].input.clear();
    assert_says(&error(load_model(&model)), &["local.Twice", "has 0 inputs"]);
}

#[test]
fn element_types_that_one_engine_lacks() {
    let model = Model::new()
        .input("x", DataType::Bfloat16, &[N, D::Is(4)])
        .output("y", DataType::Bfloat16, &[N, D::Is(4)])
        .node("Relu", &["x"], &["y"]);
    // tract lacks them, our own executor doesn't: nine bits of mantissa become eight.
    let engine = load_model(&model).unwrap();
    assert_eq!(engine.name(), "native");
    let x = Tensor::new(vec![1, 4], TensorData::F32(vec![-1.0, 1.001, 2.0, 0.5]));
    assert_eq!(run_f32(&*engine, x), [0.0, 1.0, 2.0, 0.5]);
}

/// Random places lie outside the table, so that a trial run fails: what is inferred says the shape.
#[test]
fn an_output_without_a_shape_gets_the_inferred_one() {
    let mut model = Model::new()
        .input("x", DataType::Int64, &[N, D::Is(3)])
        .output("y", DataType::Float, &[])
        .weights("table", &[1, 4], &[0.5; 4])
        .integers("far", &[], &[1000])
        .node("Add", &["x", "far"], &["places"])
        .node("Gather", &["table", "places"], &["y"]);
    model.graph().output[0].r#type = None;
    let folder = tempfile::tempdir().unwrap();
    let engine = load(&write(&folder, &model.bytes()), &Limits::default(), Choice::Native).unwrap();
    let output = &engine.signature().outputs[0];
    assert_eq!(output.to_string(), "y f32[N, 3, 4]");
}

#[test]
fn a_wrong_graph_names_its_node() {
    let model = Model::new()
        .input("x", DataType::Float, &[N, D::Is(4)])
        .output("y", DataType::Float, &[N, D::Is(4)])
        .weights("w", &[7, 4], &[0.5; 28])
        .node("MatMul", &["x", "w"], &["m"])
        .node("Exp", &["m"], &["y"]);
    assert_says(&error(load_model(&model)), &["breaks a rule of ONNX", "m_node", "MatMul"]);
}

#[test]
fn an_attribute_that_makes_no_sense_is_an_error() {
    for attributes in [vec![], vec![build::int("axis", 99)], vec![build::text("axis", "first")]] {
        let model = Model::new()
            .input("x", DataType::Float, &[N, D::Is(4)])
            .output("y", DataType::Float, &[N, D::Is(8)])
            .node_with("Concat", &["x", "x"], &["y"], attributes);
        assert_says(&error(load_model(&model)), &["y_node"]);
    }
}

#[cfg(feature = "tract")]
#[test]
fn each_engine_runs_when_it_is_asked_for() {
    let names = [Choice::Auto, Choice::Tract, Choice::Native].map(|choice| {
        let model = mlp(D::Named("N")).node("Add", &["y", "y"], &["z"]);
        load_by(&model, choice).unwrap().name()
    });
    assert_eq!(names, ["tract", "tract", "native"]);
}

/// tract plans for any length, and reads beyond its memory at one that is too short for a kernel.
#[test]
fn free_sizes_run_natively_at_any_length_and_too_short_ones_are_errors() {
    let model = Model::new()
        .input("x", DataType::Float, &[N, D::Is(1), D::Named("t")])
        .output("y", DataType::Float, &[N, D::Is(1), D::Named("u")])
        .weights("w", &[1, 1, 3], &[1.0, 2.0, 3.0])
        .node("Conv", &["x", "w"], &["y"]);
    let engine = load_model(&model).unwrap();
    assert_eq!((engine.name(), engine.signature().free_batch), ("native", true));
    assert_eq!(engine.signature().inputs[0].to_string(), "x f32[N, 1, t]");
    let mut session = engine.session();
    let mut run = |rows: usize, length: usize| {
        let ones = Tensor::f32(&[rows, 1, length], vec![1.0; rows * length]);
        session.run(&[ones]).map(|answer| answer[0].shape.clone()).map_err(|error| error.to_string())
    };
    assert_eq!(run(1, 3), Ok(vec![1, 1, 1]));
    assert_eq!(run(2, 40), Ok(vec![2, 1, 38]));
    assert!(run(1, 2).is_err(), "shorter than the kernel");
    assert_eq!(run(1, 3), Ok(vec![1, 1, 1]), "and goes on");
    let refused = error(load_by(&model, Choice::Tract));
    assert_says(&refused, &["free sizes", "leave the engine at `auto`"]);
}

#[cfg(not(feature = "tract"))]
#[test]
fn a_build_without_tract_runs_all_natively_and_says_so() {
    let model = mlp(D::Named("N"));
    assert_eq!(load_by(&model, Choice::Auto).unwrap().name(), "native");
    let text = error(load_by(&model, Choice::Tract));
    assert!(text.contains("without it") && text.contains("--features tract"), "{text}");
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder, &model.bytes());
    let told = |choice| crate::inspect(&path, &Limits::default(), choice, None).unwrap();
    let auto = told(Choice::Auto);
    assert!(auto.runs_here && auto.running.is_some_and(|running| running.engine == "native"));
    let tract = told(Choice::Tract);
    assert!(!tract.runs_here && tract.fault.is_some_and(|fault| fault.contains("without it")));
    let pair = crate::compare::Pair::load(&path, &Limits::default());
    assert!(matches!(pair, Err((Choice::Tract, LoadError::WithoutTract { .. }))));
}
