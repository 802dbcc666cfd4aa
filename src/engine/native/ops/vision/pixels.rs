//! An image that has been decoded.

/// Pixels in rows, three bytes each: red, green, blue.
pub(super) struct Pixels {
    pub width: usize,
    pub height: usize,
    pub rgb: Vec<u8>,
}
