//! The play: set up, wait until everybody is there, run, end in flow order, balance the books.

use std::{
    net::SocketAddr,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use tokio::{sync::oneshot, time::Instant as Deadline};

use super::{
    DemoError, Options,
    books::Accounts,
    broker::EmbeddedBroker,
    bundle::ShippedBundle,
    daemon::{self, Place, Running},
    interrupts::Interrupts,
    journal::Journal,
    link::Link,
    observer::Observer,
    simulator::{Fleet, Simulator},
    view::{Heading, Screen, Shown, millis},
};
use crate::{
    config::Config,
    mqtt::{BrokerUrl, Options as MqttOptions, Publish, Qos},
    telemetry::{AdminServer, LogFormat, LogSettings, State, http, log},
};
use edgeward_core::{crypto, domain::Bucket};

/// Connections of the machines; machines share them.
const MAX_CONNECTIONS: usize = 8;
/// How long the broker may take to let everybody in.
const READY_WITHIN: Duration = Duration::from_secs(15);
/// How long the end waits for acknowledgements and verdicts on their way.
const SETTLE_WITHIN: Duration = Duration::from_secs(5);
/// How often the picture is redrawn.
const FRAME: Duration = Duration::from_millis(250);
const FRAMES_PER_SECOND: u32 = 4;
/// How often a condition is looked at that nobody signals.
const GLANCE: Duration = Duration::from_millis(10);

/// Runs the demo to its end.
///
/// # Errors
/// [`DemoError::Books`] when the books differ, any other when it could not run.
pub fn run(options: &Options) -> Result<(), DemoError> {
    if !(0.01..=100_000.0).contains(&options.rate_per_sec) {
        return Err(DemoError::Rate(options.rate_per_sec));
    }
    if !(1..=10_000).contains(&options.machines) {
        return Err(DemoError::Machines(options.machines));
    }
    if let Some(url) = &options.broker {
        BrokerUrl::parse(url).map_err(|reason| DemoError::Url { url: url.clone(), reason })?;
    }
    let mut screen = Screen::open();
    // Warnings would tear the picture; what they say is part of it.
    let level = if screen.is_live() { "off,edgeward=error" } else { "off,edgeward=warn" };
    // A program that embeds the demo may have its own logs already.
    let _ = log::init(&LogSettings { format: LogFormat::Human, level: level.into() });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        let mut interrupts = Interrupts::listen()?;
        let stage = Stage::set_up(options)?;
        stage.play(options, &mut screen, &mut interrupts).await
    });
    runtime.shutdown_background();
    let accounts = result?;
    screen.say(&accounts.to_string())?;
    match accounts.differences() {
        differences if differences.is_empty() => Ok(()),
        differences => Err(DemoError::Books(differences.join("; "))),
    }
}

/// Everybody who takes part.
struct Stage {
    place: Place,
    journal: Arc<Journal>,
    observer: Arc<Observer>,
    daemon: Running,
    admin: Option<AdminServer>,
    model: String,
    state_topic: String,
    subscriber: Link,
    senders: Vec<Link>,
    /// The thread of the subscriber's and the machines' connections; ends with the sender.
    links_end: oneshot::Sender<()>,
    links: thread::JoinHandle<()>,
    // Declared last: dropped when everybody else is gone.
    _bundle: ShippedBundle,
    _broker: Option<EmbeddedBroker>,
}

impl Stage {
    fn set_up(options: &Options) -> Result<Stage, DemoError> {
        let run = crypto::new_epoch()?.to_string();
        let broker = match &options.broker {
            Some(_) => None,
            None => Some(EmbeddedBroker::start(SocketAddr::from(([127, 0, 0, 1], 0)))?),
        };
        let own_broker = broker.is_none();
        let place = Place {
            url: match &broker {
                Some(broker) => format!("mqtt://{}", broker.addr()),
                None => options.broker.clone().unwrap_or_default(),
            },
            // Somebody else's broker may know other machines.
            topic_prefix: if own_broker { format!("edgeward-demo/{run}/") } else { String::new() },
            own_broker,
            run,
        };
        let bundle =
            ShippedBundle::unpack(&place.run).map_err(|(path, source)| DemoError::Bundle { path, source })?;
        let config = daemon::configure(&place, bundle.path())?;
        let model = config.pipelines.first().map(|pipeline| &pipeline.model.identity);
        let model = model.map_or_else(String::new, |model| format!("{} {}", model.name, model.version));
        let state_topic = config.broker.state_topic.clone();

        let journal = Arc::new(Journal::new(&place.run));
        let observer = Arc::new(Observer::new(journal.clone()));
        let link = |role: &str, filters: &[String]| Link::new(link_options(&config, role), filters);
        let mut subscriber = link("subscriber", &[format!("{}verdicts/#", place.topic_prefix)]);
        let connections = options.machines.min(MAX_CONNECTIONS);
        let mut senders: Vec<Link> = (0..connections).map(|i| link(&format!("machines-{i}"), &[])).collect();

        let admin_addr = config.admin;
        let daemon = Running::start(config)?;
        // A demo without its status page is still a demo.
        let admin = admin_addr
            .and_then(|addr| http::bind(addr).ok())
            .and_then(|listener| http::serve(listener, daemon.telemetry().clone()).ok());

        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let seen = observer.clone();
        runtime.spawn(subscriber.run(move |incoming| seen.verdict(&incoming.payload)));
        for sender in &mut senders {
            runtime.spawn(sender.run(|_| {}));
        }
        let (links_end, ended) = oneshot::channel::<()>();
        let links = thread::Builder::new().name("connections".into()).spawn(move || {
            let _ = runtime.block_on(ended);
            runtime.shutdown_background();
        })?;
        Ok(Stage {
            place,
            journal,
            observer,
            daemon,
            admin,
            model,
            state_topic,
            subscriber,
            senders,
            links_end,
            links,
            _bundle: bundle,
            _broker: broker,
        })
    }

    async fn play(
        self,
        options: &Options,
        screen: &mut Screen,
        interrupts: &mut Interrupts,
    ) -> Result<Accounts, DemoError> {
        let heading = Heading {
            broker: match self.place.own_broker {
                true => format!("broker {}", self.place.url),
                false => format!("embedded broker {}", self.place.url),
            },
            machines: options.machines,
            rate_per_sec: options.rate_per_sec,
            model: self.model.clone(),
            status_url: self.admin.as_ref().map(|admin| format!("http://{}/status", admin.addr())),
        };
        if !screen.is_live() {
            screen.say(&format!(
                "{} machines, {} messages/s; {}; model {}; the daemon's own view: {}",
                heading.machines,
                heading.rate_per_sec,
                heading.broker,
                heading.model,
                heading.status_url.as_deref().unwrap_or("not served")
            ))?;
        }
        tokio::select! {
            ready = self.ready() => ready?,
            () = interrupts.next() => return Err(DemoError::Interrupted),
        }
        let fleet = Fleet {
            machines: options.machines,
            rate_per_sec: options.rate_per_sec,
            seed: 42,
            topic_prefix: self.place.topic_prefix.clone(),
        };
        let publishers = self.senders.iter().map(|sender| sender.publisher.clone()).collect();
        let mut simulator = Simulator::start(fleet, self.journal.clone(), publishers)?;
        let watched = tokio::select! {
            watched = self.watch(options.duration, &heading, &simulator, screen) => watched,
            () = interrupts.next() => Ok(()),
        };
        let accounts = tokio::select! {
            accounts = self.end(&mut simulator, screen) => accounts?,
            () = interrupts.next() => return Err(DemoError::Interrupted),
        };
        watched.map(|()| accounts)
    }

    /// Waits until the daemon, the subscriber and the machines are connected and subscribed.
    async fn ready(&self) -> Result<(), DemoError> {
        let everybody = async {
            self.subscriber.established().await;
            for sender in &self.senders {
                sender.established().await;
            }
            while !self.daemon.telemetry().readiness().ready() && !self.daemon.is_finished() {
                tokio::time::sleep(GLANCE).await;
            }
        };
        if tokio::time::timeout(READY_WITHIN, everybody).await.is_ok() {
            return Ok(());
        }
        let why = self.troubles();
        let why = if why.is_empty() { "it does not answer".into() } else { why.join("; ") };
        Err(DemoError::NotReady { url: self.place.url.clone(), waited_secs: READY_WITHIN.as_secs(), why })
    }

    /// Shows what happens until the time is up.
    async fn watch(
        &self,
        duration: Option<Duration>,
        heading: &Heading,
        simulator: &Simulator,
        screen: &mut Screen,
    ) -> Result<(), DemoError> {
        let began = Instant::now();
        let mut shown = Shown::default();
        let mut frames = tokio::time::interval(FRAME);
        frames.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut frame = 0u32;
        loop {
            let left = duration.map(|duration| duration.saturating_sub(began.elapsed()));
            tokio::select! {
                _ = frames.tick() => {}
                () = tokio::time::sleep(left.unwrap_or(Duration::MAX)), if left.is_some() => return Ok(()),
            }
            if self.daemon.is_finished() {
                return Err(DemoError::Ended);
            }
            shown.elapsed = began.elapsed();
            shown.sent = simulator.acknowledged();
            shown.anomalies = self.observer.counts().anomalies;
            shown.recent = self.observer.recent();
            shown.books = self.daemon.telemetry().books();
            shown.troubles = self.troubles();
            // The first frame is at the very beginning: no second is over then.
            if frame > 0 && frame.is_multiple_of(FRAMES_PER_SECOND) {
                shown.push_second(self.observer.second());
                screen.second(&shown)?;
            }
            screen.draw(heading, &shown)?;
            frame = frame.wrapping_add(1);
        }
    }

    /// What the daemon and the connections have to say, each thing once.
    fn troubles(&self) -> Vec<String> {
        let standing = self.daemon.telemetry().readiness().standing().into_iter();
        // That it starts is no trouble; what keeps it from starting has a state of its own.
        let daemon =
            standing.filter(|standing| standing.state != State::Starting).map(|standing| standing.text);
        let links = self.senders.iter().chain([&self.subscriber]).filter_map(|link| link.state.trouble());
        let mut troubles = Vec::new();
        for trouble in daemon.chain(links) {
            if !troubles.contains(&trouble) {
                troubles.push(trouble);
            }
        }
        troubles
    }

    /// Machines off, daemon drained, verdicts in, connections closed: in flow order.
    async fn end(self, simulator: &mut Simulator, screen: &mut Screen) -> Result<Accounts, DemoError> {
        simulator.stop(Deadline::now() + SETTLE_WITHIN).await;
        let sent = simulator.acknowledged();
        // What the broker has acknowledged is on its way to the daemon.
        let telemetry = self.daemon.telemetry().clone();
        settle(|| telemetry.books().received >= sent && telemetry.books().pending == 0).await;
        let reconnects = telemetry.broker().reconnects();
        let report = self.daemon.drain().await?;
        let daemon = report.books();
        settle(|| {
            self.observer.counts().distinct + self.observer.counts().repeats >= daemon.ended(Bucket::Scored)
        })
        .await;
        if let (Some(p50), Some(p99)) = (self.observer.quantile(0.5), self.observer.quantile(0.99)) {
            let (p50, p99) = (millis(Some(p50)), millis(Some(p99)));
            screen.say(&format!(
                "\nlatency from publish to verdict over the whole run: p50 {p50}, p99 {p99}"
            ))?;
        }
        if self.place.own_broker {
            forget(&self.subscriber, &self.state_topic).await;
        }
        let links = || self.senders.iter().chain([&self.subscriber]);
        let reconnected = reconnects > 0 || links().any(|link| link.state.connects() > 1);
        links().for_each(Link::stop);
        let details = report.ledgers.iter().flat_map(|(_, ledger)| Accounts::details(ledger)).collect();
        let left = report.left.iter().map(|left| format!("{}: {}", left.whose, left.what)).collect();
        let accounts = Accounts {
            made: simulator.made(),
            sent,
            daemon,
            details,
            left,
            subscriber: self.observer.counts(),
            reconnected,
        };
        let _ = self.links_end.send(());
        let _ = tokio::task::spawn_blocking(move || self.links.join()).await;
        drop(self.admin);
        Ok(accounts)
    }
}

/// How a connection of the demo's own side reaches the broker: as the daemon does, without a will.
fn link_options(config: &Config, role: &str) -> MqttOptions {
    let options = config.broker.options.clone();
    MqttOptions { client_id: format!("{}-{role}", options.client_id), will: None, ..options }
}

/// Waits until `done`, as long as it may take.
async fn settle(done: impl Fn() -> bool) {
    let deadline = Deadline::now() + SETTLE_WITHIN;
    while !done() && Deadline::now() < deadline {
        tokio::time::sleep(GLANCE).await;
    }
}

/// Removes the daemon's retained state from a broker that lives on.
async fn forget(link: &Link, state_topic: &str) {
    let mut nothing = vec![Publish {
        topic: state_topic.to_owned(),
        payload: bytes::Bytes::new(),
        qos: Qos::AtLeastOnce,
        retain: true,
        receipt: None,
    }];
    link.publisher.publish(&mut nothing);
    let _ = tokio::time::timeout(SETTLE_WITHIN, link.publisher.until_idle()).await;
}
