//! The admin server over real connections.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::Barrier,
};

use super::*;
use crate::telemetry::{ModelInfo, State};
use edgeward_core::domain::{Bucket, Reason};
use edgeward_outbox::{LaneSnapshot, OutboxSnapshot, UplinkSnapshot};

fn server() -> (AdminServer, Arc<Telemetry>) {
    let telemetry = Telemetry::new("gateway-7");
    let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
    (serve(listener, telemetry.clone()).unwrap(), telemetry)
}

/// Sends `request` as it is; gives the head and the body of the answer.
fn exchange(server: &AdminServer, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(server.addr()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    (head.to_owned(), body.to_owned())
}

fn get(server: &AdminServer, path: &str) -> (String, String) {
    exchange(server, &format!("GET {path} HTTP/1.1\r\nHost: here\r\n\r\n"))
}

#[test]
fn health_metrics_and_status_answer() {
    let (server, telemetry) = server();
    let stats = telemetry.add_pipeline("press", ModelInfo { name: "wear".into(), ..ModelInfo::default() });
    stats.receive(3);
    stats.settle(Bucket::Scored, 2);
    stats.reject(Reason::BadImage);
    stats.observe_end_to_end(Duration::from_millis(1));

    let (head, body) = get(&server, "/healthz");
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert_eq!(body, "ok\n");

    let (head, body) = get(&server, "/metrics");
    assert!(head.contains("application/openmetrics-text; version=1.0.0"), "{head}");
    assert!(body.contains("edgeward_pipeline_units_total{pipeline=\"press\",bucket=\"scored\"} 2\n"));

    let (head, body) = get(&server, "/status?pretty");
    assert!(head.contains("application/json"), "{head}");
    let status: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(status["device"], "gateway-7");
    let press = &status["pipelines"]["press"];
    assert_eq!(press["model"]["name"], "wear");
    assert_eq!(press["books"]["balance"], true);
    assert_eq!(press["rejected_by_reason"]["bad_image"], 1);
    assert_eq!(press["latency_secs"]["end_to_end"]["count"], 1);
    assert!(press["latency_secs"]["queue"]["p99"].is_null());
    assert!(press["last_message_age_secs"].is_null());
    assert_eq!(status["books"]["received"], 3);
    for bucket in ["expired", "damaged", "dropped"] {
        assert_eq!(status["books"][bucket], 0, "{bucket}");
    }
    assert!(status["outbox"].is_null(), "there is none");
}

#[test]
fn the_outbox_is_told_by_pipeline_class_and_uplink() {
    let (server, telemetry) = server();
    let lane = |class: &str, made, pending| LaneSnapshot {
        pipeline: "press".into(),
        class: class.into(),
        made,
        imported: 1,
        ended: vec![("delivered", 4), ("moved", 0)],
        pending,
        oldest_secs: 2.5,
        ..LaneSnapshot::default()
    };
    let snapshot = OutboxSnapshot {
        bytes: 8192,
        max_bytes: 1 << 20,
        free_bytes: 1 << 30,
        commits: 3,
        journaled: 2,
        wall_corrections: 1,
        lanes: vec![lane("alarm", 3, 0), lane("result", 8, 5)],
        uplinks: vec![UplinkSnapshot { name: "hub".into(), in_flight: 6, ..UplinkSnapshot::default() }],
    };
    telemetry.set_outbox(move || snapshot.clone());
    let status: serde_json::Value = serde_json::from_str(&get(&server, "/status").1).unwrap();
    let outbox = &status["outbox"];
    assert_eq!((&outbox["bytes"], &outbox["journaled_inputs"]), (&8192.into(), &2.into()));
    let result = &outbox["results"]["press"]["result"];
    assert_eq!(result["came"], serde_json::json!({ "made": 8, "imported": 1, "replayed": 0 }));
    assert_eq!(result["ended"], serde_json::json!({ "delivered": 4, "moved": 0 }));
    assert_eq!((&result["pending"], &result["oldest_age_secs"]), (&5.into(), &2.5.into()));
    assert!(outbox["results"]["press"]["alarm"]["oldest_age_secs"].is_null(), "nothing is pending");
    assert_eq!(outbox["uplinks"]["hub"]["connected"], false);
    assert_eq!(outbox["uplinks"]["hub"]["in_flight"], 6);
}

#[test]
fn readiness_follows_the_states() {
    let (server, telemetry) = server();
    telemetry.readiness().enter(State::BrokerUnreachable, "no broker at 127.0.0.1:1883; is it started?");
    let (head, body) = get(&server, "/readyz");
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    let readiness: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(readiness["ready"], false);
    assert_eq!(readiness["states"][0]["state"], "broker_unreachable");
    telemetry.readiness().leave(State::BrokerUnreachable);
    let (head, body) = get(&server, "/readyz");
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert_eq!(body, "{\n  \"ready\": true,\n  \"states\": []\n}\n");
}

#[test]
fn wrong_paths_and_methods_are_told() {
    let (server, _) = server();
    let (head, body) = get(&server, "/metric");
    assert!(head.starts_with("HTTP/1.1 404 "), "{head}");
    assert!(body.contains("there is no /metric here; there are /metrics"), "{body}");
    let (head, body) = exchange(&server, "POST /status HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 405 "), "{head}");
    assert!(head.to_lowercase().contains("allow: get, head"), "{head}");
    assert!(body.contains("POST"), "{body}");
    let (head, body) = exchange(&server, "HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert_eq!(body, "");
}

#[test]
fn headers_without_end_are_refused() {
    let (server, _) = server();
    let long = "x".repeat(3 * MAX_HEADER_BYTES);
    let mut stream = TcpStream::connect(server.addr()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // The server may close while we still write: that is an answer too.
    let _ = stream.write_all(format!("GET /healthz HTTP/1.1\r\nX: {long}\r\n\r\n").as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(!String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 200"));
    assert!(get(&server, "/healthz").0.starts_with("HTTP/1.1 200 "), "and the next one is served");
}

#[test]
fn a_few_silent_clients_do_not_keep_others_out() {
    let (server, _) = server();
    let silent: Vec<_> =
        (0..MAX_CONNECTIONS / 2).map(|_| TcpStream::connect(server.addr()).unwrap()).collect();
    assert_eq!(get(&server, "/healthz").1, "ok\n");
    drop(silent);
}

#[test]
fn it_answers_while_every_core_is_busy() {
    let (server, telemetry) = server();
    let stats = telemetry.add_pipeline("press", ModelInfo::default());
    let workers = 2 * thread::available_parallelism().map_or(2, |n| n.get());
    let (stop, begun) =
        (Arc::new(std::sync::atomic::AtomicBool::new(false)), Arc::new(Barrier::new(workers + 1)));
    let busy: Vec<_> = (0..workers)
        .map(|_| {
            let (stop, begun, stats) = (stop.clone(), begun.clone(), stats.clone());
            thread::spawn(move || {
                begun.wait();
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    stats.receive(1);
                    stats.settle(Bucket::Scored, 1);
                }
            })
        })
        .collect();
    begun.wait();
    for path in ["/healthz", "/metrics", "/status"] {
        assert!(get(&server, path).0.starts_with("HTTP/1.1 200 "), "{path}");
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    busy.into_iter().for_each(|worker| worker.join().unwrap());
}

#[test]
fn a_stopped_server_frees_its_port() {
    let (server, _) = server();
    let addr = server.addr();
    server.stop();
    assert!(TcpStream::connect(addr).is_err());
    drop(bind(addr).unwrap());
}
