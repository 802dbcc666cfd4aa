//! Models and values as ONNX's own tests keep them, run and compared.

mod compare;
mod suite;
mod table;
mod versions;
