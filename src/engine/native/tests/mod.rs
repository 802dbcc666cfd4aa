//! Models and values as ONNX's own tests keep them, run and compared.

mod compare;
mod findings;
mod hostile;
mod inference;
mod make;
mod mutation;
mod refused;
mod suite;
mod table;
mod versions;
