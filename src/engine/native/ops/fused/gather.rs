//! Rows of a table of integers of a few bits.

use super::blocks::{count, packed, width, zeros};
use crate::native::{
    attributes::Node,
    exec::{Op, Run, one, op},
    fault::{Fault, fault},
    kernels::{
        real,
        shape::{around, axis as checked_axis},
    },
    ops::quantised::floats,
    value::{Data, Shape, Tensor, elements, small},
};

/// The numbers of a table before their scales: their shape, how many bits they have where they lie several to a byte,
/// and what is zero where nothing says so.
struct Table<'t> {
    data: &'t Tensor,
    shape: Shape,
    bits: Option<usize>,
    zero: f32,
}

impl<'t> Table<'t> {
    fn of(data: &'t Tensor, bits: usize) -> Result<Self, Fault> {
        let mut shape = Shape::from_slice(data.shape());
        let (bits, zero) = match data.data() {
            Data::U8(_) => {
                if let Some(last) = shape.last_mut() {
                    *last *= 8 / bits;
                }
                (Some(bits), (1u32 << (bits - 1)) as f32)
            }
            Data::Small(..) => (None, 0.0),
            _ => {
                return Err(fault!(
                    "input 0: is {}, must be integers of at most 8 bits, or small floats",
                    data.kind()
                ));
            }
        };
        elements(&shape)?;
        Ok(Table { data, shape, bits, zero })
    }

    fn at(&self, place: usize) -> f32 {
        match (self.data.data(), self.bits) {
            (Data::U8(bytes), Some(bits)) => f32::from(packed(bytes, place, bits)),
            (Data::Small(kind, codes), _) => small::to_f32(*kind, codes[place]),
            _ => 0.0,
        }
    }
}

/// `GatherBlockQuantized`, com.microsoft 1: a `Gather` along `gather_axis` of numbers that have a scale for each block
/// along `quantize_axis`. An index that points outside gives zeros.
pub(super) fn gather_block_quantized(node: &Node<'_>) -> Result<Op, Fault> {
    let (bits, block) = (width(node)?, node.int("block_size", 128)?);
    let (quantised, along) = (node.int("quantize_axis", 1)?, node.int("gather_axis", 0)?);
    let block = match usize::try_from(block) {
        Ok(0) => usize::MAX,
        Ok(_) => count(node, "block_size", Some(128))?,
        Err(_) => return Err(fault!("attribute `block_size` is {block}")),
    };
    op(move |run, args| {
        let table = Table::of(args.tensor(0)?, bits)?;
        let (quantised, along) =
            (checked_axis(quantised, table.shape.len())?, checked_axis(along, table.shape.len())?);
        let scales = Scales::new(run, &table, args.tensor(2)?, args.opt(3)?, quantised, block)?;
        let (indices, kind) = (args.ints(1)?, args.tensor(2)?.kind());
        let (outer, dim, inner) = around(&table.shape, along);
        let mut shape = Shape::from_slice(&table.shape[..along]);
        shape.extend_from_slice(args.tensor(1)?.shape());
        shape.extend_from_slice(&table.shape[along + 1..]);
        let mut y: Vec<f32> = run.buffer(elements(&shape)?)?;
        for outer in 0..outer {
            for &index in &indices {
                let from_end = if index < 0 { index.saturating_add(dim as i64) } else { index };
                match usize::try_from(from_end).ok().filter(|&at| at < dim) {
                    None => y.extend(std::iter::repeat_n(0.0, inner)),
                    Some(at) => {
                        let start = (outer * dim + at) * inner;
                        y.extend((start..start + inner).map(|place| scales.scaled(table.at(place), place)));
                    }
                }
            }
        }
        one(real::tensor(run, kind, &shape, y)?)
    })
}

/// Which scale and zero point a place of the table has.
struct Scales {
    scales: std::sync::Arc<Vec<f32>>,
    zeros: Vec<f32>,
    /// Length and stride of the axis with blocks.
    len: usize,
    inner: usize,
    block: usize,
    blocks: usize,
}

impl Scales {
    fn new(
        run: &mut Run<'_>,
        table: &Table<'_>,
        scales: &Tensor,
        zero_points: Option<&Tensor>,
        axis: usize,
        block: usize,
    ) -> Result<Self, Fault> {
        let (_, len, inner) = around(&table.shape, axis);
        let blocks = len.div_ceil(block);
        let mut shape = table.shape.clone();
        shape[axis] = blocks;
        if *scales.shape() != *shape {
            return Err(fault!("input 2: scales {scales} must have shape {shape:?}"));
        }
        let count = elements(&shape)?;
        let zeros = match (zero_points, table.bits) {
            (None, _) => run.filled(count, table.zero)?,
            // Packed along the last axis, as the numbers are.
            (Some(given), Some(bits)) => {
                let row = shape.last().copied().unwrap_or(1);
                zeros(run, Some(given), [count / row.max(1), row], bits)?
            }
            (Some(given), None) => zeros(run, Some(given), [1, count], 8)?,
        };
        Ok(Scales { scales: floats(run, scales)?, zeros, len, inner, block, blocks })
    }

    fn scaled(&self, number: f32, place: usize) -> f32 {
        let along = place / self.inner % self.len / self.block;
        let at = (place / (self.inner * self.len) * self.blocks + along) * self.inner + place % self.inner;
        (number - self.zeros[at]) * self.scales[at]
    }
}
