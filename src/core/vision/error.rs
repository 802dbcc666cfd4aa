//! What can be wrong with an image from outside.

use super::{MAX_DECODE_BYTES, MAX_SIDE_PIXELS};

/// Why an image can't be used. The texts name what was found and what would fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageFault {
    #[error("the payload is neither a JPEG nor a PNG file")]
    UnknownFormat,
    #[error(
        "the image needs more than {} MiB or {MAX_SIDE_PIXELS} pixels a side",
        MAX_DECODE_BYTES >> 20
    )]
    TooLarge,
    #[error("the image can't be decoded: {0}")]
    Undecodable(String),
    #[error("the image is {width}x{height} pixels, must be {wanted}")]
    WrongSize { width: usize, height: usize, wanted: String },
    #[error(
        "the image of {width}x{height} pixels would need more than {} MiB to be resized",
        super::resize::MAX_WORK_SAMPLES >> 18
    )]
    TooMuchWork { width: usize, height: usize },
}
