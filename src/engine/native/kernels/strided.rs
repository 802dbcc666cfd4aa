//! Copies along any strides: what transposing, slicing, expanding and tiling have in common.

use smallvec::SmallVec;

/// One dimension of a view: how many elements, and how far apart they are.
type Dims = SmallVec<[(usize, isize); 8]>;

/// Appends the elements that a view of `from` shows, in row-major order of the view. The view begins
/// at `start` and has `dims` of (length, step), outermost first; a step of 0 repeats, a negative one
/// goes backwards.
pub fn copy<T: Clone>(from: &[T], start: usize, dims: &[(usize, isize)], out: &mut Vec<T>) {
    if dims.iter().any(|&(len, _)| len == 0) {
        return;
    }
    let mut dims = merged(dims);
    let Some((inner, step)) = dims.pop() else { return out.extend(from.get(start).cloned()) };
    let mut at: SmallVec<[usize; 8]> = SmallVec::from_elem(0, dims.len());
    let mut offset = start as isize;
    loop {
        row(from, offset as usize, inner, step, out);
        // The next row: as a counter with a digit for each dimension.
        let mut axis = dims.len();
        loop {
            if axis == 0 {
                return;
            }
            axis -= 1;
            let (len, step) = dims[axis];
            at[axis] += 1;
            offset += step;
            if at[axis] < len {
                break;
            }
            offset -= step * len as isize;
            at[axis] = 0;
        }
    }
}

/// Neighbouring dimensions that are walked as one; those of length one are dropped.
fn merged(dims: &[(usize, isize)]) -> Dims {
    let mut merged = Dims::new();
    for &(len, step) in dims.iter().filter(|&&(len, _)| len != 1) {
        match merged.last_mut() {
            Some((outer, outer_step)) if *outer_step == step * len as isize => {
                *outer *= len;
                *outer_step = step;
            }
            _ => merged.push((len, step)),
        }
    }
    merged
}

fn row<T: Clone>(from: &[T], start: usize, len: usize, step: isize, out: &mut Vec<T>) {
    match step {
        0 => out.extend(std::iter::repeat_n(&from[start], len).cloned()),
        1 => out.extend_from_slice(&from[start..start + len]),
        step if step > 0 => out.extend(from[start..].iter().step_by(step as usize).take(len).cloned()),
        step => out.extend(from[..=start].iter().rev().step_by(step.unsigned_abs()).take(len).cloned()),
    }
}

#[cfg(test)]
mod tests {
    use super::copy;

    fn shown(from: &[i32], start: usize, dims: &[(usize, isize)]) -> Vec<i32> {
        let mut out = vec![];
        copy(from, start, dims, &mut out);
        out
    }

    #[test]
    fn a_view_is_walked_in_its_own_order() {
        let from = [0, 1, 2, 3, 4, 5];
        assert_eq!(shown(&from, 0, &[(3, 1), (2, 3)]), [0, 3, 1, 4, 2, 5]);
        assert_eq!(shown(&from, 0, &[(2, 3), (3, 1)]), from);
        assert_eq!(shown(&from, 5, &[(6, -1)]), [5, 4, 3, 2, 1, 0]);
        assert_eq!(shown(&from, 3, &[(2, -3), (2, 1)]), [3, 4, 0, 1]);
        assert_eq!(shown(&from, 4, &[(2, 0), (1, 7), (2, 1)]), [4, 5, 4, 5]);
        assert_eq!(shown(&from, 4, &[]), [4]);
        assert!(shown(&from, 0, &[(2, 3), (0, 1)]).is_empty());
    }
}
