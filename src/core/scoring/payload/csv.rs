//! CSV payloads: each line a reading, the cells named by `columns` or by their number.

use super::{ArrayState, Layout, Rows, Scalar};
use crate::{
    domain::{Reason, Rejection},
    scoring::declared::FieldPath,
};

pub struct CsvReader {
    delimiter: u8,
    /// Scalar slot -> column.
    scalars: Vec<Option<usize>>,
    /// The whole line is wanted as an array in this slot, but for the columns wanted otherwise.
    arrays: usize,
    /// Copy slot -> column and its name.
    copies: Vec<Option<usize>>,
    columns: Vec<String>,
    /// Kept for its buffer.
    cells: Vec<(usize, usize)>,
}

impl CsvReader {
    pub fn new(layout: &Layout) -> Self {
        let columns = &layout.payload.columns;
        let column = |path: &FieldPath| column_of(columns, path);
        CsvReader {
            delimiter: layout.payload.delimiter.unwrap_or(b','),
            scalars: layout.scalars.iter().map(column).collect(),
            arrays: layout.arrays.len(),
            copies: layout.copies.iter().map(column).collect(),
            columns: columns.clone(),
            cells: Vec::new(),
        }
    }

    pub fn read(&mut self, payload: &[u8], rows: &mut Rows) -> Result<(), Rejection> {
        if payload.contains(&b'"') {
            self.read_quoted(payload, rows)?;
        } else {
            let mut cells = std::mem::take(&mut self.cells);
            let mut next = 0;
            let read = payload.split(|&b| b == b'\n').try_for_each(|line| {
                let mut start = next;
                next += line.len() + 1;
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                if line.is_empty() {
                    return Ok(());
                }
                cells.clear();
                for cell in line.split(|&b| b == self.delimiter) {
                    cells.push((start, start + cell.len()));
                    start += cell.len() + 1;
                }
                self.read_record(&Record::Plain(payload, &cells), rows)
            });
            self.cells = cells;
            read?;
        }
        if rows.as_slice().is_empty() {
            return Err(malformed("the payload is empty"));
        }
        Ok(())
    }

    /// Quotes need the whole of RFC 4180: the csv crate has it.
    fn read_quoted(&mut self, payload: &[u8], rows: &mut Rows) -> Result<(), Rejection> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(self.delimiter)
            .from_reader(payload);
        let mut record = csv::ByteRecord::new();
        while reader.read_byte_record(&mut record).map_err(|e| malformed(&e.to_string()))? {
            self.read_record(&Record::Quoted(&record), rows)?;
        }
        Ok(())
    }

    fn read_record(&self, record: &Record<'_>, rows: &mut Rows) -> Result<(), Rejection> {
        if !self.columns.is_empty() && record.len() != self.columns.len() {
            let detail =
                format!("the line has {} cells, there are {} columns", record.len(), self.columns.len());
            return Err(Rejection::new(Reason::WrongLength, detail));
        }
        let row = rows.push();
        for (slot, column) in self.scalars.iter().enumerate() {
            if let Some(cell) = column.and_then(|column| record.get(column)) {
                row.scalars[slot] = parse_cell(cell)?;
            }
        }
        for (slot, column) in self.copies.iter().enumerate() {
            row.copies[slot] = match column {
                Some(column) => record.get(*column).map(copy_cell),
                None => Some(serde_json::Value::Array(record.iter().map(copy_cell).collect())),
            };
        }
        for array in row.arrays.iter_mut().take(self.arrays) {
            array.state = ArrayState::Numbers;
            for (index, cell) in record.iter().enumerate() {
                if self.scalars.contains(&Some(index)) {
                    continue;
                }
                match parse_cell(cell)? {
                    Scalar::Integer(i) => array.values.push(i as f64),
                    Scalar::Float(x) => array.values.push(x),
                    other => {
                        array.state = ArrayState::Wrong { index: Some(index), kind: other.kind() };
                        break;
                    }
                }
            }
        }
        Ok(())
    }
}

/// One line's cells.
enum Record<'r> {
    /// Ranges of a payload without quotes.
    Plain(&'r [u8], &'r [(usize, usize)]),
    Quoted(&'r csv::ByteRecord),
}

impl<'r> Record<'r> {
    fn len(&self) -> usize {
        match self {
            Record::Plain(_, cells) => cells.len(),
            Record::Quoted(record) => record.len(),
        }
    }

    fn get(&self, index: usize) -> Option<&'r [u8]> {
        match self {
            Record::Plain(payload, cells) => cells.get(index).map(|(start, end)| &payload[*start..*end]),
            Record::Quoted(record) => record.get(index),
        }
    }

    fn iter(&self) -> impl Iterator<Item = &'r [u8]> {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

/// A column by name or, as the names may be left out, by number from 0.
fn column_of(columns: &[String], path: &FieldPath) -> Option<usize> {
    if path.segments.is_empty() {
        return None;
    }
    // A CSV column's name may contain dots; they are part of the name.
    let name = path.segments.join(".");
    columns.iter().position(|column| *column == name).or_else(|| name.parse().ok())
}

/// A cell: empty is missing, a number is a number (also `nan` and `inf`, refused later by name),
/// `true` and `false` are booleans, the rest is text.
fn parse_cell(cell: &[u8]) -> Result<Scalar, Rejection> {
    let text = std::str::from_utf8(cell).map_err(|error| malformed(&error.to_string()))?.trim_ascii();
    Ok(match text {
        "" => Scalar::Missing,
        "true" | "True" => Scalar::Bool(true),
        "false" | "False" => Scalar::Bool(false),
        text => match text.parse::<f64>() {
            Ok(number) if text.bytes().all(|b| b.is_ascii_digit() || b == b'-' || b == b'+') => {
                text.parse().map_or(Scalar::Float(number), Scalar::Integer)
            }
            Ok(number) => Scalar::Float(number),
            Err(_) => Scalar::Text(text.to_owned()),
        },
    })
}

fn copy_cell(cell: &[u8]) -> serde_json::Value {
    match parse_cell(cell) {
        Ok(Scalar::Bool(b)) => b.into(),
        Ok(Scalar::Integer(i)) => i.into(),
        Ok(Scalar::Float(x)) => x.into(),
        Ok(Scalar::Text(text)) => text.into(),
        _ => serde_json::Value::Null,
    }
}

fn malformed(detail: &str) -> Rejection {
    Rejection::new(Reason::MalformedPayload, format!("not CSV: {detail}"))
}
