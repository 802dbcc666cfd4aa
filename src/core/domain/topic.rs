//! MQTT topic filters, matched here as MQTT 3.1.1 section 4.7 has them.

use std::fmt;

/// A checked topic filter: `+` stands for one level, a final `#` for all that follow.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicFilter(String);

/// Why a text is not a topic filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopicFilterError {
    #[error("is empty")]
    Empty,
    #[error("is longer than 65535 bytes")]
    TooLong,
    #[error("has a `#` that is not the whole last level")]
    MisplacedHash,
    #[error("has a `+` that is not a whole level")]
    MisplacedPlus,
    #[error("contains a NUL character")]
    Nul,
}

impl TopicFilter {
    /// Checks `text` as a filter.
    pub fn new(text: impl Into<String>) -> Result<Self, TopicFilterError> {
        let text = text.into();
        if text.is_empty() {
            return Err(TopicFilterError::Empty);
        }
        if text.len() > usize::from(u16::MAX) {
            return Err(TopicFilterError::TooLong);
        }
        if text.contains('\0') {
            return Err(TopicFilterError::Nul);
        }
        let mut levels = text.split('/').peekable();
        while let Some(level) = levels.next() {
            if level.contains('#') && (level != "#" || levels.peek().is_some()) {
                return Err(TopicFilterError::MisplacedHash);
            }
            if level.contains('+') && level != "+" {
                return Err(TopicFilterError::MisplacedPlus);
            }
        }
        Ok(TopicFilter(text))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True when `topic` (without wildcards) matches. Topics that begin with `$` match only
    /// filters whose first level is written out (MQTT 4.7.2).
    pub fn matches(&self, topic: &str) -> bool {
        if topic.starts_with('$') && self.0.starts_with(['+', '#']) {
            return false;
        }
        let mut levels = topic.split('/');
        for part in self.0.split('/') {
            if part == "#" {
                return true;
            }
            match levels.next() {
                Some(level) if part == "+" || part == level => {}
                _ => return false,
            }
        }
        levels.next().is_none()
    }

    /// True when some topic could match both filters: the test for an output that feeds an input.
    pub fn overlaps(&self, other: &TopicFilter) -> bool {
        let (mut a, mut b) = (self.0.split('/'), other.0.split('/'));
        loop {
            match (a.next(), b.next()) {
                (Some("#"), _) | (_, Some("#")) | (None, None) => return true,
                (Some(x), Some(y)) if x == y || x == "+" || y == "+" => {}
                _ => return false,
            }
        }
    }
}

impl fmt::Display for TopicFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_match_as_the_specification_says() {
        for (filter, topic, expected) in [
            ("a/b", "a/b", true),
            ("a/b", "a/b/c", false),
            ("a/+", "a/b", true),
            ("a/+", "a", false),
            ("a/+", "a/", true),
            ("a/#", "a", true),
            ("a/#", "a/b/c", true),
            ("#", "a/b", true),
            ("#", "$SYS/x", false),
            ("+/x", "$SYS/x", false),
            ("$SYS/#", "$SYS/x", true),
            ("+", "ü", true),
        ] {
            assert_eq!(TopicFilter::new(filter).unwrap().matches(topic), expected, "{filter} {topic}");
        }
    }

    #[test]
    fn misplaced_wildcards_are_refused() {
        for text in ["", "a#", "a/#/b", "a/b+", "+a"] {
            assert!(TopicFilter::new(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn overlap_finds_a_common_topic() {
        for (a, b, expected) in [
            ("verdicts/+/+", "verdicts/#", true),
            ("verdicts/+", "machines/#", false),
            ("a/+/c", "a/b/+", true),
            ("a/b", "a/b/c", false),
            ("a/#", "a", true),
        ] {
            let (a, b) = (TopicFilter::new(a).unwrap(), TopicFilter::new(b).unwrap());
            assert_eq!(a.overlaps(&b), expected, "{a} {b}");
            assert_eq!(b.overlaps(&a), expected, "{b} {a}");
        }
    }
}
