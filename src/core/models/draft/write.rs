//! The folder: written beside its place, tried out, and moved there when it is whole.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{Draft, DraftError, Filling, Sample, Written};
use crate::models::{self, ModelError, bundle::BUNDLE_MANIFEST, digest::file_digest, samples::Stream};
use edgeward_engine::{Limits, external_files};

/// Samples kept in a bundle.
const MAX_SAMPLES: usize = 16;

pub(super) fn write(
    draft: &Draft,
    onnx: &Path,
    folder: &Path,
    sample: Option<&Sample>,
    limits: &Limits,
) -> Result<Written, DraftError> {
    if folder.exists() {
        return Err(DraftError::Unclear(format!(
            "{} is there already; name another folder with --output",
            folder.display()
        )));
    }
    let mut part = folder.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let unwritable = |path: &Path| {
        let path = path.display().to_string();
        move |error: io::Error| DraftError::Unreadable { path, why: error.to_string() }
    };
    // What an earlier try that was cut off has left.
    let _ = fs::remove_dir_all(&part);
    fs::create_dir_all(&part).map_err(unwritable(&part))?;
    let written = fill(draft, onnx, &part, sample, limits, &unwritable);
    let moved = written.and_then(|written| {
        fs::rename(&part, folder).map_err(unwritable(folder))?;
        Ok(written)
    });
    if moved.is_err() {
        // The error is what matters, not what is left.
        let _ = fs::remove_dir_all(&part);
    }
    moved
}

fn fill<F: FnOnce(io::Error) -> DraftError>(
    draft: &Draft,
    onnx: &Path,
    part: &Path,
    sample: Option<&Sample>,
    limits: &Limits,
    unwritable: &dyn Fn(&Path) -> F,
) -> Result<Written, DraftError> {
    let name =
        onnx.file_name().map_or_else(|| "model.onnx".into(), |name| name.to_string_lossy().into_owned());
    let copy = part.join(&name);
    fs::copy(onnx, &copy).map_err(unwritable(&copy))?;
    for outside in external_files(onnx, limits).map_err(ModelError::from)? {
        let to = part.join(&outside);
        let from = onnx.parent().unwrap_or(Path::new("")).join(&outside);
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).map_err(unwritable(folder))?;
        }
        fs::copy(&from, &to).map_err(unwritable(&from))?;
    }
    let sha256 = file_digest(&copy).map_err(unwritable(&copy))?;
    let manifest = part.join(BUNDLE_MANIFEST);
    let save = |samples: bool| fs::write(&manifest, draft.manifest(&name, &sha256, samples));
    save(false).map_err(unwritable(&manifest))?;
    let opened = models::open(part, limits)?;
    let model = models::load(opened, limits)?;
    let inputs = sample.map_or(&[][..], |sample| &sample.messages);
    if draft.image || inputs.is_empty() {
        return Ok(Written { samples: 0, verdict: None, why_not: None });
    }
    let mut lines = String::new();
    let mut written = Written { samples: 0, verdict: None, why_not: None };
    let mut stream = Stream::new(&model);
    let carries = draft.inputs.iter().any(|(_, filling)| matches!(filling, Filling::State(_)));
    for input in inputs.iter().take(if draft.window.is_some() { usize::MAX } else { MAX_SAMPLES }) {
        // Steps of one stream where something is carried; else each message stands for itself.
        if !carries {
            stream = Stream::new(&model);
        }
        match stream.answer(input) {
            Ok(outputs) => {
                lines += &serde_json::json!({ "input": input, "outputs": outputs }).to_string();
                lines.push('\n');
                written.samples += 1;
                written.verdict.get_or_insert(outputs);
            }
            Err(why) => written.why_not = Some(why),
        }
    }
    if written.samples > 0 {
        let path = part.join("samples.jsonl");
        fs::write(&path, lines).map_err(unwritable(&path))?;
        save(true).map_err(unwritable(&manifest))?;
        // Once more, as everybody will find it.
        models::load(models::open(part, limits)?, limits)?;
    }
    Ok(written)
}
