//! Quantised numbers.

use super::{matrix, movement, prelude::*};
use crate::native::attributes::{kind, spatial};

/// The zero point says the type, or the node does.
pub fn quantize(node: &Node<'_>) -> Result<Rule, Fault> {
    let output = kind::of(node, "output_dtype")?;
    rule(move |given| {
        given.kind(0, ANY)?;
        let kind = if given.has(2) { given.kind(2, ANY)? } else { Some(output.unwrap_or(Kind::U8)) };
        tensor(kind, given.shape(0)?)
    })
}

/// The type of the scale, unless the node says another.
pub fn dequantize(node: &Node<'_>) -> Result<Rule, Fault> {
    let output = kind::of(node, "output_dtype")?;
    rule(move |given| {
        given.kind(0, ANY)?;
        let scale = given.kind(1, ANY)?.map(|kind| if kind.is_small() { Kind::F32 } else { kind });
        tensor(output.or(scale), given.shape(0)?)
    })
}

/// With the scale and zero point it has chosen.
pub fn dynamic(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        given.kind(0, Kinds::of(&[Kind::F32]))?;
        let y = Fact::tensor(Kind::U8, given.shape(0)?);
        Ok(smallvec![y, Fact::tensor(Kind::F32, Dims::new()), Fact::tensor(Kind::U8, Dims::new())])
    })
}

/// The product of inputs 0 and `b`, in 32 bits.
fn product(b: usize, kind: Kind) -> Result<Rule, Fault> {
    rule(move |given| {
        given.kind(0, ANY)?;
        given.kind(b, ANY)?;
        tensor(kind, matrix::product(given, 0, b)?)
    })
}

pub fn matmul_integer(_: &Node<'_>) -> Result<Rule, Fault> {
    product(1, Kind::I32)
}

pub fn matmul_to_float(_: &Node<'_>) -> Result<Rule, Fault> {
    product(1, Kind::F32)
}

pub fn qlinear_matmul(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        let shape = matrix::product(given, 0, 3)?;
        tensor(given.kind(7, ANY)?, shape)
    })
}

/// Without a result's scale the result is f32.
pub fn qgemm(node: &Node<'_>) -> Result<Rule, Fault> {
    let transposed = (node.flag("transA", false)?, node.flag("transB", false)?);
    let (scaled, zero) = (node.has_input(7), node.has_input(8));
    rule(move |given| {
        let kind = match (scaled, zero) {
            (false, _) => Some(Kind::F32),
            (true, true) => given.kind(8, ANY)?,
            (true, false) => Some(Kind::U8),
        };
        tensor(kind, matrix::gemm_shape(given, 0, 3, transposed)?)
    })
}

/// `QLinearAdd`, `QLinearMul`: the first operand's type.
pub fn two_operands(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        let kind = given.kind(0, ANY)?;
        tensor(kind, given.together([0, 3])?)
    })
}

/// `QLinearWhere`: the first operand's type.
pub fn chosen(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        let kind = given.kind(1, ANY)?;
        tensor(kind, given.together([0, 1, 4])?)
    })
}

/// Three inputs an operand, after the result's scale and zero point.
pub fn concat(node: &Node<'_>) -> Result<Rule, Fault> {
    let axis = node.required_int("axis")?;
    rule(move |given| {
        let kind = given.kind(2, ANY)?;
        let parts: Vec<usize> = (2..given.len()).step_by(3).collect();
        tensor(kind, movement::joined(given, &parts, axis)?)
    })
}

/// The rank stays; a window's result is worked out when it runs, where channels may be last.
pub fn pool(node: &Node<'_>) -> Result<Rule, Fault> {
    let spec = spatial::spec(node)?;
    let kernel: Dims = node.ints("kernel_shape")?.unwrap_or_default().into_iter().map(Dim::Number).collect();
    let last = node.flag("channels_last", false)?;
    rule(move |given| {
        let kind = given.kind(0, ANY)?;
        let Some(shape) = given.shape(0)? else { return tensor(kind, None) };
        let rank = shape.len();
        if last || rank < 3 || kernel.len() + 2 != rank || spec.dilations.is_some() {
            return tensor(kind, unknown(rank));
        }
        let mut made: Dims = smallvec![shape[0], shape[1]];
        let windows = super::window::windows(given.symbols(), &spec, &shape[2..], &kernel);
        made.extend(windows.unwrap_or_else(|_| unknown(rank - 2)));
        tensor(kind, made)
    })
}

pub fn global_pool(node: &Node<'_>) -> Result<Rule, Fault> {
    let last = node.flag("channels_last", false)?;
    rule(move |given| {
        let kind = given.kind(0, ANY)?;
        let Some(mut shape) = given.shape(0)? else { return tensor(kind, None) };
        let rank = shape.len();
        for (axis, dim) in shape.iter_mut().enumerate().skip(1) {
            if axis != if last { rank - 1 } else { 1 } {
                *dim = Dim::ONE;
            }
        }
        tensor(kind, shape)
    })
}
