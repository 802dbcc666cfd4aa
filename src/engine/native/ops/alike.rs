//! Several tensors that must be of one kind.

use std::any::Any;

use crate::{
    native::{
        fault::{Fault, fault},
        value::{Data, Element, Kind, Tensor},
    },
    with_data, with_kinds,
};

/// The elements, as the Rust type that holds them (small kinds too: bytes), to be used inside
/// `map_data!` for the other operands, whose kind has been checked with [`kind`].
pub fn elements<T: Element>(data: &Data) -> Result<&[T], Fault> {
    let found = with_data!(data, v => {
        let any: &dyn Any = &**v;
        any.downcast_ref::<Vec<T>>()
    });
    found.map(|v| &**v).ok_or_else(|| fault!("is {}, must be {}", data.kind(), T::KIND))
}

/// The first element, as the type of `like`'s.
///
/// # Errors
/// Another kind, no elements.
pub fn first<T: Element>(tensor: &Tensor, _like: &[T]) -> Result<T, Fault> {
    elements::<T>(tensor.data())?.first().cloned().ok_or_else(|| fault!("has no elements"))
}

/// The kind all of them are.
///
/// # Errors
/// None at all, two kinds.
pub fn kind<'t>(tensors: impl IntoIterator<Item = &'t Tensor>) -> Result<Kind, Fault> {
    let mut tensors = tensors.into_iter();
    let kind = tensors.next().ok_or_else(|| fault!("is given no tensor"))?.kind();
    match tensors.find(|tensor| tensor.kind() != kind) {
        Some(other) => Err(fault!("takes tensors of one kind, is given {kind} and {}", other.kind())),
        None => Ok(kind),
    }
}

/// Numbers of any real type as whole numbers, cut towards zero; NaN is 0, what is too large the
/// largest.
///
/// # Errors
/// Text, truth values, complex numbers, kinds below a byte.
pub fn integers(tensor: &Tensor) -> Result<Vec<i64>, Fault> {
    with_kinds!(
        [F32, F64, I8, I16, I32, I64, U8, U16, U32, U64] tensor.data(),
        v => Ok(v.iter().map(|&v| v as i64).collect()),
        match tensor.data() {
            Data::F16(v) => Ok(v.iter().map(|v| v.to_f32() as i64).collect()),
            Data::BF16(v) => Ok(v.iter().map(|v| v.to_f32() as i64).collect()),
            _ => Err(fault!("is {tensor}, must have numbers")),
        }
    )
}
