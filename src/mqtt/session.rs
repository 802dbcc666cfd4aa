//! Staying connected: connect, serve, wait, again.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use tokio::sync::watch;

use super::{
    Handler, Login, Options, Publisher, Qos,
    backoff::Backoff,
    connect::{Connection, Transport, connect},
    control::{Control, Desired, LASTED},
    in_flight::InFlight,
    serve::{Ended, Serve},
};

/// A session with a broker. Constructing it does nothing; [`Session::run`] connects.
pub struct Session {
    options: Options,
    login: Arc<dyn Login>,
    publisher: Publisher,
    desired: watch::Receiver<Desired>,
    control: Control,
    in_flight: InFlight,
}

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
