//! Models that fail in every run are refused when they are loaded; models that may run are not.

use std::sync::Arc;

use super::make::{BOUNDS, bools, declared, floats, graph, graph_of, int, ints, model, node, run, tensor_of};
use crate::{
    native::{
        build::build,
        fault::FaultKind,
        graph::Graph,
        value::{Shape, Tensor, Value, Weights},
    },
    onnx::proto::{
        AttributeProto, DimProto, GraphProto, ModelProto, NodeProto, ShapeProto, TensorProto, ValueInfoProto,
        attribute_type,
    },
};

/// A declared tensor: a dimension is a number or, below zero, free.
fn shaped(name: &str, kind: i32, dims: &[i64]) -> ValueInfoProto {
    let mut info = declared(name, kind);
    let dim = |&n: &i64| DimProto {
        value: (n >= 0).then_some(n),
        param: (n < 0).then(|| ["", "batch", "width", "height"][n.unsigned_abs() as usize % 4].into()),
    };
    let tensor = info.r#type.as_mut().and_then(|ty| ty.tensor_type.as_mut()).unwrap();
    tensor.shape = Some(ShapeProto { dim: dims.iter().map(dim).collect() });
    info
}

/// Inputs as they are declared, one output.
fn of(nodes: Vec<NodeProto>, inputs: &[ValueInfoProto], weights: Vec<TensorProto>) -> ModelProto {
    let graph = GraphProto { input: inputs.to_vec(), ..graph(nodes, &[], &["y"], weights) };
    model(graph, vec![])
}

fn built(model: &ModelProto) -> Result<Graph, crate::native::fault::Fault> {
    build(model, Weights { file: None, max_tensor_bytes: BOUNDS.max_tensor_bytes }, BOUNDS)
}

/// Refused, and taken where no run may come to it.
#[track_caller]
fn refused(model: &ModelProto, parts: &[&str]) {
    refused_as_declared(model, parts);
    in_a_branch(model);
}

#[track_caller]
fn refused_as_declared(model: &ModelProto, parts: &[&str]) {
    let fault = match built(model) {
        Ok(_) => panic!("is taken"),
        Err(fault) => fault,
    };
    let text = fault.to_string();
    assert_eq!(fault.kind, FaultKind::Invalid, "{text}");
    assert!(parts.iter().all(|part| text.contains(part)), "{text} lacks one of {parts:?}");
}

/// What every run would fail at is no reason to refuse it where no run may come to it: as one branch of an `If`, whose
/// other one gives 7. Only when it is taken does the run fail.
#[track_caller]
fn in_a_branch(refused: &ModelProto) {
    let refused_graph = refused.graph.clone().unwrap();
    let (inputs, wanted) = (refused_graph.input.clone(), refused_graph.output[0].name.clone());
    let output = || vec![ValueInfoProto { name: wanted.clone(), r#type: None }];
    let taken = GraphProto { input: vec![], output: output(), ..refused_graph };
    let other = vec![node("Constant", &[], &[&*wanted], vec![tensor_of("value", floats("", &[], &[7.0]))])];
    let other = GraphProto { output: output(), ..graph(other, &[], &[], vec![]) };
    let branches = vec![graph_of("then_branch", taken), graph_of("else_branch", other)];
    let condition = shaped("is_taken", BOOL, &[]);
    let all: Vec<ValueInfoProto> = inputs.iter().cloned().chain([condition]).collect();
    let whole = GraphProto {
        input: all,
        ..graph(vec![node("If", &["is_taken"], &["chosen"], branches)], &[], &["chosen"], vec![])
    };
    let made = ModelProto { graph: Some(whole), ..refused.clone() };
    if let Err(fault) = built(&made) {
        panic!("refused for a branch that may never be taken: {fault}");
    }
    let answer = |is_taken: bool| {
        let given = inputs.iter().map(some_value).chain([Tensor::scalar(is_taken).into()]);
        run(&made, given.collect())
    };
    match &answer(false).unwrap()[0] {
        Value::Tensor(tensor) => assert_eq!(tensor.slice::<f32>().unwrap(), [7.0]),
        _ => panic!("no tensor"),
    }
    assert!(answer(true).is_err(), "it runs when it is taken");
}

/// Zeros of the declared shape, with ones for lengths that are free.
fn some_value(info: &ValueInfoProto) -> Value {
    let tensor = info.r#type.as_ref().and_then(|ty| ty.tensor_type.as_ref()).unwrap();
    let dims = tensor.shape.as_ref().map_or(&[][..], |shape| &shape.dim);
    let shape: Shape = dims.iter().map(|dim| dim.value.map_or(1, |n| n as usize)).collect();
    let len = shape.iter().product();
    let tensor = match tensor.elem_type {
        FLOAT => Tensor::of(shape, vec![0f32; len]),
        INT64 => Tensor::of(shape, vec![0i64; len]),
        BOOL => Tensor::of(shape, vec![false; len]),
        8 => Tensor::of(shape, vec![Arc::<str>::from(""); len]),
        other => panic!("no value of type {other}"),
    };
    tensor.unwrap().into()
}

/// What is known of the output `y`.
#[track_caller]
fn known(model: &ModelProto) -> String {
    let graph = built(model).unwrap_or_else(|fault| panic!("{fault}"));
    graph.fact(graph.outputs[0].source).shown(&graph.symbols).unwrap_or_default()
}

fn list(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        ints: values.to_vec(),
        r#type: attribute_type::INTS,
        ..Default::default()
    }
}

fn one(op: &str, inputs: &[&str], attributes: Vec<AttributeProto>) -> Vec<NodeProto> {
    vec![node(op, inputs, &["y"], attributes)]
}

const FLOAT: i32 = 1;
const INT64: i32 = 7;
const BOOL: i32 = 9;

#[test]
fn matrices_that_do_not_go_together() {
    let matrices = |op: &str, a: &[i64], b: &[i64], attributes| {
        of(one(op, &["a", "b"], attributes), &[shaped("a", FLOAT, a), shaped("b", FLOAT, b)], vec![])
    };
    refused(&matrices("MatMul", &[3, 4], &[5, 6], vec![]), &["MatMul `y`", "[3, 4]", "[5, 6]"]);
    refused(&matrices("MatMul", &[-1, 3, 4], &[7, 4, 6, 1], vec![]), &["MatMul `y`"]);
    refused(&matrices("MatMul", &[], &[4], vec![]), &["MatMul `y`", "scalar"]);
    refused(&matrices("Gemm", &[3, 4], &[3, 4], vec![]), &["Gemm `y`", "4 columns, 3 rows"]);
    refused(&matrices("Gemm", &[3, 4, 1], &[4, 4], vec![]), &["Gemm `y`", "2 dimensions"]);
    assert_eq!(known(&matrices("Gemm", &[3, 4], &[3, 4], vec![int("transB", 1)])), "float32[3, 3]");
    assert_eq!(known(&matrices("MatMul", &[-1, 3, 4], &[4, 6], vec![])), "float32[batch, 3, 6]");
    // A free length may be anything.
    assert_eq!(known(&matrices("MatMul", &[3, -1], &[5, 6], vec![])), "float32[3, 6]");
    let letters = |equation: &str| {
        let text = AttributeProto {
            name: "equation".into(),
            s: equation.to_owned().into(),
            r#type: attribute_type::STRING,
            ..Default::default()
        };
        matrices("Einsum", &[-1, 3, 4], &[4, 6], vec![text])
    };
    refused(&letters("bij,ij->b"), &["Einsum `y`", "called i"]);
    assert_eq!(known(&letters("bij,jk->bik")), "float32[batch, 3, 6]");
}

#[test]
fn shapes_that_can_not_be_put_together() {
    let pair = |op: &str, a: &[i64], b: &[i64], attributes| {
        of(one(op, &["a", "b"], attributes), &[shaped("a", FLOAT, a), shaped("b", FLOAT, b)], vec![])
    };
    refused(&pair("Concat", &[2, 3], &[2, 4], vec![int("axis", 0)]), &["Concat `y`", "along dimension 0"]);
    refused(&pair("Concat", &[2, 3], &[2, 3, 1], vec![int("axis", 1)]), &["Concat `y`", "[2, 3, 1]"]);
    refused(&pair("Concat", &[2], &[2], vec![int("axis", 1)]), &["Concat `y`", "axis 1"]);
    assert_eq!(known(&pair("Concat", &[-1, 3], &[-1, 4], vec![int("axis", 1)])), "float32[batch, 7]");
    assert_eq!(known(&pair("Concat", &[-1, 3], &[-1, 3], vec![int("axis", 0)])), "float32[2*batch, 3]");
    refused(&pair("Add", &[2, 3], &[2, 4], vec![]), &["Add `y`", "broadcast"]);
    assert_eq!(known(&pair("Add", &[-1, 1], &[3], vec![])), "float32[batch, 3]");
    let conv = |x: &[i64], w: &[i64], attributes| pair("Conv", x, w, attributes);
    refused(&conv(&[1, 3, 8, 8], &[4, 2, 3, 3], vec![]), &["Conv `y`", "1 groups"]);
    refused(&conv(&[1, 3, 8, 8], &[4, 3, 9, 9], vec![]), &["Conv `y`", "window reaches over 9"]);
    refused(&conv(&[1, 3, 8], &[4, 3, 3, 3], vec![]), &["Conv `y`", "[4, 3, 3, 3]"]);
    refused(&conv(&[1, 3], &[4, 3], vec![]), &["Conv `y`", "spatial"]);
    let strides = || vec![list("strides", &[2, 2]), list("pads", &[1, 1, 1, 1])];
    assert_eq!(known(&conv(&[-1, 3, 224, 224], &[64, 3, 3, 3], strides())), "float32[batch, 64, 112, 112]");
    assert_eq!(known(&conv(&[-1, 3, -2, 8], &[4, 3, 3, 3], strides())), "float32[batch, 4, (width+1)/2, 4]");
}

#[test]
fn shapes_that_other_shapes_can_not_become() {
    let with = |op: &str, x: &[i64], values: &[i64]| {
        of(
            one(op, &["x", "n"], vec![]),
            &[shaped("x", FLOAT, x)],
            vec![ints("n", &[values.len() as i64], values)],
        )
    };
    refused(&with("Reshape", &[2, 6], &[5, 2]), &["Reshape `y`", "12 elements, not 10"]);
    refused(&with("Reshape", &[2, 6], &[5, -1]), &["Reshape `y`", "-1"]);
    refused(&with("Reshape", &[2, 6], &[-1, -1]), &["Reshape `y`", "twice"]);
    refused(&with("Reshape", &[2], &[2, 0]), &["Reshape `y`", "no dimension 1"]);
    assert_eq!(known(&with("Reshape", &[-1, 6, 4], &[-1, 24])), "float32[batch, 24]");
    assert_eq!(known(&with("Reshape", &[-1, 6, 4], &[-1, 8])), "float32[3*batch, 8]");
    assert_eq!(known(&with("Reshape", &[-1, -2, 4], &[0, -1])), "float32[batch, 4*width]");
    refused(&with("Expand", &[2, 3], &[2, 4]), &["Expand `y`", "broadcast"]);
    refused(&with("Tile", &[2, 3], &[2]), &["Tile `y`", "repeats"]);
    refused(&with("Squeeze", &[2, 3], &[0]), &["Squeeze `y`", "isn't 1"]);
    refused(&with("Unsqueeze", &[2, 3], &[4]), &["Unsqueeze `y`", "axis 4"]);
    refused(&with("Split", &[2, 6], &[1, 2]), &["Split `y`"]);
    refused(&with("Pad", &[2, 6], &[1, 1]), &["Pad `y`", "pads"]);
    refused(&with("ReduceSum", &[2, 6], &[2]), &["ReduceSum `y`", "axis 2"]);
    let turned = |perm: &[i64]| {
        of(one("Transpose", &["x"], vec![list("perm", perm)]), &[shaped("x", FLOAT, &[-1, 3])], vec![])
    };
    refused(&turned(&[0, 1, 2]), &["Transpose `y`", "perm"]);
    assert_eq!(known(&turned(&[1, 0])), "float32[3, batch]");
}

#[test]
fn types_that_an_operator_does_not_take() {
    let of_kinds = |op: &str, kinds: &[i32]| {
        let names = ["a", "b", "c"];
        let inputs: Vec<_> = kinds.iter().zip(names).map(|(&kind, name)| shaped(name, kind, &[-1])).collect();
        of(one(op, &names[..kinds.len()], vec![]), &inputs, vec![])
    };
    refused(&of_kinds("Add", &[FLOAT, INT64]), &["Add `y`", "float32 and int64"]);
    refused(&of_kinds("Exp", &[INT64]), &["Exp `y`", "int64"]);
    refused(&of_kinds("Not", &[FLOAT]), &["Not `y`", "must be one of bool"]);
    refused(&of_kinds("Where", &[FLOAT, FLOAT, FLOAT]), &["Where `y`", "input 0"]);
    refused(&of_kinds("Where", &[BOOL, FLOAT, INT64]), &["Where `y`", "the same kind"]);
    refused(&of_kinds("Gather", &[FLOAT, FLOAT]), &["Gather `y`", "input 1"]);
    refused(&of_kinds("SequenceAt", &[FLOAT, INT64]), &["SequenceAt `y`", "must be a sequence"]);
    assert_eq!(known(&of_kinds("Greater", &[FLOAT, FLOAT])), "bool[batch]");
}

/// A type that is declared wrong is a fault, as in ONNX Runtime; a shape is not: it goes on with what it
/// has inferred.
#[test]
fn declarations_that_contradict() {
    let declares = |output: ValueInfoProto, inner: Option<ValueInfoProto>| {
        let nodes = vec![node("Relu", &["x"], &["m"], vec![]), node("Exp", &["m"], &["y"], vec![])];
        let mut made = of(nodes, &[shaped("x", FLOAT, &[-1, 4])], vec![]);
        let graph = made.graph.as_mut().unwrap();
        graph.output = vec![output];
        graph.value_info.extend(inner);
        made
    };
    let y = || shaped("y", FLOAT, &[-1, 4]);
    refused_as_declared(
        &declares(shaped("y", INT64, &[-1, 4]), None),
        &["Exp `y`", "declared as int64, and is float32"],
    );
    refused_as_declared(&declares(y(), Some(shaped("m", BOOL, &[-1, 4]))), &["Relu `m`", "declared as bool"]);
    for wrong in [&[-1, 7][..], &[-1, 4, 1], &[]] {
        assert_eq!(known(&declares(shaped("y", FLOAT, wrong), None)), "float32[batch, 4]");
        assert_eq!(known(&declares(y(), Some(shaped("m", FLOAT, wrong)))), "float32[batch, 4]");
    }
    // Not even where nothing else is known.
    let nodes = vec![
        node("NonZero", &["x"], &["m"], vec![]),
        node("Concat", &["m", "w"], &["y"], vec![int("axis", 0)]),
    ];
    let mut made = of(nodes, &[shaped("x", FLOAT, &[-1, 4])], vec![ints("w", &[1, 3], &[1, 2, 3])]);
    assert_eq!(known(&made), "int64[3, 3]");
    made.graph.as_mut().unwrap().value_info.push(shaped("m", INT64, &[2, 7]));
    assert_eq!(known(&made), "int64[3, 3]");
}

/// A step that is never made need not fit.
#[test]
fn a_branch_may_be_what_no_run_could_make() {
    let branch = |op: &str, values: &[i64]| {
        graph(
            vec![node(op, &["x", "n"], &["b"], vec![])],
            &[],
            &["b"],
            vec![ints("n", &[values.len() as i64], values)],
        )
    };
    let attributes = vec![
        graph_of("then_branch", branch("Squeeze", &[1])),
        graph_of("else_branch", branch("Unsqueeze", &[0])),
    ];
    let nodes = vec![node("If", &["c"], &["y"], attributes)];
    let made = of(nodes, &[shaped("c", BOOL, &[]), shaped("x", FLOAT, &[-1, 4])], vec![]);
    let x = Tensor::of(&[1, 4][..], vec![1f32, 2.0, 3.0, 4.0]).unwrap();
    let given = |holds: bool| vec![Value::Tensor(Tensor::scalar(holds)), x.clone().into()];
    assert_eq!(run(&made, given(false)).unwrap()[0].describe(), "float32[1, 1, 4]");
    assert!(run(&made, given(true)).is_err());
}

/// Shapes computed from shapes.
#[test]
fn shapes_are_followed_through_what_computes_them() {
    let nodes = vec![
        node("Shape", &["x"], &["s"], vec![]),
        node("Gather", &["s", "first"], &["n"], vec![]),
        node("Unsqueeze", &["n", "zero"], &["n1"], vec![]),
        node("Mul", &["n1", "two"], &["n2"], vec![]),
        node("Concat", &["n2", "rest"], &["t"], vec![int("axis", 0)]),
        node("Reshape", &["x", "t"], &["y"], vec![]),
    ];
    let weights = vec![
        ints("first", &[], &[0]),
        ints("zero", &[1], &[0]),
        ints("two", &[1], &[2]),
        ints("rest", &[2], &[-1, 4]),
    ];
    let made = of(nodes, &[shaped("x", FLOAT, &[-1, 6, 4])], weights);
    assert_eq!(known(&made), "float32[2*batch, 3, 4]");
    // All known: the operators themselves are run, floats included.
    let nodes = vec![
        node("Shape", &["x"], &["s"], vec![]),
        node("Cast", &["s"], &["f"], vec![int("to", 1)]),
        node("Mul", &["f", "half"], &["h"], vec![]),
        node("Floor", &["h"], &["d"], vec![]),
        node("Cast", &["d"], &["i"], vec![int("to", 7)]),
        node("ConstantOfShape", &["i"], &["y"], vec![tensor_of("value", ints("", &[1], &[3]))]),
    ];
    let made = of(nodes, &[shaped("x", FLOAT, &[5, 7])], vec![floats("half", &[], &[0.5])]);
    assert_eq!(known(&made), "int64[2, 3]");
}

/// What a loop carries may grow; what it keeps is known.
#[test]
fn loops_are_followed_until_nothing_changes() {
    let body = |nodes: Vec<NodeProto>| {
        graph_of("body", graph(nodes, &[("i", 7), ("c", 9), ("v", 1)], &["c", "w", "w"], vec![]))
    };
    let looped = |nodes: Vec<NodeProto>| {
        let nodes = vec![node("Loop", &["n", "", "x"], &["y", "all"], vec![body(nodes)])];
        let mut made = of(nodes, &[shaped("x", FLOAT, &[2, 3])], vec![ints("n", &[], &[5])]);
        let output = made.graph.as_mut().unwrap();
        output.output.push(ValueInfoProto { name: "all".into(), r#type: None });
        made
    };
    let keeps = looped(vec![node("Relu", &["v"], &["w"], vec![])]);
    assert_eq!(known(&keeps), "float32[2, 3]");
    let graph = built(&keeps).unwrap();
    assert_eq!(graph.fact(graph.outputs[1].source).shown(&graph.symbols).unwrap(), "float32[5, 2, 3]");
    let grows = looped(vec![node("Concat", &["v", "v"], &["w"], vec![int("axis", 0)])]);
    assert_eq!(known(&grows), "float32[?, 3]");
}

/// Long chains, deep nests and lengths that no machine has.
#[test]
fn the_pass_is_bounded() {
    let chain = |ops: &[&str], count: usize, dims: &[i64]| {
        let mut nodes = vec![node("Identity", &["x"], &["v0"], vec![])];
        for at in 0..count {
            let op = ops[at % ops.len()];
            let inputs = [format!("v{at}"), format!("v{at}")];
            let inputs: Vec<&str> =
                inputs.iter().take(1 + usize::from(op == "Add")).map(|name| &**name).collect();
            nodes.push(node(op, &inputs, &[&format!("v{}", at + 1)], vec![]));
        }
        nodes.push(node("Identity", &[&*format!("v{count}")], &["y"], vec![]));
        of(nodes, &[shaped("x", FLOAT, dims)], vec![])
    };
    assert_eq!(known(&chain(&["Relu", "Add"], 100_000, &[-1, 64])), "float32[batch, 64]");
    // Ranks that large are not kept.
    assert!(built(&chain(&["Transpose"], 1000, &[2; 200])).is_ok());
    for huge in [i64::MAX, i64::MAX / 2, 1 << 40] {
        let flat = |x: &[i64]| of(one("Flatten", &["x"], vec![]), &[shaped("x", FLOAT, x)], vec![]);
        assert!(built(&flat(&[huge, huge, huge])).is_ok());
        assert!(built(&flat(&[-1, huge, -1])).is_ok());
        for op in ["Tile", "Reshape", "Expand", "Slice", "Pad"] {
            let weights = vec![ints("n", &[2], &[huge, huge])];
            let inputs: &[&str] = if op == "Slice" { &["x", "n", "n"] } else { &["x", "n"] };
            let _ = built(&of(one(op, inputs, vec![]), &[shaped("x", FLOAT, &[huge, -1])], weights));
        }
        let attributes =
            vec![list("strides", &[huge; 2]), list("pads", &[huge; 4]), list("kernel_shape", &[huge; 2])];
        for op in ["Conv", "ConvTranspose", "MaxPool", "LpPool"] {
            let inputs: &[&str] = if op.starts_with("Conv") { &["x", "x"] } else { &["x"] };
            let made =
                of(one(op, inputs, attributes.clone()), &[shaped("x", FLOAT, &[huge, 1, -1, huge])], vec![]);
            let _ = built(&made);
        }
    }
}

/// Loops in loops in loops, each of which would be gone through several times.
#[test]
fn nested_bodies_share_one_budget() {
    let mut inside = graph(
        vec![node("Concat", &["v", "v"], &["w"], vec![int("axis", 0)])],
        &[("i", 7), ("c", 9), ("v", 1)],
        &["c", "w"],
        vec![],
    );
    for _ in 0..20 {
        let nodes = vec![node("Loop", &["n", "", "v"], &["w"], vec![graph_of("body", inside)])];
        inside = graph(nodes, &[("i", 7), ("c", 9), ("v", 1)], &["c", "w"], vec![]);
    }
    let nodes = vec![node("Loop", &["n", "", "x"], &["y"], vec![graph_of("body", inside)])];
    let made = of(nodes, &[shaped("x", FLOAT, &[2]), shaped("n", INT64, &[])], vec![bools("t", true)]);
    let _ = known(&made);
}
