//! e^x of several numbers at once.

use super::vectors::LANES;

/// e^x, off by less than 2 in the last place; 0 where the result would be below the least normal
/// number. For x up to 88.
///
/// x is split into n·ln 2 + r with |r| <= ln 2 / 2. e^r is its Taylor series up to the seventh power
/// (the eighth is below 2^-27 of the sum); n goes into the exponent. Only additions and products,
/// so that the compiler makes vectors of it.
#[inline(always)]
pub(super) fn exp(x: [f32; LANES]) -> [f32; LANES] {
    /// Adding it leaves a number's rounded integer in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    /// ln 2 in two parts: the first has few enough bits that its product with n is exact.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    /// ln of the least normal number.
    const LEAST: f32 = -87.336_54;

    std::array::from_fn(|lane| {
        let x = x[lane];
        let shifted = x * std::f32::consts::LOG2_E + ROUND;
        let n = shifted - ROUND;
        let r = x - n * LN_2_HIGH - n * LN_2_LOW;
        let mut sum = 1.0 / 5040.0;
        for factor in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
            sum = sum * r + factor;
        }
        let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23));
        if x < LEAST { 0.0 } else { sum * power }
    })
}
