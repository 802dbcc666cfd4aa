//! Shares of a whole along one axis. `x` holds `outer` x `len` x `inner` elements and is overwritten.

use super::number::Analytic;

/// `exp(x) / sum(exp(x))`.
pub fn softmax<R: Analytic>(x: &mut [R], len: usize, inner: usize, scratch: &mut Vec<R>) {
    softmax_in_steps(x, len, inner, scratch, |x| x);
}

/// As [`softmax`], with every step's result put through `round`: subtraction, `exp`, sum, division, as
/// ONNX writes the operator as a function of others.
pub fn softmax_in_steps<R: Analytic>(
    x: &mut [R],
    len: usize,
    inner: usize,
    scratch: &mut Vec<R>,
    round: impl Fn(R) -> R + Copy,
) {
    each(x, len, inner, scratch, |rows, inner, sums| {
        sums.iter_mut().for_each(|sum| *sum = R::ZERO);
        for row in rows.chunks_exact_mut(inner) {
            for (x, sum) in row.iter_mut().zip(&mut *sums) {
                *x = round(round(*x).exp());
                *sum = *sum + *x;
            }
        }
        sums.iter_mut().for_each(|sum| *sum = round(*sum));
        for row in rows.chunks_exact_mut(inner) {
            for (x, &sum) in row.iter_mut().zip(&*sums) {
                *x = *x / sum;
            }
        }
    });
}

/// `x - ln(sum(exp(x)))`.
pub fn log_softmax<R: Analytic>(x: &mut [R], len: usize, inner: usize, scratch: &mut Vec<R>) {
    each(x, len, inner, scratch, |rows, inner, sums| {
        sums.iter_mut().for_each(|sum| *sum = R::ZERO);
        for row in rows.chunks_exact(inner) {
            for (x, sum) in row.iter().zip(&mut *sums) {
                *sum = *sum + x.exp();
            }
        }
        sums.iter_mut().for_each(|sum| *sum = sum.ln());
        for row in rows.chunks_exact_mut(inner) {
            for (x, &sum) in row.iter_mut().zip(&*sums) {
                *x = *x - sum;
            }
        }
    });
}

/// Calls `f` for every block of `len` rows of `inner` elements, the greatest of each column taken off, with
/// `inner` numbers to sum in.
fn each<R: Analytic>(
    x: &mut [R],
    len: usize,
    inner: usize,
    scratch: &mut Vec<R>,
    f: impl Fn(&mut [R], usize, &mut [R]),
) {
    if len == 0 || inner == 0 {
        return;
    }
    scratch.clear();
    scratch.resize(inner, R::ZERO);
    for rows in x.chunks_exact_mut(len * inner) {
        scratch.copy_from_slice(&rows[..inner]);
        for row in rows.chunks_exact(inner).skip(1) {
            for (top, &x) in scratch.iter_mut().zip(row) {
                *top = top.larger(x);
            }
        }
        for row in rows.chunks_exact_mut(inner) {
            for (x, &top) in row.iter_mut().zip(&*scratch) {
                *x = *x - top;
            }
        }
        f(rows, inner, scratch);
    }
}

/// One at the first greatest, zero elsewhere.
pub fn hardmax<R: Analytic>(x: &mut [R], len: usize, inner: usize) {
    if len == 0 || inner == 0 {
        return;
    }
    for rows in x.chunks_exact_mut(len * inner) {
        for column in 0..inner {
            let mut best = 0;
            for row in 1..len {
                if rows[row * inner + column] > rows[best * inner + column] {
                    best = row;
                }
            }
            for row in 0..len {
                rows[row * inner + column] = if row == best { R::ONE } else { R::ZERO };
            }
        }
    }
}
