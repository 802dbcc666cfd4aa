//! The weights of OpenCV's interpolations along one axis.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use super::Scale;

/// Bits after the point of a fixed-point weight.
pub(super) const WEIGHT_BITS: u32 = 11;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kernel {
    Linear,
    /// What `INTER_AREA` becomes when an image grows.
    AreaLinear,
    Cubic,
    Lanczos4,
}

impl Kernel {
    pub fn taps(self) -> usize {
        match self {
            Kernel::Linear | Kernel::AreaLinear => 2,
            Kernel::Cubic => 4,
            Kernel::Lanczos4 => 8,
        }
    }
}

/// The taps of one axis: `taps` source indices and weights for each target pixel.
#[derive(Debug, Clone)]
pub(super) struct Taps {
    pub taps: usize,
    pub indices: Vec<usize>,
    pub exact: Vec<f32>,
    pub fixed: Vec<i32>,
}

impl Taps {
    /// `clamped`: at the borders a linear kernel takes the border's pixel alone, as OpenCV does along
    /// the rows; down the columns it repeats the pixel with both weights, which rounds differently.
    pub fn new(scale: Scale, kernel: Kernel, clamped: bool) -> Taps {
        let taps = kernel.taps();
        let mut made = Taps {
            taps,
            indices: Vec::with_capacity(scale.new_len * taps),
            exact: Vec::with_capacity(scale.new_len * taps),
            fixed: Vec::with_capacity(scale.new_len * taps),
        };
        let last = scale.len as i64 - 1;
        for i in 0..scale.new_len {
            let (mut at, mut fraction) = position(scale, kernel, i);
            if clamped && taps == 2 && (at < 0 || at >= last) {
                (at, fraction) = (at.clamp(0, last), 0.0);
            }
            let weights = kernel_weights(kernel, fraction);
            let before = taps as i64 / 2 - 1;
            for (k, weight) in weights[..taps].iter().enumerate() {
                let index = (at - before + k as i64).clamp(0, last);
                made.indices.push(usize::try_from(index).unwrap_or(0));
                made.exact.push(*weight);
                // Half to even, as the processor's own rounding.
                made.fixed.push((weight * (1 << WEIGHT_BITS) as f32).round_ties_even() as i32);
            }
        }
        made
    }

    pub fn len(&self) -> usize {
        self.indices.len() / self.taps
    }
}

/// The source pixel left of a target pixel's centre, and how far the centre lies beyond it.
fn position(scale: Scale, kernel: Kernel, i: usize) -> (i64, f32) {
    if kernel == Kernel::AreaLinear {
        let at = (i as f64 * scale.factor).floor();
        let inverse = scale.new_len as f64 / scale.len as f64;
        let beyond = ((i as f64 + 1.0) - (at + 1.0) * inverse) as f32;
        let fraction = if beyond <= 0.0 { 0.0 } else { beyond - beyond.floor() };
        return (at as i64, fraction);
    }
    let centre = ((i as f64 + 0.5) * scale.factor - 0.5) as f32;
    let at = centre.floor();
    (at as i64, centre - at)
}

fn kernel_weights(kernel: Kernel, x: f32) -> [f32; 8] {
    let mut weights = [0.0; 8];
    match kernel {
        Kernel::Linear | Kernel::AreaLinear => weights[..2].copy_from_slice(&[1.0 - x, x]),
        Kernel::Cubic => {
            const A: f32 = -0.75;
            let far = ((A * (x + 1.0) - 5.0 * A) * (x + 1.0) + 8.0 * A) * (x + 1.0) - 4.0 * A;
            let near = ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
            let next = ((A + 2.0) * (1.0 - x) - (A + 3.0)) * (1.0 - x) * (1.0 - x) + 1.0;
            weights[..4].copy_from_slice(&[far, near, next, 1.0 - far - near - next]);
        }
        Kernel::Lanczos4 => lanczos4(x, &mut weights),
    }
    weights
}

/// sin(a - i π/4) by the angle's own sine and cosine, over the squared distance; normalised.
fn lanczos4(x: f32, weights: &mut [f32; 8]) {
    const S: f64 = FRAC_1_SQRT_2;
    const TURNS: [(f64, f64); 8] =
        [(1.0, 0.0), (-S, -S), (0.0, 1.0), (S, -S), (-1.0, 0.0), (S, S), (0.0, -1.0), (-S, S)];
    let start = -f64::from(x + 3.0) * PI * 0.25;
    let (sin, cos) = start.sin_cos();
    let mut sum = 0.0f32;
    for (i, (weight, (s, c))) in weights.iter_mut().zip(TURNS).enumerate() {
        let distance = x + 3.0 - i as f32;
        *weight = if distance.abs() >= 1e-6 {
            let angle = -f64::from(distance) * PI * 0.25;
            ((s * sin + c * cos) / (angle * angle)) as f32
        } else {
            // At the sample itself all others vanish once normalised.
            1e30
        };
        sum += *weight;
    }
    let scale = 1.0 / sum;
    weights.iter_mut().for_each(|weight| *weight *= scale);
}
