//! As `src/engine/mod.rs`, without the other engines.

#[path = "../../../src/engine/contain.rs"]
mod contain;
#[path = "../../../src/engine/error.rs"]
mod error;
#[path = "../../../src/engine/exp.rs"]
mod exp;
#[path = "../../../src/engine/limits.rs"]
mod limits;
#[path = "../../../src/engine/linear/mod.rs"]
pub mod linear;
#[path = "../../../src/engine/native/mod.rs"]
pub mod native;
#[path = "../../../src/engine/onnx/mod.rs"]
pub mod onnx;
#[path = "../../../src/engine/operators.rs"]
mod operators;
#[path = "../../../src/engine/rows.rs"]
mod rows;
#[path = "../../../src/engine/sample.rs"]
mod sample;
#[path = "../../../src/engine/signature.rs"]
mod signature;
#[path = "../../../src/engine/svm/mod.rs"]
pub mod svm;
#[path = "../../../src/engine/trees/mod.rs"]
pub mod trees;

pub use error::{LoadError, RunError};
pub use limits::Limits;
pub use sample::{random_inputs, seeded_inputs};
pub use signature::{Dim, Port, Signature};

use crate::domain::Tensor;

pub trait Engine: Send + Sync {
    fn signature(&self) -> &Signature;
    fn name(&self) -> &'static str;
    fn session(&self) -> Box<dyn Session>;
}

pub trait Session: Send {
    fn run(&mut self, inputs: &[Tensor]) -> Result<&[Tensor], RunError>;
}
