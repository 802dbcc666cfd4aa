//! The arguments of `edgeward queue`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::place_args::OutboxArgs;
use edgeward_outbox::tools::{Since, parse_since};

#[derive(Debug, Args)]
pub struct QueueArgs {
    #[command(subcommand)]
    pub command: QueueCommand,
}

#[derive(Debug, Subcommand)]
pub enum QueueCommand {
    /// How full it is, of what, since when, and its books. A daemon may run.
    Stat {
        #[command(flatten)]
        outbox: OutboxArgs,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List pending records, the newest first. A daemon may run.
    Ls {
        #[command(flatten)]
        outbox: OutboxArgs,
        #[command(flatten)]
        select: SelectArgs,
        /// Only those written since then: an age such as 2h, or a moment (RFC 3339)
        #[arg(long, value_name = "TIME", value_parser = parse_since)]
        since: Option<Since>,
        /// The oldest first
        #[arg(long)]
        oldest: bool,
        /// At most that many; 0 for all
        #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
        limit: u64,
        /// Print JSON, one object a line
        #[arg(long)]
        json: bool,
    },
    /// Print a record's payload, as long as it is on disk. A daemon may run.
    Show {
        #[command(flatten)]
        outbox: OutboxArgs,
        /// The verdict's id: 32 hexadecimal digits
        #[arg(required_unless_present = "sequence", conflicts_with = "sequence")]
        id: Option<String>,
        #[arg(long, value_name = "NAME", requires = "sequence")]
        class: Option<String>,
        #[arg(long, value_name = "NAME", requires = "sequence")]
        pipeline: Option<String>,
        #[arg(long, value_name = "N", requires = "class", requires = "pipeline")]
        sequence: Option<u64>,
        /// Print JSON: where it stands and its payload
        #[arg(long)]
        json: bool,
    },
    /// Move pending results into a file, to be imported elsewhere. The daemon must be stopped,
    /// unless with --keep.
    Export {
        #[command(flatten)]
        outbox: OutboxArgs,
        /// The file, or a folder for a file named by its content; here by default
        #[arg(value_name = "FILE")]
        target: Option<PathBuf>,
        #[command(flatten)]
        select: SelectArgs,
        /// Copy: they stay pending here. A daemon may run
        #[arg(long)]
        keep: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// No progress bar
        #[arg(short, long)]
        quiet: bool,
    },
    /// Take on the results in an exported file. The daemon must be stopped.
    Import {
        #[command(flatten)]
        outbox: OutboxArgs,
        /// The exported file
        file: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// No progress bar
        #[arg(short, long)]
        quiet: bool,
    },
    /// Drop pending records for good; they are counted as dropped. The daemon must be stopped.
    Drop {
        #[command(flatten)]
        outbox: OutboxArgs,
        /// The class, several by repeating it
        #[arg(long, value_name = "NAME", required = true)]
        class: Vec<String>,
        #[arg(long, value_name = "NAME")]
        pipeline: Option<String>,
        /// Only those written before: an age such as 2h, or a moment (RFC 3339)
        #[arg(long, value_name = "TIME", value_parser = parse_since)]
        before: Option<Since>,
        /// Only say how many. A daemon may run
        #[arg(long, conflicts_with = "yes")]
        dry_run: bool,
        /// Yes, drop them
        #[arg(long, required_unless_present = "dry_run")]
        yes: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Deliver again what was delivered and is still on disk (`outbox.keep_delivered_secs`). The
    /// daemon must be stopped.
    Replay {
        #[command(flatten)]
        outbox: OutboxArgs,
        /// Results written since then: an age such as 2h, or a moment (RFC 3339)
        #[arg(long, value_name = "TIME", value_parser = parse_since)]
        since: Since,
        #[command(flatten)]
        select: SelectArgs,
        /// Only say how many. A daemon may run
        #[arg(long)]
        dry_run: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Which records.
#[derive(Debug, Args)]
pub struct SelectArgs {
    /// Only this class, several by repeating it
    #[arg(long, value_name = "NAME")]
    pub class: Vec<String>,
    /// Only this pipeline
    #[arg(long, value_name = "NAME")]
    pub pipeline: Option<String>,
}
