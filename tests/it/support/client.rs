//! A small MQTT client that hides nothing: what was acknowledged, what came, when the line broke.

use std::{
    collections::{HashSet, VecDeque},
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    sync::{
        Arc, Condvar, Mutex, MutexGuard,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::BytesMut;
use rumqttc::mqttbytes::{
    self, QoS,
    v4::{ConnAck, Connect, ConnectReturnCode, Packet, PubAck, Publish, Subscribe},
};

use super::PATIENCE;

/// A message that came.
#[derive(Debug, Clone)]
pub struct Message {
    pub topic: String,
    pub payload: Vec<u8>,
    pub retained: bool,
}

impl Message {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.payload).unwrap()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.payload).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

pub struct Client {
    line: Arc<Mutex<TcpStream>>,
    shared: Arc<(Mutex<State>, Condvar)>,
    /// The broker had kept a session for this id.
    pub session_present: bool,
}

#[derive(Default)]
struct State {
    last_id: u16,
    messages: VecDeque<Message>,
    /// Sent at QoS 1, or subscribed, and not yet acknowledged.
    waiting: HashSet<u16>,
    granted: Vec<bool>,
    closed: bool,
}

impl Client {
    /// A client with a session that ends with it.
    pub fn new(port: u16) -> Client {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let id = format!("test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        Self::connect(port, &id, true).unwrap()
    }

    /// A client whose session the broker keeps.
    pub fn lasting(port: u16, id: &str) -> io::Result<Client> {
        Self::connect(port, id, false)
    }

    pub fn connect(port: u16, id: &str, clean_session: bool) -> io::Result<Client> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        let mut connect = Connect::new(id);
        connect.clean_session = clean_session;
        connect.keep_alive = 0;
        stream.write_all(&encode(&Packet::Connect(connect)))?;
        let mut reader = Reader::of(stream.try_clone()?);
        let session_present = match reader.next()? {
            Packet::ConnAck(ConnAck { session_present, code: ConnectReturnCode::Success }) => session_present,
            other => return Err(io::Error::other(format!("{other:?} for CONNACK"))),
        };
        let line = Arc::new(Mutex::new(stream));
        let shared = Arc::new((Mutex::new(State::default()), Condvar::new()));
        let (answers, told) = (line.clone(), shared.clone());
        std::thread::spawn(move || {
            let _ = listen(reader, &answers, &told.0, &told.1);
            told.0.lock().unwrap().closed = true;
            told.1.notify_all();
        });
        Ok(Client { line, shared, session_present })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap()
    }

    /// Subscribes at QoS 1 and waits for the broker's word.
    pub fn subscribe(&self, filter: &str) {
        let pkid = self.take_id();
        let mut subscribe = Subscribe::new(filter, QoS::AtLeastOnce);
        subscribe.pkid = pkid;
        self.write(&encode(&Packet::Subscribe(subscribe))).unwrap();
        self.acknowledged().unwrap();
        assert_eq!(self.state().granted.last(), Some(&true), "the broker refuses {filter}");
    }

    /// Publishes at QoS 1 and waits until the broker has it.
    pub fn publish(&self, topic: &str, payload: impl Into<Vec<u8>>) {
        self.send([(topic, payload)], QoS::AtLeastOnce).unwrap();
        self.acknowledged().unwrap();
    }

    /// Publishes retained at QoS 1 and waits until the broker has it.
    pub fn retain(&self, topic: &str, payload: impl Into<Vec<u8>>) {
        let mut publish = Publish::new(topic, QoS::AtLeastOnce, payload.into());
        (publish.pkid, publish.retain) = (self.take_id(), true);
        self.write(&encode(&Packet::Publish(publish))).unwrap();
        self.acknowledged().unwrap();
    }

    /// Writes a burst in one go and waits for nothing.
    pub fn send<T: AsRef<str>, P: Into<Vec<u8>>>(
        &self,
        messages: impl IntoIterator<Item = (T, P)>,
        qos: QoS,
    ) -> io::Result<()> {
        let mut bytes = BytesMut::new();
        for (topic, payload) in messages {
            let mut publish = Publish::new(topic.as_ref(), qos, payload.into());
            if qos == QoS::AtLeastOnce {
                publish.pkid = self.take_id();
            }
            Packet::Publish(publish).write(&mut bytes, usize::MAX).unwrap();
        }
        self.write(&bytes)
    }

    /// Waits until everything sent was acknowledged.
    ///
    /// # Errors
    /// The line broke.
    pub fn acknowledged(&self) -> io::Result<()> {
        let state = self.wait(|state| !state.closed && !state.waiting.is_empty());
        match state.waiting.len() {
            0 => Ok(()),
            left if state.closed => Err(io::Error::other(format!("{left} not acknowledged"))),
            left => panic!("the broker does not acknowledge {left} packets"),
        }
    }

    /// The next message, whatever it is.
    pub fn next(&self) -> Message {
        self.next_where("any message", |_| true)
    }

    /// The next message on `topic`; others stay for later.
    pub fn next_on(&self, topic: &str) -> Message {
        self.next_where(topic, |message| message.topic == topic)
    }

    fn next_where(&self, what: &str, wanted: impl Fn(&Message) -> bool) -> Message {
        let mut state = self.wait(|state| !state.closed && !state.messages.iter().any(&wanted));
        match state.messages.iter().position(&wanted) {
            Some(at) => state.messages.remove(at).unwrap(),
            None => panic!("no message on {what}; there are {:?}", state.messages),
        }
    }

    /// Takes what has come by now.
    pub fn take(&self) -> Vec<Message> {
        self.state().messages.drain(..).collect()
    }

    /// Takes one message, or `None` when the line broke.
    pub fn poll(&self, patience: Duration) -> Option<Message> {
        let state = self.state();
        let waits = |state: &mut State| !state.closed && state.messages.is_empty();
        let (mut state, _) = self.shared.1.wait_timeout_while(state, patience, waits).unwrap();
        state.messages.pop_front()
    }

    pub fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// Waits until the broker ends the connection.
    pub fn wait_closed(&self) {
        assert!(self.wait(|state| !state.closed).closed, "the connection stands");
    }

    fn wait(&self, unfinished: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.state();
        while unfinished(&state) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.shared.1.wait_timeout(state, left).unwrap().0;
        }
        state
    }

    fn take_id(&self) -> u16 {
        let mut state = self.state();
        loop {
            state.last_id = state.last_id.checked_add(1).unwrap_or(1);
            let id = state.last_id;
            if state.waiting.insert(id) {
                return id;
            }
        }
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        self.line.lock().unwrap().write_all(bytes)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let stream = self.line.lock().unwrap();
        let mut stream = &*stream;
        let _ = stream.write_all(&encode(&Packet::Disconnect));
        let _ = stream.shutdown(Shutdown::Both);
    }
}

pub(super) fn encode(packet: &Packet) -> BytesMut {
    let mut bytes = BytesMut::new();
    packet.write(&mut bytes, usize::MAX).unwrap();
    bytes
}

/// Takes what comes and acknowledges it.
fn listen(
    mut reader: Reader,
    answers: &Mutex<TcpStream>,
    state: &Mutex<State>,
    told: &Condvar,
) -> io::Result<()> {
    loop {
        match reader.next()? {
            Packet::Publish(publish) => {
                let Publish { topic, payload, retain: retained, qos, pkid, .. } = publish;
                state.lock().unwrap().messages.push_back(Message {
                    topic,
                    payload: payload.to_vec(),
                    retained,
                });
                if qos == QoS::AtLeastOnce {
                    answers.lock().unwrap().write_all(&encode(&Packet::PubAck(PubAck::new(pkid))))?;
                }
            }
            Packet::PubAck(ack) => {
                state.lock().unwrap().waiting.remove(&ack.pkid);
            }
            Packet::SubAck(ack) => {
                let mut state = state.lock().unwrap();
                state.waiting.remove(&ack.pkid);
                let granted = ack.return_codes.iter();
                state
                    .granted
                    .extend(granted.map(|code| *code != mqttbytes::v4::SubscribeReasonCode::Failure));
            }
            _ => {}
        }
        told.notify_all();
    }
}

/// Packets from a stream.
pub(super) struct Reader {
    stream: TcpStream,
    buffer: BytesMut,
}

impl Reader {
    pub(super) fn of(stream: TcpStream) -> Reader {
        Reader { stream, buffer: BytesMut::new() }
    }

    /// The next packet, as soon as it comes.
    pub(super) fn next(&mut self) -> io::Result<Packet> {
        loop {
            if let Some(packet) = self.at_hand()? {
                return Ok(packet);
            }
            let mut piece = [0; 16 << 10];
            match self.stream.read(&mut piece)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => self.buffer.extend_from_slice(&piece[..read]),
            }
        }
    }

    /// The next packet, if it came already.
    pub(super) fn at_hand(&mut self) -> io::Result<Option<Packet>> {
        match Packet::read(&mut self.buffer, usize::MAX) {
            Ok(packet) => Ok(Some(packet)),
            Err(mqttbytes::Error::InsufficientBytes(_)) => Ok(None),
            Err(error) => Err(io::Error::other(error.to_string())),
        }
    }
}
