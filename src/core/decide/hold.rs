//! A condition that must last before it counts.

/// How long a condition must have held without a break. With both, both must be fulfilled.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct HoldRule {
    /// Of the events' own time, from the first reading it held at.
    pub secs: f64,
    /// In readings.
    pub count: u32,
}

impl HoldRule {
    /// Whether a condition counts at once.
    pub fn is_none(&self) -> bool {
        self.secs <= 0.0 && self.count <= 1
    }
}

/// What is remembered of one condition of one source.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Held {
    /// Whether it held at the last reading, however shortly: what hysteresis looks at.
    pub now: bool,
    /// The time of the first reading of this stretch, in seconds.
    since: Option<f64>,
    count: u32,
}

impl Held {
    /// All it knows: whether it holds, since when, and for how many readings.
    pub fn parts(&self) -> (bool, Option<f64>, u32) {
        (self.now, self.since, self.count)
    }

    pub fn from_parts(now: bool, since: Option<f64>, count: u32) -> Self {
        Held { now, since, count }
    }

    /// Takes the next reading's answer and time; tells whether the condition counts. A time before the
    /// stretch's beginning is as if no time had passed.
    pub fn step(&mut self, now: bool, secs: Option<f64>, rule: HoldRule) -> bool {
        self.now = now;
        if !now {
            self.since = None;
            self.count = 0;
            return false;
        }
        self.count = self.count.saturating_add(1);
        let since = *self.since.get_or_insert(secs.unwrap_or(0.0));
        let lasted = rule.secs <= 0.0 || secs.is_some_and(|secs| secs - since >= rule.secs);
        lasted && self.count >= rule.count.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(rule: HoldRule, readings: &[(f64, bool)]) -> Vec<bool> {
        let mut held = Held::default();
        readings.iter().map(|(secs, now)| held.step(*now, Some(*secs), rule)).collect()
    }

    #[test]
    fn a_condition_counts_when_it_has_lasted() {
        let readings =
            [(0.0, true), (4.0, true), (5.0, true), (6.0, false), (7.0, true), (11.9, true), (12.0, true)];
        let lasting = HoldRule { secs: 5.0, count: 0 };
        assert_eq!(run(lasting, &readings), [false, false, true, false, false, false, true]);
        let counted = HoldRule { secs: 0.0, count: 2 };
        assert_eq!(run(counted, &readings), [false, true, true, false, false, true, true]);
        let both = HoldRule { secs: 4.0, count: 3 };
        assert_eq!(run(both, &readings), [false, false, true, false, false, false, true]);
        assert_eq!(run(HoldRule::default(), &readings), readings.map(|(_, now)| now));
    }

    #[test]
    fn a_clock_that_goes_back_does_not_end_the_stretch() {
        let rule = HoldRule { secs: 5.0, count: 0 };
        assert_eq!(run(rule, &[(10.0, true), (3.0, true), (15.0, true)]), [false, false, true]);
    }
}
