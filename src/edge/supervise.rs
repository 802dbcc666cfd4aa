//! Who dies, how often, and what then: each thread and task of the daemon is watched by its role.
//!
//! | role | dies | then |
//! |---|---|---|
//! | a pipeline's worker | [`Deaths`] in its own thread | begun again after a pause; after too many deaths closed (`live.rs`) |
//! | an uplink's courier or link | seen by `storage.rs` when it looks | both begun again after a pause |
//! | the admin server | in its own thread (`telemetry/http`) | begun again after a pause |
//! | the outbox's writer, the MQTT session | seen by `app.rs` | the process ends in order, with an exit code of its own |
//!
//! The last two are the heart: a daemon that promises durability must not live on without it, and a service
//! manager begins it again with everything read back from disk.

use std::{
    any::Any,
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

/// As many deaths...
pub(super) const MOST_DEATHS: usize = 5;
/// ...within this time are too many.
pub(super) const DEATHS_WITHIN: Duration = Duration::from_secs(600);
/// The pause after the first death; three times as long after each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause, for who is begun again without end.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The last deaths of somebody.
#[derive(Debug, Default)]
pub(super) struct Deaths {
    times: VecDeque<Instant>,
}

impl Deaths {
    /// Notes a death. How long to wait before the next attempt; none after too many.
    pub fn died(&mut self, now: Instant) -> Option<Duration> {
        self.times.push_back(now);
        while self.times.front().is_some_and(|at| now.saturating_duration_since(*at) > DEATHS_WITHIN) {
            self.times.pop_front();
        }
        (self.times.len() < MOST_DEATHS).then(|| self.pause())
    }

    /// How long to wait after the last one.
    pub fn pause(&self) -> Duration {
        let further = u32::try_from(self.times.len().saturating_sub(1)).unwrap_or(u32::MAX).min(8);
        (FIRST_PAUSE * 3u32.pow(further)).min(LONGEST_PAUSE)
    }
}

/// What a panic said.
pub(super) fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no words".into())
}

/// A future whose panic is an answer: what it said.
pub(super) struct Watched<F> {
    future: Pin<Box<F>>,
    over: bool,
}

impl<F: Future> Watched<F> {
    pub fn new(future: F) -> Self {
        Watched { future: Box::pin(future), over: false }
    }

    /// It has ended, or died: not to be polled again.
    pub fn is_over(&self) -> bool {
        self.over
    }
}

impl<F: Future> Future for Watched<F> {
    type Output = Result<F::Output, String>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let future = self.future.as_mut();
        let polled = catch_unwind(AssertUnwindSafe(|| future.poll(context)));
        self.over = !matches!(polled, Ok(Poll::Pending));
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(panic) => Poll::Ready(Err(words(&*panic))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_deaths_in_a_while_are_the_last() {
        let begin = Instant::now();
        let mut deaths = Deaths::default();
        let pauses: Vec<_> = (0..5).map(|n| deaths.died(begin + Duration::from_secs(n))).collect();
        let ms = |ms| Some(Duration::from_millis(ms));
        assert_eq!(pauses, [ms(100), ms(300), ms(900), ms(2700), None]);
        // One every four minutes is a nuisance, not the end.
        let mut deaths = Deaths::default();
        assert!((0..100).all(|n| deaths.died(begin + Duration::from_secs(240 * n)).is_some()));
    }

    #[test]
    fn a_panic_in_a_future_is_an_answer() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let died = runtime.block_on(Watched::new(async { panic!("of {}", "age") }));
        assert_eq!(died.map(|(): ()| ()), Err("of age".to_owned()));
        assert_eq!(runtime.block_on(Watched::new(async { 7 })), Ok(7));
    }
}
