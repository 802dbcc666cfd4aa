//! `Resize` and its predecessor.

mod sizes;

pub(in crate::native) use sizes::{Scales, Sizes};

use super::coordinates::Transformation;
use crate::{
    map_data,
    native::{
        exec::{Args, Outputs, Run, one},
        fault::{Fault, fault},
        graph::Node,
        kernels::{
            real::{self, Real},
            resize::{Filter, Nearest, Table, blend, pick},
            shape::{around, axes},
        },
        ops::{Op, op},
        value::{Data, Element, Kind, Shape, Tensor, elements},
    },
    with_kinds,
};

/// What `sizes` mean where they don't fit the input's proportions.
#[derive(Clone, Copy, PartialEq)]
enum Aspect {
    Stretch,
    NotLarger,
    NotSmaller,
}

struct Config {
    filter: Filter,
    /// Nearest neighbours are rounded up where an axis shrinks: before version 11, as ONNX Runtime does.
    ceil_down: bool,
    transformation: Transformation,
    antialias: bool,
    exclude_outside: bool,
    extrapolation: f64,
    axes: Option<Vec<i64>>,
    aspect: Aspect,
}

fn filter(node: &Node<'_>, nearest: Nearest) -> Result<Filter, Fault> {
    Ok(match node.string("mode", "nearest")? {
        "nearest" => Filter::Nearest(nearest),
        "linear" | "bilinear" => Filter::Linear,
        "cubic" => Filter::Cubic(f64::from(node.float("cubic_coeff_a", -0.75)?)),
        other => return Err(fault!("attribute `mode` is `{other}`, must be `nearest`, `linear` or `cubic`")),
    })
}

/// Before version 11: outputs begin where inputs do.
fn early(node: &Node<'_>) -> Result<Config, Fault> {
    Ok(Config {
        filter: filter(node, Nearest::Floor)?,
        ceil_down: true,
        transformation: Transformation::Asymmetric,
        antialias: false,
        exclude_outside: false,
        extrapolation: 0.0,
        axes: None,
        aspect: Aspect::Stretch,
    })
}

/// The scales that [`upsample`] has as attributes before version 9.
fn given_scales(node: &Node<'_>) -> Result<Vec<f32>, Fault> {
    let scales = if node.opset >= 7 {
        node.attributes.floats("scales")?.map(<[f32]>::to_vec)
    } else {
        let scale = |name| node.attributes.float(name)?.ok_or_else(|| fault!("lacks its attribute `{name}`"));
        Some(vec![1.0, 1.0, scale("height_scale")?, scale("width_scale")?])
    };
    scales.ok_or_else(|| fault!("lacks its attribute `scales`"))
}

/// `Upsample`, ai.onnx 1, 7, 9: version 1 has two scales as attributes, 7 one for each axis, since 9 they are
/// an input. 10 is deprecated for `Resize`, and taken as 9.
pub(super) fn upsample(node: &Node<'_>) -> Result<Op, Fault> {
    let config = early(node)?;
    if node.opset >= 9 {
        return op(move |run, args| {
            body(run, &args, &config, None, Some(args.slice::<f32>(1)?.to_vec()), None)
        });
    }
    let scales = given_scales(node)?;
    op(move |run, args| body(run, &args, &config, None, Some(scales.clone()), None))
}

/// `Resize`, ai.onnx 10 to 19. 11: sizes, regions, cubic interpolation, transformations of coordinates. 13
/// drops one of those and adds bfloat16; 18: axes, antialiasing, proportions; 19: `half_pixel_symmetric`.
/// Integers are rounded, ties to even, and kept within their range.
pub(super) fn resize(node: &Node<'_>) -> Result<Op, Fault> {
    if node.opset < 11 {
        let config = early(node)?;
        return op(move |run, args| {
            body(run, &args, &config, None, Some(args.slice::<f32>(1)?.to_vec()), None)
        });
    }
    let config = full(node)?;
    op(move |run, args| {
        let roi = match args.opt(1)? {
            Some(roi) if roi.len() > 0 && config.transformation == Transformation::TfCropAndResize => {
                Some(real::widened::<f64>(run, roi).map_err(|fault| fault.about("input 1"))?.into_owned())
            }
            _ => None,
        };
        // Older models leave an input out by giving an empty one.
        let scales = args.opt_slice::<f32>(2)?.filter(|scales| !scales.is_empty()).map(<[f32]>::to_vec);
        let sizes = args.opt_ints(3)?.filter(|sizes| !sizes.is_empty());
        body(run, &args, &config, roi, scales, sizes)
    })
}

/// Since version 11.
fn full(node: &Node<'_>) -> Result<Config, Fault> {
    let nearest = match node.string("nearest_mode", "round_prefer_floor")? {
        "round_prefer_floor" => Nearest::RoundPreferFloor,
        "round_prefer_ceil" => Nearest::RoundPreferCeil,
        "floor" => Nearest::Floor,
        "ceil" => Nearest::Ceil,
        other => return Err(fault!("attribute `nearest_mode` is `{other}`")),
    };
    Ok(Config {
        filter: filter(node, nearest)?,
        ceil_down: false,
        transformation: Transformation::parse(node.string("coordinate_transformation_mode", "half_pixel")?)?,
        antialias: node.flag("antialias", false)?,
        exclude_outside: node.flag("exclude_outside", false)?,
        extrapolation: f64::from(node.float("extrapolation_value", 0.0)?),
        axes: node.ints("axes")?,
        aspect: match node.string("keep_aspect_ratio_policy", "stretch")? {
            "stretch" => Aspect::Stretch,
            "not_larger" => Aspect::NotLarger,
            "not_smaller" => Aspect::NotSmaller,
            other => return Err(fault!("attribute `keep_aspect_ratio_policy` is `{other}`")),
        },
    })
}

/// What happens to one axis.
#[derive(Clone, Copy)]
struct Axis {
    scale: f64,
    outputs: usize,
    roi: (f64, f64),
}

/// The axes that may change, with what happens to them.
fn plan(
    config: &Config,
    shape: &[usize],
    roi: Option<Vec<f64>>,
    scales: Option<Vec<f32>>,
    sizes: Option<Vec<i64>>,
) -> Result<Vec<(usize, Axis)>, Fault> {
    let chosen = match &config.axes {
        Some(given) => axes(given, shape.len())?,
        None => (0..shape.len()).collect(),
    };
    let count = chosen.len();
    let fits = |name: &str, len: usize, wanted: usize| {
        if len == wanted { Ok(()) } else { Err(fault!("its {name} are {len}, must be {wanted}")) }
    };
    if let Some(roi) = &roi {
        fits("numbers of a region", roi.len(), 2 * count)?;
    }
    if config.transformation == Transformation::TfCropAndResize && roi.is_none() {
        return Err(fault!("lacks its input 1, the region that `tf_crop_and_resize` shows"));
    }
    let region = |at: usize| roi.as_ref().map_or((0.0, 1.0), |roi| (roi[at], roi[count + at]));
    let too_large = || fault!("would make an axis that is too long to count");
    let whole =
        |length: f64| if (0.0..1e15).contains(&length) { Ok(length as usize) } else { Err(too_large()) };
    let mut plan = vec![];
    if let Some(sizes) = sizes {
        fits("sizes", sizes.len(), count)?;
        let ratio = |at: usize| sizes[at] as f64 / shape[chosen[at]] as f64;
        let common = match config.aspect {
            Aspect::Stretch => None,
            Aspect::NotLarger => Some((0..count).map(ratio).fold(f64::INFINITY, f64::min)),
            Aspect::NotSmaller => Some((0..count).map(ratio).fold(0.0, f64::max)),
        };
        for at in 0..count {
            let size =
                usize::try_from(sizes[at]).map_err(|_| fault!("input 3: size {} is negative", sizes[at]))?;
            let axis = match common {
                Some(scale) => Axis {
                    scale,
                    outputs: whole((scale * shape[chosen[at]] as f64 + 0.5).floor())?,
                    roi: region(at),
                },
                None => Axis { scale: ratio(at), outputs: size, roi: region(at) },
            };
            plan.push((chosen[at], axis));
        }
    } else {
        let scales = scales.ok_or_else(|| fault!("has neither scales nor sizes"))?;
        fits("scales", scales.len(), count)?;
        for at in 0..count {
            let (scale, roi) = (scales[at], region(at));
            if !(scale > 0.0 && scale.is_finite()) {
                return Err(fault!("a scale is {scale}, must be above zero"));
            }
            let size = shape[chosen[at]] as f32 * (roi.1 - roi.0) as f32 * scale;
            let axis = Axis { scale: f64::from(scale), outputs: whole(f64::from(size.floor()))?, roi };
            plan.push((chosen[at], axis));
        }
    }
    Ok(plan)
}

/// The table of one axis of `size` inputs.
fn table(run: &Run<'_>, config: &Config, size: usize, axis: Axis) -> Result<Table, Fault> {
    let Axis { scale, outputs, roi } = axis;
    let filter = match config.filter {
        Filter::Nearest(_) if config.ceil_down && scale < 1.0 => Filter::Nearest(Nearest::Ceil),
        filter => filter,
    };
    if size == 0 && outputs > 0 {
        return Err(fault!("would make {outputs} outputs from an empty axis"));
    }
    let stretch = if config.antialias { scale.min(1.0) } else { 1.0 };
    run.check_len::<[usize; 2]>(outputs.saturating_mul(filter.reach(stretch).0))?;
    let places = (0..outputs).map(|index| config.transformation.place(index, size, outputs, scale, roi));
    let mut table = Table::new(places.clone(), size, filter, stretch, config.exclude_outside);
    if config.transformation == Transformation::TfCropAndResize {
        table.outside = places.map(|place| !(place >= 0.0 && place <= size as f64 - 1.0)).collect();
        if !table.outside.contains(&true) {
            table.outside = vec![];
        }
    }
    Ok(table)
}

fn body(
    run: &mut Run<'_>,
    args: &Args,
    config: &Config,
    roi: Option<Vec<f64>>,
    scales: Option<Vec<f32>>,
    sizes: Option<Vec<i64>>,
) -> Result<Outputs, Fault> {
    let x = args.tensor(0)?;
    let plan = plan(config, x.shape(), roi, scales, sizes)?;
    let mut tables = vec![];
    for &(axis, what) in &plan {
        let size = x.shape()[axis];
        let same = (what.scale - 1.0).abs() <= 1e-9 && what.outputs == size && what.roi == (0.0, 1.0);
        if !same {
            let table = table(run, config, size, what)?;
            if !table.is_identity(size) {
                tables.push((axis, what.outputs, table));
            }
        }
    }
    let blends = tables.iter().any(|(_, _, table)| table.taps > 1 || !table.outside.is_empty());
    if !blends {
        return picked(run, x, &tables);
    }
    match x.kind() {
        Kind::F32 | Kind::F16 | Kind::BF16 => {
            let (shape, y) = blended::<f32>(run, x, &tables, config.extrapolation)?;
            one(real::tensor(run, x.kind(), &shape, y)?)
        }
        Kind::F64 => {
            let (shape, y) = blended::<f64>(run, x, &tables, config.extrapolation)?;
            one(Tensor::of(shape, y)?)
        }
        kind => {
            let mut wide = run.buffer::<f64>(x.len())?;
            with_kinds!(
                [I8, I16, I32, I64, U8, U16, U32, U64] x.data(),
                v => wide.extend(v.iter().map(|&v| v as f64)),
                return Err(fault!("input 0: is {kind}, which can only be resized with mode `nearest`"))
            );
            let wide = Tensor::of(x.shape(), wide)?;
            let (shape, y) = blended::<f64>(run, &wide, &tables, config.extrapolation)?;
            one(Tensor::new(shape, whole(run, kind, &y)?)?)
        }
    }
}

/// Numbers as integers of `kind`, rounded and kept within its range.
fn whole(run: &mut Run<'_>, kind: Kind, values: &[f64]) -> Result<Data, Fault> {
    macro_rules! kinds {
        ($($kind:ident: $t:ty),*) => {
            match kind {
                $(Kind::$kind => {
                    let mut out = run.buffer::<$t>(values.len())?;
                    // The conversion keeps to the range.
                    out.extend(values.iter().map(|value| value.round_ties_even() as $t));
                    <$t>::wrap(out)
                })*
                other => return Err(fault!("makes integers, not {other}")),
            }
        };
    }
    Ok(kinds!(I8: i8, I16: i16, I32: i32, I64: i64, U8: u8, U16: u16, U32: u32, U64: u64))
}

fn picked(run: &mut Run<'_>, x: &Tensor, tables: &[(usize, usize, Table)]) -> Result<Outputs, Fault> {
    let mut tensor = x.clone();
    for (axis, outputs, table) in tables {
        let parts = around(tensor.shape(), *axis);
        let mut shape = Shape::from_slice(tensor.shape());
        shape[*axis] = *outputs;
        let len = elements(&shape)?;
        let data = map_data!(tensor.data(), v => {
            let mut y = run.buffer(len)?;
            pick(v, parts, &table.from, &mut y);
            y
        });
        tensor = Tensor::new(shape, data)?;
    }
    one(tensor)
}

fn blended<T: Real>(
    run: &mut Run<'_>,
    x: &Tensor,
    tables: &[(usize, usize, Table)],
    fill: f64,
) -> Result<(Shape, Vec<T>), Fault> {
    let mut shape = Shape::from_slice(x.shape());
    let mut values = real::widened::<T>(run, x)?;
    for (axis, outputs, table) in tables {
        let parts = around(&shape, *axis);
        shape[*axis] = *outputs;
        let mut y = run.filled(elements(&shape)?, T::ZERO)?;
        blend(&values, parts, table, T::from_f64(fill), &mut y);
        values = y.into();
    }
    Ok((shape, values.into_owned()))
}
