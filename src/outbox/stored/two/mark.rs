//! The marks of a frame.

use prost::{Message, Oneof};

use super::{Nonsense, Ranges, Results, Segment, Units, array, required, short};
use crate::store::{Fate, state};

#[derive(Clone, PartialEq, Message)]
pub struct Mark {
    /// None: of a kind that came later.
    #[prost(oneof = "MarkKind", tags = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14")]
    pub kind: Option<MarkKind>,
}

#[derive(Clone, PartialEq, Oneof)]
pub enum MarkKind {
    #[prost(message, tag = "1")]
    Pipeline(NamedPipeline),
    #[prost(message, tag = "2")]
    Lane(NamedLane),
    #[prost(message, tag = "3")]
    Done(Span),
    #[prost(message, tag = "4")]
    Settled(Span),
    #[prost(message, tag = "5")]
    Opened(Span),
    #[prost(message, tag = "6")]
    Units(UnitsOf),
    #[prost(message, tag = "7")]
    Results(ResultsOf),
    #[prost(sint64, tag = "8")]
    WallOffsetMs(i64),
    #[prost(bytes, tag = "9")]
    Epoch(Vec<u8>),
    #[prost(message, tag = "10")]
    Merged(Merged),
    #[prost(message, tag = "11")]
    Spent(Spent),
    #[prost(message, tag = "12")]
    Sender(Sender),
    #[prost(message, tag = "13")]
    Imported(Import),
    #[prost(message, tag = "14")]
    Remembered(Remembered),
}

#[derive(Clone, PartialEq, Message)]
pub struct NamedPipeline {
    #[prost(uint32, tag = "1")]
    pub at: u32,
    #[prost(string, tag = "2")]
    pub name: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct NamedLane {
    #[prost(uint32, tag = "1")]
    pub at: u32,
    #[prost(uint32, tag = "2")]
    pub pipeline: u32,
    #[prost(string, tag = "3")]
    pub class: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct Span {
    #[prost(uint32, tag = "1")]
    pub lane: u32,
    #[prost(uint64, tag = "2")]
    pub first: u64,
    #[prost(uint64, tag = "3")]
    pub count: u64,
    /// Of a [`MarkKind::Done`].
    #[prost(uint32, tag = "4")]
    pub fate: u32,
}

#[derive(Clone, PartialEq, Message)]
pub struct UnitsOf {
    #[prost(uint32, tag = "1")]
    pub pipeline: u32,
    #[prost(message, optional, tag = "2")]
    pub books: Option<Units>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ResultsOf {
    #[prost(uint32, tag = "1")]
    pub lane: u32,
    #[prost(message, optional, tag = "2")]
    pub books: Option<Results>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Merged {
    #[prost(message, optional, tag = "1")]
    pub into: Option<Segment>,
    #[prost(uint64, repeated, tag = "2")]
    pub replaced: Vec<u64>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Spent {
    #[prost(string, tag = "1")]
    pub uplink: String,
    #[prost(uint64, tag = "2")]
    pub day: u64,
    #[prost(uint64, tag = "3")]
    pub bytes: u64,
}

#[derive(Clone, PartialEq, Message)]
pub struct Sender {
    #[prost(uint32, tag = "1")]
    pub pipeline: u32,
    #[prost(string, tag = "2")]
    pub source: String,
    #[prost(message, optional, tag = "3")]
    pub numbers: Option<Ranges>,
    #[prost(uint64, tag = "4")]
    pub repeated: u64,
}

#[derive(Clone, PartialEq, Message)]
pub struct Import {
    #[prost(bytes = "vec", tag = "1")]
    pub file: Vec<u8>,
    #[prost(uint64, tag = "2")]
    pub records: u64,
    #[prost(bool, tag = "3")]
    pub whole: bool,
}

/// What a source left behind that its next reading needs.
#[derive(Clone, PartialEq, Message)]
pub struct Remembered {
    #[prost(uint32, tag = "1")]
    pub pipeline: u32,
    #[prost(bytes = "vec", tag = "2")]
    pub definition: Vec<u8>,
    #[prost(string, tag = "3")]
    pub source: String,
    /// None: it was forgotten.
    #[prost(bytes = "bytes", optional, tag = "4")]
    pub memory: Option<bytes::Bytes>,
}

impl From<&state::Import> for Import {
    fn from(of: &state::Import) -> Self {
        Import { file: of.file.to_vec(), records: of.records, whole: of.whole }
    }
}

impl TryFrom<Import> for state::Import {
    type Error = Nonsense;

    fn try_from(of: Import) -> Result<Self, Nonsense> {
        Ok(state::Import { file: array(&of.file)?, records: of.records, whole: of.whole })
    }
}

pub fn span(lane: u16, first: u64, count: u64, fate: Option<Fate>) -> Span {
    Span { lane: u32::from(lane), first, count, fate: fate.map_or(0, |fate| u32::from(fate.number())) }
}

impl From<&state::Mark> for MarkKind {
    fn from(of: &state::Mark) -> Self {
        use state::Mark as Of;
        match of {
            Of::Pipeline { at, name } => {
                MarkKind::Pipeline(NamedPipeline { at: u32::from(*at), name: name.clone() })
            }
            Of::Lane { at, pipeline, class } => MarkKind::Lane(NamedLane {
                at: u32::from(*at),
                pipeline: u32::from(*pipeline),
                class: class.clone(),
            }),
            Of::Done { lane, first, count, fate } => MarkKind::Done(span(*lane, *first, *count, Some(*fate))),
            Of::Settled { lane, first, count } => MarkKind::Settled(span(*lane, *first, *count, None)),
            Of::Opened { lane, first, count } => MarkKind::Opened(span(*lane, *first, *count, None)),
            Of::Units { pipeline, books } => {
                MarkKind::Units(UnitsOf { pipeline: u32::from(*pipeline), books: Some(books.into()) })
            }
            Of::Results { lane, books } => {
                MarkKind::Results(ResultsOf { lane: u32::from(*lane), books: Some(books.into()) })
            }
            Of::Wall { offset_ms } => MarkKind::WallOffsetMs(*offset_ms),
            Of::Epoch(epoch) => MarkKind::Epoch(epoch.to_vec()),
            Of::Merged { into, replaced } => {
                MarkKind::Merged(Merged { into: Some(into.into()), replaced: replaced.clone() })
            }
            Of::Spent { uplink, day, bytes } => {
                MarkKind::Spent(Spent { uplink: uplink.clone(), day: *day, bytes: *bytes })
            }
            Of::Sender { pipeline, source, numbers, repeated } => MarkKind::Sender(Sender {
                pipeline: u32::from(*pipeline),
                source: source.clone(),
                numbers: Some(numbers.into()),
                repeated: *repeated,
            }),
            Of::Imported(import) => MarkKind::Imported(import.into()),
            Of::Remembered { pipeline, definition, source, memory } => MarkKind::Remembered(Remembered {
                pipeline: u32::from(*pipeline),
                definition: definition.to_vec(),
                source: source.clone(),
                memory: memory.clone(),
            }),
        }
    }
}

impl TryFrom<MarkKind> for state::Mark {
    type Error = Nonsense;

    fn try_from(of: MarkKind) -> Result<Self, Nonsense> {
        use state::Mark as To;
        Ok(match of {
            MarkKind::Pipeline(of) => To::Pipeline { at: short(of.at)?, name: of.name },
            MarkKind::Lane(of) => {
                To::Lane { at: short(of.at)?, pipeline: short(of.pipeline)?, class: of.class }
            }
            MarkKind::Done(of) => To::Done {
                lane: short(of.lane)?,
                first: of.first,
                count: of.count,
                // Of a fate that came later only the end is known, and that is what counts here.
                fate: u8::try_from(of.fate).ok().and_then(Fate::of_number).unwrap_or(Fate::Dropped),
            },
            MarkKind::Settled(of) => To::Settled { lane: short(of.lane)?, first: of.first, count: of.count },
            MarkKind::Opened(of) => To::Opened { lane: short(of.lane)?, first: of.first, count: of.count },
            MarkKind::Units(of) => {
                To::Units { pipeline: short(of.pipeline)?, books: required(of.books)?.into() }
            }
            MarkKind::Results(of) => To::Results { lane: short(of.lane)?, books: required(of.books)?.into() },
            MarkKind::WallOffsetMs(offset_ms) => To::Wall { offset_ms },
            MarkKind::Epoch(epoch) => To::Epoch(array(&epoch)?),
            MarkKind::Merged(of) => {
                To::Merged { into: required(of.into)?.try_into()?, replaced: of.replaced }
            }
            MarkKind::Spent(of) => To::Spent { uplink: of.uplink, day: of.day, bytes: of.bytes },
            MarkKind::Sender(of) => To::Sender {
                pipeline: short(of.pipeline)?,
                source: of.source,
                numbers: required(of.numbers)?.into(),
                repeated: of.repeated,
            },
            MarkKind::Imported(of) => To::Imported(of.try_into()?),
            MarkKind::Remembered(of) => To::Remembered {
                pipeline: short(of.pipeline)?,
                definition: array(&of.definition)?,
                source: of.source,
                memory: of.memory,
            },
        })
    }
}
