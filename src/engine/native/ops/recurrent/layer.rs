//! `RNN`, `GRU`, `LSTM`.

use super::activation;
use crate::native::{
    attributes::Node,
    exec::{Args, Op, Outputs, Run, op},
    fault::{Fault, fault},
    kernels::{
        real::{self, Computed, reals},
        recurrent::{Activation, Cell, Direction, Scratch},
    },
    value::elements,
};

pub(super) struct Layer {
    cell: Cell,
    /// For each direction, whether it goes backward.
    backward: Vec<bool>,
    activations: Vec<Activation<f64>>,
    clip: Option<f32>,
    hidden: Option<i64>,
    /// The batch is the first axis, not the second.
    batch_first: bool,
    /// Products are of 8-bit integers.
    pub quantised: bool,
}

/// `RNN`, ai.onnx 1 to 22: `h = f(x Wᵀ + h Rᵀ + b)`. Since 14 `layout`; 22 adds bfloat16.
pub(super) fn rnn(node: &Node<'_>) -> Result<Op, Fault> {
    layer(node, Cell::Rnn)
}

/// `GRU`, ai.onnx 1 to 22. Since 3 `linear_before_reset`, since 14 `layout`; 22 adds bfloat16.
pub(super) fn gru(node: &Node<'_>) -> Result<Op, Fault> {
    layer(node, Cell::Gru { linear_before_reset: node.flag("linear_before_reset", false)? })
}

/// `LSTM`, ai.onnx 1 to 22, with peepholes. Since 14 `layout`; 22 adds bfloat16.
pub(super) fn lstm(node: &Node<'_>) -> Result<Op, Fault> {
    layer(node, Cell::Lstm { input_forget: node.flag("input_forget", false)? })
}

fn layer(node: &Node<'_>, cell: Cell) -> Result<Op, Fault> {
    let layer = read(node, cell)?;
    op(move |run, args| reals!(args.tensor(0)?.kind(), T => body::<T>(run, &args, &layer)))
}

/// Reads a layer's attributes.
pub(super) fn read(node: &Node<'_>, cell: Cell) -> Result<Layer, Fault> {
    let backward = match node.string("direction", "forward")? {
        "forward" => vec![false],
        "reverse" => vec![true],
        "bidirectional" => vec![false, true],
        other => return Err(fault!("attribute `direction` is `{other}`")),
    };
    Ok(Layer {
        cell,
        activations: activation::read(node, cell, backward.len())?,
        backward,
        clip: node.attributes.float("clip")?.filter(|&clip| clip > 0.0),
        hidden: node.attributes.int("hidden_size")?,
        batch_first: node.flag("layout", false)?,
        quantised: false,
    })
}

/// The lengths of a layer's axes.
struct Sizes {
    steps: usize,
    batch: usize,
    input: usize,
    hidden: usize,
    directions: usize,
}

impl Layer {
    fn sizes(&self, args: &Args) -> Result<Sizes, Fault> {
        let (x, w, r) = (args.tensor(0)?, args.tensor(1)?, args.tensor(2)?);
        let (&[first, second, input], &[.., hidden]) = (x.shape(), r.shape()) else {
            return Err(fault!("an input {x} and recurrence weights {r}: must have three axes"));
        };
        let (steps, batch) = if self.batch_first { (second, first) } else { (first, second) };
        let directions = self.backward.len();
        let width = hidden.saturating_mul(self.cell.gates());
        if *w.shape() != [directions, width, input] || *r.shape() != [directions, width, hidden] {
            return Err(fault!(
                "weights {w} and {r} don't fit an input {x} in {directions} directions with {} gates",
                self.cell.gates()
            ));
        }
        if let Some(given) = self.hidden.filter(|&given| given != hidden as i64) {
            return Err(fault!("attribute `hidden_size` is {given}, its weights are for {hidden}"));
        }
        Ok(Sizes { steps, batch, input, hidden, directions })
    }

    fn lengths(&self, args: &Args, sizes: &Sizes) -> Result<Vec<usize>, Fault> {
        let Some(given) = args.opt_ints(4)? else { return Ok(vec![sizes.steps; sizes.batch]) };
        if given.len() != sizes.batch {
            return Err(fault!("input 4: has {} lengths for {} sequences", given.len(), sizes.batch));
        }
        let outside = |length: i64| fault!("input 4: length {length} is outside 0 to {}", sizes.steps);
        let check = |&length: &i64| {
            usize::try_from(length)
                .ok()
                .filter(|&length| length <= sizes.steps)
                .ok_or_else(|| outside(length))
        };
        given.iter().map(check).collect()
    }
}

/// A state (directions, batch, hidden) from its input, or zeros.
fn state<T: Computed>(
    run: &mut Run<'_>,
    args: &Args,
    index: usize,
    sizes: &Sizes,
    batch_first: bool,
) -> Result<Vec<T>, Fault> {
    let Sizes { batch, hidden, directions, .. } = *sizes;
    let mut state = run.filled(elements(&[directions, batch, hidden])?, T::ZERO)?;
    if let Some(given) = real::opt_vector::<T>(run, args, index, state.len())? {
        swapped(&given, if batch_first { [batch, directions] } else { [1, 1] }, hidden, &mut state);
    }
    Ok(state)
}

/// Copies rows of `width` with their two outer axes swapped.
fn swapped<T: Copy>(from: &[T], [outer, inner]: [usize; 2], width: usize, to: &mut [T]) {
    if outer * inner <= 1 {
        return to.copy_from_slice(from);
    }
    for i in 0..outer {
        for j in 0..inner {
            to[(j * outer + i) * width..][..width].copy_from_slice(&from[(i * inner + j) * width..][..width]);
        }
    }
}

pub(super) fn body<T: Computed>(run: &mut Run<'_>, args: &Args, layer: &Layer) -> Result<Outputs, Fault> {
    let sizes = layer.sizes(args)?;
    let lengths = layer.lengths(args, &sizes)?;
    let Sizes { steps, batch, input, hidden, directions } = sizes;
    let (gates, kind) = (layer.cell.gates(), args.tensor(0)?.kind());
    let width = gates * hidden;
    let (x, w, r) =
        (real::input::<T>(run, args, 0)?, real::input::<T>(run, args, 1)?, real::input::<T>(run, args, 2)?);
    let b = real::opt_vector::<T>(run, args, 3, elements(&[directions, 2, width])?)?;
    let p = match layer.cell {
        Cell::Lstm { .. } => real::opt_vector::<T>(run, args, 7, elements(&[directions, 3, hidden])?)?,
        _ => None,
    };
    let mut h = state::<T>(run, args, 5, &sizes, layer.batch_first)?;
    let mut c = match layer.cell {
        Cell::Lstm { .. } => state::<T>(run, args, 6, &sizes, layer.batch_first)?,
        _ => run.filled(h.len(), T::ZERO)?,
    };
    let mut y = run.filled(elements(&[steps, directions, batch, hidden])?, T::ZERO)?;
    let mut scratch = Scratch {
        projected: run.filled(elements(&[steps, batch, width])?, T::ZERO)?,
        recurrent: run.filled(elements(&[batch, width])?, T::ZERO)?,
        turned: run.filled(elements(&[batch, width])?, T::ZERO)?,
        reset: run.filled(elements(&[batch, hidden])?, T::ZERO)?,
        gates: run.filled(width, T::ZERO)?,
    };
    let activations: Vec<Activation<T>> =
        layer.activations.iter().map(|activation| activation.of()).collect();
    let per_direction = layer.cell.activations();
    for (at, &backward) in layer.backward.iter().enumerate() {
        let direction = Direction {
            cell: layer.cell,
            input,
            hidden,
            w: &w[at * width * input..][..width * input],
            r: &r[at * width * hidden..][..width * hidden],
            b: b.as_deref().map(|b| &b[at * 2 * width..][..2 * width]),
            p: p.as_deref().map(|p| &p[at * 3 * hidden..][..3 * hidden]),
            activations: &activations[at * per_direction..][..per_direction],
            clip: layer.clip.map(|clip| T::from_f64(f64::from(clip))),
            backward,
            quantised: layer.quantised,
        };
        let state = at * batch * hidden..(at + 1) * batch * hidden;
        let first = layer.batch_first;
        direction.run(
            &x,
            &lengths,
            |step, sequence| if first { sequence * steps + step } else { step * batch + sequence },
            |step, sequence| {
                let row = if first {
                    (sequence * steps + step) * directions + at
                } else {
                    (step * directions + at) * batch + sequence
                };
                row * hidden
            },
            (&mut h[state.clone()], &mut c[state]),
            &mut scratch,
            &mut y,
        );
    }
    let shape = if layer.batch_first {
        [batch, steps, directions, hidden]
    } else {
        [steps, directions, batch, hidden]
    };
    let mut outputs = Outputs::new();
    outputs.push(real::tensor(run, kind, &shape, y)?.into());
    for state in [h, c] {
        let (shape, state) = if layer.batch_first {
            let mut turned = run.filled(state.len(), T::ZERO)?;
            swapped(&state, [directions, batch], hidden, &mut turned);
            ([batch, directions, hidden], turned)
        } else {
            ([directions, batch, hidden], state)
        };
        outputs.push(real::tensor(run, kind, &shape, state)?.into());
    }
    Ok(outputs)
}
