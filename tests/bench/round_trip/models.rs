//! The two models, the messages for them, and whether two peers gave the same answer.

use std::{f64::consts::TAU, fmt::Write, fs, path::PathBuf};

use bytes::Bytes;
use serde_json::Value;

use crate::common;

/// Different messages, sent in turn.
const PAYLOADS: usize = 64;

pub struct Model {
    pub name: &'static str,
    pub bundle: PathBuf,
    /// JSON arrays of as many numbers as the model takes.
    pub payloads: Vec<String>,
    /// The condition's threshold, where the verdict is a reconstruction error.
    pub threshold: Option<f64>,
    /// The output that all scoring peers give.
    output: &'static str,
    /// What the issue asks of edgeward: at most this many times the echo's median round trip with one
    /// message in flight, and at least this share of its rate with 64 and with 512.
    pub round_trip_at_most: f64,
    pub echo_share_at_least: [(usize, f64); 2],
}

impl Model {
    pub fn mlp() -> Result<Model, String> {
        Ok(Model {
            name: "mlp",
            bundle: bundle("mlp")?,
            payloads: payloads(4),
            threshold: None,
            output: "score",
            round_trip_at_most: 1.5,
            echo_share_at_least: [(64, 0.60), (512, 0.60)],
        })
    }

    pub fn autoencoder() -> Result<Model, String> {
        let bundle = bundle("autoencoder")?;
        let text = fs::read_to_string(bundle.join("bundle.toml")).map_err(|e| e.to_string())?;
        // The only `value` in that file is the condition's.
        let value = text.lines().find_map(|line| line.strip_prefix("value = "));
        let threshold = value.and_then(|value| value.parse().ok()).ok_or("bundle.toml has no threshold")?;
        Ok(Model {
            name: "autoencoder",
            bundle,
            payloads: payloads(640),
            threshold: Some(threshold),
            output: "reconstruction_error",
            round_trip_at_most: 2.2,
            echo_share_at_least: [(64, 0.22), (512, 0.30)],
        })
    }

    /// The number that an answer of a scoring peer carries.
    pub fn number(&self, answer: &Bytes) -> Result<f64, String> {
        let json: Value =
            serde_json::from_slice(answer).map_err(|e| format!("the answer is not JSON: {e}"))?;
        let outputs = json.get("outputs").unwrap_or(&json);
        let value = &outputs[self.output];
        let value = value.get(0).unwrap_or(value);
        value.as_f64().ok_or_else(|| format!("the answer has no number `{}`: {json}", self.output))
    }
}

/// A bundle that `tests/setup` made.
fn bundle(name: &str) -> Result<PathBuf, String> {
    common::existing(common::root().join("target/test-models").join(name))
}

/// Normally distributed numbers with four decimals, the same in every run.
fn payloads(len: usize) -> Vec<String> {
    let mut state: u64 = 0x5eed;
    let mut uniform = move || {
        // Knuth's MMIX generator; the high bits are the good ones.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    };
    (0..PAYLOADS)
        .map(|_| {
            let mut text = String::from("[");
            for i in 0..len {
                let normal = (-2.0 * uniform().ln()).sqrt() * (TAU * uniform()).cos();
                // Writing to a String can't fail.
                let _ = write!(text, "{}{normal:.4}", if i == 0 { "" } else { "," });
            }
            text + "]"
        })
        .collect()
}
