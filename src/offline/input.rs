//! What is to be scored: files of rows, or files that are a message each.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use edgeward_core::scoring::declared::Format;

/// How a file is cut into messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputKind {
    /// A JSON message a line.
    Jsonl,
    /// CSV with a header that names the fields.
    Csv,
    /// Each file is one message: images, raw tensors.
    Whole,
}

/// One input, its kind settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputSpec {
    /// `None` is standard input.
    pub path: Option<PathBuf>,
    pub kind: InputKind,
    /// 0 where it can't be known.
    pub bytes: u64,
}

/// An input that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    #[error("can't read {path}: {source}")]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("can't tell the format of {path}; name it with --input-format")]
    UnknownFormat { path: PathBuf },
    #[error("{path} holds {kind}, but the model takes {format} payloads")]
    WrongFormat { path: PathBuf, kind: &'static str, format: &'static str },
    #[error("the folder {path} holds no {what}")]
    Empty { path: PathBuf, what: &'static str },
}

impl InputSpec {
    /// Settles what `path` is for a model whose payloads are `format`; `-` is standard input, a
    /// folder stands for its files in the order of their names.
    ///
    /// # Errors
    /// [`InputError`]
    pub fn find(
        path: &Path,
        wanted: Option<InputKind>,
        format: Format,
    ) -> Result<Vec<InputSpec>, InputError> {
        let whole = matches!(format, Format::Image | Format::Raw);
        if path == Path::new("-") {
            let kind = wanted.unwrap_or(InputKind::Jsonl);
            check(path, kind, format)?;
            return Ok(vec![InputSpec { path: None, kind, bytes: 0 }]);
        }
        let unreadable = |source| InputError::Unreadable { path: path.to_owned(), source };
        let metadata = fs::metadata(path).map_err(unreadable)?;
        if metadata.is_dir() {
            return folder(path, format);
        }
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
        let kind = match (wanted, extension.as_deref()) {
            (Some(kind), _) => kind,
            (None, _) if whole => InputKind::Whole,
            (None, Some("csv" | "tsv")) => InputKind::Csv,
            (None, Some("jsonl" | "ndjson" | "json")) => InputKind::Jsonl,
            (None, _) => return Err(InputError::UnknownFormat { path: path.to_owned() }),
        };
        check(path, kind, format)?;
        Ok(vec![InputSpec { path: Some(path.to_owned()), kind, bytes: metadata.len() }])
    }

    /// The name in results and messages.
    pub fn name(&self) -> String {
        self.path.as_ref().map_or_else(|| "-".into(), |path| path.display().to_string())
    }
}

/// Rows hold values, so they can't fill a model that wants images; the other way round the same.
fn check(path: &Path, kind: InputKind, format: Format) -> Result<(), InputError> {
    let fits = match kind {
        InputKind::Jsonl => format == Format::Json,
        InputKind::Csv => matches!(format, Format::Json | Format::Csv),
        InputKind::Whole => matches!(format, Format::Image | Format::Raw),
    };
    let kind = match kind {
        InputKind::Jsonl => "JSON lines",
        InputKind::Csv => "CSV",
        InputKind::Whole => "whole files",
    };
    let wrong = || InputError::WrongFormat { path: path.to_owned(), kind, format: format.name() };
    if fits { Ok(()) } else { Err(wrong()) }
}

fn folder(path: &Path, format: Format) -> Result<Vec<InputSpec>, InputError> {
    check(path, InputKind::Whole, format)?;
    let unreadable = |source| InputError::Unreadable { path: path.to_owned(), source };
    let mut found = Vec::new();
    for entry in fs::read_dir(path).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let metadata = fs::metadata(entry.path()).map_err(unreadable)?;
        let extension = entry.path().extension().map(|e| e.to_string_lossy().to_lowercase());
        let image = matches!(extension.as_deref(), Some("jpg" | "jpeg" | "png"));
        if metadata.is_file() && (image || format == Format::Raw) {
            found.push(InputSpec { path: Some(entry.path()), kind: InputKind::Whole, bytes: metadata.len() });
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    if found.is_empty() {
        let what = if format == Format::Image { "JPEG or PNG files" } else { "files" };
        return Err(InputError::Empty { path: path.to_owned(), what });
    }
    Ok(found)
}
