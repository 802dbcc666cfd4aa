//! The records: 300 bytes that look like a verdict, each made from its number alone.

use std::{io::Write, ops::Range};

use bytes::Bytes;

/// Bytes of every record.
pub const RECORD_BYTES: usize = 300;

/// The records of these numbers, one after another.
pub fn records(numbers: Range<u64>) -> Bytes {
    let mut out = Vec::with_capacity((numbers.end - numbers.start) as usize * RECORD_BYTES);
    for number in numbers {
        write(number, &mut out);
    }
    out.into()
}

/// Splits what [`records`] gave, without copying.
pub fn split(records: &Bytes) -> impl Iterator<Item = Bytes> + '_ {
    (0..records.len()).step_by(RECORD_BYTES).map(|at| records.slice(at..at + RECORD_BYTES))
}

/// As the encoder writes them, with one source of twenty and a copied field that fills the rest.
fn write(number: u64, out: &mut Vec<u8>) {
    let (a, b, c) = (mix(number), mix(number ^ 0x5eed), mix(number ^ 0xfeed));
    let score = (c % 1_000_000) as f64 / 1e6;
    let start = out.len();
    let seconds = number / 200;
    // Writing to a Vec can't fail.
    let _ = write!(
        out,
        "{{\"schema\":1,\"id\":\"{a:016x}{b:016x}\",\"input_id\":\"m-{number}\",\
         \"pipeline\":\"press\",\"model\":{{\"name\":\"press\",\"version\":\"1.0.0\"}},\"source\":\"press-{:02}\",\
         \"scored_at\":\"2026-03-01T{:02}:{:02}:{:02}.{:06}Z\",\"latency_us\":{},\
         \"outputs\":{{\"score\":{score:.6}}},\"input\":\"",
        a % 20,
        seconds / 3600 % 24,
        seconds / 60 % 60,
        seconds % 60,
        b % 1_000_000,
        200 + c % 800,
    );
    let rest = RECORD_BYTES - 2 - (out.len() - start);
    out.extend(b"as usual for this machine".iter().cycle().take(rest));
    out.extend_from_slice(b"\"}");
}

/// SplitMix64: spread well, made without state.
fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
