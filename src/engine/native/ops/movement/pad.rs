//! Elements added around a tensor, or taken away.

use crate::{
    map_data,
    native::{
        attributes::Node,
        exec::{Op, one, op},
        fault::{Fault, fault},
        kernels::{
            pad::{Side, fill},
            shape::axes,
        },
        ops::{alike, shape::listed},
        value::{Shape, Tensor, elements},
    },
};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Mode {
    Constant,
    Reflect,
    Edge,
    Wrap,
}

/// `Pad`, ai.onnx 1 to 25: attributes before 11 (`paddings` in 1), inputs since; since 18 some axes only,
/// since 19 `wrap`. A negative number takes elements away, before any are added.
pub fn pad(node: &Node<'_>) -> Result<Op, Fault> {
    let mode = match node.string("mode", "constant")? {
        "constant" => Mode::Constant,
        "reflect" => Mode::Reflect,
        "edge" => Mode::Edge,
        "wrap" => Mode::Wrap,
        other => {
            return Err(fault!("attribute `mode` is `{other}`: must be constant, reflect, edge or wrap"));
        }
    };
    let old = node.opset < 11;
    let attribute = match node.opset {
        ..2 => node.ints("paddings")?,
        2..11 => node.ints("pads")?,
        _ => None,
    };
    let old_value = node.float("value", 0.0)?;
    op(move |run, args| {
        let input = args.tensor(0)?;
        let pads = listed(&args, 1, attribute.as_ref())?.ok_or_else(|| fault!("lacks its pads"))?;
        let along = match args.opt_ints(3)? {
            Some(given) => axes(&given, input.rank())?,
            None => (0..input.rank()).collect(),
        };
        if pads.len() != 2 * along.len() {
            return Err(fault!(
                "has {} pads for {} dimensions: must be two for each",
                pads.len(),
                along.len()
            ));
        }
        let mut sides = vec![Side::default(); input.rank()];
        for (i, &axis) in along.iter().enumerate() {
            sides[axis] = Side { before: pads[i], after: pads[along.len() + i] };
        }
        let mut shape = Shape::new();
        for (axis, side) in sides.iter().enumerate() {
            shape.push(side.padded(input.shape()[axis]).ok_or_else(|| {
                fault!("pads dimension {axis} of {input} by {} and {}", side.before, side.after)
            })?);
        }
        let len = elements(&shape)?;
        let value = match args.opt(2)? {
            Some(value) if value.len() != 1 || value.kind() != input.kind() => {
                return Err(fault!("input 2: is {value}, must be one {}", input.kind()));
            }
            value => value,
        };
        // No allocation is larger than the result's, or than the bound.
        run.check_len::<usize>(shape.iter().copied().max().unwrap_or(0).min(len))?;
        let mut sources = Vec::with_capacity(shape.len());
        for (axis, side) in sides.iter().enumerate().filter(|_| len > 0) {
            let dim = input.shape()[axis];
            let source = side.sources(dim, |at, cropped| source(mode, at, cropped));
            sources.push(
                source.ok_or_else(|| fault!("dimension {axis} of {input} has no elements to pad it with"))?,
            );
        }
        let data = if old && old_value != 0.0 && value.is_none() {
            let filler = old_filler(input, old_value)?;
            map_data!(input.data(), v => {
                let filler = alike::first(&filler, v)?;
                let mut out = run.buffer(len)?;
                fill(v, input.shape(), &sources, &filler, len, &mut out);
                out
            })
        } else {
            map_data!(input.data(), v => {
                let filler = match value {
                    Some(value) => alike::first(value, v)?,
                    None => Default::default(),
                };
                let mut out = run.buffer(len)?;
                fill(v, input.shape(), &sources, &filler, len, &mut out);
                out
            })
        };
        one(Tensor::new(shape, data)?)
    })
}

/// Before 11 the value is a float attribute and tensors are floats.
fn old_filler(input: &Tensor, value: f32) -> Result<Tensor, Fault> {
    use crate::native::value::Kind;
    match input.kind() {
        Kind::F32 => Ok(Tensor::scalar(value)),
        Kind::F64 => Ok(Tensor::scalar(f64::from(value))),
        Kind::F16 => Ok(Tensor::scalar(half::f16::from_f32(value))),
        kind => Err(fault!("pads {kind}: before opset 11 floats only")),
    }
}

/// Where an element at `at`, counted from the first one kept, comes from among `dim` kept ones.
/// `Some(None)`: the constant; `None`: there is nothing to take it from.
fn source(mode: Mode, at: i64, dim: i64) -> Option<Option<usize>> {
    if (0..dim).contains(&at) {
        return Some(Some(at as usize));
    }
    if mode == Mode::Constant {
        return Some(None);
    }
    if dim == 0 {
        return None;
    }
    let from = match mode {
        Mode::Edge | Mode::Constant => at.clamp(0, dim - 1),
        Mode::Wrap => at.rem_euclid(dim),
        // There and back, the ends once.
        Mode::Reflect if dim == 1 => 0,
        Mode::Reflect => {
            let period = 2 * (dim - 1);
            let at = at.rem_euclid(period);
            at.min(period - at)
        }
    };
    Some(Some(from as usize))
}
