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

/// What receivers read for ever: `tests/golden/stored/verdict-1.jsonl`, a line a shape.
#[cfg(test)]
mod tests {
    use std::{fs, path::Path, sync::Arc};

    use super::*;
    use crate::{
        domain::{Epoch, Reason, ResultId},
        scoring::{
            time::TimeForm,
            verdict::{Object, OutputValue, Value, WindowNote, WindowSpan},
        },
    };

    fn verdict() -> Verdict {
        let (label, one) = (Arc::from("cat"), OutputValue::One(Value::F32(0.1)));
        let object = Object { label, score: 0.5, corners: [1.0, 2.0, 3.5, 4.0] };
        let ranked = vec![(Arc::from("ok"), Value::F64(0.75)), (Arc::from("worn"), Value::F64(0.25))];
        let outputs = [
            ("score", one),
            ("count", OutputValue::Many(vec![Value::Integer(-3), Value::Unsigned(4), Value::Bool(true)])),
            ("state", OutputValue::Probabilities(ranked.clone())),
            ("first", OutputValue::Ranked(ranked.clone())),
            ("best", OutputValue::Best(ranked)),
            ("objects", OutputValue::Objects(vec![object])),
            ("text", OutputValue::Text { text: "A \"1\"".into(), score: 0.9 }),
        ];
        Verdict {
            id: ResultId([7; 16]),
            input_id: InputId::Own("reading-1".into()),
            reading: 2,
            source: Some("press-1".into()),
            time: Some("\"2026-01-02T03:04:05Z\"".into()),
            outputs: outputs.into_iter().map(|(name, value)| (name.into(), value)).collect(),
            conditions: vec![("hot".into(), true), ("cold".into(), false)],
            copied: Some("{\"batch\":5}".into()),
            window: Some(WindowNote {
                span: Some(WindowSpan { begin_ns: 0, end_ns: 10_000_000_000, form: TimeForm::default() }),
                readings: 9,
                gaps: Some(1),
            }),
        }
    }

    #[test]
    fn verdicts_of_schema_1_are_what_they_were() {
        let identity = ModelIdentity { name: "m".into(), version: "1.2".into(), digest: "00ff".into() };
        let encoder = Encoder::new("press", &identity);
        let at = SystemTime::UNIX_EPOCH + Duration::from_micros(1_767_323_045_000_001);
        let stamp = Stamp { scored_at: at, latency: Duration::from_micros(1234) };
        let counted = InputId::Counted { device: "gw".into(), epoch: Epoch([1; 8]), sequence: 42 };
        let mut lines = Vec::new();
        encoder.verdict(&verdict(), stamp, &mut lines);
        lines.push(b'\n');
        let (source, time, copied, window) = (None, None, None, None);
        let outputs = vec![("score".into(), OutputValue::One(Value::Text("ok".into())))];
        let conditions = Vec::new();
        let (id, input_id) = (ResultId([8; 16]), counted.clone());
        let least = Verdict { id, input_id, reading: 0, source, time, outputs, conditions, copied, window };
        encoder.verdict(&least, stamp, &mut lines);
        lines.push(b'\n');
        let tensor = OutputValue::Tensor { shape: vec![1, 2], data: vec![Value::F32(0.5), Value::F32(-1.0)] };
        let outputs = vec![("table".into(), tensor)];
        encoder.verdict(&Verdict { outputs, ..least }, stamp, &mut lines);
        lines.push(b'\n');
        let rejection = Rejection::new(Reason::MissingField, "`x` is null");
        encoder.rejection(&rejection, &counted, "in/a", at, &mut lines);
        lines.push(b'\n');
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/stored/verdict-1.jsonl");
        if let Some(folder) = std::env::var_os("EDGEWARD_MAKE_GOLDEN") {
            fs::write(Path::new(&folder).join("verdict-1.jsonl"), &lines).unwrap();
        }
        let golden = fs::read_to_string(file).unwrap();
        assert_eq!(String::from_utf8(lines).unwrap(), golden);
    }
}
