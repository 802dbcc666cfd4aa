//! Inputs that no message carries: what one run leaves for the next, lengths, and numbers that are always the same.

use edgeward_engine::{Dim, Port, Signature};

use super::{Ask, Draft, DraftError, Filling, Leaf, LeafKind, sample::named_after};
use crate::domain::ElementType;

/// What is known of a model's inputs besides the messages.
pub(super) struct Given<'s> {
    signature: &'s Signature,
    /// The one input that may be the one array of the messages, whatever its name.
    array: Option<&'s str>,
}

impl<'s> Given<'s> {
    pub fn new(signature: &'s Signature, leaves: &[Leaf]) -> Self {
        let mut given = Given { signature, array: None };
        let unnamed = signature.inputs.iter().filter(|port| named_after(port, leaves).is_none());
        let mut left = unnamed.filter(|port| given.state_of(port).is_none() && !is_one(port));
        given.array = left.next().map(|port| port.name.as_str()).filter(|_| left.next().is_none());
        given
    }

    /// The messages' only array, for the only input that nothing else fills.
    pub fn the_only_array<'l>(&self, port: &Port, leaves: &'l [Leaf]) -> Option<&'l Leaf> {
        let mut arrays = leaves.iter().filter(|leaf| matches!(leaf.kind, LeafKind::Array(_)));
        arrays.next().filter(|_| arrays.next().is_none() && self.array == Some(port.name.as_str()))
    }

    /// How an input is filled that no field is named after; none where it has to be told.
    ///
    /// # Errors
    /// Where a number is wanted and nobody can be asked for it.
    pub fn filling(
        &mut self,
        port: &Port,
        draft: &mut Draft,
        ask: &mut dyn Ask,
    ) -> Result<Option<Filling>, DraftError> {
        let name = &port.name;
        if let Some(output) = self.state_of(port) {
            draft.notes.push(format!(
                "what the output `{output}` gives is carried to the input `{name}`, from message to message of a source"
            ));
            return Ok(Some(Filling::State(output.to_owned())));
        }
        if !is_one(port) || port.element == ElementType::String {
            return Ok(None);
        }
        let is_length = name.to_lowercase().contains("len");
        let measured = self.signature.inputs.iter().find(|other| {
            other.dims.iter().any(|dim| matches!(dim, Dim::Free(_))) && !is_one(other) && other.name != *name
        });
        if let (true, Some(other)) = (is_length, measured) {
            draft.notes.push(format!("the input `{name}` is taken for the length of `{}`", other.name));
            return Ok(Some(Filling::SizeOf(other.name.clone())));
        }
        Ok(Some(Filling::Constant(ask.constant(name)?)))
    }

    /// The output that an input's state comes from: of its type and shape, and named after it.
    fn state_of(&self, port: &Port) -> Option<&'s str> {
        let could_be = |from: &&Port| {
            let fits = |(a, b): (&Dim, &Dim)| match (a, b) {
                (Dim::Fixed(a), Dim::Fixed(b)) => a == b,
                _ => true,
            };
            from.element == port.element
                && from.dims.len() == port.dims.len()
                && from.dims.iter().zip(&port.dims).all(fits)
                && !is_one(port)
                && is_next(&port.name, &from.name)
        };
        let mut outputs = self.signature.outputs.iter().filter(could_be);
        outputs.next().map(|port| port.name.as_str()).filter(|_| outputs.next().is_none())
    }
}

/// One number.
fn is_one(port: &Port) -> bool {
    port.dims.iter().all(|dim| matches!(dim, Dim::Fixed(1) | Dim::Batch))
}

/// Whether an output's name is that of an input a step later: `state` and `stateN`, `h0` and `hn`, `past_key` and
/// `present_key`.
fn is_next(input: &str, output: &str) -> bool {
    const BEFORE: [&str; 9] = ["past", "prev", "before", "init", "input", "old", "in", "0", ""];
    const AFTER: [&str; 11] =
        ["present", "next", "after", "final", "output", "updated", "new", "out", "last", "n", "1"];
    let plain = |name: &str| {
        let kept = name.chars().filter(char::is_ascii_alphanumeric);
        kept.collect::<String>().to_lowercase()
    };
    let (input, output) = (plain(input), plain(output));
    let stems = |name: &str, marks: &[&str]| -> Vec<String> {
        let without = |mark: &&str| [name.strip_prefix(mark), name.strip_suffix(mark)];
        // `put` is what is left of `input` and `output`.
        let told = |stem: &&str| !stem.is_empty() && !stem.starts_with("put");
        let stems = marks.iter().flat_map(without).flatten().filter(told);
        stems.map(str::to_owned).collect()
    };
    let before = stems(&input, &BEFORE);
    stems(&output, &AFTER).iter().any(|stem| before.contains(stem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_found_by_its_names() {
        for (input, output) in [
            ("state", "stateN"),
            ("h0", "hn"),
            ("h", "h_out"),
            ("past_key", "present_key"),
            ("hidden_in", "hidden_out"),
            ("c", "new_c"),
            ("onnx::GRU_state", "onnx::GRU_state_next"),
        ] {
            assert!(is_next(input, output), "{input} and {output}");
        }
        for (input, output) in
            [("input", "output"), ("x", "y"), ("h", "c_out"), ("state", "statements"), ("a", "a")]
        {
            assert!(!is_next(input, output), "{input} and {output}");
        }
    }
}
