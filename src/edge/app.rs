//! The composition: from a configuration to a running daemon, and to its end.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::{sync::mpsc, time::Instant as Deadline};
use tracing::{info, warn};

use super::{
    Leftover, RunReport,
    dialect::{Dialect, Plain},
    inbox::{Inbox, Routes},
    last_run,
    storage::Storage,
    supervise::{DEATHS_WITHIN, MOST_DEATHS, Watched},
    whereabouts,
    worker::Worker,
};
use crate::{
    config::{Config, PipelineConfig},
    mqtt::{Control, Publisher, Qos, Session},
    telemetry::{Ledger, State, Telemetry, systemd},
};
use edgeward_core::domain::ShedPolicy;
use edgeward_core::{crypto, domain::Epoch};
use edgeward_outbox::OutboxError;

/// Why a daemon can't be built or started.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("the system gave no random numbers: {0}")]
    NoRandomness(std::io::Error),
    #[error("the system gave no thread: {0}; raise its limits (`ulimit -u`)")]
    NoThread(std::io::Error),
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// It was there at an earlier start.
    #[error("{0}")]
    OutboxMissing(String),
}

/// What the outside asks of a running daemon.
#[derive(Debug)]
pub enum Command {
    /// Finish what is queued, then end.
    Drain,
    /// Go on with this configuration.
    Reload(Box<Config>),
    /// A reload was asked for and its configuration refused.
    ReloadRefused(String),
}

/// How long the outbox and its uplinks may take to end, at least.
const CLOSE: Duration = Duration::from_secs(10);
/// How often the daemon looks after itself.
const LOOK: Duration = Duration::from_secs(1);

/// A daemon, composed and not yet started.
pub struct Daemon {
    pub(super) config: Config,
    pub(super) epoch: Epoch,
    pub(super) origin: Instant,
    pub(super) telemetry: Arc<Telemetry>,
    routes: Arc<Mutex<Routes>>,
    /// Of the broker that messages come from and live verdicts go to.
    pub(super) dialect: Arc<dyn Dialect>,
    /// With what each was started from.
    pub(super) workers: Vec<(PipelineConfig, Worker)>,
    /// Books of pipelines that a reload ended.
    pub(super) ended: Vec<(String, Ledger)>,
    /// The outbox and its uplinks, once started.
    pub(super) storage: Option<Storage>,
    /// The session runs: a pipeline that is opened now takes the place of one that ran.
    pub(super) running: bool,
    told_state: String,
    /// Where the outbox is was noted in the state folder.
    noted: bool,
}

impl Daemon {
    /// Composes a daemon. Starts no thread and opens no socket.
    ///
    /// # Errors
    /// [`BuildError::NoRandomness`]
    pub fn build(config: Config) -> Result<Daemon, BuildError> {
        let telemetry = Telemetry::new(config.device.clone());
        telemetry.broker().set_url(config.broker.options.url.to_string());
        telemetry.set_settings(serde_json::json!(config.keys));
        telemetry.readiness().enter(State::Starting, "waiting for the first connection to the broker");
        Ok(Daemon {
            epoch: crypto::new_epoch().map_err(BuildError::NoRandomness)?,
            origin: Instant::now(),
            telemetry,
            routes: Arc::default(),
            dialect: Arc::new(Plain),
            workers: Vec::new(),
            ended: Vec::new(),
            storage: None,
            running: false,
            noted: false,
            told_state: "online".into(),
            config,
        })
    }

    /// What the admin server and the demo look at.
    pub fn telemetry(&self) -> Arc<Telemetry> {
        self.telemetry.clone()
    }

    /// Runs until `commands` says [`Command::Drain`] or closes, then drains; a second
    /// [`Command::Drain`] forces the end.
    ///
    /// # Errors
    /// [`BuildError::NoThread`], [`BuildError::Outbox`], [`BuildError::OutboxMissing`]
    pub async fn run(mut self, mut commands: mpsc::Receiver<Command>) -> Result<RunReport, BuildError> {
        let options = self.config.broker.options.clone();
        let session = Session::new(options, Default::default());
        let (publisher, control) = (session.publisher(), session.control());
        let state_topic = self.config.broker.state_topic.clone();
        if let Some(outbox) = &self.config.outbox {
            if let Some(state_dir) = &self.config.state_dir {
                whereabouts::check(state_dir, &outbox.dir).map_err(BuildError::OutboxMissing)?;
            }
            self.storage = Some(Storage::start(outbox, &self.config.uplinks, &self.telemetry)?);
        }
        let mut inbox = Inbox::new(
            self.routes.clone(),
            self.dialect.clone(),
            self.telemetry.clone(),
            state_topic.clone(),
        );
        let pipelines = std::mem::take(&mut self.config.pipelines);
        for pipeline in pipelines {
            let opened = self.open(pipeline);
            self.launch(opened, &publisher)?;
        }
        self.running = true;
        control.set_filters(self.subscriptions());
        let run = Watched::new(session.run(&mut inbox));
        tokio::pin!(run);
        // Of the heart; what is left to do then is to end in order.
        let mut died: Option<String> = None;
        // Never ends. Beside everything this task waits for: systemd should notice if it stands still.
        let watchdog = systemd::keep_watchdog_fed();
        tokio::pin!(watchdog);
        let mut looks = tokio::time::interval(LOOK);

        loop {
            let told = tokio::select! {
                ended = &mut run => {
                    died = session_died(ended);
                    break;
                }
                told = commands.recv() => told.unwrap_or(Command::Drain),
                () = &mut watchdog => continue,
                _ = looks.tick() => {
                    if self.look(&control, &publisher, &state_topic) {
                        continue;
                    }
                    died = Some("the outbox's writer died: nothing can be stored any more".into());
                    break;
                }
            };
            match told {
                Command::Drain => break,
                Command::Reload(config) => {
                    systemd::reloading();
                    // The session goes on while pipelines are exchanged.
                    tokio::select! {
                        ended = &mut run => {
                            died = session_died(ended);
                            break;
                        }
                        () = &mut watchdog => {}
                        reloaded = self.reload(*config, &publisher) => reloaded?,
                    }
                    control.set_filters(self.subscriptions());
                    self.telemetry.readiness().leave(State::ConfigRefused);
                    systemd::ready("reloaded");
                }
                Command::ReloadRefused(why) => {
                    self.telemetry.readiness().enter(State::ConfigRefused, why);
                }
            }
        }

        // Draining, in flow order: input, scoring, output, goodbye.
        systemd::stopping("finishing what is queued");
        let deadline = Deadline::now() + self.config.drain_deadline;
        let text = format!("stopping: {} s to finish what is queued", self.config.drain_deadline.as_secs());
        self.telemetry.readiness().enter(State::Draining, text);
        self.lock().draining = true;
        let (left, forced) = if let Some(died) = &died {
            tracing::error!("{died}; the process ends, to be started again by its service manager");
            (Vec::new(), true)
        } else {
            let drain = self.drain(&publisher, deadline);
            tokio::pin!(drain);
            let drained = tokio::select! {
                left = &mut drain => Some(left),
                () = second_drain(&mut commands) => None,
                () = &mut watchdog => None,
                // Ends by itself only after `control.stop()`.
                ended = &mut run => {
                    died = session_died(ended);
                    None
                }
            };
            match drained {
                Some(left) => (left, false),
                None => (Vec::new(), true),
            }
        };
        let left = if forced { self.abandon(&publisher) } else { left };
        self.note_outbox();
        if let Some(storage) = self.storage.take() {
            // After a drain only the last counters are left to write.
            let closing = deadline.max(Deadline::now() + CLOSE);
            if !tokio::time::timeout_at(closing, storage.close()).await.unwrap_or(true) && died.is_none() {
                died = Some("the outbox's writer died while the daemon stopped".into());
            }
        }
        control.stop();
        if (!forced || died.is_some()) && !run.is_over() {
            // Says goodbye.
            let _ = tokio::time::timeout_at(deadline, run).await;
        }
        let report = self.report(left, forced, died);
        if let Some(state_dir) = &self.config.state_dir
            && let Err(error) = last_run::write(state_dir, &report)
        {
            warn!(%error, dir = %state_dir.display(), "can't write last-run.json");
        }
        Ok(report)
    }

    pub(super) fn lock(&self) -> std::sync::MutexGuard<'_, Routes> {
        self.routes.lock().expect("not poisoned: nothing panics under this lock")
    }

    fn subscriptions(&self) -> BTreeMap<String, Qos> {
        self.lock().subscriptions(&*self.dialect)
    }

    /// Looks after states that nobody else enters or leaves, and tells them at the state topic. False when the
    /// outbox has no writer any more.
    fn look(&mut self, control: &Control, publisher: &Publisher, state_topic: &str) -> bool {
        let mut alive = true;
        let shed_stored = match &mut self.storage {
            Some(storage) => {
                let looked = storage.look(&self.telemetry);
                control.set_away(looked.away);
                alive = !looked.dead;
                looked.shed
            }
            None => 0,
        };
        self.look_for_shedding(shed_stored);
        self.look_for_closed();
        self.note_outbox();
        let state = super::inbox::state_text(&self.telemetry, true);
        if self.telemetry.broker().is_connected() && self.told_state != state {
            self.told_state.clone_from(&state);
            publisher.offer(&mut vec![super::inbox::state_publish(state_topic, state)]);
        }
        alive
    }

    /// Notes where the outbox is, once there is something in it that would be missed.
    fn note_outbox(&mut self) {
        let (Some(state_dir), Some(storage)) = (&self.config.state_dir, &self.storage) else { return };
        if self.noted || !storage.outbox.is_begun() {
            return;
        }
        self.noted = true;
        let Some(outbox) = &self.config.outbox else { return };
        if let Err(error) = whereabouts::note(state_dir, &outbox.dir, storage.outbox.id()) {
            warn!(%error, dir = %state_dir.display(), "can't note where the outbox is");
        }
    }

    /// Enters or leaves the state `pipeline_failed`.
    pub(super) fn look_for_closed(&self) {
        let closed = self.workers.iter().map(|(_, worker)| worker).filter(|worker| worker.is_closed());
        let names: Vec<&str> = closed.map(|worker| worker.name.as_str()).collect();
        let readiness = self.telemetry.readiness();
        if names.is_empty() {
            readiness.leave(State::PipelineFailed);
            return;
        }
        let (names, within_secs) = (names.join(", "), DEATHS_WITHIN.as_secs());
        let text = format!(
            "pipeline {names}: its thread died {MOST_DEATHS} times within {within_secs} s, its messages are shed; \
             look at the log, replace the model, then reload"
        );
        readiness.enter(State::PipelineFailed, text);
    }

    /// Enters or leaves the state `shedding`: whether anything was shed since the last look.
    fn look_for_shedding(&mut self, shed_stored: u64) {
        let mut shedding = Vec::new();
        for (_, worker) in &mut self.workers {
            let shed = worker.stats.ledger().shed(ShedPolicy::QueueFull);
            if shed > std::mem::replace(&mut worker.shed_before, shed) {
                shedding.push(worker.name.as_str());
            }
        }
        let readiness = self.telemetry.readiness();
        if shed_stored > 0 {
            let disk = [State::DiskFull, State::OutboxGone, State::ReadOnly];
            let text = if readiness.standing().iter().any(|standing| disk.contains(&standing.state)) {
                "results can't be stored and are let go, as their class has it"
            } else {
                "the outbox is full: the oldest results of the least important class make room"
            };
            readiness.enter(State::Shedding, text);
        } else if shedding.is_empty() {
            readiness.leave(State::Shedding);
        } else {
            let names = shedding.join(", ");
            let text = format!("the queue is full, messages at QoS 0 are let go: pipeline {names}");
            readiness.enter(State::Shedding, text);
        }
    }

    /// Finishes scoring, then publishing. Returns what was not finished by the deadline.
    async fn drain(&mut self, publisher: &Publisher, deadline: Deadline) -> Vec<Leftover> {
        let mut left = Vec::new();
        for (_, worker) in &self.workers {
            worker.queue.close();
        }
        let mut stragglers = false;
        for (_, worker) in &mut self.workers {
            stragglers |= !worker.drain(deadline).await;
        }
        if stragglers {
            left.extend(self.abandon(publisher));
        }
        if let Some(storage) = &mut self.storage {
            // What was scored is on disk before the input's broker is left.
            storage.settle().await;
        }
        let idle = publisher.until_idle();
        if tokio::time::timeout_at(deadline, idle).await.is_err() {
            let (waiting, in_flight) = publisher.backlog();
            let what = format!("{waiting} messages not sent, {in_flight} not acknowledged by the broker");
            left.push(Leftover { whose: "output".into(), what });
        }
        left
    }

    /// Lets go of what is queued and names it.
    fn abandon(&self, publisher: &Publisher) -> Vec<Leftover> {
        // Lets go of a worker that waits for room to publish.
        publisher.close();
        let mut left = Vec::new();
        for (_, worker) in &self.workers {
            let (queued, _) = worker.queue.len();
            worker.abandon(ShedPolicy::DrainDeadline);
            if self.storage.is_some() {
                // The journal has what was acknowledged, the broker the rest: the next start goes on.
                info!(
                    pipeline = worker.name,
                    queued, "what is not scored stays in the journal or with the broker"
                );
                continue;
            }
            let pending = worker.stats.books().pending;
            if queued > 0 || (pending > 0 && !worker.is_finished()) {
                let what = format!("{queued} messages not scored, {pending} units in the model");
                left.push(Leftover { whose: format!("pipeline {}", worker.name), what });
            }
        }
        left
    }

    fn report(&mut self, left: Vec<Leftover>, forced: bool, died: Option<String>) -> RunReport {
        let mut ledgers = std::mem::take(&mut self.ended);
        ledgers.extend(self.workers.iter().map(|(_, worker)| (worker.name.clone(), worker.stats.ledger())));
        RunReport { ledgers, left, forced, died }
    }
}

/// Why the session ended, if it did not end by itself.
fn session_died(ended: Result<(), String>) -> Option<String> {
    ended.err().map(|panic| format!("the MQTT session died: {panic}"))
}

/// Waits for somebody who doesn't want to wait.
async fn second_drain(commands: &mut mpsc::Receiver<Command>) {
    loop {
        match commands.recv().await {
            Some(Command::Drain) => return,
            Some(Command::Reload(_) | Command::ReloadRefused(_)) => {}
            // Nobody left to force anything.
            None => std::future::pending().await,
        }
    }
}
