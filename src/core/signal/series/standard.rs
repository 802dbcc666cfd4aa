//! Z-scores: how many standard deviations a value is from a mean.

use super::statistics::{mean, variance};

/// Mean and variance of a series that goes on (Welford 1962): as `numpy.mean` and `numpy.var` of all
/// values so far, without keeping them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Welford {
    count: u64,
    mean: f64,
    squares: f64,
}

impl Welford {
    /// All it knows: how many values, their mean, the sum of squares around it.
    pub fn parts(&self) -> (u64, f64, f64) {
        (self.count, self.mean, self.squares)
    }

    pub fn from_parts(count: u64, mean: f64, squares: f64) -> Self {
        Welford { count, mean, squares }
    }

    /// Takes the next value; NaN is passed over.
    pub fn push(&mut self, x: f64) {
        if x.is_nan() {
            return;
        }
        self.count += 1;
        let before = x - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (x - self.mean);
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    /// NaN without values.
    pub fn mean(&self) -> f64 {
        if self.count == 0 { f64::NAN } else { self.mean }
    }

    /// NaN when there are not more than `ddof` values.
    pub fn variance(&self, ddof: u64) -> f64 {
        match self.count.checked_sub(ddof) {
            None | Some(0) => f64::NAN,
            Some(free) => self.squares / free as f64,
        }
    }

    /// The z-score of `x` by what was seen so far: 0 while nothing varies.
    pub fn z_score(&self, x: f64, ddof: u64) -> f64 {
        let std = self.variance(ddof).sqrt();
        standardize(x, self.mean(), if std.is_nan() { 0.0 } else { std })
    }
}

/// `(x - mean) / std`; a `std` of 0 counts as 1, as in scikit-learn's `StandardScaler`.
pub fn standardize(x: f64, mean: f64, std: f64) -> f64 {
    (x - mean) / if std == 0.0 { 1.0 } else { std }
}

/// Z-scores of a series by its own mean and standard deviation: `scipy.stats.zscore(x, ddof=ddof)`,
/// but 0 where that is NaN because the series doesn't vary.
pub fn standardize_by_itself(x: &[f64], ddof: usize, out: &mut [f64]) {
    debug_assert_eq!(x.len(), out.len());
    let (mean, std) = (mean(x), variance(x, ddof).sqrt());
    for (x, out) in x.iter().zip(out) {
        *out = standardize(*x, mean, std);
    }
}
