//! Texts joined, split, matched.

use std::{cell::Cell, sync::Arc};

use smallvec::smallvec;

use super::pattern::pattern;
use crate::native::{
    attributes::Node,
    exec::{Op, Run, one, op},
    fault::{Fault, fault},
    kernels::broadcast,
    value::{Shape, Tensor, elements},
};

/// `StringConcat`, ai.onnx 20: pair by pair, with broadcasting.
pub fn concat(_: &Node<'_>) -> Result<Op, Fault> {
    op(|run, args| {
        let (a, b) = (args.slice::<Arc<str>>(0)?, args.slice::<Arc<str>>(1)?);
        let (a_shape, b_shape) = (args.tensor(0)?.shape(), args.tensor(1)?.shape());
        let shape = broadcast::shape(a_shape, b_shape)?;
        let mut out = run.buffer(elements(&shape)?)?;
        // Texts that double in a loop must end at the bound, not in the machine's memory.
        let bytes = Cell::new(0usize);
        let join = |a: &Arc<str>, b: &Arc<str>| {
            bytes.set(bytes.get().saturating_add(a.len()).saturating_add(b.len()));
            if run.check_len::<u8>(bytes.get()).is_err() {
                return Arc::default();
            }
            [&**a, &**b].concat().into()
        };
        broadcast::zip((a, a_shape), (b, b_shape), &shape, &mut out, join);
        run.check_len::<u8>(bytes.get())?;
        one(Tensor::of(shape, out)?)
    })
}

/// `StringSplit`, ai.onnx 20: at a delimiter, or at white space; rows filled up with empty texts, and how
/// many parts each has.
pub fn split(node: &Node<'_>) -> Result<Op, Fault> {
    let delimiter: Arc<str> = node.string("delimiter", "")?.into();
    let most = node.attributes.int("maxsplit")?.and_then(|most| usize::try_from(most).ok());
    op(move |run, args| {
        let texts = args.slice::<Arc<str>>(0)?;
        let parts: Vec<Vec<&str>> = texts.iter().map(|text| parts(text, &delimiter, most)).collect();
        let width = parts.iter().map(Vec::len).max().unwrap_or(0);
        let counts = parts.iter().map(|parts| parts.len() as i64).collect();
        let shape = args.tensor(0)?.shape();
        let out = table(run, &parts, width, "")?;
        let mut wide = Shape::from_slice(shape);
        wide.push(width);
        Ok(smallvec![Tensor::of(wide, out)?.into(), Tensor::of::<i64>(shape, counts)?.into()])
    })
}

/// Rows of texts, each filled up to `width`.
pub fn table(
    run: &mut Run<'_>,
    rows: &[Vec<&str>],
    width: usize,
    filler: &str,
) -> Result<Vec<Arc<str>>, Fault> {
    let len = elements(&[rows.len(), width])?;
    let mut out = run.buffer::<Arc<str>>(len)?;
    let filler: Arc<str> = filler.into();
    for row in rows {
        out.extend(row.iter().map(|&part| Arc::from(part)));
        out.extend(std::iter::repeat_n(filler.clone(), width - row.len()));
    }
    Ok(out)
}

/// The parts of one text, after at most `most` cuts.
fn parts<'t>(text: &'t str, delimiter: &str, most: Option<usize>) -> Vec<&'t str> {
    let most = most.unwrap_or(usize::MAX);
    if !delimiter.is_empty() {
        return text.splitn(most.saturating_add(1), delimiter).collect();
    }
    let mut parts = vec![];
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = if parts.len() < most { rest.find(char::is_whitespace) } else { None };
        let end = end.unwrap_or(rest.len());
        parts.push(&rest[..end]);
        rest = rest[end..].trim_start();
    }
    parts
}

/// `RegexFullMatch`, ai.onnx 20: whether the pattern matches all of the text.
pub fn full_match(node: &Node<'_>) -> Result<Op, Fault> {
    let given = node.attributes.string("pattern")?.ok_or_else(|| fault!("lacks its attribute `pattern`"))?;
    let regex = pattern(&format!(r"\A(?:{given})\z"))?;
    op(move |run, args| {
        let texts = args.slice::<Arc<str>>(0)?;
        let mut out = run.buffer(texts.len())?;
        out.extend(texts.iter().map(|text| regex.is_match(text)));
        one(Tensor::of(args.tensor(0)?.shape(), out)?)
    })
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn white_space_is_one_separator_and_a_delimiter_is_exact() {
        assert_eq!(parts("  a \t b  c ", "", None), ["a", "b", "c"]);
        assert_eq!(parts(" a b  c", "", Some(1)), ["a", "b  c"]);
        assert_eq!(parts("a,,b", ",", None), ["a", "", "b"]);
        assert_eq!(parts("a,,b", ",", Some(1)), ["a", ",b"]);
        assert_eq!(parts("a,b", ",", Some(0)), ["a,b"]);
        assert!(parts("  ", "", None).is_empty());
        assert_eq!(parts("", ",", None), [""]);
    }
}
