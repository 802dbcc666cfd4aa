//! An MQTT 3.1.1 session that stays: connects again by itself, subscribes after every CONNACK,
//! acknowledges in arrival order and last, and never waits for anybody.
//!
//! rumqttc gives the packets' encoding; the session is ours, because a durable module has to know
//! which PUBACK belongs to which publish, to send acknowledgements while its own publishes are
//! stuck, and to stop reading without stopping to write (docs/decisions/0001-mqtt-session.md).
//!
//! Invariant: alone imports rumqttc and rustls; neither shows in a public signature.

mod acks;
mod backoff;
mod connect;
mod control;
mod frame;
mod in_flight;
mod login;
mod options;
mod outbound;
mod serve;
mod session;
mod tls;

pub use connect::{ConnectError, try_connect};
pub use control::{Admission, Control, Handler, Incoming};
pub use login::{Credentials, FixedLogin, Login, LoginError, Password};
pub use options::{BrokerUrl, Options, Qos, Secret, Will};
pub use outbound::{Publish, Publisher, Receipt, Receiver};
pub use session::Session;
