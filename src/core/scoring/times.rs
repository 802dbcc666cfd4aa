//! The times of a source's readings, as windows need them.

use super::time::TimeForm;

/// What is remembered of a source's times.
#[derive(Debug, Default)]
pub(super) struct Times {
    /// Of the readings in the windows, ascending; in windows by count, in the order they came.
    pub times: Vec<i64>,
    /// The token of each reading's message, in the same order.
    pub tokens: Vec<u64>,
    /// The oldest of them.
    pub oldest_token: Option<u64>,
    pub newest_ns: Option<i64>,
    pub form: TimeForm,
    /// Windows from the first to before the second, in steps since 1970, are being closed.
    pub closing: Option<(i64, i64)>,
    pub late: u32,
}

impl Times {
    /// Whether a reading kept here rests on the message of this token.
    pub fn needs(&self, token: u64) -> bool {
        self.oldest_token.is_some_and(|oldest| token >= oldest)
    }
}
