//! `edgeward check`: every fault of a configuration at once.

use std::io::{self, Write};

use console::style;
use serde::Serialize;

use super::{Failure, args::CheckArgs};
use crate::{
    config::{Config, ConfigError},
    mqtt::try_connect,
};
use edgeward_core::settings::Fault;

#[derive(Serialize)]
struct Report<'r> {
    ok: bool,
    faults: Vec<FaultLine<'r>>,
    /// What only looks right.
    warnings: Vec<FaultLine<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    broker: Option<&'r str>,
}

#[derive(Serialize)]
struct FaultLine<'r> {
    path: &'r str,
    value: Option<&'r str>,
    reason: &'r str,
    origin: Option<&'r str>,
    suggestion: Option<&'r str>,
}

pub fn run(args: &CheckArgs) -> Result<(), Failure> {
    let loaded = Config::load(&args.config.layers());
    let config = match (&loaded, args.json) {
        (Ok(config), _) => config,
        (Err(ConfigError { faults }), true) => {
            print_json(faults, &[], None)?;
            return Err(Failure::ConfigTold);
        }
        (Err(ConfigError { faults }), false) => return Err(tell(faults)),
    };
    let broker = args.connect.then(|| connect(config)).transpose();
    if args.json {
        let text = match &broker {
            Ok(None) => None,
            Ok(Some(())) => Some("connected".to_owned()),
            Err(error) => Some(error.to_string()),
        };
        print_json(&[], &config.warnings, text.as_deref())?;
    } else {
        for warning in &config.warnings {
            eprintln!("{} {warning}", style("warning:").yellow().bold().for_stderr());
        }
        summary(config, broker.as_ref().ok().copied().flatten().is_some())?;
    }
    broker.map(drop).map_err(Failure::Failed)?;
    if args.strict && !config.warnings.is_empty() { Err(Failure::ConfigTold) } else { Ok(()) }
}

fn connect(config: &Config) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let connected = runtime.block_on(try_connect(&config.broker.options));
    runtime.shutdown_background();
    Ok(connected?)
}

/// Prints faults, one a line, for people.
pub fn tell(faults: &[Fault]) -> Failure {
    for fault in faults {
        eprintln!("{} {fault}", style("fault:").red().bold().for_stderr());
    }
    let count = faults.len();
    eprintln!("{count} fault{} in the configuration", if count == 1 { "" } else { "s" });
    Failure::ConfigTold
}

fn line_of(fault: &Fault) -> FaultLine<'_> {
    FaultLine {
        path: &fault.path,
        value: fault.value.as_deref(),
        reason: &fault.reason,
        origin: fault.origin.as_deref(),
        suggestion: fault.suggestion.as_deref(),
    }
}

fn print_json(faults: &[Fault], warnings: &[Fault], broker: Option<&str>) -> Result<(), Failure> {
    let faults: Vec<_> = faults.iter().map(line_of).collect();
    let warnings: Vec<_> = warnings.iter().map(line_of).collect();
    let ok = faults.is_empty() && broker.is_none_or(|broker| broker == "connected");
    let text =
        serde_json::to_string_pretty(&Report { ok, faults, warnings, broker }).map_err(Failure::failed)?;
    // Not `println!`: a reader that closed the pipe is no reason to panic.
    Ok(writeln!(io::stdout(), "{text}")?)
}

fn summary(config: &Config, connected: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{} the configuration has no faults", style("ok:").green().bold())?;
    let user =
        config.broker.options.login.username.as_deref().map(|user| format!(" as {user}")).unwrap_or_default();
    let state = if connected { ", connected" } else { "" };
    writeln!(out, "  broker    {}{user}{state}", config.broker.options.url)?;
    for pipeline in &config.pipelines {
        let identity = &pipeline.model.identity;
        let topics: Vec<_> = pipeline.topics.iter().map(|topic| topic.as_str()).collect();
        let output = pipeline.output.topic("{source}");
        writeln!(
            out,
            "  pipeline  {}: {} -> {} {} -> {output}",
            pipeline.name,
            topics.join(", "),
            identity.name,
            identity.version
        )?;
    }
    Ok(())
}
