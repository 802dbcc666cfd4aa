//! Support vectors with their coefficients: values of a row.

use super::{
    kernel::Kernel,
    lanes::ROWS,
    vectors::{Vectors, dot},
};
use crate::linear::Weights;

/// Buffers that a run needs; kept by the caller from run to run, so that they are allocated once.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    pub(super) kernels: Vec<f32>,
    pub(super) values: Vec<f32>,
    pub(super) pairs: Vec<f64>,
    pub(super) probabilities: Vec<f64>,
    pub(super) matrix: Vec<f64>,
}

/// The vectors `first..first + len` of the whole, with a coefficient each.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Segment {
    pub first: usize,
    pub coefficients: Vec<f32>,
}

/// Values that are sums of kernels, each over some segments of the support vectors, plus a bias.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Machine {
    /// The kernel is the plain product, so coefficients and vectors are one set of weights.
    Linear(Weights),
    Kernels {
        vectors: Vectors,
        kernel: Kernel,
        values: Vec<(Vec<Segment>, f32)>,
    },
}

impl Machine {
    /// `vectors[vector * features + feature]`; the caller has checked that `features` is not zero
    /// and that the segments lie within.
    pub(super) fn new(
        vectors: &[f32],
        features: usize,
        kernel: Kernel,
        values: Vec<(Vec<Segment>, f32)>,
    ) -> Result<Self, String> {
        let count = vectors.len() / features;
        if kernel != Kernel::Linear || values.len() > count {
            return Ok(Machine::Kernels { vectors: Vectors::new(vectors, features), kernel, values });
        }
        let mut weights = Vec::with_capacity(values.len() * features);
        for (segments, _) in &values {
            let mut sums = vec![0f64; features];
            for segment in segments {
                let vectors = vectors.chunks_exact(features).skip(segment.first);
                for (vector, &coefficient) in vectors.zip(&segment.coefficients) {
                    for (sum, &value) in sums.iter_mut().zip(vector) {
                        *sum += f64::from(value) * f64::from(coefficient);
                    }
                }
            }
            weights.extend(sums.iter().map(|&sum| sum as f32));
        }
        Ok(Machine::Linear(Weights::new(weights, values.iter().map(|value| value.1).collect())?))
    }

    pub(super) fn features(&self) -> usize {
        match self {
            Machine::Linear(weights) => weights.features(),
            Machine::Kernels { vectors, .. } => vectors.features(),
        }
    }

    pub(super) fn outputs(&self) -> usize {
        match self {
            Machine::Linear(weights) => weights.outputs(),
            Machine::Kernels { values, .. } => values.len(),
        }
    }

    /// Appends `outputs()` values for each row of `features()`.
    pub(super) fn run(&self, rows: &[f32], kernels: &mut Vec<f32>, out: &mut Vec<f32>) {
        let (vectors, kernel, values) = match self {
            Machine::Linear(weights) => return weights.run(rows, out),
            Machine::Kernels { vectors, kernel, values } => (vectors, *kernel, values),
        };
        let (features, padded) = (vectors.features(), vectors.padded());
        kernels.resize(ROWS * padded, 0.0);
        let mut sum = |kernels: &[f32]| {
            for (segments, bias) in values {
                let product = |segment: &Segment| dot(&kernels[segment.first..], &segment.coefficients);
                out.push((segments.iter().map(product).sum::<f64>() + f64::from(*bias)) as f32);
            }
        };
        let mut blocks = rows.chunks_exact(features * ROWS);
        for block in blocks.by_ref() {
            let rows = std::array::from_fn(|row| &block[row * features..][..features]);
            vectors.kernels::<ROWS>(kernel, rows, kernels);
            kernels.chunks_exact(padded).for_each(&mut sum);
        }
        for row in blocks.remainder().chunks_exact(features) {
            vectors.kernels::<1>(kernel, [row], &mut kernels[..padded]);
            sum(&kernels[..padded]);
        }
    }
}
