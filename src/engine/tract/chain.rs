//! Recognising a small network without branches, to be run by [`crate::dense`].

use std::collections::HashMap;

use tract_onnx::pb::{
    GraphProto, ModelProto, NodeProto, TensorProto, attribute_proto::AttributeType, tensor_proto::DataType,
};

use super::ports;
use crate::{
    Dim, ElementType, Port,
    dense::{Activation, DenseEngine, Layer, Linear, Network, Step},
};

/// Multiply-adds a row up to which our own layers win. Beyond, tract's kernels for the machine's
/// vector unit win more than its bookkeeping costs.
const MAX_MULTIPLY_ADDS: usize = 16 * 1024;

/// The model as a chain of dense layers, when it is one and small. `batch` is the name of the free
/// first dimension; the weights have been checked against their dimensions.
pub(super) fn recognise(proto: &ModelProto, batch: Option<&str>) -> Option<DenseEngine> {
    batch?;
    let graph = proto.graph.as_ref()?;
    let weights: HashMap<&str, &TensorProto> =
        graph.initializer.iter().map(|tensor| (&*tensor.name, tensor)).collect();
    let names = weights.keys().copied().collect();
    let (input, output) = match (&*ports::declared(&graph.input, &names), &*graph.output) {
        ([input], [output]) if input.element == ElementType::F32 && !is_half(graph) => {
            (input.clone(), output.name.clone())
        }
        _ => return None,
    };
    let [_, Dim::Fixed(width)] = *input.dims else { return None };
    let mut chain = Chain { weights, layers: vec![], width };
    let mut at = &*input.name;
    for node in &graph.node {
        at = chain.add(node, at)?;
    }
    if at != output {
        return None;
    }
    let network = Network::new(width, chain.layers)?;
    // A network without any linear layer gains nothing.
    if !(1..=MAX_MULTIPLY_ADDS).contains(&network.multiply_adds()) {
        return None;
    }
    let port = |name: String, width| Port {
        name,
        element: ElementType::F32,
        dims: vec![Dim::Batch, Dim::Fixed(width)],
        labels: vec![],
    };
    let output = port(output, network.outputs());
    Some(DenseEngine::new(network, port(input.name, width), output))
}

/// Half floats are shown as f32 but computed in half precision.
fn is_half(graph: &GraphProto) -> bool {
    graph.input.iter().filter_map(|input| input.r#type.as_ref()?.value.as_ref()).any(|kind| {
        let tract_onnx::pb::type_proto::Value::TensorType(tensor) = kind;
        tensor.elem_type != DataType::Float as i32
    })
}

struct Chain<'p> {
    weights: HashMap<&'p str, &'p TensorProto>,
    layers: Vec<Layer>,
    /// Numbers a row at this point.
    width: usize,
}

impl<'p> Chain<'p> {
    /// Adds the layer of a node that reads `at`; the answer is what it writes.
    fn add(&mut self, node: &'p NodeProto, at: &str) -> Option<&'p str> {
        let [output] = &*node.output else { return None };
        if !matches!(&*node.domain, "" | "ai.onnx") {
            return None;
        }
        let others: Vec<_> = node.input.iter().filter(|input| *input != at).collect();
        if node.input.len() != others.len() + 1 {
            return None;
        }
        let reads_first = node.input.first().is_some_and(|input| input == at);
        match (&*node.op_type, &*others) {
            ("MatMul", [weights]) if reads_first => self.linear(weights, false, 1.0)?,
            ("Gemm", [weights, bias @ ..]) if reads_first && bias.len() <= 1 => {
                if int(node, "transA", 0)? != 0 {
                    return None;
                }
                self.linear(weights, int(node, "transB", 0)? != 0, float(node, "alpha", 1.0)?)?;
                if let [bias] = bias {
                    let beta = float(node, "beta", 1.0)?;
                    let bias = self.columns(bias)?;
                    self.step(Step::Add, bias.into_iter().map(|b| b * beta).collect());
                }
            }
            ("Add", [number]) => {
                let numbers = self.columns(number)?;
                self.step(Step::Add, numbers);
            }
            ("Mul", [number]) => {
                let numbers = self.columns(number)?;
                self.step(Step::Multiply, numbers);
            }
            ("Sub", [number]) => {
                let numbers = self.columns(number)?;
                self.step(if reads_first { Step::Subtract } else { Step::SubtractFrom }, numbers);
            }
            ("Div", [number]) if reads_first => {
                let numbers = self.columns(number)?;
                self.step(Step::Divide, numbers);
            }
            ("Relu", []) => self.layers.push(Layer::Activation(Activation::Relu)),
            ("Sigmoid", []) => self.layers.push(Layer::Activation(Activation::Sigmoid)),
            ("Tanh", []) => self.layers.push(Layer::Activation(Activation::Tanh)),
            ("LeakyRelu", []) => {
                let slope = float(node, "alpha", 0.01)?;
                self.layers.push(Layer::Activation(Activation::LeakyRelu(slope)));
            }
            // The default was 1 before opset 13 and is -1 since: the same with two dimensions.
            ("Softmax", []) if matches!(int(node, "axis", -1)?, 1 | -1) => {
                self.layers.push(Layer::Activation(Activation::Softmax));
            }
            ("Identity", []) => {}
            ("Flatten", []) if int(node, "axis", 1)? == 1 => {}
            _ => return None,
        }
        Some(output)
    }

    fn linear(&mut self, name: &str, transposed: bool, alpha: f32) -> Option<()> {
        let tensor = self.weights.get(name)?;
        let &[rows, columns] = &*tensor.dims else { return None };
        let (rows, columns) = (usize::try_from(rows).ok()?, usize::try_from(columns).ok()?);
        let mut values = floats(tensor)?;
        let (inputs, outputs) = if transposed { (columns, rows) } else { (rows, columns) };
        if inputs != self.width || outputs == 0 || values.len() > MAX_MULTIPLY_ADDS {
            return None;
        }
        if transposed {
            values = (0..inputs * outputs).map(|at| values[at % outputs * inputs + at / outputs]).collect();
        }
        values.iter_mut().for_each(|value| *value *= alpha);
        self.layers.push(Layer::Linear(Linear::new(&values, inputs, outputs)));
        self.width = outputs;
        Some(())
    }

    /// A number for each column: from a scalar, a vector or a row.
    fn columns(&self, name: &str) -> Option<Vec<f32>> {
        let tensor = self.weights.get(name)?;
        let values = floats(tensor)?;
        match (&*tensor.dims, &*values) {
            ([] | [1] | [1, 1], &[value]) => Some(vec![value; self.width]),
            ([_] | [1, _], values) if values.len() == self.width => Some(values.to_vec()),
            _ => None,
        }
    }

    fn step(&mut self, step: Step, numbers: Vec<f32>) {
        match self.layers.last_mut() {
            Some(Layer::Linear(linear)) if step == Step::Add && linear.is_unbiased() => {
                linear.bias_mut().zip(numbers).for_each(|(bias, number)| *bias = number);
            }
            _ => self.layers.push(Layer::Columns(step, numbers)),
        }
    }
}

fn floats(tensor: &TensorProto) -> Option<Vec<f32>> {
    if tensor.data_type != DataType::Float as i32 {
        return None;
    }
    if tensor.raw_data.is_empty() {
        return Some(tensor.float_data.clone());
    }
    let (values, rest) = tensor.raw_data.as_chunks::<4>();
    rest.is_empty().then(|| values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

/// An integer attribute; `None` when it is of another type.
fn int(node: &NodeProto, name: &str, default: i64) -> Option<i64> {
    match node.attribute.iter().find(|attribute| attribute.name == name) {
        None => Some(default),
        Some(attribute) => (attribute.r#type == AttributeType::Int as i32).then_some(attribute.i),
    }
}

fn float(node: &NodeProto, name: &str, default: f32) -> Option<f32> {
    match node.attribute.iter().find(|attribute| attribute.name == name) {
        None => Some(default),
        Some(attribute) => (attribute.r#type == AttributeType::Float as i32).then_some(attribute.f),
    }
}
