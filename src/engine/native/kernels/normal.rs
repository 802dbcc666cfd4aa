//! Normalisation: means, variances, and what is made with them.

use super::real::{Computed, sum};

/// Mean and population variance, in two passes.
pub fn moments<T: Computed>(x: &[T]) -> (T, T) {
    let count = T::from_usize(x.len());
    let mean = sum(x, |x| x) / count;
    (mean, sum(x, |x| (x - mean) * (x - mean)) / count)
}

/// Mean and population variance of every channel, over all images. `x`: images, channels, cells.
pub fn channel_moments<T: Computed>(x: &[T], channels: usize, cells: usize) -> (Vec<T>, Vec<T>) {
    let planes = |channel: usize| x.chunks_exact(cells.max(1)).skip(channel).step_by(channels.max(1));
    let count = T::from_usize(x.len() / channels.max(1));
    let mean = |channel: usize| planes(channel).map(|plane| sum(plane, |x| x)).sum::<T>() / count;
    let means: Vec<T> = (0..channels).map(mean).collect();
    let variance = |(channel, &mean): (usize, &T)| {
        planes(channel).map(|plane| sum(plane, |x| (x - mean) * (x - mean))).sum::<T>() / count
    };
    let variances = means.iter().enumerate().map(variance).collect();
    (means, variances)
}

/// For each element, the sum of squares over the channels from `behind` before its own to `ahead` after it.
/// `x`: channels, cells; of one image.
pub fn square_sums<T: Computed>(x: &[T], cells: usize, behind: usize, ahead: usize, sums: &mut [T]) {
    sums.fill(T::ZERO);
    if cells == 0 {
        return;
    }
    let channels = x.len() / cells;
    for (channel, sums) in sums.chunks_exact_mut(cells).enumerate() {
        let last = channel.saturating_add(ahead).min(channels - 1);
        for near in x[channel.saturating_sub(behind) * cells..(last + 1) * cells].chunks_exact(cells) {
            sums.iter_mut().zip(near).for_each(|(sum, &x)| *sum += x * x);
        }
    }
}
