//! Models of ONNX's own cases with something changed: whatever they say then, nothing panics, nothing hangs, and
//! no value is larger than the bound.
//!
//! The changes are drawn from a seed, so a finding comes again; `MUTATIONS=100000 SEED=7 cargo test --lib
//! mutation` looks longer and elsewhere. `tests/fuzz/` does the same without end.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use prost::Message;

use super::suite::{Case, root, value};
use crate::{
    native::{
        build::build,
        exec::{Bounds, Run, Stepped},
        value::{Value, Weights},
    },
    onnx::{
        proto::{GraphProto, ModelProto, NodeProto, TensorProto},
        wire,
    },
};

const BOUNDS: Bounds = Bounds { max_tensor_bytes: 1 << 22, max_loop_turns: 100 };

/// Marsaglia's xorshift: the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    fn of<'t, T>(&mut self, items: &'t [T]) -> Option<&'t T> {
        items.get(self.below(items.len()))
    }

    fn of_mut<'t, T>(&mut self, items: &'t mut [T]) -> Option<&'t mut T> {
        let at = self.below(items.len());
        items.get_mut(at)
    }

    /// A number that breaks things.
    fn number(&mut self) -> i64 {
        const NUMBERS: [i64; 18] = [
            0,
            1,
            -1,
            2,
            -2,
            3,
            7,
            64,
            1000,
            -1000,
            1 << 31,
            -(1 << 31),
            1 << 40,
            1 << 62,
            i64::MAX,
            i64::MIN,
            i64::MAX - 1,
            u32::MAX as i64,
        ];
        NUMBERS[self.below(NUMBERS.len())]
    }
}

/// Changes some bytes.
fn change_bytes(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len());
        match random.below(6) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.next() as u8,
            2 => bytes[at] = [0, 0x7f, 0x80, 0xff][random.below(4)],
            3 => bytes.truncate(at.max(1)),
            4 => drop(bytes.remove(at)),
            _ => {
                let (from, len) = (random.below(bytes.len()), random.below(16));
                let part: Vec<u8> = bytes.iter().skip(from).take(len).copied().collect();
                bytes.splice(at..at, part);
            }
        }
        if bytes.is_empty() {
            bytes.push(0);
        }
    }
}

/// Changes what a model says, leaving it a model.
fn change_fields(model: &mut ModelProto, others: &[String], random: &mut Random) {
    if random.below(8) == 0 {
        for import in &mut model.opset_import {
            import.version = 1 + random.below(28) as i64;
        }
    }
    for function in &mut model.functions {
        change_nodes(&mut function.node, others, random);
    }
    if let Some(graph) = &mut model.graph {
        change_graph(graph, others, random);
    }
}

fn change_graph(graph: &mut GraphProto, others: &[String], random: &mut Random) {
    if let Some(weight) = random.of_mut(&mut graph.initializer) {
        change_tensor(weight, random);
    }
    if random.below(16) == 0 && !graph.input.is_empty() {
        let at = random.below(graph.input.len());
        graph.input.remove(at);
    }
    change_nodes(&mut graph.node, others, random);
}

fn change_nodes(nodes: &mut [NodeProto], others: &[String], random: &mut Random) {
    for _ in 0..=random.below(2) {
        let names: Vec<String> =
            nodes.iter().flat_map(|node| node.input.iter().chain(&node.output)).cloned().collect();
        let Some(node) = random.of_mut(nodes) else { return };
        match random.below(8) {
            0 => node.op_type = random.of(others).cloned().unwrap_or_default(),
            1 => {
                if let (Some(input), Some(name)) = (random.of_mut(&mut node.input), random.of(&names)) {
                    input.clone_from(name);
                }
            }
            2 => drop(node.input.pop()),
            3 => node.input.extend(random.of(&names).cloned()),
            4 => node.output.push(format!("more{}", random.next())),
            _ => change_attribute(node, others, random),
        }
    }
}

fn change_attribute(node: &mut NodeProto, others: &[String], random: &mut Random) {
    let Some(attribute) = random.of_mut(&mut node.attribute) else { return };
    match random.below(10) {
        0 => attribute.r#type = random.below(15) as i32,
        1 => attribute.name.clear(),
        2 => attribute.ints.push(random.number()),
        3 => drop(attribute.ints.pop()),
        4 => attribute.f = [0.0, -1.0, f32::NAN, f32::INFINITY, 1e30, 1e-30][random.below(6)],
        _ => {
            attribute.i = random.number();
            let number = random.number();
            if let Some(int) = random.of_mut(&mut attribute.ints) {
                *int = number;
            }
            if let Some(tensor) = &mut attribute.t {
                change_tensor(tensor, random);
            }
            if let Some(graph) = &mut attribute.g {
                change_graph(graph, others, random);
            }
        }
    }
}

fn change_tensor(tensor: &mut TensorProto, random: &mut Random) {
    let number = random.number();
    match random.below(6) {
        0 => tensor.data_type = random.below(30) as i32,
        1 => tensor.dims.push(1),
        2 => drop(tensor.dims.pop()),
        3 => {
            if let Some(dim) = random.of_mut(&mut tensor.dims) {
                *dim = number;
            }
        }
        _ => {
            if let Some(value) = random.of_mut(&mut tensor.int64_data) {
                *value = number;
            }
            if tensor.data_type == 7 && tensor.raw_data.len() >= 8 {
                let mut raw = tensor.raw_data.to_vec();
                let at = random.below(raw.len() / 8) * 8;
                raw[at..at + 8].copy_from_slice(&number.to_le_bytes());
                tensor.raw_data = raw.into();
            }
        }
    }
}

/// Values that a case gives, some of their numbers changed.
fn change_inputs(inputs: &mut [Option<Value>], random: &mut Random) {
    let number = random.number();
    if let Some(Some(Value::Tensor(tensor))) = random.of_mut(inputs)
        && let Some(value) = tensor.slice_mut::<i64>().ok().and_then(|values| random.of_mut(values))
    {
        *value = number;
    }
}

fn try_out(proto: &ModelProto, inputs: Vec<Option<Value>>) {
    let weights = Weights { file: None, max_tensor_bytes: BOUNDS.max_tensor_bytes };
    let Ok(graph) = build(proto, weights, BOUNDS) else { return };
    let mut largest = 0;
    let mut seen = |_: Stepped<'_>, values: &[Value]| {
        largest = values.iter().map(Value::bytes).fold(largest, usize::max);
    };
    let _ = Run::watched(BOUNDS, &mut seen).graph(&graph, inputs, &[]);
    // A sequence may be over by an eighth, and counts what its items share.
    let bound = BOUNDS.max_tensor_bytes as usize * 5 / 4;
    assert!(largest <= bound, "a value of {largest} bytes");
}

struct Sample {
    name: String,
    bytes: Vec<u8>,
    inputs: Vec<Option<Value>>,
}

fn sample(folder: &Path) -> Option<Sample> {
    let bytes = fs::read(folder.join("model.onnx")).ok().filter(|bytes| bytes.len() < 100_000)?;
    let case: Case = serde_json::from_str(&fs::read_to_string(folder.join("case.json")).ok()?).ok()?;
    let read = |(at, part): (usize, &super::suite::Part)| {
        value(&folder.join("set_0").join(format!("input_{at}.pb")), &part.kind)
    };
    let inputs = case.inputs.iter().enumerate().map(read).collect::<Result<_, _>>().ok()?;
    Some(Sample { name: folder.file_name()?.to_string_lossy().into_owned(), bytes, inputs })
}

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn changed_models_neither_panic_nor_take_more_than_they_may() {
    let Ok(folders) = fs::read_dir(root().join("node")) else {
        assert!(std::env::var_os("CI").is_none(), "the suite of node cases is missing: run tests/setup");
        println!("skipped: the suite of node cases is missing; tests/setup makes it");
        return;
    };
    let mut folders: Vec<PathBuf> = folders.filter_map(|entry| Some(entry.ok()?.path())).collect();
    folders.sort();
    let wanted = std::env::var("CASES").unwrap_or_default();
    let samples: Vec<Sample> = folders
        .iter()
        .filter(|folder| folder.to_string_lossy().contains(&wanted))
        .filter_map(|folder| sample(folder))
        .collect();
    let mut others: Vec<String> = samples
        .iter()
        .filter_map(|sample| ModelProto::decode(&*sample.bytes).ok()?.graph)
        .flat_map(|graph| graph.node.into_iter().map(|node| node.op_type))
        .collect();
    others.sort();
    others.dedup();
    let mut random = Random(from_environment("SEED", 0x5eed_0f0e_d6e3_a12d));
    let mut findings = vec![];
    for turn in 0..from_environment("MUTATIONS", 4000) {
        let state = random.0;
        let Some(sample) = random.of(&samples) else { break };
        if std::env::var_os("SHOW").is_some() {
            eprintln!("{turn} {} SEED={state}", sample.name);
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let mut bytes = sample.bytes.clone();
            let mut inputs = sample.inputs.clone();
            let by_field = random.below(3) > 0;
            if !by_field {
                change_bytes(&mut bytes, &mut random);
            }
            if wire::check(&bytes).is_err() {
                return;
            }
            let Ok(mut proto) = ModelProto::decode(Bytes::from(bytes)) else { return };
            if by_field {
                change_fields(&mut proto, &others, &mut random);
            }
            if random.below(3) == 0 {
                change_inputs(&mut inputs, &mut random);
            }
            try_out(&proto, inputs);
        }));
        if let Err(panic) = outcome {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or(panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default();
            findings.push(format!("SEED={state} MUTATIONS=1 {}: {text}", sample.name));
        }
    }
    assert!(findings.is_empty(), "{} findings: {findings:#?}", findings.len());
}
