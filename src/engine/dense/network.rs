//! Layers in a row.

use super::Linear;

/// One layer of a [`Network`].
#[derive(Debug, Clone, PartialEq)]
pub enum Layer {
    Linear(Linear),
    /// One operation with a number of its own for each column.
    Columns(Step, Vec<f32>),
    Activation(Activation),
}

/// `x (op) number`, but [`Step::SubtractFrom`] is `number - x`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Add,
    Subtract,
    SubtractFrom,
    Multiply,
    Divide,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Activation {
    Relu,
    LeakyRelu(f32),
    Sigmoid,
    Tanh,
    /// Over a row.
    Softmax,
}

/// A network without branches: rows of `inputs` numbers to rows of `outputs`.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    inputs: usize,
    outputs: usize,
    layers: Vec<Layer>,
}

impl Network {
    /// `None` when the layers don't fit each other.
    pub fn new(inputs: usize, layers: Vec<Layer>) -> Option<Self> {
        let outputs = layers.iter().try_fold(inputs, |width, layer| match layer {
            Layer::Linear(linear) if linear.inputs() == width => Some(linear.outputs()),
            Layer::Columns(_, numbers) if numbers.len() == width => Some(width),
            Layer::Activation(_) => Some(width),
            _ => None,
        })?;
        (inputs > 0 && outputs > 0).then_some(Network { inputs, outputs, layers })
    }

    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Multiplications with addition a row.
    pub fn multiply_adds(&self) -> usize {
        let each = self.layers.iter().map(|layer| match layer {
            Layer::Linear(linear) => linear.inputs() * linear.outputs(),
            _ => 0,
        });
        each.sum()
    }

    /// Runs row-major `x` through all layers; the answer ends up in `y`. `spare` is overwritten.
    pub fn run(&self, x: &[f32], y: &mut Vec<f32>, spare: &mut Vec<f32>) {
        y.clear();
        y.extend_from_slice(x);
        let mut width = self.inputs;
        for layer in &self.layers {
            match layer {
                Layer::Linear(linear) => {
                    linear.run(y, spare);
                    std::mem::swap(y, spare);
                    width = linear.outputs();
                }
                Layer::Columns(step, numbers) => step.run(y, numbers),
                Layer::Activation(activation) => activation.run(y, width),
            }
        }
    }
}

impl Step {
    fn run(self, values: &mut [f32], numbers: &[f32]) {
        for row in values.chunks_exact_mut(numbers.len()) {
            let each = row.iter_mut().zip(numbers);
            match self {
                Step::Add => each.for_each(|(x, n)| *x += n),
                Step::Subtract => each.for_each(|(x, n)| *x -= n),
                Step::SubtractFrom => each.for_each(|(x, n)| *x = n - *x),
                Step::Multiply => each.for_each(|(x, n)| *x *= n),
                Step::Divide => each.for_each(|(x, n)| *x /= n),
            }
        }
    }
}

impl Activation {
    fn run(self, values: &mut [f32], width: usize) {
        match self {
            // Written so that NaN stays NaN: it must not be hidden behind a zero.
            Activation::Relu => values.iter_mut().for_each(|x| *x = if *x < 0.0 { 0.0 } else { *x }),
            Activation::LeakyRelu(slope) => {
                values.iter_mut().for_each(|x| *x = if *x < 0.0 { slope * *x } else { *x });
            }
            Activation::Sigmoid => values.iter_mut().for_each(|x| *x = sigmoid(*x)),
            Activation::Tanh => values.iter_mut().for_each(|x| *x = x.tanh()),
            Activation::Softmax => values.chunks_exact_mut(width).for_each(softmax),
        }
    }
}

/// 1 / (1 + e^-x), without overflow for any x.
fn sigmoid(x: f32) -> f32 {
    let e = (-x.abs()).exp();
    if x < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) }
}

fn softmax(row: &mut [f32]) {
    let max = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for x in row.iter_mut() {
        *x = (*x - max).exp();
        sum += *x;
    }
    row.iter_mut().for_each(|x| *x /= sum);
}
