//! Resizing, one axis after the other: each output is a weighted sum of a few inputs.

use super::real::Computed;

/// For each output along an axis, the inputs it is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Inputs of each output.
    pub taps: usize,
    /// Outputs, taps.
    pub from: Vec<usize>,
    /// Outputs, taps.
    pub weights: Vec<f64>,
    /// Outputs that lie outside the input altogether; empty when none can.
    pub outside: Vec<bool>,
}

/// How the inputs around a place are weighted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Filter {
    Nearest(Nearest),
    Linear,
    /// With its coefficient (Keys 1981, equation 4).
    Cubic(f64),
}

/// Which neighbour is nearest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nearest {
    RoundPreferFloor,
    RoundPreferCeil,
    Floor,
    Ceil,
}

/// The cubic convolution kernel at distance `x`.
pub fn cubic(a: f64, x: f64) -> f64 {
    let x = x.abs();
    if x <= 1.0 {
        ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a
    } else {
        0.0
    }
}

impl Filter {
    /// How many inputs it reaches over when it is stretched by `1 / scale`, and at which of them, counted from
    /// the one below the place, it begins.
    pub fn reach(self, scale: f64) -> (usize, i64) {
        let reach = match self {
            Filter::Nearest(_) => return (1, 0),
            Filter::Linear => 1.0,
            Filter::Cubic(_) => 2.0,
        };
        let first = ((-reach / scale).floor() as i64).saturating_add(1).min(0);
        ((first.unsigned_abs() as usize).saturating_mul(2).saturating_add(2), first)
    }

    /// The weight of an input at `distance` from the place, in outputs when it is stretched.
    fn weight(self, distance: f64) -> f64 {
        match self {
            Filter::Nearest(_) => 1.0,
            Filter::Linear => (1.0 - distance.abs()).max(0.0),
            Filter::Cubic(a) => cubic(a, distance),
        }
    }
}

impl Nearest {
    fn of(self, place: f64) -> f64 {
        match self {
            Nearest::RoundPreferFloor => (place - 0.5).ceil(),
            Nearest::RoundPreferCeil => (place + 0.5).floor(),
            Nearest::Floor => place.floor(),
            Nearest::Ceil => place.ceil(),
        }
    }
}

impl Table {
    /// The table for outputs at `places` of an axis of `size` inputs. `stretch`: the filter is stretched by
    /// `1 / stretch`, so that it covers what an output stands for. `exclude`: what lies outside has no weight,
    /// instead of repeating the edge.
    pub fn new(
        places: impl Iterator<Item = f64>,
        size: usize,
        filter: Filter,
        stretch: f64,
        exclude: bool,
    ) -> Table {
        let (taps, first) = filter.reach(stretch);
        let mut table = Table { taps, from: vec![], weights: vec![], outside: vec![] };
        let last = size as f64 - 1.0;
        for place in places {
            if let Filter::Nearest(nearest) = filter {
                table.from.push(nearest.of(place).clamp(0.0, last) as usize);
                table.weights.push(1.0);
                continue;
            }
            // The window of a place on an input begins one earlier: that makes no difference, the weight of the
            // input added on the other side would be zero.
            let below = place.floor();
            let start = table.weights.len();
            for tap in 0..taps {
                let at = below + (first + tap as i64) as f64;
                let outside = at < 0.0 || at > last;
                let weight = if exclude && outside { 0.0 } else { filter.weight((at - place) * stretch) };
                table.from.push(at.clamp(0.0, last) as usize);
                table.weights.push(weight);
            }
            let sum: f64 = table.weights[start..].iter().sum();
            if (exclude || stretch < 1.0) && sum != 0.0 {
                table.weights[start..].iter_mut().for_each(|weight| *weight /= sum);
            }
        }
        table
    }

    /// Every output is the input of the same place.
    pub fn is_identity(&self, size: usize) -> bool {
        self.taps == 1
            && self.outside.is_empty()
            && self.from.len() == size
            && self.from.iter().enumerate().all(|(i, &j)| i == j)
    }
}

/// Picks: `y[outer, out, inner] = x[outer, from[out], inner]`, appended.
pub fn pick<T: Clone>(x: &[T], (outer, size, inner): (usize, usize, usize), from: &[usize], y: &mut Vec<T>) {
    for outer in 0..outer {
        let x = &x[outer * size * inner..][..size * inner];
        if inner == 1 {
            y.extend(from.iter().map(|&at| x[at].clone()));
        } else {
            from.iter().for_each(|&at| y.extend_from_slice(&x[at * inner..(at + 1) * inner]));
        }
    }
}

/// Weighted sums along one axis, into `y` (outer, outputs, inner), which holds zeros.
pub fn blend<T: Computed>(
    x: &[T],
    (outer, size, inner): (usize, usize, usize),
    table: &Table,
    fill: T,
    y: &mut [T],
) {
    let outputs = table.from.len() / table.taps.max(1);
    if outputs * inner == 0 {
        return;
    }
    for outer in 0..outer {
        let x = &x[outer * size * inner..][..size * inner];
        let y = &mut y[outer * outputs * inner..][..outputs * inner];
        for (output, y) in y.chunks_exact_mut(inner).enumerate() {
            if table.outside.get(output).copied().unwrap_or(false) {
                y.fill(fill);
                continue;
            }
            let taps = output * table.taps..(output + 1) * table.taps;
            for (&from, &weight) in table.from[taps.clone()].iter().zip(&table.weights[taps]) {
                // Also so that an infinity beside the place doesn't make NaN.
                if weight != 0.0 {
                    let weight = T::from_f64(weight);
                    y.iter_mut().zip(&x[from * inner..]).for_each(|(y, &x)| *y += weight * x);
                }
            }
        }
    }
}
