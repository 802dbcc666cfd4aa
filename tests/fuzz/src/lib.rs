//! The engine's own executor, taken in as it stands, for the fuzz targets.

#[path = "../../../src/domain/mod.rs"]
pub mod domain;
pub mod engine;
