//! Means over windows of quantised numbers. Inputs: X, its scale and zero point, the result's.

use super::levels::{level, levels, single, store, zero_point};
use crate::native::{
    attributes::Node,
    exec::{Args, Op, Outputs, Run, one, op},
    fault::{Fault, fault},
    kernels::shape::{Walk, strides},
    value::{Shape, Tensor, elements},
};

/// What the windows look like.
struct Windows {
    kernel: Vec<i64>,
    strides: Vec<i64>,
    pads: Vec<i64>,
    auto_pad: String,
    ceil: bool,
    count_padding: bool,
}

/// Of one axis: how many windows, how far apart, and how much padding is before the first element.
struct Along {
    windows: usize,
    step: i64,
    before: i64,
    kernel: i64,
    padded: i64,
}

impl Windows {
    fn along(&self, axis: usize, len: usize) -> Result<Along, Fault> {
        let wrong = || fault!("its kernel, strides and pads don't go with axis {axis} of {len}");
        let len = i64::try_from(len).map_err(|_| wrong())?;
        let axes = self.kernel.len();
        let kernel = self.kernel[axis];
        let step = self.strides.get(axis).copied().unwrap_or(1);
        if kernel < 1 || step < 1 || kernel > i64::from(u32::MAX) || step > i64::from(u32::MAX) {
            return Err(wrong());
        }
        let same = (len + step - 1) / step;
        let (before, after) = match &*self.auto_pad {
            "SAME_UPPER" | "SAME_LOWER" => {
                let total = ((same - 1) * step + kernel - len).max(0);
                let less = total / 2;
                if self.auto_pad == "SAME_UPPER" { (less, total - less) } else { (total - less, less) }
            }
            "VALID" => (0, 0),
            _ => {
                let pad = |at: usize| self.pads.get(at).copied().unwrap_or(0);
                (pad(axis), pad(axis + axes))
            }
        };
        if !(0..kernel).contains(&before) || !(0..kernel).contains(&after) {
            return Err(wrong());
        }
        let room = len + before + after - kernel;
        if room < 0 {
            return Err(wrong());
        }
        let mut windows = if self.ceil { (room + step - 1) / step } else { room / step } + 1;
        // A window that would begin in the padding behind is left out.
        if self.ceil && (windows - 1) * step >= len + before {
            windows -= 1;
        }
        let windows = usize::try_from(windows).map_err(|_| wrong())?;
        Ok(Along { windows, step, before, kernel, padded: len + before + after })
    }
}

/// The shape with channels second, for a layout that may have them last.
fn channels_second(shape: &[usize], last: bool) -> Result<(Shape, Shape), Fault> {
    let [batch, inner @ ..] = shape else { return Err(fault!("input 0: a scalar has no channels")) };
    let own = strides(shape);
    if inner.len() < 2 {
        return Err(fault!("input 0: shape {shape:?} has no axes to pool over"));
    }
    if !last {
        return Ok((shape.into(), own));
    }
    let at = shape.len() - 1;
    let mut moved = Shape::from_slice(&[*batch, shape[at]]);
    moved.extend_from_slice(&shape[1..at]);
    let mut along = Shape::from_slice(&[own[0], own[at]]);
    along.extend_from_slice(&own[1..at]);
    Ok((moved, along))
}

/// The mean of each window, for each channel.
fn pooled(run: &mut Run<'_>, args: &Args, windows: &Windows, last: bool) -> Result<Outputs, Fault> {
    let x = args.tensor(0)?;
    let (x_scale, x_zero) = (single(run, args, 1)?, zero_point(run, args, 2)?);
    let (scale, zero) = (single(run, args, 3)?, zero_point(run, args, 4)?);
    let (shape, along) = channels_second(x.shape(), last)?;
    if windows.kernel.len() + 2 != shape.len() {
        return Err(fault!("its kernel has {} axes, input 0 is {x}", windows.kernel.len()));
    }
    let axes = (0..windows.kernel.len()).map(|axis| windows.along(axis, shape[axis + 2]));
    let axes = axes.collect::<Result<Vec<_>, _>>()?;
    let mut result: Shape = shape[..2].into();
    result.extend(axes.iter().map(|axis| axis.windows));
    // Windows are walked in the order in which the result lies in memory.
    let order: Vec<usize> = if last {
        std::iter::once(0).chain(2..shape.len()).chain([1]).collect()
    } else {
        (0..shape.len()).collect()
    };
    let shape_out: Shape = order.iter().map(|&axis| result[axis]).collect();
    let values = levels(run, x)?;
    let mut out = run.buffer(elements(&shape_out)?)?;
    let places = strides(&result);
    let places_in_order: Shape = order.iter().map(|&axis| places[axis]).collect();
    for [place] in Walk::new(&shape_out, [places_in_order]) {
        let at = |axis: usize| place / places[axis] % result[axis];
        let mut base = at(0) * along[0] + at(1) * along[1];
        let (mut inside, mut count, mut window_strides) = (Shape::new(), 1i64, Shape::new());
        for (index, axis) in axes.iter().enumerate() {
            let from = at(index + 2) as i64 * axis.step - axis.before;
            let to = (from + axis.kernel).min(shape[index + 2] as i64);
            let first = from.max(0);
            inside.push((to - first).max(0) as usize);
            count = count.saturating_mul((from + axis.kernel).min(axis.padded - axis.before) - from);
            base += first as usize * along[index + 2];
            window_strides.push(along[index + 2]);
        }
        let sum: i64 = Walk::new(&inside, [window_strides])
            .map(|[at]| i64::from(values[base + at].wrapping_sub(x_zero)))
            .sum();
        let count = if windows.count_padding { count } else { inside.iter().product::<usize>() as i64 };
        out.push(level(sum as f32 * x_scale / count.max(1) as f32 / scale, zero));
    }
    one(Tensor::new(shape_out, store(run, x.kind(), out)?)?)
}

/// `QLinearAveragePool`, com.microsoft 1.
pub(super) fn average_pool(node: &Node<'_>) -> Result<Op, Fault> {
    let windows = Windows {
        kernel: node.ints("kernel_shape")?.ok_or_else(|| fault!("lacks its attribute `kernel_shape`"))?,
        strides: node.ints("strides")?.unwrap_or_default(),
        pads: node.ints("pads")?.unwrap_or_default(),
        auto_pad: node.string("auto_pad", "NOTSET")?.into(),
        ceil: node.flag("ceil_mode", false)?,
        count_padding: node.flag("count_include_pad", false)?,
    };
    let last = node.flag("channels_last", false)?;
    op(move |run, args| pooled(run, &args, &windows, last))
}

/// `QLinearGlobalAveragePool`, com.microsoft 1.
pub(super) fn global_average_pool(node: &Node<'_>) -> Result<Op, Fault> {
    let last = node.flag("channels_last", false)?;
    op(move |run, args| {
        let (shape, _) = channels_second(args.tensor(0)?.shape(), last)?;
        let windows = Windows {
            kernel: shape[2..].iter().map(|&len| len as i64).collect(),
            strides: vec![],
            pads: vec![],
            auto_pad: String::new(),
            ceil: false,
            count_padding: false,
        };
        pooled(run, &args, &windows, last)
    })
}
