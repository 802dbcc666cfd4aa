//! Which lengths a model works with, where its file leaves them free: found by trying.
//!
//! Not every length will do: a convolution needs as many samples as its kernel has, a network that halves an image
//! five times wants multiples of 32. So lengths of many kinds are tried, the small ones first.

use super::{Dim, Session, Signature, Sizes, Tensor, sample::sized_inputs};

/// Of short sequences, of images, of windows of sound.
const LENGTHS: [usize; 7] = [3, 8, 32, 64, 224, 1600, 16_000];
/// Most elements of a row of one input.
const MOST_ELEMENTS: usize = 1 << 18;

/// The lengths to try, one after another; a single try where none is free. A free first axis that is no batch is one
/// row first, and then as long as the others.
pub(super) fn sizes(signature: &Signature) -> impl Iterator<Item = Sizes> {
    let lengths = if signature.has_free_sizes() { &LENGTHS[..] } else { &[1] };
    let firsts = signature.inputs.iter().filter_map(|port| match port.dims.first() {
        Some(Dim::Free(name)) if port.dims.len() > 1 => Some(name.as_str()),
        _ => None,
    });
    let firsts: Vec<&str> = firsts.collect();
    lengths.iter().flat_map(move |length| {
        let all = Sizes::all(*length);
        let rows = firsts.iter().fold(all.clone(), |sizes, name| sizes.with(name, 1));
        let both = if firsts.is_empty() { vec![all] } else { vec![rows, all] };
        // The first always: what the file itself asks for is bounded elsewhere.
        let first = *length == lengths[0];
        both.into_iter().filter(move |sizes| first || is_small(signature, sizes))
    })
}

fn is_small(signature: &Signature, sizes: &Sizes) -> bool {
    signature.inputs.iter().all(|port| {
        let of = port.dims.iter().map(|dim| sizes.length(dim, 1));
        of.fold(1usize, |product, length| product.saturating_mul(length)) <= MOST_ELEMENTS
    })
}

/// Lengths with which the model answers random numbers, each output with something in it where that can be; one
/// everywhere, where none will do or none is free.
pub fn trial_sizes(signature: &Signature, session: &mut dyn Session) -> Sizes {
    let mut empty = None;
    if !signature.has_free_sizes() {
        return Sizes::default();
    }
    for sizes in sizes(signature) {
        let Ok(answer) = session.run(&sized_inputs(signature, 1, &sizes, 0)) else { continue };
        if answer.iter().all(|tensor: &Tensor| !tensor.shape.contains(&0)) {
            return sizes;
        }
        empty.get_or_insert(sizes);
    }
    empty.unwrap_or_default()
}
