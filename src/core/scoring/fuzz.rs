//! For fuzzing: a signature, a declaration and messages out of any bytes; each message ends in a verdict or a rejection,
//! and what reaches the model fits it and its bound.

use std::{sync::Arc, time::Duration};

use super::{
    Message, Plan, Scorer, ScorerOptions, SourceRule,
    declared::{Spec, infer, read_sizes, read_spec},
};
use crate::{
    domain::{ElementType, Epoch, Tensor},
    settings::{Faults, Node, Section},
};
use edgeward_engine::{Dim, Engine, Limits, Port, RunError, Session, Signature};

/// An engine that answers with its inputs.
pub(super) struct Echo(pub Signature);

struct EchoSession(Vec<Tensor>);

impl Engine for Echo {
    fn name(&self) -> &'static str {
        "echo"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn session(&self) -> Box<dyn Session> {
        Box::new(EchoSession(Vec::new()))
    }
}

impl Session for EchoSession {
    fn run(&mut self, inputs: &[Tensor]) -> Result<&[Tensor], RunError> {
        self.0 = inputs.to_vec();
        Ok(&self.0)
    }
}

/// One that holds each run against its signature.
struct Strict(Arc<Echo>);

struct StrictSession(Arc<Echo>, Box<dyn Session>);

impl Engine for Strict {
    fn name(&self) -> &'static str {
        "strict"
    }

    fn signature(&self) -> &Signature {
        self.0.signature()
    }

    fn session(&self) -> Box<dyn Session> {
        Box::new(StrictSession(self.0.clone(), self.0.session()))
    }
}

impl Session for StrictSession {
    fn run(&mut self, inputs: &[Tensor]) -> Result<&[Tensor], RunError> {
        let fits = self.0.signature().check(inputs);
        // Beyond a panic that the scorer contains: the process ends.
        if let Err(error) = fits {
            eprintln!("{error}");
            std::process::abort();
        }
        for tensor in inputs {
            let rows = if self.0.0.free_batch { tensor.shape[0] as u64 } else { 1 };
            if tensor.data.len() as u64 * 8 > MAX_TENSOR_BYTES * rows {
                eprintln!("{:?} is beyond the bound", tensor.shape);
                std::process::abort();
            }
        }
        self.1.run(inputs)
    }
}

const MAX_TENSOR_BYTES: u64 = 8 * 4096;
const MAX_BATCH: usize = 4;

/// The first bytes are a signature; then come a declaration and messages, each ended by a zero.
pub fn sizes(bytes: &[u8]) {
    let mut bytes = bytes.iter().copied();
    let mut byte = || bytes.next().unwrap_or_default();
    let free_batch = byte() % 2 == 0;
    let dims = |byte: &mut dyn FnMut() -> u8| -> Vec<Dim> {
        let rank = usize::from(byte() % 4);
        let dim = |byte: u8| match byte % 8 {
            n @ 0..4 => Dim::Fixed(usize::from(n) + 1),
            letter => Dim::Free(["n", "m", "x_1", "samples"][usize::from(letter - 4)].into()),
        };
        let inner = (0..rank).map(|_| dim(byte()));
        if free_batch { [Dim::Batch].into_iter().chain(inner).collect() } else { inner.collect() }
    };
    let names: Vec<(&str, Vec<Dim>)> = ["x", "h", "len"]
        .into_iter()
        .take(1 + usize::from(byte() % 3))
        .map(|name| (name, dims(&mut byte)))
        .collect();
    let rest: Vec<u8> = bytes.collect();
    let mut parts = rest.split(|byte| *byte == 0);
    let declaration = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let messages: Vec<&[u8]> = parts.take(16).collect();
    try_out(&names, free_batch, &declaration, &messages);
}

/// Whether anything was scored.
pub(super) fn try_out(
    inputs: &[(&str, Vec<Dim>)],
    free_batch: bool,
    declaration: &str,
    messages: &[&[u8]],
) -> bool {
    let port = |name: String, dims: &[Dim]| Port {
        name,
        element: ElementType::F64,
        dims: dims.to_vec(),
        labels: vec![],
    };
    let outputs = inputs.iter().map(|(name, dims)| port(format!("{name}_out"), dims)).collect();
    let inputs = inputs.iter().map(|(name, dims)| port((*name).to_owned(), dims)).collect();
    let echo = Arc::new(Echo(Signature { inputs, outputs, free_batch }));
    let Ok(tree) = Node::from_toml(declaration, "fuzz") else { return false };
    let faults = Faults::new();
    let root = Section::root(&tree, &faults);
    let (sizes, batch_axis) = read_sizes(&root);
    let mut spec = Spec { sizes, batch_axis, ..read_spec(&root) };
    if !faults.is_empty() || infer(&mut spec, echo.signature()).is_err() {
        return false;
    }
    let limits = Limits { max_tensor_bytes: MAX_TENSOR_BYTES, ..Limits::default() };
    let Ok(plan) = Plan::new(spec, echo.signature(), &limits) else { return false };
    let options = ScorerOptions {
        pipeline: "p".into(),
        device: "d".into(),
        epoch: Epoch([0; 8]),
        sequence_field: None,
        source: SourceRule::None,
        max_sources: 2,
        copy_fields: Vec::new(),
        max_payload_bytes: 1 << 16,
        max_batch: MAX_BATCH,
    };
    let mut scorer = Scorer::new(Arc::new(plan), Arc::new(Strict(echo)), options);
    let (mut settled, mut brought) = (0, 0);
    for (at, payload) in messages.iter().enumerate() {
        let message =
            Message { topic: "a", payload, now: Duration::from_secs(at as u64), ..Message::default() };
        brought += scorer.push(at, &message, &mut |_| settled += 1);
    }
    scorer.flush(&mut |_| settled += 1);
    assert_eq!(settled, brought, "each reading ends once");
    assert_eq!(scorer.panics(), 0, "nothing panicked");
    settled > 0
}
