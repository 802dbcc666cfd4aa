//! For tests of rooms above: a pipeline around an engine that answers when the test lets it.

use std::sync::{Arc, Mutex, mpsc};

use super::{PipelineConfig, Retained, TopicTemplate};
use crate::mqtt::Qos;
use edgeward_core::{
    domain::{ElementType, Tensor, TensorData, TopicFilter},
    models::Model,
    scoring::{
        ModelIdentity, Plan, SourceRule,
        declared::{Spec, infer, read_spec},
    },
    settings::{Faults, Node, Section},
};
use edgeward_engine::{Dim, Engine, Limits, Port, RunError, Session, Signature};

/// Adds up each row; each run takes a permit first.
struct Held {
    signature: Signature,
    permits: Arc<Mutex<mpsc::Receiver<()>>>,
}

struct HeldSession(Arc<Mutex<mpsc::Receiver<()>>>, Vec<Tensor>);

impl Engine for Held {
    fn name(&self) -> &'static str {
        "held"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn session(&self) -> Box<dyn Session> {
        Box::new(HeldSession(self.permits.clone(), Vec::new()))
    }
}

impl Session for HeldSession {
    fn run(&mut self, inputs: &[Tensor]) -> Result<&[Tensor], RunError> {
        // Without anybody to give permits, everything may run.
        let _ = self.0.lock().unwrap().recv();
        let TensorData::F32(values) = &inputs[0].data else { panic!("an f32 model") };
        let sums: Vec<f32> = values.chunks(inputs[0].row_len()).map(|row| row.iter().sum()).collect();
        self.1 = vec![Tensor::f32(&[sums.len(), 1], sums)];
        Ok(&self.1)
    }
}

/// A pipeline of the engine above, as `declaration` maps it. Reads `in/#`, has a queue of two.
pub fn held_pipeline(declaration: &str, dims: &[usize], permits: mpsc::Receiver<()>) -> PipelineConfig {
    let dims = std::iter::once(Dim::Batch).chain(dims.iter().map(|n| Dim::Fixed(*n))).collect();
    let port = |name: &str, dims| Port { name: name.into(), element: ElementType::F32, dims, labels: vec![] };
    let signature = Signature {
        inputs: vec![port("x", dims)],
        outputs: vec![port("sum", vec![Dim::Batch, Dim::Fixed(1)])],
        free_batch: true,
    };
    let engine = Arc::new(Held { signature, permits: Arc::new(Mutex::new(permits)) });
    let tree = Node::from_toml(declaration, "test").unwrap();
    let faults = Faults::new();
    let mut spec: Spec = read_spec(&Section::root(&tree, &faults));
    infer(&mut spec, engine.signature()).unwrap();
    let plan = Arc::new(Plan::new(spec, engine.signature(), &Limits::default()).unwrap());
    let identity = ModelIdentity { name: "sum".into(), version: "1".into(), digest: "00".into() };
    PipelineConfig {
        name: "press".into(),
        topics: vec![TopicFilter::new("in/#").unwrap()],
        qos: Qos::AtLeastOnce,
        retained: Retained::Ignore,
        model: Model::new(identity, engine, plan),
        source: SourceRule::TopicLevel(2),
        max_sources: 10,
        max_payload_bytes: 1000,
        max_batch: 8,
        queue_messages: 2,
        queue_bytes: 1 << 20,
        live: false,
        sequence_field: None,
        output: TopicTemplate::new("out", "d", "press").unwrap(),
        output_qos: Qos::AtMostOnce,
        error_topic: None,
        copy_fields: Vec::new(),
    }
}
