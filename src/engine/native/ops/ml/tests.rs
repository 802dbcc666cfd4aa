//! What the reference cases don't reach: types that ONNX Runtime lacks, and inputs that don't fit.

use std::sync::Arc;

use bytes::Bytes;
use half::f16;

use crate::{
    native::{
        build::build,
        exec::{Bounds, Run},
        fault::Fault,
        value::{Data, Map, Tensor, Value, Weights},
    },
    onnx::proto::{
        AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, ValueInfoProto,
        attribute_type as kind,
    },
};

const BOUNDS: Bounds = Bounds { max_tensor_bytes: 1 << 20, max_loop_turns: 10 };

fn attribute(name: &str, kind: i32) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: kind, ..AttributeProto::default() }
}

fn ints(name: &str, ints: &[i64]) -> AttributeProto {
    AttributeProto { ints: ints.to_vec(), ..attribute(name, kind::INTS) }
}

fn floats(name: &str, floats: &[f32]) -> AttributeProto {
    AttributeProto { floats: floats.to_vec(), ..attribute(name, kind::FLOATS) }
}

fn int(name: &str, i: i64) -> AttributeProto {
    AttributeProto { i, ..attribute(name, kind::INT) }
}

fn text(name: &str, text: &'static str) -> AttributeProto {
    AttributeProto { s: Bytes::from(text), ..attribute(name, kind::STRING) }
}

fn texts(name: &str, texts: &[&'static str]) -> AttributeProto {
    let strings = texts.iter().map(|&text| Bytes::from(text)).collect();
    AttributeProto { strings, ..attribute(name, kind::STRINGS) }
}

/// A tensor attribute of raw little-endian bytes; `data_type` is ONNX's number.
fn raw(name: &str, data_type: i32, count: usize, bytes: Vec<u8>) -> AttributeProto {
    let t = TensorProto {
        dims: vec![count as i64],
        data_type,
        raw_data: Bytes::from(bytes),
        ..Default::default()
    };
    AttributeProto { t: Some(t), ..attribute(name, kind::TENSOR) }
}

/// The outputs of one operator of ai.onnx.ml.
fn outputs(
    operator: &str,
    version: i64,
    attributes: Vec<AttributeProto>,
    inputs: Vec<Value>,
    outputs: usize,
) -> Result<Vec<Value>, Fault> {
    let name = |prefix: &str, count: usize| (0..count).map(|at| format!("{prefix}{at}")).collect::<Vec<_>>();
    let info = |name: &String| ValueInfoProto { name: name.clone(), ..ValueInfoProto::default() };
    let (from, to) = (name("x", inputs.len()), name("y", outputs));
    let graph = GraphProto {
        input: from.iter().map(info).collect(),
        output: to.iter().map(info).collect(),
        node: vec![NodeProto {
            op_type: operator.into(),
            domain: "ai.onnx.ml".into(),
            input: from,
            output: to,
            attribute: attributes,
            ..NodeProto::default()
        }],
        ..GraphProto::default()
    };
    let opset = |domain: &str, version| OperatorSetIdProto { domain: domain.into(), version };
    let model = ModelProto {
        ir_version: 10,
        graph: Some(graph),
        opset_import: vec![opset("", 21), opset("ai.onnx.ml", version)],
        ..ModelProto::default()
    };
    let weights = Weights { file: None, max_tensor_bytes: BOUNDS.max_tensor_bytes };
    let graph = build(&model, weights, BOUNDS)?;
    Run::new(BOUNDS).graph(&graph, inputs.into_iter().map(Some), &[])
}

fn output(operator: &str, attributes: Vec<AttributeProto>, input: impl Into<Value>) -> Result<Tensor, Fault> {
    let version = if operator == "TreeEnsemble" { 5 } else { 3 };
    Ok(outputs(operator, version, attributes, vec![input.into()], 1)?[0].tensor()?.clone())
}

fn refused(operator: &str, attributes: Vec<AttributeProto>, input: impl Into<Value>) -> String {
    output(operator, attributes, input).err().unwrap().what
}

fn rows<T: crate::native::value::Element>(width: usize, elements: Vec<T>) -> Tensor {
    Tensor::of([elements.len() / width, width].as_slice(), elements).unwrap()
}

/// x <= 0.1 gives 1, else 2.
fn stump(double: bool) -> Vec<AttributeProto> {
    let mut attributes = vec![
        ints("nodes_treeids", &[0; 3]),
        ints("nodes_nodeids", &[0, 1, 2]),
        ints("nodes_featureids", &[0; 3]),
        texts("nodes_modes", &["BRANCH_LEQ", "LEAF", "LEAF"]),
        ints("nodes_truenodeids", &[1, 0, 0]),
        ints("nodes_falsenodeids", &[2, 0, 0]),
        ints("target_treeids", &[0, 0]),
        ints("target_nodeids", &[1, 2]),
        ints("target_ids", &[0, 0]),
        floats("target_weights", &[1.0, 2.0]),
        int("n_targets", 1),
    ];
    attributes.push(if double {
        let bytes = [0.1f64, 0.0, 0.0].iter().flat_map(|value| value.to_le_bytes()).collect();
        raw("nodes_values_as_tensor", 11, 3, bytes)
    } else {
        floats("nodes_values", &[0.1, 0.0, 0.0])
    });
    attributes
}

#[test]
fn trees_compare_in_the_greater_precision() {
    let (single, double) = (f64::from(0.1f32), 0.1f64);
    let x = || rows(1, vec![double, double.next_up(), single, single.next_up()]);
    let answer = |double| output("TreeEnsembleRegressor", stump(double), x()).unwrap();
    assert_eq!(answer(false).slice::<f32>().unwrap(), [1.0, 1.0, 1.0, 2.0]);
    assert_eq!(answer(true).slice::<f32>().unwrap(), [1.0, 2.0, 2.0, 2.0]);
    // Rows of f32 are wider than 0.1 when the threshold is the f64.
    let answer = output("TreeEnsembleRegressor", stump(true), rows(1, vec![0.1f32, 0.09])).unwrap();
    assert_eq!(answer.slice::<f32>().unwrap(), [2.0, 1.0]);
    let answer = output("TreeEnsembleRegressor", stump(true), rows(1, vec![0i64, 1])).unwrap();
    assert_eq!(answer.slice::<f32>().unwrap(), [1.0, 2.0]);
}

fn halves(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|&value| f16::from_f32(value).to_le_bytes()).collect()
}

fn half_ensemble() -> Vec<AttributeProto> {
    vec![
        ints("tree_roots", &[0]),
        raw("nodes_modes", 2, 1, vec![6]),
        ints("nodes_featureids", &[1]),
        raw("nodes_splits", 10, 1, halves(&[0.0])),
        ints("nodes_truenodeids", &[0]),
        ints("nodes_falsenodeids", &[1]),
        ints("nodes_trueleafs", &[1]),
        ints("nodes_falseleafs", &[1]),
        ints("leaf_targetids", &[0, 0]),
        raw("leaf_weights", 10, 2, halves(&[1.5, -2.0])),
        raw("membership_values", 10, 3, halves(&[2.5, -1.0, f32::NAN])),
        int("n_targets", 1),
    ]
}

#[test]
fn ensembles_in_half_precision() {
    let x = [0.0, 2.5, 0.0, 3.0, 0.0, -1.0, 0.0, f32::NAN].map(f16::from_f32).to_vec();
    let answer = output("TreeEnsemble", half_ensemble(), rows(2, x)).unwrap();
    assert_eq!(answer.slice::<f16>().unwrap(), [1.5, -2.0, 1.5, -2.0].map(f16::from_f32));
}

#[test]
fn ensembles_that_are_broken() {
    let x = || rows(2, vec![0f32; 2]);
    let broken = |change: AttributeProto| {
        let mut attributes = half_ensemble();
        attributes.retain(|attribute| attribute.name != change.name);
        attributes.push(change);
        refused("TreeEnsemble", attributes, x())
    };
    let cases = [
        (ints("tree_roots", &[1]), "begins at node 1"),
        (ints("tree_roots", &[]), "no trees"),
        (ints("nodes_truenodeids", &[2]), "leads to 2"),
        (ints("nodes_truenodeids", &[-1]), "leads to -1"),
        (ints("nodes_trueleafs", &[0]), "circle"),
        (ints("nodes_featureids", &[2]), "look at 3 features"),
        (ints("leaf_targetids", &[0]), "differ in length"),
        (ints("leaf_targetids", &[0, 1]), "votes for 1 of 1"),
        (raw("nodes_modes", 2, 1, vec![7]), "mode 7"),
        (int("n_targets", 0), "n_targets"),
        (int("aggregate_function", 4), "aggregate_function"),
        (int("post_transform", 5), "post_transform"),
    ];
    for (change, expected) in cases {
        let text = broken(change);
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

fn map<T: crate::native::value::Element>(entries: Vec<(i64, T)>) -> Value {
    let values = entries.into_iter().map(|(key, value)| (key, Value::Tensor(Tensor::scalar(value))));
    Value::Map(Arc::new(Map::Ints(values.collect())))
}

#[test]
fn maps_of_texts() {
    let given = || map::<Arc<str>>(vec![(3, "7".into()), (1, " -2".into())]);
    let cast = |to| output("CastMap", vec![text("cast_to", to)], given()).unwrap();
    assert_eq!(cast("TO_FLOAT").slice::<f32>().unwrap(), [-2.0, 7.0]);
    assert_eq!(cast("TO_INT64").slice::<i64>().unwrap(), [-2, 7]);
    let sparse = vec![text("cast_to", "TO_INT64"), text("map_form", "SPARSE"), int("max_map", 3)];
    assert_eq!(output("CastMap", sparse, given()).unwrap().slice::<i64>().unwrap(), [0, -2, 0]);
    let answer = output("DictVectorizer", vec![ints("int64_vocabulary", &[1, 2, 3])], given()).unwrap();
    let Data::String(answer) = answer.data() else { panic!("texts stay texts") };
    assert_eq!(answer.iter().map(|text| &**text).collect::<Vec<_>>(), [" -2", "", "7"]);
    let odd = map::<Arc<str>>(vec![(1, "seven".into())]);
    assert!(refused("CastMap", vec![], odd).contains("`seven` is no number"));
    assert!(refused("CastMap", vec![text("map_form", "SPARSE")], map(vec![(-1, 1f32)])).contains("key -1"));
    let huge = vec![text("map_form", "SPARSE"), int("max_map", i64::MAX)];
    assert!(refused("CastMap", huge, map(vec![(1, 1f32)])).contains("max_tensor_bytes"));
}

#[test]
fn numbers_of_every_type_are_imputed() {
    let floats = || {
        vec![floats("imputed_value_floats", &[9.0]), {
            AttributeProto { f: 1.0, ..attribute("replaced_value_float", kind::FLOAT) }
        }]
    };
    let answer = output("Imputer", floats(), rows(2, vec![1f64, 2.0])).unwrap();
    assert_eq!(answer.slice::<f64>().unwrap(), [9.0, 2.0]);
    let ints = vec![ints("imputed_value_int64s", &[5, 6]), int("replaced_value_int64", 2)];
    let answer = output("Imputer", ints, rows(2, vec![2i32, 2, 1, 2])).unwrap();
    assert_eq!(answer.slice::<i32>().unwrap(), [5, 6, 1, 6]);
    assert!(refused("Imputer", floats(), rows(1, vec![1i64])).contains("0 imputed values"));
}

#[test]
fn what_does_not_fit_is_refused() {
    let line = |width| rows(width, vec![1f32; width]);
    let linear = || vec![floats("coefficients", &[1.0, 2.0])];
    assert!(refused("LinearRegressor", linear(), line(3)).contains("has 3 features a row, the model has 2"));
    assert!(refused("LinearRegressor", linear(), Tensor::scalar(1f32)).contains("must be rows of features"));
    assert!(refused("LinearRegressor", linear(), rows(2, vec![true; 2])).contains("must be float32"));
    assert!(refused("LinearRegressor", vec![], line(1)).contains("0 coefficients"));
}

#[test]
fn no_rows_have_no_answers() {
    let none = || Tensor::of([0, 2].as_slice(), Vec::<f32>::new()).unwrap();
    let answer = output("TreeEnsembleRegressor", stump(false), none()).unwrap();
    assert_eq!(answer.shape(), [0, 1]);
    let answer = output("LinearRegressor", vec![floats("coefficients", &[1.0, 2.0])], none()).unwrap();
    assert_eq!(answer.shape(), [0, 1]);
    let answer = output("Normalizer", vec![], none()).unwrap();
    assert_eq!(answer.shape(), [0, 2]);
}

#[test]
fn a_row_without_features_is_refused() {
    let bare = || Tensor::of([3, 0].as_slice(), Vec::<f32>::new()).unwrap();
    assert!(refused("TreeEnsembleRegressor", stump(false), bare()).contains("look at 1 features"));
    assert!(
        refused("LinearRegressor", vec![floats("coefficients", &[1.0])], bare()).contains("has 0 features")
    );
    let answer = output("Normalizer", vec![], bare()).unwrap();
    assert_eq!(answer.shape(), [3, 0]);
}
