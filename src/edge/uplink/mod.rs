//! Uplinks: where stored results go. A courier a link chooses what goes next; the link carries it.
//!
//! ```text
//! outbox --cursor by class--> courier (priority, budget, batch) --> Uplink --> receiver
//!    ^                            |                                              |
//!    '-- delivered, refused ------'<----------- answers, record by record -------'
//! ```
//!
//! The outbox owns the truth: what was sent and not answered is sent again, with the same ids. Where a result
//! goes to at the other end (a topic, a table, a path) is the link's business.

mod batch;
mod budget;
mod courier;
mod desk;
mod flight;
mod line;
mod message;
mod mqtt;
#[cfg(test)]
mod tests;

use std::{ops::Range, sync::Arc, time::Duration};

use edgeward_outbox::store::cursor::Item;

pub use courier::{Courier, CourierParts};
pub use desk::Desk;
pub use mqtt::MqttUplink;

/// Stored results on their way up: of one pipeline and class, in its order, each with its lane, sequence, payload
/// and envelope.
#[derive(Debug, Clone)]
pub struct Parcel {
    /// By which it is answered.
    pub number: u64,
    pub pipeline: Arc<str>,
    pub class: Arc<str>,
    /// At least one.
    pub records: Vec<Item>,
}

/// What a link takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most parcels without all their answers, and most bytes of them; one parcel may be larger.
    pub parcels: usize,
    pub bytes: usize,
    /// A parcel goes when it has so many records or payload bytes.
    pub parcel_records: usize,
    pub parcel_bytes: usize,
}

/// What became of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The receiver has them, durably as far as it promises.
    Delivered,
    /// The receiver will never take them, and why: they end as refused.
    Refused(String),
    /// Not now: their class is sent again after this time.
    Later(Duration),
}

/// A connection to whoever takes results.
pub trait Uplink: Send + Sync {
    /// Takes a parcel and keeps it until each of its records is answered, over reconnects. Returns the bytes that go
    /// over the link for it, which count against budgets.
    fn send(&self, parcel: Parcel) -> u64;

    fn limits(&self) -> Limits;
}

/// What an uplink tells its courier; returns at once.
pub trait UplinkEvents: Send + Sync + std::fmt::Debug {
    /// What became of these records of a parcel, by their place; in any order, and of all with `0..usize::MAX`.
    fn answered(&self, number: u64, records: Range<usize>, answer: Answer);

    /// Connected, or not.
    fn connected(&self, connected: bool);
}

/// Shared by an uplink and its courier.
pub type Events = Arc<dyn UplinkEvents>;
