//! `bundle.toml`: what the data scientist knows of a model. Documented in `docs/bundles.md`.

use std::path::{Component, Path};

use super::ModelError;
use crate::{
    scoring::declared::{Spec, read_sizes, read_spec},
    settings::{Fault, Faults, Node, Section},
};
use edgeward_engine::Choice;

/// The manifest's name in a bundle's folder.
pub const BUNDLE_MANIFEST: &str = "bundle.toml";

/// The format this program writes and the newest it reads.
pub const BUNDLE_FORMAT: u64 = 1;

/// A bundle's manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    pub name: String,
    pub version: String,
    pub description: String,
    /// Within the bundle's folder.
    pub model_file: String,
    pub model_sha256: String,
    pub spec: Spec,
    /// What shall run the model.
    pub engine: Choice,
    /// Within the bundle's folder.
    pub samples_file: Option<String>,
}

impl Manifest {
    /// Reads the manifest of the bundle at `folder`.
    ///
    /// # Errors
    /// [`ModelError::Unreadable`], or [`ModelError::Bundle`] with every fault at once.
    pub fn read(folder: &Path) -> Result<Manifest, ModelError> {
        let path = folder.join(BUNDLE_MANIFEST);
        let text = std::fs::read_to_string(&path)
            .map_err(|source| ModelError::Unreadable { path: path.clone(), source })?;
        let refused = |faults| ModelError::Bundle { path: folder.to_owned(), faults };
        let tree = Node::from_toml(&text, BUNDLE_MANIFEST).map_err(|reason| {
            refused(vec![Fault { path: String::new(), value: None, reason, origin: None, suggestion: None }])
        })?;
        let faults = Faults::new();
        let manifest = read_manifest(&tree, &faults);
        match manifest {
            Some(manifest) if faults.is_empty() => Ok(manifest),
            _ => Err(refused(faults.into_vec())),
        }
    }
}

fn read_manifest(tree: &Node, faults: &Faults) -> Option<Manifest> {
    let root = Section::root(tree, faults);
    match root.integer("format", 1..=u64::MAX) {
        Some(format) if format > BUNDLE_FORMAT => {
            // Its other keys may mean something else: saying more would mislead.
            let reason = format!("is newer than this program reads ({BUNDLE_FORMAT}); update edgeward");
            root.fault("format", reason);
            return None;
        }
        None if !root.has("format") => {
            root.fault("format", format!("is missing: the format's version, {BUNDLE_FORMAT}"));
        }
        _ => {}
    }
    let name = root.required_text("name", "the model's name");
    let version = root.required_text("version", "the model's version");
    let description = root.text("description").unwrap_or_default();
    let model = root.section("model");
    let model_file = inner_file(&model, "file", true);
    let model_sha256 = model.required_text("sha256", "the SHA-256 of the model's file, in hexadecimal");
    if let Some(digest) = &model_sha256
        && !(digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f')))
    {
        model.fault("sha256", "must be 64 lower-case hexadecimal digits");
    }
    let engine = model.choice("engine", &Choice::NAMES).unwrap_or_default();
    let (sizes, batch_axis) = read_sizes(&model);
    model.finish();
    let samples = root.section("samples");
    let samples_file = inner_file(&samples, "file", samples.is_present());
    samples.finish();
    let spec = Spec { sizes, batch_axis, ..read_spec(&root) };
    root.finish();
    Some(Manifest {
        name: name?,
        version: version?,
        description,
        model_file: model_file?,
        model_sha256: model_sha256?,
        spec,
        engine,
        samples_file,
    })
}

/// A file within the bundle: no path may lead out of it.
fn inner_file(section: &Section<'_>, key: &str, required: bool) -> Option<String> {
    let file = if required {
        section.required_text(key, "a file in the bundle's folder")?
    } else {
        section.text(key)?
    };
    let plain = Path::new(&file).components().all(|part| matches!(part, Component::Normal(_)));
    if !plain || file.is_empty() {
        section.fault(key, "must be a file within the bundle's folder");
        return None;
    }
    Some(file)
}
