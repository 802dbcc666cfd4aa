//! Where an image of any size lands on the model's canvas, and the way back for boxes.

use super::{ImageFault, MAX_SIDE_PIXELS, Method, pillow::Part, resize::MAX_WORK_SAMPLES};

/// How an image of another size is brought to the model's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fit {
    /// Resized without keeping the proportions.
    #[default]
    Stretch,
    /// The largest part of the model's proportions, from the middle, resized. With Pillow's filters
    /// as `ImageOps.fit` (parts may end within a pixel), with OpenCV's as a slice of whole pixels.
    Crop,
    /// Must have the size already.
    Exact,
    /// Resized to fit in whole, the rest filled: as `LetterBox` of Ultralytics.
    Letterbox,
    /// The shorter side resized to `shorter_side`, then the middle cut out (or padded with black):
    /// `Resize` and `CenterCrop` of torchvision.
    ShorterSide,
    /// Not resized, the rest filled; a larger image is refused.
    Pad,
}

impl Fit {
    pub const NAMES: [(&'static str, Fit); 6] = [
        ("stretch", Fit::Stretch),
        ("crop", Fit::Crop),
        ("exact", Fit::Exact),
        ("letterbox", Fit::Letterbox),
        ("shorter_side", Fit::ShorterSide),
        ("pad", Fit::Pad),
    ];
}

/// Where a smaller image lies on the canvas.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Align {
    #[default]
    Centre,
    TopLeft,
}

impl Align {
    pub const NAMES: [(&'static str, Align); 2] = [("centre", Align::Centre), ("top_left", Align::TopLeft)];
}

/// How an image lies on the model's canvas: a canvas coordinate is the image's times `scale` plus
/// `offset`, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    /// Of the image as sent (turned upright, if that was asked for), in pixels.
    pub width: usize,
    pub height: usize,
    pub scale_x: f64,
    pub scale_y: f64,
    pub offset_x: f64,
    pub offset_y: f64,
}

impl Frame {
    /// A canvas coordinate as one of the image, not beyond its border.
    pub fn undo(&self, x: f64, y: f64) -> (f64, f64) {
        let undo = |at: f64, scale: f64, offset: f64, side: usize| {
            // Not `clamp` alone: a NaN would go through it.
            ((at - offset) / scale).max(0.0).min(side as f64)
        };
        (undo(x, self.scale_x, self.offset_x, self.width), undo(y, self.scale_y, self.offset_y, self.height))
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    pub width: usize,
    pub height: usize,
    pub fit: Fit,
    pub align: Align,
    /// Letterbox: whether a small image may grow.
    pub scale_up: bool,
    /// Of [`Fit::ShorterSide`], in pixels.
    pub shorter_side: usize,
}

/// The steps for an image of one size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Geometry {
    /// Left, top, width and height of whole pixels cut out before resizing.
    pub slice: Option<[usize; 4]>,
    /// The part that is resized, for Pillow's filters.
    pub part: Part,
    /// Resized to.
    pub size: (usize, usize),
    /// Where the resized image's upper left corner lies on the canvas.
    pub at: (isize, isize),
    /// For an image without a region cut out before.
    pub frame: Frame,
}

impl Geometry {
    /// For an image of `width` by `height` pixels, both at least one.
    ///
    /// # Errors
    /// [`ImageFault::WrongSize`] where a size is demanded; [`ImageFault::TooMuchWork`].
    pub fn new(width: usize, height: usize, wanted: &Wanted, method: Method) -> Result<Self, ImageFault> {
        let canvas = (wanted.width, wanted.height);
        let whole = Geometry {
            slice: None,
            part: Part::whole(width, height),
            size: canvas,
            at: (0, 0),
            frame: Frame {
                width,
                height,
                scale_x: canvas.0 as f64 / width as f64,
                scale_y: canvas.1 as f64 / height as f64,
                offset_x: 0.0,
                offset_y: 0.0,
            },
        };
        let wrong = |wanted| ImageFault::WrongSize { width, height, wanted };
        let geometry = match wanted.fit {
            Fit::Stretch => whole,
            Fit::Exact if (width, height) != canvas => {
                return Err(wrong(format!("{}x{}", canvas.0, canvas.1)));
            }
            Fit::Exact => whole,
            Fit::Crop => match method {
                Method::Pillow(_) => cut_part(whole),
                Method::OpenCv(_) => cut_slice(whole),
            },
            Fit::Letterbox => letterbox(whole, wanted),
            Fit::ShorterSide => shorter_side(whole, wanted.shorter_side),
            Fit::Pad if width > canvas.0 || height > canvas.1 => {
                return Err(wrong(format!("at most {}x{}", canvas.0, canvas.1)));
            }
            Fit::Pad => pad(whole, wanted.align),
        };
        let (new_width, new_height) = geometry.size;
        let longest = MAX_SIDE_PIXELS as usize;
        if new_width.max(new_height) > longest || new_width * new_height > MAX_WORK_SAMPLES / 3 {
            return Err(ImageFault::TooMuchWork { width, height });
        }
        Ok(geometry)
    }
}

/// `ImageOps.fit` of Pillow: the part is of floats.
fn cut_part(mut whole: Geometry) -> Geometry {
    let (width, height) = (whole.frame.width as f64, whole.frame.height as f64);
    let wanted = whole.size.0 as f64 / whole.size.1 as f64;
    let found = width / height;
    let (cut_width, cut_height) = if found == wanted {
        (width, height)
    } else if found >= wanted {
        (wanted * height, height)
    } else {
        (width, width / wanted)
    };
    let (left, top) = ((width - cut_width) * 0.5, (height - cut_height) * 0.5);
    whole.part = Part { left, top, right: left + cut_width, bottom: top + cut_height };
    frame_of(whole, left, top, cut_width, cut_height)
}

/// The same in whole pixels; for a square canvas the slice of `CenterCrop` of Ultralytics.
fn cut_slice(mut whole: Geometry) -> Geometry {
    let (width, height) = (whole.frame.width, whole.frame.height);
    let (to_width, to_height) = whole.size;
    // A side is at most 16,384 pixels: no product overflows.
    let scaled = |side: usize, by: usize, over: usize, most: usize| {
        ((side * by) as f64 / over as f64).round_ties_even().clamp(1.0, most as f64) as usize
    };
    let (cut_width, cut_height) = if width * to_height > height * to_width {
        (scaled(height, to_width, to_height, width), height)
    } else {
        (width, scaled(width, to_height, to_width, height))
    };
    let (left, top) = ((width - cut_width) / 2, (height - cut_height) / 2);
    whole.slice = Some([left, top, cut_width, cut_height]);
    whole.part = Part::whole(cut_width, cut_height);
    frame_of(whole, left as f64, top as f64, cut_width as f64, cut_height as f64)
}

fn frame_of(mut geometry: Geometry, left: f64, top: f64, width: f64, height: f64) -> Geometry {
    let frame = &mut geometry.frame;
    frame.scale_x = geometry.size.0 as f64 / width;
    frame.scale_y = geometry.size.1 as f64 / height;
    frame.offset_x = -left * frame.scale_x;
    frame.offset_y = -top * frame.scale_y;
    geometry
}

/// `LetterBox` of Ultralytics with `auto=False`: Python's rounding (half to even), the odd pixel of
/// padding at the right and the bottom, and one scale for the way back.
fn letterbox(mut whole: Geometry, wanted: &Wanted) -> Geometry {
    let (width, height) = (whole.frame.width as f64, whole.frame.height as f64);
    let mut scale = (wanted.height as f64 / height).min(wanted.width as f64 / width);
    if !wanted.scale_up {
        scale = scale.min(1.0);
    }
    let scaled = |side: f64, most: usize| (side * scale).round_ties_even().clamp(1.0, most as f64) as usize;
    whole.size = (scaled(width, wanted.width), scaled(height, wanted.height));
    let margin = |canvas: usize, side: usize| match wanted.align {
        Align::Centre => ((canvas - side) as f64 / 2.0 - 0.1).round_ties_even() as isize,
        Align::TopLeft => 0,
    };
    whole.at = (margin(wanted.width, whole.size.0), margin(wanted.height, whole.size.1));
    whole.frame.scale_x = scale;
    whole.frame.scale_y = scale;
    whole.frame.offset_x = whole.at.0 as f64;
    whole.frame.offset_y = whole.at.1 as f64;
    whole
}

/// `Resize(side)` and `CenterCrop` of torchvision: the longer side is cut off to a whole number, the
/// corner rounded half to even; what is too small is padded.
fn shorter_side(mut whole: Geometry, side: usize) -> Geometry {
    let (width, height) = (whole.frame.width, whole.frame.height);
    let canvas = whole.size;
    let longer = |long: usize, short: usize| ((side * long) as f64 / short as f64) as usize;
    whole.size = if width <= height { (side, longer(height, width)) } else { (longer(width, height), side) };
    let corner = |canvas: usize, side: usize| {
        if canvas > side {
            isize::try_from((canvas - side) / 2).unwrap_or(0)
        } else {
            -(((side - canvas) as f64 / 2.0).round_ties_even() as isize)
        }
    };
    whole.at = (corner(canvas.0, whole.size.0), corner(canvas.1, whole.size.1));
    whole.frame.scale_x = whole.size.0 as f64 / width as f64;
    whole.frame.scale_y = whole.size.1 as f64 / height as f64;
    whole.frame.offset_x = whole.at.0 as f64;
    whole.frame.offset_y = whole.at.1 as f64;
    whole
}

fn pad(mut whole: Geometry, align: Align) -> Geometry {
    let canvas = whole.size;
    whole.size = (whole.frame.width, whole.frame.height);
    if align == Align::Centre {
        let corner = |canvas: usize, side: usize| isize::try_from((canvas - side) / 2).unwrap_or(0);
        whole.at = (corner(canvas.0, whole.size.0), corner(canvas.1, whole.size.1));
    }
    whole.frame.scale_x = 1.0;
    whole.frame.scale_y = 1.0;
    whole.frame.offset_x = whole.at.0 as f64;
    whole.frame.offset_y = whole.at.1 as f64;
    whole
}
