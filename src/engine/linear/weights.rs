//! Rows times coefficients, plus intercepts.

/// Partial sums of one product: two registers of the least vector unit of x86-64 and Arm64.
const LANES: usize = 8;
/// Rows computed side by side, so that a loaded coefficient is used more than once.
const ROWS: usize = 4;

/// One row of coefficients and one intercept per output.
///
/// Every product is summed in the same order whatever rows are beside it, so a row's values have
/// the same bits in every batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    features: usize,
    coefficients: Vec<f32>,
    intercepts: Vec<f32>,
}

impl Weights {
    /// `coefficients[output * features + feature]`, with an intercept per output.
    ///
    /// # Errors
    /// One sentence when the coefficients are none or don't divide by the outputs.
    pub fn new(coefficients: Vec<f32>, intercepts: Vec<f32>) -> Result<Self, String> {
        let outputs = intercepts.len();
        if outputs == 0 || coefficients.is_empty() || !coefficients.len().is_multiple_of(outputs) {
            return Err(format!("{} coefficients don't fit {outputs} outputs", coefficients.len()));
        }
        Ok(Weights { features: coefficients.len() / outputs, coefficients, intercepts })
    }

    pub fn features(&self) -> usize {
        self.features
    }

    pub fn outputs(&self) -> usize {
        self.intercepts.len()
    }

    /// Appends `outputs()` values for each row of `features()` in row-major `rows`.
    pub fn run(&self, rows: &[f32], values: &mut Vec<f32>) {
        let start = values.len();
        values.resize(start + rows.len() / self.features * self.outputs(), 0.0);
        let mut blocks = rows.chunks_exact(self.features * ROWS);
        let mut out = values[start..].chunks_exact_mut(self.outputs() * ROWS);
        for (rows, out) in blocks.by_ref().zip(out.by_ref()) {
            self.run_rows::<ROWS>(rows, out);
        }
        let rest = blocks.remainder().chunks_exact(self.features);
        for (row, out) in rest.zip(out.into_remainder().chunks_exact_mut(self.outputs())) {
            self.run_rows::<1>(row, out);
        }
    }

    #[inline(always)]
    fn run_rows<const R: usize>(&self, rows: &[f32], out: &mut [f32]) {
        let rows: [&[f32]; R] = std::array::from_fn(|row| &rows[row * self.features..][..self.features]);
        let outputs = self.outputs();
        for (output, (weights, intercept)) in
            self.coefficients.chunks_exact(self.features).zip(&self.intercepts).enumerate()
        {
            for (row, sum) in dots(rows, weights).into_iter().enumerate() {
                out[row * outputs + output] = sum + intercept;
            }
        }
    }
}

/// The products of rows with the same weights; all have the same length.
#[inline(always)]
fn dots<const R: usize>(rows: [&[f32]; R], weights: &[f32]) -> [f32; R] {
    let whole = weights.len() / LANES * LANES;
    let mut sums = [[0f32; LANES]; R];
    for first in (0..whole).step_by(LANES) {
        let weights = &weights[first..first + LANES];
        for (sums, row) in sums.iter_mut().zip(rows) {
            for ((sum, x), weight) in sums.iter_mut().zip(&row[first..first + LANES]).zip(weights) {
                *sum += x * weight;
            }
        }
    }
    std::array::from_fn(|row| {
        let sums = &sums[row];
        let halves: [f32; LANES / 2] = std::array::from_fn(|lane| sums[lane] + sums[lane + LANES / 2]);
        let mut sum = (halves[0] + halves[2]) + (halves[1] + halves[3]);
        for (x, weight) in rows[row][whole..].iter().zip(&weights[whole..]) {
            sum += x * weight;
        }
        sum
    })
}
