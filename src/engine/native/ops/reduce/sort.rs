//! What needs an order: the k greatest, what occurs.

use std::cmp::Ordering;

use crate::{
    native::{
        attributes::Node,
        exec::{Op, Outputs, Run, op},
        fault::{Fault, fault},
        kernels::{order::Order, shape},
        value::{Data, Shape, Tensor},
    },
    with_kinds,
};

/// `TopK`, ai.onnx 1, 10, 11, 24: since 10 `K` is an input, since 11 the least on demand and integers.
/// Among equals the first comes first; NaN counts as the greatest. Always sorted.
pub(super) fn top_k(node: &Node<'_>) -> Result<Op, Fault> {
    let axis = node.int("axis", -1)?;
    let largest = node.flag("largest", true)?;
    let given = if node.opset < 10 { Some(node.required_int("k")?) } else { None };
    op(move |run, args| {
        let x = args.tensor(0)?;
        let k = given.map_or_else(|| args.int(1), Ok)?;
        let axis = shape::axis(axis, x.rank())?;
        let (outer, len, inner) = shape::around(x.shape(), axis);
        let k = usize::try_from(k).ok().filter(|&k| k <= len);
        let k = k.ok_or_else(|| fault!("K must be between 0 and {len}, the length of axis {axis}"))?;
        let mut shape: Shape = x.shape().into();
        shape[axis] = k;
        let count = crate::native::value::elements(&shape)?;
        run.check_len::<(i64, i64)>(len)?;
        fn search<T: Order>(
            run: &mut Run<'_>,
            x: &[T],
            sizes: (usize, usize, usize, usize),
            count: usize,
            largest: bool,
        ) -> Result<(Data, Vec<i64>), Fault> {
            let (outer, len, inner, k) = sizes;
            let mut values: Vec<T> = run.filled(count, T::default())?;
            let mut places: Vec<i64> = run.filled(count, 0)?;
            let mut order: Vec<usize> = Vec::with_capacity(len);
            for (block, column) in (0..outer).flat_map(|block| (0..inner).map(move |column| (block, column)))
            {
                let element = |at: usize| &x[(block * len + at) * inner + column];
                let before = |&a: &usize, &b: &usize| {
                    let order = element(a).order(element(b));
                    (if largest { order.reverse() } else { order }).then(a.cmp(&b))
                };
                order.clear();
                order.extend(0..len);
                if k < len {
                    order.select_nth_unstable_by(k, before);
                    order.truncate(k);
                }
                order.sort_unstable_by(before);
                for (rank, &at) in order.iter().enumerate() {
                    let to = (block * k + rank) * inner + column;
                    values[to] = element(at).clone();
                    places[to] = at as i64;
                }
            }
            Ok((T::wrap(values), places))
        }
        let (values, places) = with_kinds!(
            [F32, F64, F16, BF16, I8, I16, I32, I64, U8, U16, U32, U64] x.data(),
            v => search(run, v, (outer, len, inner, k), count, largest)?,
            return Err(fault!("input 0: is {}, must be numbers", x.kind()))
        );
        Ok(smallvec::smallvec![Tensor::new(shape.clone(), values)?.into(), Tensor::of(shape, places)?.into()])
    })
}

/// `Unique`, ai.onnx 11, 28: what occurs, where first, and which of them each element is. In ascending
/// order (NaN last, as one) or in the order of the first occurrences. Later versions add types.
pub(super) fn unique(node: &Node<'_>) -> Result<Op, Fault> {
    let axis = node.attributes.int("axis")?;
    let sorted = node.flag("sorted", true)?;
    op(move |run, args| {
        let x = args.tensor(0)?;
        let axis = axis.map(|axis| shape::axis(axis, x.rank())).transpose()?;
        with_kinds!(
            [F32, F64, F16, BF16, I8, I16, I32, I64, U8, U16, U32, U64, Bool, String, C64, C128] x.data(),
            v => occurring(run, v, x.shape(), axis, sorted),
            Err(fault!("input 0: is {}, which this operator doesn't take", x.kind()))
        )
    })
}

fn occurring<T: Order>(
    run: &mut Run<'_>,
    x: &[T],
    dims: &[usize],
    axis: Option<usize>,
    sorted: bool,
) -> Result<Outputs, Fault> {
    let (outer, len, inner) = axis.map_or((1, x.len(), 1), |axis| shape::around(dims, axis));
    let row = |block: usize, at: usize| &x[(block * len + at) * inner..][..inner];
    let compare = |a: usize, b: usize| {
        let pairs = (0..outer).flat_map(|block| row(block, a).iter().zip(row(block, b)));
        let mut orders = pairs.map(|(a, b)| a.order(b));
        orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    };
    run.check_len::<usize>(len)?;
    let mut order: Vec<usize> = (0..len).collect();
    // Stable: the first of equals is the first occurrence.
    order.sort_by(|&a, &b| compare(a, b));
    let mut groups: Vec<&[usize]> = order.chunk_by(|&a, &b| compare(a, b).is_eq()).collect();
    if !sorted {
        groups.sort_unstable_by_key(|group| group[0]);
    }
    let mut inverse: Vec<i64> = run.filled(len, 0)?;
    for (index, group) in groups.iter().enumerate() {
        group.iter().for_each(|&at| inverse[at] = index as i64);
    }
    let mut values: Vec<T> = run.buffer(outer * groups.len() * inner)?;
    for block in 0..outer {
        groups.iter().for_each(|group| values.extend_from_slice(row(block, group[0])));
    }
    let mut shape: Shape = dims.into();
    match axis {
        Some(axis) => shape[axis] = groups.len(),
        None => shape = Shape::from_slice(&[groups.len()]),
    }
    let first = groups.iter().map(|group| group[0] as i64).collect();
    let counts = groups.iter().map(|group| group.len() as i64).collect();
    Ok(smallvec::smallvec![
        Tensor::of(shape, values)?.into(),
        Tensor::vector::<i64>(first).into(),
        Tensor::vector(inverse).into(),
        Tensor::vector::<i64>(counts).into(),
    ])
}
