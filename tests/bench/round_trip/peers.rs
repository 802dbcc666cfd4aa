//! What is measured: one of three programs, each a process of its own.

use std::{fs, path::Path, process::Command};

use crate::{
    common::{self, process::Process},
    load::{TOPIC_IN, TOPIC_OUT},
    models::Model,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Peer {
    Echo,
    Edgeward,
    Python,
}

impl Peer {
    pub const ALL: [Peer; 3] = [Peer::Echo, Peer::Edgeward, Peer::Python];

    pub fn name(self) -> &'static str {
        match self {
            Peer::Echo => "echo",
            Peer::Edgeward => "edgeward",
            Peer::Python => "python",
        }
    }

    /// Starts the peer against the broker on `port`; what it says goes to a file in `folder`.
    pub fn start(self, model: &Model, port: u16, folder: &Path) -> Result<Process, String> {
        let command = match self {
            Peer::Echo => {
                let mut command = Command::new(std::env::current_exe().map_err(|e| e.to_string())?);
                command.arg("--echo").arg(port.to_string());
                command
            }
            Peer::Edgeward => {
                let config = folder.join("edgeward.toml");
                fs::write(&config, configuration(model, port)).map_err(|e| e.to_string())?;
                let mut command = Command::new(env!("CARGO_BIN_EXE_edgeward"));
                command.arg("run").arg("-c").arg(config);
                command
            }
            Peer::Python => {
                let mut command = Command::new(common::python()?);
                command.arg(common::root().join("tests/bench/round_trip/peer.py"));
                command.arg(port.to_string()).arg(model.bundle.join("model.onnx"));
                command.args(model.threshold.map(|threshold| threshold.to_string()));
                command
            }
        };
        Process::start(command, folder)
    }
}

/// The daemon's configuration: what an operator would write, no more.
fn configuration(model: &Model, port: u16) -> String {
    format!(
        "[broker]\nurl = \"mqtt://127.0.0.1:{port}\"\n\n[admin]\nlisten = \"127.0.0.1:0\"\n\n\
         [pipelines.bench]\ntopics = [\"{TOPIC_IN}\"]\nmodel = \"{}\"\noutput_topic = \"{TOPIC_OUT}\"\n\
         output_qos = 0\n",
        model.bundle.display()
    )
}
