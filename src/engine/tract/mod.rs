//! The one place that knows tract.

use std::{path::Path, sync::Arc};

use tract_onnx::prelude::*;
use tract_onnx::tract_hir::{infer::Factoid, internal::DimLike};

use super::{Dim, Engine, Limits, LoadError, Port, RunError, Session, Signature};
use crate::domain::{ElementType, Tensor as DomainTensor, TensorData};

/// A model optimised by tract.
pub struct TractEngine {
    signature: Signature,
    plan: Arc<TypedSimplePlan>,
}

impl TractEngine {
    /// Reads, checks and optimises a model.
    pub fn load(path: &Path, _limits: &Limits) -> Result<Self, LoadError> {
        let un = |e: TractError| LoadError::Unsupported { path: path.into(), what: format!("{e:#}") };
        let mut m = tract_onnx::onnx().model_for_path(path).map_err(un)?;
        let n = m.symbols.sym("N");
        let mut inputs = vec![];
        for i in 0..m.inputs.len() {
            let f = m.input_fact(i).map_err(un)?.clone();
            let dt = f.datum_type.concretize().unwrap_or(f32::datum_type());
            let mut dims: Vec<TDim> = vec![];
            let mut pd = vec![];
            for (j, d) in f.shape.dims().enumerate() {
                match d.concretize().and_then(|d| d.to_usize().ok()) {
                    Some(k) => {
                        dims.push(k.to_dim());
                        pd.push(Dim::Fixed(k))
                    }
                    None if j == 0 => {
                        dims.push(n.to_dim());
                        pd.push(Dim::Batch)
                    }
                    None => {
                        pd.push(Dim::Free("x".into()));
                        dims.push(m.symbols.sym("x").to_dim())
                    }
                }
            }
            m.set_input_fact(i, dt.fact(&dims).into()).map_err(un)?;
            let name = m.nodes[m.inputs[i].node].name.clone();
            inputs.push(Port { name, element: el(dt), dims: pd });
        }
        let names: Vec<String> = m
            .outputs
            .iter()
            .enumerate()
            .map(|(i, o)| m.outlet_label(*o).map(str::to_owned).unwrap_or_else(|| format!("o{i}")))
            .collect();
        let m = m.into_optimized().map_err(un)?;
        let outputs: Vec<Port> = (0..m.outputs.len())
            .map(|i| {
                let f = m.output_fact(i).unwrap();
                Port {
                    name: names[i].clone(),
                    element: el(f.datum_type),
                    dims: f
                        .shape
                        .iter()
                        .enumerate()
                        .map(|(j, d)| match d.to_usize() {
                            Ok(k) => Dim::Fixed(k),
                            _ if j == 0 => Dim::Batch,
                            _ => Dim::Free(d.to_string()),
                        })
                        .collect(),
                }
            })
            .collect();
        let free_batch = inputs.iter().chain(&outputs).all(|p| p.dims.first() == Some(&Dim::Batch));
        Ok(TractEngine {
            signature: Signature { inputs, outputs, free_batch },
            plan: TypedSimplePlan::new(m).map_err(un)?,
        })
    }
}

fn el(dt: DatumType) -> ElementType {
    match dt {
        DatumType::I64 => ElementType::I64,
        DatumType::String => ElementType::String,
        _ => ElementType::F32,
    }
}

impl Engine for TractEngine {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn session(&self) -> Box<dyn Session> {
        Box::new(S { st: self.plan.spawn().unwrap(), out: vec![] })
    }
}

struct S {
    st: TypedSimpleState,
    out: Vec<DomainTensor>,
}

impl Session for S {
    fn run(&mut self, inputs: &[DomainTensor]) -> Result<&[DomainTensor], RunError> {
        let f = |e: TractError| RunError::Failed(format!("{e:#}"));
        let ins = inputs
            .iter()
            .map(|t| match &t.data {
                TensorData::F32(v) => Tensor::from_shape(&t.shape, v).map(|t| t.into_tvalue()),
                _ => todo!(),
            })
            .collect::<TractResult<TVec<TValue>>>()
            .map_err(f)?;
        let o = self.st.run(ins).map_err(f)?;
        self.out = o
            .iter()
            .map(|t| {
                let data = if t.datum_type() == DatumType::I64 {
                    TensorData::I64(t.to_plain_array_view::<i64>().unwrap().iter().copied().collect())
                } else {
                    TensorData::F32(t.to_plain_array_view::<f32>().unwrap().iter().copied().collect())
                };
                DomainTensor::new(t.shape().to_vec(), data)
            })
            .collect();
        Ok(&self.out)
    }
}
