//! Hashes of elements.

use std::sync::Arc;

use crate::{
    native::{
        attributes::Node,
        exec::{Op, one, op},
        fault::{Fault, fault},
        value::{Data, Tensor},
    },
    with_kinds,
};

/// `MurmurHash3`, com.microsoft 1 (what scikit-learn's hashing vectorisers are exported to): the 32-bit hash of
/// each element's bytes, little-endian, or of its text in UTF-8.
pub fn murmur(node: &Node<'_>) -> Result<Op, Fault> {
    let seed = node.int("seed", 0)? as u32;
    let positive = node.flag("positive", true)?;
    op(move |run, args| {
        let input = args.tensor(0)?;
        let mut hashes = run.buffer::<u32>(input.len())?;
        with_kinds!([F32, F64, I32, I64, U32, U64] input.data(), v => {
            hashes.extend(v.iter().map(|v| murmur3(&v.to_le_bytes(), seed)));
        }, match input.data() {
            Data::String(v) => hashes.extend(v.iter().map(|text: &Arc<str>| murmur3(text.as_bytes(), seed))),
            _ => return Err(fault!("input 0: is {input}, must have numbers of 32 or 64 bits, or text")),
        });
        one(if positive {
            Tensor::of(input.shape(), hashes)?
        } else {
            Tensor::of::<i32>(input.shape(), hashes.into_iter().map(|hash| hash as i32).collect())?
        })
    })
}

/// MurmurHash3's x86 variant of 32 bits (Austin Appleby, public domain).
fn murmur3(bytes: &[u8], seed: u32) -> u32 {
    let mix = |block: u32| block.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
    let (blocks, rest) = bytes.as_chunks::<4>();
    let mut hash = blocks.iter().fold(seed, |hash, block| {
        let hash = (hash ^ mix(u32::from_le_bytes(*block))).rotate_left(13);
        hash.wrapping_mul(5).wrapping_add(0xe654_6b64)
    });
    if !rest.is_empty() {
        let mut last = [0; 4];
        last[..rest.len()].copy_from_slice(rest);
        hash ^= mix(u32::from_le_bytes(last));
    }
    hash ^= bytes.len() as u32;
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

#[cfg(test)]
mod tests {
    use super::murmur3;

    /// The values of scikit-learn 1.7's `murmurhash3_32(text, seed, positive=True)`.
    #[test]
    fn hashes_are_those_of_scikit_learn() {
        assert_eq!(murmur3(b"", 0), 0);
        assert_eq!(murmur3(b"foo", 0), 4_138_058_784);
        assert_eq!(murmur3(b"foo", 42), 2_972_666_014);
    }
}
