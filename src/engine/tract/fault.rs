//! tract's errors and panics in one short line.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::engine::{LoadError, onnx::file::ModelFile};

/// Longest reason shown; tract may print whole tensors.
const MAX_CHARS: usize = 400;

/// An error with its causes, on one line.
pub(super) fn reason(error: &tract_onnx::tract_hir::internal::TractError) -> String {
    let chain: Vec<_> = error.chain().map(ToString::to_string).collect();
    shorten(&chain.join(": "))
}

fn shorten(text: &str) -> String {
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
