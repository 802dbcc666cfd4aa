//! The verdict's JSON as it goes out: schema 1, documented in `docs/verdicts.md`.

use std::time::{Duration, SystemTime};

use super::verdict::{Verdict, json};
use crate::domain::{InputId, Rejection};

/// The version of the verdict's JSON. Fields are only added.
pub const VERDICT_SCHEMA: u32 = 1;

/// Which model made a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelIdentity {
    pub name: String,
    pub version: String,
    /// SHA-256 in hexadecimal: of the bundle, or of a bare `.onnx`.
    pub digest: String,
}

/// Writes a pipeline's verdicts; the parts that never change are rendered once.
#[derive(Debug, Clone)]
pub struct Encoder {
    head: Vec<u8>,
}

/// The times of one verdict.
#[derive(Debug, Clone, Copy)]
pub struct Stamp {
    pub scored_at: SystemTime,
    /// From the message's arrival to the verdict.
    pub latency: Duration,
}

impl Encoder {
    pub fn new(pipeline: &str, model: &ModelIdentity) -> Self {
        let mut head = Vec::new();
        head.extend_from_slice(b"\"pipeline\":");
        json(pipeline, &mut head);
        for (key, value) in [
            (",\"model\":{\"name\":", &model.name),
            (",\"version\":", &model.version),
            (",\"digest\":", &model.digest),
        ] {
            head.extend_from_slice(key.as_bytes());
            json(value, &mut head);
        }
        head.push(b'}');
        Encoder { head }
    }

    /// Appends the verdict's JSON to `out`.
    pub fn verdict(&self, verdict: &Verdict, stamp: Stamp, out: &mut Vec<u8>) {
        self.begin(&verdict.id.to_string(), &verdict.input_id, out);
        if let Some(source) = &verdict.source {
            out.extend_from_slice(b",\"source\":");
            json(&**source, out);
        }
        if let Some(time) = &verdict.time {
            out.extend_from_slice(b",\"time\":");
            out.extend_from_slice(time.as_bytes());
        }
        out.extend_from_slice(b",\"scored_at\":\"");
        let scored_at = humantime::format_rfc3339_micros(stamp.scored_at);
        out.extend_from_slice(scored_at.to_string().as_bytes());
        out.extend_from_slice(b"\",\"latency_us\":");
        json(&u64::try_from(stamp.latency.as_micros()).unwrap_or(u64::MAX), out);
        out.push(b',');
        verdict.write_results(out);
        if let Some(copied) = &verdict.copied {
            out.extend_from_slice(b",\"input\":");
            out.extend_from_slice(copied.as_bytes());
        }
        out.push(b'}');
    }

    /// Appends the JSON of a rejection, for the error topic.
    pub fn rejection(
        &self,
        rejection: &Rejection,
        input_id: &InputId,
        topic: &str,
        scored_at: SystemTime,
        out: &mut Vec<u8>,
    ) {
        out.extend_from_slice(b"{\"schema\":1,\"input_id\":");
        write_input_id(input_id, out);
        out.push(b',');
        out.extend_from_slice(&self.head);
        out.extend_from_slice(b",\"topic\":");
        json(topic, out);
        out.extend_from_slice(b",\"rejected_at\":");
        json(&humantime::format_rfc3339_micros(scored_at).to_string(), out);
        out.extend_from_slice(b",\"reason\":");
        json(rejection.reason.name(), out);
        out.extend_from_slice(b",\"detail\":");
        json(&rejection.detail, out);
        out.push(b'}');
    }

    fn begin(&self, id: &str, input_id: &InputId, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"schema\":");
        json(&VERDICT_SCHEMA, out);
        out.extend_from_slice(b",\"id\":\"");
        out.extend_from_slice(id.as_bytes());
        out.extend_from_slice(b"\",\"input_id\":");
        write_input_id(input_id, out);
        out.push(b',');
        out.extend_from_slice(&self.head);
    }
}

fn write_input_id(id: &InputId, out: &mut Vec<u8>) {
    match id {
        InputId::Own(id) => json(id, out),
        counted @ InputId::Counted { .. } => json(&counted.to_string(), out),
    }
}
