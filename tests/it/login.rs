//! Who the daemon is at its broker may change while it runs: the next connection counts.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    future::{Future, ready},
    pin::Pin,
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use edgeward::mqtt::{
    Admission, BrokerUrl, ConnectError, Credentials, FixedLogin, Handler, Incoming, Login, LoginError,
    Options, Publish, Qos, Session,
};
use rumqttc::mqttbytes::QoS;

use crate::support::{
    broker::Broker,
    certificates::Authority,
    client::Client,
    daemon::{Daemon, pipeline},
    model, signal,
    tap::Tap,
    until,
};

/// A broker whose second listener knows `module` by this password.
fn guarded(password: &str) -> Broker {
    let folder = tempfile::tempdir().unwrap();
    set_password(folder.path(), password, true);
    Broker::with_second_listener(
        folder,
        "listener {second} 127.0.0.1\nallow_anonymous false\npassword_file {folder}/passwords\n",
    )
}

fn set_password(folder: &std::path::Path, password: &str, create: bool) {
    let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new("mosquitto_passwd");
    command.env("PATH", path).arg("-b").args(create.then_some("-c")).arg(folder.join("passwords"));
    let made = command.args(["module", password]).status();
    assert!(made.is_ok_and(|status| status.success()), "mosquitto_passwd makes a file");
}

/// The daemon's input comes through `tap`; the test's own client takes the open door.
fn config(url: &str, settings: &str) -> String {
    format!(
        "state_dir = \"state\"\ndevice.id = \"test\"\nadmin.listen = \"127.0.0.1:0\"\nbroker.url = \"{url}\"\n\
         {settings}\n{}",
        pipeline(&model("mlp"), "")
    )
}

fn assert_scores(broker: &Broker, daemon: &Daemon) {
    daemon.wait_ready();
    let client = Client::new(broker.port);
    client.subscribe("out/#");
    client.publish("in/a", "[1,2,3,4]");
    assert_eq!(client.next().topic, "out/a");
}

#[test]
fn a_password_file_is_read_at_each_connection() {
    let broker = guarded("first");
    let tap = Tap::on(broker.second_port, |_| None);
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    fs::write(&secret, "first\n").unwrap();
    let settings = format!("broker.username = \"module\"\nbroker.password_file = \"{}\"\n", secret.display());
    let daemon = Daemon::spawn(&config(&format!("mqtt://127.0.0.1:{}", tap.port), &settings), |_| {});
    assert_scores(&broker, &daemon);
    // Both sides exchange it; what stands is cut.
    set_password(broker.folder(), "second", false);
    signal(broker.pid(), "HUP");
    fs::write(&secret, "second\n").unwrap();
    tap.cut();
    daemon.log.wait_for_nth("connected to the broker", 2);
    assert_scores(&broker, &daemon);
    // Gone for a while: no refusal, and back without help.
    fs::remove_file(&secret).unwrap();
    tap.cut();
    let told = daemon.wait_state("broker_unreachable");
    let told = if told.contains("no credentials") {
        told
    } else {
        until("the reason", || {
            daemon.state("broker_unreachable").filter(|text| text.contains("no credentials"))
        })
    };
    assert!(
        told.contains("no credentials for now: can't read the password from") && !told.contains("second")
    );
    fs::write(&secret, "second\n").unwrap();
    assert_scores(&broker, &daemon);
    // A wrong one is a refusal by the broker, and told as such.
    fs::write(&secret, "wrong\n").unwrap();
    tap.cut();
    let told = daemon.wait_state("broker_refused");
    assert!(told.contains("password"), "{told}");
    daemon.stop();
}

#[test]
fn a_client_certificate_is_read_at_each_connection() {
    let folder = tempfile::tempdir().unwrap();
    let ours = Authority::new(folder.path(), "ca");
    ours.sign("broker", "DNS:localhost");
    ours.sign("module", "DNS:module");
    Authority::new(folder.path(), "other").sign("stranger", "DNS:module");
    let mut broker = Broker::with_second_listener(
        folder,
        "listener {second} 127.0.0.1\ncafile {folder}/ca.pem\ncertfile {folder}/broker.pem\n\
         keyfile {folder}/broker.key\nallow_anonymous true\nrequire_certificate true\n",
    );
    let here = broker.folder().to_owned();
    let show = |name: &str| {
        for kind in ["pem", "key"] {
            fs::copy(here.join(format!("{name}.{kind}")), here.join(format!("shown.{kind}"))).unwrap();
        }
    };
    show("module");
    let folder = here.display();
    let settings = format!(
        "broker.ca_file = \"{folder}/ca.pem\"\nbroker.client_cert_file = \"{folder}/shown.pem\"\n\
         broker.client_key_file = \"{folder}/shown.key\"\n"
    );
    let daemon =
        Daemon::spawn(&config(&format!("mqtts://localhost:{}", broker.second_port), &settings), |_| {});
    assert_scores(&broker, &daemon);
    show("stranger");
    broker.stop();
    broker.appear();
    until("the reason", || daemon.state("broker_unreachable").filter(|text| text.contains("certificate")));
    show("module");
    assert_scores(&broker, &daemon);
    // Gone for a while: told by its name, and back without help.
    fs::remove_file(here.join("shown.pem")).unwrap();
    broker.stop();
    broker.appear();
    until("the file", || daemon.state("broker_unreachable").filter(|text| text.contains("shown.pem")));
    show("module");
    assert_scores(&broker, &daemon);
    daemon.stop();
}

/// Credentials that end after some seconds; those for the second connection are late at first.
#[derive(Debug)]
struct Expiring {
    asked: AtomicUsize,
}

/// Long enough for some messages, and renewed a tenth before.
const LIFETIME: Duration = Duration::from_secs(2);

impl Login for Expiring {
    fn credentials(&self) -> Pin<Box<dyn Future<Output = Result<Credentials, LoginError>> + Send + '_>> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        let given = if asked == 1 {
            Err(LoginError::ForNow("the token service does not answer".into()))
        } else {
            let expire_at = Some(Instant::now() + LIFETIME);
            let username = Some(format!("module-{asked}"));
            Ok(Credentials { username, expire_at, ..Credentials::default() })
        };
        Box::pin(ready(given))
    }
}

/// Takes every message at once.
#[derive(Clone, Default)]
struct Heard {
    numbers: Arc<Mutex<BTreeSet<u64>>>,
    failed: Arc<Mutex<Vec<String>>>,
}

fn number(payload: &[u8]) -> Option<u64> {
    std::str::from_utf8(payload).ok()?.parse().ok()
}

impl Handler for Heard {
    fn connected(&mut self, _session_present: bool) -> Vec<Publish> {
        Vec::new()
    }

    fn message(&mut self, incoming: Incoming) -> Admission {
        self.numbers.lock().unwrap().extend(number(&incoming.payload));
        if let Some(ticket) = incoming.ticket {
            ticket.done();
        }
        Admission::Taken
    }

    fn goodbye(&mut self) -> Vec<Publish> {
        Vec::new()
    }

    fn oversize(&mut self, _topic: &str, _bytes: usize) {}

    fn disconnected(&mut self, why: &str) {
        self.failed.lock().unwrap().push(why.to_owned());
    }

    fn connect_failed(&mut self, error: &ConnectError, _retry_in: Duration) {
        self.failed.lock().unwrap().push(error.to_string());
    }

    fn subscribed(&mut self, _refused: &[String]) {}

    fn taken_over(&mut self, _now: bool) {}
}

#[test]
fn credentials_that_end_are_renewed_in_time_and_nothing_is_lost() {
    let broker = Broker::start();
    let tap = Tap::on(broker.port, number);
    let options = Options {
        url: BrokerUrl { tls: false, host: "127.0.0.1".into(), port: tap.port },
        client_id: "expiring".into(),
        login: FixedLogin::default(),
        ca_file: None,
        keep_alive: Duration::from_secs(30),
        connect_timeout: Duration::from_secs(10),
        max_packet_bytes: 1 << 20,
        max_in_flight: 64,
        max_pending_bytes: 1 << 20,
        will: None,
    };
    let login = Arc::new(Expiring { asked: AtomicUsize::new(0) });
    let filters = BTreeMap::from([("in/#".to_owned(), Qos::AtLeastOnce)]);
    let session = Session::with_login(options, login.clone(), filters);
    let (control, heard) = (session.control(), Heard::default());
    let running = {
        let mut heard = heard.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(session.run(&mut heard));
        })
    };
    let client = Client::new(broker.port);
    // Only what comes after the first subscription is kept for the session.
    until("the first message", || {
        client.publish("in/a", "0");
        (!heard.numbers.lock().unwrap().is_empty()).then_some(())
    });
    let mut sent = 0;
    let mut most_open = 0;
    until("a third connection", || {
        for _ in 0..20 {
            sent += 1;
            client.send([("in/a", sent.to_string())], QoS::AtLeastOnce).unwrap();
        }
        most_open = most_open.max(tap.open());
        (tap.connections() >= 3).then_some(())
    });
    until("all that was sent", || {
        let numbers = heard.numbers.lock().unwrap();
        (1..=sent).all(|number| numbers.contains(&number)).then_some(())
    });
    assert_eq!(most_open, 1, "one connection at a time");
    assert_eq!(tap.unasked(), [0; 0]);
    // Not broken off by anybody: the only failure is that of the token service.
    let failed = heard.failed.lock().unwrap().clone();
    assert_eq!(failed, ["no credentials for now: the token service does not answer"]);
    assert!(login.asked.load(Ordering::SeqCst) >= 4);
    control.stop();
    running.join().unwrap();
}
