//! The model file: read within its limit, decoded, and checked to be ONNX at all.

use std::{fs::File, io::Read, path::Path};

use tract_onnx::{pb::ModelProto, tract_hir::internal::Framework};

use super::wire;
use crate::engine::{Limits, LoadError};

/// The newest operator set there was when this was written. A later one may give an operator another
/// meaning, and then a model would run and answer wrong.
const NEWEST_OPSET: i64 = 28;

/// The model file at hand: where it is and what it may cost. Makes errors that name it.
#[derive(Clone, Copy)]
pub(super) struct ModelFile<'a> {
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
    pub fn tensor_too_large(&self, what: impl Into<String>) -> LoadError {
        let limit_bytes = self.limits.max_tensor_bytes;
        LoadError::TooLarge {
            path: self.path.into(),
            what: what.into(),
            limit_bytes,
            key: "limits.max_tensor_bytes",
        }
    }

    /// Reads and decodes the file.
    ///
    /// Protobuf decodes many byte strings that were never an ONNX model, so what every model
    /// has is checked too: an IR version, operator sets, a graph with outputs.
    pub fn read(&self) -> Result<(ModelProto, u64), LoadError> {
        let bytes = self.bytes()?;
        let file_bytes = bytes.len() as u64;
        wire::check(&bytes).map_err(|detail| self.not_onnx(detail))?;
        let proto = tract_onnx::onnx()
            .proto_model_for_read(&mut bytes.as_slice())
            .map_err(|error| self.not_onnx(format!("{error:#}")))?;
        let graph = proto.graph.as_ref().ok_or_else(|| self.not_onnx("it has no graph"))?;
        if proto.ir_version <= 0 {
            return Err(self.not_onnx("it has no IR version"));
        }
        if proto.opset_import.is_empty() {
            return Err(self.not_onnx("it names no operator set"));
        }
        let newer = proto
            .opset_import
            .iter()
            .find(|set| matches!(set.domain.as_str(), "" | "ai.onnx") && set.version > NEWEST_OPSET);
        if let Some(set) = newer {
            return Err(self.unsupported(format!(
                "it was made for opset {}, the newest this program knows is {NEWEST_OPSET}; export with an older one (`opset_version=17`), or update edgeward",
                set.version
            )));
        }
        if graph.output.is_empty() {
            return Err(self.not_onnx("its graph has no outputs"));
        }
        if graph.node.is_empty() {
            return Err(self.not_onnx("its graph has no nodes"));
        }
        Ok((proto, file_bytes))
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
