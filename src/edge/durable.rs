//! A worker's side of the outbox: classes, submissions, what stays on disk.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use super::{queue::Job, retention::Retention};
use crate::config::PipelineConfig;
use edgeward_core::{
    crypto::Sha256,
    domain::{Epoch, Reason, ShedPolicy},
    scoring::{Scorer, Verdict},
};
use edgeward_outbox::{
    ClassSettings, Input, Journal, Outbox, Outcome, RESULT_CLASS, Submission, store::Definition,
};

/// What one pipeline needs to make its outcomes durable.
pub(super) struct Durable {
    outbox: Outbox,
    pipeline: u16,
    classes: Arc<[ClassSettings]>,
    pub journal: Journal,
    /// Verdicts are published live too.
    pub live: bool,
    retention: Option<Retention>,
    /// Names what memories of sources are of; none where nothing is remembered but readings.
    definition: Option<Definition>,
    submission: Submission,
    /// Readings of this batch by source, with the token of their message.
    readings: Vec<(Arc<str>, usize)>,
    unnamed: Arc<str>,
}

impl Durable {
    /// `replay`: at a start, what earlier runs remembered is scored again.
    pub fn new(
        outbox: Outbox,
        classes: Arc<[ClassSettings]>,
        pipeline: &PipelineConfig,
        epoch: Epoch,
        replay: bool,
    ) -> Self {
        let (name, live) = (pipeline.name.as_str(), pipeline.live);
        let plan = &pipeline.model.plan;
        let remembers = plan.remembers_readings();
        let definition = plan.keeps_memory().then(|| definition_of(pipeline));
        let (journal, pipeline) = (Journal::new(outbox.clone(), name, epoch, replay), outbox.pipeline(name));
        Durable {
            outbox,
            pipeline,
            classes,
            journal,
            live,
            retention: remembers.then(Retention::default),
            definition,
            submission: Submission { pipeline, ..Submission::default() },
            readings: Vec::new(),
            unnamed: "".into(),
        }
    }

    /// Stores a verdict in the class its conditions choose.
    pub fn verdict(&mut self, verdict: &Verdict, payload: Bytes) {
        let class = class_of(&self.classes, verdict);
        self.submission.results.push(Outcome { class, payload, envelope: None });
        self.submission.units.scored += 1;
    }

    pub fn merged(&mut self) {
        self.submission.units.merged += 1;
    }

    pub fn rejected(&mut self, reason: Reason) {
        self.rejected_units(reason, 1);
    }

    fn rejected_units(&mut self, reason: Reason, units: u64) {
        edgeward_outbox::store::books::add_to(&mut self.submission.units.rejected, reason.number(), units);
    }

    /// A reading of message `at` belongs to `source`.
    pub fn reading(&mut self, source: Option<&Arc<str>>, at: usize, number: Option<u64>) {
        let source = source.unwrap_or(&self.unnamed);
        if let Some(number) = number {
            self.submission.numbers.push((source.clone(), number));
        }
        if self.retention.is_some() {
            self.readings.push((source.clone(), at));
        }
    }

    /// More units than messages.
    pub fn received(&mut self, more: u64) {
        self.submission.units.received += more;
    }

    /// Hands in what the batch of `jobs` came to; `first_token` is that of its first message.
    pub fn submit(&mut self, scorer: &Scorer, jobs: &[Job], first_token: u64) {
        self.end(jobs);
        self.retain(scorer, jobs, first_token);
        self.hand_in();
    }

    /// The batch of `jobs` died in work: what was made of it is thrown away, and its messages are rejected.
    pub fn bury(&mut self, jobs: &[Job]) {
        self.readings.clear();
        self.submission = Submission { pipeline: self.pipeline, ..Submission::default() };
        let died = self.end(jobs);
        self.rejected_units(Reason::WorkerDied, died);
        self.hand_in();
    }

    /// Lets go of `jobs` under a named policy.
    pub fn shed(&mut self, jobs: &[Job], policy: ShedPolicy) {
        let shed = self.end(jobs);
        edgeward_outbox::store::books::add_to(&mut self.submission.units.shed, policy.number(), shed);
        let released = jobs.iter().filter(|job| job.settled_before).filter_map(|job| job.input.clone());
        self.submission.released.extend(released);
        self.hand_in();
    }

    /// Settles those of `jobs` that were not before. How many they are.
    fn end(&mut self, jobs: &[Job]) -> u64 {
        let mut ended = 0;
        for job in jobs.iter().filter(|job| !job.settled_before) {
            let counted = job.input.as_ref().is_some_and(|input| input.scored());
            self.submission.units.received += u64::from(!counted);
            self.submission.settled.extend(job.input.clone());
            ended += 1;
        }
        ended
    }

    fn hand_in(&mut self) {
        let empty = Submission { pipeline: self.pipeline, ..Submission::default() };
        self.outbox.submit(std::mem::replace(&mut self.submission, empty));
    }

    /// What conditions, smoothing and running means know after the batch goes to disk with it.
    pub fn remember(&mut self, scorer: &mut Scorer) {
        let Some(definition) = self.definition else { return };
        let memories = scorer.take_memories().into_iter();
        let memories = memories.map(|(source, memory)| (definition, source, memory.map(Bytes::from)));
        self.submission.memories.extend(memories);
    }

    /// Gives a fresh scorer what its sources knew when the last batch was stored.
    pub fn recall(&self, name: &str, scorer: &mut Scorer) {
        let Some(definition) = self.definition else { return };
        // Of the worker before this one, too.
        self.outbox.until_written();
        let (memories, dropped) = self.outbox.memories(name, definition);
        if dropped > 0 {
            tracing::warn!(
                pipeline = name,
                sources = dropped,
                "the model, its outputs or conditions changed: what sources were remembered for is dropped"
            );
        }
        let kept = memories.iter().filter(|(source, memory)| scorer.restore(source, memory, Duration::ZERO));
        let kept = kept.count();
        if !memories.is_empty() {
            tracing::info!(pipeline = name, sources = kept, "conditions and smoothing go on where they were");
        }
    }

    /// After a death: the settled messages that windows and last known values rest on, to be read again; none
    /// where nothing rests on any. Waits for what was handed in, so that nothing settled is missing.
    pub fn replay(&mut self, name: &str) -> Option<Journal> {
        *self.retention.as_mut()? = Retention::default();
        self.outbox.until_written();
        Some(self.journal.begin_again(name))
    }

    /// Nothing rests any more on what is kept.
    pub fn release_all(&mut self) {
        let Some(retention) = &mut self.retention else { return };
        let released = retention.take_all();
        self.outbox.submit(Submission { pipeline: self.pipeline, released, ..Submission::default() });
    }

    fn retain(&mut self, scorer: &Scorer, jobs: &[Job], first_token: u64) {
        let Some(retention) = &mut self.retention else { return };
        let Submission { kept, released, .. } = &mut self.submission;
        for (source, at) in &self.readings {
            let Some(input) = &jobs[*at].input else { continue };
            let needed = retention.note(scorer, source, first_token + *at as u64, input);
            if needed && !kept.iter().any(|known: &Arc<Input>| Arc::ptr_eq(known, input)) {
                kept.push(input.clone());
            }
        }
        for (source, _) in self.readings.drain(..) {
            retention.release(scorer, &source, released);
        }
        retention.sweep(scorer, released);
        // Replayed and needed by nothing any more.
        for job in jobs.iter().filter(|job| job.settled_before) {
            let Some(input) = &job.input else { continue };
            input.forget_payload();
            if !kept.iter().any(|known| Arc::ptr_eq(known, input)) {
                released.push(input.clone());
            }
        }
        kept.retain(|input| {
            !jobs
                .iter()
                .any(|job| job.settled_before && job.input.as_ref().is_some_and(|of| Arc::ptr_eq(of, input)))
        });
    }
}

/// Names what memories of a pipeline's sources are of: its model, and how that is declared.
fn definition_of(pipeline: &PipelineConfig) -> Definition {
    let mut hash = Sha256::default();
    hash.update(pipeline.model.identity.digest.as_bytes());
    hash.update(format!("{:?} {:?}", pipeline.model.plan.spec(), pipeline.source).as_bytes());
    let hash = hash.finish();
    std::array::from_fn(|at| hash[at])
}

/// The place of the first class, by priority, one of whose conditions holds.
fn class_of(classes: &[ClassSettings], verdict: &Verdict) -> u16 {
    let holds = |name: &String| verdict.conditions.iter().any(|(known, holds)| **known == **name && *holds);
    let chosen = classes.iter().position(|class| class.when.iter().any(holds));
    let rest = || classes.iter().position(|class| class.name == RESULT_CLASS);
    u16::try_from(chosen.or_else(rest).unwrap_or(0)).unwrap_or(0)
}
