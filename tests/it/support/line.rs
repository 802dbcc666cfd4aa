//! A broker, a daemon with one pipeline, and a client that sends and hears.

use std::path::Path;

use serde_json::Value;

use super::{
    broker::Broker,
    client::{Client, Message},
    daemon::{Daemon, Ended, pipeline},
};

pub struct Line {
    pub daemon: Daemon,
    pub client: Client,
    pub broker: Broker,
}

impl Line {
    /// Pipeline `p` on `in/<source>`; verdicts and rejections are heard.
    pub fn start(model: &Path, rest: &str) -> Line {
        Self::with("", &pipeline(model, rest))
    }

    /// The same with settings before the pipeline's.
    pub fn with(settings: &str, pipeline: &str) -> Line {
        let broker = Broker::start();
        let daemon = Daemon::start(&broker, &format!("{settings}\n{pipeline}"));
        let client = Client::new(broker.port);
        client.subscribe("out/#");
        client.subscribe("errors");
        Line { daemon, client, broker }
    }

    /// Publishes for source `a` and gives the answer, a verdict or a rejection.
    pub fn say(&self, payload: impl Into<Vec<u8>>) -> Value {
        self.say_on("in/a", payload).json()
    }

    pub fn say_on(&self, topic: &str, payload: impl Into<Vec<u8>>) -> Message {
        self.client.publish(topic, payload);
        self.client.next()
    }

    /// The outputs of the verdict on `payload`.
    pub fn outputs(&self, payload: impl Into<Vec<u8>>) -> Value {
        let verdict = self.say(payload);
        assert!(verdict["outputs"].is_object(), "no verdict: {verdict}");
        verdict["outputs"].clone()
    }

    /// The reason and the detail of the rejection of `payload`.
    pub fn rejected(&self, payload: impl Into<Vec<u8>>) -> (String, String) {
        let rejection = self.say(payload);
        let text = |key: &str| match rejection[key].as_str() {
            Some(text) => text.to_owned(),
            None => panic!("no rejection: {rejection}"),
        };
        (text("reason"), text("detail"))
    }

    /// The next answer.
    pub fn next(&self) -> Value {
        self.client.next().json()
    }

    pub fn stop(self) -> Ended {
        self.daemon.stop()
    }
}
