//! One reading as plain values, before it is known whether they fit the model.

use crate::vision::Frame;

/// A single value at a path.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Scalar {
    #[default]
    Missing,
    Null,
    Bool(bool),
    Integer(i64),
    Unsigned(u64),
    Float(f64),
    Text(String),
    /// An object or array where a single value was wanted.
    Composite(&'static str),
}

impl Scalar {
    /// The kind, in words for a rejection.
    pub fn kind(&self) -> &'static str {
        match self {
            Scalar::Missing => "missing",
            Scalar::Null => "null",
            Scalar::Bool(_) => "a boolean",
            Scalar::Integer(_) | Scalar::Unsigned(_) | Scalar::Float(_) => "a number",
            Scalar::Text(_) => "text",
            Scalar::Composite(kind) => kind,
        }
    }
}

/// How reading an array went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ArrayState {
    #[default]
    Missing,
    /// The numbers are in `values`.
    Numbers,
    /// The element at `index` (or the whole, without one) is of this kind instead of a number.
    Wrong { index: Option<usize>, kind: &'static str },
}

/// Numbers at a path, flattened in row-major order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Array {
    pub state: ArrayState,
    pub values: Vec<f64>,
    /// How many stand in each level of nested arrays, the outermost first; empty where there are no levels.
    pub shape: Vec<usize>,
    /// Levels differ in length, or in depth.
    pub is_ragged: bool,
}

impl Array {
    /// Nothing was read yet.
    pub fn clear(&mut self) {
        self.state = ArrayState::Missing;
        self.values.clear();
        self.shape.clear();
        self.is_ragged = false;
    }
}

/// One reading: the slots a [`Layout`](super::Layout) laid out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Row {
    pub scalars: Vec<Scalar>,
    pub arrays: Vec<Array>,
    /// Values to be copied to the verdict as they are.
    pub copies: Vec<Option<serde_json::Value>>,
    /// Of an image: how it lies in the model's.
    pub frame: Option<Frame>,
}

/// The readings of one message; buffers are kept from message to message.
#[derive(Debug, Default)]
pub struct Rows {
    rows: Vec<Row>,
    used: usize,
    slots: (usize, usize, usize),
}

impl Rows {
    /// Rows with that many scalar, array and copy slots.
    pub fn new(scalars: usize, arrays: usize, copies: usize) -> Self {
        Rows { rows: Vec::new(), used: 0, slots: (scalars, arrays, copies) }
    }

    pub fn clear(&mut self) {
        self.used = 0;
    }

    pub fn as_slice(&self) -> &[Row] {
        &self.rows[..self.used]
    }

    pub fn as_mut_slice(&mut self) -> &mut [Row] {
        &mut self.rows[..self.used]
    }

    /// Takes the last row back.
    pub fn pop(&mut self) {
        self.used = self.used.saturating_sub(1);
    }

    /// Takes the first row out, keeping its buffers.
    pub fn remove_first(&mut self) {
        if self.used > 0 {
            self.rows[..self.used].rotate_left(1);
            self.used -= 1;
        }
    }

    /// Adds an empty row and returns it.
    pub fn push(&mut self) -> &mut Row {
        if self.used == self.rows.len() {
            self.rows.push(Row::default());
        }
        let row = &mut self.rows[self.used];
        self.used += 1;
        let (scalars, arrays, copies) = self.slots;
        row.frame = None;
        row.scalars.clear();
        row.scalars.resize(scalars, Scalar::Missing);
        row.copies.clear();
        row.copies.resize(copies, None);
        row.arrays.resize_with(arrays, Array::default);
        for array in &mut row.arrays {
            array.clear();
        }
        row
    }
}
