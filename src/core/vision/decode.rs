//! Files to pixels: the only place that knows the `image` crate.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

use super::{ImageFault, Raster};

/// Largest side accepted before decoding: a header is cheap to forge, the pixels are not.
pub const MAX_SIDE_PIXELS: u32 = 16_384;
/// Most memory a decoder may take for one image.
pub const MAX_DECODE_BYTES: u64 = 256 << 20;

/// What to do with the orientation a camera noted in the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Orientation {
    /// The pixels as they are stored, as `Image.open` of Pillow.
    #[default]
    Ignore,
    /// Turned and mirrored as the EXIF tag 0x0112 says: `ImageOps.exif_transpose` of Pillow, and
    /// what `cv2.imread` does by itself.
    Exif,
}

impl Orientation {
    pub const NAMES: [(&'static str, Orientation); 2] =
        [("ignore", Orientation::Ignore), ("exif", Orientation::Exif)];
}

/// Decodes a JPEG or PNG file to 8-bit RGB: gray is repeated, transparency dropped, 16 bits a
/// sample rounded to 8.
///
/// PNG is lossless and gives the same pixels as every decoder. JPEG decoders may differ by a few
/// steps of 255; `docs/images.md` has what was measured.
///
/// # Errors
/// [`ImageFault`]; sizes are checked against [`MAX_SIDE_PIXELS`] and [`MAX_DECODE_BYTES`] before
/// memory is reserved.
pub fn decode(file: &[u8], orientation: Orientation) -> Result<Raster<u8>, ImageFault> {
    let format = image::guess_format(file).ok();
    let Some(format @ (ImageFormat::Png | ImageFormat::Jpeg)) = format else {
        return Err(ImageFault::UnknownFormat);
    };
    let mut reader = ImageReader::with_format(Cursor::new(file), format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE_PIXELS);
    limits.max_image_height = Some(MAX_SIDE_PIXELS);
    limits.max_alloc = Some(MAX_DECODE_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(fault)?;
    let turn = match orientation {
        Orientation::Ignore => image::metadata::Orientation::NoTransforms,
        Orientation::Exif => decoder.orientation().map_err(fault)?,
    };
    if decoder.total_bytes() > MAX_DECODE_BYTES {
        return Err(ImageFault::TooLarge);
    }
    let mut image = DynamicImage::from_decoder(decoder).map_err(fault)?;
    image.apply_orientation(turn);
    let rgb = image.into_rgb8();
    let (width, height) = (rgb.width() as usize, rgb.height() as usize);
    if width == 0 || height == 0 {
        return Err(ImageFault::Undecodable("it has no pixels".into()));
    }
    Raster::new(width, height, 3, rgb.into_raw()).ok_or(ImageFault::TooLarge)
}

fn fault(error: ImageError) -> ImageFault {
    match error {
        ImageError::Limits(_) => ImageFault::TooLarge,
        other => ImageFault::Undecodable(other.to_string()),
    }
}
