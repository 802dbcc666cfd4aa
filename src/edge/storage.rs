//! The outbox and its uplinks, as the daemon starts, watches and ends them.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

use super::uplink::{Courier, CourierParts, Desk, Events, MqttUplink};
use crate::{
    config::UplinkConfig,
    mqtt::Control,
    telemetry::{Ledger, PipelineStats, State, Telemetry},
};
use edgeward_core::domain::Books;
use edgeward_outbox::{ClassSettings, OutboxSettings};
use edgeward_outbox::{Outbox, OutboxError, OutboxThread};

/// Everything between a verdict and its receiver.
pub(super) struct Storage {
    pub outbox: Outbox,
    pub classes: Arc<[ClassSettings]>,
    thread: OutboxThread,
    couriers: Vec<Courier>,
    links: Vec<(Control, tokio::task::JoinHandle<()>)>,
    /// Results shed when last looked.
    shed: u64,
    /// Pipelines whose books of earlier runs were taken over.
    restored: Mutex<BTreeSet<String>>,
}

/// What a look found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Looked {
    /// Results shed since the last look.
    pub shed: u64,
    /// The input's session is to be left.
    pub away: bool,
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
            couriers: Vec::new(),
            links: Vec::new(),
            restored: Mutex::default(),
            outbox,
            thread,
        };
        for uplink in uplinks {
            storage.start_uplink(uplink, telemetry)?;
        }
        let (outbox, desks) = (storage.outbox.clone(), storage.desks());
        telemetry.set_outbox(move || {
            let mut snapshot = edgeward_outbox::snapshot(&outbox);
            snapshot.uplinks = desks.iter().map(|(name, desk)| desk.snapshot(name)).collect();
            snapshot
        });
        Ok(storage)
    }

    fn start_uplink(&mut self, config: &UplinkConfig, telemetry: &Arc<Telemetry>) -> Result<(), OutboxError> {
        let desk = Arc::new(Desk::default());
        let events: Events = desk.clone();
        let (link, session) = MqttUplink::new(config.options.clone(), events.clone());
        let control = MqttUplink::control(&session);
        let run = MqttUplink::run(session, config.name.clone(), events, telemetry.clone());
        self.links.push((control, tokio::spawn(run)));
        let of = |class: &&ClassSettings| class.uplink.as_deref() == Some(&config.name);
        let parts = CourierParts {
            classes: self.classes.iter().filter(of).cloned().collect(),
            config: config.clone(),
            outbox: self.outbox.clone(),
            uplink: Box::new(link),
            desk,
        };
        self.couriers.push(Courier::start(parts).map_err(OutboxError::NoThread)?);
        Ok(())
    }

    fn desks(&self) -> Vec<(String, Arc<Desk>)> {
        self.couriers.iter().map(|courier| (courier.name.clone(), courier.desk.clone())).collect()
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
        let books = Books {
            received: units.received,
            scored: units.scored,
            merged: units.merged,
            rejected: units.count_rejected(),
            shed: units.count_shed(),
            expired: units.expired,
            damaged: units.damaged,
            dropped: units.dropped,
            pending: units.pending(),
        };
        stats.restore(Ledger::restored(books, &units.rejected, &units.shed));
    }

    /// Enters and leaves the states of the disk, the uplinks and the clock.
    pub fn look(&mut self, telemetry: &Telemetry) -> Looked {
        let (readiness, health) = (telemetry.readiness(), self.outbox.health());
        let states = [
            (State::DiskFull, health.disk_full),
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
        if self.couriers.iter().all(|courier| courier.desk.is_connected()) {
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
        Looked { shed, away: health.away }
    }

    /// Waits until what was handed in is on disk.
    pub async fn settle(&mut self) {
        let outbox = self.outbox.clone();
        let _ = tokio::task::spawn_blocking(move || outbox.until_written()).await;
    }

    /// Ends uplinks and outbox: what is in flight may still arrive, what is not stays.
    pub async fn close(self) {
        let Storage { outbox, thread, mut couriers, links, .. } = self;
        let ended = tokio::task::spawn_blocking(move || {
            couriers.iter_mut().for_each(Courier::stop);
            thread.close(&outbox);
        });
        let _ = ended.await;
        for (control, task) in links {
            control.stop();
            let _ = task.await;
        }
    }
}
