//! Attributes that name an element type.

use super::Node;
use crate::native::{
    fault::{Fault, fault},
    value::Kind,
};

/// The element type an attribute names.
///
/// # Errors
/// A number that is no element type.
pub fn of(node: &Node<'_>, attribute: &str) -> Result<Option<Kind>, Fault> {
    let Some(code) = node.attributes.int(attribute)?.filter(|&code| code != 0) else { return Ok(None) };
    let known = Kind::from_code(code);
    known.map(Some).ok_or_else(|| fault!("attribute `{attribute}` is {code}, which is no element type"))
}

/// What `Cast` casts to.
pub fn target(node: &Node<'_>) -> Result<Kind, Fault> {
    if node.opset >= 6 {
        return of(node, "to")?.ok_or_else(|| fault!("lacks its attribute `to`"));
    }
    let word = node.string("to", "")?;
    let known = (1..=28).filter_map(Kind::from_code).find(|kind| {
        kind.name().eq_ignore_ascii_case(word)
            || matches!((*kind, word), (Kind::F32, "FLOAT") | (Kind::F64, "DOUBLE"))
    });
    known.ok_or_else(|| fault!("attribute `to` is `{word}`, which is no element type"))
}
