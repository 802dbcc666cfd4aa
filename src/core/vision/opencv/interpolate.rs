//! Separable interpolation: weighted sums along the rows, then down the columns.

use super::{
    Scale,
    taps::{Kernel, Taps, WEIGHT_BITS},
};
use crate::vision::Raster;

/// The taps of both axes.
#[derive(Debug, Clone)]
pub(super) struct Interpolation {
    kernel: Kernel,
    x: Taps,
    y: Taps,
}

impl Interpolation {
    pub fn new(x: Scale, y: Scale, kernel: Kernel) -> Interpolation {
        Interpolation { kernel, x: Taps::new(x, kernel, true), y: Taps::new(y, kernel, false) }
    }

    pub fn width(&self) -> usize {
        self.x.len()
    }

    pub fn resize_u8(&self, image: &Raster<u8>) -> Raster<u8> {
        let sums = match image.channels {
            1 => self.rows_fixed::<1>(image),
            2 => self.rows_fixed::<2>(image),
            3 => self.rows_fixed::<3>(image),
            _ => self.rows_fixed::<4>(image),
        };
        let stride = self.x.len() * image.channels;
        let mut samples = Vec::with_capacity(stride * self.y.len());
        let taps = self.y.taps;
        for (indices, weights) in self.y.indices.chunks_exact(taps).zip(self.y.fixed.chunks_exact(taps)) {
            let row = |k: usize| &sums[indices[k] * stride..(indices[k] + 1) * stride];
            match self.kernel {
                Kernel::Linear | Kernel::AreaLinear => {
                    let pairs = row(0).iter().zip(row(1));
                    samples.extend(pairs.map(|(a, b)| blend(*a, *b, weights[0], weights[1])));
                }
                Kernel::Cubic => cubic_row([row(0), row(1), row(2), row(3)], weights, &mut samples),
                Kernel::Lanczos4 => {
                    let rows: [&[i32]; 8] = std::array::from_fn(row);
                    samples.extend((0..stride).map(|x| {
                        let products = rows.iter().zip(weights).map(|(row, w)| row[x].wrapping_mul(*w));
                        round_fixed(products.fold(0i32, i32::wrapping_add))
                    }));
                }
            }
        }
        Raster { width: self.x.len(), height: self.y.len(), channels: image.channels, samples }
    }

    /// Every row interpolated, still with the weights' fixed point.
    fn rows_fixed<const C: usize>(&self, image: &Raster<u8>) -> Vec<i32> {
        let mut sums = Vec::with_capacity(self.x.len() * C * image.height);
        let taps = self.x.taps;
        for row in image.rows() {
            let (pixels, _) = row.as_chunks::<C>();
            for (indices, weights) in self.x.indices.chunks_exact(taps).zip(self.x.fixed.chunks_exact(taps)) {
                let mut sum = [0i32; C];
                for (index, weight) in indices.iter().zip(weights) {
                    for (sum, sample) in sum.iter_mut().zip(&pixels[*index]) {
                        // 8 bits by 12 by few taps: far from overflow.
                        *sum = sum.wrapping_add(i32::from(*sample).wrapping_mul(*weight));
                    }
                }
                sums.extend_from_slice(&sum);
            }
        }
        sums
    }

    pub fn resize_f32(&self, image: &Raster<f32>) -> Raster<f32> {
        let (channels, stride) = (image.channels, self.x.len() * image.channels);
        let taps = self.x.taps;
        let mut sums = Vec::with_capacity(stride * image.height);
        for row in image.rows() {
            for (indices, weights) in self.x.indices.chunks_exact(taps).zip(self.x.exact.chunks_exact(taps)) {
                for channel in 0..channels {
                    let products = indices.iter().zip(weights).map(|(i, w)| row[i * channels + channel] * w);
                    sums.push(products.fold(0.0f32, |sum, product| sum + product));
                }
            }
        }
        let mut samples = Vec::with_capacity(stride * self.y.len());
        for (indices, weights) in self.y.indices.chunks_exact(taps).zip(self.y.exact.chunks_exact(taps)) {
            samples.extend((0..stride).map(|x| {
                let products = indices.iter().zip(weights).map(|(i, w)| sums[i * stride + x] * w);
                products.fold(0.0f32, |sum, product| sum + product)
            }));
        }
        Raster { width: self.x.len(), height: self.y.len(), channels, samples }
    }
}

/// Two rows of 8-bit linear interpolation: low bits are dropped on the way, as the vector code does.
fn blend(a: i32, b: i32, weight_a: i32, weight_b: i32) -> u8 {
    let part = |sum: i32, weight: i32| weight.wrapping_mul(sum >> 4) >> 16;
    ((part(a, weight_a) + part(b, weight_b) + 2) >> 2).clamp(0, 255) as u8
}

/// Rounded half up from the fixed point of two weights.
fn round_fixed(sum: i32) -> u8 {
    (sum.wrapping_add(1 << (2 * WEIGHT_BITS - 1)) >> (2 * WEIGHT_BITS)).clamp(0, 255) as u8
}

/// Samples a run of OpenCV's vector code; what is left of a row it adds up in fixed point.
const CUBIC_LANES: usize = 8;

fn cubic_row(rows: [&[i32]; 4], weights: &[i32], samples: &mut Vec<u8>) {
    let stride = rows[0].len();
    let whole = stride - stride % CUBIC_LANES;
    let scale = 1.0 / (1u32 << (2 * WEIGHT_BITS)) as f32;
    let w: [f32; 4] = std::array::from_fn(|k| weights[k] as f32 * scale);
    samples.extend((0..whole).map(|x| {
        let s: [f32; 4] = std::array::from_fn(|k| rows[k][x] as f32);
        let sum = s[0] * w[0] + (s[1] * w[1] + (s[2] * w[2] + s[3] * w[3]));
        sum.round_ties_even().clamp(0.0, 255.0) as u8
    }));
    samples.extend((whole..stride).map(|x| {
        let products = rows.iter().zip(weights).map(|(row, w)| row[x].wrapping_mul(*w));
        round_fixed(products.fold(0i32, i32::wrapping_add))
    }));
}
