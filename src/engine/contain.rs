//! Models come from outside: a panic while one is read or prepared is an error like any other.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{LoadError, onnx::file::ModelFile};

/// Longest reason shown; an engine may print whole tensors.
const MAX_CHARS: usize = 400;

/// The text on one line, cut at a few hundred characters.
pub(super) fn shorten(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{} ...", &line[..end]),
        None => line,
    }
}

/// Runs `work`; a panic in it becomes an error that says so.
pub(super) fn contained<T>(
    file: &ModelFile<'_>,
    work: impl FnOnce() -> Result<T, LoadError>,
) -> Result<T, LoadError> {
    // Nothing of a failed load is kept, so nothing can be seen half done.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no reason given");
        Err(file.unsupported(format!("the engine panicked on it: {}", shorten(text))))
    })
}
