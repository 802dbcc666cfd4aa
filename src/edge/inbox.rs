//! What the session hands in: matched against every pipeline, admitted or held back.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant, SystemTime},
};

use tracing::{info, warn};

use super::{
    dialect::{Arrival, Dialect},
    queue::{Job, Queue},
};
use crate::{
    config::Retained,
    mqtt::{Admission, ConnectError, Handler, Incoming, Publish, Qos},
    telemetry::{PipelineStats, State, Telemetry, systemd},
};
use edgeward_core::{
    domain::{Epoch, Reason, ShedPolicy, TopicFilter},
    fault_injection,
};
use edgeward_outbox::{Input, Outbox};

/// A pipeline as the inbox sees it.
#[derive(Clone)]
pub(super) struct Route {
    pub name: String,
    pub topics: Vec<TopicFilter>,
    pub qos: Qos,
    pub retained: Retained,
    pub queue: Arc<Queue>,
    pub stats: Arc<PipelineStats>,
    pub durable: Option<DurableRoute>,
}

/// The outbox as the inbox sees it.
#[derive(Clone)]
pub(super) struct DurableRoute {
    pub outbox: Outbox,
    pub pipeline: u16,
    pub epoch: Epoch,
    /// Windows or last known values rest on earlier messages: QoS 0 is journaled too.
    pub remembers: bool,
}

/// The pipelines that take messages; a reload changes them.
#[derive(Default)]
pub(super) struct Routes {
    pub routes: Vec<Route>,
    /// The daemon stops: nothing more is taken in.
    pub draining: bool,
}

impl Routes {
    /// Every filter once, with the highest level of service any pipeline wants.
    fn filters(&self) -> BTreeMap<String, Qos> {
        let mut filters = BTreeMap::new();
        for route in &self.routes {
            for topic in &route.topics {
                let qos = filters.entry(topic.as_str().to_owned()).or_insert(route.qos);
                *qos = (*qos).max(route.qos);
            }
        }
        filters
    }

    /// What the broker is asked for.
    pub fn subscriptions(&self, dialect: &dyn Dialect) -> BTreeMap<String, Qos> {
        dialect.subscriptions(self.filters())
    }
}

/// The session's handler.
pub(super) struct Inbox {
    routes: Arc<Mutex<Routes>>,
    dialect: Arc<dyn Dialect>,
    telemetry: Arc<Telemetry>,
    state_topic: String,
    sequence: u64,
    /// Pipelines the current message goes to; kept for its buffer.
    matched: Vec<usize>,
    /// Filters the broker does not let us read.
    refused: BTreeSet<String>,
    /// systemd was told that the daemon is ready.
    told_ready: bool,
}

impl Inbox {
    pub fn new(
        routes: Arc<Mutex<Routes>>,
        dialect: Arc<dyn Dialect>,
        telemetry: Arc<Telemetry>,
        state_topic: String,
    ) -> Self {
        Inbox {
            routes,
            dialect,
            telemetry,
            state_topic,
            sequence: 0,
            matched: Vec::new(),
            refused: BTreeSet::new(),
            told_ready: false,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Routes> {
        self.routes.lock().expect("not poisoned: nothing panics under this lock")
    }

    /// Connected and subscribed: whoever publishes now is heard.
    fn reachable(&mut self) {
        for state in [State::Starting, State::BrokerUnreachable, State::BrokerRefused] {
            self.telemetry.readiness().leave(state);
        }
        if !std::mem::replace(&mut self.told_ready, true) {
            systemd::ready("scoring");
        }
    }

    /// The retained message that tells how the daemon is.
    fn state(&self, online: bool) -> Publish {
        state_publish(&self.state_topic, state_text(&self.telemetry, online))
    }

    fn admit(&mut self, incoming: Incoming) -> Admission {
        let routes = self.routes.clone();
        let routes = routes.lock().expect("not poisoned: nothing panics under this lock");
        let Incoming { topic: as_sent, payload, retained, ticket } = incoming;
        let Arrival { topic, origin } = self.dialect.arrival(as_sent.as_str());
        self.matched.clear();
        let mut wanted = false;
        for (at, route) in routes.routes.iter().enumerate() {
            if !route.topics.iter().any(|filter| filter.matches(&topic)) {
                continue;
            }
            wanted = true;
            if retained && route.retained == Retained::Ignore {
                route.stats.retained_ignored();
            } else {
                self.matched.push(at);
            }
        }
        if !wanted {
            self.telemetry.message_unmatched();
        }
        if self.matched.is_empty() {
            if let Some(ticket) = ticket {
                ticket.done();
            }
            return Admission::Taken;
        }
        if routes.draining {
            // At QoS 1 the broker keeps it: the ticket is dropped, not done.
            if ticket.is_none() {
                for &at in &self.matched {
                    routes.routes[at].stats.receive(1);
                    routes.routes[at].stats.shed(1, ShedPolicy::DrainDeadline);
                }
            }
            return Admission::Taken;
        }
        let full = |at: &usize| !routes.routes[*at].queue.has_room(payload.len());
        // The journal takes what a queue does not, as long as the writer keeps up.
        let stuck = |at: &usize| match &routes.routes[*at].durable {
            Some(durable) => full(at) && !durable.outbox.may_spill(),
            None => full(at),
        };
        if ticket.is_some() && self.matched.iter().any(stuck) {
            // All of its pipelines take it, or none does yet.
            return Admission::Full(Incoming { topic: as_sent, payload, retained, ticket });
        }
        self.sequence += 1;
        let (arrived, arrived_at) = (Instant::now(), SystemTime::now());
        if let Some(ticket) = &ticket {
            ticket.add_parts(self.matched.len());
        }
        for at in &self.matched {
            let route = &routes.routes[*at];
            route.stats.message_arrived();
            route.stats.receive(1);
            let input = route.durable.as_ref().filter(|durable| ticket.is_some() || durable.remembers);
            let input = input.map(|durable| {
                let DurableRoute { pipeline, epoch, .. } = *durable;
                let ticket = ticket.clone();
                let (topic, payload) = (topic.clone().into_owned(), payload.clone());
                let input = Input::new(pipeline, topic, payload, epoch, self.sequence, ticket);
                (durable, input.came_by(origin.clone()))
            });
            if full(at) {
                if let (true, Some((durable, input))) = (ticket.is_some(), input) {
                    route.queue.spill(self.sequence);
                    durable.outbox.spill(Arc::new(input.spilled()));
                    continue;
                }
                // Only at QoS 0: nobody would send it again, and nobody may wait for it.
                route.stats.shed(1, ShedPolicy::QueueFull);
                continue;
            }
            let input = input.map(|(durable, input)| {
                let input = Arc::new(input);
                if ticket.is_some() {
                    durable.outbox.watch(input.clone());
                }
                input
            });
            let (topic, payload) = (topic.clone().into_owned(), payload.clone());
            let ticket = if input.is_some() { None } else { ticket.clone() };
            route.queue.push(Job {
                topic,
                payload,
                sequence: self.sequence,
                epoch: None,
                arrived,
                arrived_at,
                ticket,
                input,
                settled_before: false,
            });
        }
        if let Some(ticket) = ticket {
            // The message's own part: the pipelines' parts remain.
            ticket.done();
        }
        Admission::Taken
    }
}

/// "offline" (which is also the will), "online", or "online: " with the states that stand.
pub(super) fn state_text(telemetry: &Telemetry, online: bool) -> String {
    if !online {
        return "offline".into();
    }
    let standing = telemetry.readiness().standing();
    let names =
        standing.iter().filter(|standing| !standing.state.blocks()).map(|standing| standing.state.name());
    match names.collect::<Vec<_>>().join(" ") {
        names if names.is_empty() => "online".into(),
        names => format!("online: {names}"),
    }
}

/// The retained message at the state topic.
pub(super) fn state_publish(topic: &str, text: String) -> Publish {
    let (topic, payload) = (topic.to_owned(), text.into());
    Publish { topic, payload, qos: Qos::AtLeastOnce, retain: true, receipt: None }
}

impl Handler for Inbox {
    fn connected(&mut self, session_present: bool) -> Vec<Publish> {
        let broker = self.telemetry.broker();
        broker.connected();
        info!(broker = broker.url(), session_present, "connected to the broker");
        self.refused.clear();
        if session_present || self.lock().routes.is_empty() {
            // The session has the filters already. Its answer to our SUBSCRIBE may stand behind a
            // long backlog; there is no reason to wait for it, and none comes without filters.
            self.reachable();
        }
        vec![self.state(true)]
    }

    fn goodbye(&mut self) -> Vec<Publish> {
        vec![self.state(false)]
    }

    fn message(&mut self, incoming: Incoming) -> Admission {
        fault_injection::point("session");
        self.admit(incoming)
    }

    fn oversize(&mut self, topic: &str, bytes: usize) {
        warn!(topic, bytes, "a message over `broker.max_packet_bytes` was rejected");
        let Arrival { topic, .. } = self.dialect.arrival(topic);
        for route in &self.lock().routes {
            if route.topics.iter().any(|filter| filter.matches(&topic)) {
                route.stats.receive(1);
                route.stats.reject(Reason::TooLarge);
            }
        }
    }

    fn disconnected(&mut self, why: &str) {
        self.telemetry.broker().disconnected();
        self.telemetry.readiness().enter(State::BrokerUnreachable, why);
    }

    fn connect_failed(&mut self, error: &ConnectError, retry_in: Duration) {
        let readiness = self.telemetry.readiness();
        let (now, other) = if error.is_refusal() {
            (State::BrokerRefused, State::BrokerUnreachable)
        } else {
            (State::BrokerUnreachable, State::BrokerRefused)
        };
        readiness.leave(other);
        // Told once; `/readyz` and the metrics keep telling.
        readiness.enter(now, error.to_string());
        tracing::debug!(%error, retry_in_ms = retry_in.as_millis() as u64, "no connection");
    }

    fn subscribed(&mut self, refused: &[String]) {
        self.refused.extend(refused.iter().cloned());
        let wanted = self.lock().subscriptions(&*self.dialect);
        // A reload may have given a refused filter up.
        self.refused.retain(|filter| wanted.contains_key(filter));
        let readiness = self.telemetry.readiness();
        if self.refused.is_empty() {
            readiness.leave(State::SubscriptionRefused);
        } else {
            let filters: Vec<&str> = self.refused.iter().map(String::as_str).collect();
            let text = format!("the broker refuses to let this client read {}", filters.join(", "));
            readiness.enter(State::SubscriptionRefused, text);
        }
        self.reachable();
    }

    fn taken_over(&mut self, now: bool) {
        let readiness = self.telemetry.readiness();
        if now {
            let text = "the broker closes every connection soon after it is made: another client seems to use the same `broker.client_id`";
            readiness.enter(State::TakenOver, text);
        } else {
            readiness.leave(State::TakenOver);
        }
    }
}
