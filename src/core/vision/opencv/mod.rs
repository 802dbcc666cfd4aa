//! Resizing as `cv2.resize` of OpenCV (4 and 5) does it: no antialiasing but in `area`, 8-bit pixels
//! in 11-bit fixed point, 32-bit float pixels in f32. Written from the description of the methods
//! and checked against OpenCV's own results.
//!
//! 8-bit results are equal to those of OpenCV's own code on x86-64. Its builds with a vendor's code
//! differ from that themselves: Intel's IPP (in the wheels for x86-64) by at most 1 of 255 in
//! `bicubic`; Carotene and KleidiCV (ARM) were not measured.

mod area;
mod interpolate;
mod nearest;
mod taps;

use super::{
    Raster,
    pillow::{pick_columns, pick_rows},
};
use area::{AreaFast, AreaTable};
use interpolate::Interpolation;
use taps::Kernel;

/// An interpolation of OpenCV.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Filter {
    /// `INTER_NEAREST`: the pixel at the upper left corner of the target pixel's area.
    Nearest,
    /// `INTER_NEAREST_EXACT`: the pixel at its centre, as Pillow and scikit-image.
    NearestExact,
    /// `INTER_LINEAR`.
    #[default]
    Bilinear,
    /// `INTER_CUBIC`: Keys' cubic with a = -0.75.
    Bicubic,
    /// `INTER_AREA`: the mean of the covered area when shrinking, a kind of bilinear when not.
    Area,
    /// `INTER_LANCZOS4`: over eight pixels.
    Lanczos,
}

impl Filter {
    pub const NAMES: [(&'static str, Filter); 6] = [
        ("nearest", Filter::Nearest),
        ("nearest_exact", Filter::NearestExact),
        ("bilinear", Filter::Bilinear),
        ("bicubic", Filter::Bicubic),
        ("area", Filter::Area),
        ("lanczos", Filter::Lanczos),
    ];
}

/// The weights from one size to another, made once.
#[derive(Debug, Clone)]
pub struct Resizer {
    way: Way,
}

#[derive(Debug, Clone)]
enum Way {
    Copy,
    /// Source columns and rows.
    Pick(Vec<usize>, Vec<usize>),
    Interpolate(Interpolation),
    AreaFast(AreaFast),
    Area(AreaTable, AreaTable),
}

impl Resizer {
    /// From `width` by `height` pixels to `new_width` by `new_height`; all sides at least one pixel.
    pub fn new(
        (width, height): (usize, usize),
        (new_width, new_height): (usize, usize),
        filter: Filter,
    ) -> Resizer {
        if (width, height) == (new_width, new_height) {
            return Resizer { way: Way::Copy };
        }
        let (x, y) = (Scale::new(width, new_width), Scale::new(height, new_height));
        let shrinks = x.factor >= 1.0 && y.factor >= 1.0;
        let whole = x.whole().zip(y.whole());
        let way = match filter {
            Filter::Nearest => Way::Pick(nearest::floor(x), nearest::floor(y)),
            Filter::NearestExact => Way::Pick(nearest::centre(x), nearest::centre(y)),
            // Halving by bilinear interpolation is the mean of four: OpenCV takes the same way.
            Filter::Bilinear if whole == Some((2, 2)) => Way::AreaFast(AreaFast { x: 2, y: 2 }),
            Filter::Area if shrinks => match whole {
                Some((x, y)) => Way::AreaFast(AreaFast { x, y }),
                None => Way::Area(AreaTable::new(x), AreaTable::new(y)),
            },
            Filter::Bilinear => Way::Interpolate(Interpolation::new(x, y, Kernel::Linear)),
            Filter::Area => Way::Interpolate(Interpolation::new(x, y, Kernel::AreaLinear)),
            Filter::Bicubic => Way::Interpolate(Interpolation::new(x, y, Kernel::Cubic)),
            Filter::Lanczos => Way::Interpolate(Interpolation::new(x, y, Kernel::Lanczos4)),
        };
        Resizer { way }
    }

    /// Samples of the image in between, a channel, for an image of that height.
    pub fn work_samples(&self, height: usize) -> usize {
        match &self.way {
            Way::Copy | Way::AreaFast(_) | Way::Area(..) => 0,
            Way::Pick(columns, _) => columns.len().saturating_mul(height),
            Way::Interpolate(interpolation) => interpolation.width().saturating_mul(height),
        }
    }

    /// Resizes 8-bit pixels.
    pub fn resize_u8(&self, image: Raster<u8>) -> Raster<u8> {
        match &self.way {
            Way::Copy => image,
            Way::Pick(columns, rows) => pick_rows(&pick_columns(&image, columns), rows),
            Way::Interpolate(interpolation) => interpolation.resize_u8(&image),
            Way::AreaFast(area) => area.resize_u8(&image),
            Way::Area(x, y) => area::resize_u8(&image, x, y),
        }
    }

    /// Resizes 32-bit float pixels.
    pub fn resize_f32(&self, image: Raster<f32>) -> Raster<f32> {
        match &self.way {
            Way::Copy => image,
            Way::Pick(columns, rows) => pick_rows(&pick_columns(&image, columns), rows),
            Way::Interpolate(interpolation) => interpolation.resize_f32(&image),
            Way::AreaFast(area) => area.resize_f32(&image),
            Way::Area(x, y) => area::resize_f32(&image, x, y),
        }
    }
}

/// How one axis is scaled.
#[derive(Debug, Clone, Copy)]
struct Scale {
    len: usize,
    new_len: usize,
    /// Source pixels a target pixel, as OpenCV computes it: the reciprocal of a quotient.
    factor: f64,
}

impl Scale {
    fn new(len: usize, new_len: usize) -> Scale {
        Scale { len, new_len, factor: 1.0 / (new_len as f64 / len as f64) }
    }

    /// The factor, if it is a whole number.
    fn whole(self) -> Option<usize> {
        let whole = self.factor.round();
        ((self.factor - whole).abs() < f64::EPSILON && whole >= 1.0).then_some(whole as usize)
    }
}
