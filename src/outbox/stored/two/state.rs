//! The state that a segment begins with.

use prost::Message;

use super::{
    Nonsense, Ranges, Results, Segment, Units, array,
    mark::{Import, Sender, Spent},
    short,
};
use crate::store::{Memories, state};

#[derive(Clone, PartialEq, Message)]
pub struct State {
    #[prost(uint64, tag = "1")]
    pub at_ms: u64,
    #[prost(sint64, optional, tag = "2")]
    pub wall_offset_ms: Option<i64>,
    #[prost(uint64, tag = "3")]
    pub wall_corrections: u64,
    #[prost(message, repeated, tag = "4")]
    pub epochs: Vec<EpochRun>,
    #[prost(message, repeated, tag = "5")]
    pub pipelines: Vec<Pipeline>,
    #[prost(message, repeated, tag = "6")]
    pub lanes: Vec<Lane>,
    #[prost(message, repeated, tag = "7")]
    pub segments: Vec<Segment>,
    #[prost(uint64, tag = "8")]
    pub next_file: u64,
    #[prost(message, repeated, tag = "9")]
    pub spent: Vec<Spent>,
    #[prost(message, repeated, tag = "10")]
    pub senders: Vec<Sender>,
    #[prost(message, repeated, tag = "11")]
    pub imports: Vec<Import>,
}

#[derive(Clone, PartialEq, Message)]
pub struct EpochRun {
    #[prost(bytes = "vec", tag = "1")]
    pub epoch: Vec<u8>,
    #[prost(uint64, repeated, tag = "2")]
    pub first: Vec<u64>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Pipeline {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(message, optional, tag = "2")]
    pub units: Option<Units>,
    /// Of what its sources are remembered for.
    #[prost(bytes = "vec", tag = "3")]
    pub definition: Vec<u8>,
    /// The longest unchanged first.
    #[prost(message, repeated, tag = "4")]
    pub memories: Vec<Memory>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Memory {
    #[prost(string, tag = "1")]
    pub source: String,
    #[prost(bytes = "bytes", tag = "2")]
    pub memory: bytes::Bytes,
}

#[derive(Clone, PartialEq, Message)]
pub struct Lane {
    #[prost(uint32, tag = "1")]
    pub pipeline: u32,
    #[prost(string, tag = "2")]
    pub class: String,
    #[prost(uint64, tag = "3")]
    pub next: u64,
    #[prost(message, optional, tag = "4")]
    pub done: Option<Ranges>,
    #[prost(message, optional, tag = "5")]
    pub settled: Option<Ranges>,
    #[prost(message, optional, tag = "6")]
    pub books: Option<Results>,
}

impl From<&state::State> for State {
    fn from(of: &state::State) -> Self {
        let lane = |lane: &state::Lane| Lane {
            pipeline: u32::from(lane.pipeline),
            class: lane.class.clone(),
            next: lane.next,
            done: Some((&lane.done).into()),
            settled: Some((&lane.settled).into()),
            books: Some((&lane.books).into()),
        };
        let pipeline = |pipeline: &state::Pipeline| Pipeline {
            name: pipeline.name.clone(),
            units: Some((&pipeline.units).into()),
            definition: pipeline.memories.definition().to_vec(),
            memories: pipeline
                .memories
                .by_age()
                .into_iter()
                .map(|(source, memory)| Memory { source: source.to_owned(), memory: memory.clone() })
                .collect(),
        };
        let sender = |sender: &state::Sender| Sender {
            pipeline: u32::from(sender.pipeline),
            source: sender.source.clone(),
            numbers: Some((&sender.numbers).into()),
            repeated: sender.repeated,
        };
        let spent =
            |spent: &state::Spent| Spent { uplink: spent.uplink.clone(), day: spent.day, bytes: spent.bytes };
        let epoch = |run: &state::EpochRun| EpochRun { epoch: run.epoch.to_vec(), first: run.first.clone() };
        State {
            at_ms: of.at_ms,
            wall_offset_ms: of.wall_offset_ms,
            wall_corrections: of.wall_corrections,
            epochs: of.epochs.iter().map(epoch).collect(),
            pipelines: of.pipelines.iter().map(pipeline).collect(),
            lanes: of.lanes.iter().map(lane).collect(),
            segments: of.segments.iter().map(Segment::from).collect(),
            next_file: of.next_file,
            spent: of.spent.iter().map(spent).collect(),
            senders: of.senders.iter().map(sender).collect(),
            imports: of.imports.iter().map(Import::from).collect(),
        }
    }
}

impl TryFrom<State> for state::State {
    type Error = Nonsense;

    fn try_from(of: State) -> Result<Self, Nonsense> {
        let lane = |lane: Lane| {
            Ok(state::Lane {
                pipeline: short(lane.pipeline)?,
                class: lane.class,
                next: lane.next,
                done: lane.done.unwrap_or_default().into(),
                settled: lane.settled.unwrap_or_default().into(),
                books: lane.books.unwrap_or_default().into(),
            })
        };
        let pipeline = |pipeline: Pipeline| {
            let memories = pipeline.memories.into_iter().map(|of| (of.source, of.memory));
            Ok(state::Pipeline {
                name: pipeline.name,
                units: pipeline.units.unwrap_or_default().into(),
                memories: Memories::new(array(&pipeline.definition)?, memories),
            })
        };
        let sender = |sender: Sender| {
            Ok(state::Sender {
                pipeline: short(sender.pipeline)?,
                source: sender.source,
                numbers: sender.numbers.unwrap_or_default().into(),
                repeated: sender.repeated,
            })
        };
        let spent = |spent: Spent| state::Spent { uplink: spent.uplink, day: spent.day, bytes: spent.bytes };
        let epoch = |run: EpochRun| Ok(state::EpochRun { epoch: array(&run.epoch)?, first: run.first });
        let state = state::State {
            at_ms: of.at_ms,
            wall_offset_ms: of.wall_offset_ms,
            wall_corrections: of.wall_corrections,
            epochs: of.epochs.into_iter().map(epoch).collect::<Result<_, _>>()?,
            pipelines: of.pipelines.into_iter().map(pipeline).collect::<Result<_, _>>()?,
            lanes: of.lanes.into_iter().map(lane).collect::<Result<_, _>>()?,
            segments: of.segments.into_iter().map(state::Segment::try_from).collect::<Result<_, _>>()?,
            next_file: of.next_file,
            spent: of.spent.into_iter().map(spent).collect(),
            senders: of.senders.into_iter().map(sender).collect::<Result<_, _>>()?,
            imports: of.imports.into_iter().map(state::Import::try_from).collect::<Result<_, _>>()?,
        };
        Ok(state)
    }
}
