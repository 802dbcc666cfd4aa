//! The arguments that say where things are: the configuration, an outbox.

use std::path::PathBuf;

use clap::Args;

use crate::config::Layers;

/// Where the configuration is.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// The configuration file; `conf.d/*.toml` beside it is merged over it
    #[arg(short, long, value_name = "FILE", default_value = "edgeward.toml", env = "EDGEWARD_CONFIG")]
    config: PathBuf,
    /// Set one key, over files and environment, such as `--set broker.url=mqtt://localhost`
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    set: Vec<(String, String)>,
}

impl ConfigArgs {
    pub fn layers(&self) -> Layers {
        Layers::of_process(self.config.clone(), self.set.clone())
    }
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("must be KEY=VALUE".into()),
    }
}

/// Which outbox.
#[derive(Debug, Args)]
pub struct OutboxArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The outbox's folder, instead of `outbox.dir` of the configuration
    #[arg(short, long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}
