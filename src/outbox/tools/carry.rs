//! A backlog in one file, to be carried away: immutable, named by its content.
//!
//! ```text
//! file   = "edgeward-backlog" | format: u32 LE | store: 8 bytes | block… | index | SHA-256 of all before
//! block  = raw: u32 LE (not 0) | packed: u32 LE | crc: u32 LE of the packed bytes | one LZ4 block
//! raw    = (lane * 2 + has_envelope | sequence | bytes | payload | envelope)…     numbers in LEB128 (`stored`)
//! index  = 0: u32 LE | bytes: u32 LE | crc: u32 LE | [`Index`], a message of `stored`
//! ```
//!
//! Files of format 1, positional in postcard's wire format and without envelopes, are read too.
//!
//! Nothing in it depends on when or where it was written: the same records make the same file.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{ToolError, is_result};
use crate::store::RangeSet;
use crate::stored::{self, Envelope, FORMAT, Format};
use bytes::Bytes;
use edgeward_core::crypto::Sha256;

const MAGIC: &[u8; 16] = b"edgeward-backlog";
const HEAD_BYTES: u64 = 28;
const HASH_BYTES: u64 = 32;
/// A block is closed at this size, uncompressed.
const BLOCK_BYTES: usize = 1 << 20;
/// No record makes a block larger than this; a larger claim is not believed.
const MOST_BLOCK_BYTES: usize = 1 << 30;

/// What is in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Index {
    pub lanes: Vec<CarriedLane>,
    pub records: u64,
    /// Bytes of all payloads.
    pub bytes: u64,
}

/// The records of a pipeline and class of one epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarriedLane {
    pub pipeline: String,
    pub class: String,
    pub epoch: [u8; 8],
    pub sequences: RangeSet,
    pub records: u64,
}

/// Pipelines and classes that one file may bring.
const MOST_LANES: usize = 4096;

/// As pipelines and classes are named in a configuration, within a bound.
fn is_name(name: &str) -> bool {
    name.len() <= 256 && edgeward_core::settings::is_name(name)
}

/// Writes such a file.
pub struct Writer {
    out: BufWriter<File>,
    path: PathBuf,
    hash: Sha256,
    block: Vec<u8>,
    packed: Vec<u8>,
    index: Index,
}

impl Writer {
    /// Begins a file for records of the outbox `store`.
    ///
    /// # Errors
    /// What the file system says.
    pub fn create(path: &Path, store: [u8; 8]) -> Result<Writer, ToolError> {
        let file = File::create(path).map_err(ToolError::io("write", path))?;
        let mut writer = Writer {
            out: BufWriter::with_capacity(256 << 10, file),
            path: path.to_owned(),
            hash: Sha256::default(),
            block: Vec::new(),
            packed: Vec::new(),
            index: Index::default(),
        };
        let head = [MAGIC.as_slice(), &FORMAT.to_le_bytes(), &store].concat();
        writer.put(&head)?;
        Ok(writer)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), ToolError> {
        self.hash.update(bytes);
        self.out.write_all(bytes).map_err(ToolError::io("write", &self.path))
    }

    /// Adds a record.
    ///
    /// # Errors
    /// What the file system says.
    pub fn record(
        &mut self,
        pipeline: &str,
        class: &str,
        epoch: [u8; 8],
        sequence: u64,
        payload: &[u8],
        envelope: Option<&Envelope>,
    ) -> Result<(), ToolError> {
        let lanes = &mut self.index.lanes;
        let same =
            |lane: &CarriedLane| lane.pipeline == pipeline && lane.class == class && lane.epoch == epoch;
        let at = lanes.iter().position(same).unwrap_or_else(|| {
            let (pipeline, class) = (pipeline.to_owned(), class.to_owned());
            lanes.push(CarriedLane { pipeline, class, epoch, sequences: RangeSet::default(), records: 0 });
            lanes.len() - 1
        });
        lanes[at].sequences.insert(sequence..sequence + 1);
        lanes[at].records += 1;
        self.index.records += 1;
        self.index.bytes += payload.len() as u64;
        let too_many = |_| ToolError::io("write", &self.path)(io::Error::other("more than 65536 lanes"));
        let lane = u16::try_from(at).map_err(too_many)?;
        stored::put_carried(lane, sequence, payload, envelope, &mut self.block);
        if self.block.len() >= BLOCK_BYTES {
            self.close_block()?;
        }
        Ok(())
    }

    fn close_block(&mut self) -> Result<(), ToolError> {
        if self.block.is_empty() {
            return Ok(());
        }
        let mut packed = std::mem::take(&mut self.packed);
        packed.resize(lz4_flex::block::get_maximum_output_size(self.block.len()), 0);
        let written = lz4_flex::block::compress_into(&self.block, &mut packed)
            .map_err(|error| ToolError::io("write", &self.path)(io::Error::other(error.to_string())))?;
        packed.truncate(written);
        self.section(self.block.len(), &packed)?;
        self.packed = packed;
        self.block.clear();
        Ok(())
    }

    fn section(&mut self, raw: usize, packed: &[u8]) -> Result<(), ToolError> {
        let large = |_| ToolError::io("write", &self.path)(io::Error::other("a record is too large"));
        let raw = u32::try_from(raw).map_err(large)?;
        let bytes = u32::try_from(packed.len()).map_err(large)?;
        self.put(&raw.to_le_bytes())?;
        self.put(&bytes.to_le_bytes())?;
        self.put(&crc32fast::hash(packed).to_le_bytes())?;
        self.put(packed)
    }

    /// Ends the file and makes its bytes durable; its name is the caller's business. Returns its
    /// hash and what is in it.
    ///
    /// # Errors
    /// What the file system says.
    pub fn finish(mut self) -> Result<([u8; 32], Index), ToolError> {
        self.close_block()?;
        let index = stored::index_bytes(&self.index);
        self.section(0, &index)?;
        let failed = ToolError::io("write", &self.path);
        let hash = self.hash.finish();
        self.out.write_all(&hash).map_err(&failed)?;
        let file = self.out.into_inner().map_err(|error| failed(error.into_error()))?;
        file.sync_all().map_err(&failed)?;
        Ok((hash, self.index))
    }
}

/// A record of such a file.
#[derive(Debug)]
pub struct Carried {
    /// In the index.
    pub lane: u16,
    pub payload: Bytes,
    pub envelope: Option<Arc<Envelope>>,
}

/// Reads such a file, once it is known to be whole.
#[derive(Debug)]
pub struct Reader {
    input: BufReader<File>,
    path: PathBuf,
    format: Format,
    /// The outbox it comes from.
    pub store: [u8; 8],
    pub hash: [u8; 32],
    pub index: Index,
    pub file_bytes: u64,
    /// Bytes of blocks that were not read yet.
    left: u64,
}

impl Reader {
    /// Opens a file and verifies its hash before anything of it is believed.
    ///
    /// # Errors
    /// A file of something else, of a newer format, or one that is not what was written.
    pub fn open(path: &Path) -> Result<Reader, ToolError> {
        let reading = ToolError::io("read", path);
        let foreign = |why| ToolError::NotABacklog { path: path.to_owned(), why };
        let damaged = |why: &str| ToolError::DamagedBacklog { path: path.to_owned(), why: why.to_owned() };
        let file = File::open(path).map_err(&reading)?;
        let metadata = file.metadata().map_err(&reading)?;
        if !metadata.is_file() {
            return Err(foreign("it is no file"));
        }
        let len = metadata.len();
        let mut input = BufReader::with_capacity(256 << 10, file);
        let mut head = [0; HEAD_BYTES as usize];
        let had = input.read_exact(&mut head);
        if had.is_err() || &head[..16] != MAGIC {
            return Err(foreign("it does not begin like one"));
        }
        let found = u32::from_le_bytes(head[16..20].try_into().unwrap_or_default());
        let Some(format) = Format::of_number(found) else {
            return Err(ToolError::NewerBacklog { path: path.to_owned(), found });
        };
        let store: [u8; 8] = head[20..28].try_into().unwrap_or_default();
        let Some(hashed) = len.checked_sub(HASH_BYTES).filter(|hashed| *hashed >= HEAD_BYTES) else {
            return Err(damaged("it was cut"));
        };
        let mut hasher = Sha256::default();
        hasher.update(&head);
        let mut left = hashed - HEAD_BYTES;
        let mut buffer = vec![0; 256 << 10];
        while left > 0 {
            let want = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            input.read_exact(&mut buffer[..want]).map_err(&reading)?;
            hasher.update(&buffer[..want]);
            left -= want as u64;
        }
        let mut hash = [0; HASH_BYTES as usize];
        input.read_exact(&mut hash).map_err(&reading)?;
        if hasher.finish() != hash {
            return Err(damaged("its SHA-256 is another than it says"));
        }
        input.seek(io::SeekFrom::Start(HEAD_BYTES)).map_err(&reading)?;
        let path = path.to_owned();
        let left = hashed - HEAD_BYTES;
        let index = Index::default();
        let mut reader = Reader { input, path, format, store, hash, index, file_bytes: len, left };
        reader.read_index()?;
        Ok(reader)
    }

    fn damaged(&self, why: &str) -> ToolError {
        ToolError::DamagedBacklog { path: self.path.clone(), why: why.to_owned() }
    }

    /// Looks for the index behind the blocks, then goes back to the first one.
    fn read_index(&mut self) -> Result<(), ToolError> {
        let begin = self.left;
        let reading = ToolError::io("read", &self.path);
        let index = loop {
            let (raw, packed, crc) = self.section_head()?;
            if raw == 0 {
                break self.packed(packed, crc)?;
            }
            self.left -= packed as u64;
            self.input.seek_relative(packed as i64).map_err(&reading)?;
        };
        if self.left != 0 {
            return Err(self.damaged("there is more behind its index"));
        }
        self.index = self.format.read_index(&index).ok_or_else(|| self.damaged("its index can't be read"))?;
        let sum = |sum: u64, lane: &CarriedLane| sum.checked_add(lane.records);
        let records = self.index.lanes.iter().try_fold(0, sum);
        if records != Some(self.index.records) {
            return Err(self.damaged("its index does not add up"));
        }
        let names: BTreeSet<_> = self.index.lanes.iter().map(|lane| (&lane.pipeline, &lane.class)).collect();
        let unfit = names.len() > MOST_LANES
            || names
                .iter()
                .any(|(pipeline, class)| !is_name(pipeline) || !is_name(class) || !is_result(class));
        if unfit {
            return Err(self.damaged("it names pipelines or classes that can't be"));
        }
        self.left = begin;
        self.input.seek(io::SeekFrom::Start(HEAD_BYTES)).map_err(&reading)?;
        Ok(())
    }

    fn section_head(&mut self) -> Result<(usize, usize, u32), ToolError> {
        let mut head = [0; 12];
        if self.left < head.len() as u64 {
            return Err(self.damaged("it was cut"));
        }
        self.input.read_exact(&mut head).map_err(ToolError::io("read", &self.path))?;
        self.left -= head.len() as u64;
        let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let (raw, packed) = (word(0) as usize, word(4) as usize);
        // LZ4 makes at most 255 bytes of one; and the file has what it has.
        let lies = packed as u64 > self.left || raw > MOST_BLOCK_BYTES || raw > packed.saturating_mul(255);
        if lies {
            return Err(self.damaged("a block claims more than there is"));
        }
        Ok((raw, packed, word(8)))
    }

    fn packed(&mut self, packed: usize, crc: u32) -> Result<Vec<u8>, ToolError> {
        let mut bytes = vec![0; packed];
        self.input.read_exact(&mut bytes).map_err(ToolError::io("read", &self.path))?;
        self.left -= packed as u64;
        if crc32fast::hash(&bytes) != crc {
            // It was whole when its hash was verified.
            return Err(self.damaged("it changes while it is read"));
        }
        Ok(bytes)
    }

    /// The next block's records; none behind the last block.
    ///
    /// # Errors
    /// What the file system says; a block that is not what it claims.
    pub fn block(&mut self) -> Result<Option<Vec<Carried>>, ToolError> {
        let (raw, packed, crc) = self.section_head()?;
        if raw == 0 {
            return Ok(None);
        }
        let packed = self.packed(packed, crc)?;
        let nonsense = |reader: &Reader| reader.damaged("a block can't be read");
        let body = lz4_flex::block::decompress(&packed, raw).map_err(|_| nonsense(self))?;
        let body = Bytes::from(body);
        let mut rest: &[u8] = &body;
        let mut records = Vec::new();
        while !rest.is_empty() {
            let (record, after) = self.format.take_carried(rest).ok_or_else(|| nonsense(self))?;
            let stored::Carried { lane, payload, envelope } = record;
            if usize::from(lane) >= self.index.lanes.len() {
                return Err(nonsense(self));
            }
            records.push(Carried { lane, payload: body.slice_ref(payload), envelope });
            rest = after;
        }
        Ok(Some(records))
    }
}

/// Reads a whole file, as an import does; how many records are in it.
///
/// # Errors
/// As [`Reader::open`] and [`Reader::block`].
#[cfg(any(test, fuzzing))]
pub(crate) fn read_backlog(path: &Path) -> Result<usize, ToolError> {
    let mut reader = Reader::open(path)?;
    let mut records = 0;
    while let Some(block) = reader.block()? {
        records += block.len();
    }
    Ok(records)
}
