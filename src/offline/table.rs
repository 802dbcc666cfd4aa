//! A verdict as a line of CSV: outputs and conditions in columns.

use edgeward_core::scoring::{OutputValue, Value, Verdict, write_output};

/// The header for verdicts shaped like `verdict`; outputs that vary are one cell each, as JSON.
pub(super) fn header(verdict: &Verdict, varying: &[bool]) -> String {
    let mut columns = vec!["file".to_owned(), "line".to_owned()];
    if verdict.source.is_some() {
        columns.push("source".into());
    }
    for ((name, value), varies) in verdict.outputs.iter().zip(varying) {
        match value {
            _ if *varies => columns.push(name.to_string()),
            // Objects are as many as there are: one cell, as JSON.
            OutputValue::One(_) | OutputValue::Objects(_) | OutputValue::Tensor { .. } => {
                columns.push(name.to_string());
            }
            OutputValue::Many(values) => columns.extend((0..values.len()).map(|i| format!("{name}.{i}"))),
            OutputValue::Text { .. } => {
                columns.extend([name.to_string(), format!("{name}.score")]);
            }
            OutputValue::Ranked(classes) | OutputValue::Best(classes) => {
                for rank in 1..=classes.len() {
                    columns.push(format!("{name}.{rank}"));
                    columns.push(format!("{name}.{rank}.probability"));
                }
            }
            OutputValue::Probabilities(classes) => {
                columns.extend(classes.iter().map(|(label, _)| format!("{name}.{label}")));
            }
        }
    }
    columns.extend(verdict.conditions.iter().map(|(name, _)| name.to_string()));
    if let Some(window) = &verdict.window {
        let span = window.span_json().map(|_| ["window.start", "window.end"]);
        columns.extend(span.into_iter().flatten().map(str::to_owned));
        columns.push("window.readings".into());
        columns.extend(window.gaps.map(|_| "window.gaps".to_owned()));
    }
    let mut out = Vec::new();
    for (i, column) in columns.iter().enumerate() {
        separate(i, &mut out);
        text(column, &mut out);
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Appends one line.
pub(super) fn line(file: &str, line: u64, verdict: &Verdict, varying: &[bool], out: &mut Vec<u8>) {
    text(file, out);
    out.push(b',');
    out.extend_from_slice(line.to_string().as_bytes());
    if let Some(source) = &verdict.source {
        out.push(b',');
        text(source, out);
    }
    for ((_, value), varies) in verdict.outputs.iter().zip(varying) {
        match value {
            _ if *varies => json_cell(value, out),
            OutputValue::One(value) => cell(value, out),
            OutputValue::Many(values) => values.iter().for_each(|value| cell(value, out)),
            OutputValue::Objects(_) | OutputValue::Tensor { .. } => json_cell(value, out),
            OutputValue::Text { text: read, score } => {
                out.push(b',');
                text(read, out);
                cell(&Value::F32(*score), out);
            }
            OutputValue::Ranked(classes) | OutputValue::Best(classes) => {
                for (label, p) in classes {
                    out.push(b',');
                    text(label, out);
                    cell(p, out);
                }
            }
            OutputValue::Probabilities(classes) => classes.iter().for_each(|(_, p)| cell(p, out)),
        }
    }
    for (_, holds) in &verdict.conditions {
        out.extend_from_slice(if *holds { b",true" } else { b",false" });
    }
    if let Some(window) = &verdict.window {
        let span = window.span_json().map(|(start, end)| [start, end]);
        let counts = [Some(window.readings), window.gaps].into_iter().flatten();
        for cell in span.into_iter().flatten().chain(counts.map(|count| count.to_string())) {
            out.push(b',');
            // A time as JSON: text in quotes, which a cell doesn't need.
            text(cell.trim_matches('"'), out);
        }
    }
    out.push(b'\n');
}

fn json_cell(value: &OutputValue, out: &mut Vec<u8>) {
    let mut json = Vec::new();
    write_output(value, &mut json);
    out.push(b',');
    text(&String::from_utf8_lossy(&json), out);
}

fn cell(value: &Value, out: &mut Vec<u8>) {
    out.push(b',');
    match value {
        Value::Text(label) => text(label, out),
        number => number.write_json(out),
    }
}

fn separate(i: usize, out: &mut Vec<u8>) {
    if i > 0 {
        out.push(b',');
    }
}

/// Quoted only where it has to be (RFC 4180).
fn text(text: &str, out: &mut Vec<u8>) {
    if text.contains(['"', ',', '\n', '\r']) {
        out.push(b'"');
        out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(text.as_bytes());
    }
}
