//! Image files without compression: BMP and PNM.
//!
//! Formats: `BITMAPFILEHEADER` and `BITMAPINFOHEADER` of Windows; Netpbm's `ppm(5)`, `pgm(5)`, `pbm(5)`.

use super::pixels::Pixels;
use crate::native::{
    exec::Run,
    fault::{Fault, fault},
};

fn number(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    let field = bytes.get(at..at + length)?;
    Some(field.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte)))
}

/// A BMP file of 8 (with palette), 24 or 32 bits; `None` for a damaged one.
///
/// # Errors
/// Other kinds of BMP; more memory than allowed.
pub(super) fn bmp(run: &mut Run<'_>, bytes: &[u8]) -> Result<Option<Pixels>, Fault> {
    let header = || {
        let [start, size, width, height, bits, compression] =
            [(10, 4), (14, 4), (18, 4), (22, 4), (28, 2), (30, 4)]
                .map(|(at, length)| number(bytes, at, length));
        Some((start? as usize, size? as usize, width? as i32, height? as i32, bits? as usize, compression?))
    };
    let Some((start, size, width, height, bits, compression)) = header() else { return Ok(None) };
    if !matches!(bits, 8 | 24 | 32) || !(compression == 0 || compression == 3 && bits == 32) || size < 40 {
        return Err(Fault::unsupported(format!(
            "input 0: BMP images of {bits} bits with compression {compression} can't be decoded"
        )));
    }
    let Some(width) = usize::try_from(width).ok().filter(|&width| width > 0) else { return Ok(None) };
    // Rows go upward unless the height is negative.
    let (upward, height) = (height > 0, height.unsigned_abs() as usize);
    let stride = (width * bits).div_ceil(32) * 4;
    let cells = width.saturating_mul(height);
    let Some(rows) = stride.checked_mul(height).and_then(|len| bytes.get(start..start.checked_add(len)?))
    else {
        return Ok(None);
    };
    let palette = bytes.get(14 + size..start).unwrap_or_default();
    run.check_len::<[u8; 3]>(cells)?;
    let mut rgb = run.buffer(cells * 3)?;
    for row in 0..height {
        let row = if upward { height - 1 - row } else { row };
        let row = &rows[row * stride..][..stride];
        for pixel in row.chunks_exact(bits / 8).take(width) {
            let colour = match pixel {
                &[index] => palette.get(usize::from(index) * 4..),
                colour => Some(colour),
            };
            let Some(&[b, g, r, ..]) = colour else { return Ok(None) };
            rgb.extend([r, g, b]);
        }
    }
    Ok(Some(Pixels { width, height, rgb }))
}

/// A PBM, PGM or PPM file, as text or binary; `None` for a damaged one.
///
/// # Errors
/// Samples of more than eight bits; more memory than allowed.
pub(super) fn pnm(run: &mut Run<'_>, bytes: &[u8]) -> Result<Option<Pixels>, Fault> {
    let kind = bytes[1];
    let mut words = Words { bytes, at: 2 };
    let (Some(width), Some(height)) = (words.number(), words.number()) else { return Ok(None) };
    let bitmap = matches!(kind, b'1' | b'4');
    let Some(largest) = (if bitmap { Some(1) } else { words.number() }) else { return Ok(None) };
    if largest == 0 || largest > 255 {
        return Err(fault!("input 0: PNM samples up to {largest} can't be decoded"));
    }
    let channels = if matches!(kind, b'3' | b'6') { 3 } else { 1 };
    let cells = width.checked_mul(height).filter(|&cells| cells <= bytes.len().saturating_mul(8));
    let Some(cells) = cells else { return Ok(None) };
    run.check_len::<[u8; 3]>(cells)?;
    let mut samples = run.buffer::<u8>(cells * channels)?;
    // Bits and bytes begin after a single white space.
    let data = bytes.get(words.at + 1..).unwrap_or_default();
    let scaled = |sample: usize| (sample.min(largest) * 255 / largest) as u8;
    match kind {
        b'4' => {
            let stride = width.div_ceil(8);
            let Some(rows) = data.get(..stride * height) else { return Ok(None) };
            for row in rows.chunks_exact(stride.max(1)) {
                samples
                    .extend((0..width).map(|at| if row[at / 8] >> (7 - at % 8) & 1 == 1 { 0 } else { 255 }));
            }
        }
        b'5' | b'6' => {
            let Some(data) = data.get(..cells * channels) else { return Ok(None) };
            samples.extend(data.iter().map(|&sample| scaled(usize::from(sample))));
        }
        _ => {
            for _ in 0..cells * channels {
                let sample = if bitmap { words.digit() } else { words.number() };
                let Some(sample) = sample else { return Ok(None) };
                samples.push(if bitmap { scaled(1 - sample.min(1)) } else { scaled(sample) });
            }
        }
    }
    let rgb = if channels == 3 { samples } else { samples.iter().flat_map(|&sample| [sample; 3]).collect() };
    Ok(Some(Pixels { width, height, rgb }))
}

/// Numbers between white space and comments.
struct Words<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Words<'_> {
    fn skip(&mut self) {
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b'#' => {
                    while self.bytes.get(self.at).is_some_and(|byte| *byte != b'\n') {
                        self.at += 1;
                    }
                }
                byte if byte.is_ascii_whitespace() => self.at += 1,
                _ => break,
            }
        }
    }

    fn number(&mut self) -> Option<usize> {
        self.skip();
        let mut value = None;
        while let Some(digit) = self.bytes.get(self.at).filter(|byte| byte.is_ascii_digit()) {
            value = Some(value.unwrap_or(0usize).checked_mul(10)?.checked_add(usize::from(digit - b'0'))?);
            self.at += 1;
        }
        value
    }

    /// One digit, which needs no white space after it.
    fn digit(&mut self) -> Option<usize> {
        self.skip();
        let digit = self.bytes.get(self.at).filter(|byte| byte.is_ascii_digit())?;
        self.at += 1;
        Some(usize::from(digit - b'0'))
    }
}
