//! A network behind the engine's seam.

use std::sync::Arc;

use super::Network;
use crate::{Engine, Port, RunError, Session, Signature, Tensor, TensorData};

/// A [`Network`] with its port names.
pub struct DenseEngine {
    signature: Arc<Signature>,
    network: Arc<Network>,
}

impl DenseEngine {
    /// `input` and `output` are f32 ports of two dimensions, the first the batch.
    pub fn new(network: Network, input: Port, output: Port) -> Self {
        let signature = Signature { inputs: vec![input], outputs: vec![output], free_batch: true };
        DenseEngine { signature: Arc::new(signature), network: Arc::new(network) }
    }
}

impl Engine for DenseEngine {
    fn name(&self) -> &'static str {
        "dense"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn session(&self) -> Box<dyn Session> {
        Box::new(DenseSession {
            signature: Arc::clone(&self.signature),
            network: Arc::clone(&self.network),
            output: [Tensor::f32(&[0, self.network.outputs()], vec![])],
            spare: vec![],
        })
    }
}

struct DenseSession {
    signature: Arc<Signature>,
    network: Arc<Network>,
    output: [Tensor; 1],
    spare: Vec<f32>,
}

impl Session for DenseSession {
    fn run(&mut self, inputs: &[Tensor]) -> Result<&[Tensor], RunError> {
        self.signature.check(inputs)?;
        let [Tensor { shape, data: TensorData::F32(x) }] = inputs else {
            return Err(RunError::Failed("a network takes one f32 tensor".into()));
        };
        let [Tensor { shape: output_shape, data: TensorData::F32(y) }] = &mut self.output else {
            return Err(RunError::Failed("a network gives one f32 tensor".into()));
        };
        self.network.run(x, y, &mut self.spare);
        output_shape[0] = shape[0];
        Ok(&self.output)
    }
}
