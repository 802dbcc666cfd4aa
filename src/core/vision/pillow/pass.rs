//! The two passes over the pixels: along the rows, then down the columns.

use super::{
    super::Raster,
    weights::{PRECISION_BITS, Weights},
};

const HALF: i32 = 1 << (PRECISION_BITS - 1);

/// The sum's fixed point dropped and the overshoot cut off.
fn clip(sum: i32) -> u8 {
    (sum >> PRECISION_BITS).clamp(0, 255) as u8
}

/// Shrinks or stretches every row.
pub(super) fn horizontal_u8(image: &Raster<u8>, weights: &Weights) -> Raster<u8> {
    match image.channels {
        1 => horizontal_fixed::<1>(image, weights),
        2 => horizontal_fixed::<2>(image, weights),
        3 => horizontal_fixed::<3>(image, weights),
        _ => horizontal_fixed::<4>(image, weights),
    }
}

fn horizontal_fixed<const C: usize>(image: &Raster<u8>, weights: &Weights) -> Raster<u8> {
    let mut samples = Vec::with_capacity(weights.len() * image.height * C);
    for row in image.rows() {
        let (pixels, _) = row.as_chunks::<C>();
        for (first, weights) in weights.fixed() {
            let mut sums = [HALF; C];
            for (pixel, weight) in pixels[first..].iter().zip(weights) {
                for (sum, sample) in sums.iter_mut().zip(pixel) {
                    // Weights add up to one and overshoot by less than a factor of two: no overflow;
                    // wrapping spares the check in the innermost loop.
                    *sum = sum.wrapping_add(i32::from(*sample).wrapping_mul(*weight));
                }
            }
            samples.extend_from_slice(&sums.map(clip));
        }
    }
    Raster { width: weights.len(), height: image.height, channels: C, samples }
}

/// Shrinks or stretches every column.
pub(super) fn vertical_u8(image: &Raster<u8>, weights: &Weights) -> Raster<u8> {
    let mut samples = Vec::with_capacity(weights.len() * image.stride());
    let mut sums = vec![HALF; image.stride()];
    for (first, weights) in weights.fixed() {
        sums.fill(HALF);
        for (i, weight) in weights.iter().enumerate() {
            for (sum, sample) in sums.iter_mut().zip(image.row(first + i)) {
                *sum = sum.wrapping_add(i32::from(*sample).wrapping_mul(*weight));
            }
        }
        samples.extend(sums.iter().map(|sum| clip(*sum)));
    }
    Raster { width: image.width, height: weights.len(), channels: image.channels, samples }
}

/// Shrinks or stretches every row.
pub(super) fn horizontal_f32(image: &Raster<f32>, weights: &Weights) -> Raster<f32> {
    let channels = image.channels;
    let mut samples = Vec::with_capacity(weights.len() * image.height * channels);
    for row in image.rows() {
        for (first, weights) in weights.exact() {
            for channel in 0..channels {
                let column = row[first * channels + channel..].iter().step_by(channels);
                let sum: f64 = column.zip(weights).map(|(sample, w)| f64::from(*sample) * w).sum();
                samples.push(sum as f32);
            }
        }
    }
    Raster { width: weights.len(), height: image.height, channels, samples }
}

/// Shrinks or stretches every column.
pub(super) fn vertical_f32(image: &Raster<f32>, weights: &Weights) -> Raster<f32> {
    let mut samples = Vec::with_capacity(weights.len() * image.stride());
    let mut sums = vec![0.0f64; image.stride()];
    for (first, weights) in weights.exact() {
        sums.fill(0.0);
        for (i, weight) in weights.iter().enumerate() {
            for (sum, sample) in sums.iter_mut().zip(image.row(first + i)) {
                *sum += f64::from(*sample) * weight;
            }
        }
        samples.extend(sums.iter().map(|sum| *sum as f32));
    }
    Raster { width: image.width, height: weights.len(), channels: image.channels, samples }
}
