//! What is remembered of each source: its window, last known values, conditions. Bounded.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use super::{
    declared::FieldPath, last_known::LastKnown, payload::Scalar, prepare::RunningState, smooth::Steady,
    times::Times,
};
use crate::{
    decide::Held,
    domain::{Reason, Rejection, TensorData},
};

/// Where the source's name comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum SourceRule {
    /// All readings are of one source without a name.
    #[default]
    None,
    /// A level of the topic, from 1.
    TopicLevel(usize),
    /// A field of the payload: text or a whole number.
    Field(FieldPath),
}

/// A source unseen for this long gives its place to a new one when all places are taken.
const IDLE_SECS: u64 = 60;

/// What is remembered of one source.
#[derive(Debug, Default)]
pub struct SourceState {
    pub name: Arc<str>,
    last_seen: Duration,
    /// Per input tensor: the last readings of the window, oldest first.
    pub windows: Vec<Vec<f64>>,
    /// Readings in the window.
    pub readings: usize,
    /// Per field with `missing = "last"`, in plan order.
    pub last_known: Vec<Option<LastKnown>>,
    /// The token of the message of each reading in the window.
    pub origins: VecDeque<u64>,
    /// Windows by time, and the times in windows by count.
    pub(super) timed: Times,
    /// Per input tensor: what its steps learned that run on from reading to reading.
    pub(super) running: Vec<Vec<RunningState>>,
    /// What is remembered of each condition.
    pub conditions: Vec<Held>,
    /// Of each output, where it is steadied.
    pub(super) steady: Vec<Option<Steady>>,
    /// What steps had learned in an earlier run: put in place with the first new reading, since readings
    /// that are replayed before it are part of it already.
    pub(super) learned_before: Option<Vec<Vec<RunningState>>>,
    /// Of each state of the plan: what the last unit left; empty before the first.
    pub(super) carried: Vec<TensorData>,
    /// What its last unit was of: when it was, and what stood in the fields that begin states anew.
    pub(super) last_unit: LastUnit,
    /// The run of the model that its last unit is in.
    pub(super) run: u64,
    /// It stands among those whose memory changed.
    is_changed: bool,
}

impl SourceState {
    /// The values just learned came with the message of this token.
    pub fn learned_from(&mut self, token: u64) {
        for known in self.last_known.iter_mut().flatten() {
            known.from.get_or_insert(token);
        }
    }

    /// Forgets its readings, and what steps learned from them.
    pub(super) fn begin_anew(&mut self) {
        self.windows.iter_mut().for_each(Vec::clear);
        self.readings = 0;
        self.origins.clear();
        self.timed = Times::default();
        self.running.clear();
    }

    /// Whether the window or a last known value rests on the message of this token.
    pub fn needs(&self, token: u64) -> bool {
        self.origins.front().is_some_and(|oldest| token >= *oldest)
            || self.timed.needs(token)
            || self.last_known.iter().flatten().any(|known| known.from == Some(token))
    }
}

/// By what a state is told to begin anew.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct LastUnit {
    pub time_ns: Option<i64>,
    /// In the order of the plan's states; none where there is no such field.
    pub fields: Vec<Option<String>>,
}

/// The sources of one pipeline: at most `max_sources`; who was not seen for a minute makes room.
#[derive(Debug)]
pub struct SourceTable {
    max_sources: usize,
    sources: HashMap<Arc<str>, SourceState>,
    /// No source becomes idle before this: spares a flood of new names the search.
    next_idle: Duration,
    evicted: u64,
    /// Sources whose memory changed, or that are gone, since [`SourceTable::take_changed`].
    changed: Vec<Arc<str>>,
}

impl SourceTable {
    pub fn new(max_sources: usize) -> Self {
        SourceTable {
            max_sources,
            sources: HashMap::new(),
            next_idle: Duration::ZERO,
            evicted: 0,
            changed: Vec::new(),
        }
    }

    pub fn len(&self) -> usize {
        self.sources.len()
    }

    /// Sources that gave their place to others so far.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// The state of `name`, without touching it.
    pub fn peek(&self, name: &str) -> Option<&SourceState> {
        self.sources.get(name)
    }

    /// Notes that the memory of `name` changes.
    pub(super) fn note_change(&mut self, name: &str) {
        if let Some(state) = self.sources.get_mut(name)
            && !std::mem::replace(&mut state.is_changed, true)
        {
            self.changed.push(state.name.clone());
        }
    }

    /// Sources whose memory changed since the last call, also those that are gone.
    pub(super) fn take_changed(&mut self) -> Vec<Arc<str>> {
        let changed = std::mem::take(&mut self.changed);
        for name in &changed {
            if let Some(state) = self.sources.get_mut(name) {
                state.is_changed = false;
            }
        }
        changed
    }

    /// The state of `name` at `now` (a monotonic time), new if need be.
    ///
    /// # Errors
    /// [`Reason::TooManySources`] when all places are taken by sources seen within a minute: a
    /// flood of new names must not throw out the windows of those that live.
    pub fn get(&mut self, name: &str, now: Duration) -> Result<&mut SourceState, Rejection> {
        if !self.sources.contains_key(name) {
            self.make_room(now)?;
            let name: Arc<str> = name.into();
            let state = SourceState { name: name.clone(), ..SourceState::default() };
            self.sources.insert(name, state);
        }
        let state = self.sources.get_mut(name).expect("was there or was just put there");
        state.last_seen = now;
        Ok(state)
    }

    fn make_room(&mut self, now: Duration) -> Result<(), Rejection> {
        if self.sources.len() < self.max_sources {
            return Ok(());
        }
        let idle = Duration::from_secs(IDLE_SECS);
        if now >= self.next_idle {
            let oldest = self.sources.values().min_by_key(|state| state.last_seen);
            if let Some((name, seen)) = oldest.map(|state| (state.name.clone(), state.last_seen)) {
                if seen + idle <= now {
                    let gone = self.sources.remove(&name);
                    if gone.is_some_and(|state| !state.is_changed) {
                        self.changed.push(name);
                    }
                    self.evicted += 1;
                    return Ok(());
                }
                self.next_idle = seen + idle;
            }
        }
        let max = self.max_sources;
        let detail =
            format!("all {max} places are taken by sources seen within {IDLE_SECS} s; raise `max_sources`");
        Err(Rejection::new(Reason::TooManySources, detail))
    }
}

/// The name of a reading's source; `scalar` is what stands in the source's field. A number is written
/// into `number`.
pub(super) fn source_name<'n>(
    rule: &SourceRule,
    topic: &'n str,
    scalar: Option<&'n Scalar>,
    number: &'n mut String,
) -> Result<&'n str, Rejection> {
    match (rule, scalar) {
        (SourceRule::TopicLevel(level), _) => {
            topic.split('/').nth(level.saturating_sub(1)).ok_or_else(|| {
                let detail = format!("the topic `{topic}` has no level {level}");
                Rejection::new(Reason::BadSource, detail)
            })
        }
        (SourceRule::Field(_), Some(Scalar::Text(name))) => Ok(name),
        (SourceRule::Field(_), Some(Scalar::Integer(i))) => {
            *number = i.to_string();
            Ok(number)
        }
        (SourceRule::Field(path), Some(other)) => {
            let detail = format!("the source field `{path}` is {}, must be text", other.kind());
            Err(Rejection::new(Reason::BadSource, detail))
        }
        _ => Ok(""),
    }
}

/// Checks that a name can be one level of a topic.
pub(super) fn check_name(name: &str) -> Result<(), Rejection> {
    const MAX_NAME_BYTES: usize = 512;
    let fault = if name.is_empty() {
        "is empty".to_owned()
    } else if name.len() > MAX_NAME_BYTES {
        format!("is longer than {MAX_NAME_BYTES} bytes")
    } else if let Some(c) = name.chars().find(|c| matches!(c, '+' | '#' | '/') || c.is_control()) {
        format!("contains {c:?}, which can't be part of a topic level")
    } else {
        return Ok(());
    };
    let shown: String = name.chars().take(40).collect();
    Err(Rejection::new(Reason::BadSource, format!("the source {shown:?} {fault}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn a_flood_of_names_is_refused_and_an_idle_source_gives_way() {
        let mut table = SourceTable::new(2);
        table.get("a", secs(0)).unwrap().readings = 7;
        table.get("b", secs(30)).unwrap();
        for i in 0..10_000 {
            let refused = table.get(&format!("new{i}"), secs(31)).unwrap_err();
            assert_eq!(refused.reason, Reason::TooManySources);
        }
        assert_eq!(table.get("a", secs(31)).unwrap().readings, 7);
        // b is idle from second 90.
        assert!(table.get("c", secs(89)).is_err());
        table.get("c", secs(90)).unwrap();
        assert_eq!((table.len(), table.evicted()), (2, 1));
        assert_eq!(table.get("a", secs(90)).unwrap().readings, 7);
    }
}
