//! A bundle's own samples: inputs with the answers its maker saw.

use std::{
    fmt,
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use serde_json::Value as Json;

use super::{Model, ModelError};
use crate::{
    domain::Epoch,
    scoring::{Message, Outcome, Scorer, ScorerOptions, SourceRule},
};

/// Numbers may differ by this much, relative to the larger one (or absolutely, below one): other
/// processors round differently.
const TOLERANCE: f64 = 1e-4;

/// How an answer differs from the declared one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleMismatch {
    /// In the samples file, from 1.
    pub line: usize,
    pub what: String,
}

impl fmt::Display for SampleMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sample {}: {}", self.line, self.what)
    }
}

/// Scores the samples, lines of `{"input": …, "outputs": {…}}`, and compares; the answer is how many
/// there are.
pub(super) fn verify(model: &Model, file: &Path) -> Result<usize, ModelError> {
    let unreadable = |source| ModelError::Unreadable { path: file.to_owned(), source };
    let mut scorer = scorer(model);
    let mut samples = 0;
    for (index, line) in BufReader::new(File::open(file).map_err(unreadable)?).lines().enumerate() {
        let line = line.map_err(unreadable)?;
        if line.trim().is_empty() {
            continue;
        }
        samples += 1;
        let checked = check(&mut scorer, &line);
        checked.map_err(|what| ModelError::Samples {
            path: model.path.clone(),
            mismatch: SampleMismatch { line: index + 1, what },
        })?;
    }
    Ok(samples)
}

fn scorer(model: &Model) -> Scorer {
    Scorer::new(
        model.plan.clone(),
        model.engine.clone(),
        ScorerOptions {
            pipeline: "samples".into(),
            device: "samples".into(),
            epoch: Epoch([0; 8]),
            sequence_field: None,
            source: SourceRule::None,
            max_sources: 1,
            copy_fields: Vec::new(),
            max_payload_bytes: usize::MAX,
            max_batch: 1,
        },
    )
}

/// What the model answers to messages of one source, in their order.
pub(super) struct Stream(Scorer);

impl Stream {
    pub fn new(model: &Model) -> Self {
        Stream(scorer(model))
    }

    /// The outputs for the next message as they stand in a verdict.
    ///
    /// # Errors
    /// Why there are none, in words.
    pub fn answer(&mut self, input: &Json) -> Result<Json, String> {
        let answer = outputs(&mut self.0, input)?;
        Ok(answer["outputs"].clone())
    }
}

fn check(scorer: &mut Scorer, line: &str) -> Result<(), String> {
    let sample: Json = serde_json::from_str(line).map_err(|error| format!("is not JSON: {error}"))?;
    let (Some(input), Some(expected)) =
        (sample.get("input"), sample.get("outputs").and_then(Json::as_object))
    else {
        return Err("must have `input` and an object `outputs`".into());
    };
    let answer = outputs(scorer, input)?;
    for (name, expected) in expected {
        let found = &answer["outputs"][name];
        if !alike(found, expected) {
            return Err(format!("output `{name}` is {found}, declared {expected}"));
        }
    }
    Ok(())
}

/// The results of one message.
fn outputs(scorer: &mut Scorer, input: &Json) -> Result<Json, String> {
    // A text is a payload as it is (CSV); anything else is a JSON payload.
    let payload = input.as_str().map_or_else(|| input.to_string(), str::to_owned);
    let message = Message { topic: "", payload: payload.as_bytes(), ..Message::default() };
    let mut answer = Err("gave no verdict".to_owned());
    let mut settle = |settled: crate::scoring::Settled<'_>| {
        answer = match settled.outcome {
            Outcome::Verdict(verdict) => {
                let mut json = b"{".to_vec();
                verdict.write_results(&mut json);
                json.push(b'}');
                serde_json::from_slice::<Json>(&json).map_err(|error| error.to_string())
            }
            Outcome::Merged => Err("only filled a window".into()),
            Outcome::Rejected(rejection) => Err(format!("was rejected: {rejection}")),
        }
    };
    scorer.push(0, &message, &mut settle);
    scorer.flush(&mut settle);
    answer
}

fn alike(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap_or(f64::NAN), b.as_f64().unwrap_or(f64::NAN));
            (a - b).abs() <= TOLERANCE * a.abs().max(b.abs()).max(1.0)
        }
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b)),
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && b.iter().all(|(key, b)| a.get(key).is_some_and(|a| alike(a, b)))
        }
        (a, b) => a == b,
    }
}
