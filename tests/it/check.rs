//! `edgeward check`: every fault at once, in words that can be acted on.

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt, path::Path};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{broker::Broker, daemon::config, edgeward, model};

struct Checked {
    code: Option<i32>,
    out: String,
    err: String,
}

/// Runs `edgeward` with these arguments in `folder`.
fn edgeward_in(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Checked {
    let done = edgeward()
        .args(arguments)
        .envs(environment.iter().copied())
        .env("NO_COLOR", "1")
        .current_dir(folder)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Checked { code: done.status.code(), out: text(done.stdout), err: text(done.stderr) }
}

fn check(text: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Checked {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("edgeward.toml"), text).unwrap();
    edgeward_in(folder.path(), &[&["check"], arguments].concat(), environment)
}

fn mlp() -> String {
    format!("[pipelines.p]\ntopics = [\"in/+\"]\nmodel = \"{}\"\n", model("mlp").display())
}
