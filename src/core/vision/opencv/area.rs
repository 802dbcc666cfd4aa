//! `INTER_AREA` when shrinking: the mean of the source pixels a target pixel covers.

use super::Scale;
use crate::vision::Raster;

/// Both factors are whole numbers: blocks of `x` by `y` pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct AreaFast {
    pub x: usize,
    pub y: usize,
}

impl AreaFast {
    pub fn resize_u8(self, image: &Raster<u8>) -> Raster<u8> {
        let scale = 1.0 / (self.x * self.y) as f32;
        self.blocks(image, |block: &mut dyn Iterator<Item = u8>| {
            let sum: u32 = block.map(u32::from).sum();
            if (self.x, self.y) == (2, 2) {
                // The vector code's own rounding: half up.
                return ((sum + 2) >> 2) as u8;
            }
            (sum as f32 * scale).round_ties_even().clamp(0.0, 255.0) as u8
        })
    }

    pub fn resize_f32(self, image: &Raster<f32>) -> Raster<f32> {
        let scale = 1.0 / (self.x * self.y) as f32;
        self.blocks(image, |block: &mut dyn Iterator<Item = f32>| block.sum::<f32>() * scale)
    }

    fn blocks<T: Copy>(
        self,
        image: &Raster<T>,
        mean: impl Fn(&mut dyn Iterator<Item = T>) -> T,
    ) -> Raster<T> {
        let (width, height) = (image.width / self.x, image.height / self.y);
        let (channels, stride) = (image.channels, image.stride());
        let mut samples = Vec::with_capacity(width * height * channels);
        for y in 0..height {
            for x in 0..width {
                for channel in 0..channels {
                    let start = y * self.y * stride + x * self.x * channels + channel;
                    let rows = (0..self.y).map(|row| start + row * stride);
                    let mut block =
                        rows.flat_map(|row| (0..self.x).map(move |column| row + column * channels));
                    samples.push(mean(&mut block.by_ref().map(|at| image.samples[at])));
                }
            }
        }
        Raster { width, height, channels, samples }
    }
}

/// Of one axis: which source pixels a target pixel covers, and the share of each.
#[derive(Debug, Clone)]
pub(super) struct AreaTable {
    len: usize,
    /// Target, source, share; in the order of the targets.
    entries: Vec<(usize, usize, f32)>,
}

impl AreaTable {
    pub fn new(scale: Scale) -> AreaTable {
        /// Less of a pixel than this is not counted.
        const LEAST: f64 = 1e-3;
        let mut entries = Vec::new();
        for target in 0..scale.new_len {
            let from = target as f64 * scale.factor;
            let to = from + scale.factor;
            let width = scale.factor.min(scale.len as f64 - from);
            let last = (to.floor() as usize).min(scale.len - 1);
            let first = (from.ceil() as usize).min(last);
            if first as f64 - from > LEAST {
                entries.push((target, first.saturating_sub(1), ((first as f64 - from) / width) as f32));
            }
            entries.extend((first..last).map(|source| (target, source, (1.0 / width) as f32)));
            if to - last as f64 > LEAST {
                let part = (to - last as f64).min(1.0).min(width);
                entries.push((target, last, (part / width) as f32));
            }
        }
        AreaTable { len: scale.new_len, entries }
    }
}

pub(super) fn resize_u8(image: &Raster<u8>, x: &AreaTable, y: &AreaTable) -> Raster<u8> {
    resize(image, x, y, f32::from, |sum| sum.round_ties_even().clamp(0.0, 255.0) as u8)
}

pub(super) fn resize_f32(image: &Raster<f32>, x: &AreaTable, y: &AreaTable) -> Raster<f32> {
    resize(image, x, y, |sample| sample, |sum| sum)
}

fn resize<T: Copy>(
    image: &Raster<T>,
    x: &AreaTable,
    y: &AreaTable,
    read: impl Fn(T) -> f32,
    write: impl Fn(f32) -> T,
) -> Raster<T> {
    let channels = image.channels;
    let stride = x.len * channels;
    let mut samples = Vec::with_capacity(stride * y.len);
    let mut line = vec![0.0f32; stride];
    let mut sums = vec![0.0f32; stride];
    let mut entries = y.entries.iter().peekable();
    while let Some((target, source, share)) = entries.next() {
        line.fill(0.0);
        let row = image.row(*source);
        for (column, from, share) in &x.entries {
            for channel in 0..channels {
                line[column * channels + channel] += read(row[from * channels + channel]) * share;
            }
        }
        for (sum, value) in sums.iter_mut().zip(&line) {
            *sum += value * share;
        }
        if entries.peek().is_none_or(|(next, ..)| next != target) {
            samples.extend(sums.iter().map(|sum| write(*sum)));
            sums.fill(0.0);
        }
    }
    Raster { width: x.len, height: y.len, channels, samples }
}
