//! A client without a broker, a queue or an outbox.

use std::{collections::VecDeque, time::Duration};

use super::{Batch, Client, Server};
use crate::scoring::{Message, Outcome, Scorer, Settled, tests as scoring};

/// Payloads in batches of `max`; outcomes as text.
struct Desk {
    waiting: VecDeque<&'static str>,
    max: usize,
    said: Vec<String>,
    batches: Vec<(u64, u64)>,
    dies_at: Option<&'static str>,
}

impl Client for Desk {
    type Job = &'static str;

    fn take(&mut self, jobs: &mut Vec<&'static str>) -> bool {
        let count = self.max.min(self.waiting.len());
        jobs.extend(self.waiting.drain(..count));
        count > 0
    }

    fn message<'j>(&self, job: &'j &'static str, token: u64) -> Message<'j> {
        Message { payload: job.as_bytes(), token, now: Duration::ZERO, ..Message::default() }
    }

    fn settle(&mut self, jobs: &[&'static str], settled: &Settled<'_>) {
        let job = jobs[settled.message];
        assert_ne!(Some(job), self.dies_at, "the client died");
        self.said.push(match settled.outcome {
            Outcome::Verdict(verdict) => {
                let mut json = Vec::new();
                verdict.write_results(&mut json);
                format!("{job}: {}", String::from_utf8(json).unwrap())
            }
            Outcome::Merged => format!("{job}: merged"),
            Outcome::Rejected(rejection) => format!("{job}: {}", rejection.reason),
        });
    }

    fn finish(&mut self, _scorer: &mut Scorer, jobs: &mut Vec<&'static str>, batch: &Batch) {
        self.batches.push((batch.first_token, batch.more_units));
        jobs.clear();
    }
}

fn desk(max: usize) -> Desk {
    let payloads = ["[1,2]", "[13,0]", "[3,4]", "[7,0]", "[5,6]"];
    Desk { waiting: payloads.into(), max, said: Vec::new(), batches: Vec::new(), dies_at: None }
}

#[test]
fn whatever_the_batches_the_outcomes_are_the_same() {
    let mut alone = desk(1);
    Server::default().serve(&mut scoring::scorer(&[2], "", |_| {}), &mut alone, &mut Vec::new());
    assert_eq!(alone.batches, (1..=5).map(|token| (token, 0)).collect::<Vec<_>>());
    let mut together = desk(4);
    Server::default().serve(&mut scoring::scorer(&[2], "", |_| {}), &mut together, &mut Vec::new());
    assert_eq!(together.batches, [(1, 0), (5, 0)]);
    assert_eq!(alone.said, together.said);
    // The model's own panic stays with its row.
    assert_eq!(alone.said[1], "[13,0]: model_panicked");
}

#[test]
fn after_a_panic_the_batch_in_work_is_still_there() {
    let mut desk = Desk { dies_at: Some("[3,4]"), ..desk(4) };
    let (mut server, mut jobs) = (Server::default(), Vec::new());
    let died = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        server.serve(&mut scoring::scorer(&[2], "", |_| {}), &mut desk, &mut jobs);
    }));
    assert!(died.is_err());
    assert_eq!(jobs, ["[1,2]", "[13,0]", "[3,4]", "[7,0]"]);
    // With another scorer it goes on; tokens are not used twice.
    jobs.clear();
    server.serve(&mut scoring::scorer(&[2], "", |_| {}), &mut desk, &mut jobs);
    assert_eq!(desk.batches, [(5, 0)]);
}
