//! One connection, from its CONNACK to its end.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::Arc,
    time::Duration,
};

use bytes::BytesMut;
use rumqttc::mqttbytes::{
    self, QoS,
    v4::{
        Packet, PubAck, Publish as PublishPacket, Subscribe, SubscribeFilter, SubscribeReasonCode,
        Unsubscribe,
    },
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::watch,
    time::{Instant, sleep_until},
};

use super::{
    Admission, Handler, Incoming, Options, Publish, Qos,
    acks::AckBook,
    control::{Desired, LASTED},
    frame::{Frame, Framer},
    in_flight::{InFlight, MOST_IN_FLIGHT},
    outbound::Shared,
};

/// Why a connection ended.
#[derive(Debug)]
pub(super) enum Ended {
    Stopped,
    /// The credentials end soon.
    Renewed,
    ByBroker,
    Silent(Duration),
    Failed(String),
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ended::Stopped => f.write_str("stopped"),
            Ended::Renewed => f.write_str("made anew, with new credentials"),
            Ended::ByBroker => f.write_str("the broker closed the connection"),
            Ended::Silent(after) => write!(f, "the broker was silent for {} s", after.as_secs()),
            Ended::Failed(why) => f.write_str(why),
        }
    }
}

/// Bytes read at once, and written before more is taken from the publishers.
const BUFFER_BYTES: usize = 64 << 10;
/// How long the last bytes may take at a stop.
const GOODBYE: Duration = Duration::from_secs(2);

pub(super) struct Serve<'s> {
    options: &'s Options,
    shared: &'s Arc<Shared>,
    desired: &'s mut watch::Receiver<Desired>,
    in_flight: &'s mut InFlight,
    framer: Framer,
    input: BytesMut,
    output: BytesMut,
    acks: AckBook,
    /// A message nobody had room for: nothing more is read until it is taken.
    held: Option<Incoming>,
    last_packet_id: u16,
    subscribed: BTreeMap<String, Qos>,
    /// SUBSCRIBE packets without their SUBACK.
    subscribing: HashMap<u16, Vec<String>>,
    taken: Vec<Publish>,
    next_ping: Instant,
    /// When the connection is no longer young; none once it was told.
    lasts_at: Option<Instant>,
    /// When the connection is to be made anew.
    renew_at: Option<Instant>,
    /// Something was read since the last ping.
    heard: bool,
}

impl<'s> Serve<'s> {
    pub fn new(
        options: &'s Options,
        shared: &'s Arc<Shared>,
        desired: &'s mut watch::Receiver<Desired>,
        in_flight: &'s mut InFlight,
        input: BytesMut,
        renew_at: Option<Instant>,
    ) -> Self {
        Serve {
            framer: Framer::new(options.max_packet_bytes),
            acks: AckBook::new(shared.wake.clone()),
            next_ping: Instant::now() + options.keep_alive,
            lasts_at: Some(Instant::now() + LASTED),
            output: BytesMut::with_capacity(BUFFER_BYTES),
            held: None,
            last_packet_id: 0,
            subscribed: BTreeMap::new(),
            subscribing: HashMap::new(),
            taken: Vec::new(),
            heard: true,
            renew_at,
            options,
            shared,
            desired,
            in_flight,
            input,
        }
    }

    pub async fn run<R, W>(
        mut self,
        mut reader: R,
        mut writer: W,
        first: Vec<Publish>,
        handler: &mut dyn Handler,
    ) -> Ended
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let ended = match self.begin(first) {
            Ok(()) => self.turn(&mut reader, &mut writer, handler).await,
            Err(ended) => ended,
        };
        self.shared.set_paused(false);
        if matches!(ended, Ended::Stopped | Ended::Renewed) {
            // Who comes back at once says nothing, and leaves the will unsaid too.
            let last = if matches!(ended, Ended::Renewed) { Vec::new() } else { handler.goodbye() };
            let goodbye = async {
                // Not acknowledged any more: the broker takes what comes before a DISCONNECT.
                for publish in last {
                    self.send(publish).ok();
                }
                self.write(&Packet::Disconnect).ok();
                writer.write_all(&self.output).await?;
                writer.shutdown().await
            };
            // The broker notices a lost goodbye by itself; waiting longer would help nobody.
            let _ = tokio::time::timeout(GOODBYE, goodbye).await;
        }
        ended
    }

    /// What goes out first: the caller's own, then what the last connection left unacknowledged.
    fn begin(&mut self, first: Vec<Publish>) -> Result<(), Ended> {
        let again = self.in_flight.take();
        for publish in first {
            // Not from the queue, which counts what it gives out.
            self.shared.entered(&publish);
            self.send(publish)?;
        }
        for (packet_id, publish) in again {
            // A first publish may have taken the id; the broker treats it as its own then.
            let packet_id = if self.in_flight.contains(packet_id) { self.packet_id() } else { packet_id };
            self.write_publish(&publish, packet_id, true)?;
            self.in_flight.push(packet_id, publish);
        }
        Ok(())
    }

    async fn turn<R, W>(&mut self, reader: &mut R, writer: &mut W, handler: &mut dyn Handler) -> Ended
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        loop {
            match self.advance(handler) {
                Ok(false) => {}
                Ok(true) => return Ended::Stopped,
                Err(ended) => return ended,
            }
            if self.input.capacity() - self.input.len() < BUFFER_BYTES / 4 {
                self.input.reserve(BUFFER_BYTES);
            }
            tokio::select! {
                written = writer.write_buf(&mut self.output), if !self.output.is_empty() => match written {
                    Ok(0) => return Ended::ByBroker,
                    Ok(_) => {}
                    Err(error) => return failed(&error),
                },
                read = reader.read_buf(&mut self.input), if self.held.is_none() => match read {
                    Ok(0) => return Ended::ByBroker,
                    Ok(_) => self.heard = true,
                    Err(error) => return failed(&error),
                },
                () = self.shared.wake.notified() => {}
                // Looked at in `advance`; an error there is a stop.
                _ = self.desired.changed() => {}
                () = sleep_until(self.renew_at.unwrap_or(self.next_ping)), if self.renew_at.is_some() => {
                    return Ended::Renewed;
                }
                () = sleep_until(self.lasts_at.unwrap_or(self.next_ping).min(self.next_ping)) => {
                    if let Err(ended) = self.timer(handler) {
                        return ended;
                    }
                }
            }
        }
    }

    /// Everything that can be done without waiting. True when told to stop.
    fn advance(&mut self, handler: &mut dyn Handler) -> Result<bool, Ended> {
        let (stop, filters_changed) = {
            let desired = self.desired.borrow();
            (desired.stop || desired.away, desired.filters != self.subscribed)
        };
        if filters_changed && !stop {
            self.subscribe()?;
        }
        if let Some(incoming) = self.held.take() {
            self.offer(incoming, handler);
        }
        while self.held.is_none() {
            match self.framer.next(&mut self.input) {
                Ok(Some(frame)) => self.received(frame, handler)?,
                Ok(None) => break,
                Err(error) => return Err(Ended::Failed(error.to_string())),
            }
        }
        while let Some(packet_id) = self.acks.next_done() {
            self.write(&Packet::PubAck(PubAck::new(packet_id)))?;
        }
        if self.output.len() < BUFFER_BYTES {
            let room = self.in_flight_room()?;
            let mut taken = std::mem::take(&mut self.taken);
            self.shared.take(BUFFER_BYTES - self.output.len(), room, &mut taken);
            for publish in taken.drain(..) {
                self.send(publish)?;
            }
            self.taken = taken;
            // A QoS 0 verdict just written may have settled an input.
            while let Some(packet_id) = self.acks.next_done() {
                self.write(&Packet::PubAck(PubAck::new(packet_id)))?;
            }
        }
        Ok(stop)
    }

    /// How many QoS 1 publishes may go out now.
    ///
    /// While a message is held back, the acknowledgements of ours stand unread behind it. To wait
    /// for them would be to wait for each other: the queue for the worker, the worker for room to
    /// publish, that for an acknowledgement, and reading it for the queue. So the bound is off then;
    /// what goes out is the verdicts of what the broker itself has in flight to us.
    fn in_flight_room(&self) -> Result<usize, Ended> {
        let len = self.in_flight.len();
        if self.held.is_none() {
            return Ok(self.options.max_in_flight.saturating_sub(len));
        }
        match MOST_IN_FLIGHT.saturating_sub(len) {
            0 => Err(Ended::Failed(format!(
                "{len} verdicts wait for acknowledgements that stand behind unread messages; bound `max_inflight_messages` in the broker"
            ))),
            room => Ok(room),
        }
    }

    fn offer(&mut self, incoming: Incoming, handler: &mut dyn Handler) {
        // Raised before the attempt: room made while it fails must not go untold.
        self.shared.set_paused(true);
        match handler.message(incoming) {
            Admission::Taken => self.shared.set_paused(false),
            Admission::Full(incoming) => self.held = Some(incoming),
        }
    }

    fn received(&mut self, frame: Frame, handler: &mut dyn Handler) -> Result<(), Ended> {
        match frame {
            Frame::Oversize { topic, bytes, packet_id } => {
                handler.oversize(&topic, bytes);
                if let Some(packet_id) = packet_id {
                    self.acks.enter(packet_id).done();
                }
            }
            Frame::Packet(Packet::Publish(publish)) => {
                let ticket = (publish.qos != QoS::AtMostOnce).then(|| self.acks.enter(publish.pkid));
                let PublishPacket { topic, payload, retain: retained, .. } = publish;
                match handler.message(Incoming { topic, payload, retained, ticket }) {
                    Admission::Taken => {}
                    Admission::Full(incoming) => self.offer(incoming, handler),
                }
            }
            Frame::Packet(Packet::PubAck(PubAck { pkid })) => {
                if let Some(publish) = self.in_flight.acknowledged(pkid) {
                    self.shared.acknowledged();
                    if let Some(receipt) = publish.receipt {
                        receipt.give();
                    }
                }
            }
            Frame::Packet(Packet::SubAck(ack)) => {
                let filters = self.subscribing.remove(&ack.pkid).unwrap_or_default();
                let refused = |code: &SubscribeReasonCode| matches!(code, SubscribeReasonCode::Failure);
                let refused: Vec<String> = filters
                    .into_iter()
                    .zip(&ack.return_codes)
                    .filter(|(_, code)| refused(code))
                    .map(|(filter, _)| filter)
                    .collect();
                handler.subscribed(&refused);
            }
            Frame::Packet(Packet::PingResp | Packet::UnsubAck(_)) => {}
            Frame::Packet(other) => return Err(Ended::Failed(format!("unexpected packet {other:?}"))),
        }
        Ok(())
    }

    /// Subscribes to what is wanted and unsubscribes from what no longer is.
    fn subscribe(&mut self) -> Result<(), Ended> {
        let wanted = self.desired.borrow_and_update().filters.clone();
        let gone: Vec<String> =
            self.subscribed.keys().filter(|filter| !wanted.contains_key(*filter)).cloned().collect();
        if !gone.is_empty() {
            let pkid = self.packet_id();
            self.write(&Packet::Unsubscribe(Unsubscribe { pkid, topics: gone }))?;
        }
        let new: Vec<(String, Qos)> = wanted
            .iter()
            .filter(|(filter, qos)| self.subscribed.get(*filter) != Some(*qos))
            .map(|(filter, qos)| (filter.clone(), *qos))
            .collect();
        if !new.is_empty() {
            let pkid = self.packet_id();
            let filters = new.iter().map(|(filter, qos)| SubscribeFilter::new(filter.clone(), level(*qos)));
            self.write(&Packet::Subscribe(Subscribe { pkid, filters: filters.collect() }))?;
            self.subscribing.insert(pkid, new.into_iter().map(|(filter, _)| filter).collect());
        }
        self.subscribed = wanted;
        Ok(())
    }

    fn send(&mut self, publish: Publish) -> Result<(), Ended> {
        match publish.qos {
            Qos::AtMostOnce => {
                self.write_publish(&publish, 0, false)?;
                if let Some(receipt) = publish.receipt {
                    receipt.give();
                }
            }
            Qos::AtLeastOnce => {
                let packet_id = self.packet_id();
                self.write_publish(&publish, packet_id, false)?;
                self.in_flight.push(packet_id, publish);
            }
        }
        Ok(())
    }

    fn packet_id(&mut self) -> u16 {
        loop {
            self.last_packet_id = self.last_packet_id.checked_add(1).unwrap_or(1);
            let id = self.last_packet_id;
            if !self.subscribing.contains_key(&id) && !self.in_flight.contains(id) {
                return id;
            }
        }
    }

    fn write_publish(&mut self, publish: &Publish, packet_id: u16, again: bool) -> Result<(), Ended> {
        let mut packet =
            PublishPacket::from_bytes(&*publish.topic, level(publish.qos), publish.payload.clone());
        packet.pkid = packet_id;
        packet.dup = again;
        packet.retain = publish.retain;
        self.write(&Packet::Publish(packet))
    }

    fn write(&mut self, packet: &Packet) -> Result<(), Ended> {
        let written = packet.write(&mut self.output, usize::MAX);
        written.map(drop).map_err(|error: mqttbytes::Error| Ended::Failed(error.to_string()))
    }

    /// The earlier one of two moments has come.
    fn timer(&mut self, handler: &mut dyn Handler) -> Result<(), Ended> {
        match self.lasts_at {
            Some(lasts_at) if lasts_at <= self.next_ping => {
                self.lasts_at = None;
                handler.taken_over(false);
                Ok(())
            }
            _ => self.ping(),
        }
    }

    fn ping(&mut self) -> Result<(), Ended> {
        // While nothing is read, the answer can't be seen.
        if !self.heard && self.held.is_none() {
            return Err(Ended::Silent(self.options.keep_alive));
        }
        self.heard = false;
        self.next_ping = Instant::now() + self.options.keep_alive;
        self.write(&Packet::PingReq)
    }
}

fn level(qos: Qos) -> QoS {
    match qos {
        Qos::AtMostOnce => QoS::AtMostOnce,
        Qos::AtLeastOnce => QoS::AtLeastOnce,
    }
}

fn failed(error: &std::io::Error) -> Ended {
    Ended::Failed(format!("the connection failed: {error}"))
}
