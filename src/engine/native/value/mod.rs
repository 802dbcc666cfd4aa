//! Values: tensors of every ONNX element type, sequences, maps, optionals.

mod data;
mod declared;
pub mod decode;
mod dispatch;
mod exchange;
mod kind;
#[cfg(any(test, fuzzing))]
pub mod reference;
pub mod small;
mod tensor;

pub use data::{Complex, Data, Element};
pub use declared::{Axis, Type};
pub use decode::Weights;
pub use exchange::{exchanged, from_port, to_port};
pub use kind::Kind;
pub use tensor::{Map, Shape, Tensor, Value, elements};
