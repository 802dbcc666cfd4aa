//! Integers of a few bits in bytes, and what they stand for: a scale and a zero point for each block.

use crate::native::{
    attributes::Node,
    exec::Run,
    fault::{Fault, fault},
    ops::quantised::{floats, levels},
    value::{Data, Tensor},
};

/// An attribute that counts something.
pub(super) fn count(node: &Node<'_>, name: &str, default: Option<i64>) -> Result<usize, Fault> {
    let value = match default {
        Some(default) => node.int(name, default)?,
        None => node.required_int(name)?,
    };
    let counted = usize::try_from(value).ok().filter(|&count| count > 0 && count < 1 << 40);
    counted.ok_or_else(|| fault!("attribute `{name}` is {value}, which is no sensible count"))
}

/// The attribute `bits`.
pub(super) fn width(node: &Node<'_>) -> Result<usize, Fault> {
    match node.int("bits", 4)? {
        bits @ (2 | 4 | 8) => Ok(bits as usize),
        bits => Err(Fault::unsupported(format!("attribute `bits` is {bits}; 2, 4 and 8 are known"))),
    }
}

/// Number `at` of a row of bytes that holds `8 / bits` of them in each, the first in the lowest bits.
#[inline]
pub(super) fn packed(row: &[u8], at: usize, bits: usize) -> u8 {
    let each = 8 / bits;
    let byte = row[at / each] >> (at % each * bits);
    (u16::from(byte) & ((1 << bits) - 1)) as u8
}

/// Zero points, one for each block of each row, as numbers: packed like what they belong to, or floats.
///
/// # Errors
/// Another number of them.
pub(super) fn zeros(
    run: &mut Run<'_>,
    given: Option<&Tensor>,
    [rows, blocks]: [usize; 2],
    bits: usize,
) -> Result<Vec<f32>, Fault> {
    let count = rows.saturating_mul(blocks);
    let Some(given) = given else { return run.filled(count, (1u32 << (bits - 1)) as f32) };
    let wrong = || fault!("zero points {given} are not one for each of {rows} times {blocks} blocks");
    let mut zeros = run.buffer(count)?;
    match given.data() {
        Data::U8(bytes) => {
            let row = blocks.div_ceil(8 / bits);
            if bytes.len() != rows.saturating_mul(row) {
                return Err(wrong());
            }
            for bytes in bytes.chunks_exact(row.max(1)) {
                zeros.extend((0..blocks).map(|block| f32::from(packed(bytes, block, bits))));
            }
        }
        Data::Small(..) | Data::I8(_) => zeros.extend(levels(run, given)?.iter().map(|&zero| zero as f32)),
        _ => zeros.extend_from_slice(&floats(run, given)?),
    }
    if zeros.len() == count { Ok(zeros) } else { Err(wrong()) }
}
