//! Digests and randomness. Alone imports ring.

use ring::{
    digest,
    rand::{SecureRandom, SystemRandom},
};

use crate::domain::{Epoch, ResultId};

/// SHA-256, fed in pieces.
pub struct Sha256(digest::Context);

impl Default for Sha256 {
    fn default() -> Self {
        Sha256(digest::Context::new(&digest::SHA256))
    }
}

impl Sha256 {
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest's 32 bytes.
    pub fn finish(self) -> [u8; 32] {
        let digest = self.0.finish();
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest.as_ref());
        bytes
    }
}

/// The SHA-256 of `bytes` in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    let mut hasher = Sha256::default();
    hasher.update(bytes);
    hex(&hasher.finish())
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The id of a result: the first 16 bytes of the SHA-256 over input id, pipeline and reading,
/// each closed by a zero byte.
pub fn result_id(input_id: &str, pipeline: &str, reading: usize) -> ResultId {
    let mut hasher = Sha256::default();
    for part in [input_id.as_bytes(), pipeline.as_bytes(), &reading.to_le_bytes()] {
        hasher.update(part);
        hasher.update(&[0]);
    }
    let digest = hasher.finish();
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    ResultId(id)
}

/// A new random epoch.
///
/// # Errors
/// When the system has no randomness to give.
pub fn new_epoch() -> std::io::Result<Epoch> {
    let mut bytes = [0; 8];
    let failed = |_| std::io::Error::other("the system's random number generator failed");
    SystemRandom::new().fill(&mut bytes).map_err(failed)?;
    Ok(Epoch(bytes))
}
