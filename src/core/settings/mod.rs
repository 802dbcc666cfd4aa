//! A walk over a tree of settings that reports every fault at once.
//!
//! Configuration and bundles are both read this way: the tree comes from any format, a
//! [`Section`] hands out typed values and notes what is wrong (type, range, missing, unknown key
//! with a nearby name), and nothing stops at the first fault.
//!
//! Invariant: reads no file and no environment; a room that does hands the tree in.

mod fault;
mod node;
mod section;

pub use fault::{Fault, Faults, Known};
pub use node::{Node, Origin, Value};
pub use section::{Item, Place, Section, is_name, nearest};
