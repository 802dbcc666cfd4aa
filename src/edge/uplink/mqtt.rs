//! The uplink over MQTT: a connection of its own, at QoS 1.

use std::{sync::Arc, time::Duration};

use super::{Answer, Events, Limits, Parcel, Uplink, message};
use crate::{
    config::{UplinkConfig, UplinkTopic},
    edge::dialect::{Dialect, Plain},
    mqtt::{
        Admission, ConnectError, Control, Handler, Incoming, Options, Publish, Publisher, Qos, Receipt,
        Receiver, Session,
    },
    telemetry::{State, Telemetry},
};
use edgeward_core::fault_injection;

/// Carries messages to a broker.
#[derive(Debug)]
pub struct MqttUplink {
    publisher: Publisher,
    receipts: Arc<Receipts>,
    topic: UplinkTopic,
    dialect: Arc<dyn Dialect>,
    gzip: bool,
    limits: Limits,
}

/// A message is sent at this size, whatever its count.
const MESSAGE_BYTES: usize = 128 << 10;

#[derive(Debug)]
struct Receipts(Events);

impl Receiver for Receipts {
    fn arrived(&self, number: u64) {
        self.0.answered(number, 0..usize::MAX, Answer::Delivered);
    }
}

impl MqttUplink {
    /// A link and the session that carries it, to be run by [`MqttUplink::run`].
    pub fn new(config: &UplinkConfig, events: Events) -> (MqttUplink, Session) {
        let options = config.options.clone();
        let limits = Limits {
            parcels: options.max_in_flight,
            bytes: config.max_in_flight_bytes,
            parcel_records: config.batch_messages,
            parcel_bytes: MESSAGE_BYTES,
        };
        // The courier bounds what waits; a bound here would make it wait for itself.
        let session = Session::new(Options { max_pending_bytes: usize::MAX, ..options }, Default::default());
        let uplink = MqttUplink {
            publisher: session.publisher(),
            receipts: Arc::new(Receipts(events)),
            topic: config.topic.clone(),
            dialect: Arc::new(Plain),
            gzip: config.gzip,
            limits,
        };
        (uplink, session)
    }

    /// Runs the session until its control stops it.
    pub async fn run(session: Session, name: String, events: Events, telemetry: Arc<Telemetry>) {
        let mut handler = LinkHandler { name, events, telemetry };
        session.run(&mut handler).await;
    }

    /// What stops the session.
    pub fn control(session: &Session) -> Control {
        session.control()
    }
}

impl Uplink for MqttUplink {
    fn send(&self, parcel: Parcel) -> u64 {
        let topic = message::topic(&self.topic, &parcel, &*self.dialect);
        let payload = message::payload(&parcel, self.gzip);
        let bytes = payload.len() as u64;
        let receipt = Some(Receipt::Number { to: self.receipts.clone(), number: parcel.number });
        let publish = Publish { topic, payload, qos: Qos::AtLeastOnce, retain: false, receipt };
        // Only a closed publisher hands back; the record is still in the outbox.
        self.publisher.publish(&mut vec![publish]);
        bytes
    }

    fn limits(&self) -> Limits {
        self.limits
    }
}

/// Tells how the link is.
struct LinkHandler {
    name: String,
    events: Events,
    telemetry: Arc<Telemetry>,
}

impl LinkHandler {
    fn down(&self, why: &str) {
        self.events.connected(false);
        let text = format!("uplink {}: {why}; results gather in the outbox", self.name);
        self.telemetry.readiness().enter(State::UplinkDown, text);
    }
}

impl Handler for LinkHandler {
    fn connected(&mut self, _session_present: bool) -> Vec<Publish> {
        fault_injection::point(&format!("link-{}", self.name));
        self.events.connected(true);
        tracing::info!(uplink = self.name, "the uplink is connected");
        Vec::new()
    }

    fn message(&mut self, incoming: Incoming) -> Admission {
        // Nothing is subscribed to here; a session left by somebody else may have filters.
        if let Some(ticket) = incoming.ticket {
            ticket.done();
        }
        Admission::Taken
    }

    fn goodbye(&mut self) -> Vec<Publish> {
        Vec::new()
    }

    fn oversize(&mut self, _topic: &str, _bytes: usize) {}

    fn disconnected(&mut self, why: &str) {
        self.down(why);
    }

    fn connect_failed(&mut self, error: &ConnectError, _retry_in: Duration) {
        self.down(&error.to_string());
    }

    fn subscribed(&mut self, _refused: &[String]) {}

    fn taken_over(&mut self, now: bool) {
        if now {
            self.down("another client seems to use the same client id");
        }
    }
}
