//! Series in time: grids, differences, rolling and exponential statistics, holes.

mod difference;
mod exponential;
mod interpolate;
mod missing;
mod rolling;
mod standard;
mod statistics;

pub use difference::{difference, lag};
pub use exponential::{Exponential, ExponentialSpec};
pub use interpolate::{Interpolation, Interpolator, grid};
pub use missing::{Fill, complete, fill};
pub use rolling::{Rolling, RollingSpec};
pub use standard::{Welford, standardize, standardize_by_itself};
pub use statistics::{Statistic, Statistics, mean, quantile_sorted, variance};
