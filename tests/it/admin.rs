//! What the daemon tells: metrics, status, health, and systemd.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Read, Write},
    net::TcpStream,
    os::unix::net::UnixDatagram,
    sync::mpsc,
};

use rumqttc::mqttbytes::QoS;

use crate::support::{
    PATIENCE,
    broker::Broker,
    client::Client,
    daemon::{Daemon, config, pipeline},
    line::Line,
    model,
};

/// A family of the OpenMetrics text: its type, and its samples with labels.
#[derive(Default)]
struct Family {
    kind: String,
    help: String,
    samples: Vec<(String, f64)>,
}

/// Reads the OpenMetrics text as strictly as a scraper would.
fn parse(text: &str) -> BTreeMap<String, Family> {
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut current = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line == "# EOF" {
            assert!(lines.peek().is_none(), "something stands after # EOF");
            return families;
        }
        if let Some(rest) = line.strip_prefix("# ") {
            let (what, rest) = rest.split_once(' ').unwrap();
            let (name, value) = rest.split_once(' ').unwrap();
            if name != current {
                assert!(!families.contains_key(name), "{name} is split");
                current = name.to_owned();
            }
            let family = families.entry(name.to_owned()).or_default();
            match what {
                "HELP" => value.clone_into(&mut family.help),
                "TYPE" => value.clone_into(&mut family.kind),
                "UNIT" => assert!(name.ends_with(&format!("_{value}")), "{line}"),
                _ => panic!("{line}"),
            }
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let name = series.split('{').next().unwrap();
        let family = families.get_mut(&current).unwrap_or_else(|| panic!("{line} belongs to no family"));
        let rest =
            name.strip_prefix(current.as_str()).unwrap_or_else(|| panic!("{line} stands in {current}"));
        let allowed: &[&str] = match family.kind.as_str() {
            "counter" => &["_total"],
            "gauge" => &[""],
            "info" => &["_info"],
            "histogram" => &["_bucket", "_sum", "_count"],
            kind => panic!("{current} is of type {kind}"),
        };
        assert!(allowed.contains(&rest), "{line} in a {}", family.kind);
        let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}"));
        assert!(family.kind != "counter" || value >= 0.0);
        family.samples.push((series.to_owned(), value));
    }
    panic!("no # EOF");
}

#[test]
fn the_metrics_are_what_prometheus_takes() {
    let line = Line::start(&model("mlp"), "");
    for _ in 0..3 {
        line.say("[1,2,3,4]");
    }
    line.say("[");
    let (code, text) = line.daemon.get("/metrics");
    assert_eq!(code, 200);
    let families = parse(&text);
    let mut seen = BTreeSet::new();
    for (name, family) in &families {
        assert!(name.starts_with("edgeward_"), "{name}");
        assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}");
        assert!(family.help.len() > 10, "{name} has no help");
        for unit in ["_ms", "_us", "_milliseconds", "_kb", "_percent"] {
            assert!(!name.ends_with(unit), "{name} is not in base units");
        }
        for (series, _) in &family.samples {
            assert!(seen.insert(series.clone()), "{series} stands twice");
        }
    }
    let value = |series: &str| {
        let family = families.values().flat_map(|family| &family.samples);
        let found = family.into_iter().find(|(name, _)| name == series);
        found.unwrap_or_else(|| panic!("no {series} in\n{text}")).1
    };
    assert_eq!(value("edgeward_pipeline_received_units_total{pipeline=\"p\"}"), 4.0);
    assert_eq!(value("edgeward_pipeline_units_total{pipeline=\"p\",bucket=\"scored\"}"), 3.0);
    assert_eq!(value("edgeward_rejected_total{pipeline=\"p\",reason=\"malformed_payload\"}"), 1.0);
    assert_eq!(value("edgeward_pipeline_pending_units{pipeline=\"p\"}"), 0.0);
    assert_eq!(value("edgeward_broker_connected"), 1.0);
    assert_eq!(value("edgeward_ready"), 1.0);
    assert_eq!(value("edgeward_state{state=\"draining\"}"), 0.0);
    let silence = value("edgeward_seconds_since_last_message{pipeline=\"p\"}");
    assert!((0.0..PATIENCE.as_secs_f64()).contains(&silence));
    assert!(value("edgeward_process_resident_memory_bytes") > 1e6);
    // Histograms: cumulative up to the count, for each of the three.
    for name in ["edgeward_queue_wait_seconds", "edgeward_scoring_seconds", "edgeward_end_to_end_seconds"] {
        let samples = &families[name].samples;
        let buckets: Vec<f64> =
            samples.iter().filter(|(s, _)| s.contains("_bucket{")).map(|(_, count)| *count).collect();
        assert!(buckets.is_sorted() && buckets.len() > 10, "{name}: {buckets:?}");
        assert_eq!(buckets.last(), Some(&value(&format!("{name}_count{{pipeline=\"p\"}}"))));
        assert!(value(&format!("{name}_sum{{pipeline=\"p\"}}")) > 0.0);
    }
    line.stop();
}

#[test]
fn the_status_has_what_an_operator_asks_first() {
    let line = Line::start(&model("mlp"), "");
    line.say("[1,2,3,4]");
    let status = line.daemon.status();
    for pointer in [
        "/version",
        "/device",
        "/uptime_secs",
        "/resident_memory_bytes",
        "/ready",
        "/states",
        "/broker/url",
        "/broker/connected",
        "/broker/reconnects",
        "/messages_unmatched",
        "/books/received",
        "/books/balance",
        "/pipelines/p/model/digest",
        "/pipelines/p/books/scored",
        "/pipelines/p/rejected_by_reason/too_large",
        "/pipelines/p/shed_by_policy/queue_full",
        "/pipelines/p/queue/messages",
        "/pipelines/p/verdicts/published",
        "/pipelines/p/sources/held",
        "/pipelines/p/last_message_age_secs",
        "/pipelines/p/latency_secs/end_to_end/p99",
    ] {
        assert!(status.pointer(pointer).is_some_and(|value| !value.is_null()), "{pointer} in {status:#}");
    }
    assert_eq!(status["device"], "test");
    assert_eq!(status["broker"]["url"], format!("mqtt://127.0.0.1:{}", line.broker.port));
    assert_eq!(status["pipelines"]["p"]["sources"]["held"], 1);
    assert_eq!(line.daemon.get("/nothing").0, 404);
    line.stop();
}

#[test]
fn health_is_told_while_scoring_is_busy_and_clients_hang() {
    let broker = Broker::start();
    let daemon = Daemon::start(&broker, &pipeline(&model("slow"), ""));
    let client = Client::new(broker.port);
    client.send((0..400).map(|_| ("in/a", "[1]")), QoS::AtLeastOnce).unwrap();
    daemon.wait_status("a backlog", |status| status["books"]["pending"].as_u64() > Some(300));
    // Connections that say nothing, or half of something, hold nobody up.
    let silent: Vec<TcpStream> = (0..20).map(|_| TcpStream::connect(daemon.admin()).unwrap()).collect();
    let mut half = TcpStream::connect(daemon.admin()).unwrap();
    half.write_all(b"GET /status HTTP/1.1\r\nHost:").unwrap();
    for _ in 0..100 {
        assert_eq!(daemon.get("/healthz"), (200, "ok\n".to_owned()));
        assert_eq!(daemon.get("/readyz").0, 200);
    }
    assert!(daemon.status()["books"]["pending"].as_u64().unwrap() > 0, "it was not busy any more");
    // Too long a request is turned away, not stored.
    let mut long = TcpStream::connect(daemon.admin()).unwrap();
    let _ = long.write_all(format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(100_000)).as_bytes());
    let mut answer = String::new();
    let _ = long.read_to_string(&mut answer);
    assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
    drop(silent);
    daemon.kill();
}

/// What systemd would hear, a datagram at a time.
struct Manager {
    _folder: tempfile::TempDir,
    path: std::path::PathBuf,
    heard: mpsc::Receiver<String>,
}

impl Manager {
    fn listen() -> Manager {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let (told, heard) = mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(len) = socket.recv(&mut buffer) {
                if told.send(String::from_utf8_lossy(&buffer[..len]).into_owned()).is_err() {
                    return;
                }
            }
        });
        Manager { _folder: folder, path, heard }
    }

    /// The next datagram that begins so; signs of life in between are passed over.
    fn next(&self, begin: &str) -> String {
        loop {
            let heard = self.heard.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("never heard {begin}"));
            if heard.starts_with(begin) {
                return heard;
            }
            assert!(heard.starts_with("WATCHDOG=1"), "{heard:?} instead of {begin}");
        }
    }
}

#[test]
fn systemd_hears_of_readiness_reloads_life_and_the_stop() {
    let mut broker = Broker::absent();
    let manager = Manager::listen();
    let text = config(broker.port, &pipeline(&model("slow"), "max_batch = 1\n"));
    let daemon = Daemon::spawn(&text, |command| {
        // A sign of life at least every 0.1 s.
        command.env("NOTIFY_SOCKET", &manager.path).env("WATCHDOG_USEC", "200000");
    });
    daemon.wait_state("broker_unreachable");
    manager.next("WATCHDOG=1");
    broker.appear();
    assert!(manager.next("READY=1").contains("STATUS=scoring"));
    daemon.wait_ready();
    daemon.signal("HUP");
    assert!(manager.next("RELOADING=1").contains("MONOTONIC_USEC="));
    assert!(manager.next("READY=1").contains("STATUS=reloaded"));
    // Alive also while there is much to finish.
    let client = Client::new(broker.port);
    client.send((0..40).map(|_| ("in/a", "[1]")), QoS::AtLeastOnce).unwrap();
    daemon.wait_status("a backlog", |status| status["books"]["received"] == 40);
    daemon.signal("TERM");
    manager.next("STOPPING=1");
    manager.next("WATCHDOG=1");
    manager.next("WATCHDOG=1");
    let ended = daemon.wait();
    assert!([Some(0), Some(5)].contains(&ended.code), "{}", ended.log);
}
