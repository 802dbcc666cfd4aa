//! The scorer: messages in, one outcome for each of their readings out. Synchronous, no IO, no clock.

use std::sync::Arc;

use super::{
    batch::{Batch, Cut, slice_row},
    carry::{StateSlots, begin_unit, take_left},
    declared::Extent,
    features::Taker,
    guard::{Failure, run},
    judge::{Answer, Judge},
    message::{Message, ScorerOptions},
    payload::{Layout, Reader, Row, Rows, Scalar},
    plan::Plan,
    source::{SourceRule, SourceTable, check_name, source_name},
    time::read_time,
    timed,
    unit::{Settled, Unit, UnitState},
    verdict::{WindowNote, scalar_json},
    window,
};
use crate::domain::{InputId, Reason, Rejection};
use edgeward_engine::{Engine, Session};

pub struct Scorer {
    pub(super) plan: Arc<Plan>,
    engine: Arc<dyn Engine>,
    session: Box<dyn Session>,
    pub(super) options: ScorerOptions,
    reader: Reader,
    rows: Rows,
    takers: Vec<Taker>,
    pub(super) slots: IdentitySlots,
    last_known: usize,
    pub(super) sources: SourceTable,
    judge: Judge,
    pub(super) batch: Batch,
    /// Counts the runs of the model.
    pub(super) run: u64,
    keeps_memory: bool,
    numbers: Vec<f64>,
    /// Lengths of the plan's sizes, of the newest row.
    lengths: Vec<usize>,
    /// Why the newest row has none.
    misshapen: Option<Rejection>,
    panics: u64,
}

/// Where a row holds what identifies it.
#[derive(Debug, Default)]
pub(super) struct IdentitySlots {
    pub source: Option<usize>,
    time: Option<usize>,
    message_id: Option<usize>,
    number: Option<usize>,
    /// Of each state: the fields that begin it anew.
    states: Vec<StateSlots>,
}

impl Scorer {
    /// A scorer of `plan` on `engine`; opens a session.
    pub fn new(plan: Arc<Plan>, engine: Arc<dyn Engine>, options: ScorerOptions) -> Self {
        let mut layout = Layout::new(&plan.spec, &options.copy_fields);
        let mut last_known = 0;
        let takers: Vec<Taker> =
            plan.inputs.iter().map(|input| Taker::new(input, &mut layout, &mut last_known)).collect();
        let slots = IdentitySlots {
            source: match &options.source {
                SourceRule::Field(path) => Some(layout.scalar(path)),
                SourceRule::None | SourceRule::TopicLevel(_) => None,
            },
            time: plan.spec.payload.time.as_ref().map(|path| layout.scalar(path)),
            message_id: plan.spec.payload.message_id.as_ref().map(|path| layout.scalar(path)),
            number: options.sequence_field.as_ref().map(|path| layout.scalar(path)),
            states: StateSlots::new(&plan, &mut layout),
        };
        Scorer {
            reader: Reader::new(&layout),
            rows: Rows::new(layout.scalars.len(), layout.arrays.len(), layout.copies.len()),
            takers,
            slots,
            last_known,
            sources: SourceTable::new(options.max_sources),
            judge: Judge::new(plan.clone(), options.pipeline.clone()),
            batch: Batch::new(&plan),
            run: 1,
            keeps_memory: plan.keeps_memory(),
            numbers: Vec::new(),
            lengths: Vec::new(),
            misshapen: None,
            panics: 0,
            session: engine.session(),
            engine,
            options,
            plan,
        }
    }

    /// Sources remembered, and how many gave their place to others so far.
    pub fn sources(&self) -> (usize, u64) {
        (self.sources.len(), self.sources.evicted())
    }

    /// The engine that runs the model now.
    pub fn engine(&self) -> &'static str {
        self.engine.name()
    }

    /// Panics of the engine so far.
    pub fn panics(&self) -> u64 {
        self.panics
    }

    /// Reads one message into the batch; `message` is handed back with each of its outcomes.
    /// Returns how many units it brought, at least one. Runs the model whenever the batch is full.
    pub fn push(
        &mut self,
        message: usize,
        input: &Message<'_>,
        settle: &mut dyn FnMut(Settled<'_>),
    ) -> usize {
        let mut rows = std::mem::take(&mut self.rows);
        let units = match self.read(input, &mut rows) {
            Ok(()) => {
                let mut units = 0;
                for (reading, row) in rows.as_mut_slice().iter_mut().enumerate() {
                    self.make_way(input, row, settle);
                    let unit = self.unit(message, reading, input, row);
                    units += self.enter(unit, input.replayed, settle);
                }
                units
            }
            Err(rejection) => {
                let state = UnitState::Rejected(rejection);
                let input_id = self.counted(input);
                self.batch.units.push(Unit {
                    message,
                    reading: 0,
                    input_id,
                    source: None,
                    number: None,
                    time: None,
                    copied: None,
                    now: input.now,
                    time_ns: None,
                    frame: None,
                    window: None,
                    replayed: input.replayed,
                    state,
                });
                1
            }
        };
        self.rows = rows;
        units
    }

    /// Puts a unit into the batch, or one for each window that its reading closed. Returns how many.
    fn enter(&mut self, unit: Unit, replayed: bool, settle: &mut dyn FnMut(Settled<'_>)) -> usize {
        let mut units = 0;
        if let (UnitState::Merged, true) = (&unit.state, self.plan.is_by_time()) {
            while let Some((state, window)) = self.close_next(&unit, replayed) {
                self.batch.units.push(Unit { state, window, ..unit.clone() });
                units += 1;
                self.flush_when_full(settle);
            }
        }
        if units == 0 {
            self.batch.units.push(unit);
            units = 1;
            self.flush_when_full(settle);
        }
        units
    }

    fn flush_when_full(&mut self, settle: &mut dyn FnMut(Settled<'_>)) {
        if self.batch.rows >= self.max_batch() {
            self.flush(settle);
        }
    }

    /// The next window that the last reading of `unit`'s source closed, put into the batch.
    fn close_next(&mut self, unit: &Unit, replayed: bool) -> Option<(UnitState, Option<WindowNote>)> {
        let spec = self.plan.spec.window?;
        let Extent::Time(window) = spec.extent else { return None };
        let state = self.sources.get(unit.source.as_deref().unwrap_or(""), unit.now).ok()?;
        loop {
            let closed = timed::next_closed(state, &window, spec.gap)?;
            if replayed {
                // Scored when it closed first; not all of its readings need be here any more.
                continue;
            }
            let cut = Cut { readings: closed.readings, begin_ns: Some(closed.begin_ns) };
            let appended = closed.note.and_then(|note| {
                let (takers, numbers) = (&mut self.takers, &mut self.numbers);
                self.batch.append_window(&self.plan, takers, state, &cut, numbers).map(|()| note)
            });
            return Some(match appended {
                Ok(note) => (UnitState::InBatch, Some(note)),
                Err(rejection) => (UnitState::Rejected(rejection), None),
            });
        }
    }

    /// Units that wait for [`Scorer::flush`].
    pub fn waiting(&self) -> usize {
        self.batch.units.len()
    }

    fn max_batch(&self) -> usize {
        // One reading may close several windows of one source.
        let in_turn = self.plan.has_varying_windows() || self.plan.carries() && self.plan.is_by_time();
        let one = !self.plan.free_batch || in_turn;
        if one { 1 } else { self.options.max_batch.max(1) }
    }

    fn counted(&self, input: &Message<'_>) -> InputId {
        let epoch = input.epoch.unwrap_or(self.options.epoch);
        InputId::Counted { device: self.options.device.clone(), epoch, sequence: input.sequence }
    }

    /// Whether anything is remembered of `source`.
    pub fn remembers(&self, source: &str) -> bool {
        self.sources.peek(source).is_some()
    }

    /// Whether what is remembered of `source` rests on the message of this token.
    pub fn is_needed(&self, source: &str, token: u64) -> bool {
        self.sources.peek(source).is_some_and(|state| state.needs(token))
    }

    fn read(&mut self, input: &Message<'_>, rows: &mut Rows) -> Result<(), Rejection> {
        let (size, limit) = (input.payload.len(), self.options.max_payload_bytes);
        if size > limit {
            let detail = format!("the payload has {size} bytes, `max_payload_bytes` is {limit}");
            return Err(Rejection::new(Reason::TooLarge, detail));
        }
        self.reader.read(input.payload, rows)
    }

    /// Settles a row's lengths, and runs what waits with others: rows of one run have the same. None has two of a
    /// source that leaves something for its next.
    fn make_way(&mut self, input: &Message<'_>, row: &Row, settle: &mut dyn FnMut(Settled<'_>)) {
        if self.plan.carries() {
            self.await_source(input, row, settle);
        }
        if !self.plan.has_told_sizes() {
            return;
        }
        let takers = &self.takers;
        let mut lengths = std::mem::take(&mut self.lengths);
        self.misshapen = self.plan.settle_sizes(|at| takers[at].array_of(row), &mut lengths).err();
        if self.misshapen.is_none() {
            if self.batch.rows > 0 && self.batch.lengths != lengths {
                self.flush(settle);
            }
            self.batch.lengths.clone_from(&lengths);
        }
        self.lengths = lengths;
    }

    /// Runs what waits, where a unit of the same source is among it: what that leaves is for this one.
    fn await_source(&mut self, input: &Message<'_>, row: &Row, settle: &mut dyn FnMut(Settled<'_>)) {
        if self.batch.rows == 0 {
            return;
        }
        let mut number = String::new();
        let scalar = self.slots.source.map(|slot| &row.scalars[slot]);
        // Whose name can't be told is refused when it is taken.
        let Ok(name) = source_name(&self.options.source, input.topic, scalar, &mut number) else { return };
        if self.sources.peek(name).is_some_and(|state| state.run == self.run) {
            self.flush(settle);
        }
    }

    fn unit(&mut self, message: usize, reading: usize, input: &Message<'_>, row: &mut Row) -> Unit {
        let id = self.slots.message_id.and_then(|slot| match &row.scalars[slot] {
            Scalar::Text(id) if !id.is_empty() => Some(id.clone()),
            Scalar::Integer(id) => Some(id.to_string()),
            Scalar::Unsigned(id) => Some(id.to_string()),
            _ => None,
        });
        let mut unit = Unit {
            message,
            reading,
            input_id: id.map_or_else(|| self.counted(input), InputId::Own),
            source: None,
            number: self.slots.number.and_then(|slot| match &row.scalars[slot] {
                Scalar::Integer(number) => u64::try_from(*number).ok(),
                Scalar::Unsigned(number) => Some(*number),
                _ => None,
            }),
            time: self.slots.time.and_then(|slot| scalar_json(&row.scalars[slot])),
            copied: self.copied(row),
            now: input.now,
            time_ns: None,
            frame: row.frame,
            window: None,
            replayed: input.replayed,
            state: UnitState::Merged,
        };
        let taken = self.take(input, row, &mut unit);
        if self.keeps_memory && !input.replayed {
            self.sources.note_change(unit.source.as_deref().unwrap_or(""));
        }
        unit.state = match taken {
            Ok(true) => UnitState::InBatch,
            Ok(false) => UnitState::Merged,
            Err(rejection) => UnitState::Rejected(rejection),
        };
        unit
    }

    /// Puts a reading into the batch (true) or only into its source's window (false).
    fn take(&mut self, input: &Message<'_>, row: &Row, unit: &mut Unit) -> Result<bool, Rejection> {
        let scalar = self.slots.source.map(|slot| &row.scalars[slot]);
        let mut number = String::new();
        let name = source_name(&self.options.source, input.topic, scalar, &mut number)?;
        let named = self.options.source != SourceRule::None;
        if named {
            check_name(name)?;
        }
        let time = self.slots.time.map_or(&Scalar::Missing, |slot| &row.scalars[slot]);
        let state = self.sources.get(name, input.now)?;
        if named {
            unit.source = Some(state.name.clone());
        }
        state.last_known.resize(self.last_known, None);
        if !input.replayed
            && let Some(learned) = state.learned_before.take()
        {
            state.running = learned;
        }
        if let Some(misshapen) = self.misshapen.take() {
            return Err(misshapen);
        }
        let batch = &mut self.batch;
        let time = || read_time(time, self.plan.spec.payload.time_format);
        if self.plan.units_need_time() {
            unit.time_ns = Some(time()?.ns);
        }
        if self.plan.carries() && !input.replayed {
            begin_unit(&self.plan, state, unit.time_ns, &self.slots.states, row);
            state.run = self.run;
        }
        match self.plan.spec.window {
            None => {
                let appended =
                    batch.append(&self.plan.inputs, &mut self.takers, row, state, &mut self.numbers);
                state.learned_from(input.token);
                appended.map(|()| true)
            }
            Some(spec) => match spec.extent {
                Extent::Time(window) => {
                    let (takers, numbers) = (&self.takers, &mut self.numbers);
                    let pushed = timed::push(state, &window, takers, row, time()?, input.token, numbers);
                    state.learned_from(input.token);
                    pushed.map(|()| false)
                }
                Extent::Count(window) => {
                    let time = spec.gap.map(|_| time()).transpose()?;
                    if let (Some(time), Some(gap)) = (time, spec.gap) {
                        window::note_time(state, time, gap);
                    }
                    let pushed = window::push(state, &self.takers, row, &mut self.numbers);
                    state.learned_from(input.token);
                    pushed?;
                    state.origins.push_back(input.token);
                    state.timed.times.extend(time.map(|time| time.ns));
                    if state.readings < window.length {
                        return Ok(false);
                    }
                    let whole = spec.gap.map(|gap| window::look(state, window, gap)).transpose();
                    let whole = whole.and_then(|note| {
                        unit.window = note;
                        let (takers, numbers) = (&mut self.takers, &mut self.numbers);
                        let cut = Cut { readings: 0..window.length, begin_ns: None };
                        batch.append_window(&self.plan, takers, state, &cut, numbers)
                    });
                    window::advance(state, window, &self.plan.inputs);
                    whole.map(|()| true)
                }
            },
        }
    }

    fn copied(&self, row: &mut Row) -> Option<String> {
        let paths = &self.options.copy_fields;
        if paths.is_empty() {
            return None;
        }
        if let ([path], [value]) = (paths.as_slice(), row.copies.as_mut_slice())
            && path.segments.is_empty()
        {
            return value.take().map(|value| value.to_string());
        }
        let fields = paths.iter().zip(&mut row.copies);
        let object: serde_json::Map<String, serde_json::Value> =
            fields.filter_map(|(path, value)| Some((path.to_string(), value.take()?))).collect();
        Some(serde_json::Value::Object(object).to_string())
    }

    /// Runs the model on what waits and settles every unit, in the order they came.
    ///
    /// When a run fails or panics, each row is run alone, so that only the culprits are rejected.
    pub fn flush(&mut self, settle: &mut dyn FnMut(Settled<'_>)) {
        if self.batch.units.is_empty() {
            return;
        }
        let mut units = std::mem::take(&mut self.batch.units);
        let rows = self.batch.close(&self.plan.inputs, self.plan.free_batch);
        let inputs = &self.batch.inputs;
        let answer = if rows > 0 { run(self.session.as_mut(), inputs) } else { Ok(&[][..]) };
        match answer {
            Ok(tensors) => {
                let answer = Answer { tensors, inputs, rows };
                let mut row = 0;
                for unit in units.drain(..) {
                    let at = row;
                    row += usize::from(matches!(unit.state, UnitState::InBatch));
                    let left = take_left(&self.plan, &mut self.sources, &unit, &answer, at);
                    let judged = left.map(|()| (&answer, at));
                    self.judge.settle(unit, judged, &mut self.sources, settle);
                }
            }
            Err(failure) => self.settle_alone(&mut units, failure, rows, settle),
        }
        self.batch.clear();
        self.batch.units = units;
        self.run += 1;
    }

    fn settle_alone(
        &mut self,
        units: &mut Vec<Unit>,
        mut failure: Failure,
        rows: usize,
        settle: &mut dyn FnMut(Settled<'_>),
    ) {
        let mut row = 0;
        for unit in units.drain(..) {
            let in_batch = matches!(unit.state, UnitState::InBatch);
            if failure.panicked {
                // What a panic left of the session is not to be trusted.
                self.session = self.engine.session();
                self.panics += 1;
                failure.panicked = false;
            }
            let mut alone = Vec::new();
            let answer = if in_batch && rows > 1 {
                alone.extend(self.batch.inputs.iter().map(|input| slice_row(input, row, rows)));
                run(self.session.as_mut(), &alone)
            } else {
                Err(failure.clone())
            };
            row += usize::from(in_batch);
            match answer {
                Ok(tensors) => {
                    let answer = Answer { tensors, inputs: &alone, rows: 1 };
                    let left = take_left(&self.plan, &mut self.sources, &unit, &answer, 0);
                    self.judge.settle(unit, left.map(|()| (&answer, 0)), &mut self.sources, settle);
                }
                Err(alone) => {
                    self.judge.settle(unit, Err(alone.rejection.clone()), &mut self.sources, settle);
                    failure = alone;
                }
            }
        }
        if failure.panicked {
            self.session = self.engine.session();
            self.panics += 1;
        }
    }
}
