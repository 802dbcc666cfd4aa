//! `edgeward score`: offline scoring, with a progress bar on a terminal.

use std::{
    fs::{self, File},
    io::{self, BufWriter, IsTerminal, Write},
    path::{Path, PathBuf},
    thread,
};

use console::style;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use super::{
    Failure,
    args::{InputFormat, OutputFormat, ScoreArgs},
};
use crate::offline::{self, InputKind, InputSpec, Job, OfflineError, Progress, ResultFormat, Summary};
use edgeward_core::{models, scoring::declared::FieldPath};
use edgeward_engine::Limits;

/// Largest message offline: nobody else's memory is at stake.
const MAX_PAYLOAD_BYTES: u64 = 256 << 20;

pub fn run(args: ScoreArgs) -> Result<(), Failure> {
    let limits = Limits::default();
    let opened = models::open(&args.model, &limits).map_err(Failure::config)?;
    let model = models::load(opened, &limits).map_err(Failure::config)?;
    let kind = args.input_format.map(|format| match format {
        InputFormat::Jsonl => InputKind::Jsonl,
        InputFormat::Csv => InputKind::Csv,
        InputFormat::Images => InputKind::Whole,
    });
    let format = model.plan.spec().payload.format;
    let mut inputs = Vec::new();
    for path in &args.inputs {
        inputs.extend(InputSpec::find(path, kind, format).map_err(Failure::failed)?);
    }
    let job = Job {
        model: &model,
        inputs: &inputs,
        format: result_format(&args),
        threads: args.threads.map_or_else(cores, usize::from),
        strict: args.strict,
        source_field: args.source_field.as_deref().map(FieldPath::parse),
        max_payload_bytes: MAX_PAYLOAD_BYTES,
    };
    let mut out = Output::open(args.output.as_deref())?;
    let mut rejects = args.rejects.as_deref().map(create).transpose()?;
    let bar = progress_bar(&inputs, args.quiet);
    let mut progress = |far: Progress| {
        if let Some(bar) = &bar {
            bar.set_position(far.bytes);
            bar.set_message(format!("{} rows", HumanCount(far.rows)));
        }
    };
    let rejects = rejects.as_mut().map(|file| file as &mut dyn Write);
    let done = offline::run(&job, &mut out.writer, rejects, &mut progress);
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    match done {
        Ok(summary) => {
            out.keep()?;
            tell(&summary, &args);
            Ok(())
        }
        Err(error @ OfflineError::Strict(_)) => {
            out.keep()?;
            Err(Failure::Rejected(error.to_string()))
        }
        Err(error) => Err(Failure::failed(error)),
    }
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn result_format(args: &ScoreArgs) -> ResultFormat {
    match args.output_format {
        Some(OutputFormat::Csv) => ResultFormat::Csv,
        Some(OutputFormat::Jsonl) => ResultFormat::Jsonl,
        None => match args.output.as_deref().and_then(Path::extension) {
            Some(extension) if extension.eq_ignore_ascii_case("csv") => ResultFormat::Csv,
            _ => ResultFormat::Jsonl,
        },
    }
}

/// Standard output, or a file that appears under its name only when it is whole.
struct Output {
    writer: BufWriter<Box<dyn Write>>,
    part: Option<(PathBuf, PathBuf)>,
}

impl Output {
    fn open(path: Option<&Path>) -> Result<Output, Failure> {
        let Some(path) = path.filter(|path| *path != Path::new("-")) else {
            return Ok(Output { writer: BufWriter::new(Box::new(io::stdout())), part: None });
        };
        // Special files (a pipe, /dev/null) are written as they are.
        if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
            let file = File::options().write(true).open(path).map_err(|error| unwritable(path, error))?;
            return Ok(Output { writer: BufWriter::new(Box::new(file)), part: None });
        }
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        let part = path.with_file_name(name);
        let file = File::create(&part).map_err(|error| unwritable(&part, error))?;
        let writer = BufWriter::with_capacity(256 << 10, Box::new(file) as Box<dyn Write>);
        Ok(Output { writer, part: Some((part, path.to_owned())) })
    }

    fn keep(mut self) -> Result<(), Failure> {
        self.writer.flush()?;
        drop(self.writer);
        match self.part {
            Some((part, path)) => fs::rename(&part, &path).map_err(|error| unwritable(&path, error)),
            None => Ok(()),
        }
    }
}

fn create(path: &Path) -> Result<BufWriter<File>, Failure> {
    File::create(path).map(BufWriter::new).map_err(|error| unwritable(path, error))
}

fn unwritable(path: &Path, error: io::Error) -> Failure {
    Failure::failed(io::Error::new(error.kind(), format!("can't write {}: {error}", path.display())))
}

fn progress_bar(inputs: &[InputSpec], quiet: bool) -> Option<ProgressBar> {
    if quiet || !io::stderr().is_terminal() {
        return None;
    }
    let total: u64 = inputs.iter().map(|input| input.bytes).sum();
    let known = inputs.iter().all(|input| input.path.is_some());
    let (bar, template) = if known {
        let template = "{bar:40.cyan} {percent}%  {msg}  {bytes_per_sec}  {eta} left";
        (ProgressBar::new(total), template)
    } else {
        (ProgressBar::new_spinner(), "{spinner} {msg}  {bytes_per_sec}  {elapsed}")
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    Some(bar)
}

/// A line about the run, and the rejected rows, to standard error.
fn tell(summary: &Summary, args: &ScoreArgs) {
    let rejected = summary.rejected_total();
    if rejected > 0 {
        for example in &summary.examples {
            eprintln!("{} {example}", style("rejected:").yellow().bold().for_stderr());
        }
        let more = rejected - summary.examples.len() as u64;
        if more > 0 {
            eprintln!("  and {more} more");
        }
        let reasons = summary.rejected.iter().map(|(reason, count)| format!("{count} {reason}"));
        let reasons = reasons.collect::<Vec<_>>().join(", ");
        let hint = if args.rejects.is_some() { "" } else { "; `--rejects FILE` keeps them all" };
        eprintln!("{rejected} of {} rows were rejected ({reasons}){hint}", summary.rows);
    }
    if !args.quiet && (args.output.is_some() || io::stderr().is_terminal()) {
        let merged = if summary.merged > 0 {
            format!(", {} went into windows", summary.merged)
        } else {
            String::new()
        };
        eprintln!("{} of {} rows scored{merged}", summary.scored, summary.rows);
    }
}
