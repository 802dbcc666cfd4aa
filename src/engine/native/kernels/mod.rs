//! The loops: plain functions over slices and shapes. They know no nodes and no attributes, get the
//! memory they fill, and trust the shapes they are given, which the operators have checked.

pub mod attention;
pub mod broadcast;
pub mod conv;
pub mod coordinates;
pub mod fourier;
pub mod matmul;
pub mod normal;
pub mod number;
pub mod order;
pub mod pad;
pub mod places;
pub mod pool;
pub mod random;
pub mod range;
pub mod real;
pub mod recurrent;
pub mod reduce;
pub mod resize;
pub mod select;
pub mod shape;
pub mod softmax;
pub mod strided;
pub mod window;
