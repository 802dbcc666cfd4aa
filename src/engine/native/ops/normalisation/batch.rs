//! Normalisation of channels over a batch.

use crate::native::{
    attributes::Node,
    exec::{Args, Op, Outputs, Run, op},
    fault::{Fault, fault},
    kernels::{
        normal,
        real::{self, Computed, reals},
    },
    value::elements,
};

struct Config {
    epsilon: f64,
    momentum: f64,
    training: bool,
    /// Every cell has a mean and a variance of its own (before version 9).
    each_cell: bool,
}

/// `BatchNormalization`, ai.onnx 1 to 15. Before 7 `is_test` says that the given means are used, until 13 the
/// number of outputs says so, since 14 `training_mode`. Before 9 `spatial` may be 0: statistics for each
/// cell. 14 has two more outputs at most, the running mean and variance; before that come the batch's own
/// after them. 15 lets the types differ.
pub(super) fn batch_normalization(node: &Node<'_>) -> Result<Op, Fault> {
    let config = Config {
        epsilon: f64::from(node.float("epsilon", 1e-5)?),
        momentum: f64::from(node.float("momentum", 0.9)?),
        training: match node.opset {
            14.. => node.flag("training_mode", false)?,
            7..14 => (1..5).any(|index| node.has_output(index)),
            _ => !node.flag("is_test", false)?,
        },
        each_cell: node.opset < 9 && !node.flag("spatial", true)?,
    };
    op(move |run, args| reals!(args.tensor(0)?.kind(), T => body::<T>(run, &args, &config)))
}

fn body<T: Computed>(run: &mut Run<'_>, args: &Args, config: &Config) -> Result<Outputs, Fault> {
    let x = args.tensor(0)?;
    let (channels, cells) = match x.shape() {
        // One number an image: ONNX Runtime takes it for one channel.
        &[_] => (1, 1),
        [_, all @ ..] if config.each_cell => (elements(all)?, 1),
        &[_, channels, ref cells @ ..] => (channels, elements(cells)?),
        _ => return Err(fault!("input 0: is a scalar, must have a batch and channels")),
    };
    let wide = real::widened::<T>(run, x)?;
    let mut vector = |index: usize| {
        real::opt_vector::<T>(run, args, index, channels)?.ok_or_else(|| fault!("lacks its input {index}"))
    };
    let (scale, bias, given_mean, given_variance) = (vector(1)?, vector(2)?, vector(3)?, vector(4)?);
    let (mean, variance) = if config.training {
        run.check_len::<T>(2 * channels)?;
        normal::channel_moments(&wide, channels, cells)
    } else {
        (given_mean.to_vec(), given_variance.to_vec())
    };
    let epsilon = T::from_f64(config.epsilon);
    let mut y = run.buffer(x.len())?;
    if cells > 0 {
        for (plane, x) in wide.chunks_exact(cells).enumerate() {
            let channel = plane % channels;
            let factor = scale[channel] / (variance[channel] + epsilon).sqrt();
            let (mean, bias) = (mean[channel], bias[channel]);
            y.extend(x.iter().map(|&x| (x - mean) * factor + bias));
        }
    }
    let mut outputs = Outputs::new();
    outputs.push(real::tensor(run, x.kind(), x.shape(), y)?.into());
    if config.training {
        let momentum = T::from_f64(config.momentum);
        let running = |given: &[T], now: &[T]| -> Vec<T> {
            given.iter().zip(now).map(|(&given, &now)| given * momentum + now * (T::ONE - momentum)).collect()
        };
        let (running_mean, running_variance) =
            (running(&given_mean, &mean), running(&given_variance, &variance));
        for (index, values) in [running_mean, running_variance, mean, variance].into_iter().enumerate() {
            let kind = args.tensor(3 + index % 2)?.kind();
            outputs.push(real::tensor(run, kind, &[channels], values)?.into());
        }
    }
    Ok(outputs)
}
