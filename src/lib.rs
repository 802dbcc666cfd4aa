//! edgeward: on-device inference for IoT Edge. See ARCHITECTURE.md for the rooms and the rules.
#![forbid(unsafe_code)]

pub mod cli;
pub mod config;
#[cfg(feature = "demo")]
pub mod demo;
pub mod edge;
pub mod mqtt;
pub mod offline;
pub mod telemetry;
