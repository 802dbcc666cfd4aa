//! A run that does everything the store can, and remembers what was promised.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::Arc,
};

use bytes::Bytes;

use super::disk::FaultyDisk;
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
    /// Everything ever handed in.
    pub offered: BTreeMap<Key, Bytes>,
    /// What `commit` returned for.
    pub accepted: BTreeMap<Key, Bytes>,
    /// What was ended, and whether that was flushed since.
    pub ended: BTreeMap<Key, bool>,
    /// The newest memory of each source whose batch was accepted.
    pub memories: BTreeMap<String, Bytes>,
    /// A record of the batch on the way, and the memory that becomes durable with it.
    pub on_the_way: Option<(Key, String, Bytes)>,
    /// How often the run merged, and how many records it shed.
    pub merged: u64,
    pub shed: u64,
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

/// The run: about `steps` commits with ends, journaled inputs, sheds, merges and rotations between.
pub fn run(disk: &FaultyDisk, seed: u64, steps: u64, promises: &mut Promises) -> io::Result<()> {
    let mut random = Random::new(seed);
    let (mut store, _) = open(disk, options());
    let mut inputs: Vec<(u16, u64)> = Vec::new();
    for step in 0..steps {
        store.tick(Moment { since_open_ms: step * 10, wall_ms: 1_700_000_000_000 + step as i64 * 10 });
        let mut batch = Batch::default();
        let mut keys = Vec::new();
        for _ in 0..=random.below(4) {
            let pipeline = PIPELINES[random.below(2) as usize];
            let class = if random.below(5) == 0 { "alarm" } else { "result" };
            let bytes = random.below(900);
            let room = store.make_room(class, bytes);
            note_ended(&store, promises);
            if room? != Room::Yes {
                continue;
            }
            let payload: Vec<u8> = (0..bytes).map(|_| random.next() as u8).collect();
            let lane = store.lane(pipeline, class);
            batch.records.push((lane, Bytes::from(payload)).into());
            let units = UnitBooks { received: 1, scored: 1, ..UnitBooks::default() };
            batch.units.push((store.pipeline(pipeline), units));
            keys.push(lane);
        }
        if let (true, Some((lane, sequence))) = (random.below(3) == 0, inputs.first().copied()) {
            inputs.remove(0);
            store.settle(lane, sequence);
            let pipeline = store.shared().state().lanes[usize::from(lane)].pipeline;
            batch.units.push((pipeline, UnitBooks { merged: 1, ..UnitBooks::default() }));
            if random.below(2) == 0 {
                promises.ended.insert(key(&store, lane, sequence), false);
                store.end(lane, sequence..sequence + 1, Fate::Delivered);
            }
        }
        if random.below(3) == 0 {
            let pipeline = PIPELINES[random.below(2) as usize];
            let lane = store.input_lane(pipeline);
            batch.records.push((lane, Bytes::from(vec![step as u8; 60])).into());
            batch.units.push((store.pipeline(pipeline), UnitBooks { received: 1, ..UnitBooks::default() }));
            let next = store.shared().state().lanes[usize::from(lane)].next;
            inputs.push((lane, next));
        }
        let mut next: BTreeMap<u16, u64> = BTreeMap::new();
        let mut offered = Vec::new();
        for Record { lane, payload, .. } in &batch.records {
            let first = store.shared().state().lanes[usize::from(*lane)].next;
            let sequence = next.entry(*lane).or_insert(first);
            let key = key(&store, *lane, *sequence);
            *sequence += 1;
            promises.offered.insert(key.clone(), payload.clone());
            offered.push((key, payload.clone()));
        }
        let (source, memory) = (format!("source-{}", step % 3), Bytes::from(format!("after {step}")));
        if let Some((key, _)) = offered.last() {
            let press = store.pipeline("press");
            batch.memories.push((press, [1; 16], source.as_str().into(), Some(memory.clone())));
            promises.on_the_way = Some((key.clone(), source.clone(), memory.clone()));
        }
        store.commit(&batch)?;
        promises.memories.extend(promises.on_the_way.take().map(|(_, source, memory)| (source, memory)));
        flushed(promises);
        promises.accepted.extend(offered);
        if random.below(4) == 0 {
            deliver(&mut store, &mut random, promises);
        }
        if random.below(6) == 0 {
            store.flush_marks()?;
            flushed(promises);
        }
        if random.below(5) == 0 {
            store.reclaim(false)?;
        }
        if random.below(9) == 0 {
            promises.merged += u64::from(store.merge()?);
        }
        let state = store.shared();
        let shed = |lane: &Lane| lane.books.ended(Fate::Shed);
        promises.shed = state.state().lanes.iter().map(shed).sum();
    }
    Ok(())
}

fn key(store: &Store, lane: u16, sequence: u64) -> Key {
    let (pipeline, class) = name(store, lane);
    (pipeline, class, sequence)
}

fn flushed(promises: &mut Promises) {
    promises.ended.values_mut().for_each(|flushed| *flushed = true);
}

/// Records that the store itself has ended (shed).
fn note_ended(store: &Store, promises: &mut Promises) {
    let shared = store.shared();
    let state = shared.state();
    let accepted: BTreeSet<Key> = promises.accepted.keys().cloned().collect();
    for (pipeline, class, sequence) in accepted {
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
        if promises.offered.get(key) != Some(payload) {
            return Some(format!("{key:?} was never offered like this"));
        }
        if promises.ended.get(key) == Some(&true) {
            return Some(format!("{key:?} ended, and is pending again"));
        }
    }
    for key in promises.accepted.keys() {
        if !there.contains_key(key) && !promises.ended.contains_key(key) {
            return Some(format!("{key:?} was accepted and is gone"));
        }
    }
    // A memory is that of the last outcome that is there, and of no later one.
    let mut memories = promises.memories.clone();
    if let Some((key, source, memory)) = &promises.on_the_way
        && (there.contains_key(key) || promises.ended.contains_key(key))
    {
        memories.insert(source.clone(), memory.clone());
    }
    let state = store.shared();
    let state = state.state();
    let press = state.pipelines.iter().find(|pipeline| pipeline.name == "press");
    let found = press.map(|press| press.memories.by_age()).unwrap_or_default();
    let found: BTreeMap<String, Bytes> =
        found.into_iter().map(|(source, memory)| (source.to_owned(), memory.clone())).collect();
    drop(state);
    if found != memories {
        return Some(format!("memories are {found:?}, should be {memories:?}"));
    }
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
