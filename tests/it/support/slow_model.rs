//! A model that takes its time, written by code: convolutions over a plane, one row at a time.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::onnx::{
    AttributeProto, Dim, FLOAT, GraphProto, INT, INT64, INTS, ModelProto, NodeProto, OperatorSetIdProto,
    Shape, TensorProto, TensorType, TypeProto, ValueInfoProto,
};
use prost::Message;

const CHANNELS: i64 = 16;
const SIDE: i64 = 128;
/// Each some 38 million multiply-adds.
const LAYERS: usize = 14;

/// Writes the model: input `x` f32 [1, 1], output `y` f32 [1, 1], somewhat less than `x`.
pub fn write(folder: &Path) -> PathBuf {
    let mut nodes = vec![node("Reshape", &["x", "one"], "x4"), node("Mul", &["x4", "plane"], "z0")];
    for layer in 0..LAYERS {
        let mut convolution = node("Conv", &[&format!("z{layer}"), "kernel"], &format!("z{}", layer + 1));
        convolution.attribute.push(ints("pads", &[1, 1, 1, 1]));
        nodes.push(convolution);
    }
    let mut mean = node("ReduceMean", &[&format!("z{LAYERS}")], "mean");
    mean.attribute = vec![ints("axes", &[2, 3]), int("keepdims", 0)];
    let mut all = node("ReduceMean", &["mean"], "y");
    all.attribute = vec![ints("axes", &[1]), int("keepdims", 1)];
    nodes.extend([mean, all]);
    let weight = 1.0 / (CHANNELS * 9) as f32;
    let plane = [1, CHANNELS, SIDE, SIDE];
    let kernel = [CHANNELS, CHANNELS, 3, 3];
    let one: Vec<u8> = [1i64; 4].iter().flat_map(|n| n.to_le_bytes()).collect();
    let graph = GraphProto {
        name: "slow".into(),
        node: nodes,
        input: vec![port("x")],
        output: vec![port("y")],
        initializer: vec![
            tensor("one", INT64, &[4], one),
            tensor("plane", FLOAT, &plane, constant(&plane, 1.0)),
            tensor("kernel", FLOAT, &kernel, constant(&kernel, weight)),
        ],
    };
    let model = ModelProto {
        ir_version: 8,
        producer_name: "edgeward tests".into(),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 17 }],
        graph: Some(graph),
    };
    let path = folder.join("slow.onnx");
    fs::write(&path, model.encode_to_vec()).unwrap();
    path
}

fn constant(dims: &[i64], value: f32) -> Vec<u8> {
    value.to_le_bytes().repeat(dims.iter().product::<i64>() as usize)
}

fn node(operator: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        op_type: operator.into(),
        name: format!("{output}_node"),
        input: inputs.iter().map(ToString::to_string).collect(),
        output: vec![output.into()],
        ..NodeProto::default()
    }
}

fn ints(name: &str, ints: &[i64]) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: INTS, ints: ints.to_vec(), ..AttributeProto::default() }
}

fn int(name: &str, i: i64) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: INT, i, ..AttributeProto::default() }
}

fn tensor(name: &str, kind: i32, dims: &[i64], raw_data: Vec<u8>) -> TensorProto {
    TensorProto { name: name.into(), data_type: kind, dims: dims.to_vec(), raw_data }
}

/// A port of one row with one number.
fn port(name: &str) -> ValueInfoProto {
    let one = Dim { value: 1 };
    let shape = Some(Shape { dim: vec![one.clone(), one] });
    let kind = TypeProto { tensor: Some(TensorType { elem_type: FLOAT, shape }) };
    ValueInfoProto { name: name.into(), r#type: Some(kind) }
}
