//! LinearRegressor.

use super::weights::Weights;
use crate::trees::Transform;

/// A linear model that predicts numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearRegressor {
    weights: Weights,
    transform: Transform,
}

impl LinearRegressor {
    /// `coefficients[target * features + feature]`; intercepts that aren't one per target are not
    /// used, as in onnxruntime.
    ///
    /// # Errors
    /// One sentence when the coefficients don't fit the targets.
    pub fn new(
        coefficients: Vec<f32>,
        mut intercepts: Vec<f32>,
        targets: usize,
        transform: Transform,
    ) -> Result<Self, String> {
        if targets > coefficients.len() {
            return Err(format!("{} coefficients don't fit {targets} targets", coefficients.len()));
        }
        if intercepts.len() != targets {
            intercepts = vec![0.0; targets];
        }
        Ok(LinearRegressor { weights: Weights::new(coefficients, intercepts)?, transform })
    }

    pub fn features(&self) -> usize {
        self.weights.features()
    }

    pub fn targets(&self) -> usize {
        self.weights.outputs()
    }

    /// Predicts rows of `features()`: `targets()` values a row.
    pub fn run(&self, rows: &[f32], values: &mut Vec<f32>) {
        values.clear();
        self.weights.run(rows, values);
        // One value has nothing to be weighed against: onnxruntime leaves it as it is.
        if self.targets() > 1 || self.transform == Transform::Probit {
            self.transform.apply(values, self.targets());
        }
    }
}
