//! Raw payloads: little-endian elements of one type, nothing else.

use super::{ArrayState, Layout, Rows};
use crate::{
    domain::{ElementType, Reason, Rejection},
    scoring::declared::InputSource,
};

pub struct RawReader {
    element: ElementType,
}

impl RawReader {
    pub fn new(layout: &Layout) -> Self {
        let element = match layout.whole {
            Some(InputSource::Raw { element, .. }) => element,
            _ => ElementType::F32,
        };
        RawReader { element }
    }

    pub fn read(&mut self, payload: &[u8], rows: &mut Rows) -> Result<(), Rejection> {
        let width = self.element.width_bytes().unwrap_or(1);
        if payload.is_empty() || !payload.len().is_multiple_of(width) {
            let detail =
                format!("{} bytes are not a whole number of {} elements", payload.len(), self.element);
            return Err(Rejection::new(Reason::WrongLength, detail));
        }
        let array = &mut rows.push().arrays[0];
        array.state = ArrayState::Numbers;
        let values = &mut array.values;
        match self.element {
            ElementType::F32 => elements(payload, values, |b| f64::from(f32::from_le_bytes(b))),
            ElementType::F64 => elements(payload, values, f64::from_le_bytes),
            ElementType::I8 => elements(payload, values, |b| f64::from(i8::from_le_bytes(b))),
            ElementType::I16 => elements(payload, values, |b| f64::from(i16::from_le_bytes(b))),
            ElementType::I32 => elements(payload, values, |b| f64::from(i32::from_le_bytes(b))),
            ElementType::I64 => elements(payload, values, |b| i64::from_le_bytes(b) as f64),
            ElementType::U8 => elements(payload, values, |b| f64::from(u8::from_le_bytes(b))),
            ElementType::U16 => elements(payload, values, |b| f64::from(u16::from_le_bytes(b))),
            ElementType::U32 => elements(payload, values, |b| f64::from(u32::from_le_bytes(b))),
            ElementType::U64 => elements(payload, values, |b| u64::from_le_bytes(b) as f64),
            ElementType::Bool | ElementType::String => {
                elements(payload, values, |[b]: [u8; 1]| f64::from(u8::from(b != 0)));
            }
        }
        Ok(())
    }
}

fn elements<const N: usize>(payload: &[u8], values: &mut Vec<f64>, read: impl Fn([u8; N]) -> f64) {
    let (chunks, _) = payload.as_chunks::<N>();
    values.extend(chunks.iter().map(|chunk| read(*chunk)));
}
