//! Staying connected: connect, serve, wait, again.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use edgeward_core::domain::Ticket;
use tokio::sync::watch;

use super::{
    ConnectError, Login, Options, Publish, Publisher, Qos,
    backoff::Backoff,
    connect::{Connection, Transport, connect},
    in_flight::InFlight,
    serve::{Ended, Serve},
};

/// A message from the broker.
#[derive(Debug)]
pub struct Incoming {
    pub topic: String,
    pub payload: Bytes,
    /// The broker kept it and gives it because of a subscription.
    pub retained: bool,
    /// To be done when the message's fate is settled; none at QoS 0.
    pub ticket: Option<Ticket>,
}

/// What became of a message handed to [`Handler::message`].
#[derive(Debug)]
pub enum Admission {
    Taken,
    /// No room: the session reads nothing more until the message is taken on a later try.
    Full(Incoming),
}

/// What a session tells, on its own task: answers at once, waits for nobody.
pub trait Handler: Send {
    /// Connected and about to subscribe; the publishes returned go out first.
    fn connected(&mut self, session_present: bool) -> Vec<Publish>;
    fn message(&mut self, incoming: Incoming) -> Admission;
    /// About to disconnect because of [`Control::stop`]; the publishes returned go out last.
    fn goodbye(&mut self) -> Vec<Publish>;
    /// A message over `max_packet_bytes` was skipped; it is acknowledged.
    fn oversize(&mut self, topic: &str, bytes: usize);
    fn disconnected(&mut self, why: &str);
    fn connect_failed(&mut self, error: &ConnectError, retry_in: Duration);
    /// The broker answered a SUBSCRIBE: messages come from now on, but for these filters.
    fn subscribed(&mut self, refused: &[String]);
    /// The broker has closed several young connections in a row: another client has our id. False
    /// when a connection lasts.
    fn taken_over(&mut self, now: bool);
}

/// What the session is to do; see [`Control`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Desired {
    pub filters: BTreeMap<String, Qos>,
    pub stop: bool,
    pub away: bool,
}

/// Steers a session from outside.
#[derive(Debug, Clone)]
pub struct Control {
    desired: Arc<watch::Sender<Desired>>,
}

impl Control {
    /// Subscribes to what is new and unsubscribes from what is gone.
    pub fn set_filters(&self, filters: BTreeMap<String, Qos>) {
        self.desired.send_modify(|desired| desired.filters = filters);
    }

    /// Leaves the broker, which keeps the session and what is sent to it, until told to come back.
    pub fn set_away(&self, away: bool) {
        self.desired.send_if_modified(|desired| std::mem::replace(&mut desired.away, away) != away);
    }

    /// Ends the session: what is in its buffer is written, then DISCONNECT.
    pub fn stop(&self) {
        self.desired.send_modify(|desired| desired.stop = true);
    }
}

/// A session with a broker. Constructing it does nothing; [`Session::run`] connects.
pub struct Session {
    options: Options,
    login: Arc<dyn Login>,
    publisher: Publisher,
    desired: watch::Receiver<Desired>,
    control: Control,
    in_flight: InFlight,
}

/// A connection that lasted this long was a real one.
pub(super) const LASTED: Duration = Duration::from_secs(10);
/// That many young connections closed by the broker in a row look like a second client.
const TAKEOVERS: u32 = 3;

impl Session {
    /// A session with the login of its options.
    pub fn new(options: Options, filters: BTreeMap<String, Qos>) -> Self {
        let login = Arc::new(options.login.clone());
        Session::with_login(options, login, filters)
    }

    pub fn with_login(options: Options, login: Arc<dyn Login>, filters: BTreeMap<String, Qos>) -> Self {
        let (sender, desired) = watch::channel(Desired { filters, stop: false, away: false });
        let publisher = Publisher::new(options.max_pending_bytes);
        let control = Control { desired: Arc::new(sender) };
        Session { options, login, publisher, desired, control, in_flight: InFlight::default() }
    }

    pub fn publisher(&self) -> Publisher {
        self.publisher.clone()
    }

    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// Stays connected until [`Control::stop`].
    pub async fn run(mut self, handler: &mut dyn Handler) {
        let seed = self.options.client_id.bytes().fold(std::process::id().into(), |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let mut backoff = Backoff::new(seed);
        let mut young = 0;
        loop {
            // An error means that nobody can steer any more: the same as a stop.
            let _ = self.desired.wait_for(|desired| desired.stop || !desired.away).await;
            if self.desired.borrow().stop {
                break;
            }
            let attempt = tokio::select! {
                attempt = connect(&self.options, &*self.login) => attempt,
                () = stopped(&mut self.desired) => break,
            };
            let delay = match attempt {
                Ok((connection, renew_at)) => {
                    let began = Instant::now();
                    let ended = self.serve(connection, renew_at, handler).await;
                    if matches!(ended, Ended::Renewed) {
                        tracing::info!(
                            client_id = self.options.client_id,
                            "connecting anew: the credentials end soon"
                        );
                        // Credentials that end at once would be asked for without end.
                        if began.elapsed() >= LASTED {
                            backoff.reset();
                            continue;
                        }
                        tokio::select! {
                            () = tokio::time::sleep(backoff.delay()) => continue,
                            () = stopped(&mut self.desired) => break,
                        }
                    }
                    if matches!(ended, Ended::Stopped) {
                        if !self.desired.borrow().stop {
                            handler.disconnected("left it, so that it keeps what can't be stored here");
                        }
                        continue;
                    }
                    let lasted = began.elapsed() >= LASTED;
                    let closed = matches!(ended, Ended::ByBroker);
                    young = if lasted || !closed { 0 } else { young + 1 };
                    if lasted {
                        backoff.reset();
                    }
                    handler.taken_over(young >= TAKEOVERS);
                    handler.disconnected(&ended.to_string());
                    backoff.delay()
                }
                Err(error) => {
                    let delay = backoff.delay();
                    handler.connect_failed(&error, delay);
                    delay
                }
            };
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                () = stopped(&mut self.desired) => break,
            }
        }
    }

    async fn serve(
        &mut self,
        connection: Connection,
        renew_at: Option<Instant>,
        handler: &mut dyn Handler,
    ) -> Ended {
        let Connection { stream, session_present, buffer } = connection;
        let first = handler.connected(session_present);
        let serve = Serve::new(
            &self.options,
            self.publisher.shared(),
            &mut self.desired,
            &mut self.in_flight,
            buffer,
            renew_at.map(tokio::time::Instant::from_std),
        );
        match stream {
            Transport::Plain(stream) => {
                let (reader, writer) = stream.into_split();
                serve.run(reader, writer, first, handler).await
            }
            Transport::Tls(stream) => {
                let (reader, writer) = tokio::io::split(stream);
                serve.run(reader, writer, first, handler).await
            }
        }
    }
}

async fn stopped(desired: &mut watch::Receiver<Desired>) {
    // An error means that nobody can steer any more: the same as a stop.
    let _ = desired.wait_for(|desired| desired.stop).await;
}
