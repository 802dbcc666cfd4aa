//! Inbox, worker and outbox together, around an engine that answers when the test lets it.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use super::{
    dialect::{Arrival, Dialect, Plain},
    durable::Durable,
    inbox::{DurableRoute, Inbox, Route, Routes},
    queue::Queue,
    worker::{Worker, WorkerParts},
};
use crate::{
    config::testing::held_pipeline,
    mqtt::{Admission, FixedLogin, Handler, Incoming, Options, Qos, Session as MqttSession},
    telemetry::{ModelInfo, Telemetry},
};
use edgeward_core::{
    crypto,
    domain::{ClassPolicy, Durability, Order, Reason, Settle, Ticket},
    scoring::{Encoder, Scorer, ScorerOptions},
};
use edgeward_outbox::{ClassSettings, OutboxSettings, RESULT_CLASS};
use edgeward_outbox::{
    Envelope, Journal, Listener, Origin, Outbox, OutboxThread, open,
    store::{State, UnitBooks},
};

/// A pipeline with its outbox.
struct Rig {
    inbox: Inbox,
    outbox: Outbox,
    thread: OutboxThread,
    worker: Worker,
    permits: Option<mpsc::Sender<()>>,
}

const PLAIN: &str = "[inputs.x]\nfields = [\"v\"]";
const WINDOW: &str = "[inputs.x]\nfields = [\"v\"]\n[window]\nlength = 3\nstep = 1";
const BY_TIME: &str = "[payload]\ntime = \"t\"\n[inputs.x]\nfields = [\"v\"]\n[window]\nduration_secs = 10\n\
    step_secs = 5\nlateness_secs = 1\n[prepare]\nversion = 1\n[[prepare.steps]]\nstep = \"statistics\"\n\
    statistics = [\"sum\"]";
const SLOW: &str = "[inputs.x]\nfields = [\"v\"]\n[outputs.sum]\ntensor = \"sum\"\nkind = \"value\"\nindex = 0\n\
    [conditions.hot]\noutput = \"sum\"\noperator = \">\"\nvalue = 4.0\nfor_count = 3";
const LAST: &str = "[inputs.x]\nfields = [\"v\", { path = \"w\", missing = \"last\" }]";

fn outbox_config(dir: &Path) -> OutboxSettings {
    let class = ClassSettings {
        name: RESULT_CLASS.into(),
        policy: ClassPolicy::default(),
        when: Vec::new(),
        uplink: None,
        metered: true,
    };
    OutboxSettings {
        dir: dir.to_owned(),
        max_bytes: 1 << 20,
        min_free_bytes: 0,
        segment_bytes: 16 << 10,
        durability: Durability::Sync,
        journal_after: Duration::from_millis(2),
        max_unacked_bytes: 1 << 20,
        compress: true,
        keep_delivered: Duration::ZERO,
        classes: vec![class],
    }
}

impl Rig {
    /// `held`: each run of the model waits for [`Rig::permit`].
    fn new(dir: &Path, declaration: &str, dims: &[usize], held: bool) -> Rig {
        Rig::named("press", dir, declaration, dims, held)
    }

    /// With a name of its own a pipeline can die on order, and no other does.
    fn named(name: &str, dir: &Path, declaration: &str, dims: &[usize], held: bool) -> Rig {
        Rig::speaking(Arc::new(Plain), name, dir, declaration, dims, held)
    }

    fn speaking(
        dialect: Arc<dyn Dialect>,
        name: &str,
        dir: &Path,
        declaration: &str,
        dims: &[usize],
        held: bool,
    ) -> Rig {
        let (permits, receiver) = mpsc::channel();
        let mut pipeline = held_pipeline(declaration, dims, receiver);
        pipeline.name = name.into();
        let config = outbox_config(dir);
        let (outbox, thread, _) = open(&config).unwrap();
        let classes: Arc<[ClassSettings]> = config.classes.into();
        let telemetry = Telemetry::new("d");
        let stats = telemetry.add_pipeline(name, ModelInfo::default());
        let queue = Arc::new(Queue::new(pipeline.queue_messages, pipeline.queue_bytes));
        let listener: Arc<dyn Listener> = queue.clone();
        outbox.listen(Arc::downgrade(&listener));
        if Journal::is_waiting(&outbox, name) {
            queue.has_backlog();
        }
        // Each run has its own.
        let (epoch, remembers) = (crypto::new_epoch().unwrap(), pipeline.model.plan.remembers_readings());
        let durable =
            Some(DurableRoute { pipeline: outbox.pipeline(name), outbox: outbox.clone(), epoch, remembers });
        let route = Route {
            name: name.into(),
            topics: pipeline.topics.clone(),
            qos: pipeline.qos,
            retained: pipeline.retained,
            queue: queue.clone(),
            stats: stats.clone(),
            durable,
        };
        let routes = Arc::new(Mutex::new(Routes { routes: vec![route], draining: false }));
        let options = ScorerOptions {
            pipeline: name.into(),
            device: "d".into(),
            epoch,
            sequence_field: None,
            source: pipeline.source.clone(),
            max_sources: 10,
            copy_fields: Vec::new(),
            max_payload_bytes: 1000,
            max_batch: 8,
        };
        let session = MqttSession::new(mqtt_options(), Default::default());
        let worker = Worker::start(WorkerParts {
            name: name.into(),
            scorer: {
                let (plan, engine) = (pipeline.model.plan.clone(), pipeline.model.engine.clone());
                Box::new(move || Scorer::new(plan.clone(), engine.clone(), options.clone()))
            },
            encoder: Encoder::new(name, &pipeline.model.identity),
            queue,
            stats,
            publisher: session.publisher(),
            dialect: dialect.clone(),
            output: pipeline.output.clone(),
            output_qos: pipeline.output_qos,
            error_topic: None,
            max_batch: 8,
            durable: Some(Durable::new(outbox.clone(), classes, &pipeline, epoch, true)),
            origin: Instant::now(),
        })
        .unwrap();
        let inbox = Inbox::new(routes, dialect, telemetry, "state".into());
        Rig { inbox, outbox, thread, worker, permits: held.then_some(permits) }
    }

    /// A message at QoS 1; what its sender is told.
    fn say(&mut self, source: &str, payload: &str) -> Arc<Told> {
        let told = Arc::new(Told::default());
        let incoming = Incoming {
            topic: format!("in/{source}"),
            payload: payload.to_owned().into(),
            retained: false,
            ticket: Some(Ticket::new(told.clone())),
        };
        assert!(matches!(self.inbox.message(incoming), Admission::Taken));
        told
    }

    /// As [`Rig::say`], and waits until it was scored, rejected or put into a window, so that the next one is in a
    /// batch of its own. (It is acknowledged already when it is in the journal.)
    fn say_and_settle(&mut self, source: &str, payload: &str) {
        let books = |rig: &Rig| {
            let units =
                rig.state().pipelines.first().map(|pipeline| pipeline.units.clone()).unwrap_or_default();
            (units.received, units.pending())
        };
        let (before, _) = books(self);
        self.say(source, payload);
        until("it is in the books", || books(self) == (before + 1, 0));
    }

    fn permit(&self) {
        self.permits.as_ref().unwrap().send(()).unwrap();
    }

    fn state(&self) -> State {
        self.outbox.shared().state().clone()
    }

    /// What results hold, in the order they are read: source and sum.
    fn sums(&self) -> Vec<(String, f64)> {
        let mut cursor = self.outbox.cursor(RESULT_CLASS, Order::OldestFirst);
        let mut sums = Vec::new();
        while let Some(item) = cursor.next(&|_, _| false).unwrap() {
            let verdict: serde_json::Value = serde_json::from_slice(&item.payload).unwrap();
            let source = verdict["source"].as_str().unwrap().to_owned();
            sums.push((source, verdict["outputs"]["sum"].as_f64().unwrap()));
        }
        sums
    }

    /// Waits until so many results are on disk; a slow machine acknowledges inputs before.
    fn until_stored(&self, results: usize) {
        until("the results are stored", || self.sums().len() >= results);
    }

    /// Ends as after SIGTERM: what is in memory is finished.
    fn stop(mut self) {
        self.permits = None;
        self.worker.queue.close();
        until("the worker ends", || self.worker.is_finished());
        self.thread.close(&self.outbox);
    }

    /// Ends as after kill -9, for all the disk knows: the worker is left in its model.
    fn abandon(self) -> Option<mpsc::Sender<()>> {
        self.thread.close(&self.outbox);
        self.permits
    }
}

fn mqtt_options() -> Options {
    Options {
        url: crate::mqtt::BrokerUrl { tls: false, host: "localhost".into(), port: 1 },
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
        assert!(Instant::now() < deadline, "{what}: not in 60 s");
        std::thread::yield_now();
    }
}

/// A sender that waits for its acknowledgement.
#[derive(Default)]
struct Told(AtomicBool);

impl Settle for Told {
    fn settled(&self) {
        self.0.store(true, Ordering::Release);
    }
}

fn acknowledged(told: &Told) -> bool {
    told.0.load(Ordering::Acquire)
}

#[test]
fn a_slow_model_does_not_hold_the_acknowledgement_and_a_restart_scores_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::new(dir.path(), PLAIN, &[1], true);
    let first = rig.say("a", r#"{"v":1}"#);
    until("the journal has it", || acknowledged(&first));
    let state = rig.state();
    assert_eq!((state.pipelines[0].units.received, state.pipelines[0].units.pending()), (1, 1));
    assert_eq!(rig.sums(), []);
    let stuck = rig.abandon();
    let rig = Rig::new(dir.path(), PLAIN, &[1], false);
    rig.until_stored(1);
    assert_eq!(rig.sums(), [("a".to_owned(), 1.0)]);
    let units = &rig.state().pipelines[0].units;
    assert_eq!((units.received, units.pending()), (1, 0));
    rig.stop();
    drop(stuck);
}

/// A hub's topics: `hub/INPUT/TOPIC/KEY=VALUE`.
#[derive(Debug)]
struct Hub;

impl Dialect for Hub {
    fn subscriptions(&self, _wanted: BTreeMap<String, Qos>) -> BTreeMap<String, Qos> {
        BTreeMap::from([("hub/#".to_owned(), Qos::AtLeastOnce)])
    }

    fn arrival<'t>(&self, topic: &'t str) -> Arrival<'t> {
        let (head, property) = topic.rsplit_once('/').unwrap();
        let (input, topic) = head.strip_prefix("hub/").and_then(|rest| rest.split_once('/')).unwrap();
        let (key, value) = property.split_once('=').unwrap();
        let properties = vec![(key.to_owned(), value.to_owned())];
        Arrival { topic: topic.into(), origin: Origin { input: input.to_owned(), properties } }
    }

    fn departure<'t>(&self, told: Cow<'t, str>, _envelope: Option<&Envelope>) -> Cow<'t, str> {
        told
    }
}

#[test]
fn what_a_topic_tells_besides_is_journaled_with_its_message() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::speaking(Arc::new(Hub), "press", dir.path(), PLAIN, &[1], true);
    let told = Arc::new(Told::default());
    let incoming = Incoming {
        topic: "hub/sensors/in/a/unit=mm".into(),
        payload: r#"{"v":1}"#.into(),
        retained: false,
        ticket: Some(Ticket::new(told.clone())),
    };
    assert!(matches!(rig.inbox.message(incoming), Admission::Taken));
    until("the journal has it", || acknowledged(&told));
    let mut journal = Journal::new(rig.outbox.clone(), "press", crypto::new_epoch().unwrap(), true);
    let read = journal.next("press").unwrap().input;
    let properties = vec![("unit".to_owned(), "mm".to_owned())];
    assert_eq!(
        (read.topic.as_str(), &read.origin),
        ("in/a", &Origin { input: "sensors".into(), properties })
    );
    drop(rig.abandon());
}

#[test]
fn what_a_full_queue_does_not_take_the_journal_does_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::new(dir.path(), PLAIN, &[1], true);
    let said: Vec<_> = (0..20).map(|v| rig.say("a", &format!("{{\"v\":{v}}}"))).collect();
    until("all are acknowledged while the model stands still", || said.iter().all(|told| acknowledged(told)));
    for _ in 0..40 {
        rig.permit();
    }
    rig.until_stored(20);
    let sums: Vec<f64> = rig.sums().into_iter().map(|(_, sum)| sum).collect();
    assert_eq!(sums, (0..20).map(f64::from).collect::<Vec<_>>());
    let state = rig.state();
    assert!(state.lanes.iter().all(|lane| !lane.is_input() || lane.books.pending() == 0));
    rig.stop();
}

#[test]
fn a_window_goes_on_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::new(dir.path(), WINDOW, &[3, 1], false);
    for (source, v) in [("a", 1), ("b", 10), ("a", 2), ("a", 3)] {
        let open = rig.say(source, &format!("{{\"v\":{v}}}"));
        until("its fate is stored", || acknowledged(&open));
    }
    rig.until_stored(1);
    assert_eq!(rig.sums(), [("a".to_owned(), 6.0)]);
    let units = rig.state().pipelines[0].units.clone();
    assert_eq!((units.received, units.scored, units.merged), (4, 1, 3));
    rig.stop();
    let mut rig = Rig::new(dir.path(), WINDOW, &[3, 1], false);
    for (source, v) in [("a", 4), ("b", 20), ("b", 30)] {
        let open = rig.say(source, &format!("{{\"v\":{v}}}"));
        until("its fate is stored", || acknowledged(&open));
    }
    rig.until_stored(3);
    let sums = [("a".to_owned(), 6.0), ("a".to_owned(), 9.0), ("b".to_owned(), 60.0)];
    assert_eq!(rig.sums(), sums);
    let state = rig.state();
    let units = &state.pipelines[0].units;
    assert_eq!((units.received, units.scored, units.merged, units.pending()), (7, 3, 4, 0));
    let kept: u64 = state.lanes.iter().filter(|lane| lane.is_input()).map(|lane| lane.books.pending()).sum();
    assert_eq!(kept, 4, "the last two of each source");
    rig.stop();
}

#[test]
fn a_window_goes_on_after_the_death_of_its_thread() {
    let dir = tempfile::tempdir().unwrap();
    edgeward_core::fault_injection::order("score-doomed:3");
    let mut rig = Rig::named("doomed", dir.path(), WINDOW, &[3, 1], false);
    for v in 1..=5 {
        rig.say_and_settle("a", &format!("{{\"v\":{v}}}"));
    }
    rig.until_stored(2);
    // The third was in work when the thread died. What came before is remembered as if it had not been.
    assert_eq!(rig.sums(), [("a".to_owned(), 1.0 + 2.0 + 4.0), ("a".to_owned(), 2.0 + 4.0 + 5.0)]);
    let state = rig.state();
    let units = &state.pipelines[0].units;
    assert_eq!((units.received, units.scored, units.merged, units.pending()), (5, 2, 2, 0));
    assert_eq!(units.rejected, [(Reason::WorkerDied.number(), 1)]);
    let kept: u64 = state.lanes.iter().filter(|lane| lane.is_input()).map(|lane| lane.books.pending()).sum();
    assert_eq!(kept, 2, "the last two");
    assert!(!rig.worker.is_closed());
    rig.stop();
}

/// Whether the condition `hot` held, by result.
fn hot(rig: &Rig) -> Vec<bool> {
    let mut cursor = rig.outbox.cursor(RESULT_CLASS, Order::OldestFirst);
    let mut hot = Vec::new();
    while let Some(item) = cursor.next(&|_, _| false).unwrap() {
        let verdict: serde_json::Value = serde_json::from_slice(&item.payload).unwrap();
        hot.push(verdict["conditions"]["hot"].as_bool().unwrap());
    }
    hot
}

fn say_all(rig: &mut Rig, values: &[i32], results: usize) {
    for v in values {
        rig.say_and_settle("a", &format!("{{\"v\":{v}}}"));
    }
    rig.until_stored(results);
}

#[test]
fn a_condition_that_must_last_goes_on_after_a_restart_and_after_a_death() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::named("lasting", dir.path(), SLOW, &[1], false);
    say_all(&mut rig, &[9, 9], 2);
    assert_eq!(hot(&rig), [false, false]);
    rig.stop();
    // It holds from the third reading in a row on, whoever had the first two.
    let mut rig = Rig::named("lasting", dir.path(), SLOW, &[1], false);
    say_all(&mut rig, &[9, 1, 9], 5);
    assert_eq!(hot(&rig), [false, false, true, false, false]);
    rig.stop();
    edgeward_core::fault_injection::order("score-lasting:2");
    let mut rig = Rig::named("lasting", dir.path(), SLOW, &[1], false);
    say_all(&mut rig, &[9, 1, 9], 7);
    // The middle one was in work when the thread died.
    assert_eq!(hot(&rig), [false, false, true, false, false, false, true]);
    rig.stop();
    // What was remembered for one condition is nothing to another.
    let mut rig =
        Rig::named("lasting", dir.path(), &SLOW.replace("for_count = 3", "for_count = 2"), &[1], false);
    say_all(&mut rig, &[9], 8);
    assert_eq!(hot(&rig).last(), Some(&false));
    rig.stop();
}

#[test]
fn windows_by_time_go_on_after_a_restart_and_none_is_scored_twice() {
    let dir = tempfile::tempdir().unwrap();
    let run = |readings: &[(i32, i32)], results: usize| {
        let mut rig = Rig::new(dir.path(), BY_TIME, &[1], false);
        for (t, v) in readings {
            let open = rig.say("a", &format!("{{\"t\":{t},\"v\":{v}}}"));
            until("its fate is stored", || acknowledged(&open));
        }
        rig.until_stored(results);
        let sums: Vec<f64> = rig.sums().into_iter().map(|(_, sum)| sum).collect();
        let state = rig.state();
        rig.stop();
        let units = state.pipelines[0].units.clone();
        let inputs = state.lanes.iter().filter(|lane| lane.is_input());
        (sums, units, inputs.map(|lane| lane.books.pending()).sum::<u64>())
    };
    // One late, one out of order, windows that overlap.
    let (sums, units, kept) = run(&[(1, 1), (6, 2), (4, 4), (8, 8), (-4, 99), (11, 16)], 2);
    assert_eq!(sums, [1.0, 15.0]);
    let rejected = |units: &UnitBooks| units.received - units.scored - units.merged - units.pending();
    assert_eq!((units.received, units.scored, rejected(&units), units.pending()), (6, 2, 1, 0));
    // From the oldest that an open window has, at 6: also those that came behind it.
    assert_eq!(kept, 5);
    let (sums, _, kept) = run(&[(13, 32), (17, 64), (22, 1)], 4);
    assert_eq!(sums, [1.0, 15.0, 58.0, 112.0]);
    assert_eq!(kept, 2, "at 17 and 22");
    // One reading closes two windows: two units.
    let (sums, units, kept) = run(&[(60, 7)], 6);
    assert_eq!(sums, [1.0, 15.0, 58.0, 112.0, 65.0, 1.0]);
    assert_eq!((units.received, units.scored, rejected(&units), units.pending()), (11, 6, 1, 0));
    assert_eq!(kept, 1);
}

#[test]
fn a_last_known_value_goes_on_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::new(dir.path(), LAST, &[2], false);
    for payload in [r#"{"v":1,"w":100}"#, r#"{"v":2}"#, r#"{"v":3}"#] {
        let open = rig.say("a", payload);
        until("its fate is stored", || acknowledged(&open));
    }
    rig.stop();
    let mut rig = Rig::new(dir.path(), LAST, &[2], false);
    let open = rig.say("a", r#"{"v":4}"#);
    until("its fate is stored", || acknowledged(&open));
    rig.until_stored(4);
    let sums: Vec<f64> = rig.sums().into_iter().map(|(_, sum)| sum).collect();
    assert_eq!(sums, [101.0, 102.0, 103.0, 104.0]);
    rig.stop();
}
