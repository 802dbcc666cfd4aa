//! `edgeward bundle init`.

use std::path::PathBuf;

use console::style;
use serde_json::json;

use super::ask::Terminal;
use crate::cli::{
    Failure,
    args::BundleInitArgs,
    text::{print, print_json},
};
use edgeward_core::models::draft::{Draft, Sample};
use edgeward_engine::{self as engine, Choice, Limits};

pub fn init(args: BundleInitArgs) -> Result<(), Failure> {
    let limits = Limits::default();
    let engine = engine::load(&args.model, &limits, Choice::Auto).map_err(Failure::config)?;
    let sample = args.sample.as_deref().map(Sample::read).transpose().map_err(Failure::failed)?;
    let stem =
        args.model.file_stem().map_or_else(|| "model".into(), |stem| stem.to_string_lossy().into_owned());
    let name = args.name.clone().unwrap_or(stem);
    let folder = args.output.clone().unwrap_or_else(|| PathBuf::from(&name));
    let mut ask = Terminal::new(&args);
    let draft = Draft::new(&name, &args.bundle_version, engine.signature(), sample.as_ref(), &mut ask)
        .map_err(Failure::config)?;
    let written = draft.write(&args.model, &folder, sample.as_ref(), &limits).map_err(Failure::config)?;
    if args.json {
        return print_json(&json!({
            "bundle": folder,
            "engine": engine.name(),
            "samples": written.samples,
            "first_outputs": written.verdict,
            "notes": draft.notes,
            "without_answer": written.why_not,
        }));
    }
    let mut text = format!("{} {}\n", style("made").green().bold(), style(folder.display()).bold());
    for note in &draft.notes {
        text += &format!("  {note}\n");
    }
    match (&written.verdict, &written.why_not) {
        (Some(outputs), _) => text += &format!("  the first message gives {outputs}\n"),
        (None, Some(why)) => text += &format!("  no message was scored: the last one {why}\n"),
        (None, None) => {}
    }
    if written.samples > 0 {
        text += &format!(
            "  {} messages with their answers are its samples, checked whenever it is loaded\n",
            written.samples
        );
    }
    let data =
        args.sample.as_ref().map_or_else(|| "messages.jsonl".into(), |path| path.display().to_string());
    text += &format!("\nlook at {0}/bundle.toml, then: edgeward score {0} {data}\n", folder.display());
    print(&text)
}
