//! Inputs times weights plus bias.

/// Outputs computed side by side: two registers of the least vector unit of x86-64 and Arm64.
const LANES: usize = 8;
/// Rows computed side by side, so that a loaded weight is used more than once.
const ROWS: usize = 4;

/// A fully connected layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Linear {
    inputs: usize,
    outputs: usize,
    /// Blocks of `LANES` outputs; in each, one entry per input. Outputs past the last weigh nothing.
    weights: Vec<[f32; LANES]>,
    bias: Vec<[f32; LANES]>,
}

impl Linear {
    /// A layer of `weights[input * outputs + output]`, with a bias of zero.
    ///
    /// # Panics
    /// When there aren't `inputs * outputs` weights: that is a bug of the caller.
    pub fn new(weights: &[f32], inputs: usize, outputs: usize) -> Self {
        assert_eq!(weights.len(), inputs * outputs, "one weight for each input and output");
        let blocks = outputs.div_ceil(LANES);
        let mut packed = vec![[0.0; LANES]; blocks * inputs];
        for (input, row) in weights.chunks_exact(outputs.max(1)).enumerate() {
            for (output, &weight) in row.iter().enumerate() {
                packed[output / LANES * inputs + input][output % LANES] = weight;
            }
        }
        Linear { inputs, outputs, weights: packed, bias: vec![[0.0; LANES]; blocks] }
    }

    pub fn inputs(&self) -> usize {
        self.inputs
    }

    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// The bias of each output, to set.
    pub fn bias_mut(&mut self) -> impl Iterator<Item = &mut f32> {
        self.bias.iter_mut().flatten().take(self.outputs)
    }

    /// True when no bias has been set.
    pub fn is_unbiased(&self) -> bool {
        self.bias.iter().flatten().all(|&bias| bias == 0.0)
    }

    /// Computes row-major `x` of `inputs` a row into `y`, `outputs` a row.
    pub fn run(&self, x: &[f32], y: &mut Vec<f32>) {
        let rows = x.len() / self.inputs;
        y.clear();
        y.resize(rows * self.outputs, 0.0);
        let mut xs = x.chunks_exact(self.inputs * ROWS);
        let mut ys = y.chunks_exact_mut(self.outputs * ROWS);
        for (x, y) in xs.by_ref().zip(ys.by_ref()) {
            self.run_rows::<ROWS>(x, y);
        }
        let rest = xs.remainder().chunks_exact(self.inputs);
        for (x, y) in rest.zip(ys.into_remainder().chunks_exact_mut(self.outputs)) {
            self.run_rows::<1>(x, y);
        }
    }

    #[inline(always)]
    fn run_rows<const R: usize>(&self, x: &[f32], y: &mut [f32]) {
        let rows: [&[f32]; R] = std::array::from_fn(|row| &x[row * self.inputs..][..self.inputs]);
        for (block, (weights, bias)) in self.weights.chunks_exact(self.inputs).zip(&self.bias).enumerate() {
            let mut sums = [[0f32; LANES]; R];
            for (input, weights) in weights.iter().enumerate() {
                for (sums, row) in sums.iter_mut().zip(rows) {
                    let x = row[input];
                    for (sum, weight) in sums.iter_mut().zip(weights) {
                        *sum += x * weight;
                    }
                }
            }
            let first = block * LANES;
            let width = LANES.min(self.outputs - first);
            for (row, sums) in sums.iter().enumerate() {
                let y = &mut y[row * self.outputs + first..][..width];
                for ((y, sum), bias) in y.iter_mut().zip(sums).zip(bias) {
                    *y = sum + bias;
                }
            }
        }
    }
}
