//! Plain types every room speaks: identities, tensors, reasons, books.
//!
//! Invariant: nothing here does IO, is async, or shows a foreign crate's type.

mod books;
mod id;
mod reason;
mod retention;
mod shed;
mod ticket;
mod topic;

pub use edgeward_engine::{ElementType, Tensor, TensorData};

pub use books::{Books, Bucket};
pub use id::{Epoch, InputId, ResultId};
pub use reason::{Reason, Rejection};
pub use retention::{ClassPolicy, Durability, Order, WhenFull};
pub use shed::ShedPolicy;
pub use ticket::{Settle, Ticket};
pub use topic::{TopicFilter, TopicFilterError};
