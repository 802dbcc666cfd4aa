//! e to the x in single precision, for whole slices: no call and no branch, so that a loop over it becomes
//! vector instructions. `f32::exp` is a call a number.

// ln 2 in two parts; the first has few enough bits that its product with a whole number up to 150 is exact.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;
/// Adding it rounds a number of at most 2^22 to the nearest whole one, in the low bits of the sum.
const ROUNDER: f32 = 12_582_912.0;

/// e^x, at most one unit in the last place beside the exact value (a test looks); subnormal results too.
/// NaN stays NaN.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    // Beyond these the result is 0 or infinite. A comparison with NaN is false, and leaves it.
    let x = if x < -105.0 { -105.0 } else { x };
    let x = if x > 89.0 { 89.0 } else { x };
    let rounded = x * std::f32::consts::LOG2_E + ROUNDER;
    let whole = rounded - ROUNDER;
    // x = whole * ln 2 + rest, |rest| <= ln 2 / 2; e^rest by its series, with the coefficients' last digits
    // turned for the least error over that interval (a fit in double precision).
    let rest = (x - whole * LN_2_HIGH) - whole * LN_2_LOW;
    let tail = 1.386_366_8e-3 * rest + 8.367_609e-3;
    let tail = tail * rest + 4.166_724e-2;
    let tail = tail * rest + 1.666_653_3e-1;
    let tail = tail * rest + 0.5;
    let near_one = 1.0 + (rest + rest * rest * tail);
    // 2^whole in two factors, for one alone would not reach the subnormal numbers.
    let power = rounded.to_bits().wrapping_sub(ROUNDER.to_bits()) as i32;
    let half = power >> 1;
    near_one * two_to(half) * two_to(power.wrapping_sub(half))
}

/// 2^n for n from -126 to 127.
#[inline(always)]
fn two_to(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Units in the last place between a result and the exact value.
    fn off_by(x: f32) -> f64 {
        let exact = f64::from(x).exp();
        let near = (exact as f32).abs();
        let unit = f64::from(near.next_up()) - f64::from(near);
        (f64::from(exp(x)) - exact).abs() / unit
    }

    #[test]
    fn it_is_within_one_unit_everywhere() {
        let (mut worst, mut at) = (0.0, 0.0);
        // Every 997th number there is.
        for bits in (0..=u32::MAX).step_by(997) {
            let x = f32::from_bits(bits);
            if x.is_nan() || x > 88.722 {
                continue;
            }
            let off = off_by(x);
            if off > worst {
                (worst, at) = (off, x);
            }
        }
        assert!(worst <= 1.0, "{worst} units at {at}");
    }

    #[test]
    fn its_ends_are_those_of_the_exponential() {
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(-0.0), 1.0);
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp(-104.0), 0.0);
        assert!(exp(-103.0) > 0.0);
        assert!(exp(88.72).is_finite());
        assert_eq!(exp(88.73), f32::INFINITY);
        assert_eq!(exp(f32::INFINITY), f32::INFINITY);
        assert!(exp(f32::NAN).is_nan());
    }
}
