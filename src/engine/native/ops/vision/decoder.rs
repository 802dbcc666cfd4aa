//! `ImageDecoder`.

use std::io::Cursor;

use image::{ImageFormat, ImageReader, Limits};

use super::{pixels::Pixels, simple_formats};
use crate::native::{
    attributes::Node,
    exec::{Args, Op, Outputs, Run, one, op},
    fault::{Fault, fault},
    value::Tensor,
};

#[derive(Clone, Copy, PartialEq)]
enum Format {
    Rgb,
    Bgr,
    Grey,
}

/// `ImageDecoder`, ai.onnx 20: JPEG, PNG, BMP without compression and PNM. The other formats of the
/// specification are refused; a file of a known one that is damaged gives an empty image, as specified.
pub(super) fn image_decoder(node: &Node<'_>) -> Result<Op, Fault> {
    let format = match node.string("pixel_format", "RGB")? {
        "RGB" => Format::Rgb,
        "BGR" => Format::Bgr,
        "Grayscale" => Format::Grey,
        other => return Err(fault!("attribute `pixel_format` is `{other}`")),
    };
    op(move |run, args| body(run, &args, format))
}

fn body(run: &mut Run<'_>, args: &Args, format: Format) -> Result<Outputs, Fault> {
    let bytes = args.slice::<u8>(0)?;
    let pixels = match bytes {
        [b'B', b'M', ..] => simple_formats::bmp(run, bytes)?,
        [b'P', b'1'..=b'6', ..] => simple_formats::pnm(run, bytes)?,
        _ => match image::guess_format(bytes) {
            Ok(known @ (ImageFormat::Jpeg | ImageFormat::Png)) => decoded(run, bytes, known)?,
            Ok(other) => {
                return Err(Fault::unsupported(format!("input 0: {other:?} images can't be decoded")));
            }
            Err(_) if is_jpeg_2000(bytes) => {
                return Err(Fault::unsupported("input 0: JPEG 2000 images can't be decoded"));
            }
            Err(_) => None,
        },
    };
    let pixels = pixels.unwrap_or(Pixels { width: 0, height: 0, rgb: vec![] });
    let channels = if format == Format::Grey { 1 } else { 3 };
    let mut y = run.buffer(pixels.width * pixels.height * channels)?;
    for &[r, g, b] in pixels.rgb.as_chunks::<3>().0 {
        match format {
            Format::Rgb => y.extend([r, g, b]),
            Format::Bgr => y.extend([b, g, r]),
            // ITU-R 601, in 16 bits and rounded, as Pillow has it.
            Format::Grey => {
                let sum = 19595 * u32::from(r) + 38470 * u32::from(g) + 7471 * u32::from(b) + 0x8000;
                y.push((sum >> 16) as u8);
            }
        }
    }
    one(Tensor::of([pixels.height, pixels.width, channels].as_slice(), y)?)
}

fn is_jpeg_2000(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0, 0, 0, 0x0c, b'j', b'P']) || bytes.starts_with(&[0xff, 0x4f, 0xff, 0x51])
}

/// `None` for a damaged file.
fn decoded(run: &mut Run<'_>, bytes: &[u8], format: ImageFormat) -> Result<Option<Pixels>, Fault> {
    let reader = || {
        let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
        let mut limits = Limits::default();
        // The decoder's own memory; what an image takes is checked before it is made.
        limits.max_alloc = Some(1 << 30);
        reader.limits(limits);
        reader
    };
    let Ok((width, height)) = reader().into_dimensions() else { return Ok(None) };
    let (width, height) = (width as usize, height as usize);
    run.check_len::<[u8; 3]>(width.saturating_mul(height))?;
    let Ok(image) = reader().decode() else { return Ok(None) };
    Ok(Some(Pixels { width, height, rgb: image.into_rgb8().into_raw() }))
}
