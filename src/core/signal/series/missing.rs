//! Holes in a series: NaN stands for a value that was not there.

/// What stands in for a missing value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fill {
    /// `pandas.Series.fillna(value)`.
    Constant(f64),
    /// The value before: `pandas.Series.ffill(limit=…)`. What is missing at the beginning, or beyond
    /// the limit in a row, stays so.
    Previous { limit: Option<usize> },
    /// On the line between its neighbours, by place; at the ends the nearest value: `numpy.interp`
    /// over the places.
    Linear,
    /// The mean of what is there: `x.fillna(x.mean())`.
    Mean,
}

/// Fills the NaN of `x` in place. A series without any value stays as it is, but for `Constant`.
pub fn fill(policy: Fill, x: &mut [f64]) {
    match policy {
        Fill::Constant(value) => replace(x, value),
        Fill::Mean => {
            let (sum, count) =
                x.iter().filter(|x| !x.is_nan()).fold((0.0, 0usize), |(sum, n), x| (sum + x, n + 1));
            if count > 0 {
                replace(x, sum / count as f64);
            }
        }
        Fill::Previous { limit } => {
            let (mut last, mut row) = (f64::NAN, 0usize);
            for x in x {
                if x.is_nan() {
                    row += 1;
                    if limit.is_none_or(|limit| row <= limit) {
                        *x = last;
                    }
                } else {
                    (last, row) = (*x, 0);
                }
            }
        }
        Fill::Linear => linear(x),
    }
}

fn replace(x: &mut [f64], value: f64) {
    for x in x.iter_mut().filter(|x| x.is_nan()) {
        *x = value;
    }
}

fn linear(x: &mut [f64]) {
    let mut known: Option<usize> = None;
    for i in 0..x.len() {
        if x[i].is_nan() {
            continue;
        }
        match known {
            None => {
                let first = x[i];
                x[..i].fill(first);
            }
            Some(before) => {
                let (y0, slope) = (x[before], (x[i] - x[before]) / (i - before) as f64);
                for (j, x) in x[before + 1..i].iter_mut().enumerate() {
                    *x = slope * (j + 1) as f64 + y0;
                }
            }
        }
        known = Some(i);
    }
    if let Some(last) = known {
        let value = x[last];
        x[last + 1..].fill(value);
    }
}

/// The places at which no series has a NaN: the rows `pandas.DataFrame.dropna()` keeps. `at(i)` yields
/// the values of place `i`.
pub fn complete<'x, I>(places: usize, at: impl Fn(usize) -> I, out: &mut Vec<usize>)
where
    I: Iterator<Item = &'x f64>,
{
    out.clear();
    out.extend((0..places).filter(|place| at(*place).all(|x| !x.is_nan())));
}
