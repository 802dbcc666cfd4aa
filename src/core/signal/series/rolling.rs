//! Statistics of the last `window` readings at every reading: `pandas.Series.rolling(window)`.

use std::collections::VecDeque;

use super::{Statistic, quantile_sorted};
use crate::signal::BadParameter;

/// What to roll.
#[derive(Debug, Clone, PartialEq)]
pub struct RollingSpec {
    /// Readings in a window.
    pub window: usize,
    /// Readings in it that must not be NaN; pandas' default is `window`.
    pub min_periods: usize,
    pub statistic: Statistic,
    /// Of `Std` and `Var`; pandas' default is 1.
    pub ddof: usize,
}

/// A rolling statistic; keeps its buffers.
#[derive(Debug, Clone)]
pub struct Rolling {
    spec: RollingSpec,
    /// Min and max: places whose value none behind them surpasses.
    candidates: VecDeque<usize>,
    /// Quantiles: the window's values, ascending.
    sorted: Vec<f64>,
}

impl Rolling {
    /// # Errors
    /// An empty window, more periods than it has, or a statistic that pandas has no rolling form of.
    pub fn new(spec: RollingSpec) -> Result<Self, BadParameter> {
        if spec.window == 0 {
            return Err(BadParameter::new("window", "must be at least 1"));
        }
        if spec.min_periods > spec.window {
            return Err(BadParameter::new("min_periods", "must not be more than `window`"));
        }
        if matches!(
            spec.statistic,
            Statistic::Kurtosis
                | Statistic::KurtosisPearson
                | Statistic::Skewness
                | Statistic::CrestFactor
                | Statistic::Peak
                | Statistic::PeakToPeak
        ) {
            let known = "mean, std, var, min, max, median, sum, count, rms or a quantile such as q0.9";
            return Err(BadParameter::new("statistics", format!("must be {known}")));
        }
        Ok(Rolling { spec, candidates: VecDeque::new(), sorted: Vec::new() })
    }

    /// One value a reading; NaN where the window holds fewer than `min_periods` values. NaN among the
    /// readings are not counted.
    pub fn run(&mut self, x: &[f64], out: &mut [f64]) {
        debug_assert_eq!(x.len(), out.len());
        match self.spec.statistic {
            Statistic::Min => self.extreme(x, out, |kept, new| new <= kept),
            Statistic::Max => self.extreme(x, out, |kept, new| new >= kept),
            Statistic::Median => self.quantile(x, out, 0.5),
            Statistic::Quantile(q) => self.quantile(x, out, q),
            _ => self.moment(x, out),
        }
    }

    fn least(&self) -> usize {
        self.spec.min_periods.max(1)
    }

    /// Every window summed anew: sums carried along would carry their rounding along.
    fn moment(&self, x: &[f64], out: &mut [f64]) {
        for (i, out) in out.iter_mut().enumerate().take(x.len()) {
            let window = &x[(i + 1).saturating_sub(self.spec.window)..=i];
            let values = || window.iter().copied().filter(|x| !x.is_nan());
            let count = values().count();
            let n = count as f64;
            *out = match self.spec.statistic {
                // pandas counts the NaN among its periods here, and nowhere else.
                Statistic::Count if window.len() < self.spec.min_periods => f64::NAN,
                Statistic::Count => n,
                _ if count < self.least() => f64::NAN,
                Statistic::Sum => values().sum(),
                Statistic::Rms => (values().map(|x| x * x).sum::<f64>() / n).sqrt(),
                Statistic::Std | Statistic::Var if count <= self.spec.ddof => f64::NAN,
                Statistic::Std | Statistic::Var => {
                    let mean = values().sum::<f64>() / n;
                    let squares: f64 = values().map(|x| (x - mean) * (x - mean)).sum();
                    let variance = squares / (count - self.spec.ddof) as f64;
                    if self.spec.statistic == Statistic::Std { variance.sqrt() } else { variance }
                }
                _ => values().sum::<f64>() / n,
            };
        }
    }

    /// `surpasses(kept, new)`: the new value makes the kept one useless from here on.
    fn extreme(&mut self, x: &[f64], out: &mut [f64], surpasses: impl Fn(f64, f64) -> bool) {
        let (window, least) = (self.spec.window, self.least());
        self.candidates.clear();
        let mut count = 0;
        for (i, out) in out.iter_mut().enumerate().take(x.len()) {
            if let Some(gone) = i.checked_sub(window) {
                count -= usize::from(!x[gone].is_nan());
                if self.candidates.front() == Some(&gone) {
                    self.candidates.pop_front();
                }
            }
            if !x[i].is_nan() {
                count += 1;
                while self.candidates.back().is_some_and(|kept| surpasses(x[*kept], x[i])) {
                    self.candidates.pop_back();
                }
                self.candidates.push_back(i);
            }
            let best = self.candidates.front().filter(|_| count >= least);
            *out = best.map_or(f64::NAN, |at| x[*at]);
        }
    }

    fn quantile(&mut self, x: &[f64], out: &mut [f64], q: f64) {
        let (window, least) = (self.spec.window, self.least());
        self.sorted.clear();
        for (i, out) in out.iter_mut().enumerate().take(x.len()) {
            if let Some(gone) = i.checked_sub(window).map(|at| x[at]).filter(|gone| !gone.is_nan())
                && let Ok(at) = self.sorted.binary_search_by(|kept| kept.total_cmp(&gone))
            {
                self.sorted.remove(at);
            }
            if !x[i].is_nan() {
                let at = self.sorted.partition_point(|kept| kept.total_cmp(&x[i]).is_lt());
                self.sorted.insert(at, x[i]);
            }
            *out = if self.sorted.len() < least { f64::NAN } else { quantile_sorted(&self.sorted, q) };
        }
    }
}
