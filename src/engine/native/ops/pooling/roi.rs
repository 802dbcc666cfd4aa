//! Pooling within regions of interest.

use crate::native::{
    attributes::{Node, spatial},
    exec::{Args, Op, Outputs, Run, one, op},
    fault::{Fault, fault},
    kernels::real::{self, Computed, reals},
    value::{Tensor, elements},
};

/// The most samples along an axis of a bin that a model may ask for.
const MOST_SAMPLES: i64 = 4096;

/// An image's axes: (images, channels, height, width).
fn image(x: &Tensor) -> Result<[usize; 4], Fault> {
    x.shape()
        .try_into()
        .ok()
        .filter(|&[_, _, height, width]: &[usize; 4]| height > 0 && width > 0)
        .ok_or_else(|| fault!("input 0: has shape {:?}, must have four axes with cells", x.shape()))
}

/// Regions: how many, `columns` numbers each.
fn regions(rois: &Tensor, columns: usize) -> Result<usize, Fault> {
    match rois.shape() {
        &[count, given] if given == columns => Ok(count),
        shape => Err(fault!("input 1: has shape {shape:?}, must have {columns} columns")),
    }
}

fn batch_index(index: f64, images: usize) -> Result<usize, Fault> {
    if index >= 0.0 && index < images as f64 {
        Ok(index as usize)
    } else {
        Err(fault!("a region belongs to image {index}, there are {images}"))
    }
}

/// `MaxRoiPool`, ai.onnx 1, 22: the largest cell in each bin of a region with whole-number corners.
pub(super) fn max_roi_pool(node: &Node<'_>) -> Result<Op, Fault> {
    let shape = node.ints("pooled_shape")?.ok_or_else(|| fault!("lacks its attribute `pooled_shape`"))?;
    let &[height, width] = &spatial::sizes("pooled_shape", &shape)?[..] else {
        return Err(fault!("attribute `pooled_shape` has {} numbers, must have two", shape.len()));
    };
    let scale = f64::from(node.float("spatial_scale", 1.0)?);
    op(
        move |run, args| reals!(args.tensor(0)?.kind(), T => max_regions::<T>(run, &args, [height, width], scale)),
    )
}

fn max_regions<T: Computed>(
    run: &mut Run<'_>,
    args: &Args,
    pooled: [usize; 2],
    scale: f64,
) -> Result<Outputs, Fault> {
    let (x, rois) = (args.tensor(0)?, args.tensor(1)?);
    let [images, channels, height, width] = image(x)?;
    let shape = [regions(rois, 5)?, channels, pooled[0], pooled[1]];
    let mut y = run.buffer(elements(&shape)?)?;
    let (x_wide, rois) = (real::widened::<T>(run, x)?, real::widened::<T>(run, rois)?);
    // The first and the last but one cell of a bin along one axis.
    let bin = |first: f64, last: f64, bin: usize, bins: usize, size: usize| {
        let step = (last - first + 1.0).max(1.0) / bins as f64;
        let clip = |at: f64| (at + first).clamp(0.0, size as f64) as usize;
        clip((bin as f64 * step).floor())..clip(((bin + 1) as f64 * step).ceil())
    };
    for roi in rois.chunks_exact(5) {
        let at = batch_index(roi[0].to_f64(), images)?;
        let corner = |index: usize| (roi[index].to_f64() * scale).round();
        for channel in 0..channels {
            let plane = &x_wide[(at * channels + channel) * height * width..][..height * width];
            for row in 0..pooled[0] {
                let rows = bin(corner(2), corner(4), row, pooled[0], height);
                for column in 0..pooled[1] {
                    let columns = bin(corner(1), corner(3), column, pooled[1], width);
                    let cells = rows.clone().filter(|_| !columns.is_empty());
                    let cells = cells.flat_map(|row| &plane[row * width..][columns.clone()]);
                    let largest = cells.copied().reduce(|a, b| if b > a { b } else { a });
                    y.push(largest.unwrap_or(T::ZERO));
                }
            }
        }
    }
    one(real::tensor(run, x.kind(), &shape, y)?)
}

struct Align {
    max: bool,
    height: usize,
    width: usize,
    /// Samples along an axis of a bin; 0 for as many as the bin is long.
    samples: i64,
    scale: f64,
    half_pixel: bool,
}

/// `RoiAlign`, ai.onnx 10, 16, 22: samples between cells, in bins of a region. Since 16 coordinates
/// are shifted by half a pixel unless `coordinate_transformation_mode` says otherwise. The mode `max`
/// takes the largest weighted neighbour, as ONNX's reference and ONNX Runtime do.
pub(super) fn roi_align(node: &Node<'_>) -> Result<Op, Fault> {
    let size = |name: &str| {
        let size = node.int(name, 1)?;
        usize::try_from(size)
            .ok()
            .filter(|&size| size > 0)
            .ok_or_else(|| fault!("attribute `{name}` is {size}, must be 1 or more"))
    };
    let align = Align {
        max: match node.string("mode", "avg")? {
            "avg" => false,
            "max" => true,
            other => return Err(fault!("attribute `mode` is `{other}`, must be `avg` or `max`")),
        },
        height: size("output_height")?,
        width: size("output_width")?,
        samples: node.int("sampling_ratio", 0)?,
        scale: f64::from(node.float("spatial_scale", 1.0)?),
        half_pixel: match node.string("coordinate_transformation_mode", "half_pixel")? {
            _ if node.opset < 16 => false,
            "half_pixel" => true,
            "output_half_pixel" => false,
            other => return Err(fault!("attribute `coordinate_transformation_mode` is `{other}`")),
        },
    };
    if align.samples > MOST_SAMPLES {
        return Err(fault!("attribute `sampling_ratio` is {}, at most {MOST_SAMPLES} can be", align.samples));
    }
    op(move |run, args| reals!(args.tensor(0)?.kind(), T => align_regions::<T>(run, &args, &align)))
}

/// Where a sample lies along an axis: the cell below, the one above, and how far it is from the one below.
#[derive(Clone, Copy)]
struct Sample<T> {
    low: usize,
    high: usize,
    part: T,
}

/// The samples of one bin along one axis that are over the image, and how many there are in all.
fn samples<T: Computed>(
    start: T,
    bin_size: T,
    bin: usize,
    given: i64,
    size: usize,
    out: &mut Vec<Sample<T>>,
) -> f64 {
    out.clear();
    let count = if given > 0 { given as f64 } else { bin_size.to_f64().ceil() };
    let (base, step) = (start + T::from_usize(bin) * bin_size, bin_size / T::from_f64(count));
    // Only what can be over the image is looked at: a region may be far larger than it.
    let nth = |cell: f64| (cell - base.to_f64()) / step.to_f64() - 0.5;
    let (first, last) = (nth(-1.0).floor() - 1.0, nth(size as f64).ceil() + 1.0);
    let (first, last) = if step > T::ZERO { (first, last) } else { (last - 2.0, first + 2.0) };
    let mut at = first.max(0.0);
    // Beyond this a float has no next whole number; nothing there is near an image.
    let last = if at < 2f64.powi(52) { last } else { -1.0 };
    while at < count && at <= last {
        let place = base + (T::from_f64(at) + T::from_f64(0.5)) * bin_size / T::from_f64(count);
        at += 1.0;
        if place.to_f64() < -1.0 || place.to_f64() > size as f64 || place.is_nan() {
            continue;
        }
        let place = place.max(T::ZERO);
        let low = place.to_f64() as usize;
        out.push(if low + 1 >= size {
            Sample { low: size - 1, high: size - 1, part: T::ZERO }
        } else {
            Sample { low, high: low + 1, part: place - T::from_usize(low) }
        });
    }
    count
}

fn align_regions<T: Computed>(run: &mut Run<'_>, args: &Args, align: &Align) -> Result<Outputs, Fault> {
    let (x, rois, indices) = (args.tensor(0)?, args.tensor(1)?, args.ints(2)?);
    let [images, channels, height, width] = image(x)?;
    let count = regions(rois, 4)?;
    if indices.len() != count {
        return Err(fault!("input 2: has {} elements, must have {count}", indices.len()));
    }
    let shape = [count, channels, align.height, align.width];
    let mut y = run.filled(elements(&shape)?, T::ZERO)?;
    let (x_wide, rois) = (real::widened::<T>(run, x)?, real::widened::<T>(run, rois)?);
    let (scale, offset) = (T::from_f64(align.scale), T::from_f64(if align.half_pixel { 0.5 } else { 0.0 }));
    let (mut rows, mut columns) = (vec![], vec![]);
    for (region, (roi, &index)) in rois.chunks_exact(4).zip(&indices).enumerate() {
        let at = batch_index(index as f64, images)?;
        let corner = |index: usize| roi[index] * scale - offset;
        // Regions without extent become one cell large where there is no half pixel.
        let extent = |size: T| if align.half_pixel { size } else { size.max(T::ONE) };
        let bin_height = extent(corner(3) - corner(1)) / T::from_usize(align.height);
        let bin_width = extent(corner(2) - corner(0)) / T::from_usize(align.width);
        for row in 0..align.height {
            let n = samples(corner(1), bin_height, row, align.samples, height, &mut rows);
            for column in 0..align.width {
                let m = samples(corner(0), bin_width, column, align.samples, width, &mut columns);
                let all = T::from_f64((n * m).max(1.0));
                for channel in 0..channels {
                    let plane = &x_wide[(at * channels + channel) * height * width..][..height * width];
                    // A sample beside the image is a zero, and may be the largest.
                    let beside = (rows.len() * columns.len()) as f64 != n.max(0.0) * m.max(0.0);
                    let mut largest = beside.then_some(T::ZERO);
                    let mut sum = T::ZERO;
                    for v in &rows {
                        let (low, high) =
                            (&plane[v.low * width..][..width], &plane[v.high * width..][..width]);
                        for h in &columns {
                            let (up, left) = (T::ONE - v.part, T::ONE - h.part);
                            let parts = [
                                up * left * low[h.low],
                                up * h.part * low[h.high],
                                v.part * left * high[h.low],
                                v.part * h.part * high[h.high],
                            ];
                            sum += parts[0] + parts[1] + parts[2] + parts[3];
                            let here = parts[0].max(parts[1]).max(parts[2].max(parts[3]));
                            largest = Some(largest.map_or(here, |largest| largest.max(here)));
                        }
                    }
                    let place = ((region * channels + channel) * align.height + row) * align.width + column;
                    y[place] = if align.max { largest.unwrap_or(T::ZERO) } else { sum / all };
                }
            }
        }
    }
    one(real::tensor(run, x.kind(), &shape, y)?)
}
