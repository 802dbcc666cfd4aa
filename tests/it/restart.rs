//! The broker absent, restarted, silent; the daemon killed: nothing acknowledged is lost.

use std::{collections::HashSet, fs, thread, time::Duration};

use rumqttc::mqttbytes::QoS;

use crate::support::{
    PATIENCE,
    broker::Broker,
    client::Client,
    daemon::{Daemon, config, pipeline},
    model, signal, until,
};

fn mlp(rest: &str) -> String {
    pipeline(&model("mlp"), rest)
}

/// Verdicts carry the payload, whose first element is the message's number.
fn numbered(n: usize) -> (&'static str, String) {
    ("in/a", format!("[{n},1,1,1]"))
}

#[test]
fn a_broker_absent_at_the_start_is_waited_for_and_told_of_once() {
    let mut broker = Broker::absent();
    let daemon = Daemon::spawn(&config(broker.port, &mlp("")), |_| {});
    let text = daemon.wait_state("broker_unreachable");
    assert!(text.contains(&format!("mqtt://127.0.0.1:{}", broker.port)), "{text}");
    assert!(text.contains("is the broker running there?"), "{text}");
    assert_eq!(daemon.get("/readyz").0, 503);
    assert_eq!(daemon.get("/healthz").0, 200);
    broker.appear();
    daemon.wait_ready();
    daemon.log.wait_for("over: ");
    assert_eq!(daemon.log.count("broker_unreachable"), 2, "entered and left:\n{}", daemon.log.text());
    let client = Client::new(broker.port);
    client.subscribe("out/#");
    client.publish("in/a", "[1,2,3,4]");
    assert_eq!(client.next().topic, "out/a");
    daemon.stop();
}

#[test]
fn a_stop_does_not_wait_for_an_absent_broker_when_nothing_is_left_to_send() {
    let broker = Broker::absent();
    let text = format!("drain_deadline_secs = 3600\n{}", mlp(""));
    let daemon = Daemon::spawn(&config(broker.port, &text), |_| {});
    daemon.wait_state("broker_unreachable");
    daemon.stop();
}

/// Publishes `count` numbered messages at QoS 1 from a lasting session, over as many connections as
/// it takes; what was not acknowledged is sent again.
fn publish_all(port: u16, count: usize) {
    const CHUNK: usize = 100;
    let mut done = 0;
    while done < count {
        let client = until("the broker", || Client::lasting(port, "publisher").ok());
        while done < count {
            let chunk = (done..count.min(done + CHUNK)).map(numbered);
            if client.send(chunk, QoS::AtLeastOnce).and_then(|()| client.acknowledged()).is_err() {
                break;
            }
            done += CHUNK;
        }
    }
}

/// Collects the numbers of verdicts in a session that the broker keeps.
struct Collector {
    port: u16,
    client: Client,
    numbers: HashSet<u64>,
    verdicts: usize,
}

impl Collector {
    fn new(port: u16) -> Collector {
        let client = Client::lasting(port, "collector").unwrap();
        client.subscribe("out/#");
        Collector { port, client, numbers: HashSet::new(), verdicts: 0 }
    }

    /// Collects until `enough` different numbers are there.
    fn collect(&mut self, enough: usize) {
        while self.numbers.len() < enough {
            match self.client.poll(PATIENCE) {
                Some(message) => {
                    let verdict = message.json();
                    self.numbers.insert(verdict["input"][0].as_u64().unwrap());
                    self.verdicts += 1;
                }
                None if self.client.is_closed() => {
                    let port = self.port;
                    self.client = until("the broker", || Client::lasting(port, "collector").ok());
                    assert!(self.client.session_present, "the broker forgot the collector's session");
                }
                None => panic!("{} of {enough} numbers came", self.numbers.len()),
            }
        }
    }
}

#[test]
fn ten_thousand_messages_survive_restarts_of_the_broker() {
    const COUNT: usize = 10_000;
    let mut broker = Broker::start();
    let mut collector = Collector::new(broker.port);
    let daemon = Daemon::start(&broker, &mlp("output_qos = 1\ncopy_fields = [\"\"]\n"));
    let port = broker.port;
    let publisher = thread::spawn(move || publish_all(port, COUNT));
    for enough in [COUNT / 4, COUNT / 2] {
        collector.collect(enough);
        broker.stop();
        broker.appear();
    }
    collector.collect(COUNT);
    publisher.join().unwrap();
    assert!(collector.numbers.iter().all(|n| (*n as usize) < COUNT));
    let status = daemon.wait_status("all settled", |status| status["books"]["pending"] == 0);
    assert!(status["broker"]["reconnects"].as_u64().unwrap() >= 2, "{status:#}");
    assert_eq!(status["ready"], true);
    let ended = daemon.stop();
    assert!(ended.books("p", "scored") >= COUNT as u64, "{}", ended.last_run);
    assert_eq!(ended.books("p", "rejected") + ended.books("p", "shed"), 0);
    assert_eq!(ended.last_run["left"].as_array().unwrap().len(), 0);
}

#[test]
fn a_session_the_broker_kept_without_subscriptions_is_not_deaf() {
    let broker = Broker::start();
    // A session of the daemon's id that knows no filter.
    drop(Client::lasting(broker.port, "edgeward-test").unwrap());
    let daemon = Daemon::start(&broker, &mlp(""));
    assert!(daemon.log.wait_for("connected to the broker").contains("session_present=true"));
    let client = Client::new(broker.port);
    client.subscribe("out/#");
    until("an answer", || {
        client.publish("in/a", "[1,2,3,4]");
        client.poll(Duration::from_millis(100))
    });
    daemon.stop();
}

#[test]
fn a_broker_that_lost_everything_is_subscribed_to_again() {
    let mut broker = Broker::start();
    let daemon = Daemon::start(&broker, &mlp(""));
    for _ in 0..2 {
        broker.stop();
        let database = broker.folder().join("mosquitto.db");
        fs::remove_file(&database).unwrap();
        broker.appear();
        daemon.wait_status("connected again", |status| status["ready"] == true);
        let client = Client::new(broker.port);
        client.subscribe("out/#");
        client.subscribe("edgeward/test/state");
        assert_eq!(client.next_on("edgeward/test/state").text(), "online", "said again");
        client.publish("in/a", "[1,2,3,4]");
        client.next_on("out/a");
    }
    assert!(daemon.log.text().matches("session_present=false").count() >= 3);
    daemon.stop();
}

#[test]
fn a_broker_that_falls_silent_is_noticed() {
    let broker = Broker::start();
    let daemon = Daemon::start(&broker, &format!("broker.keep_alive_secs = 1\n{}", mlp("")));
    signal(broker.pid(), "STOP");
    let text = daemon.wait_state("broker_unreachable");
    assert!(text.contains("silent for 1 s") || text.contains("did not answer"), "{text}");
    signal(broker.pid(), "CONT");
    daemon.wait_ready();
    let client = Client::new(broker.port);
    client.subscribe("out/#");
    client.publish("in/a", "[1,2,3,4]");
    assert_eq!(client.next().topic, "out/a");
    daemon.stop();
}

#[test]
fn a_killed_daemon_loses_no_input() {
    const COUNT: usize = 3000;
    let broker = Broker::start();
    let mut collector = Collector::new(broker.port);
    let text = mlp("output_qos = 1\ncopy_fields = [\"\"]\n");
    let daemon = Daemon::start(&broker, &text);
    let port = broker.port;
    let publisher = thread::spawn(move || publish_all(port, COUNT));
    collector.collect(COUNT / 3);
    daemon.kill();
    let daemon = Daemon::start(&broker, &text);
    collector.collect(COUNT);
    publisher.join().unwrap();
    daemon.stop();
}

#[test]
fn verdicts_made_while_the_broker_is_away_are_sent_when_it_is_back() {
    const COUNT: usize = 40;
    let mut broker = Broker::start();
    let mut collector = Collector::new(broker.port);
    let slow = pipeline(&model("slow"), "output_qos = 1\ncopy_fields = [\"\"]\nmax_batch = 1\n");
    let daemon = Daemon::start(&broker, &slow);
    let client = Client::new(broker.port);
    client.send((0..COUNT).map(|n| ("in/a", format!("[{n}]"))), QoS::AtLeastOnce).unwrap();
    client.acknowledged().unwrap();
    daemon.wait_status("all received", |status| status["books"]["received"] == COUNT);
    broker.stop();
    // It goes on scoring what it has.
    daemon.wait_status("all scored", |status| status["books"]["scored"] == COUNT);
    assert_eq!(daemon.status()["ready"], false);
    broker.appear();
    collector.collect(COUNT);
    // The broker has given it all inputs again: their acknowledgements were lost with the line.
    daemon.kill();
}
