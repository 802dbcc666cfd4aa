//! Which paths are wanted from a payload, and in which slot of a row each one lands.

use super::super::declared::{FieldPath, Format, InputSource, PayloadSpec, Spec};

/// The wanted paths. Slots are indices into [`Row`](super::Row).
#[derive(Debug, Clone, Default)]
pub struct Layout {
    pub format: Format,
    pub payload: PayloadSpec,
    pub scalars: Vec<FieldPath>,
    pub arrays: Vec<FieldPath>,
    pub copies: Vec<FieldPath>,
    /// For raw and image payloads: the one input's source.
    pub whole: Option<InputSource>,
}

impl Layout {
    /// Lays out everything `spec` wants, the source's field and the fields to copy.
    pub fn new(spec: &Spec, copies: &[FieldPath]) -> Self {
        let mut layout = Layout {
            format: spec.payload.format,
            payload: spec.payload.clone(),
            copies: copies.to_vec(),
            ..Layout::default()
        };
        for input in &spec.inputs {
            match &input.source {
                InputSource::Fields(fields) => {
                    for field in fields {
                        layout.scalar(&field.path);
                    }
                }
                InputSource::Array { path, .. } => {
                    layout.array(path);
                }
                InputSource::Constant { .. } | InputSource::SizeOf { .. } | InputSource::State => {}
                whole => {
                    layout.array(&FieldPath::parse(""));
                    layout.whole = Some(whole.clone());
                }
            }
        }
        layout
    }

    /// The slot of a single value; the same path always has the same slot.
    pub fn scalar(&mut self, path: &FieldPath) -> usize {
        slot(&mut self.scalars, path)
    }

    /// The slot of an array of numbers.
    pub fn array(&mut self, path: &FieldPath) -> usize {
        slot(&mut self.arrays, path)
    }
}

fn slot(paths: &mut Vec<FieldPath>, path: &FieldPath) -> usize {
    match paths.iter().position(|known| known == path) {
        Some(slot) => slot,
        None => {
            paths.push(path.clone());
            paths.len() - 1
        }
    }
}
