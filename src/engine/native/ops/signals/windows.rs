//! Windows.

use std::f64::consts::TAU;

use super::{cast, output_kind};
use crate::native::{
    attributes::Node,
    exec::{Op, one, op},
    fault::{Fault, fault},
    value::Tensor,
};

/// A window from its value at a turn of the circle. One of a single point is one.
fn window(node: &Node<'_>, value: impl Fn(f64) -> f64 + Send + Sync + 'static) -> Result<Op, Fault> {
    let (kind, periodic) = (output_kind(node)?, node.flag("periodic", true)?);
    op(move |run, args| {
        let size = args.int(0)?;
        let size = usize::try_from(size).map_err(|_| fault!("input 0: the size {size} is negative"))?;
        let period = if periodic { size } else { size.saturating_sub(1) };
        let mut values = run.buffer::<f64>(size)?;
        values.extend(
            (0..size).map(|at| if period == 0 { 1.0 } else { value(TAU * at as f64 / period as f64) }),
        );
        one(Tensor::new([size].as_slice(), cast(run, kind, values)?)?)
    })
}

/// `HannWindow`, ai.onnx 17.
pub(super) fn hann(node: &Node<'_>) -> Result<Op, Fault> {
    window(node, |turn| (turn / 2.0).sin().powi(2))
}

/// `HammingWindow`, ai.onnx 17, with the coefficients 25/46 and 21/46 of its definition.
pub(super) fn hamming(node: &Node<'_>) -> Result<Op, Fault> {
    window(node, |turn| 25.0 / 46.0 - 21.0 / 46.0 * turn.cos())
}

/// `BlackmanWindow`, ai.onnx 17.
pub(super) fn blackman(node: &Node<'_>) -> Result<Op, Fault> {
    window(node, |turn| 0.42 - 0.5 * turn.cos() + 0.08 * (2.0 * turn).cos())
}
