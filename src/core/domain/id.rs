//! Identities: of inputs, of results, of a run of sequence numbers.

use std::{fmt, sync::Arc};

/// Names one run of gapless sequence numbers: 8 random bytes, printed as 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Epoch(pub [u8; 8]);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

/// Identifies one input message.
///
/// With a declared `message_id` field a redelivery is the same input; without, it is a new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputId {
    /// The sender's own id.
    Own(String),
    /// Counted by this device.
    Counted { device: Arc<str>, epoch: Epoch, sequence: u64 },
}

impl fmt::Display for InputId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InputId::Own(id) => f.write_str(id),
            InputId::Counted { device, epoch, sequence } => write!(f, "{device}/{epoch}/{sequence}"),
        }
    }
}

/// Identifies one result: the same input scored again by the same pipeline has the same id.
/// 16 bytes, printed as 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ResultId(pub [u8; 16]);

impl fmt::Display for ResultId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}
