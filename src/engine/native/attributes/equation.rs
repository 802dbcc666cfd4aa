//! The equation of `Einsum`.

use super::Node;
use crate::native::fault::{Fault, fault};

/// A term as it is written; `None` stands for the ellipsis.
pub type Term = Vec<Option<char>>;

fn term(text: &str) -> Result<Term, Fault> {
    let mut term = vec![];
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("...") {
            if term.contains(&None) {
                return Err(fault!("attribute `equation`: `{text}` has more than one ellipsis"));
            }
            term.push(None);
            rest = after;
        } else if letter.is_ascii_alphabetic() {
            term.push(Some(letter));
            rest = &rest[1..];
        } else {
            return Err(fault!(
                "attribute `equation`: `{letter}` in `{text}` is neither letter nor ellipsis"
            ));
        }
    }
    Ok(term)
}

/// The equation.
pub struct Equation {
    pub terms: Vec<Term>,
    /// `None`: in alphabetical order what occurs once.
    pub result: Option<Term>,
}

impl Equation {
    /// # Errors
    /// An equation that can't be read.
    pub fn read(node: &Node<'_>) -> Result<Self, Fault> {
        Equation::new(node.string("equation", "")?)
    }

    fn new(text: &str) -> Result<Self, Fault> {
        let text: String = text.chars().filter(|letter| *letter != ' ').collect();
        let (left, right) = match text.split_once("->") {
            Some((left, right)) => (left, Some(right)),
            None => (&*text, None),
        };
        let terms = left.split(',').map(term).collect::<Result<_, _>>()?;
        Ok(Equation { terms, result: right.map(term).transpose()? })
    }
}
