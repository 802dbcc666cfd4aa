//! `Resize` and its predecessor.

use crate::{
    map_data,
    native::{
        attributes::{
            Node,
            resize::{Axis, Config, early, full, given_scales, plan},
        },
        exec::{Args, Op, Outputs, Run, one, op},
        fault::{Fault, fault},
        kernels::{
            coordinates::Transformation,
            real::{self, Computed},
            resize::{Filter, Nearest, Table, blend, pick},
            shape::around,
        },
        value::{Data, Element, Kind, Shape, Tensor, elements},
    },
    with_kinds,
};

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

fn blended<T: Computed>(
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
