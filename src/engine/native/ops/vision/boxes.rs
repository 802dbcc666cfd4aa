//! `NonMaxSuppression`.

use crate::native::{
    attributes::Node,
    exec::{Args, Op, Outputs, Run, one, op},
    fault::{Fault, fault},
    value::{Element, Tensor},
};

/// `NonMaxSuppression`, ai.onnx 10, 11: the best boxes of each class, without those that overlap a better one.
/// Equal scores: the box that comes first.
pub(super) fn non_max_suppression(node: &Node<'_>) -> Result<Op, Fault> {
    let centered = node.flag("center_point_box", false)?;
    op(move |run, args| body(run, &args, centered))
}

/// The one element of an input that may be left out.
fn scalar<T: Element>(args: &Args, index: usize) -> Result<Option<T>, Fault> {
    match args.opt_slice::<T>(index)? {
        None | Some([]) => Ok(None),
        Some([value]) => Ok(Some(value.clone())),
        Some(values) => Err(fault!("input {index}: has {} elements, must have one", values.len())),
    }
}

/// Corners: low and high along the first and the second axis.
type Corners = [f32; 4];

fn corners(given: &[f32; 4], centered: bool) -> Corners {
    if centered {
        let [x, y, width, height] = *given;
        [y - height / 2.0, x - width / 2.0, y + height / 2.0, x + width / 2.0]
    } else {
        let [a, b, c, d] = *given;
        [a.min(c), b.min(d), a.max(c), b.max(d)]
    }
}

/// Whether the intersection is more than `threshold` of the union.
fn overlap(a: &Corners, b: &Corners, threshold: f32) -> bool {
    let area = |c: &Corners| (c[2] - c[0]) * (c[3] - c[1]);
    let height = a[2].min(b[2]) - a[0].max(b[0]);
    let width = a[3].min(b[3]) - a[1].max(b[1]);
    if height <= 0.0 || width <= 0.0 || area(a) <= 0.0 || area(b) <= 0.0 {
        return false;
    }
    let intersection = height * width;
    let union = area(a) + area(b) - intersection;
    union > 0.0 && intersection / union > threshold
}

fn body(run: &mut Run<'_>, args: &Args, centered: bool) -> Result<Outputs, Fault> {
    let (boxes, scores) = (args.tensor(0)?, args.tensor(1)?);
    let (&[batches, count, 4], &[same_batches, classes, same_count]) = (boxes.shape(), scores.shape()) else {
        return Err(fault!(
            "boxes {boxes} and scores {scores} must have three axes, the boxes four numbers each"
        ));
    };
    if batches != same_batches || count != same_count {
        return Err(fault!("scores {scores} don't fit boxes {boxes}"));
    }
    let (boxes, scores) = (args.slice::<f32>(0)?, args.slice::<f32>(1)?);
    let most = usize::try_from(scalar::<i64>(args, 2)?.unwrap_or(0)).unwrap_or(0).min(count);
    let iou = scalar::<f32>(args, 3)?.unwrap_or(0.0);
    let least = scalar::<f32>(args, 4)?;
    if !(0.0..=1.0).contains(&iou) {
        return Err(fault!("input 3: the threshold {iou} is outside 0 to 1"));
    }
    let mut chosen = run.buffer::<i64>(0)?;
    let mut corner = run.buffer::<f32>(count * 4)?;
    for batch in 0..batches {
        corner.clear();
        for given in boxes[batch * count * 4..][..count * 4].as_chunks::<4>().0 {
            corner.extend(corners(given, centered));
        }
        let corner = corner.as_chunks::<4>().0;
        for class in 0..classes {
            if most == 0 {
                continue;
            }
            let scores = &scores[(batch * classes + class) * count..][..count];
            let mut order: Vec<usize> =
                (0..count).filter(|&index| least.is_none_or(|least| scores[index] > least)).collect();
            // A stable sort: of equals the first stays first.
            order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
            let mut kept: Vec<usize> = vec![];
            for index in order {
                if kept.len() == most {
                    break;
                }
                if !kept.iter().any(|&better| overlap(&corner[better], &corner[index], iou)) {
                    kept.push(index);
                }
            }
            run.check_len::<i64>(chosen.len() + kept.len() * 3)?;
            for index in kept {
                chosen.extend([batch as i64, class as i64, index as i64]);
            }
        }
    }
    one(Tensor::of([chosen.len() / 3, 3].as_slice(), chosen)?)
}
