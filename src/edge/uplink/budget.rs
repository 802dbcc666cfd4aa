//! How much a link may carry: bytes a day, messages a second, hours of the day.

use std::time::{Duration, Instant};

use crate::config::DailyWindow;

const DAY_MS: u64 = 86_400_000;
/// 2024-01-01: a clock before it was never set.
pub const CLOCK_SET_MS: i64 = 1_704_067_200_000;

/// The budget of one uplink.
#[derive(Debug)]
pub(super) struct Budget {
    bytes_per_day: Option<u64>,
    messages_per_sec: Option<u64>,
    window: Option<DailyWindow>,
    day: u64,
    spent_bytes: u64,
    /// Messages that may go now, in parts of one; refilled by time.
    tokens: f64,
    refilled: Instant,
}

/// Whether metered classes may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Allowed {
    Yes,
    /// Look again after this time.
    In(Duration),
}

impl Budget {
    /// `spent`: day and bytes, from an earlier run.
    pub fn new(
        bytes_per_day: Option<u64>,
        messages_per_sec: Option<u64>,
        window: Option<DailyWindow>,
        spent: Option<(u64, u64)>,
    ) -> Self {
        let (day, spent_bytes) = spent.unwrap_or_default();
        Budget {
            bytes_per_day,
            messages_per_sec,
            window,
            day,
            spent_bytes,
            tokens: 1.0,
            refilled: Instant::now(),
        }
    }

    /// `at_ms` is the outbox's time: a day is 24 hours of it, so that no jump of the clock brings a
    /// new budget. `wall_ms` is for the window; one that can't be known is open.
    pub fn allows(&mut self, at_ms: u64, wall_ms: i64, now: Instant) -> Allowed {
        if at_ms / DAY_MS != self.day {
            (self.day, self.spent_bytes) = (at_ms / DAY_MS, 0);
        }
        if self.bytes_per_day.is_some_and(|most| self.spent_bytes >= most) {
            return Allowed::In(Duration::from_millis((DAY_MS - at_ms % DAY_MS).min(60_000)));
        }
        if self.window.is_some_and(|window| wall_ms > CLOCK_SET_MS && !window.is_open(wall_ms)) {
            return Allowed::In(Duration::from_secs(10));
        }
        if let Some(most) = self.messages_per_sec {
            let most = most as f64;
            let refill = now.saturating_duration_since(self.refilled).as_secs_f64() * most;
            self.tokens = (self.tokens + refill).min(most.max(1.0));
            self.refilled = now;
            if self.tokens < 1.0 {
                return Allowed::In(Duration::from_secs_f64((1.0 - self.tokens) / most));
            }
        }
        Allowed::Yes
    }

    /// A metered message was sent. What is to be remembered: day and bytes spent in it.
    pub fn spend(&mut self, bytes: u64) -> Option<(u64, u64)> {
        self.tokens -= 1.0;
        self.spent_bytes += bytes;
        self.bytes_per_day.map(|_| (self.day, self.spent_bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_of_the_outbox_has_its_bytes() {
        let mut budget = Budget::new(Some(100), None, None, Some((0, 60)));
        let now = Instant::now();
        assert_eq!(budget.allows(5, 0, now), Allowed::Yes);
        assert_eq!(budget.spend(40), Some((0, 100)));
        assert!(matches!(budget.allows(6, 0, now), Allowed::In(_)));
        assert_eq!(budget.allows(DAY_MS + 1, 0, now), Allowed::Yes);
        assert_eq!(budget.spend(1), Some((1, 1)));
    }

    #[test]
    fn messages_a_second_are_spread() {
        let mut budget = Budget::new(None, Some(10), None, None);
        let begin = Instant::now();
        let sent = (0..2000).filter(|millis| {
            let allowed = budget.allows(0, 0, begin + Duration::from_millis(*millis)) == Allowed::Yes;
            if allowed {
                budget.spend(1);
            }
            allowed
        });
        let sent = sent.count();
        assert!((19..=22).contains(&sent), "{sent}");
    }

    #[test]
    fn a_window_that_cannot_be_known_is_open() {
        let window = DailyWindow::parse("01:00-02:00");
        let mut budget = Budget::new(None, None, window, None);
        assert_eq!(budget.allows(0, 0, Instant::now()), Allowed::Yes, "1970");
        assert!(matches!(budget.allows(0, CLOCK_SET_MS + 1, Instant::now()), Allowed::In(_)));
    }
}
