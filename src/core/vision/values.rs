//! From pixels to a model's numbers: colour order, range, normalisation, order of dimensions.

use super::Raster;

/// The colours a model takes, in its order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Channels {
    #[default]
    Rgb,
    Bgr,
    Gray,
}

impl Channels {
    pub const NAMES: [(&'static str, Channels); 3] =
        [("rgb", Channels::Rgb), ("bgr", Channels::Bgr), ("gray", Channels::Gray)];

    pub fn count(self) -> usize {
        if self == Channels::Gray { 1 } else { 3 }
    }
}

/// The order of an image tensor's dimensions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Layout {
    /// Channels, height, width: PyTorch.
    #[default]
    Nchw,
    /// Height, width, channels: TensorFlow.
    Nhwc,
}

impl Layout {
    pub const NAMES: [(&'static str, Layout); 2] = [("nchw", Layout::Nchw), ("nhwc", Layout::Nhwc)];
}

/// `(low + p / 255 * (high - low) - mean) / std` of a pixel's sample `p` from 0 to 255, in f64.
#[derive(Debug, Clone, PartialEq)]
pub struct Normalisation {
    pub low: f64,
    pub high: f64,
    /// One for each channel in the model's order, or none.
    pub mean: Vec<f64>,
    pub std: Vec<f64>,
}

impl Default for Normalisation {
    /// Samples stay 0 to 255.
    fn default() -> Self {
        Normalisation { low: 0.0, high: 255.0, mean: Vec::new(), std: Vec::new() }
    }
}

impl Normalisation {
    fn value(&self, sample: f64, channel: usize) -> f64 {
        // 0 to 255 and 0 to 1 are exact: a step of 255, a 255th.
        let value = if (self.low, self.high) == (0.0, 255.0) {
            sample
        } else {
            self.low + sample / 255.0 * (self.high - self.low)
        };
        match (self.mean.get(channel), self.std.get(channel)) {
            (Some(mean), Some(std)) => (value - mean) / std,
            _ => value,
        }
    }
}

/// Writes images in a model's order; the values of 8-bit samples are looked up.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    normalisation: Normalisation,
    channels: Channels,
    layout: Layout,
    /// Of each channel, the value of each 8-bit sample.
    tables: Vec<[f64; 256]>,
}

impl Writer {
    pub fn new(normalisation: Normalisation, channels: Channels, layout: Layout) -> Writer {
        let table = |channel| std::array::from_fn(|sample| normalisation.value(sample as f64, channel));
        Writer { tables: (0..channels.count()).map(table).collect(), normalisation, channels, layout }
    }

    /// Appends the values of 8-bit pixels.
    pub fn write_u8(&self, image: &Raster<u8>, values: &mut Vec<f64>) {
        self.write(image, values, |sample, channel| self.tables[channel][usize::from(sample)]);
    }

    /// Appends the values of float pixels, whose samples are 0 to 255 too.
    pub fn write_f32(&self, image: &Raster<f32>, values: &mut Vec<f64>) {
        self.write(image, values, |sample, channel| self.normalisation.value(f64::from(sample), channel));
    }

    fn write<T: Copy>(&self, image: &Raster<T>, values: &mut Vec<f64>, value: impl Fn(T, usize) -> f64) {
        let channels = image.channels;
        let from = |channel: usize| match self.channels {
            Channels::Bgr => channels - 1 - channel,
            Channels::Rgb | Channels::Gray => channel,
        };
        values.reserve(image.samples.len());
        match self.layout {
            Layout::Nchw => {
                for channel in 0..channels {
                    let plane = image.samples.iter().skip(from(channel)).step_by(channels);
                    values.extend(plane.map(|sample| value(*sample, channel)));
                }
            }
            Layout::Nhwc => {
                for pixel in image.samples.chunks_exact(channels) {
                    values.extend((0..channels).map(|channel| value(pixel[from(channel)], channel)));
                }
            }
        }
    }
}
