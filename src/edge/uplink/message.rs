//! A parcel as one MQTT message: a single result as it is, more as JSON lines, compressed if told to.

use std::io::Write;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};

use super::Parcel;
use crate::{config::UplinkTopic, edge::dialect::Dialect};

/// The message's topic, with what its first record says of itself where the dialect has a place for that.
pub(super) fn topic(template: &UplinkTopic, parcel: &Parcel, dialect: &dyn Dialect) -> String {
    let first = parcel.records.first();
    let payload = first.map_or(&[][..], |record| &record.payload);
    let source = if template.needs_source() { source_of(payload) } else { String::new() };
    let told = template.fill(&parcel.pipeline, &parcel.class, &source);
    dialect.departure(told.into(), first.and_then(|record| record.envelope.as_deref())).into_owned()
}

/// The message's payload.
pub(super) fn payload(parcel: &Parcel, gzip: bool) -> Bytes {
    let plain = match &parcel.records[..] {
        [single] => single.payload.clone(),
        records => {
            let mut lines = Vec::with_capacity(records.iter().map(|record| record.payload.len() + 1).sum());
            for record in records {
                lines.extend_from_slice(&record.payload);
                lines.push(b'\n');
            }
            lines.into()
        }
    };
    if !gzip {
        return plain;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    match encoder.write_all(&plain).and_then(|()| encoder.finish()) {
        Ok(packed) => packed.into(),
        // Writing to memory does not fail.
        Err(_) => plain,
    }
}

/// The source of a verdict; "none" where it has no name.
fn source_of(payload: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Verdict {
        source: Option<String>,
    }
    let verdict: Option<Verdict> = serde_json::from_slice(payload).ok();
    verdict.and_then(|verdict| verdict.source).unwrap_or_else(|| "none".into())
}
