//! SVMRegressor.

use super::{
    kernel::Kernel,
    machine::{Machine, Scratch, Segment},
};
use crate::{linear::Weights, trees::Transform};

/// The attributes of an SVMRegressor.
#[derive(Debug, Clone)]
pub struct SvmRegressorSpec {
    pub kernel: Kernel,
    /// `n_supports`; 0 for a linear model without support vectors.
    pub supports: usize,
    pub support_vectors: Vec<f32>,
    /// One per support vector; for a linear model one per feature.
    pub coefficients: Vec<f32>,
    /// What is added to the sum.
    pub rho: f32,
    /// The answer is 1 for what is inside the class and -1 for what is not.
    pub one_class: bool,
    pub transform: Transform,
}

/// A support vector machine that predicts one number a row.
#[derive(Debug, Clone, PartialEq)]
pub struct SvmRegressor {
    machine: Machine,
    one_class: bool,
    transform: Transform,
}

impl SvmRegressor {
    /// # Errors
    /// One sentence when the numbers of vectors and coefficients don't fit.
    pub fn new(spec: SvmRegressorSpec) -> Result<Self, String> {
        let machine = if spec.supports == 0 {
            Machine::Linear(Weights::new(spec.coefficients, vec![spec.rho])?)
        } else {
            let (values, supports) = (spec.support_vectors.len(), spec.supports);
            if values == 0 || values % supports != 0 {
                return Err(format!("{values} values don't make {supports} support vectors"));
            }
            if spec.coefficients.len() != supports {
                return Err(format!(
                    "{} coefficients don't fit {supports} support vectors",
                    spec.coefficients.len()
                ));
            }
            let segment = Segment { first: 0, coefficients: spec.coefficients };
            let values_of = vec![(vec![segment], spec.rho)];
            Machine::new(&spec.support_vectors, values / supports, spec.kernel, values_of)?
        };
        Ok(SvmRegressor { machine, one_class: spec.one_class, transform: spec.transform })
    }

    pub fn features(&self) -> usize {
        self.machine.features()
    }

    /// Predicts rows of `features()`: one value a row.
    pub fn run(&self, rows: &[f32], scratch: &mut Scratch, values: &mut Vec<f32>) {
        values.clear();
        self.machine.run(rows, &mut scratch.kernels, values);
        if self.one_class {
            values.iter_mut().for_each(|value| *value = if *value > 0.0 { 1.0 } else { -1.0 });
        }
        // One value has nothing to be weighed against.
        if self.transform == Transform::Probit {
            self.transform.apply(values, 1);
        }
    }
}
