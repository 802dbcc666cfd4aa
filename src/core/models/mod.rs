//! Bundles and bare models: from a path to a model that is checked, planned and ready to score.

mod bundle;
mod digest;
pub mod draft;
mod samples;

pub use bundle::{BUNDLE_FORMAT, BUNDLE_MANIFEST, Manifest};
pub use digest::bundle_digest;
pub use samples::SampleMismatch;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    crypto,
    scoring::{
        ModelIdentity, Plan, PlanFault,
        declared::{Spec, infer},
    },
    settings::Fault,
};
use edgeward_engine::{self as engine, Choice, Engine, Limits, LoadError};

/// A model ready to score. A copy shares the engine.
#[derive(Clone)]
pub struct Model {
    /// As given: a bundle's folder or an `.onnx` file.
    pub path: PathBuf,
    pub identity: ModelIdentity,
    pub description: String,
    pub engine: Arc<dyn Engine>,
    /// The bundle's own samples.
    samples: Option<PathBuf>,
    pub plan: Arc<Plan>,
    /// What it was loaded with.
    origin: Origin,
}

/// All that a loaded model rests on, besides its files, whose digest is in the identity.
#[derive(Clone, Default, PartialEq)]
struct Origin {
    /// As it was declared, before the model completed it.
    declared: Spec,
    choice: Choice,
    limits: Limits,
}

/// The same files, declared and run alike.
impl PartialEq for Model {
    fn eq(&self, other: &Self) -> bool {
        let names = |model: &Self| {
            let ModelIdentity { name, version, digest } = &model.identity;
            (name.clone(), version.clone(), digest.clone())
        };
        self.path == other.path && names(self) == names(other) && self.origin == other.origin
    }
}

impl Model {
    /// Bounds on what it may ask of this machine.
    pub fn limits(&self) -> &Limits {
        &self.origin.limits
    }

    /// A model that stands in no file: for tests of what is around it.
    pub fn new(identity: ModelIdentity, engine: Arc<dyn Engine>, plan: Arc<Plan>) -> Self {
        Model {
            path: "".into(),
            identity,
            description: String::new(),
            engine,
            samples: None,
            plan,
            origin: Origin::default(),
        }
    }

    /// Scores the bundle's own samples, if it has some, with the engine the model has now; the answer
    /// says how many there are.
    ///
    /// # Errors
    /// [`ModelError::Samples`] names the first that is answered otherwise than declared.
    pub fn check_samples(&self) -> Result<usize, ModelError> {
        self.samples.as_ref().map_or(Ok(0), |file| samples::verify(self, file))
    }
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model").field("path", &self.path).field("identity", &self.identity).finish()
    }
}

/// Why a model is not ready to score.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("can't read {path}: {source}")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{0}")]
    Load(#[from] LoadError),
    #[error("the bundle {path} is not usable: {}", join(faults))]
    Bundle { path: PathBuf, faults: Vec<Fault> },
    #[error(
        "{path} is not the file the bundle was made with: its SHA-256 is {found}, `model.sha256` says {declared}; copy the bundle again"
    )]
    Digest { path: PathBuf, declared: String, found: String },
    #[error("the bundle {path} must not contain links or special files: `{name}`")]
    NotPlain { path: PathBuf, name: String },
    /// The declaration can't be completed from the model alone.
    #[error("{path}: {what}")]
    Undeclared { path: PathBuf, what: String },
    #[error("the declaration doesn't fit the model {path}: {}", join_plan(faults))]
    Unfit { path: PathBuf, faults: Vec<PlanFault> },
    #[error(
        "the model {path} doesn't answer its own samples as declared: {mismatch}; the file or the engine is not the one the bundle was made with"
    )]
    Samples { path: PathBuf, mismatch: SampleMismatch },
}

fn join(faults: &[Fault]) -> String {
    faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("; ")
}

fn join_plan(faults: &[PlanFault]) -> String {
    faults.iter().map(|fault| format!("{}: {}", fault.key, fault.reason)).collect::<Vec<_>>().join("; ")
}

/// What stands at a path, before the engine has seen it: the declaration and the identity.
#[derive(Debug)]
pub struct Opened {
    path: PathBuf,
    onnx: PathBuf,
    identity: ModelIdentity,
    description: String,
    /// The bundle's declaration; empty for a bare `.onnx`.
    pub spec: Spec,
    /// What shall run it.
    pub engine: Choice,
    /// True for a bundle: it settles the mapping.
    pub is_bundle: bool,
    samples: Option<PathBuf>,
}

impl Opened {
    /// The `.onnx` file.
    pub fn onnx(&self) -> &Path {
        &self.onnx
    }
}

/// Opens a bundle's folder or a bare `.onnx` file and checks its digest.
///
/// # Errors
/// [`ModelError`], with every fault of a bundle's manifest at once.
pub fn open(path: &Path, limits: &Limits) -> Result<Opened, ModelError> {
    let unreadable = |source| ModelError::Unreadable { path: path.to_owned(), source };
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if metadata.is_dir() {
        return open_bundle(path);
    }
    if metadata.len() > limits.max_model_bytes {
        return Err(LoadError::TooLarge {
            path: path.to_owned(),
            what: format!("{} bytes", metadata.len()),
            limit_bytes: limits.max_model_bytes,
            key: "limits.max_model_bytes",
        }
        .into());
    }
    let name = path.file_stem().map_or_else(|| "model".into(), |stem| stem.to_string_lossy().into_owned());
    let digest = digest::file_digest(path).map_err(unreadable)?;
    Ok(Opened {
        path: path.to_owned(),
        onnx: path.to_owned(),
        identity: ModelIdentity { name, version: "0".into(), digest },
        description: String::new(),
        spec: Spec::default(),
        engine: Choice::Auto,
        is_bundle: false,
        samples: None,
    })
}

fn open_bundle(path: &Path) -> Result<Opened, ModelError> {
    let manifest = Manifest::read(path)?;
    let onnx = path.join(&manifest.model_file);
    let unreadable = |source| ModelError::Unreadable { path: onnx.clone(), source };
    let found = digest::file_digest(&onnx).map_err(unreadable)?;
    if found != manifest.model_sha256 {
        return Err(ModelError::Digest { path: onnx, declared: manifest.model_sha256, found });
    }
    let digest = bundle_digest(path)?;
    Ok(Opened {
        path: path.to_owned(),
        identity: ModelIdentity { name: manifest.name, version: manifest.version, digest },
        description: manifest.description,
        spec: manifest.spec,
        engine: manifest.engine,
        is_bundle: true,
        samples: manifest.samples_file.map(|file| path.join(file)),
        onnx,
    })
}

/// Loads an opened model: engine, plan, and the bundle's own samples.
///
/// # Errors
/// [`ModelError`], with every fault of the declaration at once.
pub fn load(opened: Opened, limits: &Limits) -> Result<Model, ModelError> {
    let engine = engine::load(&opened.onnx, limits, opened.engine)?;
    let origin = Origin { declared: opened.spec.clone(), choice: opened.engine, limits: *limits };
    let mut spec = opened.spec;
    infer(&mut spec, engine.signature())
        .map_err(|what| ModelError::Undeclared { path: opened.path.clone(), what })?;
    let plan = Plan::new(spec, engine.signature(), limits)
        .map_err(|faults| ModelError::Unfit { path: opened.path.clone(), faults })?;
    let (identity, description) = (opened.identity, opened.description);
    let samples = opened.samples;
    let model =
        Model { path: opened.path, identity, description, engine, samples, plan: Arc::new(plan), origin };
    model.check_samples()?;
    Ok(model)
}

/// Loads an opened model, or gives the one of `known` that is the same: then neither engine nor plan
/// is made again.
///
/// # Errors
/// As [`load`].
pub fn load_unless_known(opened: Opened, limits: &Limits, known: &[Model]) -> Result<Model, ModelError> {
    let origin = Origin { declared: opened.spec.clone(), choice: opened.engine, limits: *limits };
    let digest = &opened.identity.digest;
    let same = |model: &&Model| {
        model.path == opened.path && model.identity.digest == *digest && model.origin == origin
    };
    // A bundle's digest is over all its files; that of a bare file leaves its external data out.
    let is_whole = || {
        opened.is_bundle
            || engine::external_files(&opened.onnx, limits).is_ok_and(|external| external.is_empty())
    };
    match known.iter().find(same) {
        Some(model) if is_whole() => Ok(model.clone()),
        _ => load(opened, limits),
    }
}

/// The SHA-256 of a text, for identities made of several parts.
pub(crate) fn digest_text(text: &str) -> String {
    crypto::sha256_hex(text.as_bytes())
}
