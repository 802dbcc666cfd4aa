//! A tap on the wire between a client and its broker: it passes every byte on as it is and notes
//! what the client was given and what it acknowledged. It can also cut, refuse and hold the line, and
//! keep the kernel from taking megabytes that the client did not read.

use std::{
    collections::{BTreeSet, HashMap},
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread,
    time::{Duration, Instant},
};

use super::{
    on_the_way,
    packets::{Packet, Packets},
};

/// A PUBLISH that went to the client.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Which connection it came on, counted from 1.
    pub connection: u64,
    pub topic: String,
    pub payload: Vec<u8>,
    /// The packet id; `None` at QoS 0.
    pub id: Option<u16>,
    /// The broker says that it sent this before (DUP).
    pub again: bool,
    pub at: Instant,
    /// When the client's PUBACK was seen.
    pub acknowledged: Option<Instant>,
}

impl Delivery {
    /// From the last byte of the PUBLISH to the PUBACK.
    pub fn delay(&self) -> Option<Duration> {
        self.acknowledged.map(|then| then - self.at)
    }
}

/// Goes away, with all its connections, when it is dropped.
pub struct Tap {
    pub port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    broker: SocketAddr,
    number: fn(&[u8]) -> Option<u64>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    ended: bool,
    refusing: bool,
    held: bool,
    /// Bytes that may be on the way to the client.
    room: Option<usize>,
    connections: u64,
    open: HashMap<u64, [TcpStream; 2]>,
    deliveries: Vec<Delivery>,
    /// (connection, packet id) -> where in `deliveries`; what is not acknowledged yet.
    waiting: HashMap<(u64, u16), usize>,
    acknowledged: usize,
    /// The numbers in their payloads, see [`Tap::on`].
    numbers: BTreeSet<u64>,
    unasked: Vec<u16>,
}

impl Tap {
    /// A tap on a free loopback port before the broker on `port`, which may come later. `number`
    /// finds the number of a message in its payload.
    pub fn on(port: u16, number: fn(&[u8]) -> Option<u64>) -> Tap {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let shared = Arc::new(Shared {
            broker: ([127, 0, 0, 1], port).into(),
            number,
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let tap = Tap { port: listener.local_addr().unwrap().port(), shared: shared.clone() };
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if shared.state().ended {
                    break;
                }
                shared.join(client);
            }
        });
        tap
    }

    /// Breaks every connection there is; new ones may come.
    pub fn cut(&self) {
        self.shared.state().cut();
        self.shared.changed.notify_all();
    }

    /// From now on new connections are closed at once, or no longer so.
    pub fn refuse(&self, refuse: bool) {
        self.shared.state().refusing = refuse;
    }

    /// Holds every byte in both directions, or lets them go on.
    pub fn hold(&self, hold: bool) {
        self.shared.state().held = hold;
        self.shared.changed.notify_all();
    }

    /// From now on nothing more goes to a client that has `bytes` or more waiting in the kernel, unread.
    pub fn room(&self, bytes: usize) {
        self.shared.state().room = Some(bytes);
    }

    /// How many connections were made so far.
    pub fn connections(&self) -> u64 {
        self.shared.state().connections
    }

    /// How many connections stand.
    pub fn open(&self) -> usize {
        self.shared.state().open.len()
    }

    /// Everything that went to the client, in order.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.shared.state().deliveries.clone()
    }

    /// How many of them were acknowledged.
    pub fn acknowledged(&self) -> usize {
        self.shared.state().acknowledged
    }

    /// The numbers of what was acknowledged, each once.
    pub fn numbers(&self) -> BTreeSet<u64> {
        self.shared.state().numbers.clone()
    }

    /// How many numbers that are.
    pub fn count(&self) -> u64 {
        self.shared.state().numbers.len() as u64
    }

    /// Packet ids that were acknowledged and not waiting on that connection.
    pub fn unasked(&self) -> Vec<u16> {
        self.shared.state().unasked.clone()
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.ended = true;
        state.cut();
        drop(state);
        self.shared.changed.notify_all();
        // The listener's thread looks up and ends.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl State {
    fn cut(&mut self) {
        for stream in self.open.drain().flat_map(|(_, pair)| pair) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn leave(&mut self, connection: u64) {
        if let Some(pair) = self.open.remove(&connection) {
            for stream in pair {
                // The other direction ends with what is there.
                let _ = stream.shutdown(Shutdown::Read);
            }
        }
    }

    fn note(&mut self, connection: u64, packet: Packet, number: fn(&[u8]) -> Option<u64>) {
        let now = Instant::now();
        match packet {
            Packet::Publish { topic, payload, id, again } => {
                if let Some(id) = id {
                    self.waiting.insert((connection, id), self.deliveries.len());
                }
                let acknowledged = None;
                self.deliveries.push(Delivery {
                    connection,
                    topic,
                    payload,
                    id,
                    again,
                    at: now,
                    acknowledged,
                });
            }
            Packet::Puback { id } => match self.waiting.remove(&(connection, id)) {
                Some(at) => {
                    self.deliveries[at].acknowledged = Some(now);
                    self.acknowledged += 1;
                    self.numbers.extend(number(&self.deliveries[at].payload));
                }
                None => self.unasked.push(id),
            },
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Joins a client with the broker; without a broker it is sent away.
    fn join(self: &Arc<Self>, client: TcpStream) {
        if self.state().refusing {
            return;
        }
        let Ok(broker) = TcpStream::connect(self.broker) else { return };
        let pair = || [client.try_clone().unwrap(), broker.try_clone().unwrap()];
        for stream in pair() {
            stream.set_nodelay(true).unwrap();
        }
        let connection = {
            let mut state = self.state();
            state.connections += 1;
            let connection = state.connections;
            state.open.insert(connection, pair());
            connection
        };
        let ([up_from, up_to], [down_to, down_from]) = (pair(), pair());
        let (up, down) = (self.clone(), self.clone());
        thread::spawn(move || {
            up.pass(connection, up_from, up_to, |packet| matches!(packet, Packet::Puback { .. }));
        });
        thread::spawn(move || {
            down.pass(connection, down_from, down_to, |packet| matches!(packet, Packet::Publish { .. }));
        });
    }

    /// Until the peer of `to` has less than `room` bytes to read, or the connection is over.
    fn wait_for_room(&self, connection: u64, to: &TcpStream, room: usize) {
        while on_the_way::bytes(to) >= room && self.state().open.contains_key(&connection) {
            thread::park_timeout(Duration::from_millis(1));
        }
    }

    /// Passes one direction on until its end. Packets are noted before they are passed on: an answer
    /// can't come before what it answers.
    fn pass(
        &self,
        connection: u64,
        mut from: TcpStream,
        mut to: TcpStream,
        wanted: impl Fn(&Packet) -> bool,
    ) {
        let mut packets = Packets::default();
        let mut piece = vec![0; 64 << 10];
        while let Ok(read) = from.read(&mut piece) {
            let mut state = self.state();
            packets.feed(&piece[..read], |packet| {
                if wanted(&packet) {
                    state.note(connection, packet, self.number);
                }
            });
            let waits = |state: &mut State| state.held && state.open.contains_key(&connection);
            let state = self.changed.wait_while(state, waits).unwrap();
            let room = state.room;
            drop(state);
            if let Some(room) = room {
                self.wait_for_room(connection, &to, room);
            }
            if read == 0 || to.write_all(&piece[..read]).is_err() {
                break;
            }
        }
        // What the other direction has left to read it may still read.
        let _ = to.shutdown(Shutdown::Write);
        let _ = from.shutdown(Shutdown::Read);
        self.state().leave(connection);
        self.changed.notify_all();
    }
}
