//! A look at the protobuf before it is decoded: is it whole, and is it modest?
//!
//! A decoded message takes a few hundred bytes of memory but can take two in the file, so a
//! small hostile file could ask for a hundred times its size. The walk allocates nothing beyond
//! its stack and counts messages. Wire format: <https://protobuf.dev/programming-guides/encoding/>;
//! field numbers: `onnx.proto3` of ONNX 1.18.

/// Messages a file may hold before it must justify them with its size.
const FREE_MESSAGES: usize = 1 << 20;
/// Nesting of messages; prost stops at 100 as well.
const MAX_DEPTH: usize = 100;

/// A message whose fields are known here; others need no look inside.
#[derive(Clone, Copy)]
enum Kind {
    Model,
    Graph,
    Node,
    Attribute,
    Function,
    /// Small, without children that could be many.
    Leaf,
    ValueInfo,
    Type,
    /// What a sequence or an optional holds.
    Element,
    Map,
    TensorType,
    Shape,
    SparseTensor,
    Tensor,
    Training,
}

impl Kind {
    /// The message in field `number`, where that field is one.
    fn child(self, number: u64) -> Option<Kind> {
        Some(match (self, number) {
            (Kind::Model, 7) => Kind::Graph,
            (Kind::Model, 8 | 14) => Kind::Leaf,
            (Kind::Model, 20) => Kind::Training,
            (Kind::Model, 25) => Kind::Function,
            (Kind::Graph, 1) | (Kind::Function, 7) => Kind::Node,
            (Kind::Graph, 5) => Kind::Tensor,
            (Kind::Graph, 11..=13) => Kind::ValueInfo,
            (Kind::Graph, 14) => Kind::Leaf,
            (Kind::Graph, 15) => Kind::SparseTensor,
            (Kind::Node, 5) => Kind::Attribute,
            (Kind::Attribute, 5 | 10) => Kind::Tensor,
            (Kind::Attribute, 6 | 11) => Kind::Graph,
            (Kind::Attribute, 14 | 15) => Kind::Type,
            (Kind::Attribute, 22 | 23) => Kind::SparseTensor,
            (Kind::Function, 9) => Kind::Leaf,
            (Kind::Function, 11) => Kind::Attribute,
            (Kind::ValueInfo, 2) => Kind::Type,
            (Kind::Type, 1 | 8) => Kind::TensorType,
            (Kind::Type, 4 | 9) => Kind::Element,
            (Kind::Type, 5) => Kind::Map,
            (Kind::Element, 1) | (Kind::Map, 2) => Kind::Type,
            (Kind::TensorType, 2) => Kind::Shape,
            (Kind::Shape, 1) => Kind::Leaf,
            (Kind::SparseTensor, 1 | 2) => Kind::Tensor,
            (Kind::Tensor, 3 | 13) => Kind::Leaf,
            (Kind::Training, 1 | 2) => Kind::Graph,
            (Kind::Training, 3 | 4) => Kind::Leaf,
            _ => return None,
        })
    }
}

/// Checks that `bytes` are a whole protobuf message with a reasonable number of parts.
///
/// # Errors
/// One sentence on what is wrong and at which byte.
pub(crate) fn check(bytes: &[u8]) -> Result<(), String> {
    // A real model spends far more than 64 bytes of file on each message.
    let mut walk = Walk { bytes, left: FREE_MESSAGES.max(bytes.len() / 64) };
    walk.message(Kind::Model, 0, bytes.len(), 0)
}

struct Walk<'a> {
    bytes: &'a [u8],
    left: usize,
}

impl Walk<'_> {
    fn message(&mut self, kind: Kind, mut at: usize, end: usize, depth: usize) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err(format!("messages are nested more than {MAX_DEPTH} deep at byte {at}"));
        }
        while at < end {
            let field_at = at;
            let (tag, next) = self.varint(at, end)?;
            at = next;
            let number = tag >> 3;
            if number == 0 {
                return Err(format!("byte {field_at} is not the start of a protobuf field"));
            }
            at = match tag & 7 {
                0 => self.varint(at, end)?.1,
                1 => skip(at, 8, end)?,
                2 => {
                    let (len, start) = self.varint(at, end)?;
                    let stop = skip(start, len, end)?;
                    if let Some(child) = kind.child(number) {
                        self.left = self
                            .left
                            .checked_sub(1)
                            .ok_or("it holds more parts than a model of its size can have")?;
                        self.message(child, start, stop, depth + 1)?;
                    } else if len == 0 {
                        // Empty repeated strings: two bytes of file, a whole `String` in memory.
                        self.left = self
                            .left
                            .checked_sub(1)
                            .ok_or("it holds more empty values than a model of its size can have")?;
                    }
                    stop
                }
                5 => skip(at, 4, end)?,
                _ => return Err(format!("byte {field_at} is not the start of a protobuf field")),
            };
        }
        Ok(())
    }

    fn varint(&self, mut at: usize, end: usize) -> Result<(u64, usize), String> {
        let mut value = 0u64;
        for shift in (0..70).step_by(7) {
            if at >= end {
                return Err(format!("it is cut short at byte {at}"));
            }
            let byte = self.bytes[at];
            at += 1;
            value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte & 0x80 == 0 {
                return Ok((value, at));
            }
        }
        Err(format!("byte {at} is inside a number that has no end"))
    }
}

fn skip(at: usize, len: u64, end: usize) -> Result<usize, String> {
    usize::try_from(len)
        .ok()
        .and_then(|len| at.checked_add(len))
        .filter(|&stop| stop <= end)
        .ok_or_else(|| format!("it is cut short: the part at byte {at} should have {len} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_message_names_the_byte() {
        // Field 7 (the graph), 5 bytes announced, 1 there.
        let error = check(&[0x3a, 5, 0]).unwrap_err();
        assert!(error.contains("cut short"), "{error}");
    }

    #[test]
    fn text_is_not_protobuf() {
        assert!(check(b"<html><body>404 Not Found</body></html>").is_err());
    }

    /// A field with a message in it.
    fn field(tag: u8, message: &[u8]) -> Vec<u8> {
        let mut bytes = vec![tag];
        let mut len = message.len();
        while len >= 0x80 {
            bytes.push((len & 0x7f) as u8 | 0x80);
            len >>= 7;
        }
        bytes.push(len as u8);
        bytes.extend(message);
        bytes
    }

    #[test]
    fn millions_of_empty_nodes_are_refused() {
        let error = check(&field(0x3a, &[0x0a, 0].repeat(2_000_000))).unwrap_err();
        assert!(error.contains("more parts"), "{error}");
    }

    #[test]
    fn deep_nesting_is_refused() {
        // A graph in an attribute in a node in a graph ...
        let graph = (0..60).fold(vec![], |graph, _| field(0x0a, &field(0x2a, &field(0x32, &graph))));
        let error = check(&field(0x3a, &graph)).unwrap_err();
        assert!(error.contains("nested"), "{error}");
    }
}
