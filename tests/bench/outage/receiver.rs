//! The receiver at the far end, and the sender of live traffic: one blocking socket each.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::JoinHandle,
    time::{Duration, Instant, SystemTime},
};

use bytes::BytesMut;
use rumqttc::{
    Connect, Packet, Publish, QoS, Subscribe,
    mqttbytes::{self, v4::ConnectReturnCode},
};

const MAX_PACKET_BYTES: usize = 16 << 20;

/// What has come.
#[derive(Default)]
pub struct Received {
    pub results: u64,
    pub bytes: u64,
    pub first: Option<Instant>,
    /// When each alarm came, and how long after its verdict.
    pub alarms: Vec<(Instant, Duration)>,
    /// Why there will be no more.
    pub ended: Option<String>,
}

/// Connects, and subscribes if there is a filter.
fn connect(port: u16, id: &str, filter: Option<&str>) -> io::Result<(TcpStream, BytesMut)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    let mut hello = BytesMut::new();
    Connect { keep_alive: 0, ..Connect::new(id) }.write(&mut hello).map_err(io::Error::other)?;
    if let Some(filter) = filter {
        let mut subscribe = Subscribe::new(filter, QoS::AtMostOnce);
        subscribe.pkid = 1;
        subscribe.write(&mut hello).map_err(io::Error::other)?;
    }
    stream.write_all(&hello)?;
    let mut unread = BytesMut::new();
    let (mut chunk, mut answers) = ([0; 4096], if filter.is_some() { 2 } else { 1 });
    while answers > 0 {
        match Packet::read(&mut unread, MAX_PACKET_BYTES) {
            Ok(Packet::ConnAck(answer)) if answer.code == ConnectReturnCode::Success => answers -= 1,
            Ok(Packet::SubAck(_)) => answers -= 1,
            Ok(other) => return Err(io::Error::other(format!("the broker answered {other:?}"))),
            Err(mqttbytes::Error::InsufficientBytes(_)) => match stream.read(&mut chunk)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                n => unread.extend_from_slice(&chunk[..n]),
            },
            Err(e) => return Err(io::Error::other(e)),
        }
    }
    Ok((stream, unread))
}

/// Receives on `up/#` from now on, in a thread of its own.
pub fn receive(port: u16) -> io::Result<Arc<Mutex<Received>>> {
    let (mut stream, mut unread) = connect(port, "bench-receiver", Some("up/#"))?;
    let received = Arc::new(Mutex::new(Received::default()));
    let into = received.clone();
    std::thread::spawn(move || {
        let mut chunk = vec![0; 1 << 18];
        let why = loop {
            match stream.read(&mut chunk) {
                Ok(0) => break "the broker closed".to_owned(),
                Ok(n) => unread.extend_from_slice(&chunk[..n]),
                Err(e) => break e.to_string(),
            }
            let Ok(mut into) = into.lock() else { return };
            loop {
                match Packet::read(&mut unread, MAX_PACKET_BYTES) {
                    Ok(Packet::Publish(publish)) => note(&publish, &mut into),
                    Ok(_) => {}
                    Err(mqttbytes::Error::InsufficientBytes(_)) => break,
                    Err(e) => return into.ended = Some(e.to_string()),
                }
            }
        };
        if let Ok(mut into) = into.lock() {
            into.ended = Some(why);
        }
    });
    Ok(received)
}

fn note(publish: &Publish, into: &mut Received) {
    let now = Instant::now();
    into.first.get_or_insert(now);
    into.bytes += publish.payload.len() as u64;
    // A batch is JSON lines; a single result has no line end.
    let results = publish.payload.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    if !publish.topic.ends_with("/alarm") {
        into.results += results.count() as u64;
        return;
    }
    for result in results {
        if let Some(scored_at) = scored_at(result) {
            let delay = SystemTime::now().duration_since(scored_at).unwrap_or_default();
            into.alarms.push((now, delay));
        }
    }
}

fn scored_at(verdict: &[u8]) -> Option<SystemTime> {
    let text = std::str::from_utf8(verdict).ok()?;
    let time = text.split_once("\"scored_at\":\"")?.1.split_once('"')?.0;
    humantime::parse_rfc3339(time).ok()
}

/// Sends live traffic until dropped.
pub struct Sender {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

/// How many messages a second, and which of them are alarms.
pub const MESSAGES_PER_SEC: u64 = 200;
pub const ALARM_EVERY: u64 = 10;

/// One message every 5 ms at QoS 1: `usual`, and each tenth time `alarm`.
pub fn send(port: u16, topic: &'static str, usual: &'static str, alarm: &'static str) -> io::Result<Sender> {
    let (mut stream, _) = connect(port, "bench-sender", None)?;
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    // PUBACKs are not waited for, but read: the broker must not wait for us.
    let mut answers = stream.try_clone()?;
    std::thread::spawn(move || io::copy(&mut answers, &mut io::sink()));
    let thread = std::thread::spawn(move || {
        let begin = Instant::now();
        for number in 0_u64.. {
            if stopped.load(Relaxed) {
                break;
            }
            let payload = if number % ALARM_EVERY == 0 { alarm } else { usual };
            let mut publish = Publish::new(topic, QoS::AtLeastOnce, payload.as_bytes());
            publish.pkid = (number % 65_535) as u16 + 1;
            let mut packet = BytesMut::new();
            publish.write(&mut packet).map_err(io::Error::other)?;
            stream.write_all(&packet)?;
            let due = begin + Duration::from_micros((number + 1) * 1_000_000 / MESSAGES_PER_SEC);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        Ok(())
    });
    Ok(Sender { stop, thread: Some(thread) })
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            // What it could not send shows in what was received.
            let _ = thread.join();
        }
    }
}
