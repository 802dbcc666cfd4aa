//! `edgeward queue ls`.

use console::style;
use serde::Serialize;

use super::folder;
use crate::cli::{
    Failure,
    place_args::OutboxArgs,
    text::{age, bytes, grouped, print, table},
};
use edgeward_core::crypto::hex;
use edgeward_outbox::tools::{Flow, Record, Select, Since, Snapshot, browse, id_of, rfc3339};

/// Which records, and how many.
pub struct Wanted {
    pub since: Option<Since>,
    pub oldest: bool,
    pub limit: u64,
}

/// A record as JSON shows it.
#[derive(Serialize)]
pub struct Line {
    pub pipeline: String,
    pub class: String,
    pub sequence: u64,
    pub epoch: String,
    /// When it was written, as the wall clock then was.
    pub written_at: Option<String>,
    pub age_secs: f64,
    pub bytes: usize,
    pub id: Option<String>,
}

impl From<&Record> for Line {
    fn from(record: &Record) -> Self {
        Line {
            pipeline: record.pipeline.to_string(),
            class: record.class.to_string(),
            sequence: record.sequence,
            epoch: hex(&record.epoch),
            written_at: record.wall_ms.and_then(rfc3339),
            age_secs: record.age.as_secs_f64(),
            bytes: record.payload.len(),
            id: id_of(&record.payload),
        }
    }
}

pub fn ls(outbox: &OutboxArgs, mut select: Select, wanted: &Wanted, json: bool) -> Result<(), Failure> {
    let place = folder(outbox)?;
    let snapshot = Snapshot::read(&place.dir).map_err(Failure::failed)?;
    select.check(&snapshot.state).map_err(Failure::failed)?;
    select.younger = wanted.since.map(|since| snapshot.clock().age_of(since));
    let limit = if wanted.limit == 0 { u64::MAX } else { wanted.limit };
    let mut listed = 0;
    let mut more = false;
    let mut rows = Vec::new();
    let mut stopped = Ok(());
    browse(&snapshot, &select, !wanted.oldest, &mut |record| {
        if listed == limit {
            more = true;
            return Ok(Flow::Break(()));
        }
        listed += 1;
        if !json {
            rows.push(row(&record));
            return Ok(Flow::Continue(()));
        }
        // One line at a time: all of a backlog does not have to fit into memory.
        stopped = serde_json::to_string(&Line::from(&record))
            .map_err(Failure::failed)
            .and_then(|line| print(&(line + "\n")));
        Ok(if stopped.is_ok() { Flow::Continue(()) } else { Flow::Break(()) })
    })
    .map_err(Failure::failed)?;
    stopped?;
    if json {
        return Ok(());
    }
    if rows.is_empty() {
        return print("nothing is pending\n");
    }
    let header = ["class", "pipeline", "sequence", "age", "bytes", "id"];
    let mut text = table(&header, 2, &rows);
    if more {
        let hint = format!("  the first {} of them; `--limit 0` lists all", grouped(listed));
        text += &format!("{}\n", style(hint).dim());
    }
    print(&text)
}

fn row(record: &Record) -> Vec<String> {
    vec![
        record.class.to_string(),
        record.pipeline.to_string(),
        record.sequence.to_string(),
        age(record.age),
        bytes(record.payload.len() as u64),
        id_of(&record.payload).unwrap_or_else(|| "-".into()),
    ]
}
