//! What the fuzz targets in `tests/fuzz/` call: bytes in, no panic, and what was opened can be gone on with.
//! Compiled for them and for the test that runs what they have found.
//!
//! Checksums keep a fuzzer out, so they are made right after its changes: what is tried is what a program with a
//! fault, or somebody with bad intent, may have written. The first byte says whether.

use std::{fs, path::Path, sync::Arc};

use bytes::Bytes;
use edgeward_core::crypto::Sha256;

use crate::{
    audit,
    store::{
        Batch, Fresh, INPUT_CLASS, Store, StoreOptions,
        cursor::{Cursor, ReadError},
        faulty_disk::FaultyDisk,
        read_outbox, reseal_segment,
    },
    stored::Format,
    tools,
};
use edgeward_core::domain::Order;

/// A segment's or a backlog's file begins with it; several files are told apart by it.
const MAGIC: &[u8] = b"edgeward";

/// A folder of segments, one behind the other: opened, audited, read, gone on with and opened again.
pub fn segments(bytes: &[u8]) {
    let Some((sort, rest)) = bytes.split_first() else { return };
    let disk = FaultyDisk::new(1 << 40);
    for file in split(rest) {
        let mut file = file.to_vec();
        if sort & 1 == 1 {
            reseal_segment(&mut file);
        }
        disk.put(&name_of(&file), file);
    }
    let opening = || {
        let fresh = Fresh { store: *b"a-store.", epoch: *b"an-epoch" };
        Store::open(Arc::new(disk.clone()), StoreOptions::default(), fresh)
    };
    let _ = read_outbox(&disk);
    let _ = audit::look_once(Arc::new(disk.clone()), Path::new("fuzzed"));
    let Ok((mut store, _)) = opening() else { return };
    let classes: Vec<String> = {
        let shared = store.shared();
        let state = shared.state();
        state.lanes.iter().map(|lane| lane.class.clone()).collect()
    };
    for class in classes {
        read(&mut store, &class);
    }
    let lane = store.lane("fuzzed", "result");
    let record = Bytes::from_static(b"written after all that");
    let batch = Batch { records: vec![(lane, record.clone()).into()], ..Batch::default() };
    store.commit(&batch).expect("the disk takes it");
    store.flush_marks().expect("the disk takes it");
    drop(store);
    let (store, recovery) = opening().expect("what was opened once opens again");
    assert!(recovery.damage.is_empty(), "what was damaged is said once: {recovery:?}");
    let mut cursor = Cursor::new(store.disk(), store.shared(), store.id(), "result", Order::NewestFirst);
    let newest = std::iter::from_fn(|| cursor.next(&|_, _| false).ok().flatten());
    assert!(newest.into_iter().any(|item| item.payload == record), "what was written is there");
}

/// Reads a class; what can't be read is set aside, as the writer does it.
fn read(store: &mut Store, class: &str) {
    let mut cursor = Cursor::new(store.disk(), store.shared(), store.id(), class, Order::OldestFirst);
    for _ in 0..1000 {
        match cursor.next(&|_, _| false) {
            Ok(Some(item)) if class == INPUT_CLASS => {
                let formats = [Format::One, Format::Two];
                formats.iter().for_each(|format| drop(format.read_entry(&item.payload)));
            }
            Ok(Some(_)) => {}
            Ok(None) => return,
            Err(ReadError::Damaged { file, .. }) => {
                store.set_aside(file).expect("the disk takes it");
                cursor = Cursor::new(store.disk(), store.shared(), store.id(), class, Order::OldestFirst);
            }
            Err(_) => return,
        }
    }
}

/// The name a segment's file has, by its head's number; a merged one does not begin with a state.
fn name_of(file: &[u8]) -> String {
    let number =
        file.get(20..28).map_or(1, |bytes| u64::from_le_bytes(bytes.try_into().expect("eight bytes")));
    let begins_with_state = file.get(40).is_none_or(|flags| flags & 2 != 0);
    format!("{}-{number:016x}", if begins_with_state { "segment" } else { "merged" })
}

/// Each begins with [`MAGIC`]; what stands before the first is a file of its own.
fn split(bytes: &[u8]) -> Vec<&[u8]> {
    let begins = (1..bytes.len()).filter(|at| bytes[*at..].starts_with(MAGIC));
    let mut begins: Vec<usize> = std::iter::once(0).chain(begins).take(8).collect();
    begins.push(bytes.len());
    begins.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).filter(|file| !file.is_empty()).collect()
}

/// A carried backlog: verified, and read as an import reads it.
pub fn backlog(bytes: &[u8]) {
    let Some((sort, rest)) = bytes.split_first() else { return };
    let mut file = rest.to_vec();
    if sort & 1 == 1 {
        reseal_backlog(&mut file);
    }
    let path = std::env::temp_dir().join(format!("edgeward-fuzz-{}", std::process::id()));
    fs::write(&path, &file).expect("the system's folder for such files takes it");
    let _ = tools::read_backlog(&path);
    let _ = fs::remove_file(&path);
}

/// Makes the checksums of its blocks and its hash right, as far as it has blocks.
fn reseal_backlog(file: &mut [u8]) {
    const HEAD_BYTES: usize = 28;
    const HASH_BYTES: usize = 32;
    let Some(hashed) = file.len().checked_sub(HASH_BYTES).filter(|hashed| *hashed >= HEAD_BYTES) else {
        return;
    };
    let mut at = HEAD_BYTES;
    while let Some(head) = file[..hashed].get(at..at + 12) {
        let packed = u32::from_le_bytes(head[4..8].try_into().expect("four bytes")) as usize;
        let Some(body) = file[..hashed].get(at + 12..at + 12 + packed) else { break };
        let crc = crc32fast::hash(body).to_le_bytes();
        file[at + 8..at + 12].copy_from_slice(&crc);
        at += 12 + packed;
    }
    let mut hasher = Sha256::default();
    hasher.update(&file[..hashed]);
    let hash = hasher.finish();
    file[hashed..].copy_from_slice(&hash);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(folder: &str) -> Vec<Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder);
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut paths: Vec<_> = entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
        paths.sort();
        paths.into_iter().map(|path| fs::read(path).unwrap()).collect()
    }

    /// What the targets have found stays mended: `tests/fuzz/findings/segments-*.bin`, `backlog-*.bin`.
    #[test]
    fn findings_stay_mended() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/findings");
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let bytes = fs::read(entry.path()).unwrap();
            let name = entry.file_name();
            match name.to_string_lossy().split('-').next() {
                Some("segments") => segments(&bytes),
                Some("backlog") => backlog(&bytes),
                _ => {}
            }
        }
    }

    /// What the targets do is what they say: golden files pass through them, as they are and flipped.
    #[test]
    fn golden_files_and_their_flips_go_through() {
        let mut tried = 0;
        for format in ["format-1", "format-2"] {
            let segments_of = files(&format!("tests/golden/stored/{format}/outbox")).concat();
            let backlogs = files(&format!("tests/golden/stored/{format}"));
            let backlogs = backlogs.into_iter().filter(|file| file.starts_with(b"edgeward-backlog"));
            let all = backlogs.map(|file| (backlog as fn(&[u8]), file));
            for (target, file) in all.chain([(segments as fn(&[u8]), segments_of)]) {
                for sort in 0..2 {
                    let mut bytes = vec![sort];
                    bytes.extend_from_slice(&file);
                    target(&bytes);
                    for at in (1..bytes.len()).step_by(11) {
                        let mut flipped = bytes.clone();
                        flipped[at] ^= 1 << (at % 8);
                        target(&flipped);
                        tried += 1;
                    }
                }
            }
        }
        assert!(tried > 100, "only {tried}: where are the golden files?");
    }
}
