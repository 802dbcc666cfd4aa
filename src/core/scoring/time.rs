//! The events' own time, as payloads tell it.

use super::{declared::TimeFormat, payload::Scalar};
use crate::domain::{Reason, Rejection};

const NANOS_A_SEC: i64 = 1_000_000_000;

/// Furthest from 1970: so that windows around a time don't leave the numbers that tell it.
const FURTHEST_NS: i64 = 9_100_000_000_000_000_000;

/// A moment as nanoseconds since 1970 UTC, and how it was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EventTime {
    pub ns: i64,
    pub form: TimeForm,
}

/// How a source tells time; a verdict tells a window's begin and end the same way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum TimeForm {
    #[default]
    Text,
    /// A number of units since 1970, of so many nanoseconds.
    Number { unit_ns: i64 },
}

/// Reads a time.
///
/// Text is ISO 8601 (`2026-01-02T03:04:05.678Z`; an offset, a space instead of the `T` and a date alone
/// will do; without an offset it is UTC). A number counts from 1970: what is declared, or, by its size,
/// seconds (below 1e11), milliseconds (below 1e14), microseconds (below 1e17) or nanoseconds. So each
/// means the same moment from 1973-03-03 on. Times before 1682 and after 2257 are none.
///
/// # Errors
/// [`Reason::BadTime`]: no time, none of these forms, or before the year 1682 or after 2257.
pub(super) fn read_time(scalar: &Scalar, declared: TimeFormat) -> Result<EventTime, Rejection> {
    match read_any(scalar, declared) {
        Ok(time) if !(-FURTHEST_NS..=FURTHEST_NS).contains(&time.ns) => Err(beyond()),
        read => read,
    }
}

fn bad(what: &str) -> Rejection {
    Rejection::new(Reason::BadTime, format!("the event's time is {what}"))
}

fn beyond() -> Rejection {
    bad("before the year 1682 or after 2257")
}

fn read_any(scalar: &Scalar, declared: TimeFormat) -> Result<EventTime, Rejection> {
    let number = |magnitude: f64| {
        let unit_ns = declared.unit_ns().unwrap_or(match magnitude.abs() {
            m if m < 1e11 => NANOS_A_SEC,
            m if m < 1e14 => 1_000_000,
            m if m < 1e17 => 1_000,
            _ => 1,
        });
        if declared == TimeFormat::Iso8601 { None } else { Some(unit_ns) }
    };
    match scalar {
        Scalar::Text(text) if declared.unit_ns().is_none() => match iso_8601(text) {
            Some(ns) => Ok(EventTime { ns, form: TimeForm::Text }),
            None => {
                let shown: String = text.chars().take(40).collect();
                Err(bad(&format!("{shown:?}, not an ISO 8601 time between the years 1682 and 2257")))
            }
        },
        Scalar::Integer(i) => {
            let unit_ns = number(*i as f64).ok_or_else(|| bad("a number, not ISO 8601 text"))?;
            let ns = i.checked_mul(unit_ns).ok_or_else(beyond)?;
            Ok(EventTime { ns, form: TimeForm::Number { unit_ns } })
        }
        Scalar::Float(x) if x.is_finite() => {
            let unit_ns = number(*x).ok_or_else(|| bad("a number, not ISO 8601 text"))?;
            let (whole, part) = (x.trunc(), x.fract());
            let part = (part * unit_ns as f64).round() as i64;
            // The cast would saturate.
            let whole = (whole.abs() < 9.2e18).then_some(whole as i64);
            let ns = whole.and_then(|whole| whole.checked_mul(unit_ns)).and_then(|ns| ns.checked_add(part));
            Ok(EventTime { ns: ns.ok_or_else(beyond)?, form: TimeForm::Number { unit_ns } })
        }
        Scalar::Text(_) => Err(bad("text, not a number")),
        Scalar::Unsigned(_) => Err(beyond()),
        other => Err(bad(other.kind())),
    }
}

impl TimeForm {
    /// A time as JSON, in this form.
    pub fn json(self, ns: i64) -> String {
        match self {
            TimeForm::Text => format!("\"{}\"", utc(ns)),
            TimeForm::Number { unit_ns } if ns % unit_ns == 0 => (ns / unit_ns).to_string(),
            TimeForm::Number { unit_ns } => {
                let digits = unit_ns.ilog10() as usize;
                let (sign, ns) = (if ns < 0 { "-" } else { "" }, ns.unsigned_abs());
                let unit = unit_ns.unsigned_abs();
                let part = format!("{:0digits$}", ns % unit);
                format!("{sign}{}.{}", ns / unit, part.trim_end_matches('0'))
            }
        }
    }
}

/// A moment as ISO 8601 in UTC, with as many digits of the second as it needs.
fn utc(ns: i64) -> String {
    let (secs, part) = (ns.div_euclid(NANOS_A_SEC), ns.rem_euclid(NANOS_A_SEC));
    let (days, of_day) = (secs.div_euclid(86_400), secs.rem_euclid(86_400));
    let (year, month, day) = date_of(days);
    let (h, m, s) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    let part = if part == 0 { String::new() } else { format!(".{part:09}").trim_end_matches('0').to_owned() };
    format!("{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}{part}Z")
}

/// Nanoseconds since 1970; None when the text is no ISO 8601 time that they can tell.
fn iso_8601(text: &str) -> Option<i64> {
    let bytes = text.trim().as_bytes();
    let digits = |range: std::ops::Range<usize>| -> Option<i64> {
        bytes.get(range)?.iter().try_fold(0, |n, b| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0')))
    };
    let is = |at: usize, wanted: u8| bytes.get(at) == Some(&wanted);
    if !(is(4, b'-') && is(7, b'-')) {
        return None;
    }
    let (year, month, day) = (digits(0..4)?, digits(5..7)?, digits(8..10)?);
    let days = days_of(year, month, day)?;
    if bytes.len() == 10 {
        return days.checked_mul(86_400 * NANOS_A_SEC);
    }
    if !(is(10, b'T') || is(10, b't') || is(10, b' ')) || !is(13, b':') {
        return None;
    }
    let (hour, minute) = (digits(11..13)?, digits(14..16)?);
    let (mut second, mut part, mut at) = (0, 0, 16);
    if is(at, b':') {
        second = digits(17..19)?;
        at = 19;
        if is(at, b'.') || is(at, b',') {
            let begin = at + 1;
            let len = bytes[begin..].iter().take_while(|b| b.is_ascii_digit()).count();
            if len == 0 {
                return None;
            }
            // Digits beyond the nanosecond are cut.
            let kept = len.min(9);
            part = digits(begin..begin + kept)? * 10_i64.pow(9 - kept as u32);
            at = begin + len;
        }
    }
    // A leap second is the first of the next minute.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let offset_secs = match bytes.get(at..)? {
        [] | [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), rest @ ..] => {
            let (h, m) = match rest.len() {
                2 => (digits(at + 1..at + 3)?, 0),
                4 => (digits(at + 1..at + 3)?, digits(at + 3..at + 5)?),
                5 if rest[2] == b':' => (digits(at + 1..at + 3)?, digits(at + 4..at + 6)?),
                _ => return None,
            };
            if h > 23 || m > 59 {
                return None;
            }
            (h * 3600 + m * 60) * if *sign == b'-' { -1 } else { 1 }
        }
        _ => return None,
    };
    let secs = days * 86_400 + hour * 3600 + minute * 60 + second - offset_secs;
    secs.checked_mul(NANOS_A_SEC)?.checked_add(part)
}

/// Days from 1970 to a date of the Gregorian calendar; None for a date that is none.
fn days_of(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=last).contains(&day) {
        return None;
    }
    // Years that begin in March, so that a leap day is the last of its year.
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + of_year;
    Some(days - 719_468)
}

/// The date that many days after 1970-01-01.
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let (month, day) =
        (if shifted < 10 { shifted + 3 } else { shifted - 9 }, of_year - (153 * shifted + 2) / 5 + 1);
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Option<i64> {
        read_time(&Scalar::Text(text.into()), TimeFormat::Auto).ok().map(|time| time.ns)
    }

    #[test]
    fn text_is_iso_8601() {
        let second = NANOS_A_SEC;
        for (told, ns) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01", 0),
            ("1969-12-31T23:59:59.5Z", -second / 2),
            ("2026-01-02T03:04:05Z", 1_767_323_045 * second),
            ("2026-01-02 03:04:05", 1_767_323_045 * second),
            ("2026-01-02T05:34:05,25+02:30", 1_767_323_045 * second + second / 4),
            ("2026-01-01T22:04:05-0500", 1_767_323_045 * second),
            ("2026-01-02T03:04:05.123456789999Z", 1_767_323_045 * second + 123_456_789),
            ("2016-12-31T23:59:60Z", 1_483_228_800 * second),
            ("2000-02-29T12:00Z", 951_825_600 * second),
            ("1900-03-01", -2_203_891_200 * second),
        ] {
            assert_eq!(text(told), Some(ns), "{told}");
        }
        for wrong in [
            "",
            "now",
            "2026",
            "2026-13-01",
            "2026-02-29",
            "2026-01-02T24:00:00Z",
            "2026-01-02T03:04:05.Z",
            "2026-01-02T03:04:05+2",
            "2026-01-02T03:04:05 Z",
            "9999-01-01",
            "2026-01-02T03:04:05Zé",
            "２０２６-01-02",
        ] {
            assert_eq!(text(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn numbers_are_what_their_size_says_or_what_is_declared() {
        let read = |scalar: &Scalar, format| read_time(scalar, format).map(|time| time.ns).ok();
        let moment = 1_767_323_045_250_000_000;
        for scalar in [
            Scalar::Float(1_767_323_045.25),
            Scalar::Integer(1_767_323_045_250),
            Scalar::Integer(1_767_323_045_250_000),
            Scalar::Integer(moment),
        ] {
            assert_eq!(read(&scalar, TimeFormat::Auto), Some(moment), "{scalar:?}");
        }
        assert_eq!(read(&Scalar::Integer(5000), TimeFormat::EpochMillis), Some(5_000_000_000));
        assert_eq!(read(&Scalar::Float(-1.5), TimeFormat::EpochSecs), Some(-1_500_000_000));
        assert_eq!(read(&Scalar::Float(f64::NAN), TimeFormat::Auto), None);
        assert_eq!(read(&Scalar::Float(1e300), TimeFormat::Auto), None);
        assert_eq!(read(&Scalar::Integer(i64::MAX), TimeFormat::EpochSecs), None);
        assert_eq!(read(&Scalar::Integer(1), TimeFormat::Iso8601), None);
        assert_eq!(read(&Scalar::Text("2026-01-01".into()), TimeFormat::EpochSecs), None);
        assert_eq!(read(&Scalar::Null, TimeFormat::Auto), None);
    }

    #[test]
    fn a_time_is_told_as_it_came() {
        assert_eq!(TimeForm::Text.json(1_767_323_045_250_000_000), "\"2026-01-02T03:04:05.25Z\"");
        for days in [-719_468, -1, 0, 59, 60, 11_016, 19_782, 100_000] {
            let (year, month, day) = date_of(days);
            assert_eq!(days_of(year, month, day), Some(days));
        }
        let secs = TimeForm::Number { unit_ns: NANOS_A_SEC };
        assert_eq!(secs.json(5 * NANOS_A_SEC), "5");
        assert_eq!(secs.json(-1_500_000_000), "-1.5");
        assert_eq!(TimeForm::Number { unit_ns: 1_000_000 }.json(1_234_500), "1.2345");
    }
}
