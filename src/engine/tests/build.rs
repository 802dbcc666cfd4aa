//! Small ONNX models, written by code.

use crate::onnx::proto::{
    AttributeProto, DimProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, ShapeProto,
    StringStringEntryProto, TensorProto, TensorTypeProto, TypeProto, ValueInfoProto, attribute_type as kind,
};
use prost::Message;

use super::noise;

/// Element types, by ONNX's numbers.
#[derive(Debug, Clone, Copy)]
pub enum DataType {
    Float = 1,
    Uint8 = 2,
    Int8 = 3,
    Uint16 = 4,
    Int16 = 5,
    Int32 = 6,
    Int64 = 7,
    String = 8,
    Bool = 9,
    Float16 = 10,
    Double = 11,
    Uint32 = 12,
    Uint64 = 13,
    Bfloat16 = 16,
}

/// A dimension as a file may write it.
#[derive(Debug, Clone, Copy)]
pub enum D {
    Is(i64),
    Named(&'static str),
    Unset,
}

/// A model under construction.
#[derive(Debug, Clone)]
pub struct Model {
    pub proto: ModelProto,
}

impl Model {
    /// An empty graph of IR version 8, opset 17 and ai.onnx.ml 3.
    pub fn new() -> Self {
        let opset = |domain: &str, version| OperatorSetIdProto { domain: domain.into(), version };
        Model {
            proto: ModelProto {
                ir_version: 8,
                producer_name: "edgeward tests".into(),
                opset_import: vec![opset("", 17), opset("ai.onnx.ml", 3)],
                graph: Some(GraphProto { name: "graph".into(), ..GraphProto::default() }),
                ..ModelProto::default()
            },
        }
    }

    pub fn graph(&mut self) -> &mut GraphProto {
        self.proto.graph.as_mut().unwrap()
    }

    pub fn input(mut self, name: &str, kind: DataType, dims: &[D]) -> Self {
        let port = port(name, kind, dims);
        self.graph().input.push(port);
        self
    }

    pub fn output(mut self, name: &str, kind: DataType, dims: &[D]) -> Self {
        let port = port(name, kind, dims);
        self.graph().output.push(port);
        self
    }

    pub fn weights(self, name: &str, dims: &[i64], values: &[f32]) -> Self {
        let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensor(tensor(name, DataType::Float, dims, raw_data))
    }

    pub fn integers(self, name: &str, dims: &[i64], values: &[i64]) -> Self {
        let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensor(tensor(name, DataType::Int64, dims, raw_data))
    }

    pub fn tensor(mut self, tensor: TensorProto) -> Self {
        self.graph().initializer.push(tensor);
        self
    }

    pub fn node(self, operator: &str, inputs: &[&str], outputs: &[&str]) -> Self {
        self.node_with(operator, inputs, outputs, vec![])
    }

    pub fn node_with(
        mut self,
        operator: &str,
        inputs: &[&str],
        outputs: &[&str],
        attribute: Vec<AttributeProto>,
    ) -> Self {
        let node = NodeProto {
            op_type: operator.into(),
            name: format!("{}_node", outputs[0]),
            input: inputs.iter().map(ToString::to_string).collect(),
            output: outputs.iter().map(ToString::to_string).collect(),
            attribute,
            domain: if operator.starts_with("TreeEnsemble") || operator == "ZipMap" {
                "ai.onnx.ml"
            } else {
                ""
            }
            .into(),
            ..NodeProto::default()
        };
        self.graph().node.push(node);
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.proto.encode_to_vec()
    }
}

fn port(name: &str, kind: DataType, dims: &[D]) -> ValueInfoProto {
    let dim = dims.iter().map(|dim| match dim {
        D::Is(n) => DimProto { value: Some(*n), param: None },
        D::Named(name) => DimProto { value: None, param: Some((*name).into()) },
        D::Unset => DimProto::default(),
    });
    let shape = Some(ShapeProto { dim: dim.collect() });
    let tensor = TensorTypeProto { elem_type: kind as i32, shape };
    let kind = TypeProto { tensor_type: Some(tensor), ..TypeProto::default() };
    ValueInfoProto { name: name.into(), r#type: Some(kind) }
}

pub fn tensor(name: &str, kind: DataType, dims: &[i64], raw_data: Vec<u8>) -> TensorProto {
    TensorProto {
        name: name.into(),
        data_type: kind as i32,
        dims: dims.to_vec(),
        raw_data: raw_data.into(),
        ..Default::default()
    }
}

/// A tensor whose data is in another file.
pub fn outside(name: &str, dims: &[i64], entries: &[(&str, &str)]) -> TensorProto {
    let entry =
        |(key, value): &(&str, &str)| StringStringEntryProto { key: (*key).into(), value: (*value).into() };
    TensorProto {
        data_location: 1,
        external_data: entries.iter().map(entry).collect(),
        ..tensor(name, DataType::Float, dims, vec![])
    }
}

fn attribute(name: &str, kind: i32) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: kind, ..AttributeProto::default() }
}

pub fn int(name: &str, i: i64) -> AttributeProto {
    AttributeProto { i, ..attribute(name, kind::INT) }
}

pub fn ints(name: &str, ints: &[i64]) -> AttributeProto {
    AttributeProto { ints: ints.to_vec(), ..attribute(name, kind::INTS) }
}

pub fn floats(name: &str, floats: &[f32]) -> AttributeProto {
    AttributeProto { floats: floats.to_vec(), ..attribute(name, kind::FLOATS) }
}

pub fn text(name: &str, text: &str) -> AttributeProto {
    AttributeProto { s: text.to_owned().into(), ..attribute(name, kind::STRING) }
}

pub fn texts(name: &str, texts: &[&str]) -> AttributeProto {
    let strings = texts.iter().map(|text| text.to_string().into()).collect();
    AttributeProto { strings, ..attribute(name, kind::STRINGS) }
}

pub fn graph(name: &str, g: GraphProto) -> AttributeProto {
    AttributeProto { g: Some(g), ..attribute(name, kind::GRAPH) }
}

/// MatMul, Add, Relu through these widths; the last layer ends in `end` (an operator) instead of
/// Relu. Input `x`, output `y`.
pub fn chain(batch: D, widths: &[i64], end: &str) -> Model {
    let (first, last) = (widths[0], widths[widths.len() - 1]);
    let mut model = Model::new().input("x", DataType::Float, &[batch, D::Is(first)]).output(
        "y",
        DataType::Float,
        &[batch, D::Is(last)],
    );
    let mut at = "x".to_owned();
    for (layer, pair) in widths.windows(2).enumerate() {
        let (inputs, outputs) = (pair[0], pair[1]);
        let scale = (2.0 / inputs as f32).sqrt();
        let seed = layer as u32 * 77 + 5;
        let weights: Vec<f32> = noise((inputs * outputs) as usize, seed).iter().map(|w| w * scale).collect();
        let [w, b, m, a, r] = ["w", "b", "m", "a", "r"].map(|stem| format!("{stem}{layer}"));
        let is_last = layer + 2 == widths.len();
        let next = if is_last { "y".to_owned() } else { r };
        model = model
            .weights(&w, &[inputs, outputs], &weights)
            .weights(&b, &[outputs], &noise(outputs as usize, seed + 1))
            .node("MatMul", &[&at, &w], &[&m])
            .node("Add", &[&m, &b], &[&a])
            .node(if is_last { end } else { "Relu" }, &[&a], &[&next]);
        at = next;
    }
    model
}

/// The 4-16-8-1 network.
pub fn mlp(batch: D) -> Model {
    chain(batch, &[4, 16, 8, 1], "Sigmoid")
}

/// The shape of MLPerf Tiny's anomaly detection autoencoder.
pub fn autoencoder(batch: D) -> Model {
    chain(batch, &[640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640], "Identity")
}
