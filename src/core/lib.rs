//! The scoring core of edgeward: from a message's bytes to a verdict, the same on a device, on the
//! command line and in a service. No network, no clock of its own.
#![forbid(unsafe_code)]

pub mod crypto;
pub mod decide;
pub mod domain;
pub mod fault_injection;
pub mod models;
pub mod scoring;
pub mod serving;
pub mod settings;
pub mod signal;
pub mod vision;
