//! Differences and lags.

/// The `order`-th difference over `periods` readings, into `out` of `x.len() - order * periods`
/// values: `numpy.diff(x, order)` with `periods` 1; with `order` 1 what `pandas.Series.diff(periods)`
/// has without its leading NaN. `scratch` is the caller's, for any length.
pub fn difference(x: &[f64], order: usize, periods: usize, scratch: &mut Vec<f64>, out: &mut [f64]) {
    debug_assert_eq!(out.len(), x.len().saturating_sub(order.saturating_mul(periods)));
    scratch.clear();
    scratch.extend_from_slice(x);
    for _ in 0..order {
        let left = scratch.len().saturating_sub(periods);
        for i in 0..left {
            scratch[i] = scratch[i + periods] - scratch[i];
        }
        scratch.truncate(left);
    }
    for (out, value) in out.iter_mut().zip(scratch) {
        *out = *value;
    }
}

/// What was `periods` readings ago, for the last `out.len()` readings of `x`: `pandas.Series.shift`
/// without its leading NaN.
pub fn lag(x: &[f64], periods: usize, out: &mut [f64]) {
    debug_assert!(out.len() + periods <= x.len());
    let first = x.len().saturating_sub(out.len().saturating_add(periods));
    for (out, value) in out.iter_mut().zip(&x[first..]) {
        *out = *value;
    }
}
