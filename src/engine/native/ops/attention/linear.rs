//! `LinearAttention`.

use crate::native::{
    attributes::Node,
    exec::{Args, Op, Outputs, Run, op},
    fault::{Fault, fault},
    kernels::real::{self, Computed, reals},
    value::elements,
};

struct Config {
    heads: usize,
    shared: usize,
    gated: bool,
    delta: bool,
    scale: f32,
}

/// `LinearAttention`, ai.onnx 27: a state (keys by values) for each head that every step decays, corrects and
/// adds to, and queries read.
pub(super) fn linear_attention(node: &Node<'_>) -> Result<Op, Fault> {
    let heads = |name: &str| {
        let heads = node.required_int(name)?;
        usize::try_from(heads)
            .ok()
            .filter(|&heads| heads > 0)
            .ok_or_else(|| fault!("attribute `{name}` is {heads}, must be 1 or more"))
    };
    let (gated, delta) = match node.string("update_rule", "gated_delta")? {
        "linear" => (false, false),
        "gated" => (true, false),
        "delta" => (false, true),
        "gated_delta" => (true, true),
        other => return Err(fault!("attribute `update_rule` is `{other}`")),
    };
    let config = Config {
        heads: heads("q_num_heads")?,
        shared: heads("kv_num_heads")?,
        gated,
        delta,
        scale: node.float("scale", 0.0)?,
    };
    if !config.heads.is_multiple_of(config.shared) {
        return Err(fault!("{} query heads can't share {} heads of keys", config.heads, config.shared));
    }
    for (index, name, wanted) in [(4, "decay", gated), (5, "beta", delta)] {
        if node.has_input(index) != wanted {
            let not = if wanted { "needs" } else { "takes no" };
            return Err(fault!("its update rule {not} input {index} ({name})"));
        }
    }
    op(move |run, args| reals!(args.tensor(0)?.kind(), T => body::<T>(run, &args, &config)))
}

/// The width of each head of an input (batch, steps, heads and width).
fn width(args: &Args, index: usize, [batch, steps]: [usize; 2], heads: usize) -> Result<usize, Fault> {
    match *args.tensor(index)?.shape() {
        [b, t, all] if [b, t] == [batch, steps] && all % heads == 0 => Ok(all / heads),
        ref shape => {
            Err(fault!("input {index}: has shape {shape:?}, must be {batch}, {steps} and {heads} heads"))
        }
    }
}

fn body<T: Computed>(run: &mut Run<'_>, args: &Args, config: &Config) -> Result<Outputs, Fault> {
    let query = args.tensor(0)?;
    let &[batch, steps, _] = query.shape() else {
        return Err(fault!("input 0: {query} must have three axes"));
    };
    let (heads, shared, axes) = (config.heads, config.shared, [batch, steps]);
    let (keys, values) = (width(args, 1, axes, shared)?, width(args, 2, axes, shared)?);
    if width(args, 0, axes, heads)? != keys {
        return Err(fault!("queries {query} and keys {} have heads of different width", args.tensor(1)?));
    }
    let shape = [batch, shared, keys, values];
    let mut state = run.filled(elements(&shape)?, T::ZERO)?;
    let mut state_kind = query.kind();
    if let Some(past) = args.opt(3)? {
        if *past.shape() != shape {
            return Err(fault!("input 3: the state {past} must have shape {shape:?}"));
        }
        state_kind = past.kind();
        state.copy_from_slice(&real::input::<T>(run, args, 3)?);
    }
    let decay_width = if config.gated { width(args, 4, axes, shared)? } else { 0 };
    let beta_heads = if config.delta { width(args, 5, axes, 1)? } else { 1 };
    if config.gated && decay_width != 1 && decay_width != keys || beta_heads != 1 && beta_heads != shared {
        return Err(fault!("its decay or beta fits neither its heads nor the width of its keys"));
    }
    let (q, k, v) =
        (real::input::<T>(run, args, 0)?, real::input::<T>(run, args, 1)?, real::input::<T>(run, args, 2)?);
    let (decay, beta) = (real::opt_input::<T>(run, args, 4)?, real::opt_input::<T>(run, args, 5)?);
    let scale = match config.scale {
        0.0 => T::ONE / T::from_usize(keys).sqrt(),
        scale => T::from_f64(f64::from(scale)),
    };
    let mut y = run.filled(elements(&[batch, steps, heads * values])?, T::ZERO)?;
    let mut written = run.filled(values, T::ZERO)?;
    for row in 0..batch * steps {
        for head in 0..shared {
            let state = &mut state[(row / steps * shared + head) * keys * values..][..keys * values];
            let k = &k[(row * shared + head) * keys..][..keys];
            let v = &v[(row * shared + head) * values..][..values];
            let lines = || 0..keys;
            if let Some(decay) = &decay {
                let decay = &decay[(row * shared + head) * decay_width..][..decay_width];
                for line in lines() {
                    let factor = decay[if decay_width == 1 { 0 } else { line }].exp();
                    state[line * values..][..values].iter_mut().for_each(|state| *state *= factor);
                }
            }
            written.copy_from_slice(v);
            if let Some(beta) = &beta {
                for line in lines() {
                    let state = &state[line * values..][..values];
                    written.iter_mut().zip(state).for_each(|(written, &state)| *written -= state * k[line]);
                }
                let beta = beta[row * beta_heads + if beta_heads == 1 { 0 } else { head }];
                written.iter_mut().for_each(|written| *written *= beta);
            }
            for line in lines() {
                let state = &mut state[line * values..][..values];
                state.iter_mut().zip(&written).for_each(|(state, &written)| *state += k[line] * written);
            }
            for reader in 0..heads / shared {
                let reader = row * heads + head * (heads / shared) + reader;
                let (q, y) = (&q[reader * keys..][..keys], &mut y[reader * values..][..values]);
                for line in lines() {
                    let state = &state[line * values..][..values];
                    y.iter_mut().zip(state).for_each(|(y, &state)| *y += q[line] * state);
                }
                y.iter_mut().for_each(|y| *y *= scale);
            }
        }
    }
    let mut outputs = Outputs::new();
    outputs.push(real::tensor(run, query.kind(), &[batch, steps, heads * values], y)?.into());
    outputs.push(real::tensor(run, state_kind, &shape, state)?.into());
    Ok(outputs)
}
