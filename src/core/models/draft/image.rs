//! A model that takes pictures.

use super::{Ask, DraftError, Filling, Pixels};
use crate::domain::ElementType;
use edgeward_engine::{Dim, Port};

/// How a picture fills an input with four dimensions of which one counts one or three channels; `None`
/// for any other input.
pub(super) fn filling(port: &Port, ask: &mut dyn Ask) -> Result<Option<Filling>, DraftError> {
    let [_, a, b, c] = &*port.dims else { return Ok(None) };
    let fixed = |dim: &Dim| if let Dim::Fixed(n) = dim { Some(*n) } else { None };
    // An exporter may leave the picture's size free.
    const SIZE: usize = 224;
    let is_channels = |dim: &Dim| matches!(dim, Dim::Fixed(1 | 3));
    let (height, width, channels, nhwc) = if is_channels(a) && !is_channels(c) {
        (fixed(b), fixed(c), fixed(a), false)
    } else if is_channels(c) {
        (fixed(a), fixed(b), fixed(c), true)
    } else {
        return Ok(None);
    };
    let (height, width) = (height.unwrap_or(SIZE), width.unwrap_or(SIZE));
    let pixels = match port.element {
        ElementType::F32 | ElementType::F64 => ask.pixels(&port.name)?,
        _ => Pixels::Bytes,
    };
    Ok(Some(Filling::Image { width, height, gray: channels == Some(1), nhwc, pixels }))
}
