//! One class in line for an uplink.

use edgeward_outbox::{
    ClassSettings, Outbox,
    store::{
        Fate,
        cursor::{Cursor, Item, ReadError},
    },
};
use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

/// A class, where reading stands, and what is to go next.
pub(super) struct Line {
    pub class: ClassSettings,
    cursor: Cursor,
    ready: Option<Item>,
    /// It could not be read.
    troubled: bool,
    /// The receiver asked for this pause; what it did not take is read again then.
    paused_until: Option<Instant>,
    /// Since when something waits that was not chosen.
    pub waits_since: Option<Instant>,
}

impl Line {
    pub fn new(outbox: &Outbox, class: ClassSettings) -> Self {
        let cursor = outbox.cursor(&class.name, class.policy.order);
        Line { class, cursor, ready: None, troubled: false, paused_until: None, waits_since: None }
    }

    /// True when a record waits; reads on if need be.
    pub fn has_ready(&mut self, outbox: &Outbox, taken: &HashSet<(u16, u64)>) -> bool {
        self.troubled = false;
        if self.is_paused() {
            return false;
        }
        while self.ready.is_none() {
            match self.cursor.next(&|lane, sequence| taken.contains(&(lane, sequence))) {
                Ok(Some(item)) if self.is_expired(&item, outbox.now_ms()) => {
                    outbox.end([(item.lane, item.sequence..item.sequence + 1, Fate::Expired)]);
                }
                Ok(Some(item)) => self.ready = Some(item),
                Ok(None) => break,
                Err(ReadError::Damaged { file, .. }) => {
                    outbox.damaged(file);
                    self.troubled = true;
                    break;
                }
                Err(ReadError::Io(error)) => {
                    tracing::debug!(%error, class = self.class.name, "the outbox can't be read now");
                    self.troubled = true;
                    break;
                }
            }
        }
        if self.ready.is_some() {
            self.waits_since.get_or_insert_with(Instant::now);
        }
        self.ready.is_some()
    }

    fn is_expired(&self, item: &Item, now_ms: u64) -> bool {
        self.class.policy.ttl_ms.is_some_and(|ttl_ms| item.at_ms + ttl_ms < now_ms)
    }

    /// It should be tried again although nothing new comes.
    pub fn is_troubled(&self) -> bool {
        self.troubled
    }

    /// Sends nothing until then, and begins again with what is pending.
    pub fn pause(&mut self, until: Instant) {
        self.paused_until = self.paused_until.max(Some(until));
    }

    /// Ends a pause whose time is over.
    pub fn look(&mut self, now: Instant) {
        if self.paused_until.is_some_and(|until| until <= now) {
            self.paused_until = None;
            self.ready = None;
            self.cursor.rewind();
        }
    }

    pub fn is_paused(&self) -> bool {
        self.paused_until.is_some()
    }

    /// How much longer it is paused; never nothing after a [`Line::look`] at the same time.
    pub fn paused_for(&self, now: Instant) -> Option<Duration> {
        self.paused_until.map(|until| until.saturating_duration_since(now))
    }

    pub fn take(&mut self) -> Option<Item> {
        self.waits_since = None;
        self.ready.take()
    }
}
