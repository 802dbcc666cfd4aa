//! A histogram of durations on atomics: cheap to feed, readable at any time.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// Upper bounds of the buckets in nanoseconds: six a decade from 10 µs to 10 s. Every second one
/// (1, 2.5 and 5 times a power of ten) is shown in the metrics; the others sharpen percentiles.
const BOUNDS_NANOS: [u64; 37] = bounds();

/// Every how many bounds one is exposed.
const EXPOSED_EVERY: usize = 2;

const fn bounds() -> [u64; 37] {
    let steps = [10, 15, 25, 35, 50, 70];
    let mut bounds = [0; 37];
    let (mut i, mut unit) = (0, 1_000);
    while i < bounds.len() {
        bounds[i] = steps[i % steps.len()] * unit;
        i += 1;
        if i % steps.len() == 0 {
            unit *= 10;
        }
    }
    bounds
}

/// Durations counted into buckets.
#[derive(Debug)]
pub struct Histogram {
    /// One count per bound, and a last one for what lies beyond them all.
    counts: [AtomicU64; BOUNDS_NANOS.len() + 1],
    sum_nanos: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Histogram { counts: std::array::from_fn(|_| AtomicU64::new(0)), sum_nanos: AtomicU64::new(0) }
    }
}

impl Histogram {
    /// Counts one duration.
    pub fn observe(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_NANOS.partition_point(|bound| *bound < nanos);
        self.counts[bucket].fetch_add(1, Relaxed);
        self.sum_nanos.fetch_add(nanos, Relaxed);
    }

    /// The counts as they are now. The total is the sum of the buckets, so the two always agree.
    pub fn snapshot(&self) -> HistogramSnapshot {
        HistogramSnapshot {
            counts: std::array::from_fn(|i| self.counts[i].load(Relaxed)),
            sum_nanos: self.sum_nanos.load(Relaxed),
        }
    }
}

/// A [`Histogram`] at one moment.
#[derive(Debug, Clone)]
pub struct HistogramSnapshot {
    counts: [u64; BOUNDS_NANOS.len() + 1],
    sum_nanos: u64,
}

impl HistogramSnapshot {
    /// Durations counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Their sum in seconds.
    pub fn sum_secs(&self) -> f64 {
        secs(self.sum_nanos)
    }

    /// Upper bounds in seconds with the count of each bucket alone (not cumulative), the last one
    /// for what lies beyond. The last bound is infinity.
    pub fn exposed(&self) -> Vec<(f64, u64)> {
        let mut exposed = Vec::with_capacity(BOUNDS_NANOS.len() / EXPOSED_EVERY + 2);
        let mut since = 0;
        for (i, bound) in BOUNDS_NANOS.iter().enumerate() {
            since += self.counts[i];
            if i % EXPOSED_EVERY == 0 {
                exposed.push((secs(*bound), since));
                since = 0;
            }
        }
        exposed.push((f64::INFINITY, since + self.counts[BOUNDS_NANOS.len()]));
        exposed
    }

    /// An estimate of the `q` quantile (0 to 1) in seconds, interpolated inside its bucket; `None`
    /// when nothing was counted. What lies beyond 10 s is told as 10 s.
    pub fn quantile_secs(&self, q: f64) -> Option<f64> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        let rank = (q.clamp(0.0, 1.0) * count as f64).max(1.0);
        let mut below = 0u64;
        for (i, in_bucket) in self.counts.iter().enumerate() {
            if (below + in_bucket) as f64 >= rank {
                let lower = if i == 0 { 0 } else { BOUNDS_NANOS[i - 1] };
                let upper = BOUNDS_NANOS.get(i).copied().unwrap_or(lower);
                let share = (rank - below as f64) / *in_bucket as f64;
                return Some(secs(lower) + share * (secs(upper) - secs(lower)));
            }
            below += in_bucket;
        }
        Some(secs(BOUNDS_NANOS[BOUNDS_NANOS.len() - 1]))
    }
}

fn secs(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_run_from_ten_microseconds_to_ten_seconds() {
        assert_eq!(BOUNDS_NANOS[0], 10_000);
        assert_eq!(BOUNDS_NANOS[36], 10_000_000_000);
        assert!(BOUNDS_NANOS.is_sorted());
        let empty = Histogram::default().snapshot();
        assert_eq!(empty.exposed().len(), 20);
        assert_eq!(empty.exposed()[1].0, 25e-6);
        assert_eq!(empty.quantile_secs(0.5), None);
    }

    #[test]
    fn every_duration_lands_in_one_bucket() {
        let histogram = Histogram::default();
        for micros in [0, 10, 11, 900, 1_000_000, 60_000_000] {
            histogram.observe(Duration::from_micros(micros));
        }
        let snapshot = histogram.snapshot();
        assert_eq!(snapshot.count(), 6);
        let exposed = snapshot.exposed();
        assert_eq!(exposed.iter().map(|(_, n)| n).sum::<u64>(), 6);
        assert_eq!(exposed[0], (10e-6, 2), "0 and exactly 10 µs");
        assert_eq!(exposed[19], (f64::INFINITY, 1), "60 s is beyond");
        assert!((snapshot.sum_secs() - 61.000_921).abs() < 1e-9);
    }

    #[test]
    fn quantiles_are_near_the_truth() {
        let histogram = Histogram::default();
        for micros in 1..=10_000 {
            histogram.observe(Duration::from_micros(micros));
        }
        let snapshot = histogram.snapshot();
        for (q, truth) in [(0.5, 5_000e-6), (0.99, 9_900e-6), (0.01, 100e-6)] {
            let estimate = snapshot.quantile_secs(q).unwrap();
            assert!((estimate / truth - 1.0).abs() < 0.05, "q{q}: {estimate} for {truth}");
        }
    }
}
