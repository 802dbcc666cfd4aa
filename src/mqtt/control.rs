//! What passes between a session and whoever owns it: messages and events one way, wishes the other.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use edgeward_core::domain::Ticket;
use tokio::sync::watch;

use super::{ConnectError, Publish, Qos};

/// A connection that lasted this long was a real one.
pub(super) const LASTED: Duration = Duration::from_secs(10);

/// A message from the broker.
#[derive(Debug)]
pub struct Incoming {
    pub topic: String,
    pub payload: Bytes,
    /// The broker kept it and gives it because of a subscription.
    pub retained: bool,
    /// To be done when the message's fate is settled; none at QoS 0.
    pub ticket: Option<Ticket>,
}

/// What became of a message handed to [`Handler::message`].
#[derive(Debug)]
pub enum Admission {
    Taken,
    /// No room: the session reads nothing more until the message is taken on a later try.
    Full(Incoming),
}

/// What a session tells, on its own task: answers at once, waits for nobody.
pub trait Handler: Send {
    /// Connected and about to subscribe; the publishes returned go out first.
    fn connected(&mut self, session_present: bool) -> Vec<Publish>;
    fn message(&mut self, incoming: Incoming) -> Admission;
    /// About to disconnect because of [`Control::stop`]; the publishes returned go out last.
    fn goodbye(&mut self) -> Vec<Publish>;
    /// A message over `max_packet_bytes` was skipped; it is acknowledged.
    fn oversize(&mut self, topic: &str, bytes: usize);
    fn disconnected(&mut self, why: &str);
    fn connect_failed(&mut self, error: &ConnectError, retry_in: Duration);
    /// The broker answered a SUBSCRIBE: messages come from now on, but for these filters.
    fn subscribed(&mut self, refused: &[String]);
    /// The broker has closed several young connections in a row: another client has our id. False
    /// when a connection lasts.
    fn taken_over(&mut self, now: bool);
}

/// What the session is to do; see [`Control`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Desired {
    pub filters: BTreeMap<String, Qos>,
    pub stop: bool,
    pub away: bool,
}

/// Steers a session from outside.
#[derive(Debug, Clone)]
pub struct Control {
    pub(super) desired: Arc<watch::Sender<Desired>>,
}

impl Control {
    /// Subscribes to what is new and unsubscribes from what is gone.
    pub fn set_filters(&self, filters: BTreeMap<String, Qos>) {
        self.desired.send_modify(|desired| desired.filters = filters);
    }

    /// Leaves the broker, which keeps the session and what is sent to it, until told to come back.
    pub fn set_away(&self, away: bool) {
        self.desired.send_if_modified(|desired| std::mem::replace(&mut desired.away, away) != away);
    }

    /// Ends the session: what is in its buffer is written, then DISCONNECT.
    pub fn stop(&self) {
        self.desired.send_modify(|desired| desired.stop = true);
    }
}
