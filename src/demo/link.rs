//! A plain connection to the broker for the demo's own side: the machines and the subscriber.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::sync::Notify;

use crate::mqtt::{
    Admission, ConnectError, Control, Handler, Incoming, Options, Publish, Publisher, Qos, Session,
};

/// What is known of a connection.
#[derive(Debug, Default)]
pub struct LinkState {
    connects: AtomicU64,
    /// Grants of the subscription.
    grants: AtomicU64,
    trouble: Mutex<Option<String>>,
    changed: Notify,
}

impl LinkState {
    fn tell(&self, trouble: Option<String>) {
        *self.trouble.lock().expect("not poisoned: nothing panics under this lock") = trouble;
        self.changed.notify_one();
    }

    /// Sessions the broker accepted.
    pub fn connects(&self) -> u64 {
        self.connects.load(Relaxed)
    }

    /// What keeps the connection from working, if anything.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().expect("not poisoned: nothing panics under this lock").clone()
    }
}

/// One connection: run it on a runtime, publish and steer from anywhere.
pub struct Link {
    pub publisher: Publisher,
    pub state: Arc<LinkState>,
    control: Control,
    session: Option<Session>,
    subscribes: bool,
}

impl Link {
    /// A connection that will subscribe to `filters` at QoS 1. Opens nothing yet.
    pub fn new(options: Options, filters: &[String]) -> Self {
        let filters: BTreeMap<_, _> =
            filters.iter().map(|filter| (filter.clone(), Qos::AtLeastOnce)).collect();
        let subscribes = !filters.is_empty();
        let session = Session::new(options, filters);
        Link {
            publisher: session.publisher(),
            control: session.control(),
            session: Some(session),
            state: Arc::default(),
            subscribes,
        }
    }

    /// The connection's work, to be spawned once. `on_message` gets what the subscription brings.
    pub fn run<F>(&mut self, on_message: F) -> impl Future<Output = ()> + Send + 'static
    where
        F: FnMut(&Incoming) + Send + 'static,
    {
        let session = self.session.take();
        let mut handler = LinkHandler { state: self.state.clone(), on_message };
        async move {
            if let Some(session) = session {
                session.run(&mut handler).await;
            }
        }
    }

    /// Waits until the broker has accepted the connection and granted the subscription, if any.
    pub async fn established(&self) {
        loop {
            let changed = self.state.changed.notified();
            let granted = !self.subscribes || self.state.grants.load(Relaxed) > 0;
            if self.state.connects() > 0 && granted {
                return;
            }
            changed.await;
        }
    }

    /// Says goodbye to the broker.
    pub fn stop(&self) {
        self.publisher.close();
        self.control.stop();
    }
}

struct LinkHandler<F> {
    state: Arc<LinkState>,
    on_message: F,
}

impl<F: FnMut(&Incoming) + Send> Handler for LinkHandler<F> {
    fn connected(&mut self, _session_present: bool) -> Vec<Publish> {
        self.state.connects.fetch_add(1, Relaxed);
        self.state.tell(None);
        Vec::new()
    }

    fn message(&mut self, incoming: Incoming) -> Admission {
        (self.on_message)(&incoming);
        if let Some(ticket) = incoming.ticket {
            ticket.done();
        }
        Admission::Taken
    }

    fn oversize(&mut self, topic: &str, bytes: usize) {
        self.state.tell(Some(format!("a message of {bytes} bytes on {topic} is over the limit")));
    }

    fn disconnected(&mut self, why: &str) {
        self.state.tell(Some(why.to_owned()));
    }

    fn connect_failed(&mut self, error: &ConnectError, _retry_in: Duration) {
        self.state.tell(Some(error.to_string()));
    }

    fn subscribed(&mut self, refused: &[String]) {
        if refused.is_empty() {
            self.state.grants.fetch_add(1, Relaxed);
            self.state.tell(None);
        } else {
            self.state.tell(Some(format!("the broker refuses the subscription to {}", refused.join(", "))));
        }
    }

    fn goodbye(&mut self) -> Vec<Publish> {
        Vec::new()
    }

    fn taken_over(&mut self, now: bool) {
        if now {
            self.state.tell(Some("another client uses the same client id".into()));
        }
    }
}
