//! Dotted paths into a payload.

use std::fmt;

/// Where a path begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The reading: one element of `readings`, or the whole message where there are none.
    Reading,
    /// The whole message, written `$.path`.
    Message,
}

/// A path such as `machine.temperature`, `samples.0.x` or, from a message's root, `$.machine.id`.
/// The empty path is the whole. A dot within a key is written `\.`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FieldPath {
    pub scope: Scope,
    pub segments: Vec<String>,
}

impl FieldPath {
    /// Parses a path; every text is one.
    pub fn parse(text: &str) -> Self {
        let (scope, rest) = match text.strip_prefix("$.") {
            Some(rest) => (Scope::Message, rest),
            None if text == "$" => (Scope::Message, ""),
            None => (Scope::Reading, text),
        };
        let mut segments = Vec::new();
        if !rest.is_empty() {
            let mut segment = String::new();
            let mut chars = rest.chars().peekable();
            while let Some(c) = chars.next() {
                match c {
                    '\\' if chars.peek() == Some(&'.') => {
                        segment.push('.');
                        chars.next();
                    }
                    '.' => segments.push(std::mem::take(&mut segment)),
                    c => segment.push(c),
                }
            }
            segments.push(segment);
        }
        FieldPath { scope, segments }
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scope == Scope::Message {
            f.write_str(if self.segments.is_empty() { "$" } else { "$." })?;
        }
        for (i, segment) in self.segments.iter().enumerate() {
            write!(f, "{}{}", if i == 0 { "" } else { "." }, segment.replace('.', "\\."))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_read_back_as_written() {
        for text in ["", "a", "machine.temperature", "$.id", "$", "a\\.b.c", "readings.0.t"] {
            assert_eq!(FieldPath::parse(text).to_string(), text);
        }
        assert_eq!(FieldPath::parse("a\\.b.c").segments, ["a.b", "c"]);
    }
}
