//! From colour to gray, as the libraries weigh the colours.

use super::Raster;

/// 8-bit luma of RGB pixels as `Image.convert("L")` of Pillow: ITU-R 601-2 weights in 16-bit fixed
/// point, rounded half up.
pub fn gray_pillow(rgb: &Raster<u8>) -> Raster<u8> {
    gray(rgb, [19_595, 38_470, 7_471], 16)
}

/// 8-bit luma of RGB pixels as `cv2.cvtColor(…, COLOR_RGB2GRAY)` of OpenCV: the same weights in
/// 15-bit fixed point, rounded half up.
pub fn gray_opencv(rgb: &Raster<u8>) -> Raster<u8> {
    gray(rgb, [9_798, 19_235, 3_735], 15)
}

fn gray(rgb: &Raster<u8>, weights: [u32; 3], shift: u32) -> Raster<u8> {
    let (pixels, _) = rgb.samples.as_chunks::<3>();
    let half = 1 << (shift - 1);
    let luma = |pixel: &[u8; 3]| {
        let sum: u32 = pixel.iter().zip(weights).map(|(sample, weight)| u32::from(*sample) * weight).sum();
        // The weights add up to one: at most 255.
        ((sum + half) >> shift) as u8
    };
    Raster { width: rgb.width, height: rgb.height, channels: 1, samples: pixels.iter().map(luma).collect() }
}
