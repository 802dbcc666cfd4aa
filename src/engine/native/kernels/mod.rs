//! The loops: plain functions over slices and shapes. They know no nodes and no attributes, get the
//! memory they fill, and trust the shapes they are given, which the operators have checked.

pub mod attention;
pub mod broadcast;
pub mod conv;
pub mod fourier;
pub mod matmul;
pub mod normal;
pub mod pool;
pub mod real;
pub mod recurrent;
pub mod resize;
pub mod shape;
pub mod window;
