//! One of two elements, by a third.

use super::{broadcast::strides_in, shape::Walk};

/// Appends `x` where the condition holds and `y` elsewhere, all three repeated to the shape `to`.
pub fn select<T: Clone>(
    (condition, condition_shape): (&[bool], &[usize]),
    (x, x_shape): (&[T], &[usize]),
    (y, y_shape): (&[T], &[usize]),
    to: &[usize],
    out: &mut Vec<T>,
) {
    if condition_shape == to && x_shape == to && y_shape == to {
        let pairs = x.iter().zip(y).zip(condition);
        return out.extend(pairs.map(|((x, y), &first)| if first { x.clone() } else { y.clone() }));
    }
    let inner = to.last().copied().unwrap_or(1);
    let outer = &to[..to.len().saturating_sub(1)];
    if inner == 0 {
        return;
    }
    let strides = [condition_shape, x_shape, y_shape].map(|shape| strides_in(shape, to));
    let steps = strides.clone().map(|strides| strides.last().copied().unwrap_or(0));
    let outer_strides = strides.map(|strides| strides[..outer.len()].into());
    for [at_c, at_x, at_y] in Walk::new(outer, outer_strides) {
        out.extend((0..inner).map(|i| {
            if condition[at_c + i * steps[0]] {
                x[at_x + i * steps[1]].clone()
            } else {
                y[at_y + i * steps[2]].clone()
            }
        }));
    }
}
