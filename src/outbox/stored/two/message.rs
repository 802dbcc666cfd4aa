//! What comes with payloads: envelopes, journaled inputs, the index of an exported file.

use prost::Message;

use super::{Nonsense, Ranges, array};
use crate::{entry, tools};

#[derive(Clone, PartialEq, Message)]
pub struct Property {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub value: String,
}

pub fn properties(of: &[(String, String)]) -> Vec<Property> {
    of.iter().map(|(name, value)| Property { name: name.clone(), value: value.clone() }).collect()
}

pub fn pairs(of: Vec<Property>) -> Vec<(String, String)> {
    of.into_iter().map(|property| (property.name, property.value)).collect()
}

#[derive(Clone, PartialEq, Message)]
pub struct Envelope {
    #[prost(string, tag = "1")]
    pub output: String,
    #[prost(string, tag = "2")]
    pub content_type: String,
    #[prost(string, tag = "3")]
    pub content_encoding: String,
    #[prost(message, repeated, tag = "4")]
    pub properties: Vec<Property>,
}

impl From<&crate::Envelope> for Envelope {
    fn from(of: &crate::Envelope) -> Self {
        Envelope {
            output: of.output.clone(),
            content_type: of.content_type.clone(),
            content_encoding: of.content_encoding.clone(),
            properties: properties(&of.properties),
        }
    }
}

impl From<Envelope> for crate::Envelope {
    fn from(of: Envelope) -> Self {
        crate::Envelope {
            output: of.output,
            content_type: of.content_type,
            content_encoding: of.content_encoding,
            properties: pairs(of.properties),
        }
    }
}

#[derive(Clone, PartialEq, Message)]
pub struct Entry {
    #[prost(bytes = "vec", tag = "1")]
    pub epoch: Vec<u8>,
    #[prost(uint64, tag = "2")]
    pub sequence: u64,
    #[prost(sint64, tag = "3")]
    pub arrived_us: i64,
    #[prost(bool, tag = "4")]
    pub spilled: bool,
    #[prost(string, tag = "5")]
    pub topic: String,
    #[prost(bytes = "bytes", tag = "6")]
    pub payload: bytes::Bytes,
    #[prost(string, tag = "7")]
    pub input: String,
    #[prost(message, repeated, tag = "8")]
    pub properties: Vec<Property>,
}

impl From<&entry::Entry> for Entry {
    fn from(of: &entry::Entry) -> Self {
        Entry {
            epoch: of.epoch.to_vec(),
            sequence: of.sequence,
            arrived_us: of.arrived_us,
            spilled: of.spilled,
            topic: of.topic.clone(),
            payload: of.payload.clone(),
            input: of.input.clone(),
            properties: properties(&of.properties),
        }
    }
}

impl TryFrom<Entry> for entry::Entry {
    type Error = Nonsense;

    fn try_from(of: Entry) -> Result<Self, Nonsense> {
        Ok(entry::Entry {
            epoch: array(&of.epoch)?,
            sequence: of.sequence,
            arrived_us: of.arrived_us,
            spilled: of.spilled,
            topic: of.topic,
            payload: of.payload,
            input: of.input,
            properties: pairs(of.properties),
        })
    }
}

#[derive(Clone, PartialEq, Message)]
pub struct Index {
    #[prost(message, repeated, tag = "1")]
    pub lanes: Vec<CarriedLane>,
    #[prost(uint64, tag = "2")]
    pub records: u64,
    #[prost(uint64, tag = "3")]
    pub bytes: u64,
}

#[derive(Clone, PartialEq, Message)]
pub struct CarriedLane {
    #[prost(string, tag = "1")]
    pub pipeline: String,
    #[prost(string, tag = "2")]
    pub class: String,
    #[prost(fixed64, tag = "3")]
    pub epoch: u64,
    #[prost(message, optional, tag = "4")]
    pub sequences: Option<Ranges>,
    #[prost(uint64, tag = "5")]
    pub records: u64,
}

impl From<&tools::Index> for Index {
    fn from(of: &tools::Index) -> Self {
        let lane = |lane: &tools::CarriedLane| CarriedLane {
            pipeline: lane.pipeline.clone(),
            class: lane.class.clone(),
            epoch: u64::from_le_bytes(lane.epoch),
            sequences: Some((&lane.sequences).into()),
            records: lane.records,
        };
        Index { lanes: of.lanes.iter().map(lane).collect(), records: of.records, bytes: of.bytes }
    }
}

impl From<Index> for tools::Index {
    fn from(of: Index) -> Self {
        let lane = |lane: CarriedLane| tools::CarriedLane {
            pipeline: lane.pipeline,
            class: lane.class,
            epoch: lane.epoch.to_le_bytes(),
            sequences: lane.sequences.unwrap_or_default().into(),
            records: lane.records,
        };
        tools::Index { lanes: of.lanes.into_iter().map(lane).collect(), records: of.records, bytes: of.bytes }
    }
}
