//! Exponential backoff with jitter; a connection that lasted resets it.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
    /// A small generator of its own (xorshift): jitter needs no secrecy, only to differ.
    state: u64,
}

impl Backoff {
    /// `seed` should differ from device to device, so that a fleet doesn't return in step.
    pub fn new(seed: u64) -> Self {
        Backoff { next: FIRST, state: seed | 1 }
    }

    pub fn reset(&mut self) {
        self.next = FIRST;
    }

    /// How long to wait now: half to all of the current step, which then doubles.
    pub fn delay(&mut self) -> Duration {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        let part = (self.state >> 11) as f64 / (1u64 << 53) as f64;
        let delay = self.next.mul_f64(0.5 + part / 2.0);
        self.next = (self.next * 2).min(LONGEST);
        delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_longest_and_begin_again() {
        let mut backoff = Backoff::new(42);
        let mut step = FIRST;
        for _ in 0..20 {
            let delay = backoff.delay();
            assert!(delay >= step / 2 && delay <= step, "{delay:?} for {step:?}");
            step = (step * 2).min(LONGEST);
        }
        backoff.reset();
        assert!(backoff.delay() <= FIRST);
    }
}
