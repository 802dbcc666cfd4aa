//! Packets from bytes: rumqttc's codec, and a way past a packet that is too large.

use bytes::{Buf, BytesMut};
use rumqttc::mqttbytes::{self, QoS, v4::Packet};

/// What was read.
#[derive(Debug)]
pub(super) enum Frame {
    Packet(Packet),
    /// A PUBLISH over the limit: its bytes are skipped as they come.
    Oversize {
        topic: String,
        bytes: usize,
        packet_id: Option<u16>,
    },
}

#[derive(Debug, thiserror::Error)]
#[error("the broker sent bytes that are not MQTT 3.1.1: {0}")]
pub(super) struct NotMqtt(String);

/// Cuts packets out of the stream of bytes.
#[derive(Debug)]
pub(super) struct Framer {
    max_packet_bytes: usize,
    /// Bytes of an oversize packet still to be thrown away.
    skip: usize,
}

/// Most bytes of a PUBLISH before its payload: fixed header, topic, packet id.
const MAX_HEAD_BYTES: usize = 5 + 2 + 65_535 + 2;

impl Framer {
    pub fn new(max_packet_bytes: usize) -> Self {
        Framer { max_packet_bytes, skip: 0 }
    }

    /// The next packet, or `None` when more bytes are needed.
    pub fn next(&mut self, buffer: &mut BytesMut) -> Result<Option<Frame>, NotMqtt> {
        if self.skip > 0 {
            let skipped = self.skip.min(buffer.len());
            buffer.advance(skipped);
            self.skip -= skipped;
            if self.skip > 0 {
                return Ok(None);
            }
        }
        match Packet::read(buffer, self.max_packet_bytes) {
            Ok(packet) => Ok(Some(Frame::Packet(packet))),
            Err(mqttbytes::Error::InsufficientBytes(_)) => Ok(None),
            Err(mqttbytes::Error::PayloadSizeLimitExceeded(length)) => self.oversize(buffer, length),
            Err(error) => Err(NotMqtt(error.to_string())),
        }
    }

    /// Reads the head of a PUBLISH over the limit and skips the rest. Its payload never is in
    /// memory, and a QoS 1 message can be acknowledged, so that the broker doesn't send it again
    /// and again.
    fn oversize(&mut self, buffer: &mut BytesMut, length: usize) -> Result<Option<Frame>, NotMqtt> {
        let first = buffer[0];
        if first >> 4 != 3 {
            return Err(NotMqtt(format!("a packet of type {} and {length} bytes", first >> 4)));
        }
        // 1 byte of type, then the length in 7-bit groups.
        let head =
            1 + buffer[1..].iter().take(4).position(|byte| byte & 0x80 == 0).map_or(4, |last| last + 1);
        let with_id = (first >> 1) & 0b11 != QoS::AtMostOnce as u8;
        let Some(topic_len) =
            buffer.get(head..head + 2).map(|b| usize::from(u16::from_be_bytes([b[0], b[1]])))
        else {
            return Ok(None);
        };
        let needed = head + 2 + topic_len + if with_id { 2 } else { 0 };
        if needed - head > length {
            return Err(NotMqtt("a PUBLISH whose topic is longer than itself".into()));
        }
        debug_assert!(needed <= MAX_HEAD_BYTES, "a topic's length has two bytes");
        if buffer.len() < needed {
            return Ok(None);
        }
        let topic = String::from_utf8_lossy(&buffer[head + 2..head + 2 + topic_len]).into_owned();
        let id = &buffer[needed - 2..needed];
        let packet_id = with_id.then(|| u16::from_be_bytes([id[0], id[1]]));
        let whole = head + length;
        self.skip = whole;
        let skipped = whole.min(buffer.len());
        buffer.advance(skipped);
        self.skip -= skipped;
        Ok(Some(Frame::Oversize { topic, bytes: length, packet_id }))
    }
}

#[cfg(test)]
mod tests {
    use rumqttc::mqttbytes::v4::Publish;

    use super::*;

    #[test]
    fn an_oversize_publish_is_skipped_in_any_cut_and_the_next_packet_is_read() {
        let mut bytes = BytesMut::new();
        let mut large = Publish::new("a/b", QoS::AtLeastOnce, vec![7; 5000]);
        large.pkid = 9;
        large.write(&mut bytes).unwrap();
        Publish::new("c", QoS::AtMostOnce, vec![1]).write(&mut bytes).unwrap();
        for piece in [1, 3, 100, bytes.len()] {
            let mut framer = Framer::new(1000);
            let (mut buffer, mut seen) = (BytesMut::new(), Vec::new());
            for chunk in bytes.chunks(piece) {
                buffer.extend_from_slice(chunk);
                while let Some(frame) = framer.next(&mut buffer).unwrap() {
                    seen.push(match frame {
                        Frame::Oversize { topic, packet_id, .. } => format!("{topic} {packet_id:?}"),
                        Frame::Packet(Packet::Publish(publish)) => publish.topic,
                        Frame::Packet(other) => format!("{other:?}"),
                    });
                }
            }
            assert_eq!(seen, ["a/b Some(9)", "c"], "in pieces of {piece}");
        }
    }
}
