//! Patterns in RE2's syntax, for the regex crate.
//!
//! <https://github.com/google/re2/wiki/Syntax>. The two agree but for these: RE2's `\d`, `\w`, `\s` and `\b`
//! know ASCII only; `\Q...\E` quotes; within brackets `[`, `&&`, `--` and `~~` mean themselves; any
//! punctuation may be escaped; `\C` is a byte. Look-around and back references are in neither.

use std::{iter::Peekable, str::Chars};

use regex::{Regex, RegexBuilder};

use crate::native::fault::{Fault, fault};

/// Memory of one compiled pattern.
const MAX_BYTES: usize = 16 << 20;

/// A pattern compiled.
///
/// # Errors
/// One that is not in order, or too large.
pub fn pattern(re2: &str) -> Result<Regex, Fault> {
    let text = translated(re2)?;
    RegexBuilder::new(&text)
        .size_limit(MAX_BYTES)
        .dfa_size_limit(MAX_BYTES)
        .build()
        .map_err(|error| fault!("pattern `{re2}`: {}", error.to_string().replace('\n', " ")))
}

fn translated(re2: &str) -> Result<String, Fault> {
    let mut out = String::with_capacity(re2.len());
    let mut chars = re2.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => escape(&mut chars, &mut out, false)
                .ok_or_else(|| fault!("pattern `{re2}`: `\\C` is not supported"))?,
            '[' => {
                out.push('[');
                class(&mut chars, &mut out)
                    .ok_or_else(|| fault!("pattern `{re2}`: a bracket is not closed"))?;
            }
            c => out.push(c),
        }
    }
    Ok(out)
}

/// The inside of brackets, the closing one included.
fn class(chars: &mut Peekable<Chars<'_>>, out: &mut String) -> Option<()> {
    if chars.next_if_eq(&'^').is_some() {
        out.push('^');
    }
    let mut first = true;
    loop {
        match chars.next()? {
            // The first one is itself.
            ']' if !first => {
                out.push(']');
                return Some(());
            }
            '[' if chars.peek() == Some(&':') => {
                out.push('[');
                loop {
                    let c = chars.next()?;
                    out.push(c);
                    if c == ']' {
                        break;
                    }
                }
            }
            c => {
                member(c, chars, out)?;
                // A minus is a range between two others, and itself at the end.
                let mut ahead = chars.clone();
                if ahead.next() == Some('-') && !matches!(ahead.next(), None | Some(']')) {
                    chars.next();
                    out.push('-');
                    let end = chars.next()?;
                    member(end, chars, out)?;
                }
            }
        }
        first = false;
    }
}

/// One character within brackets, or what a backslash says.
fn member(c: char, chars: &mut Peekable<Chars<'_>>, out: &mut String) -> Option<()> {
    match c {
        '\\' => return escape(chars, out, true),
        c if c.is_ascii_punctuation() => out.extend(['\\', c]),
        c => out.push(c),
    }
    Some(())
}

/// What follows a backslash.
fn escape(chars: &mut Peekable<Chars<'_>>, out: &mut String, in_class: bool) -> Option<()> {
    let Some(c) = chars.next() else {
        out.push('\\');
        return Some(());
    };
    match c {
        'd' => out.push_str("[0-9]"),
        'D' => out.push_str("[^0-9]"),
        'w' => out.push_str("[0-9A-Za-z_]"),
        'W' => out.push_str("[^0-9A-Za-z_]"),
        's' => out.push_str(r"[\t\n\f\r ]"),
        'S' => out.push_str(r"[^\t\n\f\r ]"),
        'b' | 'B' if !in_class => out.extend(["(?-u:\\", c.encode_utf8(&mut [0; 4]), ")"]),
        'C' => return None,
        'Q' => {
            let mut quoted = String::new();
            while let Some(c) = chars.next() {
                if c == '\\' && chars.next_if_eq(&'E').is_some() {
                    break;
                }
                quoted.push(c);
            }
            out.push_str(&regex::escape(&quoted));
        }
        c if c.is_ascii_alphanumeric() => out.extend(['\\', c]),
        c => out.push_str(&format!(r"\x{{{:X}}}", u32::from(c))),
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::pattern;

    fn matches(re2: &str, text: &str) -> bool {
        pattern(&format!(r"\A(?:{re2})\z")).unwrap().is_match(text)
    }

    #[test]
    fn classes_are_ascii() {
        assert!(matches(r"\w+", "abc_1") && !matches(r"\w+", "é") && matches(r"\W", "é"));
        assert!(matches(r"[\w.]+", "a.b") && !matches(r"[^\d]", "7") && !matches(r"\d", "٣"));
        assert!(matches(r"a\b.b", "a b") && matches(r"é\B.", "é!"));
    }

    #[test]
    fn brackets_and_quotes_mean_what_re2_means() {
        assert!(matches("[[a]+", "[a") && matches("[]a]+", "]a") && matches("[a&&b]+", "a&b"));
        assert!(matches("[[:alpha:]-]+", "a-b") && matches("[+--]+", "+-,"));
        assert!(matches(r"\Qa.b\E+", "a.bb") && !matches(r"\Qa.b\E", "axb"));
        assert!(matches(r"\<\/\-\>", "</->") && matches(r"[\]\[]+", "[]"));
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(pattern("a(").unwrap_err().what.contains("a("));
        assert!(pattern(r"\C").is_err() && pattern("[a").is_err() && pattern(r"(a)\1").is_err());
        assert!(pattern("((a{100}){100}){100}").is_err());
    }
}
