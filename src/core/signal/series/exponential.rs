//! Exponentially weighted mean and variance, one reading after another.

use crate::signal::BadParameter;

/// How fast the past is forgotten, as `pandas.Series.ewm` has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExponentialSpec {
    /// Weight of the newest reading, above 0 and up to 1.
    pub alpha: f64,
    /// Weights are divided by their sum, which matters at the beginning (pandas' default).
    pub adjust: bool,
    /// A NaN takes no time: readings behind it weigh as if it had not been.
    pub ignore_na: bool,
    /// The variance is not corrected for the weights.
    pub bias: bool,
}

impl ExponentialSpec {
    /// With pandas' defaults.
    ///
    /// # Errors
    /// An `alpha` that is not above 0 and up to 1.
    pub fn new(alpha: f64) -> Result<Self, BadParameter> {
        if !(alpha > 0.0 && alpha <= 1.0) {
            return Err(BadParameter::new("alpha", "must be above 0 and not above 1"));
        }
        Ok(ExponentialSpec { alpha, adjust: true, ignore_na: false, bias: false })
    }
}

/// The state of one series: `pandas.Series.ewm(…).mean()` and `.var()`. One formula for every `alpha`;
/// pandas 3.1 has another for the mean behind a hole at exactly 0.5 without `adjust` and `ignore_na`.
#[derive(Debug, Clone, PartialEq)]
pub struct Exponential {
    spec: ExponentialSpec,
    mean: f64,
    variance: f64,
    /// Sum of the weights so far, of their squares, and the weight of the past at the next reading.
    weights: f64,
    squares: f64,
    past: f64,
}

impl Exponential {
    pub fn new(spec: ExponentialSpec) -> Self {
        Exponential { spec, mean: f64::NAN, variance: 0.0, weights: 1.0, squares: 1.0, past: 1.0 }
    }

    /// All it knows, for [`Exponential::with_parts`]: mean, variance, and three weights.
    pub fn parts(&self) -> [f64; 5] {
        [self.mean, self.variance, self.weights, self.squares, self.past]
    }

    /// The same rule, with what another one knew.
    pub fn with_parts(self, [mean, variance, weights, squares, past]: [f64; 5]) -> Self {
        Exponential { spec: self.spec, mean, variance, weights, squares, past }
    }

    /// Takes the next reading; a NaN changes nothing but the time.
    pub fn push(&mut self, x: f64) {
        let ExponentialSpec { alpha, adjust, ignore_na, .. } = self.spec;
        if self.mean.is_nan() {
            self.mean = x;
            return;
        }
        if x.is_nan() && ignore_na {
            return;
        }
        let fade = 1.0 - alpha;
        self.weights *= fade;
        self.squares *= fade * fade;
        self.past *= fade;
        if x.is_nan() {
            return;
        }
        let new = if adjust { 1.0 } else { alpha };
        let (before, all) = (self.mean, self.past + new);
        // Equal numbers stay what they are, whatever the weights round to.
        if before != x {
            self.mean = (self.past * before + new * x) / all;
        }
        let moved = before - self.mean;
        let off = x - self.mean;
        self.variance = (self.past * (self.variance + moved * moved) + new * off * off) / all;
        self.weights += new;
        self.squares += new * new;
        self.past += new;
        if !adjust {
            self.weights /= self.past;
            self.squares /= self.past * self.past;
            self.past = 1.0;
        }
    }

    /// NaN before the first reading.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// NaN before the first reading and, without `bias`, before the second.
    pub fn variance(&self) -> f64 {
        if self.mean.is_nan() {
            return f64::NAN;
        }
        if self.spec.bias {
            return self.variance;
        }
        let all = self.weights * self.weights;
        let free = all - self.squares;
        if free > 0.0 { all / free * self.variance } else { f64::NAN }
    }
}
