//! JPEG and PNG payloads, brought to the model's size, colours and order.

use std::io::Cursor;

use image::{
    DynamicImage, GenericImageView, ImageError, ImageFormat, ImageReader as Decoder, Limits,
    imageops::FilterType,
};

use super::{ArrayState, Layout as PayloadLayout, Rows};
use crate::{
    domain::{Reason, Rejection},
    scoring::spec::{Channels, Fit, ImageSpec, InputSource, Layout},
};

/// Largest side accepted before decoding: a header is cheap to forge, the pixels are not.
const MAX_SIDE_PIXELS: u32 = 16_384;
/// Most memory a decoder may take for one image.
const MAX_DECODE_BYTES: u64 = 256 << 20;

pub struct ImageReader {
    spec: Option<ImageSpec>,
}

impl ImageReader {
    pub fn new(layout: &PayloadLayout) -> Self {
        let spec = match &layout.whole {
            Some(InputSource::Image(spec)) => Some(spec.clone()),
            _ => None,
        };
        ImageReader { spec }
    }

    pub fn read(&mut self, payload: &[u8], rows: &mut Rows) -> Result<(), Rejection> {
        let Some(spec) = &self.spec else { return Ok(()) };
        let image = fit(decode(payload)?, spec)?;
        let array = &mut rows.push().arrays[0];
        array.state = ArrayState::Numbers;
        fill(&image, spec, &mut array.values);
        Ok(())
    }
}

fn decode(payload: &[u8]) -> Result<DynamicImage, Rejection> {
    let format = image::guess_format(payload).ok();
    let Some(format @ (ImageFormat::Png | ImageFormat::Jpeg)) = format else {
        return Err(bad("the payload is neither a JPEG nor a PNG file"));
    };
    let mut decoder = Decoder::with_format(Cursor::new(payload), format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE_PIXELS);
    limits.max_image_height = Some(MAX_SIDE_PIXELS);
    limits.max_alloc = Some(MAX_DECODE_BYTES);
    decoder.limits(limits);
    decoder.decode().map_err(|error| match error {
        ImageError::Limits(_) => bad(&format!(
            "the image needs more than {} MiB or {MAX_SIDE_PIXELS} pixels a side",
            MAX_DECODE_BYTES >> 20
        )),
        other => bad(&format!("the image can't be decoded: {other}")),
    })
}

fn fit(image: DynamicImage, spec: &ImageSpec) -> Result<DynamicImage, Rejection> {
    let width = u32::try_from(spec.width).unwrap_or(u32::MAX);
    let height = u32::try_from(spec.height).unwrap_or(u32::MAX);
    if image.dimensions() == (width, height) {
        return Ok(image);
    }
    match spec.fit {
        // Triangle is bilinear with the support widened when shrinking, as Pillow's BILINEAR is.
        Fit::Stretch => Ok(image.resize_exact(width, height, FilterType::Triangle)),
        Fit::Crop => Ok(image.resize_to_fill(width, height, FilterType::Triangle)),
        Fit::Exact => {
            let (w, h) = image.dimensions();
            Err(bad(&format!("the image is {w}x{h} pixels, must be {width}x{height}")))
        }
    }
}

/// Writes the pixels in the model's order, normalised when a mean is declared.
fn fill(image: &DynamicImage, spec: &ImageSpec, values: &mut Vec<f64>) {
    let samples = match spec.channels {
        Channels::Gray => image.to_luma8().into_raw(),
        Channels::Rgb | Channels::Bgr => image.to_rgb8().into_raw(),
    };
    let channels = spec.channels.count();
    let pixels = spec.width * spec.height;
    values.reserve(pixels * channels);
    let value = |pixel: usize, channel: usize| {
        let from = if spec.channels == Channels::Bgr { channels - 1 - channel } else { channel };
        let sample = f64::from(samples[pixel * channels + from]);
        match (spec.mean.get(channel), spec.std.get(channel)) {
            (Some(mean), Some(std)) => (sample / 255.0 - mean) / std,
            _ => sample,
        }
    };
    match spec.layout {
        Layout::Nchw => {
            for channel in 0..channels {
                values.extend((0..pixels).map(|pixel| value(pixel, channel)));
            }
        }
        Layout::Nhwc => {
            for pixel in 0..pixels {
                values.extend((0..channels).map(|channel| value(pixel, channel)));
            }
        }
    }
}

fn bad(detail: &str) -> Rejection {
    Rejection::new(Reason::BadImage, detail)
}
