//! What is remembered of a source between its readings, as bytes: kept by whoever keeps outcomes, and
//! given back to the scorer of the next run.
//!
//! ```text
//! version 2 | conditions: count, each: flags (1 holds, 2 since), since, readings
//!           | outputs:    count, each: 0 not steadied, 1 labels: count, values; 2 means: count, numbers
//!           | inputs:     count, each: steps: count, each: 1 means over time, 2 z-scores: count, states
//!           | states:     count, each: element type by its place, elements: u32, each in its own width
//!           | last unit:  flags (1 has a time), time: i64, fields: count, each: 0 none, 1 text
//! ```
//! Version 1 ends before the states, and is read still.
//!
//! Counts are u16, numbers f64 and u64, all little-endian; texts have their length before them. The
//! numbers of kinds and values are part of the format: they never change their meaning.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use super::{
    declared::Smooth,
    plan::Plan,
    prepare::RunningState,
    scorer::Scorer,
    smooth::Steady,
    source::{LastUnit, SourceState},
    verdict::Value,
};
use crate::{
    decide::{ExponentialMean, Held, Majority},
    domain::{ElementType, TensorData},
    signal::series::Welford,
};

const VERSION: u8 = 2;
/// Without states.
const OLD_VERSION: u8 = 1;

/// The parts of a source's state that rest on all its readings, not on the last few.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub conditions: Vec<Held>,
    pub steady: Vec<Option<Steady>>,
    pub running: Vec<Vec<RunningState>>,
    pub carried: Vec<TensorData>,
    pub last_unit: LastUnit,
}

/// Writes what [`read`] reads.
pub(super) fn write(state: &SourceState) -> Vec<u8> {
    let SourceState { conditions, steady, running, carried, last_unit, .. } = state;
    let mut out = Writer(vec![VERSION]);
    out.count(conditions.len());
    for held in conditions {
        let (now, since, readings) = held.parts();
        out.byte(u8::from(now) | u8::from(since.is_some()) << 1);
        out.numbers(since);
        out.0.extend_from_slice(&readings.to_le_bytes());
    }
    out.count(steady.len());
    for steady in steady {
        match steady {
            None => out.byte(0),
            Some(Steady::Majority(majority)) => {
                out.byte(1);
                out.count(majority.seen().len());
                majority.seen().iter().for_each(|value| out.value(value));
            }
            Some(Steady::Mean(mean)) => {
                out.byte(2);
                out.count(mean.state().len());
                out.numbers(mean.state().iter().copied());
            }
        }
    }
    out.count(running.len());
    for steps in running {
        out.count(steps.len());
        for step in steps {
            match step {
                RunningState::Ewm(states) => {
                    out.byte(1);
                    out.count(states.len());
                    states.iter().for_each(|state| out.numbers(state.parts()));
                }
                RunningState::ZScore(states) => {
                    out.byte(2);
                    out.count(states.len());
                    for state in states {
                        let (count, mean, squares) = state.parts();
                        out.0.extend_from_slice(&count.to_le_bytes());
                        out.numbers([mean, squares]);
                    }
                }
            }
        }
    }
    out.count(carried.len());
    carried.iter().for_each(|left| out.elements(left));
    out.byte(u8::from(last_unit.time_ns.is_some()));
    out.0.extend_from_slice(&last_unit.time_ns.unwrap_or_default().to_le_bytes());
    out.count(last_unit.fields.len());
    for field in &last_unit.fields {
        out.byte(u8::from(field.is_some()));
        if let Some(text) = field {
            out.text(text);
        }
    }
    out.0
}

/// The place of an element type in the format: never another.
fn place_of(element: ElementType) -> u8 {
    ElementType::ALL.iter().position(|known| *known == element).unwrap_or_default() as u8
}

/// Reads what [`write`] wrote for a scorer of the same plan. None: another version, another plan, or
/// no memory at all.
pub(super) fn read(plan: &Plan, bytes: &[u8]) -> Option<Memory> {
    let mut from = Reader(bytes);
    let version = from.byte()?;
    if ![OLD_VERSION, VERSION].contains(&version) {
        return None;
    }
    let conditions = from.many(|from| {
        let flags = from.byte()?;
        let since = if flags & 2 != 0 { Some(from.number()?) } else { None };
        Some(Held::from_parts(flags & 1 != 0, since, from.u32()?))
    })?;
    let smooths: Vec<Option<Smooth>> = plan.outputs.iter().map(|output| output.spec.smooth).collect();
    let mut outputs = smooths.iter();
    let steady = from.many(|from| match (from.byte()?, outputs.next()?) {
        (0, _) => Some(None),
        (1, Some(Smooth::Majority(length))) => {
            let seen: VecDeque<Value> = from.many(Reader::value)?.into();
            Some(Some(Steady::Majority(Majority::resumed(*length, seen))))
        }
        (2, Some(Smooth::Mean(alpha))) => {
            Some(Some(Steady::Mean(ExponentialMean::resumed(*alpha, from.many(Reader::number)?))))
        }
        _ => None,
    })?;
    let mut inputs = plan.inputs.iter();
    let running = from.many(|from| {
        let planned = inputs.next()?.prepared.as_ref().map_or(Vec::new(), |prepared| prepared.begin());
        let mut planned = planned.into_iter();
        from.many(|from| match (from.byte()?, planned.next()?) {
            (1, RunningState::Ewm(begun)) => {
                let mut begun = begun.into_iter();
                let states = from.many(|from| {
                    let mut parts = [0.0; 5];
                    for part in &mut parts {
                        *part = from.number()?;
                    }
                    Some(begun.next()?.with_parts(parts))
                })?;
                begun.next().is_none().then_some(RunningState::Ewm(states))
            }
            (2, RunningState::ZScore(begun)) => {
                let states =
                    from.many(|from| Some(Welford::from_parts(from.u64()?, from.number()?, from.number()?)))?;
                (states.len() == begun.len()).then_some(RunningState::ZScore(states))
            }
            _ => None,
        })
    })?;
    let (mut carried, mut last_unit) = (Vec::new(), LastUnit::default());
    if version != OLD_VERSION {
        carried = from.many(Reader::elements)?;
        let has_time = from.byte()? != 0;
        let time_ns = from.take().map(i64::from_le_bytes)?;
        last_unit.time_ns = has_time.then_some(time_ns);
        last_unit.fields = from.many(|from| match from.byte()? {
            0 => Some(None),
            1 => from.text().map(Some),
            _ => None,
        })?;
    }
    let fits = (carried.is_empty() || carried.len() == plan.states.len())
        && (conditions.is_empty() || conditions.len() == plan.conditions.len())
        && (steady.is_empty() || steady.len() == plan.outputs.len())
        && (running.is_empty() || running.len() == plan.inputs.len());
    (fits && from.0.is_empty()).then_some(Memory { conditions, steady, running, carried, last_unit })
}

impl Scorer {
    /// Sources whose memory changed since the last call, each with what is to be kept of it; none: it is
    /// forgotten. Call it between a [`flush`](Self::flush) and the next [`push`](Self::push): it is what
    /// the sources know after all that was settled.
    pub fn take_memories(&mut self) -> Vec<(Arc<str>, Option<Vec<u8>>)> {
        let changed = self.sources.take_changed().into_iter();
        let written = changed.map(|source| {
            let state = self.sources.peek(&source);
            let bytes = state.map(write);
            (source, bytes)
        });
        written.collect()
    }

    /// Gives a source the memory that a scorer of the same plan gave away, before anything is pushed.
    /// False when it is of another plan or version, or there is no place: the source then begins anew.
    pub fn restore(&mut self, source: &str, memory: &[u8], now: Duration) -> bool {
        let Some(memory) = read(&self.plan, memory) else { return false };
        let Ok(state) = self.sources.get(source, now) else { return false };
        state.conditions = memory.conditions;
        state.steady = memory.steady;
        state.learned_before = Some(memory.running);
        state.carried = memory.carried;
        state.last_unit = memory.last_unit;
        true
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    /// Declarations are bounded far below: no more conditions, outputs or labels than this.
    fn count(&mut self, count: usize) {
        let count = u16::try_from(count).unwrap_or(u16::MAX);
        self.0.extend_from_slice(&count.to_le_bytes());
    }

    fn numbers(&mut self, numbers: impl IntoIterator<Item = f64>) {
        numbers.into_iter().for_each(|number| self.0.extend_from_slice(&number.to_le_bytes()));
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::F32(x) => {
                self.byte(1);
                self.0.extend_from_slice(&x.to_le_bytes());
            }
            Value::F64(x) => {
                self.byte(2);
                self.numbers([*x]);
            }
            Value::Integer(i) => {
                self.byte(3);
                self.0.extend_from_slice(&i.to_le_bytes());
            }
            Value::Unsigned(u) => {
                self.byte(4);
                self.0.extend_from_slice(&u.to_le_bytes());
            }
            Value::Bool(b) => {
                self.byte(5);
                self.byte(u8::from(*b));
            }
            Value::Text(text) => {
                self.byte(6);
                self.text(text);
            }
        }
    }

    fn text(&mut self, text: &str) {
        let end = text.floor_char_boundary(usize::from(u16::MAX));
        self.count(end);
        self.0.extend_from_slice(&text.as_bytes()[..end]);
    }

    /// A state's elements; text is never carried.
    fn elements(&mut self, data: &TensorData) {
        self.byte(place_of(data.element()));
        let len = u32::try_from(data.len()).unwrap_or(u32::MAX);
        self.0.extend_from_slice(&len.to_le_bytes());
        macro_rules! all {
            ($($variant:ident),*) => {
                match data {
                    $(TensorData::$variant(values) => {
                        values.iter().for_each(|value| self.0.extend_from_slice(&value.to_le_bytes()));
                    })*
                    TensorData::Bool(values) => self.0.extend(values.iter().map(|value| u8::from(*value))),
                    TensorData::String(_) => {}
                }
            };
        }
        all!(F32, F64, I8, I16, I32, I64, U8, U16, U32, U64);
    }
}

struct Reader<'b>(&'b [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn count(&mut self) -> Option<usize> {
        self.take().map(|bytes| usize::from(u16::from_le_bytes(bytes)))
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn number(&mut self) -> Option<f64> {
        self.take().map(f64::from_le_bytes)
    }

    /// A count, and that many of something. Reserves nothing: the count may lie.
    fn many<T>(&mut self, mut one: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.count()?;
        let mut all = Vec::new();
        for _ in 0..count {
            all.push(one(self)?);
        }
        Some(all)
    }

    fn value(&mut self) -> Option<Value> {
        Some(match self.byte()? {
            1 => Value::F32(self.take().map(f32::from_le_bytes)?),
            2 => Value::F64(self.number()?),
            3 => Value::Integer(self.take().map(i64::from_le_bytes)?),
            4 => Value::Unsigned(self.u64()?),
            5 => Value::Bool(self.byte()? != 0),
            6 => Value::Text(self.text()?.into()),
            _ => return None,
        })
    }

    fn text(&mut self) -> Option<String> {
        let len = self.count()?;
        let (text, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(std::str::from_utf8(text).ok()?.to_owned())
    }

    fn elements(&mut self) -> Option<TensorData> {
        let place = self.byte()?;
        let element = *ElementType::ALL.get(usize::from(place))?;
        let len = usize::try_from(self.u32()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(len.checked_mul(element.width_bytes()?)?)?;
        self.0 = rest;
        macro_rules! all {
            ($($variant:ident $number:ident),*) => {
                match element {
                    $(ElementType::$variant => {
                        let (numbers, _) = bytes.as_chunks();
                        TensorData::$variant(numbers.iter().map(|of| $number::from_le_bytes(*of)).collect())
                    })*
                    ElementType::Bool => TensorData::Bool(bytes.iter().map(|byte| *byte != 0).collect()),
                    ElementType::String => return None,
                }
            };
        }
        Some(all!(F32 f32, F64 f64, I8 i8, I16 i16, I32 i32, I64 i64, U8 u8, U16 u16, U32 u32, U64 u64))
    }
}
