//! The outbox counts the time it was in use; people think in wall-clock time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::store::{State, disk::Disk, walk};

/// When records were written, by the wall clock as it then was.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    /// The outbox's time, and the wall clock's offset from there on; by time.
    offsets: Vec<(u64, i64)>,
    now_at_ms: u64,
    now_wall_ms: i64,
}

impl Clock {
    /// From the heads of the log's segments. A clock that was corrected while a segment was being
    /// written counts from the next one on; in the newest, from its beginning on.
    pub fn new(disk: &dyn Disk, store: [u8; 8], state: &State) -> Clock {
        let mut offsets = Vec::new();
        for segment in state.segments.iter().filter(|segment| !segment.merged) {
            // One that is gone or damaged tells nothing: its neighbours do.
            if let Ok(Some(head)) = walk::state_at_head(disk, store, segment) {
                offsets.extend(head.wall_offset_ms.map(|offset| (head.at_ms, offset)));
            }
        }
        if let Some(now) = state.wall_offset_ms {
            match offsets.last_mut() {
                Some((_, offset)) => *offset = now,
                None => offsets.push((0, now)),
            }
        }
        Clock { offsets, now_at_ms: state.at_ms, now_wall_ms: wall_ms(SystemTime::now()) }
    }

    /// Milliseconds since 1970 at the outbox's time `at_ms`; none where no clock was ever known.
    pub fn wall(&self, at_ms: u64) -> Option<i64> {
        let known = self.offsets.partition_point(|(from, _)| *from <= at_ms);
        let (_, offset) = self.offsets.get(known.saturating_sub(1))?;
        i64::try_from(at_ms).ok()?.checked_add(*offset)
    }

    /// How long ago the outbox's time `at_ms` was; without a known clock, how long it was in use
    /// since.
    pub fn age(&self, at_ms: u64) -> Duration {
        let ms = match self.wall(at_ms) {
            Some(wall) => u64::try_from(self.now_wall_ms.saturating_sub(wall)).unwrap_or(0),
            None => self.now_at_ms.saturating_sub(at_ms),
        };
        Duration::from_millis(ms)
    }

    /// How long ago a moment was.
    pub fn age_of(&self, since: Since) -> Duration {
        match since {
            Since::Ago(age) => age,
            Since::At(moment) => {
                let ms = self.now_wall_ms.saturating_sub(wall_ms(moment));
                Duration::from_millis(u64::try_from(ms).unwrap_or(0))
            }
        }
    }
}

/// A moment in the past, as people write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    Ago(Duration),
    At(SystemTime),
}

/// Reads `2h`, `1day 6h` or a moment as in RFC 3339.
///
/// # Errors
/// What is allowed, when it is neither.
pub fn parse_since(text: &str) -> Result<Since, String> {
    if let Ok(age) = humantime::parse_duration(text) {
        return Ok(Since::Ago(age));
    }
    humantime::parse_rfc3339_weak(text)
        .map(Since::At)
        .map_err(|_| "must be an age such as 2h, or a moment such as 2026-11-22T17:00:00Z".into())
}

/// Milliseconds since 1970 as RFC 3339; none before 1970.
pub fn rfc3339(wall_ms: i64) -> Option<String> {
    let moment = UNIX_EPOCH.checked_add(Duration::from_millis(u64::try_from(wall_ms).ok()?))?;
    // What lies behind the year 9999 has no such text.
    let last = UNIX_EPOCH + Duration::from_secs(253_402_300_799);
    (moment <= last).then(|| humantime::format_rfc3339_millis(moment).to_string())
}

/// Milliseconds since 1970.
pub(super) fn wall_ms(moment: SystemTime) -> i64 {
    match moment.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_an_age_or_a_date() {
        assert_eq!(parse_since("2h"), Ok(Since::Ago(Duration::from_secs(7200))));
        let moment = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        assert_eq!(parse_since("2023-11-14T22:13:20Z"), Ok(Since::At(moment)));
        assert!(parse_since("yesterday").unwrap_err().contains("such as 2h"));
    }

    /// A restart in between moves the wall clock and not the outbox's.
    #[test]
    fn each_record_has_the_offset_of_its_time() {
        let offsets = vec![(0, 1_000_000), (500, 9_000_000)];
        let clock = Clock { offsets, now_at_ms: 700, now_wall_ms: 9_000_800 };
        assert_eq!(clock.wall(499), Some(1_000_499));
        assert_eq!(clock.wall(500), Some(9_000_500));
        assert_eq!(clock.age(600), Duration::from_millis(200));
        // A clock that went back makes no negative ages.
        assert_eq!(clock.age(900), Duration::ZERO);
        let unknown = Clock { offsets: Vec::new(), ..clock };
        assert_eq!((unknown.wall(1), unknown.age(600)), (None, Duration::from_millis(100)));
    }
}
