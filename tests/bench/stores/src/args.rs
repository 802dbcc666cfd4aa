//! The command line.

use std::path::PathBuf;

use crate::store::Kind;

pub const USAGE: &str = "\
One workload of an outbox against a bare log, SQLite, redb and fjall; prints Markdown.

  --dir DIR           where the stores are made, on a disk (default: a folder below the current one)
  --json              print JSON instead
  --only PARTS        of rates,backlog,full,kill (default: all; full needs root)
  --stores STORES     of bare,sqlite,redb,fjall (default: all)
  --runs N            interleaved runs of the rates (default 5)
  --backlog-mb N      payload of the backlog, 10^6 bytes (default 1000)
  --openings N        openings of the backlog after a kill, and after a close (default 3)
  --kills N           kills of each store (default 20)
  --seed N            of the moments of the kills (default 1)";

pub struct Options {
    pub dir: Option<PathBuf>,
    pub json: bool,
    pub only: Vec<String>,
    pub stores: Vec<Kind>,
    pub runs: usize,
    pub backlog_mb: u64,
    pub openings: usize,
    pub kills: u64,
    pub seed: u64,
}

pub enum Command {
    Help,
    Compare(Options),
    /// Role, store, folder and a number: this program as its own child.
    Child(String, Kind, PathBuf, u64),
}

pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Command, String> {
    let mut options = Options {
        dir: None,
        json: false,
        only: ["rates", "backlog", "full", "kill"].map(String::from).to_vec(),
        stores: Kind::ALL.to_vec(),
        runs: 5,
        backlog_mb: 1000,
        openings: 3,
        kills: 20,
        seed: 1,
    };
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{name}: its value is missing"));
        match name.as_str() {
            "-h" | "--help" => return Ok(Command::Help),
            "child" => {
                return Ok(Command::Child(value()?, value()?.parse()?, value()?.into(), number(&value()?)?));
            }
            "--dir" => options.dir = Some(value()?.into()),
            "--json" => options.json = true,
            "--only" => {
                let parts: Vec<_> = value()?.split(',').map(String::from).collect();
                if let Some(part) = parts.iter().find(|part| !options.only.contains(part)) {
                    return Err(format!("--only: no part `{part}`: rates, backlog, full or kill"));
                }
                options.only = parts;
            }
            "--stores" => options.stores = value()?.split(',').map(str::parse).collect::<Result<_, _>>()?,
            "--runs" => options.runs = number(&value()?)?.max(1) as usize,
            "--backlog-mb" => options.backlog_mb = number(&value()?)?.max(1),
            "--openings" => options.openings = number(&value()?)?.max(1) as usize,
            "--kills" => options.kills = number(&value()?)?,
            "--seed" => options.seed = number(&value()?)?,
            other => return Err(format!("unknown argument `{other}`; --help lists them")),
        }
    }
    Ok(Command::Compare(options))
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("`{text}` is not a whole number"))
}
