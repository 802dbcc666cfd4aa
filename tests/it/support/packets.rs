//! MQTT 3.1.1 packets cut out of a stream of bytes that passes by. A parser of its own, so that a
//! witness doesn't rest on the code it watches.

/// What the witness looks at; every other packet passes unseen.
#[derive(Debug, PartialEq, Eq)]
pub enum Packet {
    /// A PUBLISH; `id` is `None` at QoS 0.
    Publish {
        topic: String,
        payload: Vec<u8>,
        id: Option<u16>,
        again: bool,
    },
    Puback {
        id: u16,
    },
}

/// One direction of one connection.
#[derive(Default)]
pub struct Packets {
    unread: Vec<u8>,
}

impl Packets {
    /// Takes the next piece of the stream and hands on every packet that is complete with it.
    ///
    /// # Panics
    /// On bytes that are no MQTT: then the witness has nothing to say.
    pub fn feed(&mut self, piece: &[u8], mut take: impl FnMut(Packet)) {
        self.unread.extend_from_slice(piece);
        let mut at = 0;
        while let Some((header, length)) = header(&self.unread[at..]) {
            let Some(body) = self.unread.get(at + header..at + header + length) else { break };
            if let Some(packet) = packet(self.unread[at], body) {
                take(packet);
            }
            at += header + length;
        }
        self.unread.drain(..at);
    }
}

/// The length of the fixed header and of what follows it, once they are known.
fn header(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut length = 0;
    for (i, byte) in bytes.iter().skip(1).enumerate() {
        assert!(i < 4, "no MQTT: a length of more than four bytes");
        length |= usize::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Some((i + 2, length));
        }
    }
    None
}

fn packet(first: u8, body: &[u8]) -> Option<Packet> {
    let number = |at: usize| u16::from_be_bytes([body[at], body[at + 1]]);
    match first >> 4 {
        3 => {
            let end = 2 + usize::from(number(0));
            let topic = String::from_utf8(body[2..end].to_vec()).unwrap();
            let id = (first & 0b110 != 0).then(|| number(end));
            let payload = body[end + if id.is_some() { 2 } else { 0 }..].to_vec();
            Some(Packet::Publish { topic, payload, id, again: first & 0b1000 != 0 })
        }
        4 => Some(Packet::Puback { id: number(0) }),
        _ => None,
    }
}
