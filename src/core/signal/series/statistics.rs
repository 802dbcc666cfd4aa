//! Statistics of a whole series.

use std::f64;

/// One number about a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Statistic {
    Mean,
    /// With the given delta degrees of freedom: `numpy.std(x, ddof=…)`.
    Std,
    Var,
    Min,
    Max,
    Median,
    Sum,
    /// Values that are not NaN.
    Count,
    /// Square root of the mean square.
    Rms,
    /// Largest magnitude.
    Peak,
    /// Largest less smallest: `numpy.ptp`.
    PeakToPeak,
    /// Peak over RMS.
    CrestFactor,
    /// `scipy.stats.kurtosis(x)`: Fisher's, 0 for a normal distribution.
    Kurtosis,
    /// `scipy.stats.kurtosis(x, fisher=False)`: Pearson's, 3 for a normal distribution.
    KurtosisPearson,
    /// `scipy.stats.skew(x)`.
    Skewness,
    /// Between the order statistics, linear: `numpy.quantile(x, q)`.
    Quantile(f64),
}

impl Statistic {
    /// All that have no parameter in their name; a quantile is written `q0.95`.
    pub const NAMES: [(&'static str, Statistic); 15] = [
        ("mean", Statistic::Mean),
        ("std", Statistic::Std),
        ("var", Statistic::Var),
        ("min", Statistic::Min),
        ("max", Statistic::Max),
        ("median", Statistic::Median),
        ("sum", Statistic::Sum),
        ("count", Statistic::Count),
        ("rms", Statistic::Rms),
        ("peak", Statistic::Peak),
        ("peak_to_peak", Statistic::PeakToPeak),
        ("crest_factor", Statistic::CrestFactor),
        ("kurtosis", Statistic::Kurtosis),
        ("kurtosis_pearson", Statistic::KurtosisPearson),
        ("skewness", Statistic::Skewness),
    ];

    /// The statistic of that name; `q` with a number from 0 to 1 is a quantile.
    pub fn from_name(name: &str) -> Option<Statistic> {
        let known = Statistic::NAMES.iter().find(|(known, _)| *known == name);
        known.map(|(_, statistic)| *statistic).or_else(|| {
            let q: f64 = name.strip_prefix('q')?.parse().ok()?;
            (0.0..=1.0).contains(&q).then_some(Statistic::Quantile(q))
        })
    }
}

/// Computes statistics; keeps a buffer for those that sort.
#[derive(Debug, Clone)]
pub struct Statistics {
    /// Delta degrees of freedom of `Std` and `Var`.
    pub ddof: usize,
    /// Whether kurtosis and skewness are of the sample as it is (`bias=True`, SciPy's default).
    pub bias: bool,
    sorted: Vec<f64>,
}

impl Statistics {
    pub fn new(ddof: usize, bias: bool) -> Self {
        Statistics { ddof, bias, sorted: Vec::new() }
    }

    /// The statistic of `x`. NaN among the values makes all but `Count` NaN, as in NumPy; so does an
    /// empty series, and for kurtosis, skewness and crest factor one that is constant (or zero).
    pub fn run(&mut self, statistic: Statistic, x: &[f64]) -> f64 {
        let n = x.len() as f64;
        if statistic == Statistic::Count {
            return x.iter().filter(|x| !x.is_nan()).count() as f64;
        }
        if x.is_empty() || x.iter().any(|x| x.is_nan()) {
            return f64::NAN;
        }
        match statistic {
            Statistic::Mean => mean(x),
            Statistic::Std => variance(x, self.ddof).sqrt(),
            Statistic::Var => variance(x, self.ddof),
            Statistic::Min => x.iter().copied().fold(f64::INFINITY, f64::min),
            Statistic::Max => x.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            Statistic::Median => self.quantile(x, 0.5),
            Statistic::Quantile(q) => self.quantile(x, q),
            Statistic::Sum => x.iter().sum(),
            Statistic::Count => n,
            Statistic::Rms => rms(x),
            Statistic::Peak => peak(x),
            Statistic::PeakToPeak => self.run(Statistic::Max, x) - self.run(Statistic::Min, x),
            Statistic::CrestFactor => peak(x) / rms(x),
            Statistic::KurtosisPearson => self.run(Statistic::Kurtosis, x) + 3.0,
            Statistic::Kurtosis => {
                let (m2, _, m4) = moments(x);
                let pearson = if m2 == 0.0 { f64::NAN } else { m4 / (m2 * m2) };
                if self.bias || n <= 3.0 {
                    return pearson - 3.0;
                }
                ((n * n - 1.0) * pearson - 3.0 * (n - 1.0) * (n - 1.0)) / ((n - 2.0) * (n - 3.0))
            }
            Statistic::Skewness => {
                let (m2, m3, _) = moments(x);
                let biased = if m2 == 0.0 { f64::NAN } else { m3 / m2.powf(1.5) };
                if self.bias || n <= 2.0 {
                    return biased;
                }
                ((n - 1.0) * n).sqrt() / (n - 2.0) * biased
            }
        }
    }

    fn quantile(&mut self, x: &[f64], q: f64) -> f64 {
        self.sorted.clear();
        self.sorted.extend_from_slice(x);
        self.sorted.sort_unstable_by(f64::total_cmp);
        quantile_sorted(&self.sorted, q)
    }
}

/// The quantile of ascending values, linear between two of them; NaN without values.
pub fn quantile_sorted(sorted: &[f64], q: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let place = q * last as f64;
    let below = (place as usize).min(last);
    let above = (below + 1).min(last);
    sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64)
}

pub fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

/// `numpy.var(x, ddof=ddof)`; NaN when there are not more than `ddof` values.
pub fn variance(x: &[f64], ddof: usize) -> f64 {
    if x.len() <= ddof {
        return f64::NAN;
    }
    let mean = mean(x);
    x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (x.len() - ddof) as f64
}

fn rms(x: &[f64]) -> f64 {
    (x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64).sqrt()
}

fn peak(x: &[f64]) -> f64 {
    x.iter().fold(0.0, |peak: f64, x| peak.max(x.abs()))
}

/// The second, third and fourth central moment. The second is 0 for a series that varies less than
/// its rounding does (SciPy's rule, with a warning there).
fn moments(x: &[f64]) -> (f64, f64, f64) {
    let mean = mean(x);
    let (mut m2, mut m3, mut m4) = (0.0, 0.0, 0.0);
    for x in x {
        let d = x - mean;
        m2 += d * d;
        m3 += d * d * d;
        m4 += d * d * d * d;
    }
    let n = x.len() as f64;
    let (m2, m3, m4) = (m2 / n, m3 / n, m4 / n);
    let rounding = f64::EPSILON * mean;
    (if m2 <= rounding * rounding { 0.0 } else { m2 }, m3, m4)
}
