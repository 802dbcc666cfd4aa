//! Uplinks: where stored results go. A courier a link chooses what goes next; the link carries it.
//!
//! ```text
//! outbox --cursor by class--> courier (priority, budget, batch) --> Uplink --> receiver
//!    ^                            |                                              |
//!    '----- delivered ------------'<---------------- its acknowledgement --------'
//! ```
//!
//! The outbox owns the truth: what was sent and not acknowledged is sent again, with the same ids.

mod batch;
mod budget;
mod courier;
mod line;
mod mqtt;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;

pub use courier::{Courier, CourierParts, Desk};
pub use mqtt::MqttUplink;

/// One message on its way up.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// By which its arrival is told.
    pub number: u64,
    pub topic: String,
    pub payload: Bytes,
}

/// A connection to whoever takes results.
pub trait Uplink: Send + Sync {
    /// Takes a message and keeps it until the receiver has acknowledged it, over reconnects.
    fn send(&self, message: Outgoing);
    /// Most messages without their acknowledgement.
    fn max_in_flight(&self) -> usize;
}

/// What an uplink tells its courier; answers at once.
pub trait UplinkEvents: Send + Sync + std::fmt::Debug {
    /// The receiver has the message of this number.
    fn arrived(&self, number: u64);
    /// Connected, or not.
    fn connected(&self, connected: bool);
}

/// Shared by an uplink and its courier.
pub type Events = Arc<dyn UplinkEvents>;
