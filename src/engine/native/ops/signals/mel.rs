//! `MelWeightMatrix`.

use super::{cast, output_kind};
use crate::native::{
    attributes::Node,
    exec::{Args, Op, Run, one, op},
    fault::{Fault, fault},
    kernels::real,
    value::{Tensor, elements},
};

/// `MelWeightMatrix`, ai.onnx 17: triangles on the mel scale, `2595 log10(1 + f / 700)`.
pub(super) fn mel_weight_matrix(node: &Node<'_>) -> Result<Op, Fault> {
    let kind = output_kind(node)?;
    op(move |run, args| {
        let positive = |index: usize, most: i64| match args.int(index)? {
            value if (1..=most).contains(&value) => Ok(value),
            value => Err(fault!("input {index}: is {value}, must be 1 to {most}")),
        };
        let (bands, length, rate) = (positive(0, 1 << 31)?, positive(1, 1 << 40)?, positive(2, i64::MAX)?);
        let (low, high) = (edge(run, &args, 3)?, edge(run, &args, 4)?);
        let (bands, bins) = (bands as usize, length as usize / 2 + 1);
        let mut matrix = run.filled(elements(&[bins, bands])?, 0f64)?;
        let mel = |hertz: f64| 2595.0 * (hertz / 700.0).ln_1p() / 10f64.ln();
        let step = (mel(high) - mel(low)) / (bands as f64 + 2.0);
        let corner = |at: usize| {
            let hertz = 700.0 * ((at as f64 * step + mel(low)) / 2595.0 * 10f64.ln()).exp_m1();
            let bin = ((length as f64 + 1.0) * hertz / rate as f64).floor();
            if bin >= 0.0 && bin < bins as f64 {
                Ok(bin as usize)
            } else {
                Err(fault!("a band ends at bin {bin}, beyond the {bins} bins of its spectrum"))
            }
        };
        for band in 0..bands {
            let (left, center, right) = (corner(band)?, corner(band + 1)?, corner(band + 2)?);
            let mut set = |bin: usize, value: f64| matrix[bin * bands + band] = value;
            let rise = center.saturating_sub(left);
            if rise == 0 {
                set(center, 1.0);
            }
            (left..=center).filter(|_| rise > 0).for_each(|bin| set(bin, (bin - left) as f64 / rise as f64));
            let fall = right.saturating_sub(center);
            (center..right).for_each(|bin| set(bin, (right - bin) as f64 / fall as f64));
        }
        one(Tensor::new([bins, bands].as_slice(), cast(run, kind, matrix)?)?)
    })
}

fn edge(run: &mut Run<'_>, args: &Args, index: usize) -> Result<f64, Fault> {
    match &*real::input::<f64>(run, args, index)? {
        [edge] => Ok(*edge),
        edges => Err(fault!("input {index}: has {} elements, must have one", edges.len())),
    }
}
