//! The whole program from outside: the built binary, a real Mosquitto, real files.
//!
//! Every test has its own broker on its own free port and its own folder, so they run side by side.
//! Nothing sleeps: tests wait for messages, log lines, `/readyz`, `/status` or a process's end.
//! `tests/setup` installs what they need.

// A panic is how a test fails, also in its helpers.
#![allow(clippy::unwrap_used)]

mod admin;
mod bad_input;
mod bad_models;
mod bundle_init;
mod check;
#[cfg(feature = "demo")]
mod demo;
mod detections;
mod durable;
mod equality;
mod golden;
mod harness;
mod live;
mod login;
mod offline;
mod payloads;
mod preparation;
mod queue;
mod real;
mod recipes;
mod restart;
mod settings;
mod signal;
mod stop;
mod support;
mod tls;

mod reference;
mod tidy;
