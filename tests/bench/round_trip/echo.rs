//! The limit: a module without a model, as one writes it with rumqttc.

use std::{future::pending, time::Duration};

use rumqttc::{AsyncClient, Event, MqttOptions, NetworkOptions, Packet, QoS};

use crate::load::{TOPIC_IN, TOPIC_OUT};

/// Sends every message back, until the process is ended.
pub fn run(port: u16, qos: QoS) -> Result<(), String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    runtime.block_on(async {
        let mut options = MqttOptions::new("bench-echo", "127.0.0.1", port);
        options.set_keep_alive(Duration::from_secs(30)).set_inflight(1000);
        let (client, mut events) = AsyncClient::new(options, 1000);
        if qos == QoS::AtLeastOnce {
            // Else a PUBACK waits up to 40 ms for the one before it to be acknowledged.
            let mut network = NetworkOptions::new();
            network.set_tcp_nodelay(true);
            events.set_network_options(network);
        }
        client.subscribe(TOPIC_IN, qos).await.map_err(|e| e.to_string())?;
        loop {
            match events.poll().await {
                Ok(Event::Incoming(Packet::Publish(message))) => {
                    let sent = client.publish_bytes(TOPIC_OUT, qos, false, message.payload).await;
                    sent.map_err(|e| e.to_string())?;
                }
                Ok(_) => {}
                // The broker went away: the run is over.
                Err(_) => pending::<()>().await,
            }
        }
    })
}
