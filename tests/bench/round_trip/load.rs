//! The load generator: keeps exactly `window` messages in flight and times each round trip.
//!
//! One blocking socket, one thread: it writes as many messages as answers have come back since, in
//! one write, so that it costs as little as can be of the two cores it shares with what it measures.
//! Messages and answers are matched by order: one connection, one source, one topic. Answers are
//! subscribed to at QoS 0; messages go at either, and the broker's PUBACKs are not waited for.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use rumqttc::{
    Connect, Packet, Publish, QoS, Subscribe,
    mqttbytes::{self, v4::ConnectReturnCode},
};

pub const TOPIC_IN: &str = "bench/in";
pub const TOPIC_OUT: &str = "bench/out";
const MAX_PACKET_BYTES: usize = 1 << 20;

/// What one run of one window gave.
pub struct Run {
    pub messages_per_sec: f64,
    /// Round-trip times in nanoseconds, sorted.
    pub latencies_nanos: Vec<u64>,
    /// The answers to the first messages, one for each different payload.
    pub answers: Vec<Bytes>,
}

impl Run {
    /// The round trip that `share` of the messages did not exceed, in microseconds.
    pub fn percentile_micros(&self, share: f64) -> f64 {
        let last = self.latencies_nanos.len() - 1;
        self.latencies_nanos[(last as f64 * share).round() as usize] as f64 / 1e3
    }
}

pub struct Load {
    stream: TcpStream,
    unread: BytesMut,
    chunk: Box<[u8]>,
    /// Each payload as the PUBLISH packet that carries it; at QoS 1 only the packet id changes.
    packets: Vec<Vec<u8>>,
    /// Where in each packet the packet id stands, at QoS 1.
    ids_at: Option<Vec<usize>>,
    next_id: u16,
}

impl Load {
    /// Connects, subscribes to the answers, and encodes the messages to come.
    pub fn connect(port: u16, payloads: &[String], qos: QoS) -> io::Result<Load> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let packets = payloads
            .iter()
            .map(|payload| {
                let mut packet = BytesMut::new();
                let mut publish = Publish::new(TOPIC_IN, qos, payload.as_bytes());
                publish.pkid = 1;
                publish.write(&mut packet).map(|_| packet.to_vec()).map_err(io::Error::other)
            })
            .collect::<io::Result<Vec<Vec<u8>>>>()?;
        // The id stands before the payload, which ends the packet.
        let id_at = |(packet, payload): (&Vec<u8>, &String)| packet.len() - payload.len() - 2;
        let ids_at = (qos == QoS::AtLeastOnce).then(|| packets.iter().zip(payloads).map(id_at).collect());
        let chunk = vec![0; 1 << 18].into_boxed_slice();
        let mut load = Load { stream, unread: BytesMut::new(), chunk, packets, ids_at, next_id: 0 };
        let mut hello = BytesMut::new();
        Connect { keep_alive: 0, ..Connect::new("bench-load") }
            .write(&mut hello)
            .map_err(io::Error::other)?;
        let mut subscribe = Subscribe::new(TOPIC_OUT, QoS::AtMostOnce);
        subscribe.pkid = 1;
        subscribe.write(&mut hello).map_err(io::Error::other)?;
        load.stream.write_all(&hello)?;
        let (mut connected, mut subscribed) = (false, false);
        while !(connected && subscribed) {
            match load.next_packet()? {
                Packet::ConnAck(answer) if answer.code == ConnectReturnCode::Success => connected = true,
                Packet::SubAck(_) => subscribed = true,
                other => return Err(io::Error::other(format!("the broker answered {other:?}"))),
            }
        }
        Ok(load)
    }

    /// Sends one message a millisecond until an answer comes; then waits until no more come.
    /// Returns when the first answer came; `None` when none did within `patience`.
    pub fn await_peer(
        &mut self,
        patience: Duration,
        mut alive: impl FnMut() -> bool,
    ) -> io::Result<Option<Instant>> {
        let deadline = Instant::now() + patience;
        self.stream.set_read_timeout(Some(Duration::from_millis(1)))?;
        let mut first = None;
        while first.is_none() && Instant::now() < deadline && alive() {
            let mut packet = Vec::new();
            self.append(0, &mut packet);
            self.stream.write_all(&packet)?;
            if self.read_answer(|_| {})? > 0 {
                first = Some(Instant::now());
            }
        }
        self.stream.set_read_timeout(Some(Duration::from_millis(300)))?;
        while first.is_some() && self.read_answer(|_| {})? > 0 {}
        self.stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        Ok(first)
    }

    /// Sends `messages` messages, `window` in flight, and waits for every answer.
    pub fn run(&mut self, window: usize, messages: usize) -> io::Result<Run> {
        let mut sent_at = Vec::with_capacity(messages);
        let mut latencies_nanos = Vec::with_capacity(messages);
        let mut answers = Vec::with_capacity(self.packets.len());
        let mut outgoing = Vec::new();
        let begin = Instant::now();
        let mut room = window.min(messages);
        while latencies_nanos.len() < messages {
            outgoing.clear();
            let now = Instant::now();
            for _ in 0..room {
                self.append(sent_at.len() % self.packets.len(), &mut outgoing);
                sent_at.push(now);
            }
            self.stream.write_all(&outgoing)?;
            let wanted = self.packets.len();
            let came = self.read_answer(|payload| {
                if answers.len() < wanted {
                    answers.push(payload);
                }
            })?;
            if came == 0 {
                let missing = sent_at.len() - latencies_nanos.len();
                return Err(io::Error::other(format!("{missing} answers did not come within 10 s")));
            }
            let now = Instant::now();
            for _ in 0..came {
                let Some(sent) = sent_at.get(latencies_nanos.len()) else {
                    return Err(io::Error::other("more answers than messages"));
                };
                latencies_nanos.push((now - *sent).as_nanos() as u64);
            }
            room = came.min(messages - sent_at.len());
        }
        let elapsed = begin.elapsed();
        latencies_nanos.sort_unstable();
        Ok(Run { messages_per_sec: messages as f64 / elapsed.as_secs_f64(), latencies_nanos, answers })
    }

    /// Appends the message of this payload.
    fn append(&mut self, payload: usize, out: &mut Vec<u8>) {
        let begin = out.len();
        out.extend_from_slice(&self.packets[payload]);
        if let Some(ids_at) = &self.ids_at {
            // Far fewer than 65,535 are on their way: an id is free when its turn comes.
            self.next_id = self.next_id % u16::MAX + 1;
            let at = begin + ids_at[payload];
            out[at..at + 2].copy_from_slice(&self.next_id.to_be_bytes());
        }
    }

    /// Reads once and hands on every whole answer; their number, 0 when the read timed out.
    fn read_answer(&mut self, mut take: impl FnMut(Bytes)) -> io::Result<usize> {
        let mut came = 0;
        while came == 0 {
            match self.fill() {
                Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    return Ok(0);
                }
                other => other?,
            }
            while let Some(packet) = self.parse()? {
                if let Packet::Publish(publish) = packet {
                    take(publish.payload);
                    came += 1;
                }
            }
        }
        Ok(came)
    }

    fn next_packet(&mut self) -> io::Result<Packet> {
        loop {
            if let Some(packet) = self.parse()? {
                return Ok(packet);
            }
            self.fill()?;
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        match self.stream.read(&mut self.chunk)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            n => {
                self.unread.extend_from_slice(&self.chunk[..n]);
                Ok(())
            }
        }
    }

    fn parse(&mut self) -> io::Result<Option<Packet>> {
        match Packet::read(&mut self.unread, MAX_PACKET_BYTES) {
            Ok(packet) => Ok(Some(packet)),
            Err(mqttbytes::Error::InsufficientBytes(_)) => Ok(None),
            Err(e) => Err(io::Error::other(e)),
        }
    }
}
