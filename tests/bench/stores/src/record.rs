//! The records: 300 bytes that look like a verdict. They are made from their sequence number alone, so
//! that any of them can be checked without remembering what was written.

use std::io::Write;

/// Bytes of every record.
pub const LEN: usize = 300;
const SEQUENCE_AT: usize = 57;
const SEQUENCE_DIGITS: usize = 12;

/// Consecutive records, made before the stopwatch runs.
#[derive(Default)]
pub struct Batch {
    first: u64,
    bytes: Vec<u8>,
}

impl Batch {
    /// Replaces what is there by `count` records from `first` on.
    pub fn fill(&mut self, first: u64, count: usize) {
        self.first = first;
        self.bytes.clear();
        for sequence in (first..).take(count) {
            write(sequence, &mut self.bytes);
        }
    }

    pub fn last(&self) -> u64 {
        (self.first + self.len() as u64).saturating_sub(1)
    }

    pub fn first(&self) -> u64 {
        self.first
    }

    pub fn len(&self) -> usize {
        self.bytes.len() / LEN
    }

    /// Sequence numbers with their records.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &[u8])> {
        (self.first..).zip(self.bytes.chunks_exact(LEN))
    }
}

/// The sequence number a record carries; nothing if it is not exactly the record with that number.
pub fn sequence(payload: &[u8]) -> Option<u64> {
    let digits = payload.get(SEQUENCE_AT..SEQUENCE_AT + SEQUENCE_DIGITS)?;
    let sequence = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let mut expected = Vec::with_capacity(LEN);
    write(sequence, &mut expected);
    (expected == payload).then_some(sequence)
}

fn write(sequence: u64, out: &mut Vec<u8>) {
    let (a, b, c) = (mix(sequence), mix(sequence ^ 0x5eed), mix(sequence ^ 0xfeed));
    let score = (c % 1_000_000) as f64 / 1e6;
    let start = out.len();
    // A vector takes everything: writing to it doesn't fail.
    let _ = write!(
        out,
        "{{\"schema\":1,\"id\":\"{a:016x}{b:016x}\",\"n\":\"{sequence:012}\",\"time\":\"2026-03-01T{:02}:{:02}:{:02}.{:03}Z\",\
         \"source\":\"press-{:02}\",\"pipeline\":\"vibration\",\"class\":\"result\",\"verdict\":\"normal\",\
         \"score\":{score:.6},\"threshold\":0.850000,\"model\":\"sha256:{c:016x}\",\"values\":[{:.4},{:.4}],",
        c % 24,
        a % 60,
        b % 60,
        c % 1000,
        a % 20,
        score * 3.0,
        score * 7.0,
    );
    let rest = LEN - (out.len() - start) - "\"note\":\"\"}".len();
    out.extend_from_slice(b"\"note\":\"");
    out.extend(b"within the usual range of this machine".iter().cycle().take(rest));
    out.extend_from_slice(b"\"}");
}

/// SplitMix64: spread well, made without state.
pub fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_have_their_length_and_carry_their_number() {
        let mut batch = Batch::default();
        for first in [0, 1, 999, 3_600_000, 999_999_999_990] {
            batch.fill(first, 9);
            assert_eq!((batch.len(), batch.last()), (9, first + 8));
            for (number, payload) in batch.iter() {
                assert_eq!((payload.len(), sequence(payload)), (LEN, Some(number)));
                let mut other = payload.to_vec();
                other[20] ^= 1;
                assert_eq!(sequence(&other), None);
            }
        }
    }
}
