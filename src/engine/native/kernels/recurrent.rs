//! Recurrent cells: one direction over a batch of sequences.

use super::{matmul::gemm, real::Computed};

/// A function between the parts of a cell, with its parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Activation<T> {
    Relu,
    Tanh,
    Sigmoid,
    Affine(T, T),
    LeakyRelu(T),
    ThresholdedRelu(T),
    ScaledTanh(T, T),
    HardSigmoid(T, T),
    Elu(T),
    Softsign,
    Softplus,
}

impl Activation<f64> {
    /// With its parameters in another type.
    pub fn of<T: Computed>(self) -> Activation<T> {
        let t = T::from_f64;
        match self {
            Activation::Relu => Activation::Relu,
            Activation::Tanh => Activation::Tanh,
            Activation::Sigmoid => Activation::Sigmoid,
            Activation::Affine(alpha, beta) => Activation::Affine(t(alpha), t(beta)),
            Activation::LeakyRelu(alpha) => Activation::LeakyRelu(t(alpha)),
            Activation::ThresholdedRelu(alpha) => Activation::ThresholdedRelu(t(alpha)),
            Activation::ScaledTanh(alpha, beta) => Activation::ScaledTanh(t(alpha), t(beta)),
            Activation::HardSigmoid(alpha, beta) => Activation::HardSigmoid(t(alpha), t(beta)),
            Activation::Elu(alpha) => Activation::Elu(t(alpha)),
            Activation::Softsign => Activation::Softsign,
            Activation::Softplus => Activation::Softplus,
        }
    }
}

impl<T: Computed> Activation<T> {
    /// At each number, in place.
    pub fn each(self, x: &mut [T]) {
        fn map<T: Copy>(x: &mut [T], f: impl Fn(T) -> T) {
            x.iter_mut().for_each(|x| *x = f(*x));
        }
        let (zero, one) = (T::ZERO, T::ONE);
        match self {
            Activation::Relu => map(x, |x| if x < zero { zero } else { x }),
            Activation::Tanh => map(x, T::tanh),
            Activation::Sigmoid => map(x, |x| one / (one + (-x).exp())),
            Activation::Affine(alpha, beta) => map(x, |x| alpha * x + beta),
            Activation::LeakyRelu(alpha) => map(x, |x| if x >= zero { x } else { alpha * x }),
            Activation::ThresholdedRelu(alpha) => map(x, |x| if x >= alpha { x } else { zero }),
            Activation::ScaledTanh(alpha, beta) => map(x, |x| alpha * (beta * x).tanh()),
            Activation::HardSigmoid(alpha, beta) => map(x, |x| (alpha * x + beta).max(zero).min(one)),
            Activation::Elu(alpha) => map(x, |x| if x >= zero { x } else { alpha * (x.exp() - one) }),
            Activation::Softsign => map(x, |x| x / (one + x.abs())),
            Activation::Softplus => map(x, |x| x.max(zero) + (-x.abs()).exp().ln_1p()),
        }
    }
}

/// The numbers as 8-bit integers of their own range give them back, which begins or ends at zero at the latest.
fn quantised<T: Computed>(x: &[T]) -> Vec<T> {
    let (low, high) =
        x.iter().fold((0f32, 0f32), |(low, high), x| (low.min(x.to_f32()), high.max(x.to_f32())));
    let scale = if high == low { 1.0 } else { (high - low) / 255.0 };
    let zero = (-low / scale).clamp(0.0, 255.0).round_ties_even();
    let level = |x: f32| ((x / scale).round_ties_even() + zero).clamp(0.0, 255.0);
    x.iter().map(|x| T::from_f32((level(x.to_f32()) - zero) * scale)).collect()
}

/// What a cell does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    Rnn,
    Gru {
        /// The reset gate is applied to the hidden state's product, not to the state.
        linear_before_reset: bool,
    },
    Lstm {
        /// The forget gate is one less the input gate.
        input_forget: bool,
    },
}

impl Cell {
    pub fn gates(self) -> usize {
        match self {
            Cell::Rnn => 1,
            Cell::Gru { .. } => 3,
            Cell::Lstm { .. } => 4,
        }
    }

    pub fn activations(self) -> usize {
        match self {
            Cell::Rnn => 1,
            Cell::Gru { .. } => 2,
            Cell::Lstm { .. } => 3,
        }
    }
}

/// One direction of a layer. Gates in ONNX's order: `zrh` for a GRU, `iofc` for an LSTM.
pub struct Direction<'w, T> {
    pub cell: Cell,
    pub input: usize,
    pub hidden: usize,
    /// Gates and hidden, input.
    pub w: &'w [T],
    /// Gates and hidden, hidden.
    pub r: &'w [T],
    /// Two biases for each gate, those of the input first.
    pub b: Option<&'w [T]>,
    /// Peepholes `iof`.
    pub p: Option<&'w [T]>,
    pub activations: &'w [Activation<T>],
    pub clip: Option<T>,
    pub backward: bool,
    /// Inputs and states take part in products as 8-bit integers of their own range.
    pub quantised: bool,
}

/// Memory for [`Direction::run`].
pub struct Scratch<T> {
    /// Steps, batch, gates, hidden.
    pub projected: Vec<T>,
    /// Batch, gates, hidden.
    pub recurrent: Vec<T>,
    /// As large, to turn that.
    pub turned: Vec<T>,
    /// Batch, hidden.
    pub reset: Vec<T>,
    /// Gates, hidden.
    pub gates: Vec<T>,
}

impl<T: Computed> Direction<'_, T> {
    /// Runs over sequences `x` (rows of inputs), each `lengths` steps long. `row` tells in which row of `x` and
    /// of `y` the input of (step, sequence) is; `y` are rows of `hidden` that begin at what `place` tells. `h` and
    /// `c` are the state (batch, hidden), before and after.
    #[allow(clippy::too_many_arguments, reason = "a kernel takes each buffer on its own")]
    pub fn run(
        &self,
        x: &[T],
        lengths: &[usize],
        row: impl Fn(usize, usize) -> usize,
        place: impl Fn(usize, usize) -> usize,
        (h, c): (&mut [T], &mut [T]),
        scratch: &mut Scratch<T>,
        y: &mut [T],
    ) {
        let (hidden, batch) = (self.hidden, lengths.len());
        let width = self.cell.gates() * hidden;
        if width == 0 || batch == 0 {
            return;
        }
        let rows = scratch.projected.len() / width;
        let rounded = self.quantised.then(|| quantised(x));
        let x = rounded.as_deref().unwrap_or(x);
        scratch.projected.fill(T::ZERO);
        gemm(rows, self.input, width, x, (self.input, 1), self.w, (1, self.input), &mut scratch.projected);
        for step in 0..lengths.iter().copied().max().unwrap_or(0) {
            self.recur(h, lengths, step, &row, scratch);
            for (sequence, &length) in lengths.iter().enumerate() {
                if step >= length {
                    continue;
                }
                let at = if self.backward { length - 1 - step } else { step };
                let state = sequence * hidden..(sequence + 1) * hidden;
                let projected = &scratch.projected[row(at, sequence) * width..][..width];
                let recurrent = &scratch.recurrent[sequence * width..][..width];
                let gates = &mut scratch.gates;
                match self.cell {
                    Cell::Lstm { input_forget } => {
                        let (h, c) = (&mut h[state.clone()], &mut c[state.clone()]);
                        self.lstm(projected, recurrent, gates, input_forget, h, c);
                    }
                    Cell::Gru { linear_before_reset } => {
                        self.gru(projected, recurrent, gates, linear_before_reset, &mut h[state.clone()]);
                    }
                    Cell::Rnn => {
                        self.sums(projected, recurrent, 0..hidden, gates);
                        self.activate(0, &mut gates[..hidden]);
                        h[state.clone()].copy_from_slice(&gates[..hidden]);
                    }
                }
                y[place(at, sequence)..][..hidden].copy_from_slice(&h[state]);
            }
        }
    }

    /// The products of the hidden states with the recurrence weights, of all sequences at once.
    fn recur(
        &self,
        h: &[T],
        lengths: &[usize],
        step: usize,
        row: &impl Fn(usize, usize) -> usize,
        scratch: &mut Scratch<T>,
    ) {
        let (hidden, batch, width) = (self.hidden, lengths.len(), self.cell.gates() * self.hidden);
        scratch.recurrent.fill(T::ZERO);
        let rounded = self.quantised.then(|| quantised(h));
        let h = rounded.as_deref().unwrap_or(h);
        if self.cell != (Cell::Gru { linear_before_reset: false }) {
            return gemm(batch, hidden, width, h, (hidden, 1), self.r, (1, hidden), &mut scratch.recurrent);
        }
        // The reset gate has to be known before its product: two gates first, then the third.
        let (first, last) = scratch.recurrent.split_at_mut(batch * 2 * hidden);
        gemm(batch, hidden, 2 * hidden, h, (hidden, 1), self.r, (1, hidden), first);
        for (sequence, &length) in lengths.iter().enumerate().filter(|(_, length)| step < **length) {
            let at = if self.backward { length - 1 - step } else { step };
            let projected = &scratch.projected[row(at, sequence) * width..][..width];
            let gates = &mut scratch.gates[..2 * hidden];
            self.sums(projected, &first[sequence * 2 * hidden..], hidden..2 * hidden, gates);
            self.activate(0, &mut gates[hidden..]);
            let state = sequence * hidden..(sequence + 1) * hidden;
            let to = scratch.reset[state.clone()].iter_mut();
            to.zip(&h[state]).zip(&gates[hidden..]).for_each(|((to, &h), &r)| *to = r * h);
        }
        let weights = &self.r[2 * hidden * hidden..];
        gemm(batch, hidden, hidden, &scratch.reset, (hidden, 1), weights, (1, hidden), last);
        // Back to a row for each sequence.
        for (sequence, rows) in scratch.turned.chunks_exact_mut(width).enumerate() {
            rows[..2 * hidden].copy_from_slice(&first[sequence * 2 * hidden..][..2 * hidden]);
            rows[2 * hidden..].copy_from_slice(&last[sequence * hidden..][..hidden]);
        }
        std::mem::swap(&mut scratch.recurrent, &mut scratch.turned);
    }

    /// Writes the gates within `range` before their activation.
    fn sums(&self, projected: &[T], recurrent: &[T], range: std::ops::Range<usize>, gates: &mut [T]) {
        let width = self.cell.gates() * self.hidden;
        for at in range {
            let bias = self.b.map_or(T::ZERO, |b| b[at] + b[width + at]);
            gates[at] = projected[at] + recurrent[at] + bias;
        }
    }

    fn clipped(&self, x: &mut [T]) {
        if let Some(clip) = self.clip {
            x.iter_mut().for_each(|x| *x = x.max(-clip).min(clip));
        }
    }

    fn activate(&self, index: usize, x: &mut [T]) {
        self.clipped(x);
        self.activations[index].each(x);
    }

    fn gru(&self, projected: &[T], recurrent: &[T], gates: &mut [T], linear_before_reset: bool, h: &mut [T]) {
        let hidden = self.hidden;
        let width = 3 * hidden;
        self.sums(projected, recurrent, 0..2 * hidden, gates);
        self.activate(0, &mut gates[..2 * hidden]);
        let (update, rest) = gates.split_at_mut(hidden);
        let (reset, candidate) = rest.split_at_mut(hidden);
        for at in 0..hidden {
            let place = 2 * hidden + at;
            let (input_bias, hidden_bias) =
                self.b.map_or((T::ZERO, T::ZERO), |b| (b[place], b[width + place]));
            candidate[at] = if linear_before_reset {
                projected[place] + reset[at] * (recurrent[place] + hidden_bias) + input_bias
            } else {
                projected[place] + recurrent[place] + hidden_bias + input_bias
            };
        }
        self.activate(1, &mut candidate[..hidden]);
        for ((h, &z), &candidate) in h.iter_mut().zip(&*update).zip(&*candidate) {
            *h = (T::ONE - z) * candidate + z * *h;
        }
    }

    fn lstm(
        &self,
        projected: &[T],
        recurrent: &[T],
        gates: &mut [T],
        input_forget: bool,
        h: &mut [T],
        c: &mut [T],
    ) {
        let hidden = self.hidden;
        self.sums(projected, recurrent, 0..4 * hidden, gates);
        let (input, rest) = gates.split_at_mut(hidden);
        let (output, rest) = rest.split_at_mut(hidden);
        let (forget, rest) = rest.split_at_mut(hidden);
        let candidate = &mut rest[..hidden];
        let look = |gate: &mut [T], peephole: usize, c: &[T]| {
            if let Some(p) = self.p {
                let p = &p[peephole * hidden..][..hidden];
                gate.iter_mut().zip(p).zip(c).for_each(|((gate, &p), &c)| *gate += p * c);
            }
        };
        look(input, 0, c);
        look(forget, 2, c);
        self.activate(0, input);
        if input_forget {
            forget.iter_mut().zip(&*input).for_each(|(forget, &input)| *forget = T::ONE - input);
        } else {
            self.activate(0, forget);
        }
        self.activate(1, candidate);
        for at in 0..hidden {
            c[at] = forget[at] * c[at] + input[at] * candidate[at];
        }
        look(output, 1, c);
        self.activate(0, output);
        h.copy_from_slice(c);
        self.activate(2, h);
        h.iter_mut().zip(&*output).for_each(|(h, &output)| *h *= output);
    }
}
