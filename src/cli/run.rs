//! `edgeward run`: the daemon, its signals and its admin server.

use std::sync::Arc;

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};
use tracing::{error, info, warn};

use super::{Failure, args::RunArgs};
use crate::{
    config::{Config, Layers, Running},
    edge::{Command, Daemon, RunReport},
    telemetry::{http, log},
};
use edgeward_core::domain::Books;

pub fn run(args: &RunArgs) -> Result<(), Failure> {
    let layers = args.config.layers();
    let config = Config::load(&layers).map_err(|error| super::check::tell(&error.faults))?;
    log::init(&config.log).map_err(Failure::config)?;
    warn_of(&config);
    // Before anything is started, so that a taken port is told at once.
    let listener = config.admin.map(http::bind).transpose().map_err(Failure::failed)?;
    let state_dir = config.state_dir.clone();
    let running = config.running();
    let daemon = Daemon::build(config).map_err(Failure::failed)?;
    let admin = match listener {
        Some(listener) => {
            let server = http::serve(listener, daemon.telemetry()).map_err(Failure::failed)?;
            info!(address = %server.addr(), "metrics and health are served");
            Some(server)
        }
        None => None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(async {
        let (commands, receiver) = mpsc::channel(4);
        let signals = tokio::spawn(signals(layers, running, commands)?);
        let report = daemon.run(receiver).await.map_err(Failure::failed);
        signals.abort();
        report
    })?;
    // A name lookup may still hang in its thread; the end doesn't wait for it.
    runtime.shutdown_background();
    drop(admin);
    tell(&report, state_dir.is_some())
}

/// Turns signals into commands: the first SIGTERM or SIGINT drains, the next forces, SIGHUP reloads.
fn signals(
    layers: Layers,
    running: Running,
    commands: mpsc::Sender<Command>,
) -> Result<impl Future<Output = ()> + Send, Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let layers = Arc::new(layers);
    let mut running = Arc::new(running);
    Ok(async move {
        loop {
            let command = tokio::select! {
                _ = terminate.recv() => Command::Drain,
                _ = interrupt.recv() => Command::Drain,
                _ = hangup.recv() => reload(layers.clone(), &mut running).await,
            };
            if commands.send(command).await.is_err() {
                return;
            }
        }
    })
}

/// Reads the configuration again, away from the task that scores' messages pass through.
async fn reload(layers: Arc<Layers>, running: &mut Arc<Running>) -> Command {
    info!("reading the configuration again");
    let known = running.clone();
    let loaded = tokio::task::spawn_blocking(move || Config::load_over(&layers, &known)).await;
    match loaded {
        Ok(Ok(config)) => {
            warn_of(&config);
            // The device's name is the one it started with.
            let device = running.device.clone();
            *running = Arc::new(Running { device, ..config.running() });
            Command::Reload(Box::new(config))
        }
        Ok(Err(refused)) => {
            for fault in &refused.faults {
                warn!(%fault, "the new configuration is refused, the old one keeps running");
            }
            Command::ReloadRefused(refused.to_string())
        }
        Err(failed) => Command::ReloadRefused(format!("reading the configuration failed: {failed}")),
    }
}

fn warn_of(config: &Config) {
    for warning in &config.warnings {
        warn!(%warning, "a setting only looks right");
    }
}

fn tell(report: &RunReport, kept: bool) -> Result<(), Failure> {
    let books = report.books();
    info!(books = told(&books), kept, "stopped");
    for left in &report.left {
        error!(what = left.what, whose = left.whose, "left over at the stop");
    }
    if let Some(died) = &report.died {
        return Err(Failure::Died(format!("{died}; start the daemon again, and please report this")));
    }
    if !books.balance() {
        return Err(Failure::Books(format!("the books do not balance: {books:?}; please report this")));
    }
    if report.forced {
        return Err(Failure::Left("stopped by force before everything queued was finished".into()));
    }
    if report.left.is_empty() {
        return Ok(());
    }
    let left = report.left.iter().map(|left| format!("{}: {}", left.whose, left.what));
    Err(Failure::Left(format!(
        "`drain_deadline_secs` passed with work left: {}",
        left.collect::<Vec<_>>().join("; ")
    )))
}

/// The counters that are not 0.
fn told(books: &Books) -> String {
    let counters = books.counters().filter(|(name, units)| *units > 0 || *name == "received");
    counters.map(|(name, units)| format!("{name} {units}")).collect::<Vec<_>>().join(", ")
}
