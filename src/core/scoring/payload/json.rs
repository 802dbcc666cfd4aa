//! JSON payloads: one streaming pass that keeps the wanted values and skips the rest.
//!
//! The wanted paths form a trie; serde_json drives it, so no tree of the whole message is built.

use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use super::{Array, ArrayState, Layout, Row, Rows, Scalar};
use crate::{
    domain::{Reason, Rejection},
    scoring::declared::{FieldPath, Scope},
};

/// What is wanted at one place of the payload.
#[derive(Debug, Default)]
struct Trie {
    keys: Vec<(String, Trie)>,
    /// The same children for array elements, where the key is a number.
    indices: Vec<(usize, usize)>,
    scalar: Option<usize>,
    array: Option<usize>,
    copy: Option<usize>,
    /// The array of readings stands here.
    readings: bool,
}

impl Trie {
    fn at(&mut self, segments: &[String]) -> &mut Trie {
        let Some((first, rest)) = segments.split_first() else { return self };
        let at = match self.keys.iter().position(|(key, _)| key == first) {
            Some(at) => at,
            None => {
                if let Ok(index) = first.parse() {
                    self.indices.push((index, self.keys.len()));
                }
                self.keys.push((first.clone(), Trie::default()));
                self.keys.len() - 1
            }
        };
        self.keys[at].1.at(rest)
    }

    fn is_leaf(&self) -> bool {
        self.keys.is_empty() && !self.readings
    }
}

pub struct JsonReader {
    message: Trie,
    /// With `readings`: what is wanted of each.
    reading: Option<Trie>,
    /// Slots filled from the message and shared by its readings.
    shared: Vec<usize>,
    shared_copies: Vec<usize>,
}

impl JsonReader {
    pub fn new(layout: &Layout) -> Self {
        let mut message = Trie::default();
        let mut reading = Trie::default();
        let (mut shared, mut shared_copies) = (Vec::new(), Vec::new());
        let separate = layout.payload.readings.is_some();
        {
            let mut place = |path: &FieldPath, set: &dyn Fn(&mut Trie)| {
                let in_reading = separate && path.scope == Scope::Reading;
                set(if in_reading { &mut reading } else { &mut message }.at(&path.segments));
                in_reading
            };
            for (slot, path) in layout.scalars.iter().enumerate() {
                if !place(path, &|trie| trie.scalar = Some(slot)) {
                    shared.push(slot);
                }
            }
            for (slot, path) in layout.arrays.iter().enumerate() {
                place(path, &|trie| trie.array = Some(slot));
            }
            for (slot, path) in layout.copies.iter().enumerate() {
                if !place(path, &|trie| trie.copy = Some(slot)) {
                    shared_copies.push(slot);
                }
            }
        }
        if let Some(path) = &layout.payload.readings {
            message.at(&path.segments).readings = true;
        }
        JsonReader { message, reading: separate.then_some(reading), shared, shared_copies }
    }

    pub fn read(&mut self, payload: &[u8], rows: &mut Rows) -> Result<(), Rejection> {
        let mut deserializer = serde_json::Deserializer::from_slice(payload);
        // Without readings the message is the one row; with them the first row collects what the
        // readings share and is taken out again at the end.
        rows.push();
        let mut walk = Walk { rows, row: 0, reading: self.reading.as_ref() };
        let seed = Seed { trie: &self.message, walk: &mut walk };
        let read = seed.deserialize(&mut deserializer).and_then(|()| deserializer.end());
        read.map_err(|error| malformed(&error))?;
        if self.reading.is_some() {
            self.share(rows)?;
        }
        Ok(())
    }

    fn share(&self, rows: &mut Rows) -> Result<(), Rejection> {
        let [message, readings @ ..] = rows.as_mut_slice() else { return Ok(()) };
        if readings.is_empty() {
            let detail = "the array of readings is missing or empty";
            return Err(Rejection::new(Reason::MissingField, detail));
        }
        for row in readings.iter_mut() {
            for &slot in &self.shared {
                row.scalars[slot].clone_from(&message.scalars[slot]);
            }
            for &slot in &self.shared_copies {
                row.copies[slot].clone_from(&message.copies[slot]);
            }
        }
        rows.remove_first();
        Ok(())
    }
}

fn malformed(error: &serde_json::Error) -> Rejection {
    Rejection::new(Reason::MalformedPayload, format!("not JSON: {error}"))
}

/// The rows being filled and the current one.
struct Walk<'w> {
    rows: &'w mut Rows,
    row: usize,
    reading: Option<&'w Trie>,
}

impl Walk<'_> {
    fn row(&mut self) -> &mut Row {
        &mut self.rows.as_mut_slice()[self.row]
    }
}

struct Seed<'t, 'w, 'r> {
    trie: &'t Trie,
    walk: &'w mut Walk<'r>,
}

impl<'de> DeserializeSeed<'de> for Seed<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let Seed { trie, walk } = self;
        match trie.copy {
            // A value to be copied is wanted whole; what else is wanted of it is read from it.
            Some(slot) => {
                let value = serde_json::Value::deserialize(deserializer)?;
                Inside { trie, walk }.deserialize(&value).map_err(D::Error::custom)?;
                walk.row().copies[slot] = Some(value);
                Ok(())
            }
            None => Inside { trie, walk }.deserialize(deserializer),
        }
    }
}

/// Like [`Seed`], past the question of copying.
struct Inside<'t, 'w, 'r> {
    trie: &'t Trie,
    walk: &'w mut Walk<'r>,
}

impl<'de> Inside<'_, '_, '_> {
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }

    fn scalar<E>(self, value: Scalar) -> Result<(), E> {
        if let Some(slot) = self.trie.array {
            let array = &mut self.walk.row().arrays[slot];
            array.clear();
            array.state = match &value {
                Scalar::Integer(i) => push_number(&mut array.values, *i as f64),
                Scalar::Unsigned(u) => push_number(&mut array.values, *u as f64),
                Scalar::Float(x) => push_number(&mut array.values, *x),
                other => ArrayState::Wrong { index: None, kind: other.kind() },
            };
        }
        if let Some(slot) = self.trie.scalar {
            self.walk.row().scalars[slot] = value;
        }
        Ok(())
    }

    /// An object or array stands where a single value may be wanted.
    fn composite(&mut self, kind: &'static str) {
        if let Some(slot) = self.trie.scalar {
            self.walk.row().scalars[slot] = Scalar::Composite(kind);
        }
    }
}

fn push_number(values: &mut Vec<f64>, value: f64) -> ArrayState {
    values.push(value);
    ArrayState::Numbers
}

impl<'de> Visitor<'de> for Inside<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, v: bool) -> Result<(), E> {
        self.scalar(Scalar::Bool(v))
    }

    fn visit_i64<E>(self, v: i64) -> Result<(), E> {
        self.scalar(Scalar::Integer(v))
    }

    fn visit_u64<E>(self, v: u64) -> Result<(), E> {
        self.scalar(i64::try_from(v).map_or(Scalar::Unsigned(v), Scalar::Integer))
    }

    fn visit_f64<E>(self, v: f64) -> Result<(), E> {
        self.scalar(Scalar::Float(v))
    }

    fn visit_str<E>(self, v: &str) -> Result<(), E> {
        let wanted = self.trie.scalar.is_some();
        self.scalar(Scalar::Text(if wanted { v.to_owned() } else { String::new() }))
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.scalar(Scalar::Null)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        self.composite("an object");
        if let Some(slot) = self.trie.array {
            self.walk.row().arrays[slot].state = ArrayState::Wrong { index: None, kind: "an object" };
        }
        while let Some(key) = map.next_key_seed(Key(self.trie))? {
            match key {
                Some(at) => {
                    map.next_value_seed(Seed { trie: &self.trie.keys[at].1, walk: &mut *self.walk })?;
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        self.composite("an array");
        let Inside { trie, walk } = self;
        if let (true, Some(reading)) = (trie.readings, walk.reading) {
            return visit_readings(reading, walk, seq);
        }
        if let Some(slot) = trie.array
            && trie.is_leaf()
        {
            let array = &mut walk.row().arrays[slot];
            array.clear();
            array.state = ArrayState::Numbers;
            let mut numbers = Numbers { array, level: 0, wrong: None };
            numbers.level(seq)?;
            if let Some((index, kind)) = numbers.wrong {
                array.state = ArrayState::Wrong { index: Some(index), kind };
            }
            return Ok(());
        }
        let mut index = 0;
        loop {
            let child = trie.indices.iter().find(|(at, _)| *at == index).map(|(_, child)| *child);
            let more = match child {
                Some(child) => {
                    seq.next_element_seed(Seed { trie: &trie.keys[child].1, walk: &mut *walk })?.is_some()
                }
                None => seq.next_element::<IgnoredAny>()?.is_some(),
            };
            if !more {
                return Ok(());
            }
            index += 1;
        }
    }
}

fn visit_readings<'de, A: SeqAccess<'de>>(
    reading: &Trie,
    walk: &mut Walk<'_>,
    mut seq: A,
) -> Result<(), A::Error> {
    let message_row = walk.row;
    loop {
        walk.rows.push();
        walk.row = walk.rows.as_slice().len() - 1;
        let more = seq.next_element_seed(Seed { trie: reading, walk: &mut *walk })?.is_some();
        if !more {
            walk.rows.pop();
            walk.row = message_row;
            return Ok(());
        }
    }
}

/// Finds a key among a trie's children without keeping its text.
struct Key<'t>(&'t Trie);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, v: &str) -> Result<Self::Value, E> {
        Ok(self.0.keys.iter().position(|(key, _)| key == v))
    }
}

/// Appends numbers, nested arrays flattened; notes how long each level is, and the first element that is something
/// else.
struct Numbers<'v> {
    array: &'v mut Array,
    /// Of the array that is being read, from 0.
    level: usize,
    wrong: Option<(usize, &'static str)>,
}

/// The length of a level whose first array is still being read.
const OPEN: usize = usize::MAX;

impl Numbers<'_> {
    fn wrong<E>(&mut self, kind: &'static str) -> Result<(), E> {
        self.wrong.get_or_insert((self.array.values.len(), kind));
        Ok(())
    }

    fn number<E>(&mut self, value: f64) -> Result<(), E> {
        // Numbers stand in the innermost level only.
        self.array.is_ragged |= self.level != self.array.shape.len();
        self.array.values.push(value);
        Ok(())
    }

    /// Reads one array of this level.
    fn level<'de, A: SeqAccess<'de>>(&mut self, mut seq: A) -> Result<(), A::Error> {
        let level = self.level;
        let is_first = level == self.array.shape.len();
        if is_first {
            // A level below numbers that stand already.
            self.array.is_ragged |= !self.array.values.is_empty();
            self.array.shape.push(OPEN);
        }
        self.level += 1;
        let mut len = 0;
        while seq.next_element_seed(&mut *self)?.is_some() {
            len += 1;
        }
        self.level = level;
        let known = &mut self.array.shape[level];
        if *known == OPEN {
            *known = len;
        } else {
            self.array.is_ragged |= *known != len;
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for &mut Numbers<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Numbers<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_f64<E>(self, v: f64) -> Result<(), E> {
        self.number(v)
    }

    fn visit_i64<E>(self, v: i64) -> Result<(), E> {
        self.number(v as f64)
    }

    fn visit_u64<E>(self, v: u64) -> Result<(), E> {
        self.number(v as f64)
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.wrong("a boolean")
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        self.wrong("text")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.wrong("null")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        self.wrong("an object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        self.level(seq)
    }
}
