//! Images, pure: from a JPEG or PNG file to the numbers a model takes, as the libraries do it that
//! models are trained with. Knows nothing of messages, bundles or tensors' names.
//!
//! Resizing follows Pillow or OpenCV by name, to the bit for 8-bit pixels wherever the reference
//! itself is the same on all processors; `tests/golden/images.py` writes what they give.

mod colour;
mod decode;
mod error;
mod fit;
pub mod opencv;
pub mod pillow;
mod preparation;
mod raster;
mod resize;
mod values;

pub use colour::{gray_opencv, gray_pillow};
pub use decode::{MAX_DECODE_BYTES, MAX_SIDE_PIXELS, Orientation, decode};
pub use error::ImageFault;
pub use fit::{Align, Fit, Frame, Geometry, Wanted};
pub use preparation::{ImageAxis, ImageOptions, Pixels, Placed, Preparation, Sides};
pub use raster::Raster;
pub use resize::{Method, Resizer};
pub use values::{Channels, Layout, Normalisation};
