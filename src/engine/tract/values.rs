//! Our tensors to tract's and back.

use tract_onnx::tract_hir::internal::*;

use crate::{ElementType, Tensor as Ours, TensorData};

/// The element type a session shows for tract's. `None` for what has no counterpart.
pub(super) fn element(kind: DatumType) -> Option<ElementType> {
    Some(match kind {
        DatumType::F16 | DatumType::F32 => ElementType::F32,
        DatumType::F64 => ElementType::F64,
        DatumType::I8 | DatumType::QI8(_) => ElementType::I8,
        DatumType::I16 => ElementType::I16,
        DatumType::I32 | DatumType::QI32(_) => ElementType::I32,
        // Shapes are computed as dimensions and are i64 in ONNX.
        DatumType::I64 | DatumType::TDim => ElementType::I64,
        DatumType::U8 | DatumType::QU8(_) => ElementType::U8,
        DatumType::U16 => ElementType::U16,
        DatumType::U32 => ElementType::U32,
        DatumType::U64 => ElementType::U64,
        DatumType::Bool => ElementType::Bool,
        DatumType::String => ElementType::String,
        _ => return None,
    })
}

/// Copies a tensor in; `kind` is what the graph takes.
pub(super) fn into_tract(tensor: &Ours, kind: DatumType) -> TractResult<Tensor> {
    let shape = &tensor.shape;
    let copy = match &tensor.data {
        TensorData::F32(v) => Tensor::from_shape(shape, v),
        TensorData::F64(v) => Tensor::from_shape(shape, v),
        TensorData::I8(v) => Tensor::from_shape(shape, v),
        TensorData::I16(v) => Tensor::from_shape(shape, v),
        TensorData::I32(v) => Tensor::from_shape(shape, v),
        TensorData::I64(v) => Tensor::from_shape(shape, v),
        TensorData::U8(v) => Tensor::from_shape(shape, v),
        TensorData::U16(v) => Tensor::from_shape(shape, v),
        TensorData::U32(v) => Tensor::from_shape(shape, v),
        TensorData::U64(v) => Tensor::from_shape(shape, v),
        TensorData::Bool(v) => Tensor::from_shape(shape, v),
        TensorData::String(v) => {
            Ok(tract_ndarray::ArrayD::from_shape_vec(shape.as_slice(), v.clone())?.into())
        }
    }?;
    if copy.datum_type() == kind { Ok(copy) } else { Ok(copy.cast_to_dt(kind)?.into_owned()) }
}

/// Copies a tensor out over `ours`, whose buffers are used again.
pub(super) fn from_tract(theirs: &Tensor, ours: &mut Ours) -> TractResult<()> {
    let plain = match theirs.datum_type() {
        DatumType::F16 => theirs.cast_to::<f32>()?,
        DatumType::TDim => theirs.cast_to::<i64>()?,
        _ => Cow::Borrowed(theirs),
    };
    ours.shape.clear();
    ours.shape.extend_from_slice(plain.shape());
    match &mut ours.data {
        TensorData::F32(v) => copy_out(&plain, v),
        TensorData::F64(v) => copy_out(&plain, v),
        TensorData::I8(v) => copy_out(&plain, v),
        TensorData::I16(v) => copy_out(&plain, v),
        TensorData::I32(v) => copy_out(&plain, v),
        TensorData::I64(v) => copy_out(&plain, v),
        TensorData::U8(v) => copy_out(&plain, v),
        TensorData::U16(v) => copy_out(&plain, v),
        TensorData::U32(v) => copy_out(&plain, v),
        TensorData::U64(v) => copy_out(&plain, v),
        TensorData::Bool(v) => copy_out(&plain, v),
        TensorData::String(v) => copy_out(&plain, v),
    }
}

fn copy_out<T: Datum + Clone>(theirs: &Tensor, ours: &mut Vec<T>) -> TractResult<()> {
    ours.clear();
    ours.extend_from_slice(theirs.try_as_plain_ram()?.as_slice::<T>()?);
    Ok(())
}
