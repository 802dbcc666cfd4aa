//! Numbers of eight bits and less: what each code stands for, and the nearest code of a number.
//!
//! Formats: "Float stored in 8 bits", "Float4", "Float6", "E8M0" and "Int4", "Int2" of ONNX's technical
//! notes; OCP's Microscaling formats 1.0.

use std::sync::LazyLock;

use super::Kind;

/// Layout of a small float: sign, exponent, mantissa, from the top.
struct Format {
    exponent_bits: u32,
    mantissa_bits: u32,
    bias: i32,
    special: Special,
}

/// Which codes are no numbers.
#[derive(PartialEq)]
enum Special {
    /// All-ones exponent: infinity, NaN (IEEE 754).
    Ieee,
    /// All ones: NaN; no infinity.
    AllOnes,
    /// What would be minus zero is NaN; no infinity.
    MinusZero,
    None,
}

fn format(kind: Kind) -> Option<Format> {
    let (exponent_bits, mantissa_bits, bias, special) = match kind {
        Kind::F8E4M3FN => (4, 3, 7, Special::AllOnes),
        Kind::F8E4M3FNUZ => (4, 3, 8, Special::MinusZero),
        Kind::F8E5M2 => (5, 2, 15, Special::Ieee),
        Kind::F8E5M2FNUZ => (5, 2, 16, Special::MinusZero),
        Kind::F4E2M1 => (2, 1, 1, Special::None),
        Kind::F6E2M3 => (2, 3, 1, Special::None),
        Kind::F6E3M2 => (3, 2, 3, Special::None),
        _ => return None,
    };
    Some(Format { exponent_bits, mantissa_bits, bias, special })
}

/// The number a code stands for. Integers of four and two bits are sign-extended; other kinds give NaN.
pub fn to_f32(kind: Kind, code: u8) -> f32 {
    match kind {
        Kind::I4 => f32::from((code << 4) as i8 >> 4),
        Kind::U4 => f32::from(code & 15),
        Kind::I2 => f32::from((code << 6) as i8 >> 6),
        Kind::U2 => f32::from(code & 3),
        Kind::F8E8M0 if code == 0xff => f32::NAN,
        Kind::F8E8M0 => f32::from_bits(if code == 0 { 1 << 22 } else { u32::from(code) << 23 }),
        _ => format(kind).map_or(f32::NAN, |format| format.number(code)),
    }
}

/// The integer a code of a four- or two-bit integer stands for.
pub fn to_i32(kind: Kind, code: u8) -> i32 {
    to_f32(kind, code) as i32
}

impl Format {
    fn bits(&self) -> u32 {
        1 + self.exponent_bits + self.mantissa_bits
    }

    fn number(&self, code: u8) -> f32 {
        let code = u32::from(code) & ((1 << self.bits()) - 1);
        let sign_bit = 1 << (self.bits() - 1);
        let magnitude = code & (sign_bit - 1);
        let mantissa = magnitude & ((1 << self.mantissa_bits) - 1);
        let exponent = magnitude >> self.mantissa_bits;
        let top = exponent == (1 << self.exponent_bits) - 1;
        let negative = code & sign_bit != 0;
        match self.special {
            Special::Ieee if top && mantissa == 0 => {
                return if negative { f32::NEG_INFINITY } else { f32::INFINITY };
            }
            Special::Ieee if top => return f32::NAN,
            Special::AllOnes if magnitude == sign_bit - 1 => return f32::NAN,
            Special::MinusZero if code == sign_bit => return f32::NAN,
            _ => {}
        }
        let unit = 2f32.powi(1 - self.bias - self.mantissa_bits as i32);
        let value = if exponent == 0 {
            mantissa as f32 * unit
        } else {
            (mantissa + (1 << self.mantissa_bits)) as f32 * unit * 2f32.powi(exponent as i32 - 1)
        };
        if negative { -value } else { value }
    }
}

/// The finite numbers that are not negative, with ascending codes from 0.
fn ladder(kind: Kind) -> &'static [f32] {
    static LADDERS: LazyLock<Vec<(Kind, Vec<f32>)>> = LazyLock::new(|| {
        (1..=28)
            .filter_map(Kind::from_code)
            .filter_map(|kind| {
                let format = format(kind)?;
                let codes = 0..1u8.checked_shl(format.bits() - 1).unwrap_or(0x80);
                Some((kind, codes.map(|code| format.number(code)).take_while(|n| n.is_finite()).collect()))
            })
            .collect()
    });
    LADDERS.iter().find(|(of, _)| *of == kind).map_or(&[], |(_, ladder)| ladder)
}

/// The code of the nearest number, ties to the even code. Beyond the largest, `saturate` gives the
/// largest; without it infinity, or NaN where the format has none. Small integers are rounded to even
/// and wrap around.
pub fn from_f32(kind: Kind, number: f32, saturate: bool) -> u8 {
    match kind {
        Kind::I4 | Kind::U4 => (number.round_ties_even() as i32 & 15) as u8,
        Kind::I2 | Kind::U2 => (number.round_ties_even() as i32 & 3) as u8,
        _ => format(kind).map_or(0, |format| format.nearest(kind, number, saturate)),
    }
}

impl Format {
    fn nearest(&self, kind: Kind, number: f32, saturate: bool) -> u8 {
        let sign = if number.is_sign_negative() { 1u8 << (self.bits() - 1) } else { 0 };
        let ladder = ladder(kind);
        let largest = (ladder.len() - 1) as u8;
        let nan = match self.special {
            Special::Ieee => sign | 0x7f,
            Special::AllOnes => sign | (sign_mask(self) - 1),
            Special::MinusZero => sign_mask(self),
            // No NaN: minus zero stands for it, as in ml_dtypes and so in ONNX's cases.
            Special::None => sign_mask(self),
        };
        if number.is_nan() {
            return nan;
        }
        let magnitude = number.abs();
        let above = ladder.partition_point(|&n| n < magnitude);
        let code = if above == 0 {
            0
        } else if above == ladder.len() {
            // Half a step beyond the largest still rounds to it.
            let last = ladder[above - 1];
            let step = last - ladder[above - 2];
            let edge = last + step / 2.0;
            let rounds_down = magnitude < edge || magnitude == edge && largest.is_multiple_of(2);
            if rounds_down || saturate || self.special == Special::None {
                largest
            } else {
                return match self.special {
                    Special::Ieee => sign | (largest + 1),
                    _ => nan,
                };
            }
        } else {
            let (low, high) = (ladder[above - 1], ladder[above]);
            let (down, up) = (magnitude - low, high - magnitude);
            if down < up || down == up && (above - 1) % 2 == 0 { (above - 1) as u8 } else { above as u8 }
        };
        // These have no minus zero.
        if code == 0 && self.special == Special::MinusZero { 0 } else { sign | code }
    }
}

fn sign_mask(format: &Format) -> u8 {
    1 << (format.bits() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_its_own_nearest() {
        for kind in (1..=28).filter_map(Kind::from_code).filter(|kind| format(*kind).is_some()) {
            for code in 0..=255u8 {
                let number = to_f32(kind, code);
                if number.is_finite() {
                    assert_eq!(to_f32(kind, from_f32(kind, number, true)), number, "{kind} {code}");
                }
            }
        }
    }

    #[test]
    fn the_largest_numbers_are_those_of_the_formats() {
        let largest = |kind| *ladder(kind).last().unwrap();
        assert_eq!(largest(Kind::F8E4M3FN), 448.0);
        assert_eq!(largest(Kind::F8E4M3FNUZ), 240.0);
        assert_eq!(largest(Kind::F8E5M2), 57344.0);
        assert_eq!(largest(Kind::F8E5M2FNUZ), 57344.0);
        assert_eq!(largest(Kind::F4E2M1), 6.0);
        assert_eq!(largest(Kind::F6E2M3), 7.5);
        assert_eq!(largest(Kind::F6E3M2), 28.0);
    }
}
