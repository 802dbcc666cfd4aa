//! What topics mean at a broker. Plain MQTT says it with topics alone; a hub writes an input's name and a
//! message's properties into them.

use std::{borrow::Cow, collections::BTreeMap, fmt::Debug};

use crate::mqtt::Qos;
use edgeward_outbox::{Envelope, Origin};

/// A message's topic, understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arrival<'t> {
    /// What pipelines' filters are matched with, and what a source's level is counted in.
    pub topic: Cow<'t, str>,
    /// What the topic tells besides.
    pub origin: Origin,
}

/// How a broker's topics are read and written.
pub trait Dialect: Debug + Send + Sync {
    /// What to subscribe to, so that what these filters match comes.
    fn subscriptions(&self, wanted: BTreeMap<String, Qos>) -> BTreeMap<String, Qos>;

    /// What the topic of a message that came says.
    fn arrival<'t>(&self, topic: &'t str) -> Arrival<'t>;

    /// The topic of a message that goes: `told` is what its settings say, the envelope what goes with it.
    fn departure<'t>(&self, told: Cow<'t, str>, envelope: Option<&Envelope>) -> Cow<'t, str>;
}

/// MQTT 3.1.1 as it is: a topic is a topic. It has no place for an envelope.
#[derive(Debug, Clone, Copy, Default)]
pub struct Plain;

impl Dialect for Plain {
    fn subscriptions(&self, wanted: BTreeMap<String, Qos>) -> BTreeMap<String, Qos> {
        wanted
    }

    fn arrival<'t>(&self, topic: &'t str) -> Arrival<'t> {
        Arrival { topic: topic.into(), origin: Origin::default() }
    }

    fn departure<'t>(&self, told: Cow<'t, str>, _envelope: Option<&Envelope>) -> Cow<'t, str> {
        told
    }
}
