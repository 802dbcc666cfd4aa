//! `edgeward queue show`.

use std::io::{self, IsTerminal, Write};

use console::style;
use serde::Serialize;
use serde_json::{Value, json};

use super::{folder, ls::Line};
use crate::cli::{
    Failure,
    place_args::OutboxArgs,
    text::{age, print_json},
};
use edgeward_outbox::{
    Envelope,
    tools::{Snapshot, Wanted, show as find},
};

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    line: Line,
    /// It was delivered or let go, and is still on disk.
    ended: bool,
    payload: Value,
    /// What comes with the payload, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    envelope: Option<Value>,
}

fn described(envelope: &Envelope) -> Value {
    json!({
        "output": envelope.output,
        "content_type": envelope.content_type,
        "content_encoding": envelope.content_encoding,
        "properties": envelope.properties,
    })
}

pub fn show(
    outbox: &OutboxArgs,
    id: Option<String>,
    place: Option<((String, String), u64)>,
    json: bool,
) -> Result<(), Failure> {
    let folder = folder(outbox)?;
    let wanted = match (id, place) {
        (Some(id), _) => Wanted::Id(id.to_ascii_lowercase()),
        (None, Some(((class, pipeline), sequence))) => Wanted::Sequence { pipeline, class, sequence },
        (None, None) => return Err(Failure::failed("an id or a sequence is needed")),
    };
    let snapshot = Snapshot::read(&folder.dir).map_err(Failure::failed)?;
    let Some((record, ended)) = find(&snapshot, &wanted).map_err(Failure::failed)? else {
        let what = match &wanted {
            Wanted::Id(id) => format!("no record with id {id}"),
            Wanted::Sequence { pipeline, class, sequence } => {
                format!("no record {sequence} of {pipeline}/{class}")
            }
        };
        return Err(Failure::failed(format!("{what} is on disk in {}", folder.dir.display())));
    };
    if json {
        let payload = serde_json::from_slice(&record.payload)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&record.payload).into_owned()));
        let envelope = record.envelope.as_deref().map(described);
        return print_json(&Shown { line: Line::from(&record), ended, payload, envelope });
    }
    let end = if ended { ", has ended" } else { "" };
    let head =
        format!("{}/{} {}, {} old{end}", record.pipeline, record.class, record.sequence, age(record.age));
    eprintln!("{}", style(head).dim().for_stderr());
    let mut out = io::stdout().lock();
    out.write_all(&record.payload)?;
    if out.is_terminal() {
        out.write_all(b"\n")?;
    }
    Ok(())
}
