//! Broadcasting as NumPy and ONNX have it ("Broadcasting.md").

use super::shape::{Walk, strides};
use crate::engine::native::{
    fault::{Fault, fault},
    value::Shape,
};

/// The shape two operands have together: aligned at the end, ones repeated.
///
/// # Errors
/// Two lengths that differ, neither being one.
pub fn shape(a: &[usize], b: &[usize]) -> Result<Shape, Fault> {
    let rank = a.len().max(b.len());
    let dim = |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |at| shape[at]);
    (0..rank)
        .map(|axis| match (dim(a, axis), dim(b, axis)) {
            (x, y) if x == y => Ok(x),
            (1, y) => Ok(y),
            (x, 1) => Ok(x),
            _ => Err(fault!("shapes {a:?} and {b:?} can't be broadcast: dimension {axis} differs")),
        })
        .collect()
}

/// Strides of an operand of shape `from` within the broadcast shape `to`: 0 where it is repeated.
pub fn strides_in(from: &[usize], to: &[usize]) -> Shape {
    let own = strides(from);
    let ahead = to.len() - from.len();
    (0..to.len())
        .map(|axis| match axis.checked_sub(ahead) {
            Some(at) if from[at] == to[axis] => own[at],
            _ => 0,
        })
        .collect()
}

/// Appends `f(a, b)` for every element of the broadcast shape `to` to `out`.
pub fn zip<A: Clone, B: Clone, R>(
    (a, a_shape): (&[A], &[usize]),
    (b, b_shape): (&[B], &[usize]),
    to: &[usize],
    out: &mut Vec<R>,
    f: impl Fn(&A, &B) -> R,
) {
    if a_shape == b_shape {
        return out.extend(a.iter().zip(b).map(|(a, b)| f(a, b)));
    }
    let len: usize = to.iter().product();
    if let ([b], true) = (b, a.len() == len) {
        return out.extend(a.iter().map(|a| f(a, b)));
    }
    if let ([a], true) = (a, b.len() == len) {
        return out.extend(b.iter().map(|b| f(a, b)));
    }
    let Some((&inner, outer)) = to.split_last() else { return };
    if inner == 0 {
        return;
    }
    let (a_strides, b_strides) = (strides_in(a_shape, to), strides_in(b_shape, to));
    let (a_step, b_step) = (a_strides[outer.len()], b_strides[outer.len()]);
    let rows = Walk::new(outer, [a_strides[..outer.len()].into(), b_strides[..outer.len()].into()]);
    // The last axis in a plain loop: it is what takes the time.
    for [at_a, at_b] in rows {
        match (a_step, b_step) {
            (0, 0) => out.extend((0..inner).map(|_| f(&a[at_a], &b[at_b]))),
            (0, _) => out.extend(b[at_b..at_b + inner].iter().map(|b| f(&a[at_a], b))),
            (_, 0) => out.extend(a[at_a..at_a + inner].iter().map(|a| f(a, &b[at_b]))),
            _ => out.extend(a[at_a..at_a + inner].iter().zip(&b[at_b..at_b + inner]).map(|(a, b)| f(a, b))),
        }
    }
}

/// Appends the elements of `from` repeated to the broadcast shape `to`.
pub fn expand<T: Clone>(from: &[T], from_shape: &[usize], to: &[usize], out: &mut Vec<T>) {
    let walk = Walk::new(to, [strides_in(from_shape, to)]);
    out.extend(walk.map(|[at]| from[at].clone()));
}
