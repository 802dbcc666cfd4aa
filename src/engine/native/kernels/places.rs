//! Reading and writing at places worked out before: what the gathering and scattering operators have
//! in common, so that only this is made once for every type of element.

/// Appends `len` elements from each place of `from`.
pub fn pick<T: Clone>(from: &[T], places: &[usize], len: usize, out: &mut Vec<T>) {
    match len {
        0 => {}
        1 => out.extend(places.iter().map(|&at| from[at].clone())),
        len => places.iter().for_each(|&at| out.extend_from_slice(&from[at..at + len])),
    }
}

/// Writes `len` elements of `updates` to each place of `to`, in order, `f(old, new)` deciding what
/// stands there afterwards.
pub fn put<T>(to: &mut [T], places: &[usize], len: usize, updates: &[T], f: impl Fn(&T, &T) -> T) {
    if len == 0 {
        return;
    }
    for (&at, updates) in places.iter().zip(updates.chunks_exact(len)) {
        for (old, new) in to[at..at + len].iter_mut().zip(updates) {
            *old = f(old, new);
        }
    }
}

/// Appends the rows `outer x sizes[i] x inner` of several parts, joined along the middle.
pub fn join<T: Clone>(parts: &[&[T]], rows: &[usize], outer: usize, out: &mut Vec<T>) {
    for at in 0..outer {
        for (part, &row) in parts.iter().zip(rows) {
            out.extend_from_slice(&part[at * row..(at + 1) * row]);
        }
    }
}
