//! Tensors made of little: ranges, diagonals, random numbers, spectra; losses, recurrent layers.

use super::prelude::*;
use crate::native::attributes::kind;

pub fn eye_like(node: &Node<'_>) -> Result<Rule, Fault> {
    like(node, None)
}

/// Of the shape of the input, and of its type unless `dtype` says another.
fn like(node: &Node<'_>, default: Option<Kind>) -> Result<Rule, Fault> {
    let kind = kind::of(node, "dtype")?.or(default);
    rule(move |given| {
        let own = given.kind(0, ANY)?;
        tensor(kind.or(own), given.shape(0)?)
    })
}

pub fn random_like(node: &Node<'_>) -> Result<Rule, Fault> {
    like(node, None)
}

pub fn random(node: &Node<'_>) -> Result<Rule, Fault> {
    let kind = kind::of(node, "dtype")?.unwrap_or(Kind::F32);
    let shape: Dims = node.ints("shape")?.unwrap_or_default().into_iter().map(Dim::Number).collect();
    rule(move |_| tensor(kind, shape.clone()))
}

pub fn multinomial(node: &Node<'_>) -> Result<Rule, Fault> {
    let kind = kind::of(node, "dtype")?.unwrap_or(Kind::I32);
    let samples = Dim::Number(node.int("sample_size", 1)?);
    rule(move |given| {
        given.kind(0, FLOATS)?;
        let x = given.ranked(0, 2)?;
        let shape: Dims = smallvec![x[0], samples];
        tensor(kind, shape)
    })
}

/// `Range` of whole numbers, where only its end is not known.
pub fn range(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        let kind = given.common(0..3, NUMBERS)?;
        let number = |index: usize| Ok::<_, Fault>(given.integers(index)?.and_then(|v| v.first().copied()));
        let (start, limit, delta) = (number(0)?, number(1)?, number(2)?);
        let mut length = Dim::Unknown;
        if let (Some(start), Some(limit), Some(Dim::ONE)) = (start, limit, delta) {
            let symbols = given.symbols();
            let count = symbols.sub(limit, start);
            if symbols.least(count).is_some_and(|least| least >= 0) {
                length = count;
            }
        }
        let shape: Dims = smallvec![length];
        tensor(kind, shape)
    })
}

/// `CumSum`, `CumProd`: an axis, which must be one.
pub fn cumulated(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        let kind = given.kind(0, NUMBERS)?;
        let shape = given.shape(0)?;
        if let (Some(shape), Some(Dim::Number(axis))) = (&shape, given.integer(1)?) {
            checked_axis(axis, shape.len())?;
        }
        tensor(kind, shape)
    })
}

/// A loss: of the target's shape, or one number; for scores their logarithms too.
pub fn loss(node: &Node<'_>) -> Result<Rule, Fault> {
    let each = node.string("reduction", "mean")? == "none";
    rule(move |given| {
        let kind = given.kind(0, FLOATS)?;
        given.kind(1, INDICES)?;
        let scores = given.shape(0)?;
        let shape = if each { given.shape(1)? } else { Some(Dims::new()) };
        Ok(smallvec![Fact::tensor(kind, shape), Fact::tensor(kind, scores)])
    })
}

/// Values, and what is kept of each.
pub fn training(kept: usize) -> Result<Rule, Fault> {
    rule(move |given| {
        let groups = 2 + kept;
        let count = given.len().saturating_sub(2) / groups;
        let mut made = Facts::new();
        for part in 0..=kept {
            for index in 0..count {
                let at = if part == 0 { 2 + index } else { 2 + (1 + part) * count + index };
                made.push(Fact::tensor(given.kind(at, FLOATS)?, given.shape(at)?));
            }
        }
        Ok(made)
    })
}

/// `RNN`, `GRU`, `LSTM`: all steps, and the last states.
pub fn recurrent(node: &Node<'_>) -> Result<Rule, Fault> {
    let batch_first = node.flag("layout", false)?;
    let directions = if node.string("direction", "forward")? == "bidirectional" { 2 } else { 1 };
    let hidden = node.attributes.int("hidden_size")?;
    rule(move |given| {
        let kind = given.floats_of(0..3)?;
        let (x, w, r) = (given.ranked(0, 3)?, given.ranked(1, 3)?, given.ranked(2, 3)?);
        given.same(x[2], w[2], || {
            format!("weights {} don't fit an input {}", given.shown(&w), given.shown(&x))
        })?;
        let (steps, batch) = if batch_first { (x[1], x[0]) } else { (x[0], x[1]) };
        let hidden = given.same(hidden.map_or(Dim::Unknown, Dim::Number), r[2], || {
            format!("attribute `hidden_size` is {}, its weights are {}", hidden.unwrap_or(0), given.shown(&r))
        })?;
        let directions = Dim::Number(directions);
        let (all, last): ([Dim; 4], [Dim; 3]) = if batch_first {
            ([batch, steps, directions, hidden], [batch, directions, hidden])
        } else {
            ([steps, directions, batch, hidden], [directions, batch, hidden])
        };
        let last = Fact::tensor(kind, Dims::from_slice(&last));
        Ok(smallvec![Fact::tensor(kind, Dims::from_slice(&all)), last.clone(), last])
    })
}

/// `DynamicQuantizeLSTM`: the same, and always f32.
pub fn quantised_lstm(node: &Node<'_>) -> Result<Rule, Fault> {
    let directions = if node.string("direction", "forward")? == "bidirectional" { 2 } else { 1 };
    let hidden = node.attributes.int("hidden_size")?.map_or(Dim::Unknown, Dim::Number);
    rule(move |given| {
        let x = given.ranked(0, 3)?;
        let (directions, kind) = (Dim::Number(directions), Kind::F32);
        let all: Dims = smallvec![x[0], directions, x[1], hidden];
        let last: Dims = smallvec![directions, x[1], hidden];
        Ok(smallvec![Fact::tensor(kind, all), Fact::tensor(kind, last.clone()), Fact::tensor(kind, last)])
    })
}

/// A window's length is its input's.
pub fn window(node: &Node<'_>) -> Result<Rule, Fault> {
    let kind = Kind::from_code(node.int("output_datatype", 1)?);
    rule(move |given| {
        let size = given.integer(0)?.unwrap_or_default();
        let shape: Dims = smallvec![size];
        tensor(kind, shape)
    })
}

pub fn mel_weight_matrix(node: &Node<'_>) -> Result<Rule, Fault> {
    let kind = Kind::from_code(node.int("output_datatype", 1)?);
    rule(move |given| {
        let bands = given.integer(0)?.unwrap_or_default();
        let length = given.integer(1)?.unwrap_or_default();
        let half = given.symbols().quotient(length, 2);
        let shape: Dims = smallvec![given.symbols().add(half, Dim::ONE), bands];
        tensor(kind, shape)
    })
}

pub fn dft(node: &Node<'_>) -> Result<Rule, Fault> {
    let (inverse, onesided) = (node.flag("inverse", false)?, node.flag("onesided", false)?);
    let attribute = if node.opset < 20 { Some(node.int("axis", 1)?) } else { None };
    rule(move |given| {
        let kind = given.kind(0, FLOATS)?;
        let Some(mut shape) = given.shape(0)? else { return tensor(kind, None) };
        let rank = shape.len();
        let axis = match attribute {
            Some(axis) => Some(axis),
            None if given.has(2) => given.integer(2)?.and_then(Dim::number),
            None => Some(-2),
        };
        let Some(axis) = axis else { return tensor(kind, unknown(rank)) };
        let axis = checked_axis(axis, rank)?;
        let size = shape[axis];
        // An empty length is none.
        let length = if given.has(1) {
            given.integer(1)?.unwrap_or_default()
        } else if inverse && onesided {
            let twice = given.symbols().mul(size, Dim::Number(2));
            given.symbols().sub(twice, Dim::Number(2))
        } else {
            size
        };
        let half = given.symbols().quotient(length, 2);
        shape[axis] = if onesided && !inverse { given.symbols().add(half, Dim::ONE) } else { length };
        shape[rank - 1] = Dim::Number(if onesided && inverse { 1 } else { 2 });
        tensor(kind, shape)
    })
}

pub fn stft(node: &Node<'_>) -> Result<Rule, Fault> {
    let onesided = node.flag("onesided", true)?;
    rule(move |given| {
        let kind = given.kind(0, FLOATS)?;
        let signal = given.shape(0)?;
        let (batch, length) = match signal.as_deref() {
            Some([batch, length]) | Some([batch, length, _]) => (*batch, *length),
            Some(other) => {
                return Err(fault!("input 0: has shape {}, must be a batch of signals", given.shown(other)));
            }
            None => (Dim::Unknown, Dim::Unknown),
        };
        let step = given.integer(1)?.and_then(Dim::number).unwrap_or(0);
        let frame = if given.has(3) {
            given.integer(3)?.unwrap_or_default()
        } else if given.has(2) {
            given.length(2)?
        } else {
            length
        };
        let symbols = given.symbols();
        let room = symbols.sub(length, frame);
        let steps = if step > 0 { symbols.quotient(room, step) } else { Dim::Unknown };
        let frames = symbols.add(steps, Dim::ONE);
        let half = symbols.quotient(frame, 2);
        let count = if onesided { symbols.add(half, Dim::ONE) } else { frame };
        let shape: Dims = smallvec![batch, frames, count, Dim::Number(2)];
        tensor(kind, shape)
    })
}
