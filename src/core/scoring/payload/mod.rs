//! From a message's bytes to rows of plain values: one reader per format, all giving [`Row`]s.

mod csv;
mod image;
mod json;
mod layout;
mod raw;
mod row;

pub(super) use layout::Layout;
pub use row::{Array, ArrayState, Row, Rows, Scalar};

use super::declared::Format;
use crate::domain::Rejection;

/// Reads payloads of one format into rows.
pub(super) enum Reader {
    Json(json::JsonReader),
    Csv(csv::CsvReader),
    Raw(raw::RawReader),
    Image(image::ImageReader),
}

impl Reader {
    pub fn new(layout: &Layout) -> Self {
        match layout.format {
            Format::Json => Reader::Json(json::JsonReader::new(layout)),
            Format::Csv => Reader::Csv(csv::CsvReader::new(layout)),
            Format::Raw => Reader::Raw(raw::RawReader::new(layout)),
            Format::Image => Reader::Image(image::ImageReader::new(layout)),
        }
    }

    /// Reads one payload: `rows` then holds one row a reading.
    ///
    /// # Errors
    /// When the payload as a whole can't be read; what is wrong with one field shows in its row.
    pub fn read(&mut self, payload: &[u8], rows: &mut Rows) -> Result<(), Rejection> {
        rows.clear();
        match self {
            Reader::Json(reader) => reader.read(payload, rows),
            Reader::Csv(reader) => reader.read(payload, rows),
            Reader::Raw(reader) => reader.read(payload, rows),
            Reader::Image(reader) => reader.read(payload, rows),
        }
    }
}
