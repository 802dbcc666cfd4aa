//! The arguments: `--help`, shell completions and the man page come from here.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use super::place_args::{ConfigArgs, OutboxArgs};
pub use super::queue::args::QueueArgs;
use edgeward_engine::Choice;

/// On-device inference for IoT Edge: scores MQTT messages with an embedded ONNX engine.
#[derive(Debug, Parser)]
#[command(name = "edgeward", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 success, 1 failure, 2 wrong arguments, 3 input was rejected, \
    4 the books differ, 5 stopped with work left, 78 configuration or model unusable.\n\n\
    Begin with `edgeward demo`; it needs nothing.")]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the daemon: messages from a broker in, verdicts out.
    Run(RunArgs),
    /// Score files on this machine: JSON lines, CSV, folders of images, standard input.
    Score(ScoreArgs),
    /// Look at a model, or measure it on this machine.
    Model(ModelArgs),
    /// Put a model together with what is known of it: how messages fill it, what its answers mean.
    Bundle(BundleArgs),
    /// Find every fault in a configuration at once, without touching the network.
    Check(CheckArgs),
    /// Look into the outbox of a daemon, carry its backlog away, drop or replay records.
    Queue(QueueArgs),
    /// Recompute the books from the outbox's files; exit code 1 when they don't balance.
    Audit(AuditArgs),
    /// See it work in a minute: simulated machines, an embedded broker, live verdicts.
    #[cfg(feature = "demo")]
    Demo(DemoArgs),
    /// Print shell completions.
    Completions(CompletionsArgs),
    /// Print the man page, or write the pages of all commands to a folder.
    Man(ManArgs),
}

#[derive(Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
}

#[derive(Debug, Args)]
pub struct CheckArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Then also connect to the broker, under another client id
    #[arg(long)]
    pub connect: bool,
    /// Then also ask the daemon that runs what a reload would apply of this, and what needs a restart
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, require_equals = true)]
    pub against_running: Option<Option<SocketAddr>>,
    /// End with a failure also when there are only warnings, or something needs a restart
    #[arg(long)]
    pub strict: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct AuditArgs {
    #[command(flatten)]
    pub outbox: OutboxArgs,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct ScoreArgs {
    /// A bundle's folder or an .onnx file
    pub model: PathBuf,
    /// Files of JSON lines (.jsonl, .ndjson, .json) or CSV with a header (.csv), folders of
    /// images, or `-` for standard input
    #[arg(required = true)]
    pub inputs: Vec<PathBuf>,
    /// Where results go; standard output by default. `.csv` writes CSV, anything else JSON lines
    #[arg(short, long, value_name = "OUT")]
    pub output: Option<PathBuf>,
    /// The format of the inputs, where the names don't tell
    #[arg(long, value_enum)]
    pub input_format: Option<InputFormat>,
    /// The format of the results, where the name doesn't tell
    #[arg(long, value_enum)]
    pub output_format: Option<OutputFormat>,
    /// Rows that can't be scored, one JSON object a line with file, line and reason
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,
    /// Stop at the first row that can't be scored, with exit code 3
    #[arg(long)]
    pub strict: bool,
    /// Threads to score with; all cores by default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// The field that names a row's source, for models with windows
    #[arg(long, value_name = "PATH")]
    pub source_field: Option<String>,
    /// No progress bar
    #[arg(short, long)]
    pub quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum InputFormat {
    Jsonl,
    Csv,
    Images,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    Jsonl,
    Csv,
}

/// The frameworks with a recipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Framework {
    Sklearn,
    Lightgbm,
    Xgboost,
    Pytorch,
    Keras,
    Tensorflow,
}

#[derive(Debug, Args)]
pub struct BundleArgs {
    #[command(subcommand)]
    pub command: BundleCommand,
}

#[derive(Debug, Subcommand)]
pub enum BundleCommand {
    /// Write a first bundle from a model and a sample of its messages.
    Init(BundleInitArgs),
}

#[derive(Debug, Args)]
pub struct BundleInitArgs {
    /// An .onnx file
    pub model: PathBuf,
    /// Sample messages: JSON lines, CSV with a header, or a picture
    pub sample: Option<PathBuf>,
    /// The folder to make; named after the model by default
    #[arg(short, long, value_name = "FOLDER")]
    pub output: Option<PathBuf>,
    /// The bundle's name; the file's by default
    #[arg(long)]
    pub name: Option<String>,
    /// The bundle's version
    #[arg(long = "set-version", value_name = "VERSION", default_value = "1.0.0")]
    pub bundle_version: String,
    /// The fields that fill the model's input, in the order it was trained with: a,b,c
    #[arg(long, value_name = "NAMES")]
    pub fields: Option<String>,
    /// A number that an input always has, such as a sampling rate: sr=16000; again for another input
    #[arg(long = "constant", value_name = "INPUT=NUMBER", value_parser = named_number)]
    pub constants: Vec<(String, f64)>,
    /// How the model takes pixels
    #[arg(long, value_enum)]
    pub pixels: Option<PixelRange>,
    /// The names of the classes: a,b,c
    #[arg(long, value_name = "NAMES")]
    pub labels: Option<String>,
    /// Ask nothing: what can't be known is an error that says which flag tells it
    #[arg(short, long)]
    pub yes: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

fn named_number(text: &str) -> Result<(String, f64), String> {
    let parsed =
        text.rsplit_once('=').and_then(|(name, number)| Some((name.to_owned(), number.trim().parse().ok()?)));
    parsed
        .filter(|(_, number): &(String, f64)| number.is_finite())
        .ok_or_else(|| "must be like sr=16000".into())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PixelRange {
    /// 0 to 1
    Unit,
    /// Less ImageNet's mean, over its standard deviation
    Imagenet,
    /// 0 to 255
    Bytes,
}

/// What runs a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EngineArg {
    /// The one that suits the model
    Auto,
    /// tract: the faster kernels for networks
    Tract,
    /// Our own executor: every operator
    Native,
}

impl From<EngineArg> for Choice {
    fn from(arg: EngineArg) -> Self {
        match arg {
            EngineArg::Auto => Choice::Auto,
            EngineArg::Tract => Choice::Tract,
            EngineArg::Native => Choice::Native,
        }
    }
}

#[derive(Debug, Args)]
pub struct ModelArgs {
    #[command(subcommand)]
    pub command: ModelCommand,
}

#[derive(Debug, Subcommand)]
pub enum ModelCommand {
    /// Say what a model takes and gives, what it costs, and whether it runs here.
    Inspect {
        /// An .onnx file or a bundle's folder
        model: PathBuf,
        /// What shall run it, instead of what suits it
        #[arg(long, value_enum)]
        engine: Option<EngineArg>,
        /// List every node, however many there are
        #[arg(long)]
        nodes: bool,
        /// Tell shapes and costs with this length of a free dimension; several times for several
        #[arg(long, value_name = "NAME=LENGTH", value_parser = size)]
        size: Vec<Size>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Run a model with both engines and say how far their answers are apart.
    Verify {
        /// An .onnx file or a bundle's folder
        model: PathBuf,
        /// Inputs as `edgeward score` takes them, besides random ones; a bundle's own samples are always
        /// compared
        #[arg(long, value_name = "FILE")]
        data: Vec<PathBuf>,
        /// Random inputs to try
        #[arg(long, value_name = "N", default_value_t = 32)]
        random: u64,
        /// The largest difference that is still the same: relative above one, absolute below
        #[arg(long, value_name = "X", default_value_t = 1e-4)]
        tolerance: f64,
        /// Find the first node where the engines part
        #[arg(long)]
        trace: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a script that trains something small with a framework and exports it so that it runs here.
    Recipe {
        /// The framework; without one, all recipes are listed
        #[arg(value_enum)]
        name: Option<Framework>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Measure latency and throughput on this machine.
    Bench {
        /// An .onnx file or a bundle's folder
        model: PathBuf,
        /// What shall run it, instead of what suits it
        #[arg(long, value_enum)]
        engine: Option<EngineArg>,
        /// Measure with this length of a free dimension; several times for several
        #[arg(long, value_name = "NAME=LENGTH", value_parser = size)]
        size: Vec<Size>,
        /// How long to measure each batch size
        #[arg(long, value_name = "SECS", default_value_t = 2.0)]
        secs: f64,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// The length of a dimension that a model leaves free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Size {
    pub name: String,
    pub length: usize,
}

fn size(text: &str) -> Result<Size, String> {
    let wanted = || format!("`{text}` is not NAME=LENGTH, such as samples=16000");
    let (name, length) = text.split_once('=').ok_or_else(wanted)?;
    match length.trim().parse() {
        Ok(length) if length > 0 && !name.trim().is_empty() => {
            Ok(Size { name: name.trim().to_owned(), length })
        }
        _ => Err(wanted()),
    }
}

#[cfg(feature = "demo")]
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// How long to run, such as `20s` or `5m`; until Ctrl-C by default
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub duration: Option<std::time::Duration>,
    /// Simulated machines
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub machines: u16,
    /// Messages a second, all machines together
    #[arg(long, value_name = "RATE", default_value_t = 200.0)]
    pub rate: f64,
    /// Use this broker instead of the embedded one, such as mqtt://localhost:1883
    #[arg(long, value_name = "URL")]
    pub broker: Option<String>,
}

#[cfg(feature = "demo")]
fn duration(text: &str) -> Result<std::time::Duration, String> {
    humantime::parse_duration(text).map_err(|error| format!("{error}, such as 20s or 5m"))
}

#[derive(Debug, Args)]
pub struct CompletionsArgs {
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write the pages of all commands here
    #[arg(long, value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
}

/// The definition of the whole command line.
pub fn command() -> clap::Command {
    Cli::command()
}
