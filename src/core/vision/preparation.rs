//! All steps from a file to a model's numbers, as declared.

use super::{
    Align, Channels, Fit, Frame, Geometry, ImageFault, Layout, Method, Normalisation, Orientation, Raster,
    Resizer,
    colour::{gray_opencv, gray_pillow},
    decode,
    fit::Wanted,
    values::Writer,
};

/// The numbers that are resized.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pixels {
    /// 8 bits, rounded again after resizing: what files hold and most training scripts resize.
    #[default]
    U8,
    /// 32-bit floats, not rounded.
    F32,
}

impl Pixels {
    pub const NAMES: [(&'static str, Pixels); 2] = [("u8", Pixels::U8), ("f32", Pixels::F32)];
}

/// How an image is prepared, in the order of the steps.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageOptions {
    pub orientation: Orientation,
    /// Left, top, width, height: the part of every image that is looked at, in pixels.
    pub region: Option<[usize; 4]>,
    pub channels: Channels,
    pub pixels: Pixels,
    pub sides: Sides,
    pub fit: Fit,
    pub method: Method,
    pub align: Align,
    /// Letterbox: whether a small image may grow.
    pub scale_up: bool,
    /// Of [`Fit::ShorterSide`], in pixels.
    pub shorter_side: usize,
    /// The sample beside the image.
    pub fill: u8,
    pub normalisation: Normalisation,
    pub layout: Layout,
}

/// The model's size, in pixels. A side that is left out follows from each image: of the other one by the image's
/// proportions, or as long as the image's where both are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sides {
    pub width: Option<usize>,
    pub height: Option<usize>,
    /// A side that follows is rounded to a multiple of this, and is one of it at least.
    pub multiple_of: usize,
}

impl Sides {
    /// Width and height, where neither follows from the image.
    pub fn fixed(self) -> Option<(usize, usize)> {
        self.width.zip(self.height)
    }

    /// Width and height for an image of `width` by `height` pixels, both at least one.
    pub fn of(self, width: usize, height: usize) -> (usize, usize) {
        let rounded = |exact: f64| {
            let step = self.multiple_of.max(1) as f64;
            // Beyond all that is allowed anyway.
            ((exact / step).round().max(1.0) * step).min(f64::from(u32::MAX)) as usize
        };
        let (wide, high) = (width as f64, height as f64);
        match (self.width, self.height) {
            (Some(width), Some(height)) => (width, height),
            (Some(width), None) => (width, rounded(high * width as f64 / wide)),
            (None, Some(height)) => (rounded(wide * height as f64 / high), height),
            (None, None) => (rounded(wide), rounded(high)),
        }
    }
}

impl ImageOptions {
    /// Stretched RGB of that size, samples from 0 to 255, channels first.
    pub fn new(width: usize, height: usize) -> ImageOptions {
        ImageOptions {
            orientation: Orientation::default(),
            region: None,
            channels: Channels::default(),
            pixels: Pixels::default(),
            sides: Sides { width: Some(width), height: Some(height), multiple_of: 1 },
            fit: Fit::default(),
            method: Method::default(),
            align: Align::default(),
            scale_up: true,
            shorter_side: width.min(height),
            fill: 0,
            normalisation: Normalisation::default(),
            layout: Layout::default(),
        }
    }

    /// The axes of an image's numbers, in their order.
    pub fn axes(&self) -> [ImageAxis; 3] {
        match self.layout {
            Layout::Nchw => [ImageAxis::Channels, ImageAxis::Height, ImageAxis::Width],
            Layout::Nhwc => [ImageAxis::Height, ImageAxis::Width, ImageAxis::Channels],
        }
    }

    /// How long they are on a canvas of that size.
    pub fn shape(&self, width: usize, height: usize) -> [usize; 3] {
        self.axes().map(|axis| match axis {
            ImageAxis::Channels => self.channels.count(),
            ImageAxis::Height => height,
            ImageAxis::Width => width,
        })
    }
}

/// What one axis of an image's numbers is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageAxis {
    Channels,
    Height,
    Width,
}

/// What was made of an image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placed {
    pub frame: Frame,
    /// Of the model's canvas, in pixels.
    pub width: usize,
    pub height: usize,
}

/// Sizes whose weights are kept: cameras send one, galleries a few.
const MOST_KNOWN_SIZES: usize = 4;

/// Prepares images; the weights of the last sizes are kept.
#[derive(Debug, Clone)]
pub struct Preparation {
    options: ImageOptions,
    writer: Writer,
    /// The size last used at the end.
    known: Vec<Steps>,
}

impl Preparation {
    pub fn new(options: ImageOptions) -> Preparation {
        let writer = Writer::new(options.normalisation.clone(), options.channels, options.layout);
        Preparation { options, writer, known: Vec::new() }
    }

    /// Decodes and prepares a JPEG or PNG file: appends `channels * height * width` values in the
    /// declared order, and tells where the image lies on the canvas.
    ///
    /// # Errors
    /// [`ImageFault`]; nothing is appended then.
    pub fn run(&mut self, file: &[u8], values: &mut Vec<f64>) -> Result<Placed, ImageFault> {
        let mut image = decode(file, self.options.orientation)?;
        let (width, height) = (image.width, image.height);
        if let Some(region) = self.options.region {
            let [left, top, wide, high] = region;
            image = image.crop(left, top, wide, high).ok_or_else(|| ImageFault::WrongSize {
                width,
                height,
                wanted: format!("at least {}x{} for the region", left + wide, top + high),
            })?;
        }
        if self.options.channels == Channels::Gray {
            image = match self.options.method {
                Method::Pillow(_) => gray_pillow(&image),
                Method::OpenCv(_) => gray_opencv(&image),
            };
        }
        let Preparation { options, writer, known } = self;
        let canvas = options.sides.of(image.width, image.height);
        let (geometry, resizer) = steps(known, options, image.width, image.height)?;
        match options.pixels {
            Pixels::U8 => {
                let placed = fitted(image, canvas, geometry, options.fill, |image| resizer.resize_u8(image));
                writer.write_u8(&placed, values);
            }
            Pixels::F32 => {
                let (image, fill) = (image.map(f32::from), f32::from(options.fill));
                let placed = fitted(image, canvas, geometry, fill, |image| resizer.resize_f32(image));
                writer.write_f32(&placed, values);
            }
        }
        let mut frame = Frame { width, height, ..geometry.frame };
        if let Some([left, top, ..]) = options.region {
            frame.offset_x -= left as f64 * frame.scale_x;
            frame.offset_y -= top as f64 * frame.scale_y;
        }
        Ok(Placed { frame, width: canvas.0, height: canvas.1 })
    }
}

type Steps = ((usize, usize), Geometry, Resizer);

/// The steps for images of that size: known, or made and kept.
fn steps<'k>(
    known: &'k mut Vec<Steps>,
    options: &ImageOptions,
    width: usize,
    height: usize,
) -> Result<(Geometry, &'k Resizer), ImageFault> {
    let size = (width, height);
    match known.iter().position(|(known, ..)| *known == size) {
        Some(at) => known[at..].rotate_left(1),
        None => {
            let (canvas_width, canvas_height) = options.sides.of(width, height);
            let wanted = Wanted {
                width: canvas_width,
                height: canvas_height,
                fit: options.fit,
                align: options.align,
                scale_up: options.scale_up,
                shorter_side: options.shorter_side,
            };
            let geometry = Geometry::new(width, height, &wanted, options.method)?;
            let from = geometry.slice.map_or(size, |[_, _, width, height]| (width, height));
            let resizer = Resizer::of_part(from, geometry.part, geometry.size, options.method)?;
            if known.len() == MOST_KNOWN_SIZES {
                known.remove(0);
            }
            known.push((size, geometry, resizer));
        }
    }
    let last = known.last().map(|(_, geometry, resizer)| (*geometry, resizer));
    last.ok_or(ImageFault::TooMuchWork { width, height })
}

/// The image on the model's canvas.
fn fitted<T: Copy>(
    image: Raster<T>,
    canvas: (usize, usize),
    geometry: Geometry,
    fill: T,
    resize: impl Fn(Raster<T>) -> Raster<T>,
) -> Raster<T> {
    let image = match geometry.slice {
        Some([left, top, width, height]) => image.crop(left, top, width, height).unwrap_or(image),
        None => image,
    };
    let resized = resize(image);
    if geometry.at == (0, 0) && geometry.size == canvas {
        return resized;
    }
    resized.place(canvas.0, canvas.1, geometry.at.0, geometry.at.1, fill)
}
