//! `RotaryEmbedding` of com.microsoft.

use smallvec::smallvec;

use crate::native::{
    attributes::Node,
    exec::{Args, Op, op},
    fault::{Fault, fault},
    kernels::real::reals,
    ops::attention::rotary::{Config, turned},
    value::Tensor,
};

/// `RotaryEmbedding`, com.microsoft 1: ONNX's with its inputs in another order, of which the places may be one number,
/// the first place of every sequence.
pub(super) fn rotary_embedding(node: &Node<'_>) -> Result<Op, Fault> {
    if node.float("scale", 1.0)? != 1.0 || node.flag("is_packed_batching", false)? {
        return Err(Fault::unsupported("attributes `scale` and `is_packed_batching` are not done"));
    }
    let config = Config::read(node)?;
    op(move |run, args| {
        let x = args.tensor(0)?;
        let (batch, steps) = match *x.shape() {
            [batch, _, steps, _] | [batch, steps, _] => (batch, steps),
            _ => return Err(fault!("input 0: {x} must have three or four axes")),
        };
        let places = match args.ints(1)?[..] {
            [first] => (0..batch * steps).map(|at| first.saturating_add((at % steps) as i64)).collect(),
            ref all => all.to_vec(),
        };
        // A flat input is cut into heads as wide as the caches turn, where nothing says how many there are.
        let turns = args.tensor(2)?.shape().last().map_or(0, |half| half * 2);
        let config = match x.shape() {
            [_, _, hidden] => config.or_heads(hidden / turns.max(1)),
            _ => config,
        };
        let places = Tensor::vector(places).into();
        let inputs = smallvec![
            args.opt_value(0).cloned(),
            args.opt_value(2).cloned(),
            args.opt_value(3).cloned(),
            Some(places)
        ];
        let kind = x.kind();
        reals!(kind, T => turned::<T>(run, &Args::new(inputs, smallvec![]), &config))
    })
}
