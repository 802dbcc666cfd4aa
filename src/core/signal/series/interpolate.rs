//! A series at other times than it was measured at.

/// How a value between two readings is made. Beyond the first and the last reading it is theirs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Interpolation {
    /// On the straight line: `numpy.interp`.
    #[default]
    Linear,
    /// Of the reading before: `scipy.interpolate.interp1d(kind="previous")`.
    Previous,
    /// Of the nearer reading, in the middle the earlier: `interp1d(kind="nearest")`.
    Nearest,
    /// On a cubic spline with not-a-knot ends: `scipy.interpolate.CubicSpline`. Two readings give a
    /// line, three a parabola.
    Cubic,
}

impl Interpolation {
    pub const NAMES: [(&'static str, Interpolation); 4] = [
        ("linear", Interpolation::Linear),
        ("previous", Interpolation::Previous),
        ("nearest", Interpolation::Nearest),
        ("cubic", Interpolation::Cubic),
    ];
}

/// Interpolates; keeps the spline's buffers.
#[derive(Debug, Clone)]
pub struct Interpolator {
    method: Interpolation,
    /// The spline's slope at each reading.
    slopes: Vec<f64>,
    diagonal: Vec<f64>,
}

impl Interpolator {
    pub fn new(method: Interpolation) -> Self {
        Interpolator { method, slopes: Vec::new(), diagonal: Vec::new() }
    }

    /// Values at the times `at` (ascending) of the readings `values` at `times` (strictly ascending).
    /// Without readings all are NaN.
    pub fn run(&mut self, times: &[f64], values: &[f64], at: &[f64], out: &mut [f64]) {
        debug_assert!(times.len() == values.len() && at.len() == out.len());
        debug_assert!(times.is_sorted_by(|a, b| a < b));
        let readings = times.len().min(values.len());
        let (times, values) = (&times[..readings], &values[..readings]);
        let (Some(&first), Some(&last)) = (times.first(), times.last()) else {
            out.fill(f64::NAN);
            return;
        };
        if self.method == Interpolation::Cubic && readings > 2 {
            self.spline(times, values);
        }
        let mut right = 0;
        for (&t, out) in at.iter().zip(out) {
            while right < readings && times[right] <= t {
                right += 1;
            }
            *out = if t <= first {
                values[0]
            } else if t >= last {
                values[readings - 1]
            } else {
                self.between(times, values, right - 1, t)
            };
        }
    }

    /// The value at `t`, between the readings `i` and `i + 1`.
    fn between(&self, times: &[f64], values: &[f64], i: usize, t: f64) -> f64 {
        let (t0, t1, y0, y1) = (times[i], times[i + 1], values[i], values[i + 1]);
        match self.method {
            Interpolation::Previous => y0,
            Interpolation::Nearest => {
                if t <= t0 / 2.0 + t1 / 2.0 {
                    y0
                } else {
                    y1
                }
            }
            Interpolation::Cubic if times.len() > 2 => {
                let h = t1 - t0;
                let (s0, s1, slope) = (self.slopes[i], self.slopes[i + 1], (y1 - y0) / h);
                let cube = (s0 + s1 - 2.0 * slope) / h;
                let square = (slope - s0) / h - cube;
                let x = t - t0;
                y0 + x * (s0 + x * (square + x * cube / h))
            }
            Interpolation::Linear | Interpolation::Cubic => (y1 - y0) / (t1 - t0) * (t - t0) + y0,
        }
    }

    /// Solves for the slopes at the readings: a tridiagonal system whose first and last row say that
    /// the third derivative is continuous at the second and the last but one reading.
    fn spline(&mut self, times: &[f64], values: &[f64]) {
        let n = times.len();
        let step = |i: usize| times[i + 1] - times[i];
        let slope = |i: usize| (values[i + 1] - values[i]) / step(i);
        self.slopes.clear();
        self.diagonal.clear();
        if n == 3 {
            // Of the parabola through all three.
            let curve = (slope(1) - slope(0)) / (times[2] - times[0]);
            self.slopes.extend((0..3).map(|i| {
                let (x0, x1) = (times[0], times[1]);
                slope(0) + curve * (2.0 * times[i] - x0 - x1)
            }));
            return;
        }
        // Forward: `diagonal` holds the pivots, `slopes` the right-hand sides.
        let span = times[2] - times[0];
        let (h0, h1) = (step(0), step(1));
        self.diagonal.push(h1);
        self.slopes.push(((h0 + 2.0 * span) * h1 * slope(0) + h0 * h0 * slope(1)) / span);
        let mut upper = span;
        for i in 1..n - 1 {
            let (before, after) = (step(i - 1), step(i));
            let factor = after / self.diagonal[i - 1];
            let right = 3.0 * (after * slope(i - 1) + before * slope(i));
            self.diagonal.push(2.0 * (before + after) - factor * upper);
            self.slopes.push(right - factor * self.slopes[i - 1]);
            upper = before;
        }
        let span = times[n - 1] - times[n - 3];
        let (h0, h1) = (step(n - 2), step(n - 3));
        let right = (h0 * h0 * slope(n - 3) + (2.0 * span + h0) * h1 * slope(n - 2)) / span;
        let factor = span / self.diagonal[n - 2];
        self.diagonal.push(h1 - factor * upper);
        self.slopes.push(right - factor * self.slopes[n - 2]);
        // Backward.
        self.slopes[n - 1] /= self.diagonal[n - 1];
        for i in (0..n - 1).rev() {
            let upper = if i == 0 { times[2] - times[0] } else { step(i - 1) };
            self.slopes[i] = (self.slopes[i] - upper * self.slopes[i + 1]) / self.diagonal[i];
        }
    }
}

/// The times of a grid: `start + i * step`.
pub fn grid(start: f64, step: f64, out: &mut [f64]) {
    for (i, out) in out.iter_mut().enumerate() {
        *out = start + i as f64 * step;
    }
}
