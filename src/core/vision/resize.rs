//! One resizer for both libraries.

use super::{
    ImageFault, Raster, opencv,
    pillow::{self, Part},
};

/// Most samples of the image between the two passes. Honest images stay far below; a strip of one
/// by 16,384 pixels stretched to a large model would not.
pub(super) const MAX_WORK_SAMPLES: usize = 64 << 20;

/// A filter of a library: the same word means different numbers in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Pillow(pillow::Filter),
    OpenCv(opencv::Filter),
}

impl Default for Method {
    fn default() -> Self {
        Method::Pillow(pillow::Filter::default())
    }
}

/// The weights from one size to another, made once and used for every image of that size.
#[derive(Debug, Clone)]
pub enum Resizer {
    Pillow(pillow::Resizer),
    OpenCv(opencv::Resizer),
}

impl Resizer {
    /// From all of an image of size `from` to size `to`, both (width, height).
    ///
    /// # Errors
    /// [`ImageFault::TooMuchWork`] when the image in between would be too large.
    pub fn new(from: (usize, usize), to: (usize, usize), method: Method) -> Result<Resizer, ImageFault> {
        Resizer::of_part(from, Part::whole(from.0, from.1), to, method)
    }

    /// The same for a part of the image. OpenCV knows no parts: the image has to be cropped before.
    pub(super) fn of_part(
        from: (usize, usize),
        part: Part,
        to: (usize, usize),
        method: Method,
    ) -> Result<Resizer, ImageFault> {
        let resizer = match method {
            Method::Pillow(filter) => Resizer::Pillow(pillow::Resizer::new(from, part, to, filter)),
            Method::OpenCv(filter) => Resizer::OpenCv(opencv::Resizer::new(from, to, filter)),
        };
        let work = match &resizer {
            Resizer::Pillow(resizer) => resizer.work_samples(from.0, from.1),
            Resizer::OpenCv(resizer) => resizer.work_samples(from.1),
        };
        if work.saturating_mul(3) > MAX_WORK_SAMPLES {
            return Err(ImageFault::TooMuchWork { width: from.0, height: from.1 });
        }
        Ok(resizer)
    }

    /// Resizes 8-bit pixels.
    pub fn resize_u8(&self, image: Raster<u8>) -> Raster<u8> {
        match self {
            Resizer::Pillow(resizer) => resizer.resize_u8(image),
            Resizer::OpenCv(resizer) => resizer.resize_u8(image),
        }
    }

    /// Resizes 32-bit float pixels.
    pub fn resize_f32(&self, image: Raster<f32>) -> Raster<f32> {
        match self {
            Resizer::Pillow(resizer) => resizer.resize_f32(image),
            Resizer::OpenCv(resizer) => resizer.resize_f32(image),
        }
    }
}
