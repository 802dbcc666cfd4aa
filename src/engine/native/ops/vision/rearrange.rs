//! Blocks of an image to channels and back, and cutting to a size.

use crate::{
    map_data,
    native::{
        attributes::Node,
        exec::{Args, Op, Outputs, Run, one, op},
        fault::{Fault, fault},
        kernels::shape::{Walk, axes, strides},
        value::{Shape, Tensor, elements},
    },
};

struct Blocks {
    size: usize,
    /// The channel is outermost among what a block holds (`CRD`).
    channel_first: bool,
}

fn blocks(node: &Node<'_>) -> Result<Blocks, Fault> {
    let size = node.required_int("blocksize")?;
    Ok(Blocks {
        size: usize::try_from(size)
            .ok()
            .filter(|&size| size > 0)
            .ok_or_else(|| fault!("attribute `blocksize` is {size}, must be 1 or more"))?,
        channel_first: match node.string("mode", "DCR")? {
            "DCR" => false,
            "CRD" => true,
            other => return Err(fault!("attribute `mode` is `{other}`, must be `DCR` or `CRD`")),
        },
    })
}

fn image(x: &Tensor) -> Result<[usize; 4], Fault> {
    x.shape().try_into().map_err(|_| fault!("input 0: has shape {:?}, must have four axes", x.shape()))
}

/// The tensor read as `shape`, its axes in the order `order`, then taken for `target`.
fn transposed(
    run: &mut Run<'_>,
    x: &Tensor,
    shape: [usize; 6],
    order: [usize; 6],
    target: [usize; 4],
) -> Result<Outputs, Fault> {
    let own = strides(&shape);
    let turned: Shape = order.iter().map(|&axis| shape[axis]).collect();
    let steps: Shape = order.iter().map(|&axis| own[axis]).collect();
    let data = map_data!(x.data(), v => {
        let mut y = run.buffer(v.len())?;
        y.extend(Walk::new(&turned, [steps]).map(|[at]| v[at].clone()));
        y
    });
    one(Tensor::new(&target[..], data)?)
}

/// `DepthToSpace`, ai.onnx 1 to 28: since 11 `mode`; later versions add types.
pub(super) fn depth_to_space(node: &Node<'_>) -> Result<Op, Fault> {
    let Blocks { size, channel_first } = blocks(node)?;
    op(move |run, args| {
        let x = args.tensor(0)?;
        let [n, c, h, w] = image(x)?;
        let per_block = size.checked_mul(size).filter(|&block| c % block == 0);
        let block =
            per_block.ok_or_else(|| fault!("input 0: {c} channels don't fill blocks of {size} by {size}"))?;
        let target = [n, c / block, h * size, w * size];
        if channel_first {
            transposed(run, x, [n, c / block, size, size, h, w], [0, 1, 4, 2, 5, 3], target)
        } else {
            transposed(run, x, [n, size, size, c / block, h, w], [0, 3, 4, 1, 5, 2], target)
        }
    })
}

/// `SpaceToDepth`, ai.onnx 1, 13, 28: 28 adds `mode`.
pub(super) fn space_to_depth(node: &Node<'_>) -> Result<Op, Fault> {
    let Blocks { size, channel_first } = blocks(node)?;
    op(move |run, args| {
        let x = args.tensor(0)?;
        let [n, c, h, w] = image(x)?;
        if h % size != 0 || w % size != 0 {
            return Err(fault!("input 0: {h} by {w} can't be cut into blocks of {size} by {size}"));
        }
        let order = if channel_first { [0, 1, 3, 5, 2, 4] } else { [0, 3, 5, 1, 2, 4] };
        let depth = size.checked_mul(size).and_then(|block| block.checked_mul(c));
        let depth =
            depth.ok_or_else(|| fault!("blocks of {size} by {size} make too many channels to count"))?;
        transposed(run, x, [n, c, h / size, size, w / size, size], order, [n, depth, h / size, w / size])
    })
}

/// `CenterCropPad`, ai.onnx 18: cuts or fills with zeros, as much at both ends; what is odd at the end.
pub(super) fn center_crop_pad(node: &Node<'_>) -> Result<Op, Fault> {
    let given = node.ints("axes")?;
    fn body(run: &mut Run<'_>, args: &Args, given: Option<&[i64]>) -> Result<Outputs, Fault> {
        let (x, sizes) = (args.tensor(0)?, args.ints(1)?);
        let chosen = match given {
            Some(given) => axes(given, x.rank())?,
            None => (0..x.rank()).collect(),
        };
        if sizes.len() != chosen.len() {
            return Err(fault!("input 1: has {} sizes for {} axes", sizes.len(), chosen.len()));
        }
        let mut shape = Shape::from_slice(x.shape());
        for (&axis, &size) in chosen.iter().zip(&sizes) {
            shape[axis] = usize::try_from(size).map_err(|_| fault!("input 1: size {size} is negative"))?;
        }
        let len = elements(&shape)?;
        // What is kept, and where it begins on either side.
        let kept: Shape = x.shape().iter().zip(&shape).map(|(&from, &to)| from.min(to)).collect();
        let start = |long: &[usize], strides: &[usize]| -> usize {
            long.iter()
                .zip(&kept)
                .zip(strides)
                .map(|((&long, &kept), stride)| (long - kept) / 2 * stride)
                .sum()
        };
        let (from, to) = (strides(x.shape()), strides(&shape));
        let (first, target) = (start(x.shape(), &from), start(&shape, &to));
        let data = map_data!(x.data(), v => {
            let mut y = run.filled(len, Default::default())?;
            for [from, to] in Walk::new(&kept, [from, to]) {
                y[target + to] = v[first + from].clone();
            }
            y
        });
        one(Tensor::new(shape, data)?)
    }
    op(move |run, args| body(run, &args, given.as_deref()))
}
