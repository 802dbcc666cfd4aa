//! What stands on disk: types of their own with numbers that never change their meaning, apart from the types
//! the program works with.
//!
//! A segment's head names its format, and all of its frames are of that one. Format 2 is written: messages of
//! Protocol Buffers (<https://protobuf.dev/programming-guides/encoding/>) whose fields have the numbers in `two`;
//! unknown fields are passed over, unknown reasons and policies kept. Format 1, positional, is read for ever and
//! never written. Whoever changes a type here without a new format fails `stored::tests`.

mod one;
mod two;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use prost::Message;

use crate::{
    entry::Entry,
    store::{
        directory::Directory,
        state::{Mark, State},
    },
    tools::Index,
};

/// How a file's frames are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    One,
    /// What is written.
    #[default]
    Two,
}

/// The version that is written.
pub const FORMAT: u32 = 2;

/// What comes with a payload: of an Edge hub's message, for instance. Most results have none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Envelope {
    /// The output it leaves by; empty for none.
    pub output: String,
    /// Its media type and encoding; empty where its receiver knows them.
    pub content_type: String,
    pub content_encoding: String,
    /// In order; names may come twice.
    pub properties: Vec<(String, String)>,
}

impl Format {
    /// The format of a number, if this program reads it.
    pub fn of_number(number: u32) -> Option<Format> {
        match number {
            1 => Some(Format::One),
            2 => Some(Format::Two),
            _ => None,
        }
    }

    /// A directory from the front of `bytes`, and what stands behind it.
    pub fn take_directory(self, bytes: &[u8]) -> Option<(Directory, &[u8])> {
        match self {
            Format::One => {
                let (directory, rest) = postcard::take_from_bytes::<one::Directory>(bytes).ok()?;
                Some((directory.into(), rest))
            }
            Format::Two => {
                let (message, rest) = take(bytes)?;
                Some((two::Directory::decode(message).ok()?.try_into().ok()?, rest))
            }
        }
    }

    /// A mark from the front of `bytes`; none of it where its kind is unknown.
    pub fn take_mark(self, bytes: &[u8]) -> Option<(Option<Mark>, &[u8])> {
        match self {
            Format::One => {
                let (mark, rest) = postcard::take_from_bytes::<one::Mark>(bytes).ok()?;
                Some((Some(mark.into()), rest))
            }
            Format::Two => {
                let (message, rest) = take(bytes)?;
                let mark = two::Mark::decode(message).ok()?;
                Some((mark.kind.map(Mark::try_from).transpose().ok()?, rest))
            }
        }
    }

    /// The state that a segment begins with.
    pub fn read_state(self, bytes: &[u8]) -> Option<State> {
        let state: Option<State> = match self {
            Format::One => postcard::from_bytes::<one::State>(bytes).ok().map(State::from),
            Format::Two => two::State::decode(bytes).ok()?.try_into().ok(),
        };
        state.filter(State::is_sound)
    }

    /// A journaled input.
    pub fn read_entry(self, bytes: &[u8]) -> Option<Entry> {
        match self {
            Format::One => postcard::from_bytes::<one::Entry<'_>>(bytes).ok().map(Entry::from),
            Format::Two => two::Entry::decode(bytes).ok()?.try_into().ok(),
        }
    }

    /// The index of an exported file.
    pub fn read_index(self, bytes: &[u8]) -> Option<Index> {
        match self {
            Format::One => postcard::from_bytes::<one::Index>(bytes).ok().map(Index::from),
            Format::Two => two::Index::decode(bytes).ok().map(Index::from),
        }
    }

    /// A record of an exported file from the front of `bytes`, and what stands behind it.
    pub fn take_carried(self, bytes: &[u8]) -> Option<(Carried<'_>, &[u8])> {
        match self {
            Format::One => {
                let (entry, rest) = postcard::take_from_bytes::<one::Carried<'_>>(bytes).ok()?;
                Some((Carried { lane: entry.lane, payload: entry.payload, envelope: None }, rest))
            }
            Format::Two => {
                let (lane, rest) = take_varint(bytes)?;
                let (has_envelope, lane) = (lane & 1 == 1, u16::try_from(lane >> 1).ok()?);
                let (_sequence, rest) = take_varint(rest)?;
                let (payload, rest) = take(rest)?;
                let (envelope, rest) = take_envelope(has_envelope, rest)?;
                Some((Carried { lane, payload, envelope: envelope.map(read_envelope) }, rest))
            }
        }
    }
}

/// A record of an exported file.
#[derive(Debug, PartialEq, Eq)]
pub struct Carried<'b> {
    /// In the file's index.
    pub lane: u16,
    pub payload: &'b [u8],
    pub envelope: Option<Arc<Envelope>>,
}

/// Appends a directory.
pub fn put_directory(directory: &Directory, out: &mut Vec<u8>) {
    put(&two::Directory::from(directory), out);
}

/// Appends a mark.
pub fn put_mark(mark: &Mark, out: &mut Vec<u8>) {
    put(&two::Mark { kind: Some(mark.into()) }, out);
}

pub fn state_bytes(state: &State) -> Vec<u8> {
    two::State::from(state).encode_to_vec()
}

pub fn entry_bytes(entry: &Entry) -> Vec<u8> {
    two::Entry::from(entry).encode_to_vec()
}

pub fn index_bytes(index: &Index) -> Vec<u8> {
    two::Index::from(index).encode_to_vec()
}

/// Appends a record of an exported file.
pub fn put_carried(lane: u16, sequence: u64, payload: &[u8], envelope: Option<&Envelope>, out: &mut Vec<u8>) {
    varint(u64::from(lane) << 1 | u64::from(envelope.is_some()), out);
    varint(sequence, out);
    varint(payload.len() as u64, out);
    out.extend_from_slice(payload);
    if let Some(envelope) = envelope {
        put(&two::Envelope::from(envelope), out);
    }
}

/// Appends an envelope, its length before it.
pub fn put_envelope(envelope: &Envelope, out: &mut Vec<u8>) {
    put(&two::Envelope::from(envelope), out);
}

/// The bytes of an envelope at the front of `bytes`, if there is to be one, and what stands behind it.
pub fn take_envelope(there: bool, bytes: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    if !there {
        return Some((None, bytes));
    }
    let (envelope, rest) = take(bytes)?;
    Some((Some(envelope), rest))
}

/// An envelope; one that can't be read is empty, as its record's checksum was right.
pub fn read_envelope(bytes: &[u8]) -> Arc<Envelope> {
    Arc::new(two::Envelope::decode(bytes).map(Envelope::from).unwrap_or_default())
}

fn put(message: &impl Message, out: &mut Vec<u8>) {
    varint(message.encoded_len() as u64, out);
    message.encode_raw(out);
}

/// A length and as many bytes, and the rest.
fn take(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = take_varint(bytes)?;
    rest.split_at_checked(usize::try_from(len).ok()?)
}

/// Appends a LEB128 number.
pub fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A LEB128 number from the front of `bytes`, and the rest.
pub fn take_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (at, byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f).checked_shl(7 * at as u32)?;
        if byte & 0x80 == 0 {
            return Some((value, &bytes[at + 1..]));
        }
    }
    None
}
