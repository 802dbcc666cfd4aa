//! What a node says of itself: its attributes, and what operators and the rules of their outputs both read
//! from them, by the same code, so that they can't say different things.

pub mod conv;
pub mod equation;
pub mod kind;
mod node;
pub mod pool;
pub mod resize;
pub mod spatial;
mod values;

pub use node::Node;
pub use values::Attributes;
