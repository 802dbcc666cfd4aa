//! A run that does everything the store can, and remembers what was promised.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;

use crate::store::faulty_disk::FaultyDisk;
use crate::store::{
    Batch, Fate, Fresh, Lane, Moment, Record, Recovery, Room, Store, StoreOptions, UnitBooks,
    cursor::{Cursor, ReadError},
};
use edgeward_core::domain::{ClassPolicy, Durability, Order};

/// A small generator (xorshift); a seed repeats a run.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 16) % bound
    }
}

/// (pipeline, class) and sequence.
pub type Key = (String, String, u64);

/// What the store was asked and what it promised.
#[derive(Debug, Clone, Default)]
pub struct Promises {
    /// Everything ever handed in. A sequence that was given up is given again.
    pub offered: BTreeMap<Key, BTreeSet<Bytes>>,
    /// What is durable: `commit` returned for it, and nothing waits for a sync.
    pub accepted: BTreeMap<Key, Bytes>,
    /// What was ended, and whether that is durable.
    pub ended: BTreeMap<Key, bool>,
    /// The newest memory of each source whose batch is durable.
    pub memories: BTreeMap<String, Bytes>,
    /// Batches that may be there or not, the oldest first.
    pub on_the_way: Vec<OnTheWay>,
    /// How often the run merged, how many records it shed, and how many batches were given up.
    pub merged: u64,
    pub shed: u64,
    pub given_up: u64,
}

/// A batch that is not known to be durable.
#[derive(Debug, Clone)]
pub struct OnTheWay {
    pub records: Vec<(Key, Bytes)>,
    /// Becomes durable with them.
    pub source: String,
    pub memory: Bytes,
    /// Its records were let go; what it remembers counts, with the next head.
    pub given_up: bool,
}

impl Promises {
    /// Looks what of it is durable by now.
    fn settle(&mut self, store: &Store) {
        if store.has_unsynced() {
            return;
        }
        let changed = store.has_pending();
        for batch in std::mem::take(&mut self.on_the_way) {
            if batch.given_up && changed {
                self.on_the_way.push(batch);
                continue;
            }
            if !batch.given_up {
                self.accepted.extend(batch.records);
            }
            self.memories.insert(batch.source, batch.memory);
        }
        if !changed {
            self.ended.values_mut().for_each(|durable| *durable = true);
        }
    }
}

pub const PIPELINES: [&str; 2] = ["press", "pump"];
pub const CLASSES: [&str; 2] = ["alarm", "result"];

pub fn options() -> StoreOptions {
    let class = |priority, order| ClassPolicy { priority, order, ..ClassPolicy::default() };
    StoreOptions {
        max_bytes: 44 << 10,
        min_free_bytes: 0,
        segment_bytes: 4096,
        durability: Durability::Sync,
        classes: BTreeMap::from([
            ("alarm".to_owned(), class(0, Order::NewestFirst)),
            ("result".to_owned(), class(5, Order::OldestFirst)),
        ]),
        ..StoreOptions::default()
    }
}

pub fn open(disk: &FaultyDisk, options: StoreOptions) -> (Store, Recovery) {
    let fresh = Fresh { store: *b"a-store.", epoch: *b"an-epoch" };
    Store::open(Arc::new(disk.clone()), options, fresh).unwrap()
}

/// Everything pending, by reading it.
pub fn pending(store: &Store) -> BTreeMap<Key, Bytes> {
    read_pending(store).unwrap()
}

fn read_pending(store: &Store) -> Result<BTreeMap<Key, Bytes>, ReadError> {
    let mut all = BTreeMap::new();
    for class in CLASSES.into_iter().chain(["input"]) {
        for order in [Order::OldestFirst, Order::NewestFirst] {
            let mut cursor = Cursor::new(store.disk(), store.shared(), store.id(), class, order);
            let mut seen = BTreeMap::new();
            while let Some(item) = cursor.next(&|_, _| false)? {
                let (pipeline, class) = name(store, item.lane);
                let twice = seen.insert((pipeline, class, item.sequence), item.payload);
                assert_eq!(twice, None, "{class} {} was read twice", item.sequence, class = item.lane);
            }
            if order == Order::NewestFirst {
                let other: BTreeMap<Key, Bytes> = all
                    .iter()
                    .filter(|(key, _): &(&Key, _)| key.1 == class)
                    .map(|(k, v): (&Key, &Bytes)| (k.clone(), v.clone()))
                    .collect();
                assert_eq!(seen, other, "both orders read the same");
            }
            all.extend(seen);
        }
    }
    Ok(all)
}

fn name(store: &Store, lane: u16) -> (String, String) {
    let shared = store.shared();
    let state = shared.state();
    let lane = &state.lanes[usize::from(lane)];
    (state.pipelines[usize::from(lane.pipeline)].name.clone(), lane.class.clone())
}

/// A run: about `steps` commits with ends, journaled inputs, sheds, merges and rotations between, as the
/// writer does it. When the disk fails and lives on, what failed is given up or kept for later.
pub struct Run {
    pub seed: u64,
    pub steps: u64,
    pub durability: Durability,
}

/// Looks at the store after a step; what is wrong ends the run.
pub type Look<'l> = &'l mut dyn FnMut(&Store, &Promises) -> Option<String>;

impl Run {
    pub fn options(&self) -> StoreOptions {
        StoreOptions { durability: self.durability, ..options() }
    }

    /// Until the end, the disk's death, or the first thing that is wrong, which is returned.
    pub fn on(&self, disk: &FaultyDisk, promises: &mut Promises, look: Look<'_>) -> Option<String> {
        let mut random = Random::new(self.seed);
        let (mut store, _) = open(disk, self.options());
        let mut inputs: Vec<(u16, u64)> = Vec::new();
        for step in 0..self.steps {
            store.tick(Moment { since_open_ms: step * 10, wall_ms: 1_700_000_000_000 + step as i64 * 10 });
            self.step(&mut store, step, &mut random, &mut inputs, disk, promises);
            if disk.is_dead() {
                return None;
            }
            promises.settle(&store);
            if let Some(wrong) = look(&store, promises) {
                return Some(format!("{wrong}\n  after step {step}"));
            }
        }
        None
    }

    /// What fails is left as the writer leaves it: tried again with what comes next.
    fn step(
        &self,
        store: &mut Store,
        step: u64,
        random: &mut Random,
        inputs: &mut Vec<(u16, u64)>,
        disk: &FaultyDisk,
        promises: &mut Promises,
    ) {
        let mut batch = Batch::default();
        for _ in 0..=random.below(4) {
            let pipeline = PIPELINES[random.below(2) as usize];
            let class = if random.below(5) == 0 { "alarm" } else { "result" };
            let bytes = 2 + random.below(900);
            let room = store.make_room(class, bytes);
            note_ended(store, promises);
            if !matches!(room, Ok(Room::Yes)) {
                continue;
            }
            // No two are the same.
            let mut payload: Vec<u8> = (0..bytes).map(|_| random.next() as u8).collect();
            (payload[0], payload[1]) = (step as u8, batch.records.len() as u8);
            let lane = store.lane(pipeline, class);
            batch.records.push((lane, Bytes::from(payload)).into());
            let units = UnitBooks { received: 1, scored: 1, ..UnitBooks::default() };
            batch.units.push((store.pipeline(pipeline), units));
        }
        if let (true, Some((lane, sequence))) = (random.below(3) == 0, inputs.first().copied()) {
            inputs.remove(0);
            batch.settled.push((lane, sequence));
            let pipeline = store.shared().state().lanes[usize::from(lane)].pipeline;
            batch.units.push((pipeline, UnitBooks { merged: 1, ..UnitBooks::default() }));
            if random.below(2) == 0 {
                promises.ended.insert(key(store, lane, sequence), false);
                batch.released.push((lane, sequence));
            }
        }
        let mut journaled = None;
        if random.below(3) == 0 {
            let pipeline = PIPELINES[random.below(2) as usize];
            let lane = store.input_lane(pipeline);
            batch.records.push((lane, Bytes::from(vec![step as u8; 60])).into());
            batch.arrived.push((store.pipeline(pipeline), 1));
            journaled = Some((lane, store.next_of(lane)));
        }
        let (source, memory) = (format!("source-{}", step % 3), Bytes::from(format!("after {step}")));
        if !batch.records.is_empty() {
            let press = store.pipeline("press");
            batch.memories.push((press, [1; 16], source.as_str().into(), Some(memory.clone())));
        }
        let records = keyed(store, &batch);
        for (key, payload) in &records {
            promises.offered.entry(key.clone()).or_default().insert(payload.clone());
        }
        if !batch.records.is_empty() {
            promises.on_the_way.push(OnTheWay { records, source, memory, given_up: false });
        }
        let mut written = store.commit(&batch);
        if written.is_err() && !disk.is_dead() && random.below(3) == 0 {
            // Some of it may not be shed: it is tried until it is written.
            for _ in 0..20 {
                store.withdraw();
                written = store.commit(&batch);
                if written.is_ok() || disk.is_dead() {
                    break;
                }
            }
        }
        if disk.is_dead() {
            return;
        }
        match written {
            Ok(_) => inputs.extend(journaled),
            Err(_) => {
                store.give_up();
                promises.given_up += 1;
                if let Some(last) = promises.on_the_way.last_mut().filter(|_| !batch.records.is_empty()) {
                    last.given_up = true;
                }
            }
        }
        promises.settle(store);
        if random.below(4) == 0 {
            deliver(store, random, promises);
        }
        if random.below(6) == 0 {
            let _ = store.flush_marks();
            promises.settle(store);
        }
        if random.below(5) == 0 {
            let _ = store.reclaim(false);
        }
        if random.below(9) == 0 {
            promises.merged += u64::from(store.merge().unwrap_or(false));
        }
        if matches!(self.durability, Durability::Interval(_)) && random.below(4) == 0 {
            let _ = store.sync();
        }
        let state = store.shared();
        let shed = |lane: &Lane| lane.books.ended(Fate::Shed);
        promises.shed = state.state().lanes.iter().map(shed).sum();
    }
}

/// The records of a batch with the sequences they get.
fn keyed(store: &Store, batch: &Batch) -> Vec<(Key, Bytes)> {
    let mut next: BTreeMap<u16, u64> = BTreeMap::new();
    let keyed = batch.records.iter().map(|Record { lane, payload, .. }| {
        let sequence = next.entry(*lane).or_insert_with(|| store.next_of(*lane));
        *sequence += 1;
        (key(store, *lane, *sequence - 1), payload.clone())
    });
    keyed.collect()
}

fn key(store: &Store, lane: u16, sequence: u64) -> Key {
    let (pipeline, class) = name(store, lane);
    (pipeline, class, sequence)
}

/// Records that the store itself has ended (shed).
fn note_ended(store: &Store, promises: &mut Promises) {
    let shared = store.shared();
    let state = shared.state();
    let on_the_way =
        promises.on_the_way.iter().filter(|batch| !batch.given_up).flat_map(|batch| &batch.records);
    let known = promises.accepted.keys().chain(on_the_way.map(|(key, _)| key));
    let known: BTreeSet<Key> = known.cloned().collect();
    for (pipeline, class, sequence) in known {
        let done = state
            .lane_of(&pipeline, &class)
            .is_some_and(|lane| state.lanes[usize::from(lane)].done.contains(sequence));
        if done {
            promises.ended.entry((pipeline, class, sequence)).or_insert(false);
        }
    }
}

fn deliver(store: &mut Store, random: &mut Random, promises: &mut Promises) {
    let class = CLASSES[random.below(2) as usize];
    let order = options().class(class).order;
    let mut cursor = Cursor::new(store.disk(), store.shared(), store.id(), class, order);
    for _ in 0..random.below(6) {
        let Some(item) = cursor.next(&|_, _| false).unwrap() else { return };
        promises.ended.insert(key(store, item.lane, item.sequence), false);
        store.end(item.lane, item.sequence..item.sequence + 1, Fate::Delivered);
    }
}

/// Holds a store that was opened after a crash against the promises. What is wrong, if anything.
pub fn broken_promise(store: &Store, recovery: &Recovery, promises: &Promises) -> Option<String> {
    if !recovery.damage.is_empty() {
        return Some(format!("damage: {:?}", recovery.damage));
    }
    let there = match read_pending(store) {
        Ok(there) => there,
        Err(error) => return Some(error.to_string()),
    };
    for (key, payload) in &there {
        if !promises.offered.get(key).is_some_and(|offered| offered.contains(payload)) {
            return Some(format!("{key:?} was never offered like this"));
        }
        if promises.ended.get(key) == Some(&true) {
            return Some(format!("{key:?} ended, and is pending again"));
        }
    }
    for (key, payload) in &promises.accepted {
        if there.get(key) != Some(payload) && !promises.ended.contains_key(key) {
            return Some(format!("{key:?} was accepted and is gone"));
        }
    }
    // A memory is that of the last outcome that is there, and of no later one.
    let mut memories: BTreeMap<&str, Vec<&Bytes>> =
        promises.memories.iter().map(|(source, memory)| (source.as_str(), vec![memory])).collect();
    for batch in &promises.on_the_way {
        let Some((key, payload)) = batch.records.last() else { continue };
        let ended = promises.ended.get(key);
        let is_there = there.get(key) == Some(payload) || ended == Some(&true);
        let allowed = memories.entry(&batch.source).or_default();
        if is_there {
            allowed.clear();
        }
        // An end that is not durable either may be there with it, or neither is.
        if is_there || batch.given_up || ended.is_some() {
            allowed.push(&batch.memory);
        }
    }
    let state = store.shared();
    let state = state.state();
    let press = state.pipelines.iter().find(|pipeline| pipeline.name == "press");
    let found: BTreeMap<&str, &Bytes> =
        press.map(|press| press.memories.by_age()).unwrap_or_default().into_iter().collect();
    let wrong = memories.iter().find(|(source, allowed)| match found.get(*source) {
        Some(memory) => !allowed.contains(memory),
        None => !allowed.is_empty() && promises.memories.contains_key(**source),
    });
    if let Some((source, allowed)) = wrong {
        return Some(format!("{source} has {:?}, should have one of {allowed:?}", found.get(source)));
    }
    drop(found);
    drop(state);
    unbalanced(store, &there)
}

/// Books that don't fit what is there.
pub fn unbalanced(store: &Store, there: &BTreeMap<Key, Bytes>) -> Option<String> {
    let shared = store.shared();
    let state = shared.state();
    for lane in &state.lanes {
        let pipeline = &state.pipelines[usize::from(lane.pipeline)];
        let here = there.keys().filter(|(p, c, _)| *p == pipeline.name && *c == lane.class).count() as u64;
        if lane.books.pending() != here {
            let (class, books) = (&lane.class, lane.books);
            return Some(format!(
                "{}/{class}: {here} records are pending, the books say {books:?}",
                pipeline.name
            ));
        }
        if lane.is_input() && pipeline.units.pending() != lane.unsettled() {
            let (units, waiting) = (&pipeline.units, lane.unsettled());
            return Some(format!("{}: {waiting} units wait, the books say {units:?}", pipeline.name));
        }
    }
    None
}
