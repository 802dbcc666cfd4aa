//! QoS 1 publishes without their PUBACK. They outlive a connection and are sent again on the next.

use std::collections::{HashSet, VecDeque};

use super::Publish;

/// Most of them at once. MQTT has 65,535 packet ids; some are for SUBSCRIBE and UNSUBSCRIBE.
pub(super) const MOST_IN_FLIGHT: usize = 65_000;

/// Oldest first, each with its packet id.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    queue: VecDeque<(u16, Publish)>,
    ids: HashSet<u16>,
}

impl InFlight {
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    pub fn contains(&self, packet_id: u16) -> bool {
        self.ids.contains(&packet_id)
    }

    pub fn push(&mut self, packet_id: u16, publish: Publish) {
        self.ids.insert(packet_id);
        self.queue.push_back((packet_id, publish));
    }

    /// Takes the publish that a PUBACK is for.
    pub fn acknowledged(&mut self, packet_id: u16) -> Option<Publish> {
        if !self.ids.remove(&packet_id) {
            return None;
        }
        // Brokers acknowledge in order: it is the first one, or near it.
        let at = self.queue.iter().position(|(id, _)| *id == packet_id)?;
        self.queue.remove(at).map(|(_, publish)| publish)
    }

    /// Takes all of them, to be sent again.
    pub fn take(&mut self) -> VecDeque<(u16, Publish)> {
        self.ids.clear();
        std::mem::take(&mut self.queue)
    }
}
