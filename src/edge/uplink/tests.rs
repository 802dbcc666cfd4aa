//! Couriers between a real outbox and a link that does what the test says.

use std::{
    io::Read,
    ops::Range,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use super::{Answer, Courier, CourierParts, Desk, Limits, Parcel, Uplink, UplinkEvents, message};
use crate::{
    config::{UplinkConfig, UplinkTopic},
    edge::dialect::Plain,
    mqtt::{BrokerUrl, FixedLogin, Options},
};
use edgeward_core::domain::{ClassPolicy, Durability, Order};
use edgeward_outbox::{
    ClassSettings, Outbox, OutboxSettings, OutboxThread, Outcome, RESULT_CLASS, Submission, open,
    store::{Fate, UnitBooks},
};

const ALARM: u16 = 0;
const RESULT: u16 = 1;

/// A message as it goes over MQTT.
#[derive(Debug)]
struct Outgoing {
    number: u64,
    topic: String,
    payload: bytes::Bytes,
}

/// Keeps what it is given.
#[derive(Clone)]
struct Kept {
    kept: Arc<Mutex<Vec<Outgoing>>>,
    topic: UplinkTopic,
    gzip: bool,
    limits: Limits,
}

impl Uplink for Kept {
    fn send(&self, parcel: Parcel) -> u64 {
        let (topic, payload) =
            (message::topic(&self.topic, &parcel, &Plain), message::payload(&parcel, self.gzip));
        let bytes = payload.len() as u64;
        self.kept.lock().unwrap().push(Outgoing { number: parcel.number, topic, payload });
        bytes
    }

    fn limits(&self) -> Limits {
        self.limits
    }
}

fn class(name: &str, priority: u8, order: Order, metered: bool) -> ClassSettings {
    let when = if name == RESULT_CLASS { Vec::new() } else { vec!["hot".into()] };
    let policy = ClassPolicy { priority, order, ..ClassPolicy::default() };
    ClassSettings { name: name.into(), policy, when, uplink: Some("up".into()), metered }
}

fn classes() -> Vec<ClassSettings> {
    vec![class("alarm", 0, Order::NewestFirst, false), class(RESULT_CLASS, 5, Order::OldestFirst, true)]
}

struct Rig {
    outbox: Outbox,
    thread: OutboxThread,
    courier: Courier,
    link: Kept,
}

impl Rig {
    fn new(dir: &Path, max_in_flight: usize, change: impl FnOnce(&mut UplinkConfig)) -> Rig {
        let config = OutboxSettings {
            dir: dir.to_owned(),
            max_bytes: 8 << 20,
            min_free_bytes: 0,
            segment_bytes: 64 << 10,
            durability: Durability::Sync,
            journal_after: Duration::from_millis(2),
            max_unacked_bytes: 1 << 20,
            compress: true,
            keep_delivered: Duration::ZERO,
            classes: classes(),
        };
        let (outbox, thread, _) = open(&config).unwrap();
        outbox.pipeline("press");
        let mut config = UplinkConfig {
            name: "up".into(),
            options: options(),
            topic: UplinkTopic::new("up/{device}/{class}/{pipeline}", "gw").unwrap(),
            batch_messages: 1,
            batch_delay: Duration::ZERO,
            max_in_flight_bytes: 1 << 20,
            gzip: false,
            bytes_per_day: None,
            messages_per_sec: None,
            window: None,
            max_starvation: Duration::from_secs(3600),
        };
        change(&mut config);
        let limits = Limits {
            parcels: max_in_flight,
            bytes: config.max_in_flight_bytes,
            parcel_records: config.batch_messages,
            parcel_bytes: 128 << 10,
        };
        let (topic, gzip) = (config.topic.clone(), config.gzip);
        let (desk, link) = (Arc::new(Desk::default()), Kept { kept: Arc::default(), topic, gzip, limits });
        let parts = CourierParts {
            config,
            classes: classes(),
            outbox: outbox.clone(),
            uplink: Box::new(link.clone()),
            desk,
        };
        Rig { courier: Courier::start(parts).unwrap(), outbox, thread, link }
    }

    fn store(&self, class: u16, payloads: impl IntoIterator<Item = String>) {
        let outcome = |payload: String| Outcome { class, payload: payload.into(), envelope: None };
        let results: Vec<_> = payloads.into_iter().map(outcome).collect();
        let units = results.len() as u64;
        let units = UnitBooks { received: units, scored: units, ..UnitBooks::default() };
        self.outbox.submit(Submission { results, units, ..Submission::default() });
        self.outbox.until_written();
    }

    fn connect(&self) {
        self.courier.desk.connected(true);
    }

    /// The payloads of the next messages, once so many are there; they have arrived then.
    fn arrive(&self, count: usize) -> Vec<String> {
        let sent = self.sent(count);
        sent.into_iter()
            .map(|message| {
                self.answer(message.number, 0..usize::MAX, Answer::Delivered);
                String::from_utf8(message.payload.to_vec()).unwrap()
            })
            .collect()
    }

    fn sent(&self, count: usize) -> Vec<Outgoing> {
        until("so many are sent", || self.link.kept.lock().unwrap().len() >= count);
        self.link.kept.lock().unwrap().drain(..count).collect()
    }

    fn answer(&self, number: u64, records: Range<usize>, answer: Answer) {
        self.courier.desk.answered(number, records, answer);
    }

    fn delivered(&self) -> u64 {
        self.ended(Fate::Delivered)
    }

    fn ended(&self, fate: Fate) -> u64 {
        let shared = self.outbox.shared();
        let state = shared.state();
        let results = state.lanes.iter().filter(|lane| !lane.is_input());
        results.map(|lane| lane.books.ended(fate)).sum()
    }

    fn stop(mut self) {
        self.courier.stop();
        self.thread.close(&self.outbox);
    }
}

fn options() -> Options {
    Options {
        url: BrokerUrl { tls: false, host: "localhost".into(), port: 1 },
        client_id: "t".into(),
        login: FixedLogin::default(),
        ca_file: None,
        keep_alive: Duration::from_secs(1),
        connect_timeout: Duration::from_secs(1),
        max_packet_bytes: 1024,
        max_in_flight: 1,
        max_pending_bytes: 1 << 20,
        will: None,
    }
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(Instant::now() < deadline, "{what}: not in 30 s");
        std::thread::yield_now();
    }
}

fn numbered(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|number| format!("r{number}"))
}

#[test]
fn an_alarm_does_not_wait_behind_a_backlog() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::new(dir.path(), 2, |_| {});
    rig.store(RESULT, numbered(500));
    rig.store(ALARM, ["a0".to_owned(), "a1".to_owned()]);
    rig.connect();
    assert_eq!(rig.arrive(2), ["a1", "a0"], "the newest alarm first");
    assert_eq!(rig.arrive(2), ["r0", "r1"]);
    // Two are in flight already; the next one that goes is the alarm.
    rig.sent(0);
    until("the link is full again", || rig.link.kept.lock().unwrap().len() == 2);
    rig.store(ALARM, ["a2".to_owned()]);
    rig.arrive(2);
    assert_eq!(rig.sent(1)[0].payload, "a2");
    rig.stop();
}

#[test]
fn a_lower_class_waits_for_a_bounded_time_only() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::new(dir.path(), 1, |config| config.max_starvation = Duration::ZERO);
    rig.store(ALARM, (0..50).map(|number| format!("a{number}")));
    rig.store(RESULT, numbered(50));
    rig.connect();
    let sent: Vec<String> = (0..20).flat_map(|_| rig.arrive(1)).collect();
    assert!(sent.iter().any(|payload| payload.starts_with('r')), "{sent:?}");
    rig.stop();
}

#[test]
fn only_what_has_arrived_is_delivered_and_the_rest_goes_again() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::new(dir.path(), 4, |_| {});
    rig.store(RESULT, numbered(6));
    rig.connect();
    assert_eq!(rig.arrive(2), ["r0", "r1"]);
    until("two are delivered", || rig.delivered() == 2);
    rig.courier.desk.connected(false);
    rig.stop();
    let rig = Rig::new(dir.path(), 8, |_| {});
    rig.connect();
    assert_eq!(rig.arrive(4), ["r2", "r3", "r4", "r5"]);
    until("all are delivered", || rig.delivered() == 6);
    rig.stop();
}

#[test]
fn a_batch_is_json_lines_compressed() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::new(dir.path(), 4, |config| (config.batch_messages, config.gzip) = (3, true));
    rig.store(RESULT, numbered(7));
    rig.connect();
    let unpacked = |message: &Outgoing| {
        let mut text = String::new();
        flate2::read::GzDecoder::new(&*message.payload).read_to_string(&mut text).unwrap();
        text
    };
    let sent = rig.sent(3);
    assert_eq!(sent[0].topic, "up/gw/result/press");
    assert_eq!(sent.iter().map(unpacked).collect::<Vec<_>>(), ["r0\nr1\nr2\n", "r3\nr4\nr5\n", "r6"]);
    sent.iter().for_each(|message| rig.answer(message.number, 0..usize::MAX, Answer::Delivered));
    until("all are delivered", || rig.delivered() == 7);
    rig.stop();
}

#[test]
fn a_batch_of_alarms_does_not_wait_to_be_full_behind_a_backlog() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::new(dir.path(), 1, |config| config.batch_messages = 3);
    rig.store(RESULT, numbered(500));
    rig.store(ALARM, ["a0".to_owned()]);
    rig.connect();
    assert_eq!(rig.arrive(1), ["a0"]);
    assert_eq!(rig.arrive(1), ["r0\nr1\nr2\n"]);
    until("the link is full again", || rig.link.kept.lock().unwrap().len() == 1);
    rig.store(ALARM, ["a1".to_owned()]);
    rig.arrive(1);
    assert_eq!(rig.arrive(1), ["a1"]);
    rig.stop();
}

#[test]
fn a_spent_budget_holds_back_what_is_metered_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let budget = |config: &mut UplinkConfig| config.bytes_per_day = Some(4);
    let rig = Rig::new(dir.path(), 10, budget);
    rig.store(RESULT, numbered(5));
    rig.connect();
    assert_eq!(rig.arrive(2), ["r0", "r1"]);
    until("two are delivered", || rig.delivered() == 2);
    rig.stop();
    let rig = Rig::new(dir.path(), 10, budget);
    rig.store(ALARM, ["a0".to_owned()]);
    rig.connect();
    assert_eq!(rig.arrive(1), ["a0"], "alarms are not metered");
    rig.store(ALARM, ["a1".to_owned()]);
    assert_eq!(rig.arrive(1), ["a1"], "and nothing else went in between");
    rig.stop();
}

#[test]
fn records_are_answered_one_by_one_in_any_order() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::new(dir.path(), 1, |config| config.batch_messages = 4);
    rig.store(RESULT, numbered(6));
    rig.connect();
    let first = rig.sent(1).remove(0);
    assert_eq!(first.payload, "r0\nr1\nr2\nr3\n");
    rig.answer(first.number, 3..4, Answer::Refused("too old".into()));
    rig.answer(first.number, 0..2, Answer::Delivered);
    until("three are answered", || (rig.delivered(), rig.ended(Fate::Refused)) == (2, 1));
    assert_eq!(rig.courier.desk.refusal().as_deref(), Some("too old"));
    assert!(rig.link.kept.lock().unwrap().is_empty(), "the parcel still waits for the third");
    // The rest of it is wanted later, and then comes again with what is new.
    rig.answer(first.number, 0..usize::MAX, Answer::Later(Duration::from_millis(1)));
    let again = rig.sent(1).remove(0);
    assert_eq!(again.payload, "r2\nr4\nr5\n");
    // An answer to what is not on the way any more is nothing.
    rig.answer(first.number, 0..usize::MAX, Answer::Delivered);
    rig.answer(again.number, 0..usize::MAX, Answer::Delivered);
    until("all are answered", || (rig.delivered(), rig.ended(Fate::Refused)) == (5, 1));
    rig.stop();
}

#[test]
fn a_receiver_that_refuses_everything_is_told_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::new(dir.path(), 3, |_| {});
    rig.store(RESULT, numbered(50));
    rig.connect();
    for _ in 0..50 {
        let sent = rig.sent(1).remove(0);
        rig.answer(sent.number, 0..1, Answer::Refused("no such table".into()));
    }
    until("all are refused", || rig.ended(Fate::Refused) == 50);
    assert_eq!(rig.courier.desk.refusal().as_deref(), Some("no such table"));
    assert_eq!(rig.delivered(), 0);
    rig.stop();
    let audit = edgeward_outbox::audit::audit(dir.path(), &mut |_, _| {}).unwrap();
    assert!(audit.balanced, "{:#?}", audit.gaps);
}

#[test]
fn what_is_on_the_way_is_bounded_in_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::new(dir.path(), 100, |config| config.max_in_flight_bytes = 1000);
    rig.store(RESULT, (0..10).map(|_| "x".repeat(400)));
    rig.connect();
    // The third one passes the bound, and the fourth waits.
    let sent = rig.sent(3);
    rig.store(ALARM, ["a0".to_owned()]);
    assert!(rig.link.kept.lock().unwrap().is_empty());
    rig.answer(sent[0].number, 0..1, Answer::Delivered);
    // The alarm is small: one more fits behind it.
    let next = rig.sent(2);
    assert_eq!((&next[0].payload[..], next[1].payload.len()), (&b"a0"[..], 400));
    assert!(rig.link.kept.lock().unwrap().is_empty());
    rig.stop();
}
