//! The model file: read within its limit and looked at before anybody decodes it.

use std::{fs::File, io::Read, path::Path};

use super::wire;
use crate::{Limits, LoadError};

/// The model file at hand: where it is and what it may cost. Makes errors that name it.
#[derive(Clone, Copy)]
pub(crate) struct ModelFile<'a> {
    pub path: &'a Path,
    pub limits: &'a Limits,
}

impl ModelFile<'_> {
    pub fn unreadable(&self, source: std::io::Error) -> LoadError {
        LoadError::Unreadable { path: self.path.into(), source }
    }

    pub fn not_onnx(&self, detail: impl Into<String>) -> LoadError {
        LoadError::NotOnnx { path: self.path.into(), detail: detail.into() }
    }

    pub fn unsupported(&self, what: impl Into<String>) -> LoadError {
        LoadError::Unsupported { path: self.path.into(), what: what.into() }
    }

    /// The model as a whole is larger than `max_model_bytes`.
    pub fn model_too_large(&self, what: impl Into<String>) -> LoadError {
        let limit_bytes = self.limits.max_model_bytes;
        LoadError::TooLarge {
            path: self.path.into(),
            what: what.into(),
            limit_bytes,
            key: "limits.max_model_bytes",
        }
    }

    /// One tensor is larger than `max_tensor_bytes`.
    #[cfg(feature = "tract")]
    pub fn tensor_too_large(&self, what: impl Into<String>) -> LoadError {
        let limit_bytes = self.limits.max_tensor_bytes;
        LoadError::TooLarge {
            path: self.path.into(),
            what: what.into(),
            limit_bytes,
            key: "limits.max_tensor_bytes",
        }
    }

    /// Reads the file and checks that it is a whole, modest protobuf message.
    pub fn read(&self) -> Result<Vec<u8>, LoadError> {
        let bytes = self.bytes()?;
        wire::check(&bytes).map_err(|detail| self.not_onnx(detail))?;
        Ok(bytes)
    }

    fn bytes(&self) -> Result<Vec<u8>, LoadError> {
        let limit = self.limits.max_model_bytes;
        // Asked before opening: opening a named pipe would wait for a writer.
        let metadata = std::fs::metadata(self.path).map_err(|error| self.unreadable(error))?;
        if !metadata.is_file() {
            let what = if metadata.is_dir() { "it is a folder" } else { "it is not a regular file" };
            return Err(self.unreadable(std::io::Error::other(what)));
        }
        if metadata.len() > limit {
            return Err(self.model_too_large(format!("{} bytes on disk", metadata.len())));
        }
        let file = File::open(self.path).map_err(|error| self.unreadable(error))?;
        let mut bytes = Vec::new();
        // The file may have grown since it was asked.
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| self.unreadable(error))?;
        if bytes.len() as u64 > limit {
            return Err(self.model_too_large("more bytes on disk"));
        }
        if bytes.is_empty() {
            return Err(self.not_onnx("the file is empty"));
        }
        Ok(bytes)
    }
}
