//! Texts cut into words.

use std::sync::Arc;

use regex::Regex;

use super::{pattern::pattern, strings::table};
use crate::native::{
    attributes::Node,
    exec::{Op, one, op},
    fault::{Fault, fault},
    value::{Shape, Tensor},
};

/// What stands before and after each text's tokens when they are marked: the control characters
/// start and end of text.
const MARKS: [&str; 2] = ["\u{2}", "\u{3}"];

enum Way {
    /// Every character.
    Characters,
    /// What is between any of these.
    Between(Vec<Regex>),
    /// What this matches.
    Matching(Regex),
}

/// `Tokenizer`, com.microsoft 1 (ONNX Runtime's contributed operators; what scikit-learn's text vectorisers are
/// exported to): another dimension with the tokens of each text, filled up with `pad_value`.
pub fn tokenize(node: &Node<'_>) -> Result<Op, Fault> {
    let a = &node.attributes;
    let way = match (a.strings("separators")?, a.string("tokenexp")?) {
        (Some(separators), None) if separators == [""] => Way::Characters,
        (Some(separators), None) if !separators.is_empty() => {
            Way::Between(separators.into_iter().map(pattern).collect::<Result<_, _>>()?)
        }
        (None, Some(token)) => Way::Matching(pattern(token)?),
        _ => return Err(fault!("must have either `separators` or `tokenexp`")),
    };
    let mark = node.flag("mark", false)?;
    let filler: Arc<str> =
        a.string("pad_value")?.ok_or_else(|| fault!("lacks its attribute `pad_value`"))?.into();
    let shortest = usize::try_from(node.int("mincharnum", 1)?)
        .ok()
        .filter(|&shortest| shortest > 0)
        .ok_or_else(|| fault!("attribute `mincharnum` must be more than 0"))?;
    op(move |run, args| {
        let texts = args.slice::<Arc<str>>(0)?;
        let mut shape = Shape::from_slice(args.tensor(0)?.shape());
        let mut rows = Vec::with_capacity(texts.len());
        for text in texts {
            let mut row = match &way {
                Way::Characters => characters(text),
                Way::Between(separators) => between(text, separators, shortest),
                Way::Matching(token) => matching(text, token, shortest),
            };
            if mark {
                row.insert(0, MARKS[0]);
                row.push(MARKS[1]);
            }
            rows.push(row);
        }
        let width = rows.iter().map(Vec::len).max().unwrap_or(0);
        let out = table(run, &rows, width, &filler)?;
        shape.push(width);
        one(Tensor::of(shape, out)?)
    })
}

fn characters(text: &str) -> Vec<&str> {
    text.char_indices().map(|(at, c)| &text[at..at + c.len_utf8()]).collect()
}

fn is_long(token: &str, shortest: usize) -> bool {
    token.chars().nth(shortest - 1).is_some()
}

/// Separator after separator cuts the pieces that the one before has left.
fn between<'t>(text: &'t str, separators: &[Regex], shortest: usize) -> Vec<&'t str> {
    let mut pieces = vec![text];
    for separator in separators {
        pieces = pieces.iter().flat_map(|piece| separator.split(piece)).collect();
    }
    pieces.retain(|piece| is_long(piece, shortest));
    pieces
}

/// One match after the other; one that is too short is tried again from its second character on.
fn matching<'t>(text: &'t str, token: &Regex, shortest: usize) -> Vec<&'t str> {
    let mut tokens = vec![];
    let mut at = 0;
    while let Some(found) = token.find_at(text, at) {
        if is_long(found.as_str(), shortest) {
            tokens.push(found.as_str());
            at = found.end();
        } else {
            let Some(next) = text[found.start()..].chars().next() else { break };
            at = found.start() + next.len_utf8();
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_what_lies_between_or_what_matches() {
        let separators = [pattern(r"\s").unwrap(), pattern(",").unwrap()];
        assert_eq!(between("a, bc,,d e", &separators, 1), ["a", "bc", "d", "e"]);
        assert_eq!(between("a, bc,,d e", &separators, 2), ["bc"]);
        assert_eq!(matching("ab é1 c", &pattern(r"\w+").unwrap(), 1), ["ab", "1", "c"]);
        assert_eq!(matching("abc d", &pattern("[a-z]*").unwrap(), 1), ["abc", "d"]);
        assert_eq!(characters("aé"), ["a", "é"]);
    }
}
