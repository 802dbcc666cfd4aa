//! The store against a disk that fails: at every point, in every way.

mod bounds;
mod crash;
mod faults;
mod model;
mod workload;
