//! What is known of every value of a graph before it runs: its type, its shape, the contents of short
//! tensors of whole numbers.
//!
//! A pass ([`infer`]) goes through the steps in their order, once (bodies of loops a few times). What an
//! operator makes is told by its rule, which stands beside the operator in the table (`ops`) and
//! reads the node's attributes once, as the operator itself does; `rules` has a file a family. Where
//! all that a step reads is known and short, the operator itself is run instead: so chains of `Shape`,
//! `Gather`, `Concat`, `Cast` can't mean one thing here and another in a run. Without a rule nothing is
//! known; what is said is true of every run, as long as inputs have the declared shapes.
//!
//! A dimension is a number, or a symbol (`facts::Symbols`): a name of the file, a length that only a run
//! knows, or a sum of products of such. Two dimensions with one symbol are the same in every run.
//!
//! A step that is certain to fail is a fault of the model, told when it is loaded. In a subgraph it is
//! not: a run may never come to it, and exporters do write branches that fit one of two ranks only.
//!
//! What a file declares of its inputs is true, or they are refused. Of values between nodes and of outputs
//! (`value_info`) only the *types* are believed: one that contradicts what a node makes is a fault, as in
//! ONNX Runtime, which refuses such a model too. Declared *shapes* of theirs are not: exporters write
//! wrong ones (converters of trees declare one row for any number of them), and ONNX Runtime warns of a
//! rank or a length that contradicts and goes on with what it has inferred.
//!
//! Everything is bounded: dimensions are added and multiplied with checks, contents are kept up to
//! `facts::LONGEST` elements, all facts together up to a number of dimensions that grows with the
//! graph, and nested bodies share one budget of steps.

mod pass;
pub mod rules;

pub use pass::infer;
