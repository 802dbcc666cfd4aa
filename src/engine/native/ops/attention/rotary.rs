//! `RotaryEmbedding`.

use crate::native::{
    attributes::Node,
    exec::{Args, Op, Outputs, Run, one, op},
    fault::{Fault, fault},
    kernels::real::{self, Computed, reals},
};

#[derive(Clone, Copy)]
pub struct Config {
    interleaved: bool,
    /// How much of each head is turned; 0 for all.
    turned: usize,
    heads: Option<i64>,
}

impl Config {
    pub fn read(node: &Node<'_>) -> Result<Self, Fault> {
        let turned = node.int("rotary_embedding_dim", 0)?;
        Ok(Config {
            interleaved: node.flag("interleaved", false)?,
            turned: usize::try_from(turned)
                .map_err(|_| fault!("attribute `rotary_embedding_dim` is {turned}, must not be negative"))?,
            heads: node.attributes.int("num_heads")?,
        })
    }

    /// So many heads where the node says none.
    pub fn or_heads(self, heads: usize) -> Self {
        let said = self.heads.filter(|&heads| heads > 0);
        Config { heads: said.or(i64::try_from(heads).ok()), ..self }
    }
}

/// `RotaryEmbedding`, ai.onnx 23: pairs of numbers turned by the angle of their place.
pub(super) fn rotary_embedding(node: &Node<'_>) -> Result<Op, Fault> {
    let config = Config::read(node)?;
    op(move |run, args| reals!(args.tensor(0)?.kind(), T => turned::<T>(run, &args, &config)))
}

/// Inputs: what is turned, cosines, sines, places.
pub fn turned<T: Computed>(run: &mut Run<'_>, args: &Args, config: &Config) -> Result<Outputs, Fault> {
    let x = args.tensor(0)?;
    // Strides of a step and of a head tell the two forms apart.
    let (batch, heads, steps, width, head_first) = match *x.shape() {
        [batch, heads, steps, width] => (batch, heads, steps, width, true),
        [batch, steps, hidden] => {
            let heads = config.heads.and_then(|heads| usize::try_from(heads).ok());
            let heads = heads
                .filter(|&heads| heads > 0 && hidden % heads == 0)
                .ok_or_else(|| fault!("input 0: {x} can't be cut into {:?} heads", config.heads))?;
            (batch, heads, steps, hidden / heads, false)
        }
        _ => return Err(fault!("input 0: {x} must have three or four axes")),
    };
    let turned = if config.turned == 0 { width } else { config.turned };
    if turned > width || turned % 2 != 0 {
        return Err(fault!("can't turn {turned} of the {width} numbers of a head"));
    }
    let half = turned / 2;
    let rows = batch * steps;
    let places = args.opt_ints(3)?;
    let (cos, sin) = (real::input::<T>(run, args, 1)?, real::input::<T>(run, args, 2)?);
    let cached = cos.len() / half.max(1);
    if cos.len() != sin.len() || args.tensor(1)?.shape().last() != Some(&half) {
        return Err(fault!(
            "its caches {} and {} must have rows of {half}",
            args.tensor(1)?,
            args.tensor(2)?
        ));
    }
    let fits = match &places {
        Some(places) => places.len() == rows,
        None => cached == rows,
    };
    if !fits {
        return Err(fault!("its places or caches are not as many as its {batch} times {steps} steps"));
    }
    let rounded = real::rounding::<T>(x.kind());
    let mut y = real::widened::<T>(run, x)?.into_owned();
    for row in 0..rows {
        let place = match &places {
            None => row,
            Some(places) => usize::try_from(places[row])
                .ok()
                .filter(|&place| place < cached)
                .ok_or_else(|| fault!("input 3: place {} is outside the {cached} cached", places[row]))?,
        };
        let (cos, sin) = (&cos[place * half..][..half], &sin[place * half..][..half]);
        for head in 0..heads {
            let start = if head_first {
                ((row / steps * heads + head) * steps + row % steps) * width
            } else {
                (row * heads + head) * width
            };
            let x = &mut y[start..start + turned];
            for at in 0..half {
                let (first, second) = if config.interleaved { (2 * at, 2 * at + 1) } else { (at, half + at) };
                let (a, b) = (x[first], x[second]);
                x[first] = rounded(rounded(cos[at] * a) - rounded(sin[at] * b));
                x[second] = rounded(rounded(sin[at] * a) + rounded(cos[at] * b));
            }
        }
    }
    one(real::tensor(run, x.kind(), x.shape(), y)?)
}
