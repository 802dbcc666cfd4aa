//! Reading inputs into chunks.

use std::{
    fs::File,
    io::{self, Read},
    sync::{Arc, mpsc::SyncSender},
};

use super::{
    InputKind, InputSpec,
    chunk::{Chunk, Header, Lines, Rows, last_row_end, row_end},
    job::OfflineError,
};

/// Bytes read at once; a chunk is that long, or one row if that is longer.
const CHUNK_BYTES: usize = 256 << 10;
/// Longest row: what is longer is not a row but a wrong format.
const MAX_ROW_BYTES: usize = 256 << 20;

/// Reads every input and sends its chunks; ends early when nobody takes them any more.
pub(super) fn read(
    inputs: &[InputSpec],
    max_payload_bytes: u64,
    chunks: &SyncSender<Chunk>,
) -> Result<(), OfflineError> {
    let mut index = 0;
    let mut send = |rows: Rows, bytes: usize| {
        let chunk = Chunk { index, rows, bytes: bytes as u64 };
        index += 1;
        chunks.send(chunk).is_ok()
    };
    for input in inputs {
        let name = input.name();
        let failed = |source| OfflineError::Read { file: name.clone(), source };
        let source: Box<dyn Read> = match &input.path {
            Some(path) => Box::new(File::open(path).map_err(failed)?),
            None => Box::new(io::stdin()),
        };
        let goes_on = match input.kind {
            InputKind::Whole => {
                let mut payload = Vec::new();
                // One byte more than is accepted: enough to see that it is too much.
                source.take(max_payload_bytes + 1).read_to_end(&mut payload).map_err(failed)?;
                let bytes = payload.len();
                send(Rows::Whole { file: name.as_str().into(), payload }, bytes)
            }
            InputKind::Jsonl | InputKind::Csv => lines(source, input.kind, &name, &mut send)?,
        };
        if !goes_on {
            return Ok(());
        }
    }
    Ok(())
}

fn lines(
    mut source: Box<dyn Read>,
    kind: InputKind,
    name: &str,
    send: &mut dyn FnMut(Rows, usize) -> bool,
) -> Result<bool, OfflineError> {
    let failed = |source| OfflineError::Read { file: name.to_owned(), source };
    let file: Arc<str> = name.into();
    let quoted = kind == InputKind::Csv;
    let mut header = None;
    let mut line = 1;
    let mut text = Vec::with_capacity(CHUNK_BYTES);
    let mut first = true;
    loop {
        let before = text.len();
        let read = source.by_ref().take(CHUNK_BYTES as u64).read_to_end(&mut text).map_err(failed)?;
        let last = read < CHUNK_BYTES;
        if std::mem::take(&mut first) && text.starts_with(b"\xef\xbb\xbf") {
            // Spreadsheets begin their files with a byte order mark.
            text.drain(..3);
        }
        let mut end = if last { text.len() } else { last_row_end(&text, quoted) };
        if end == 0 && !last {
            if text.len() > MAX_ROW_BYTES {
                return Err(OfflineError::RowTooLong { file: name.to_owned(), line });
            }
            continue;
        }
        if quoted && header.is_none() && end > 0 {
            let header_end = row_end(&text, true).map_or(text.len(), |at| at + 1);
            header = Some(Arc::new(parse_header(&text[..header_end], name)?));
            line += text[..header_end].iter().filter(|&&b| b == b'\n').count() as u64;
            text.drain(..header_end);
            end -= header_end.min(end);
        }
        let rest = text.split_off(end);
        let rows = std::mem::replace(&mut text, rest);
        let count = rows.iter().filter(|&&b| b == b'\n').count() as u64;
        let bytes = rows.len().max(before.min(1));
        if !rows.is_empty() {
            let lines = Lines { file: file.clone(), first_line: line, text: rows, header: header.clone() };
            if !send(Rows::Lines(lines), bytes) {
                return Ok(false);
            }
        }
        line += count;
        if last {
            return Ok(true);
        }
    }
}

fn parse_header(text: &[u8], name: &str) -> Result<Header, OfflineError> {
    let first = text.split(|&b| b == b'\n').next().unwrap_or_default();
    // The separator that the header has most of.
    let delimiter = [b',', b';', b'\t']
        .into_iter()
        .max_by_key(|d| (first.iter().filter(|b| *b == d).count(), *d == b','))
        .unwrap_or(b',');
    let bad = |detail: String| OfflineError::Header { file: name.to_owned(), detail };
    let mut reader = csv::ReaderBuilder::new().has_headers(false).delimiter(delimiter).from_reader(text);
    let record = reader.records().next().ok_or_else(|| bad("it is empty".into()))?;
    let record = record.map_err(|error| bad(error.to_string()))?;
    let columns: Vec<String> = record.iter().map(|column| column.trim().to_owned()).collect();
    if let Some(twice) = columns.iter().enumerate().find(|(i, c)| columns[..*i].contains(c)) {
        return Err(bad(format!("column `{}` stands twice", twice.1)));
    }
    Ok(Header { columns, delimiter })
}
