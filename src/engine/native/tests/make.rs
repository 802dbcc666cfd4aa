//! Models made by code, as messages.

use crate::{
    native::{
        build::build,
        exec::{Bounds, Run},
        fault::Fault,
        value::{Value, Weights},
    },
    onnx::proto::{
        AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
        TensorTypeProto, TypeProto, ValueInfoProto, attribute_type,
    },
};

/// Small, so that what would take all of a machine is seen at once.
pub const BOUNDS: Bounds = Bounds { max_tensor_bytes: 1 << 20, max_loop_turns: 1000 };

pub fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

pub fn node(op: &str, inputs: &[&str], outputs: &[&str], attributes: Vec<AttributeProto>) -> NodeProto {
    NodeProto {
        op_type: op.into(),
        input: texts(inputs),
        output: texts(outputs),
        attribute: attributes,
        ..NodeProto::default()
    }
}

pub fn int(name: &str, i: i64) -> AttributeProto {
    AttributeProto { name: name.into(), i, r#type: attribute_type::INT, ..AttributeProto::default() }
}

pub fn graph_of(name: &str, g: GraphProto) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        g: Some(g),
        r#type: attribute_type::GRAPH,
        ..AttributeProto::default()
    }
}

pub fn tensor_of(name: &str, t: TensorProto) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        t: Some(t),
        r#type: attribute_type::TENSOR,
        ..AttributeProto::default()
    }
}

/// A weight of int64.
pub fn ints(name: &str, dims: &[i64], values: &[i64]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: dims.to_vec(),
        data_type: 7,
        int64_data: values.to_vec(),
        ..TensorProto::default()
    }
}

pub fn floats(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: dims.to_vec(),
        data_type: 1,
        float_data: values.to_vec(),
        ..TensorProto::default()
    }
}

pub fn bools(name: &str, value: bool) -> TensorProto {
    TensorProto {
        name: name.into(),
        data_type: 9,
        int32_data: vec![i32::from(value)],
        ..TensorProto::default()
    }
}

/// A declared tensor of any shape.
pub fn declared(name: &str, elem_type: i32) -> ValueInfoProto {
    let tensor = TensorTypeProto { elem_type, shape: None };
    let ty = TypeProto { tensor_type: Some(tensor), ..TypeProto::default() };
    ValueInfoProto { name: name.into(), r#type: Some(ty) }
}

pub fn graph(
    nodes: Vec<NodeProto>,
    inputs: &[(&str, i32)],
    outputs: &[&str],
    weights: Vec<TensorProto>,
) -> GraphProto {
    GraphProto {
        node: nodes,
        input: inputs.iter().map(|(name, kind)| declared(name, *kind)).collect(),
        output: outputs.iter().map(|name| ValueInfoProto { name: name.to_string(), r#type: None }).collect(),
        initializer: weights,
        ..GraphProto::default()
    }
}

pub fn function(name: &str, inputs: &[&str], outputs: &[&str], nodes: Vec<NodeProto>) -> FunctionProto {
    FunctionProto {
        name: name.into(),
        domain: "f".into(),
        input: texts(inputs),
        output: texts(outputs),
        node: nodes,
        opset_import: imports(21),
        ..FunctionProto::default()
    }
}

/// A call of a function of [`function`]'s.
pub fn call(name: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    NodeProto { domain: "f".into(), ..node(name, inputs, outputs, vec![]) }
}

fn imports(version: i64) -> Vec<OperatorSetIdProto> {
    let set = |domain: &str, version| OperatorSetIdProto { domain: domain.into(), version };
    vec![set("", version), set("f", 1), set("ai.onnx.ml", 3)]
}

pub fn model(graph: GraphProto, functions: Vec<FunctionProto>) -> ModelProto {
    model_of(21, graph, functions)
}

pub fn model_of(opset: i64, graph: GraphProto, functions: Vec<FunctionProto>) -> ModelProto {
    ModelProto {
        ir_version: 10,
        graph: Some(graph),
        functions,
        opset_import: imports(opset),
        ..ModelProto::default()
    }
}

/// Builds a model and runs it.
pub fn run(model: &ModelProto, inputs: Vec<Value>) -> Result<Vec<Value>, Fault> {
    let weights = Weights { file: None, max_tensor_bytes: BOUNDS.max_tensor_bytes };
    let graph = build(model, weights, BOUNDS)?;
    Run::new(BOUNDS).graph(&graph, inputs.into_iter().map(Some), &[])
}
