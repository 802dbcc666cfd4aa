//! States that are kept from one run to the next.

use crate::{
    map_data2,
    native::{
        attributes::Node,
        exec::{Args, Op, Outputs, Run, one, op},
        fault::{Fault, fault},
        kernels::{
            real::{self, Computed, reals},
            shape::{around, axis},
        },
        value::{Tensor, elements},
    },
};

/// `TensorScatter`, ai.onnx 24: writes an update into a cache, each sequence at its own place.
pub(super) fn tensor_scatter(node: &Node<'_>) -> Result<Op, Fault> {
    let given = node.int("axis", -2)?;
    let circular = match node.string("mode", "linear")? {
        "linear" => false,
        "circular" => true,
        other => return Err(fault!("attribute `mode` is `{other}`, must be `linear` or `circular`")),
    };
    op(move |_, mut args| {
        let places = args.opt_ints(2)?;
        let cache = args.take(0)?;
        let update = args.tensor(1)?;
        let axis = axis(given, cache.rank())?;
        let differs = |at: usize| at != axis && update.shape().get(at) != cache.shape().get(at);
        if axis == 0 || update.rank() != cache.rank() || (0..cache.rank()).any(differs) {
            return Err(fault!(
                "input 1: the update {update} does not fit the cache {cache} along axis {axis}"
            ));
        }
        let (outer, size, inner) = around(cache.shape(), axis);
        let (batch, length) = (cache.shape()[0], update.shape()[axis]);
        let places = places.unwrap_or_else(|| vec![0; batch]);
        if places.len() != batch || length > size {
            return Err(fault!("{} places and {length} steps don't fit the cache {cache}", places.len()));
        }
        let target = |sequence: usize, step: usize| {
            let place = places[sequence].checked_add(step as i64);
            let place = if circular { place.map(|place| place.rem_euclid(size as i64)) } else { place };
            place.and_then(|place| usize::try_from(place).ok()).filter(|&place| place < size).ok_or_else(
                || fault!("input 2: place {} leaves no room for {length} steps", places[sequence]),
            )
        };
        let update_data = update.data().clone();
        let (shape, data) = cache.into_parts();
        let data = map_data2!((&data, &update_data), (old, new) => {
            let mut cache = old.to_vec();
            for block in 0..outer {
                for step in 0..length {
                    let to = (block * size + target(block * batch / outer, step)?) * inner;
                    let from = (block * length + step) * inner;
                    cache[to..to + inner].clone_from_slice(&new[from..from + inner]);
                }
            }
            cache
        }, return Err(fault!("input 1: is {}, its cache is {}", update_data.kind(), data.kind())));
        one(Tensor::new(shape, data)?)
    })
}

/// `CausalConvWithState`, ai.onnx 27: each channel's own kernel over the past and the present.
pub(super) fn causal_conv_with_state(node: &Node<'_>) -> Result<Op, Fault> {
    let swish = match node.string("activation", "none")? {
        "none" => false,
        "silu" | "swish" => true,
        other => {
            return Err(fault!("attribute `activation` is `{other}`, must be `silu`, `swish` or `none`"));
        }
    };
    op(move |run, args| reals!(args.tensor(0)?.kind(), T => causal::<T>(run, &args, swish)))
}

fn causal<T: Computed>(run: &mut Run<'_>, args: &Args, swish: bool) -> Result<Outputs, Fault> {
    let (x, w) = (args.tensor(0)?, args.tensor(1)?);
    let (&[batch, channels, length], &[kernels, 1, taps]) = (x.shape(), w.shape()) else {
        return Err(fault!("input {x} and weights {w} must have three axes, the weights' second being one"));
    };
    if kernels != channels || taps == 0 {
        return Err(fault!("weights {w} don't fit an input {x}"));
    }
    let kept = taps - 1;
    let state = [batch, channels, kept];
    if let Some(past) = args.opt(3)?.filter(|past| *past.shape() != state) {
        return Err(fault!("input 3: the state {past} must have shape {state:?}"));
    }
    let past = real::opt_input::<T>(run, args, 3)?;
    let bias = real::opt_vector::<T>(run, args, 2, channels)?;
    let (wide, weights) = (real::widened::<T>(run, x)?, real::input::<T>(run, args, 1)?);
    let mut y = run.buffer(x.len())?;
    let mut present = run.buffer(elements(&state)?)?;
    let mut line = run.buffer::<T>(kept.saturating_add(length))?;
    let rounded = real::rounding::<T>(x.kind());
    for row in 0..batch * channels {
        line.clear();
        match &past {
            Some(past) => line.extend_from_slice(&past[row * kept..(row + 1) * kept]),
            None => line.extend(std::iter::repeat_n(T::ZERO, kept)),
        }
        line.extend_from_slice(&wide[row * length..(row + 1) * length]);
        let weights = &weights[row % channels * taps..][..taps];
        let bias = bias.as_ref().map_or(T::ZERO, |bias| bias[row % channels]);
        y.extend(line.windows(taps).map(|window| {
            let sum = window.iter().zip(weights).fold(bias, |sum, (&x, &w)| sum + x * w);
            let sum = rounded(sum);
            if swish { sum * (T::ONE / (T::ONE + (-sum).exp())) } else { sum }
        }));
        present.extend_from_slice(&line[length..]);
    }
    let mut outputs = one(real::tensor(run, x.kind(), x.shape(), y)?)?;
    outputs.push(real::tensor(run, x.kind(), &state, present)?.into());
    Ok(outputs)
}
