//! The source pixel of each target pixel.

use super::Scale;

/// `INTER_NEAREST`: the whole part of the position.
pub(super) fn floor(scale: Scale) -> Vec<usize> {
    let at = |i: usize| ((i as f64 * scale.factor) as usize).min(scale.len - 1);
    (0..scale.new_len).map(at).collect()
}

/// `INTER_NEAREST_EXACT`: the pixel's centre in 16-bit fixed point.
pub(super) fn centre(scale: Scale) -> Vec<usize> {
    let (len, new_len) = (scale.len as i64, scale.new_len as i64);
    let step = ((len << 16) + new_len / 2) / new_len;
    let start = step / 2 - len % 2;
    let at = |i: i64| usize::try_from((step * i + start) >> 16).unwrap_or(0).min(scale.len - 1);
    (0..new_len).map(at).collect()
}
