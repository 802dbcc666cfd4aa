//! The pipeline of one offline run, and the order of its results.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    sync::{
        Mutex,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use super::{
    chunk::Chunk,
    job::{Job, OfflineError},
    reader,
    result::{ChunkResult, Reject},
    score::ChunkScorer,
};
use edgeward_core::domain::Reason;

/// How far a run is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    pub bytes: u64,
    pub rows: u64,
}

/// How a run went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    pub rows: u64,
    pub scored: u64,
    /// Taken into a window that they did not complete.
    pub merged: u64,
    pub rejected: BTreeMap<Reason, u64>,
    /// The first few rejected rows, in words.
    pub examples: Vec<String>,
}

/// How many rejected rows are kept for people to read.
const EXAMPLES: usize = 5;

/// Scores everything; results come in the order of the inputs. Memory does not depend on the
/// size of the inputs.
///
/// # Errors
/// [`OfflineError`]; what was written until then is whole rows.
pub fn run(
    job: &Job<'_>,
    out: &mut dyn Write,
    mut rejects: Option<&mut dyn Write>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Summary, OfflineError> {
    let threads = if job.model.plan.is_stateful() { 1 } else { job.threads.max(1) };
    thread::scope(|scope| {
        let (chunk_sender, chunks) = sync_channel::<Chunk>(threads);
        let (result_sender, results) = sync_channel(threads);
        let reading = scope.spawn(move || reader::read(job.inputs, job.max_payload_bytes, &chunk_sender));
        let chunks = std::sync::Arc::new(Mutex::new(chunks));
        for _ in 0..threads {
            let (chunks, results) = (chunks.clone(), result_sender.clone());
            scope.spawn(move || score(job, &chunks, &results));
        }
        // Ended here, the channels end when their threads do.
        drop((result_sender, chunks));
        let written = write(job, results, out, &mut rejects, progress);
        match reading.join() {
            Ok(read) => written.and_then(|summary| read.map(|()| summary)),
            Err(_) => Err(OfflineError::ThreadLost),
        }
    })
}

fn score(
    job: &Job<'_>,
    chunks: &Mutex<Receiver<Chunk>>,
    results: &SyncSender<Result<ChunkResult, OfflineError>>,
) {
    let mut scorer = ChunkScorer::new(job);
    loop {
        let chunk = chunks.lock().expect("not poisoned: receiving doesn't panic").recv();
        let Ok(chunk) = chunk else { return };
        if results.send(scorer.score(chunk)).is_err() {
            return;
        }
    }
}

/// Writes results in order. At most a few wait for an earlier one: the channels are bounded.
fn write(
    job: &Job<'_>,
    results: Receiver<Result<ChunkResult, OfflineError>>,
    out: &mut dyn Write,
    rejects: &mut Option<&mut dyn Write>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Summary, OfflineError> {
    let mut summary = Summary::default();
    let mut far = Progress::default();
    let mut waiting = BTreeMap::new();
    let mut next = 0;
    let mut headed: Option<String> = None;
    for result in results {
        let result = result?;
        waiting.insert(result.index, result);
        while let Some(result) = waiting.remove(&next) {
            next += 1;
            if let Some(header) = &result.header
                && headed.as_ref() != Some(header)
            {
                if headed.is_some() {
                    let detail =
                        "the results have other columns than the rows before; write JSON lines instead";
                    return Err(OfflineError::Write(io::Error::other(detail)));
                }
                writeln!(out, "{header}").map_err(OfflineError::Write)?;
                headed = Some(header.clone());
            }
            out.write_all(&result.text).map_err(OfflineError::Write)?;
            summary.rows += result.rows;
            summary.scored += result.scored;
            summary.merged += result.merged;
            for reject in &result.rejects {
                summary.reject(reject);
                if let Some(rejects) = rejects {
                    write_reject(reject, rejects).map_err(OfflineError::WriteRejects)?;
                }
                if job.strict {
                    out.flush().map_err(OfflineError::Write)?;
                    return Err(OfflineError::Strict(reject.to_string()));
                }
            }
            far.bytes += result.bytes;
            far.rows += result.rows;
            progress(far);
        }
    }
    out.flush().map_err(OfflineError::Write)?;
    if let Some(rejects) = rejects {
        rejects.flush().map_err(OfflineError::WriteRejects)?;
    }
    if waiting.is_empty() { Ok(summary) } else { Err(OfflineError::ThreadLost) }
}

impl Summary {
    fn reject(&mut self, reject: &Reject) {
        *self.rejected.entry(reject.rejection.reason).or_default() += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(reject.to_string());
        }
    }

    /// Rows that could not be scored, for all reasons.
    pub fn rejected_total(&self) -> u64 {
        self.rejected.values().sum()
    }
}

fn write_reject(reject: &Reject, out: &mut dyn Write) -> io::Result<()> {
    let line = serde_json::json!({
        "file": &*reject.file,
        "line": reject.line,
        "reason": reject.rejection.reason.name(),
        "detail": reject.rejection.detail,
    });
    writeln!(out, "{line}")
}
