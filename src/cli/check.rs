//! `edgeward check`: every fault of a configuration at once.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    net::SocketAddr,
};

use console::style;
use serde::{Deserialize, Serialize};

use super::{Failure, args::CheckArgs};
use crate::{
    config::{Config, ConfigError, Difference, Keys},
    mqtt::try_connect,
    telemetry::http::client::ask,
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
    /// What is not as it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    differences: Option<&'r [Difference]>,
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
            print_json(faults, &[], None, None)?;
            return Err(Failure::ConfigTold);
        }
        (Err(ConfigError { faults }), false) => return Err(tell(faults)),
    };
    let broker = args.connect.then(|| connect(config)).transpose();
    let asked = args.against_running.map(|address| against_running(config, address)).transpose()?;
    let differences = asked.as_deref();
    if args.json {
        let text = match &broker {
            Ok(None) => None,
            Ok(Some(())) => Some("connected".to_owned()),
            Err(error) => Some(error.to_string()),
        };
        print_json(&[], &config.warnings, text.as_deref(), differences)?;
    } else {
        for warning in &config.warnings {
            eprintln!("{} {warning}", style("warning:").yellow().bold().for_stderr());
        }
        summary(config, broker.as_ref().ok().copied().flatten().is_some())?;
        differences.map(tell_differences).transpose()?;
    }
    broker.map(drop).map_err(Failure::Failed)?;
    let needs_restart = differences.is_some_and(|of| of.iter().any(|one| one.needs_restart));
    let only_looks_right = !config.warnings.is_empty() || needs_restart;
    if args.strict && only_looks_right { Err(Failure::ConfigTold) } else { Ok(()) }
}

/// What a daemon that runs has otherwise, settings and models.
fn against_running(config: &Config, address: Option<SocketAddr>) -> Result<Vec<Difference>, Failure> {
    let Some(address) = address.or(config.admin) else {
        let text = "`admin.listen` is \"off\": there is nobody to ask; name the address, `--against-running=HOST:PORT`";
        return Err(Failure::failed(text));
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let answer: Running =
        serde_json::from_value(runtime.block_on(ask(address, "/settings")).map_err(Failure::failed)?)
            .map_err(Failure::failed)?;
    let mut differences = config.keys.differences(&answer.settings);
    for pipeline in &config.pipelines {
        let (key, digest) = (format!("pipelines.{}.model", pipeline.name), &pipeline.model.identity.digest);
        let told = differences.iter().any(|difference| difference.key == key);
        if let Some(running) = answer.models.get(&pipeline.name).filter(|running| *running != digest && !told)
        {
            let (running, configured) = (Some(running.clone()), Some(digest.clone()));
            differences.push(Difference { key, running, configured, needs_restart: false });
        }
    }
    Ok(differences)
}

#[derive(Deserialize)]
struct Running {
    settings: Keys,
    /// Digests by pipeline.
    models: BTreeMap<String, String>,
}

fn tell_differences(differences: &[Difference]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if differences.is_empty() {
        return writeln!(out, "  running   the same");
    }
    for Difference { key, running, configured, needs_restart } in differences {
        let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".into());
        let how = match needs_restart {
            true => style("at the next start").yellow().to_string(),
            false => "by a reload (SIGHUP)".to_owned(),
        };
        writeln!(
            out,
            "  differs   {key}: {} runs, {} is configured; applied {how}",
            value(running),
            value(configured)
        )?;
    }
    Ok(())
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

fn print_json(
    faults: &[Fault],
    warnings: &[Fault],
    broker: Option<&str>,
    differences: Option<&[Difference]>,
) -> Result<(), Failure> {
    let faults: Vec<_> = faults.iter().map(line_of).collect();
    let warnings: Vec<_> = warnings.iter().map(line_of).collect();
    let ok = faults.is_empty() && broker.is_none_or(|broker| broker == "connected");
    let text = serde_json::to_string_pretty(&Report { ok, faults, warnings, broker, differences })
        .map_err(Failure::failed)?;
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
