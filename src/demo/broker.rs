//! The embedded broker: MQTT on a free loopback port, in memory, on a thread of its own.
//!
//! Alone imports mqtt5 (docs/decisions/0002-demo-broker.md).

use std::{
    net::SocketAddr,
    sync::{Arc, mpsc},
    thread,
};

use mqtt5::broker::{
    BrokerConfig, MqttBroker,
    config::{RateLimitConfig, StorageBackend, StorageConfig},
};
use tokio::sync::Notify;

/// Messages the broker keeps for a client that can't follow; beyond that it would drop the oldest.
/// The simulators stop before: they wait when more are without a verdict.
const MAX_QUEUED_MESSAGES: usize = 200_000;
const MAX_QUEUED_BYTES: usize = 256 << 20;

/// The broker, running until dropped.
pub struct EmbeddedBroker {
    addr: SocketAddr,
    /// Ours: the crate's own shutdown is lost when it comes before the broker runs.
    stop: Arc<Notify>,
    thread: Option<thread::JoinHandle<()>>,
}

/// Why there is no embedded broker.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    #[error(
        "the embedded broker can't listen on {addr}: {reason}; use a broker of your own with `--broker URL`"
    )]
    CannotListen { addr: SocketAddr, reason: String },
    #[error("the system gave no thread for the embedded broker: {0}; raise its limits (`ulimit -u`)")]
    NoThread(std::io::Error),
}

impl EmbeddedBroker {
    /// Starts a broker; port 0 takes a free one. It listens when this returns.
    ///
    /// # Errors
    /// [`BrokerError`] when it can't listen there or there is no thread.
    pub fn start(addr: SocketAddr) -> Result<EmbeddedBroker, BrokerError> {
        let (tell, told) = mpsc::sync_channel(1);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(BrokerError::NoThread)?;
        let stop = Arc::new(Notify::new());
        let stopped = stop.clone();
        let thread = thread::Builder::new()
            .name("demo-broker".into())
            .spawn(move || runtime.block_on(serve(addr, tell, &stopped)))
            .map_err(BrokerError::NoThread)?;
        let gone = || Err(BrokerError::CannotListen { addr, reason: "its thread ended".into() });
        let addr = told.recv().unwrap_or_else(|_| gone())?;
        Ok(EmbeddedBroker { addr, stop, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for EmbeddedBroker {
    fn drop(&mut self) {
        self.stop.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(addr: SocketAddr, tell: mpsc::SyncSender<Result<SocketAddr, BrokerError>>, stop: &Notify) {
    let failed = |reason: String| Err(BrokerError::CannotListen { addr, reason });
    let mut broker = match MqttBroker::with_config(config(addr)).await {
        Ok(broker) => broker,
        Err(error) => {
            let _ = tell.send(failed(error.to_string()));
            return;
        }
    };
    let started = match broker.local_addr() {
        Some(addr) => Ok(addr),
        None => failed("it does not tell its port".into()),
    };
    if tell.send(started).is_err() {
        return;
    }
    tokio::select! {
        () = stop.notified() => {}
        ended = broker.run() => {
            if let Err(error) = ended {
                tracing::error!(%error, "the embedded broker failed");
            }
        }
    }
}

fn config(addr: SocketAddr) -> BrokerConfig {
    let mut config = BrokerConfig::default()
        .with_bind_address(addr)
        .with_sys_topics_enabled(false)
        .with_storage(StorageConfig {
            backend: StorageBackend::Memory,
            enable_persistence: false,
            max_queued_messages_per_client: MAX_QUEUED_MESSAGES,
            max_queued_bytes_per_client: MAX_QUEUED_BYTES,
            ..StorageConfig::default()
        });
    // Only this process talks to it.
    config.auth_config.rate_limit = RateLimitConfig { enabled: false, ..RateLimitConfig::default() };
    config
}

#[cfg(test)]
mod tests {
    use std::{
        collections::HashSet,
        sync::{Arc, Mutex},
        time::Duration,
    };

    use bytes::Bytes;

    use super::*;
    use crate::{
        demo::link::Link,
        mqtt::{BrokerUrl, FixedLogin, Options, Publish, Qos},
    };

    fn loopback() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 0))
    }

    fn link(broker: &EmbeddedBroker, client_id: &str, filters: &[String]) -> Link {
        let options = Options {
            url: BrokerUrl::parse(&format!("mqtt://{}", broker.addr())).unwrap(),
            client_id: client_id.into(),
            login: FixedLogin::default(),
            ca_file: None,
            keep_alive: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            max_packet_bytes: 1 << 20,
            max_in_flight: 64,
            max_pending_bytes: 1 << 20,
            will: None,
        };
        Link::new(options, filters)
    }

    #[test]
    fn a_taken_port_is_an_error_and_a_free_one_is_told() {
        let broker = EmbeddedBroker::start(loopback()).unwrap();
        assert_ne!(broker.addr().port(), 0);
        let other = EmbeddedBroker::start(loopback()).unwrap();
        assert_ne!(broker.addr(), other.addr());
        let error = EmbeddedBroker::start(broker.addr()).err().unwrap().to_string();
        assert!(error.contains(&broker.addr().to_string()) && error.contains("`--broker URL`"), "{error}");
        let addr = other.addr();
        drop(other);
        drop(EmbeddedBroker::start(addr).unwrap());
    }

    #[test]
    fn nothing_is_lost_at_qos_1() {
        const SENDERS: usize = 4;
        const EACH: usize = 5_000;
        let broker = EmbeddedBroker::start(loopback()).unwrap();
        let seen = Arc::new(Mutex::new(HashSet::new()));
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let mut receiver = link(&broker, "receiver", &["m/#".into()]);
        let mut senders: Vec<_> = (0..SENDERS).map(|i| link(&broker, &format!("sender-{i}"), &[])).collect();
        let noted = seen.clone();
        runtime.spawn(receiver.run(move |message| {
            noted.lock().unwrap().insert(message.payload.clone());
        }));
        for sender in &mut senders {
            runtime.spawn(sender.run(|_| {}));
        }
        let patience = Duration::from_secs(60);
        let established = async {
            receiver.established().await;
            for sender in &senders {
                sender.established().await;
            }
        };
        runtime.block_on(async { tokio::time::timeout(patience, established).await }).unwrap();
        for n in 0..EACH {
            for (i, sender) in senders.iter().enumerate() {
                let mut message = vec![Publish {
                    topic: format!("m/{i}"),
                    payload: Bytes::from(format!("{i}-{n}")),
                    qos: Qos::AtLeastOnce,
                    retain: false,
                    receipt: None,
                }];
                assert!(sender.publisher.publish(&mut message).is_empty());
            }
        }
        let all = async {
            for sender in &senders {
                sender.publisher.until_idle().await;
            }
            while seen.lock().unwrap().len() < SENDERS * EACH {
                tokio::task::yield_now().await;
            }
        };
        let arrived = runtime.block_on(async { tokio::time::timeout(patience, all).await });
        assert!(arrived.is_ok(), "{} of {} arrived", seen.lock().unwrap().len(), SENDERS * EACH);
    }
}
