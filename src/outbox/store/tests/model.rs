//! The store against a simple model: a run without crashes, with starts in between.

use super::workload::{Promises, Run, broken_promise, open, options};
use crate::store::faulty_disk::FaultyDisk;
use edgeward_core::domain::Durability;

#[test]
fn it_holds_what_a_simple_model_holds() {
    let (mut merged, mut shed) = (0, 0);
    for seed in 100..140 {
        let disk = FaultyDisk::new(1 << 30);
        let mut promises = Promises::default();
        let run = Run { seed, steps: 150, durability: Durability::Sync };
        assert_eq!(run.on(&disk, &mut promises, &mut |_, _| None), None);
        let (store, recovery) = open(&disk, options());
        assert_eq!(recovery.torn_bytes, 0);
        assert_eq!(broken_promise(&store, &recovery, &promises), None, "seed {seed}");
        (merged, shed) = (merged + promises.merged, shed + promises.shed);
        let (used, max) = (disk.used_bytes(), options().max_bytes);
        assert!(used <= max, "seed {seed}: {used} bytes of {max}");
    }
    assert!(merged > 10 && shed > 100, "merged {merged}, shed {shed}: the run does not do everything");
}
