//! `edgeward model verify`.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use console::style;
use serde::Serialize;

use super::{Failure, grouped, print, print_json};
use crate::offline::{self, InputSpec, Job, ResultFormat};
use edgeward_core::models::{self, Model};
use edgeward_engine::{
    Choice, Engine, Limits, LoadError,
    compare::{Difference, Pair, Parting, Seen, parting},
    sized_inputs, trial_sizes,
};

/// What the command line asks for.
pub struct Asked<'a> {
    pub data: &'a [PathBuf],
    pub random: u64,
    pub tolerance: f64,
    pub trace: bool,
    pub json: bool,
}

/// Largest row of given data.
const MAX_PAYLOAD_BYTES: u64 = 256 << 20;

#[derive(Serialize)]
struct Verified {
    model: String,
    engines: [&'static str; 2],
    tolerance: f64,
    /// Runs of both engines: random inputs, samples, given data.
    runs: u64,
    samples: usize,
    /// Rows of the given data that both engines scored, and that couldn't be read.
    rows: u64,
    rejected: u64,
    outputs: Vec<Difference>,
    refused: Vec<String>,
    same: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    parting: Option<Parting>,
}

/// Compares; answers that are further apart than the tolerance are exit code 1.
///
/// # Errors
/// A model that one of the engines can't run: exit code 78.
pub fn verify(path: &Path, limits: &Limits, asked: &Asked<'_>) -> Result<(), Failure> {
    let opened = models::open(path, limits).map_err(Failure::config)?;
    let onnx = opened.onnx().to_owned();
    let pair = Pair::load(&onnx, limits).map_err(|(choice, error)| {
        let who = Choice::NAMES.iter().find(|(_, c)| *c == choice).map_or("", |(name, _)| name);
        // What the error says then is for somebody who wants the model to run: it does, by the other.
        let why = match &error {
            LoadError::UnsupportedOperators { nodes, .. } => {
                format!(
                    "it lacks {} of its operators; `edgeward model inspect` shows what runs it",
                    nodes.len()
                )
            }
            LoadError::WithoutTract { .. } => {
                return Failure::config(
                    "nothing to compare with: this build has one engine; build edgeward with `--features tract` to compare two",
                );
            }
            other => other.to_string(),
        };
        Failure::config(format!("nothing to compare: the engine `{who}` does not run this model: {why}"))
    })?;
    let pair = Arc::new(pair);
    let names = pair.names();
    let sizes = trial_sizes(pair.signature(), &mut *pair.session());
    for seed in 0..asked.random {
        let rows = if pair.signature().free_batch { 1 + (seed % 4) as usize } else { 1 };
        let inputs = sized_inputs(pair.signature(), rows, &sizes, seed);
        // A refusal by one engine alone is noted by the pair; by both it says nothing.
        let _ = pair.session().run(&inputs);
    }
    let (mut samples, mut rows, mut rejected) = (0, 0, 0);
    if opened.is_bundle || !asked.data.is_empty() {
        let mut model = models::load(opened, limits).map_err(Failure::config)?;
        model.engine = pair.clone();
        samples = model.check_samples().map_err(Failure::config)?;
        if !asked.data.is_empty() {
            (rows, rejected) = score(&model, asked.data)?;
        }
    }
    let Seen { runs, refused, outputs } = pair.seen();
    let same = refused.is_empty() && outputs.iter().all(|output| output.is_within(asked.tolerance));
    let mut parted = None;
    if asked.trace {
        let inputs = sized_inputs(pair.signature(), 1, &sizes, 0);
        parted = parting(&onnx, limits, &inputs, asked.tolerance).map_err(Failure::config)?;
    }
    let verified = Verified {
        model: path.display().to_string(),
        engines: names,
        tolerance: asked.tolerance,
        runs,
        samples,
        rows,
        rejected,
        outputs,
        refused,
        same,
        parting: parted,
    };
    if asked.json {
        print_json(&verified)?
    } else {
        print(&text(&verified, asked.trace))?
    }
    if same { Ok(()) } else { Err(Failure::failed("the engines' answers differ")) }
}

/// Scores the files on both engines; how many rows were scored, and how many were not.
fn score(model: &Model, data: &[PathBuf]) -> Result<(u64, u64), Failure> {
    let format = model.plan.spec().payload.format;
    let mut inputs = Vec::new();
    for path in data {
        inputs.extend(InputSpec::find(path, None, format).map_err(Failure::failed)?);
    }
    let job = Job {
        model,
        inputs: &inputs,
        format: ResultFormat::Jsonl,
        threads: 1,
        strict: false,
        source_field: None,
        max_payload_bytes: MAX_PAYLOAD_BYTES,
    };
    let done = offline::run(&job, &mut std::io::sink(), None, &mut |_| {}).map_err(Failure::failed)?;
    Ok((done.scored, done.rejected.values().sum()))
}

fn text(verified: &Verified, traced: bool) -> String {
    let mut out = String::new();
    let [first, second] = verified.engines;
    let verdict = if verified.same {
        style("the same").green().bold().to_string()
    } else {
        style("different").red().bold().to_string()
    };
    // Writing to a String can't fail.
    let _ = writeln!(
        out,
        "{}\n  {first} and {second} give {verdict} answers, within {:e}, in {} runs{}",
        style(&verified.model).bold(),
        verified.tolerance,
        grouped(verified.runs),
        match (verified.samples, verified.rows) {
            (0, 0) => " of random numbers".into(),
            (samples, rows) => format!(" ({samples} samples, {} rows of data)", grouped(rows)),
        }
    );
    if verified.rejected > 0 {
        let _ = writeln!(out, "  {} rows of the data could not be scored", grouped(verified.rejected));
    }
    let width = verified.outputs.iter().map(|output| output.output.chars().count()).max().unwrap_or(0);
    for output in &verified.outputs {
        let incomparable = match output.incomparable {
            0 => String::new(),
            n => style(format!("; {n} incomparable")).red().to_string(),
        };
        let _ = writeln!(
            out,
            "  {:<width$}  {} of {} elements differ; largest difference {:.3e}, scaled {:.3e}{incomparable}",
            output.output,
            grouped(output.different),
            grouped(output.elements),
            output.largest_absolute,
            output.largest_scaled,
        );
    }
    for refused in &verified.refused {
        let _ = writeln!(out, "  {refused}");
    }
    match &verified.parting {
        Some(parting) => {
            let _ = writeln!(
                out,
                "  they part at {} (`{}`), scaled difference {:.3e}; {} values before it agree",
                style(&parting.node).bold(),
                parting.difference.output,
                parting.difference.largest_scaled,
                parting.agreed
            );
        }
        None if traced => out.push_str("  no inner value differs by more\n"),
        None => {}
    }
    out
}
