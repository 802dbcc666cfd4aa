//! Numbered messages: who sends them all, and who hears which of them had a result.

use std::{
    collections::{BTreeMap, HashMap},
    io::{self, Write},
    net::TcpStream,
    sync::{
        Arc, Condvar, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use bytes::BytesMut;
use rumqttc::mqttbytes::{
    QoS,
    v4::{ConnAck, Connect, ConnectReturnCode, Packet, Publish},
};

use super::{
    PATIENCE,
    client::{Client, Message, Reader, encode},
    until,
};

/// How long a thread is deaf for being told to end.
const GLANCE: Duration = Duration::from_millis(50);

/// Sends messages 0, 1, 2, … at QoS 1 as fast as they are taken, over as many connections as it
/// takes; what the broker did not acknowledge is sent again.
pub struct Sender {
    shared: Arc<(Mutex<Sent>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Sent {
    /// Numbers below may be sent.
    allowed: u64,
    /// When each was sent first.
    at: Vec<Instant>,
    acknowledged: u64,
    ended: bool,
}

impl Sender {
    /// A sender with at most `window` messages in flight that may send nothing yet. `make` gives the
    /// topic and the payload of a number.
    pub fn start(
        port: u16,
        window: usize,
        make: impl Fn(u64) -> (String, Vec<u8>) + Send + 'static,
    ) -> Sender {
        assert!((1..60_000).contains(&window), "packet ids must tell the messages in flight apart");
        let shared = Arc::<(Mutex<Sent>, Condvar)>::default();
        let told = shared.clone();
        let thread = thread::spawn(move || {
            let mut line = Line { window, make, in_flight: BTreeMap::new(), told: &told };
            while !line.sent().ended {
                // Broken, or no broker there: again.
                if line.serve(port).is_err() {
                    thread::park_timeout(Duration::from_millis(2));
                }
            }
        });
        Sender { shared, thread: Some(thread) }
    }

    fn sent(&self) -> MutexGuard<'_, Sent> {
        self.shared.0.lock().unwrap()
    }

    /// Lets it send the numbers below `end`.
    pub fn allow(&self, end: u64) {
        let mut sent = self.sent();
        sent.allowed = sent.allowed.max(end);
        self.shared.1.notify_all();
    }

    /// When each number was sent for the first time.
    pub fn sent_at(&self) -> Vec<Instant> {
        self.sent().at.clone()
    }

    /// Waits until the broker has everything that was allowed; gives how many that are.
    pub fn finish(&self) -> u64 {
        let mut sent = self.sent();
        while sent.acknowledged < sent.allowed {
            let before = sent.acknowledged;
            let waits = |sent: &mut Sent| sent.acknowledged == before;
            sent = self.shared.1.wait_timeout_while(sent, PATIENCE, waits).unwrap().0;
            assert!(sent.acknowledged > before, "the broker has {before} of {}", sent.allowed);
        }
        sent.allowed
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        // Also when a panic in the other thread poisoned it.
        self.shared.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).ended = true;
        self.shared.1.notify_all();
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

struct Line<'a, F> {
    window: usize,
    make: F,
    /// Packet id by number.
    in_flight: BTreeMap<u64, u16>,
    told: &'a (Mutex<Sent>, Condvar),
}

impl<F: Fn(u64) -> (String, Vec<u8>)> Line<'_, F> {
    fn sent(&self) -> MutexGuard<'_, Sent> {
        self.told.0.lock().unwrap()
    }

    /// One connection, until it breaks or all is over.
    fn serve(&mut self, port: u16) -> io::Result<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        let mut connect = Connect::new(format!("sender-{port}"));
        (connect.clean_session, connect.keep_alive) = (true, 0);
        stream.write_all(&encode(&Packet::Connect(connect)))?;
        let mut reader = Reader::of(stream.try_clone()?);
        let answer = reader.next()?;
        if !matches!(answer, Packet::ConnAck(ConnAck { code: ConnectReturnCode::Success, .. })) {
            return Err(io::Error::other(format!("{answer:?} for CONNACK")));
        }
        stream.set_read_timeout(Some(GLANCE))?;
        let mut bytes = BytesMut::new();
        for number in self.in_flight.keys() {
            self.write(*number, &mut bytes);
        }
        loop {
            self.take_new(&mut bytes);
            if self.sent().ended {
                return Ok(());
            }
            stream.write_all(&bytes)?;
            bytes.clear();
            if self.in_flight.is_empty() {
                continue;
            }
            match reader.next() {
                Ok(packet) => self.hear(packet),
                Err(error) if is_timeout(&error) => {}
                Err(error) => return Err(error),
            }
            while let Some(packet) = reader.at_hand()? {
                self.hear(packet);
            }
        }
    }

    /// Writes as many new messages as may be; waits for one when none is in flight.
    fn take_new(&mut self, bytes: &mut BytesMut) {
        let mut sent = self.sent();
        if self.in_flight.is_empty() {
            let waits = |sent: &mut Sent| !sent.ended && sent.allowed <= sent.at.len() as u64;
            sent = self.told.1.wait_timeout_while(sent, GLANCE, waits).unwrap().0;
        }
        let next = sent.at.len() as u64;
        // All in flight lie within the window, so that no two share a packet id.
        let first = self.in_flight.keys().next().copied().unwrap_or(next);
        let end = sent.allowed.min(first + self.window as u64).max(next);
        let now = Instant::now();
        sent.at.extend((next..end).map(|_| now));
        drop(sent);
        for number in next..end {
            self.in_flight.insert(number, id(number));
            self.write(number, bytes);
        }
    }

    fn write(&self, number: u64, bytes: &mut BytesMut) {
        let (topic, payload) = (self.make)(number);
        let mut publish = Publish::new(topic, QoS::AtLeastOnce, payload);
        publish.pkid = id(number);
        Packet::Publish(publish).write(bytes, usize::MAX).unwrap();
    }

    fn hear(&mut self, packet: Packet) {
        let Packet::PubAck(ack) = packet else { return };
        let number = self.in_flight.iter().find(|(_, id)| **id == ack.pkid).map(|(number, _)| *number);
        if let Some(number) = number {
            self.in_flight.remove(&number);
            self.sent().acknowledged += 1;
            self.told.1.notify_all();
        }
    }
}

fn id(number: u64) -> u16 {
    u16::try_from(number % 65_535 + 1).unwrap()
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// A result that came.
#[derive(Debug, Clone)]
pub struct Arrival {
    pub topic: String,
    /// The result's own id.
    pub id: String,
    pub at: Instant,
}

/// Collects results by number, in a session of its own that the broker keeps.
pub struct Receiver {
    shared: Arc<(Mutex<Came>, Condvar)>,
    ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What came, by number, each in the order of arrival.
type Came = HashMap<u64, Vec<Arrival>>;

impl Receiver {
    /// Subscribed to `filter` when this returns. `read` finds number and id in a message; what has
    /// none is passed over.
    pub fn start(
        port: u16,
        name: &str,
        filter: &str,
        read: impl Fn(&Message) -> Option<(u64, String)> + Send + 'static,
    ) -> Receiver {
        let mut client = Client::lasting(port, name).unwrap();
        client.subscribe(filter);
        let shared = Arc::<(Mutex<Came>, Condvar)>::default();
        let ending = Arc::new(AtomicBool::new(false));
        let (told, end, name) = (shared.clone(), ending.clone(), name.to_owned());
        let thread = thread::spawn(move || {
            while !end.load(Ordering::Relaxed) {
                if let Some(message) = client.poll(GLANCE) {
                    let at = Instant::now();
                    if let Some((number, id)) = read(&message) {
                        let arrival = Arrival { topic: message.topic, id, at };
                        told.0.lock().unwrap().entry(number).or_default().push(arrival);
                        told.1.notify_all();
                    }
                } else if client.is_closed() {
                    let joined = until("the broker or the end", || {
                        if end.load(Ordering::Relaxed) {
                            return Some(None);
                        }
                        Client::lasting(port, &name).ok().map(Some)
                    });
                    let Some(joined) = joined else { return };
                    client = joined;
                    assert!(client.session_present, "the broker forgot the receiver's session");
                }
            }
        });
        Receiver { shared, ending, thread: Some(thread) }
    }

    fn came(&self) -> MutexGuard<'_, Came> {
        self.shared.0.lock().expect("the receiver's thread lives")
    }

    /// How many different numbers came.
    pub fn count(&self) -> usize {
        self.came().len()
    }

    /// Waits until all of `numbers` came, as long as any number comes within [`PATIENCE`].
    pub fn wait_for(&self, numbers: impl IntoIterator<Item = u64>) {
        let wanted: Vec<u64> = numbers.into_iter().collect();
        let mut came = self.came();
        loop {
            let missing: Vec<u64> = wanted.iter().copied().filter(|n| !came.contains_key(n)).collect();
            if missing.is_empty() {
                return;
            }
            let before = came.len();
            let (now, _) = self
                .shared
                .1
                .wait_timeout_while(came, PATIENCE, |came| {
                    came.len() == before || came.len() - before < missing.len().min(1000)
                })
                .unwrap();
            came = now;
            assert!(came.len() > before, "{} numbers are missing: {}", missing.len(), ranges(&missing));
        }
    }

    /// Numbers that came with more than one id on one topic: the same result with another name.
    pub fn renamed(&self) -> Vec<u64> {
        let came = self.came();
        let differ = |arrivals: &Vec<Arrival>| {
            arrivals.iter().any(|one| arrivals.iter().any(|two| one.topic == two.topic && one.id != two.id))
        };
        let mut numbers: Vec<u64> = came.iter().filter(|(_, a)| differ(a)).map(|(n, _)| *n).collect();
        numbers.sort_unstable();
        numbers
    }

    /// How many results came more than once.
    pub fn repeats(&self) -> usize {
        self.came().values().map(|arrivals| arrivals.len() - 1).sum()
    }

    /// From sending to the first arrival on a topic that holds `part`.
    pub fn delays(&self, sent_at: &[Instant], part: &str) -> Delays {
        let came = self.came();
        let first = came.iter().filter_map(|(number, arrivals)| {
            let arrival = arrivals.iter().find(|arrival| arrival.topic.contains(part))?;
            Some(arrival.at - *sent_at.get(usize::try_from(*number).ok()?)?)
        });
        Delays::new(first)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        if !thread::panicking() {
            ended.unwrap().expect("the receiver's thread ends well");
        }
    }
}

/// Delays in order, to ask for a percentile.
#[derive(Debug)]
pub struct Delays(Vec<Duration>);

impl Delays {
    pub fn new(delays: impl Iterator<Item = Duration>) -> Delays {
        let mut delays: Vec<Duration> = delays.collect();
        delays.sort_unstable();
        Delays(delays)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// What `share` of them did not exceed (nearest rank).
    pub fn at(&self, share: f64) -> Duration {
        let rank = (self.0.len() as f64 * share).ceil() as usize;
        self.0[rank.clamp(1, self.0.len()) - 1]
    }
}

/// Numbers as text: `3-5, 9`.
pub fn ranges(sorted: &[u64]) -> String {
    let parts = sorted.chunk_by(|one, next| *next == one + 1).map(|run| match run {
        [only] => only.to_string(),
        run => format!("{}-{}", run[0], run[run.len() - 1]),
    });
    parts.collect::<Vec<_>>().join(", ")
}
