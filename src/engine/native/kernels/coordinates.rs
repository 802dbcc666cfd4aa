//! Where an output of `Resize` lies in the input.

use crate::native::fault::{Fault, fault};

/// `coordinate_transformation_mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transformation {
    HalfPixel,
    HalfPixelSymmetric,
    PytorchHalfPixel,
    AlignCorners,
    Asymmetric,
    TfCropAndResize,
    /// Of version 11 only.
    TfHalfPixelForNn,
}

impl Transformation {
    pub fn parse(word: &str) -> Result<Self, Fault> {
        Ok(match word {
            "half_pixel" => Transformation::HalfPixel,
            "half_pixel_symmetric" => Transformation::HalfPixelSymmetric,
            "pytorch_half_pixel" => Transformation::PytorchHalfPixel,
            "align_corners" => Transformation::AlignCorners,
            "asymmetric" => Transformation::Asymmetric,
            "tf_crop_and_resize" => Transformation::TfCropAndResize,
            "tf_half_pixel_for_nn" => Transformation::TfHalfPixelForNn,
            other => return Err(fault!("attribute `coordinate_transformation_mode` is `{other}`")),
        })
    }

    /// The place of output `index` on an axis of `size` inputs and `outputs` outputs. `roi` is the part of the
    /// axis that is shown, from 0 to 1.
    pub fn place(self, index: usize, size: usize, outputs: usize, scale: f64, roi: (f64, f64)) -> f64 {
        let (x, last) = (index as f64, size as f64 - 1.0);
        // As many as there would be without rounding to whole outputs.
        let exact = scale * size as f64;
        match self {
            Transformation::AlignCorners if exact == 1.0 => 0.0,
            Transformation::AlignCorners => x * last / (exact - 1.0),
            Transformation::Asymmetric => x / scale,
            Transformation::TfCropAndResize if exact == 1.0 => (roi.0 + roi.1) / 2.0 * last,
            Transformation::TfCropAndResize => roi.0 * last + x * (roi.1 - roi.0) * last / (exact - 1.0),
            Transformation::PytorchHalfPixel if exact == 1.0 => -0.5,
            Transformation::PytorchHalfPixel | Transformation::HalfPixel => (x + 0.5) / scale - 0.5,
            Transformation::HalfPixelSymmetric => {
                let offset = size as f64 / 2.0 * (1.0 - outputs as f64 / exact);
                offset + (x + 0.5) / scale - 0.5
            }
            Transformation::TfHalfPixelForNn => (x + 0.5) / scale,
        }
    }
}
