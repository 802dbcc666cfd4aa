//! Which elements of an axis a slice takes.

use crate::native::fault::{Fault, fault};

/// The first index and how many, as NumPy has it: negative ones count from the end, what is outside
/// is cut.
pub fn range(start: i64, end: i64, step: i64, dim: usize) -> Result<(usize, usize), Fault> {
    let length = dim as i64;
    let (lowest, highest) = match step {
        0 => return Err(fault!("has a step of 0")),
        1.. => (0, length),
        _ => (-1, length - 1),
    };
    let place = |at: i64| if at < 0 { at.saturating_add(length) } else { at }.clamp(lowest, highest);
    let (start, end) = (place(start), place(end));
    let distance = if step > 0 { end - start } else { start - end };
    if distance <= 0 {
        return Ok((0, 0));
    }
    let count = (distance as u64).div_ceil(step.unsigned_abs());
    Ok((start as usize, count as usize))
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn ranges_are_cut_to_what_is_there() {
        assert_eq!(range(1, i64::MAX, 2, 6).unwrap(), (1, 3));
        assert_eq!(range(-1, i64::MIN, -1, 6).unwrap(), (5, 6));
        assert_eq!(range(-100, 100, 1, 6).unwrap(), (0, 6));
        assert_eq!(range(4, 2, 1, 6).unwrap(), (0, 0));
        assert_eq!(range(0, 5, i64::MAX, 6).unwrap(), (0, 1));
        assert_eq!(range(5, 0, i64::MIN, 6).unwrap(), (5, 1));
        assert_eq!(range(0, -1, -1, 0).unwrap(), (0, 0));
        assert!(range(0, 1, 0, 6).is_err());
    }
}
