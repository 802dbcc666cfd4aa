//! `QuantizeLinear`, `DequantizeLinear`, `DynamicQuantizeLinear`.

use std::sync::Arc;

use half::{bf16, f16};

use super::levels::{Layout, floats, level, levels, range, store};
use crate::native::{
    attributes::{Node, kind},
    exec::{Op, one, op},
    fault::{Fault, fault},
    ops::cast::{Rounding, convert},
    value::{Data, Kind, Tensor, elements, small},
};

/// A result of one precision, out of f32.
fn rounded(value: f32, kind: Kind) -> f32 {
    match kind {
        Kind::F16 => f16::from_f32(value).to_f32(),
        Kind::BF16 => bf16::from_f32(value).to_f32(),
        _ => value,
    }
}

/// `QuantizeLinear`, ai.onnx 10, 13, 19, 21, 23, 24, 25, 28, and com.microsoft's: since 13 a scale for
/// each place along an axis, since 19 small floats and half floats, since 21 blocks, 16 and 4 bits and
/// `output_dtype`, since 23 `precision`. The quotient is computed in f32 and rounded to the precision
/// of the scale; then to the nearest integer, ties to even.
pub(super) fn quantize(node: &Node<'_>) -> Result<Op, Fault> {
    let axis = node.int("axis", 1)?;
    let block = node.int("block_size", 0)?;
    let saturate = node.flag("saturate", true)?;
    let output = kind::of(node, "output_dtype")?;
    let precision = kind::of(node, "precision")?;
    op(move |run, args| {
        let (x, scale) = (args.tensor(0)?, args.tensor(1)?);
        let zero = args.opt(2)?;
        let kind = zero.map(Tensor::kind).or(output).unwrap_or(Kind::U8);
        let precision = precision.unwrap_or(scale.kind());
        let layout = Layout::new(x.shape(), scale.shape(), axis, block)?;
        let (values, scales) = (floats(run, x)?, floats(run, scale)?);
        if zero.is_some_and(|zero| zero.len() != scales.len()) {
            return Err(fault!("input 2: must have the shape of input 1, the scale"));
        }
        let quotient = |x: f32, scale: f32| rounded(x / scale, precision);
        let data = if range(kind).is_some() {
            let zeros = match zero {
                Some(zero) => levels(run, zero)?,
                None => vec![0; scales.len()],
            };
            let mut out = run.buffer(x.len())?;
            layout.each(|from, count, at, step| {
                let row = &values[from..from + count];
                if step == 0 {
                    let (scale, zero) = (scales[at], zeros[at]);
                    out.extend(row.iter().map(|&x| level(quotient(x, scale), zero)));
                } else {
                    out.extend(
                        row.iter()
                            .enumerate()
                            .map(|(i, &x)| level(quotient(x, scales[at + i]), zeros[at + i])),
                    );
                }
            });
            store(run, kind, out)?
        } else if kind.is_small() && kind.is_float() {
            let zeros = match zero {
                Some(zero) => floats(run, zero)?,
                None => Arc::new(vec![0.0; scales.len()]),
            };
            let mut out = run.buffer(x.len())?;
            layout.each(|from, count, at, step| {
                out.extend((0..count).map(|i| {
                    let value = quotient(values[from + i], scales[at + i * step]) + zeros[at + i * step];
                    small::from_f32(kind, value, saturate)
                }));
            });
            Data::Small(kind, Arc::new(out))
        } else {
            return Err(fault!("quantises to {kind}, which is no quantised type"));
        };
        one(Tensor::new(x.shape(), data)?)
    })
}

/// `DequantizeLinear`, ai.onnx 10, 13, 19, 21, 23, 24, 25, 28, and com.microsoft's; versions as of
/// [`quantize`], `output_dtype` since 23. Computed in f32 and rounded to the output's type.
pub(super) fn dequantize(node: &Node<'_>) -> Result<Op, Fault> {
    let axis = node.int("axis", 1)?;
    let block = node.int("block_size", 0)?;
    let output = kind::of(node, "output_dtype")?;
    op(move |run, args| {
        let (x, scale) = (args.tensor(0)?, args.tensor(1)?);
        let zero = args.opt(2)?;
        let kind = output.unwrap_or(if scale.kind().is_small() { Kind::F32 } else { scale.kind() });
        let layout = Layout::new(x.shape(), scale.shape(), axis, block)?;
        let scales = floats(run, scale)?;
        if zero.is_some_and(|zero| zero.len() != scales.len()) {
            return Err(fault!("input 2: must have the shape of input 1, the scale"));
        }
        let mut out: Vec<f32> = run.buffer(x.len())?;
        if x.kind().is_float() {
            let values = floats(run, x)?;
            layout.each(|from, count, at, step| {
                out.extend((0..count).map(|i| values[from + i] * scales[at + i * step]));
            });
        } else {
            let values = levels(run, x).map_err(|fault| fault.about("input 0"))?;
            let zeros = match zero {
                Some(zero) => levels(run, zero).map_err(|fault| fault.about("input 2"))?,
                None => vec![0; scales.len()],
            };
            layout.each(|from, count, at, step| {
                let row = &values[from..from + count];
                if step == 0 {
                    let (scale, zero) = (scales[at], zeros[at]);
                    out.extend(row.iter().map(|x| x.wrapping_sub(zero) as f32 * scale));
                } else {
                    out.extend(
                        row.iter()
                            .enumerate()
                            .map(|(i, x)| x.wrapping_sub(zeros[at + i]) as f32 * scales[at + i]),
                    );
                }
            });
        }
        let out = Tensor::of(x.shape(), out)?;
        let data = convert(run, out.data(), kind, Rounding::saturating(true))?;
        one(Tensor::new(x.shape(), data)?)
    })
}

/// The scale and zero point that [`dynamic`] chooses for 8 bits without sign.
pub(super) fn chosen(x: &[f32]) -> (f32, i32) {
    let (low, high) = x.iter().fold((0f32, 0f32), |(low, high), &x| (low.min(x), high.max(x)));
    let scale = (high - low) / 255.0;
    // Zeros only: any scale would do.
    let scale = if scale == 0.0 { 1.0 } else { scale };
    let zero = (0.0 - low / scale).clamp(0.0, 255.0).round_ties_even() as i32;
    (scale, zero)
}

/// `DynamicQuantizeLinear`, ai.onnx 11.
pub(super) fn dynamic(_: &Node<'_>) -> Result<Op, Fault> {
    op(|run, args| {
        let x = args.tensor(0)?;
        let values = args.slice::<f32>(0)?;
        let (scale, zero) = chosen(values);
        let mut out = run.buffer(elements(x.shape())?)?;
        out.extend(values.iter().map(|x| level(x / scale, zero)));
        let y = Tensor::new(x.shape(), store(run, Kind::U8, out)?)?;
        Ok(smallvec::smallvec![y.into(), Tensor::scalar(scale).into(), Tensor::scalar(zero as u8).into()])
    })
}
