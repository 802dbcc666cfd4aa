//! The outbox and its uplinks, as the daemon starts, watches and ends them.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use super::{
    supervise::Deaths,
    uplink::{Courier, CourierParts, Desk, Events, MqttUplink},
};
use crate::{
    config::UplinkConfig,
    mqtt::Control,
    telemetry::{Ledger, PipelineStats, State, Telemetry},
};
use edgeward_outbox::{ClassSettings, OutboxSettings};
use edgeward_outbox::{Outbox, OutboxError, OutboxThread};

/// Everything between a verdict and its receiver.
pub(super) struct Storage {
    pub outbox: Outbox,
    pub classes: Arc<[ClassSettings]>,
    thread: OutboxThread,
    telemetry: Arc<Telemetry>,
    uplinks: Vec<Uplink>,
    /// What the metrics look at, by name; a courier that is begun again has another.
    desks: Arc<Mutex<Desks>>,
    /// Results shed when last looked.
    shed: u64,
    /// Pipelines whose books of earlier runs were taken over.
    restored: Mutex<BTreeSet<String>>,
}

/// By the name of their uplink.
type Desks = Vec<(String, Arc<Desk>)>;

/// A courier and its link. They live and die together: after a death nothing tells which of the messages on
/// the way an answer is for.
struct Uplink {
    config: UplinkConfig,
    running: Option<Running>,
    deaths: Deaths,
    /// When they are begun again.
    again_at: Option<Instant>,
}

struct Running {
    courier: Courier,
    link: Control,
    task: tokio::task::JoinHandle<()>,
}

/// What a look found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Looked {
    /// Results shed since the last look.
    pub shed: u64,
    /// The input's session is to be left.
    pub away: bool,
    /// Nothing is stored any more: the process must end.
    pub dead: bool,
}

/// 2024-01-01: a clock before it was never set.
const CLOCK_SET_SECS: u64 = 1_704_067_200;

impl Storage {
    /// Opens the outbox and starts its uplinks.
    ///
    /// # Errors
    /// [`OutboxError`]
    pub fn start(
        config: &OutboxSettings,
        uplinks: &[UplinkConfig],
        telemetry: &Arc<Telemetry>,
    ) -> Result<Storage, OutboxError> {
        let (outbox, thread, recovery) = edgeward_outbox::open(config)?;
        tracing::info!(dir = %config.dir.display(), created = recovery.created, "the outbox is open");
        let mut storage = Storage {
            shed: outbox.health().shed,
            classes: config.classes.clone().into(),
            telemetry: telemetry.clone(),
            uplinks: Vec::new(),
            desks: Arc::default(),
            restored: Mutex::default(),
            outbox,
            thread,
        };
        for config in uplinks {
            let running = Some(storage.start_uplink(config)?);
            let (config, deaths) = (config.clone(), Deaths::default());
            storage.uplinks.push(Uplink { config, running, deaths, again_at: None });
        }
        let (outbox, desks) = (storage.outbox.clone(), storage.desks.clone());
        telemetry.set_outbox(move || {
            let mut snapshot = edgeward_outbox::snapshot(&outbox);
            let desks = desks.lock().expect("nothing panics under this lock");
            snapshot.uplinks = desks.iter().map(|(name, desk)| desk.snapshot(name)).collect();
            snapshot
        });
        Ok(storage)
    }

    fn start_uplink(&self, config: &UplinkConfig) -> Result<Running, OutboxError> {
        let mut desks = self.desks.lock().expect("nothing panics under this lock");
        let known = desks.iter().position(|(name, _)| *name == config.name);
        let desk = Arc::new(known.map(|at| desks[at].1.successor()).unwrap_or_default());
        desks.extend(known.is_none().then(|| (config.name.clone(), desk.clone())));
        if let Some(at) = known {
            desks[at].1 = desk.clone();
        }
        let events: Events = desk.clone();
        let (link, session) = MqttUplink::new(config, events.clone());
        let control = MqttUplink::control(&session);
        let run = MqttUplink::run(session, config.name.clone(), events, self.telemetry.clone());
        let of = |class: &&ClassSettings| class.uplink.as_deref() == Some(&config.name);
        let parts = CourierParts {
            classes: self.classes.iter().filter(of).cloned().collect(),
            config: config.clone(),
            outbox: self.outbox.clone(),
            uplink: Box::new(link),
            desk,
        };
        let courier = Courier::start(parts).map_err(OutboxError::NoThread)?;
        Ok(Running { courier, link: control, task: tokio::spawn(run) })
    }

    /// Begins uplinks again that died, each after its pause.
    fn look_after_uplinks(&mut self) {
        let now = Instant::now();
        let mut uplinks = std::mem::take(&mut self.uplinks);
        for uplink in &mut uplinks {
            let died = |running: &mut Running| running.courier.is_finished() || running.task.is_finished();
            if let Some(mut running) = uplink.running.take_if(died) {
                let who = if running.courier.is_finished() { "courier" } else { "link" };
                running.link.stop();
                running.task.abort();
                running.courier.stop();
                running.courier.desk.died();
                let pause = uplink.deaths.died(now).unwrap_or_else(|| uplink.deaths.pause());
                uplink.again_at = Some(now + pause);
                let name = uplink.config.name.as_str();
                tracing::error!(uplink = name, who, pause_ms = pause.as_millis() as u64, "died; begun again");
                let text = format!("uplink {name}: its {who} died and is begun again; see the log");
                self.telemetry.readiness().enter(State::UplinkDown, text);
            }
            if uplink.again_at.is_some_and(|at| at <= now) {
                match self.start_uplink(&uplink.config) {
                    Ok(running) => (uplink.running, uplink.again_at) = (Some(running), None),
                    Err(error) => {
                        tracing::error!(uplink = uplink.config.name, %error, "can't be begun again yet");
                        uplink.again_at = Some(now + uplink.deaths.pause());
                    }
                }
            }
        }
        self.uplinks = uplinks;
    }

    /// Takes over the books that earlier runs kept for a pipeline, once.
    pub fn restore(&self, name: &str, stats: &PipelineStats) {
        if !self.restored.lock().expect("nothing panics under this lock").insert(name.to_owned()) {
            return;
        }
        let shared = self.outbox.shared();
        let state = shared.state();
        let Some(pipeline) = state.pipelines.iter().find(|pipeline| pipeline.name == name) else { return };
        let units = &pipeline.units;
        stats.restore(Ledger::restored(units.books(), &units.rejected, &units.shed));
    }

    /// Enters and leaves the states of the disk, the uplinks and the clock.
    pub fn look(&mut self, telemetry: &Telemetry) -> Looked {
        let (readiness, health) = (telemetry.readiness(), self.outbox.health());
        let states = [
            (State::DiskFull, health.disk_full),
            (State::OutboxGone, health.gone),
            (State::ReadOnly, health.read_only),
            (State::StoreDamaged, health.damaged),
            (State::Refusing, health.refusing),
        ];
        for (state, text) in states {
            match text {
                Some(text) => drop(readiness.enter(state, text)),
                None => drop(readiness.leave(state)),
            }
        }
        self.look_after_uplinks();
        let refusing = self.uplinks.iter().find_map(|uplink| {
            let why = uplink.running.as_ref()?.courier.desk.refusal()?;
            Some(format!(
                "uplink {}: the receiver refuses results for good ({why}); they are counted as refused",
                uplink.config.name
            ))
        });
        match refusing {
            Some(text) => drop(readiness.enter(State::UplinkRefused, text)),
            None => drop(readiness.leave(State::UplinkRefused)),
        }
        let is_up = |uplink: &Uplink| {
            uplink.running.as_ref().is_some_and(|running| running.courier.desk.is_connected())
        };
        if self.uplinks.iter().all(is_up) {
            readiness.leave(State::UplinkDown);
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        if now < CLOCK_SET_SECS {
            readiness.enter(
                State::ClockUnset,
                "the clock says a time before 2024: set it; order and time to live don't rest on it",
            );
        } else {
            readiness.leave(State::ClockUnset);
        }
        let shed = health.shed.saturating_sub(std::mem::replace(&mut self.shed, health.shed));
        Looked { shed, away: health.away, dead: self.thread.is_dead() }
    }

    /// Waits until what was handed in is on disk.
    pub async fn settle(&mut self) {
        let outbox = self.outbox.clone();
        let _ = tokio::task::spawn_blocking(move || outbox.until_written()).await;
    }

    /// Ends uplinks and outbox: what is in flight may still arrive, what is not stays. False when the outbox's writer
    /// had died.
    pub async fn close(self) -> bool {
        let Storage { outbox, thread, uplinks, .. } = self;
        let mut running: Vec<Running> = uplinks.into_iter().filter_map(|uplink| uplink.running).collect();
        let ended = tokio::task::spawn_blocking(move || {
            running.iter_mut().for_each(|running| running.courier.stop());
            let lived = thread.close(&outbox);
            (running, lived)
        });
        let (running, lived) = ended.await.unwrap_or_default();
        for running in running {
            running.link.stop();
            let _ = running.task.await;
        }
        lived
    }
}
