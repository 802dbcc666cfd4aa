//! Broadcasting as NumPy and ONNX have it ("Broadcasting.md").

use super::shape::{Walk, strides};
use crate::native::{
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

/// Two operands cut into stretches in which each of them is either contiguous or one element
/// repeated.
struct Stretches {
    /// Elements of a stretch.
    len: usize,
    a_repeats: bool,
    b_repeats: bool,
    /// Where each stretch begins in the operands.
    starts: Walk<2>,
}

fn stretches(a_shape: &[usize], b_shape: &[usize], to: &[usize]) -> Stretches {
    let (a, b) = (strides_in(a_shape, to), strides_in(b_shape, to));
    // From the last axis on, as many as make one stretch together.
    let (mut len, mut outer) = (1, to.len());
    let (mut a_repeats, mut b_repeats) = (false, false);
    for axis in (0..to.len()).rev().filter(|&axis| to[axis] != 1) {
        let (a_zero, b_zero) = (a[axis] == 0, b[axis] == 0);
        if len == 1 {
            (a_repeats, b_repeats) = (a_zero, b_zero);
        } else if (a_zero, b_zero) != (a_repeats, b_repeats) {
            break;
        }
        (len, outer) = (len * to[axis], axis);
    }
    let starts = Walk::new(&to[..outer], [a[..outer].into(), b[..outer].into()]);
    Stretches { len, a_repeats, b_repeats, starts }
}

/// Appends `f(a, b)` for every element of the broadcast shape `to` to `out`.
pub fn zip<A: Clone, B: Clone, R>(
    (a, a_shape): (&[A], &[usize]),
    (b, b_shape): (&[B], &[usize]),
    to: &[usize],
    out: &mut Vec<R>,
    f: impl Fn(&A, &B) -> R,
) {
    let Stretches { len, a_repeats, b_repeats, starts } = stretches(a_shape, b_shape, to);
    if len == 0 {
        return;
    }
    // Three loops, not more: each is compiled anew for every operator and type.
    for [at_a, at_b] in starts {
        match (a_repeats, b_repeats) {
            (true, _) => out.extend(b[at_b..at_b + len].iter().map(|b| f(&a[at_a], b))),
            (_, true) => out.extend(a[at_a..at_a + len].iter().map(|a| f(a, &b[at_b]))),
            _ => out.extend(a[at_a..at_a + len].iter().zip(&b[at_b..at_b + len]).map(|(a, b)| f(a, b))),
        }
    }
}

/// Appends the elements of `from` repeated to the broadcast shape `to`.
pub fn expand<T: Clone>(from: &[T], from_shape: &[usize], to: &[usize], out: &mut Vec<T>) {
    let walk = Walk::new(to, [strides_in(from_shape, to)]);
    out.extend(walk.map(|[at]| from[at].clone()));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every pair of shapes up to four axes of lengths 1 to 3, beside the definition.
    #[test]
    fn operands_are_repeated_along_their_axes_of_one() {
        let to = [2, 3, 1, 2];
        for mask in 0..256_usize {
            let cut = |bits: usize| -> Vec<usize> {
                (0..4).map(|axis| if bits >> axis & 1 == 1 { 1 } else { to[axis] }).collect()
            };
            let (a_shape, b_shape) = (cut(mask & 15), cut(mask >> 4));
            let full = shape(&a_shape, &b_shape).unwrap();
            let numbers = |shape: &[usize]| -> Vec<usize> { (0..shape.iter().product()).collect() };
            let (a, b) = (numbers(&a_shape), numbers(&b_shape));
            let mut out = vec![];
            zip((&a, &a_shape), (&b, &b_shape), &full, &mut out, |&a, &b| (a, b));
            let place = |shape: &[usize], at: &[usize]| {
                at.iter().zip(shape).fold(0, |place, (&at, &dim)| place * dim + at % dim)
            };
            let walk = Walk::new(&full, [strides(&full)]).map(|[flat]| {
                let own = strides(&full);
                let at: Vec<usize> = (0..4).map(|axis| flat / own[axis] % full[axis]).collect();
                (place(&a_shape, &at), place(&b_shape, &at))
            });
            assert_eq!(out, walk.collect::<Vec<_>>(), "{a_shape:?} {b_shape:?}");
        }
    }

    #[test]
    fn nothing_comes_of_empty_operands() {
        for (a_shape, b_shape, a_len, b_len) in [
            (&[0][..], &[1][..], 0, 1),
            (&[2, 0], &[], 0, 1),
            (&[0, 3], &[3], 0, 3),
            (&[1, 0], &[4, 1], 0, 4),
        ] {
            let to = shape(a_shape, b_shape).unwrap();
            let mut out = vec![];
            zip((&vec![1; a_len], a_shape), (&vec![1; b_len], b_shape), &to, &mut out, |a, b| a + b);
            assert_eq!(out, [0; 0]);
        }
    }

    #[test]
    fn what_is_repeated_by_both_is_one_stretch() {
        let all = stretches(&[2, 3, 4], &[2, 1, 1], &[2, 3, 4]);
        assert_eq!((all.len, all.a_repeats, all.b_repeats), (12, false, true));
        let all = stretches(&[2, 3, 4], &[2, 3, 4], &[2, 3, 4]);
        assert_eq!((all.len, all.a_repeats, all.b_repeats), (24, false, false));
    }
}
