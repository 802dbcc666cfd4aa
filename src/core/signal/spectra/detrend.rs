//! Taking the mean or the straight line out of a series: `scipy.signal.detrend`.

/// What is taken out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Detrend {
    None,
    /// The mean.
    #[default]
    Constant,
    /// The least-squares line.
    Linear,
}

impl Detrend {
    pub const NAMES: [(&'static str, Detrend); 3] =
        [("none", Detrend::None), ("constant", Detrend::Constant), ("linear", Detrend::Linear)];

    /// Detrends `x` in place.
    pub fn apply(self, x: &mut [f64]) {
        let n = x.len() as f64;
        if self == Detrend::None || x.is_empty() {
            return;
        }
        let mean = x.iter().sum::<f64>() / n;
        let middle = (n - 1.0) / 2.0;
        let slope = if self == Detrend::Linear && x.len() > 1 {
            let place = |i: usize| i as f64 - middle;
            let along: f64 = x.iter().enumerate().map(|(i, x)| place(i) * (x - mean)).sum();
            along / (n * (n * n - 1.0) / 12.0)
        } else {
            0.0
        };
        for (i, x) in x.iter_mut().enumerate() {
            *x -= mean + slope * (i as f64 - middle);
        }
    }
}
