//! Numbers as text and back.

use std::sync::Arc;

use half::{bf16, f16};

use crate::native::fault::{Fault, fault};

/// A number as NumPy (2.x) prints it when an array is cast to strings: the fewest digits that read back
/// as the same number; with an exponent below 1e-4 and from `plain_below` on.
fn printed(value: f64, scientific: &str, plain_below: f64) -> Arc<str> {
    if value.is_nan() {
        return "nan".into();
    }
    if value.is_infinite() {
        return if value < 0.0 { "-inf" } else { "inf" }.into();
    }
    let (digits, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-4..plain_below).contains(&magnitude) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs()).into();
    }
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
    let digits = digits.replace('.', "");
    let text = if exponent < 0 {
        format!("{sign}0.{}{digits}", "0".repeat(exponent.unsigned_abs() as usize - 1))
    } else {
        let whole = exponent as usize + 1;
        if digits.len() <= whole {
            format!("{sign}{digits}{}.0", "0".repeat(whole - digits.len()))
        } else {
            format!("{sign}{}.{}", &digits[..whole], &digits[whole..])
        }
    };
    text.into()
}

pub(super) fn from_f64(value: f64) -> Arc<str> {
    printed(value, &format!("{value:e}"), 1e16)
}

pub(super) fn from_f32(value: f32) -> Arc<str> {
    printed(f64::from(value), &format!("{value:e}"), 1e6)
}

/// The fewest digits that `same` accepts as the number.
fn shortest(value: f32, same: impl Fn(f32) -> bool) -> String {
    let texts = (0..8).map(|digits| format!("{value:.digits$e}"));
    let mut good = texts.filter(|text| text.parse().is_ok_and(&same));
    good.next().unwrap_or_else(|| format!("{value:e}"))
}

pub(super) fn from_f16(value: f16) -> Arc<str> {
    let text = shortest(value.to_f32(), |read| f16::from_f32(read) == value);
    printed(value.to_f64(), &text, 1e3)
}

pub(super) fn from_bf16(value: bf16) -> Arc<str> {
    let text = shortest(value.to_f32(), |read| bf16::from_f32(read) == value);
    printed(value.to_f64(), &text, 1e3)
}

/// A number that a text says: `3.14`, `1e-5`, `INF`, `NaN` in any case.
///
/// # Errors
/// Anything else.
pub(super) fn float(text: &str) -> Result<f64, Fault> {
    text.trim().parse().map_err(|_| fault!("`{text}` is no number"))
}

/// f32, rounded once.
///
/// # Errors
/// As [`float`].
pub(super) fn single(text: &str) -> Result<f32, Fault> {
    text.trim().parse().map_err(|_| fault!("`{text}` is no number"))
}

/// A whole number; a fraction is cut off.
///
/// # Errors
/// As [`float`].
pub(super) fn whole(text: &str) -> Result<i128, Fault> {
    text.trim().parse().or_else(|_| float(text).map(|value| value as i128))
}

/// `True`, `False` (in any case), or whether a number isn't zero.
///
/// # Errors
/// As [`float`].
pub(super) fn truth(text: &str) -> Result<bool, Fault> {
    match text.trim() {
        word if word.eq_ignore_ascii_case("true") => Ok(true),
        word if word.eq_ignore_ascii_case("false") => Ok(false),
        number => Ok(float(number)? != 0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `numpy.array(x).astype(str)`, NumPy 2.
    #[test]
    fn numbers_are_printed_as_numpy_prints_them() {
        let singles = [1e-5, 1e-4, 0.001, 3.0, -0.0, 100000.0, 1e6, 123_456.79, 16777216.0];
        let texts =
            ["1e-05", "1e-04", "0.001", "3.0", "-0.0", "100000.0", "1e+06", "123456.79", "1.6777216e+07"];
        assert_eq!(singles.map(|x| from_f32(x).to_string()), texts);
        let doubles = [1e-5, 1e-4, 9.9e15, 1e16, 1.5e-7, 1e100, f64::NAN, f64::NEG_INFINITY];
        let texts = ["1e-05", "0.0001", "9900000000000000.0", "1e+16", "1.5e-07", "1e+100", "nan", "-inf"];
        assert_eq!(doubles.map(|x| from_f64(x).to_string()), texts);
        let halves = [0.1, 999.5, 1000.0, 2047.0, 12345.0].map(f16::from_f32);
        assert_eq!(
            halves.map(|x| from_f16(x).to_string()),
            ["0.1", "999.5", "1e+03", "2.047e+03", "1.2344e+04"]
        );
    }

    #[test]
    fn texts_are_read_as_numbers() {
        assert_eq!(float("1E8").unwrap(), 1e8);
        assert_eq!(float("-INF").unwrap(), f64::NEG_INFINITY);
        assert!(float("NaN").unwrap().is_nan());
        assert_eq!(whole("100.5").unwrap(), 100);
        assert_eq!(whole("-9223372036854775808").unwrap(), i128::from(i64::MIN));
        assert!(truth("True").unwrap() && !truth("0").unwrap());
        assert!(float("Hello World!").is_err());
    }
}
