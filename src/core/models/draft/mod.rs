//! A first bundle from a model and, if there is one, a file of sample messages.
//!
//! [`Sample::read`] looks at the messages, [`Draft::new`] holds them against the model's signature and
//! asks for what neither tells, [`Draft::write`] makes the folder.

mod fields;
mod given;
mod image;
mod sample;
mod sizes;
mod text;
mod write;

pub use sample::{Leaf, LeafKind, Sample};

use std::path::Path;

use edgeward_engine::{Dim, Port, Signature};

/// Why there is no draft: one sentence with what to do next.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    #[error("can't read {path}: {why}")]
    Unreadable { path: String, why: String },
    #[error("{0}")]
    Unclear(String),
    #[error("{0}")]
    Model(#[from] super::ModelError),
}

/// Asks whoever writes the bundle for what the model and the sample don't tell.
pub trait Ask {
    /// Which `wanted` of the sample's fields fill an input, in order, as indices. `guess` are the likely ones.
    ///
    /// # Errors
    /// When there is nobody to ask.
    fn fields(
        &mut self,
        tensor: &str,
        wanted: usize,
        leaves: &[Leaf],
        guess: &[usize],
    ) -> Result<Vec<usize>, DraftError>;

    /// How pixels are brought into the model's range.
    ///
    /// # Errors
    /// When there is nobody to ask.
    fn pixels(&mut self, tensor: &str) -> Result<Pixels, DraftError>;

    /// The names of `classes` classes; none when they shall stay numbers.
    ///
    /// # Errors
    /// When there is nobody to ask.
    fn labels(&mut self, output: &str, classes: usize) -> Result<Vec<String>, DraftError>;

    /// The number that an input always has.
    ///
    /// # Errors
    /// When there is nobody to ask.
    fn constant(&mut self, tensor: &str) -> Result<f64, DraftError>;
}

/// The range of pixels a model takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pixels {
    /// 0 to 255, as they are.
    Bytes,
    /// 0 to 1.
    Unit,
    /// ImageNet's mean and standard deviation, as torchvision's models take them.
    ImageNet,
}

/// How one input is filled.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Filling {
    /// Fields of the message, each with a path and whether it is text, a truth value or a number.
    Fields(Vec<(String, LeafKind)>),
    Array(String),
    /// A number that is always the same.
    Constant(f64),
    /// The length of another input.
    SizeOf(String),
    /// What this output gave for the source's message before.
    State(String),
    Image {
        width: usize,
        height: usize,
        gray: bool,
        nhwc: bool,
        pixels: Pixels,
    },
}

/// How one output is told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Telling {
    Label(Vec<String>),
    Probabilities(Vec<String>),
    Value,
    Vector,
    /// Of axes that vary.
    Tensor,
    ReconstructionError,
}

/// A bundle about to be written.
#[derive(Debug)]
pub struct Draft {
    pub name: String,
    pub version: String,
    pub(crate) image: bool,
    pub(crate) readings: Option<String>,
    pub(crate) time: Option<String>,
    pub(crate) message_id: Option<String>,
    /// Readings in a window, and whether time comes first.
    pub(crate) window: Option<(usize, bool)>,
    pub(crate) inputs: Vec<(String, Filling)>,
    pub(crate) sizes: Vec<sizes::Seen>,
    pub(crate) outputs: Vec<(String, Telling)>,
    /// What was assumed, in sentences.
    pub notes: Vec<String>,
}

impl Draft {
    /// Holds a sample against a model and asks for the rest.
    ///
    /// # Errors
    /// [`DraftError::Unclear`] with what can't be known, or what the model takes that no message fills.
    pub fn new(
        name: &str,
        version: &str,
        signature: &Signature,
        sample: Option<&Sample>,
        ask: &mut dyn Ask,
    ) -> Result<Draft, DraftError> {
        let mut draft = Draft {
            name: name.into(),
            version: version.into(),
            image: false,
            readings: None,
            time: None,
            message_id: None,
            window: None,
            inputs: vec![],
            sizes: vec![],
            outputs: vec![],
            notes: vec![],
        };
        if let [port] = &*signature.inputs
            && sample.is_none_or(|sample| sample.is_image)
            && let Some(filling) = image::filling(port, ask)?
        {
            draft.image = true;
            draft.inputs.push((port.name.clone(), filling));
        } else {
            fields::fill(&mut draft, signature, sample, ask)?;
        }
        let is_carried = |port: &&Port| {
            let by = Filling::State(port.name.clone());
            !draft.inputs.iter().any(|(_, filling)| *filling == by)
        };
        let told: Vec<&Port> = signature.outputs.iter().filter(is_carried).collect();
        for port in told {
            let telling = telling(port, signature, ask)?;
            draft.outputs.push((port.name.clone(), telling));
        }
        Ok(draft)
    }

    /// Makes the bundle's folder: the model, `bundle.toml`, and samples with the answers of a first run.
    ///
    /// # Errors
    /// A folder that is there already, a file that can't be written, a bundle that doesn't load.
    pub fn write(
        &self,
        onnx: &Path,
        folder: &Path,
        sample: Option<&Sample>,
        limits: &edgeward_engine::Limits,
    ) -> Result<Written, DraftError> {
        write::write(self, onnx, folder, sample, limits)
    }

    /// The text of `bundle.toml`, without the model's digest.
    pub fn manifest(&self, model_file: &str, sha256: &str, samples: bool) -> String {
        text::manifest(self, model_file, sha256, samples)
    }
}

/// What came of writing a draft.
#[derive(Debug)]
pub struct Written {
    /// Samples written with their answers.
    pub samples: usize,
    /// The first verdict, as JSON.
    pub verdict: Option<serde_json::Value>,
    /// Why there is none.
    pub why_not: Option<String>,
}

fn telling(port: &Port, signature: &Signature, ask: &mut dyn Ask) -> Result<Telling, DraftError> {
    use crate::domain::ElementType as E;
    let len = if signature.free_batch { port.row_len() } else { fixed_len(port) };
    let float = matches!(port.element, E::F32 | E::F64);
    if !float {
        return Ok(if len == Some(1) { Telling::Label(vec![]) } else { Telling::Vector });
    }
    if !port.labels.is_empty() && len.is_none_or(|len| len == port.labels.len()) {
        return Ok(Telling::Probabilities(port.labels.clone()));
    }
    if let [input] = &*signature.inputs
        && input.dims == port.dims
        && len.is_some_and(|len| len > 1)
    {
        return Ok(Telling::ReconstructionError);
    }
    match len {
        Some(1) => Ok(Telling::Value),
        Some(classes) if port.dims.len() <= 2 && classes <= 1000 => {
            let labels = ask.labels(&port.name, classes)?;
            Ok(if labels.is_empty() { Telling::Vector } else { Telling::Probabilities(labels) })
        }
        None if port.dims.len() > 2 => Ok(Telling::Tensor),
        _ => Ok(Telling::Vector),
    }
}

fn fixed_len(port: &Port) -> Option<usize> {
    port.dims.iter().try_fold(1usize, |product, dim| match dim {
        Dim::Fixed(n) => product.checked_mul(*n),
        Dim::Batch | Dim::Free(_) => None,
    })
}
