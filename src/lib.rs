//! edgeward: on-device inference for IoT Edge. See ARCHITECTURE.md for the rooms and the rules.
#![forbid(unsafe_code)]

pub mod cli;
pub mod config;
pub mod crypto;
pub mod decide;
#[cfg(feature = "demo")]
pub mod demo;
pub mod domain;
pub mod edge;
pub mod engine;
pub mod models;
pub mod mqtt;
pub mod offline;
pub mod scoring;
pub mod settings;
pub mod signal;
pub mod telemetry;
pub mod vision;
