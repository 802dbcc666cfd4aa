//! Crash points: the power goes at every operation of a run, and what was not synced is found in
//! every way a disk may leave it: all lost, all kept, each single and paired deviation from both,
//! the rest by seed. A failure names seed, operation and outcome; `EDGEWARD_CRASH=seed:operation`
//! replays one point.

use std::io::ErrorKind;

use bytes::Bytes;

use super::workload::{Promises, Random, Run, broken_promise, open, options, pending, unbalanced};
use crate::store::{
    Batch,
    faulty_disk::{Choose, FaultyDisk},
};
use edgeward_core::domain::Durability;

const STEPS: u64 = 60;
const ROOM: u64 = 1 << 30;

/// What is found of one unsynced change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Lost,
    Kept,
    /// Its first sectors, in 64ths.
    Front(u64),
    /// Its last sectors.
    Back(u64),
    /// Some in the middle: written in another order.
    Middle(u64),
}

/// The outcome of a crash: a base, and what deviates from it.
#[derive(Debug, Clone)]
struct Outcome {
    base: Found,
    deviations: Vec<(usize, Found)>,
    at: usize,
}

impl Outcome {
    fn new(base: Found, deviations: Vec<(usize, Found)>) -> Self {
        Outcome { base, deviations, at: 0 }
    }

    fn next(&mut self) -> Found {
        let at = self.at;
        self.at += 1;
        self.deviations.iter().find(|(which, _)| *which == at).map_or(self.base, |(_, found)| *found)
    }
}

impl Choose for Outcome {
    fn name(&mut self) -> bool {
        // A name is there or not.
        !matches!(self.next(), Found::Lost | Found::Back(_))
    }

    fn sectors(&mut self, count: u64) -> (u64, u64) {
        match self.next() {
            Found::Lost => (0, 0),
            Found::Kept => (0, count),
            Found::Front(part) => (0, (count * part / 64).max(u64::from(count > 1))),
            Found::Back(part) => (count - (count * part / 64).max(u64::from(count > 1)), count),
            Found::Middle(part) => ((count * part / 128).min(count), (count * (part + 64) / 128).min(count)),
        }
    }
}

const DEVIATIONS: [Found; 6] =
    [Found::Lost, Found::Kept, Found::Front(1), Found::Front(40), Found::Back(20), Found::Middle(32)];

fn outcomes(choices: usize, random: &mut Random) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for base in [Found::Lost, Found::Kept] {
        outcomes.push(Outcome::new(base, Vec::new()));
        for one in 0..choices {
            for found in DEVIATIONS.into_iter().filter(|found| *found != base) {
                outcomes.push(Outcome::new(base, vec![(one, found)]));
            }
        }
        for one in 0..choices {
            for two in one + 1..choices {
                for found in DEVIATIONS.into_iter().filter(|found| *found != base) {
                    let other = DEVIATIONS[random.below(6) as usize];
                    outcomes.push(Outcome::new(base, vec![(one, found), (two, other)]));
                }
            }
        }
    }
    for _ in 0..4 {
        let any = (0..choices).map(|at| (at, DEVIATIONS[random.below(6) as usize])).collect();
        outcomes.push(Outcome::new(Found::Lost, any));
    }
    outcomes
}

/// How many points were tried, and the first broken promise.
fn crash_everywhere(
    seeds: std::ops::Range<u64>,
    durability: Durability,
    lying: bool,
) -> (u64, Option<String>) {
    let only: Option<(u64, u64)> = std::env::var("EDGEWARD_CRASH").ok().and_then(|text| {
        let (seed, operation) = text.split_once(':')?;
        Some((seed.parse().ok()?, operation.parse().ok()?))
    });
    let mut points = 0;
    for seed in only.map_or(seeds, |(seed, _)| seed..seed + 1) {
        let run = Run { seed, steps: STEPS, durability };
        let whole = FaultyDisk::new(ROOM);
        assert_eq!(run.on(&whole, &mut Promises::default(), &mut |_, _| None), None);
        for operation in 1..=whole.operations() {
            if only.is_some_and(|(_, only)| only != operation) {
                continue;
            }
            let disk = FaultyDisk::new(ROOM);
            disk.die_at(operation);
            if lying {
                disk.lie();
            }
            let mut promises = Promises::default();
            run.on(&disk, &mut promises, &mut |_, _| None);
            let mut random = Random::new(seed ^ operation);
            for outcome in outcomes(disk.open_choices(), &mut random) {
                points += 1;
                if let Some(broken) = after(&disk, &outcome, &promises) {
                    let point = format!("{durability:?}, seed {seed}, operation {operation}, {outcome:?}");
                    return (points, Some(format!("{broken}\n  at {point}")));
                }
            }
        }
    }
    (points, None)
}

/// The store after one crash: what is broken, now, after it went on, and after the next start.
fn after(disk: &FaultyDisk, outcome: &Outcome, promises: &Promises) -> Option<String> {
    let found = disk.crashed(&mut outcome.clone());
    let (mut store, recovery) = open(&found, options());
    if let Some(broken) = broken_promise(&store, &recovery, promises) {
        return Some(broken);
    }
    let before = pending(&store);
    let lane = store.lane("press", "alarm");
    let batch =
        Batch { records: vec![(lane, Bytes::from_static(b"after the crash")).into()], ..Batch::default() };
    if let Err(error) = store.commit(&batch) {
        return Some(format!("it does not go on: {error}"));
    }
    let (again, recovery) = open(&found, options());
    let mut after = pending(&again);
    let new = after.iter().find(|(_, payload)| *payload == "after the crash").map(|(key, _)| key.clone());
    let Some(new) = new else { return Some("the record after the crash is gone".into()) };
    after.remove(&new);
    if after != before || !recovery.damage.is_empty() {
        return Some(format!("the next start finds something else: {recovery:?}"));
    }
    None
}

/// How many runs; more of them find more.
fn seeds() -> u64 {
    std::env::var("EDGEWARD_CRASH_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(1)
}

#[test]
fn nothing_accepted_is_lost_at_any_crash_point() {
    let (points, broken) = crash_everywhere(0..seeds(), Durability::Sync, false);
    println!("{points} crash points");
    assert_eq!(broken, None);
    let least = if std::env::var_os("EDGEWARD_CRASH").is_some() { 1 } else { 1000 };
    assert!(points >= least, "only {points}: the run has shrunk, or has no such operation");
}

#[test]
fn the_proof_fails_when_syncs_do_nothing() {
    let (_, broken) = crash_everywhere(0..1, Durability::Sync, true);
    assert!(broken.is_some(), "crash points can't tell syncs from none");
}

const INTERVAL: Durability = Durability::Interval(std::time::Duration::from_millis(50));

/// What was synced is there; of the rest, the oldest part and nothing behind a gap.
#[test]
fn with_an_interval_what_was_synced_is_there_at_any_crash_point() {
    let (points, broken) = crash_everywhere(0..seeds(), INTERVAL, false);
    println!("{points} crash points");
    assert_eq!(broken, None);
    assert!(points >= 1000, "only {points}");
}

/// Operations in a row that fail, and what each says.
const FAULTS: [&[ErrorKind]; 8] = {
    const FULL: ErrorKind = ErrorKind::StorageFull;
    const BROKEN: ErrorKind = ErrorKind::Other;
    [
        &[BROKEN],
        &[FULL],
        &[BROKEN, BROKEN],
        &[FULL, FULL],
        &[BROKEN, FULL],
        &[FULL, BROKEN],
        &[BROKEN, BROKEN, BROKEN, BROKEN],
        &[BROKEN, FULL, FULL, FULL],
    ]
};

/// The disk fails some operations in a row, at every place of a run, and lives on; after each step a kill, a power
/// cut that takes all that was not synced, and two that take some of it.
fn faults_everywhere(seed: u64, durability: Durability) -> (u64, u64, Option<String>) {
    let (mut points, mut given_up) = (0, 0);
    let run = Run { seed, steps: 30, durability };
    let whole = FaultyDisk::new(ROOM);
    assert_eq!(run.on(&whole, &mut Promises::default(), &mut |_, _| None), None);
    for operation in 1..=whole.operations() {
        for (at, faults) in (1..).zip(FAULTS) {
            let disk = FaultyDisk::new(ROOM);
            disk.fail_with(operation, faults.to_vec());
            let mut promises = Promises::default();
            let mut random = Random::new(operation * 8 + at);
            let mut looks = 0;
            let wrong = run.on(&disk, &mut promises, &mut |store, promises| {
                if disk.operations() < operation || looks > 3 {
                    return None;
                }
                looks += 1;
                if !store.has_unsynced()
                    && let Some(wrong) = unbalanced(store, &pending(store))
                {
                    return Some(format!("it runs on: {wrong}"));
                }
                let some = |random: &mut Random| {
                    let any = |at| (at, DEVIATIONS[random.below(6) as usize]);
                    (0..disk.open_choices()).map(any).collect()
                };
                let outcomes = [
                    Outcome::new(Found::Kept, Vec::new()),
                    Outcome::new(Found::Lost, Vec::new()),
                    Outcome::new(Found::Lost, some(&mut random)),
                    Outcome::new(Found::Kept, some(&mut random)),
                ];
                // Without syncs only a kill leaves anything to hold the store to.
                let of_interest = if durability == Durability::None { 1 } else { outcomes.len() };
                outcomes.iter().take(of_interest).find_map(|outcome| {
                    points += 1;
                    let broken = after(&disk, outcome, promises)?;
                    Some(format!("{broken}\n  {outcome:?}"))
                })
            });
            given_up += promises.given_up;
            if let Some(wrong) = wrong {
                let place = format!("{durability:?}, seed {seed}, {faults:?} from operation {operation}");
                return (points, given_up, Some(format!("{wrong}\n  {place}")));
            }
        }
    }
    (points, given_up, None)
}

#[test]
fn faults_in_a_row_cost_only_what_was_given_up() {
    for (seed, durability) in (7..7 + seeds())
        .flat_map(|seed| [Durability::Sync, INTERVAL, Durability::None].map(|durability| (seed, durability)))
    {
        let (points, given_up, wrong) = faults_everywhere(seed, durability);
        println!("{durability:?}, seed {seed}: {points} points, {given_up} batches given up");
        assert_eq!(wrong, None);
        assert!(points > 1000 && given_up > 50, "the run has shrunk: {points} points, {given_up} given up");
    }
}
