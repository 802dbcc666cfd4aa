//! What is on the way: parcels without all their answers.

use std::{collections::HashMap, ops::Range};

use super::{Answer, Limits};

/// Parcels by their number.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    parcels: HashMap<u64, Sent>,
    bytes: usize,
}

#[derive(Debug)]
struct Sent {
    class: usize,
    /// None: answered.
    records: Vec<Option<(u16, u64)>>,
    bytes: usize,
}

/// What answers came to.
#[derive(Debug, Default)]
pub(super) struct Answered {
    /// Lane and sequence.
    pub delivered: Vec<(u16, u64)>,
    pub refused: Vec<(u16, u64)>,
    /// To be sent again, with the class they are of.
    pub later: Vec<(usize, (u16, u64))>,
}

impl InFlight {
    pub fn len(&self) -> usize {
        self.parcels.len()
    }

    pub fn is_empty(&self) -> bool {
        self.parcels.is_empty()
    }

    /// True when another parcel may go.
    pub fn has_room(&self, limits: &Limits) -> bool {
        self.parcels.len() < limits.parcels && (self.bytes < limits.bytes || self.parcels.is_empty())
    }

    /// `bytes`: what of it is on the way.
    pub fn sent(&mut self, number: u64, class: usize, records: Vec<(u16, u64)>, bytes: usize) {
        self.bytes += bytes;
        self.parcels.insert(number, Sent { class, records: records.into_iter().map(Some).collect(), bytes });
    }

    /// Notes an answer to some of a parcel's records. One to records that are not on the way is nothing.
    pub fn answer(&mut self, number: u64, records: Range<usize>, answer: &Answer, into: &mut Answered) {
        let Some(parcel) = self.parcels.get_mut(&number) else { return };
        let end = records.end.min(parcel.records.len());
        for record in parcel.records.get_mut(records.start.min(end)..end).unwrap_or_default() {
            let Some(record) = record.take() else { continue };
            match answer {
                Answer::Delivered => into.delivered.push(record),
                Answer::Refused(_) => into.refused.push(record),
                Answer::Later(_) => into.later.push((parcel.class, record)),
            }
        }
        if parcel.records.iter().all(Option::is_none) {
            self.bytes -= parcel.bytes;
            self.parcels.remove(&number);
        }
    }
}
