//! Models that mean harm, or are broken: each is refused with a sentence that names the node and the
//! rule, without a panic, and before it has taken the machine's memory or time.

use super::make::{
    bools, call, declared, floats, function, graph, graph_of, int, ints, model, model_of, node, run,
    tensor_of,
};
use crate::{
    native::{
        fault::{Fault, FaultKind},
        value::{Tensor, Value},
    },
    onnx::proto::{
        AttributeProto, GraphProto, ModelProto, NodeProto, SparseTensorProto, StringStringEntryProto,
        TensorProto, attribute_type,
    },
};

const HUGE: i64 = 1 << 62;

fn x() -> Vec<Value> {
    vec![Tensor::vector(vec![1f32, 2.0]).into()]
}

/// `x` of float32 in, `y` out, constants as weights.
fn simple(nodes: Vec<NodeProto>, weights: Vec<TensorProto>) -> ModelProto {
    model(graph(nodes, &[("x", 1)], &["y"], weights), vec![])
}

#[track_caller]
fn refused(model: &ModelProto, kind: FaultKind, parts: &[&str]) -> Fault {
    let fault = match run(model, x()) {
        Ok(values) => panic!("gives {:?}", values.iter().map(Value::describe).collect::<Vec<_>>()),
        Err(fault) => fault,
    };
    let text = fault.to_string();
    assert_eq!(fault.kind, kind, "{text}");
    assert!(parts.iter().all(|part| text.contains(part)), "{text} lacks one of {parts:?}");
    fault
}

#[track_caller]
fn invalid(model: &ModelProto, parts: &[&str]) {
    refused(model, FaultKind::Invalid, parts);
}

#[track_caller]
fn too_much(model: &ModelProto, parts: &[&str]) {
    refused(model, FaultKind::Limit, parts);
}

#[test]
fn nodes_in_a_circle() {
    let nodes = vec![node("Relu", &["b"], &["a"], vec![]), node("Relu", &["a"], &["b"], vec![])];
    invalid(&simple(nodes, vec![]), &["Relu", "circle"]);
    let own = vec![node("Relu", &["y"], &["y"], vec![])];
    invalid(&simple(own, vec![]), &["Relu `y`", "circle"]);
}

#[test]
fn names_that_clash_or_lead_nowhere() {
    let twice = vec![node("Relu", &["x"], &["y"], vec![]), node("Abs", &["x"], &["y"], vec![])];
    invalid(&simple(twice, vec![]), &["Abs", "two nodes make `y`"]);
    let input_again = vec![node("Relu", &["x"], &["x"], vec![])];
    refused(&simple(input_again, vec![]), FaultKind::Invalid, &["x"]);
    let weights = vec![floats("w", &[1], &[1.0]), floats("w", &[1], &[2.0])];
    invalid(&simple(vec![node("Add", &["x", "w"], &["y"], vec![])], weights), &["two weights", "`w`"]);
    invalid(&simple(vec![node("Add", &["x", "w"], &["y"], vec![])], vec![]), &["Add `y`", "reads `w`"]);
    invalid(&simple(vec![node("Relu", &["x"], &["z"], vec![])], vec![]), &["no node makes its output `y`"]);
    let inputs = graph(vec![node("Relu", &["x"], &["y"], vec![])], &[("x", 1), ("x", 1)], &["y"], vec![]);
    refused(&model(inputs, vec![]), FaultKind::Invalid, &["x"]);
    invalid(&ModelProto::default(), &["no graph"]);
}

#[test]
fn operators_that_nobody_knows() {
    let fault = refused(
        &simple(vec![node("Frobnicate", &["x"], &["y"], vec![])], vec![]),
        FaultKind::Unsupported,
        &["Frobnicate", "no operator"],
    );
    assert!(fault.node.contains("Frobnicate `y`"), "{}", fault.node);
    refused(
        &simple(vec![node("Relux", &["x"], &["y"], vec![])], vec![]),
        FaultKind::Unsupported,
        &["`Relu`?"],
    );
    let foreign = NodeProto { domain: "com.example".into(), ..node("Relu", &["x"], &["y"], vec![]) };
    invalid(&simple(vec![foreign], vec![]), &["com.example.Relu", "doesn't import"]);
    let newer = model_of(999, graph(vec![], &[("x", 1)], &["x"], vec![]), vec![]);
    refused(&newer, FaultKind::Unsupported, &["opset 999"]);
}

#[test]
fn ranks_types_and_numbers_of_inputs_that_do_not_fit() {
    let one =
        |op: &str, inputs: &[&str], attributes| simple(vec![node(op, inputs, &["y"], attributes)], vec![]);
    invalid(&one("MatMul", &["x"], vec![]), &["MatMul `y`", "input 1"]);
    invalid(&one("Add", &[], vec![]), &["Add `y`", "input 0"]);
    invalid(&one("Transpose", &["x"], vec![perm(&[0, 1, 2])]), &["Transpose", "perm"]);
    invalid(&one("Transpose", &["x"], vec![perm(&[i64::MIN])]), &["Transpose", "axis"]);
    invalid(&one("Concat", &["x", "x"], vec![int("axis", 7)]), &["Concat", "axis 7"]);
    invalid(&one("Concat", &[], vec![int("axis", 0)]), &["Concat"]);
    invalid(&one("Flatten", &["x"], vec![int("axis", -9)]), &["Flatten", "axis -9"]);
    invalid(&one("Conv", &["x", "x"], vec![]), &["Conv"]);
    invalid(&one("StringConcat", &["x", "x"], vec![]), &["StringConcat", "float32"]);
    invalid(&one("SequenceAt", &["x", "x"], vec![]), &["SequenceAt", "sequence"]);
    invalid(&one("If", &["x"], vec![]), &["If", "then_branch"]);
}

fn perm(axes: &[i64]) -> AttributeProto {
    AttributeProto {
        name: "perm".into(),
        ints: axes.to_vec(),
        r#type: attribute_type::INTS,
        ..AttributeProto::default()
    }
}

#[test]
fn attributes_of_the_wrong_type() {
    let text = AttributeProto {
        name: "axis".into(),
        s: "0".into(),
        r#type: attribute_type::STRING,
        ..AttributeProto::default()
    };
    invalid(
        &simple(vec![node("Concat", &["x"], &["y"], vec![text])], vec![]),
        &["Concat", "`axis` has type 3"],
    );
    invalid(&simple(vec![node("Concat", &["x"], &["y"], vec![])], vec![]), &["Concat", "lacks", "`axis`"]);
    let empty =
        AttributeProto { name: "value".into(), r#type: attribute_type::TENSOR, ..AttributeProto::default() };
    invalid(
        &simple(vec![node("Constant", &[], &["y"], vec![empty])], vec![]),
        &["Constant", "lacks its tensor"],
    );
    let text = AttributeProto {
        name: "pattern".into(),
        s: vec![0xff].into(),
        r#type: attribute_type::STRING,
        ..AttributeProto::default()
    };
    invalid(
        &simple(vec![node("RegexFullMatch", &["x"], &["y"], vec![text])], vec![]),
        &["RegexFullMatch", "UTF-8"],
    );
}

/// Shapes that no machine has the memory for, from weights and from what a run computes.
#[test]
fn sizes_that_overflow() {
    let with = |op: &str, inputs: &[&str], values: &[i64]| {
        let weights = vec![ints("n", &[values.len() as i64], values)];
        simple(vec![node(op, inputs, &["y"], vec![])], weights)
    };
    for sizes in [&[HUGE][..], &[HUGE, HUGE, HUGE], &[1 << 32, 1 << 32], &[i64::MAX, 2]] {
        for model in
            [with("ConstantOfShape", &["n"], sizes), with("Expand", &["x", "n"], &[sizes, &[2]].concat())]
        {
            let fault = run(&model, x()).unwrap_err();
            assert!(fault.node.contains('y'), "{fault}");
        }
    }
    too_much(&with("ConstantOfShape", &["n"], &[1 << 20]), &["ConstantOfShape", "max_tensor_bytes"]);
    invalid(&with("ConstantOfShape", &["n"], &[-1]), &["ConstantOfShape", "negative"]);
    too_much(&with("Tile", &["x", "n"], &[HUGE]), &["Tile"]);
    invalid(&with("Tile", &["x", "n"], &[-1]), &["Tile", "negative"]);
    too_much(&with("Tile", &["x", "n"], &[1 << 30]), &["Tile", "max_tensor_bytes"]);
    invalid(&with("Pad", &["x", "n"], &[HUGE, HUGE]), &["Pad"]);
    invalid(&with("Pad", &["x", "n"], &[-HUGE, 0]), &["Pad"]);
    invalid(&with("Pad", &["x", "n"], &[i64::MIN, i64::MAX]), &["Pad"]);
    too_much(&with("Pad", &["x", "n"], &[1 << 30, 0]), &["Pad", "max_tensor_bytes"]);
    too_much(&with("Reshape", &["x", "n"], &[HUGE, HUGE]), &["Reshape"]);
    invalid(&with("Reshape", &["x", "n"], &[-1, -1]), &["Reshape", "twice"]);
    invalid(&with("Reshape", &["x", "n"], &[-2]), &["Reshape", "negative"]);
    invalid(&with("Reshape", &["x", "n"], &[1; 1000]), &["Reshape"]);
    invalid(&with("Gather", &["x", "n"], &[i64::MIN]), &["Gather", "outside"]);
    invalid(&with("Unsqueeze", &["x", "n"], &[i64::MAX]), &["Unsqueeze", "axis"]);
    invalid(&with("Split", &["x", "n"], &[i64::MAX]), &["Split"]);
    invalid(&with("OneHot", &["n", "n", "x"], &[-5]), &["OneHot"]);
    too_much(&with("OneHot", &["n", "n", "x"], &[1 << 40]), &["OneHot"]);
}

#[test]
fn ranges_and_sizes_that_overflow() {
    let weights =
        vec![ints("a", &[], &[0]), ints("b", &[], &[HUGE]), ints("c", &[], &[1]), ints("z", &[], &[0])];
    let range = |inputs: &[&str]| simple(vec![node("Range", inputs, &["y"], vec![])], weights.clone());
    assert_eq!(run(&range(&["a", "b", "c"]), x()).unwrap_err().kind, FaultKind::Limit);
    invalid(&range(&["a", "b", "z"]), &["Range"]);
    let weights = vec![ints("sizes", &[4], &[1, 1, 1, HUGE]), floats("i", &[1, 1, 1, 1], &[1.0])];
    let resize = node("Resize", &["i", "", "", "sizes"], &["y"], vec![]);
    let fault = run(&simple(vec![resize], weights), x()).unwrap_err();
    assert!(fault.node.contains("Resize"), "{fault}");
    let weights =
        vec![floats("scales", &[4], &[1.0, 1.0, 1.0, f32::INFINITY]), floats("i", &[1, 1, 1, 1], &[1.0])];
    let resize = node("Resize", &["i", "", "scales"], &["y"], vec![]);
    let fault = run(&simple(vec![resize], weights), x()).unwrap_err();
    assert!(fault.node.contains("Resize"), "{fault}");
}

/// No memory is asked for, and the time must not go by the window either.
#[test]
fn windows_far_larger_than_their_image() {
    const SIDE: i64 = 1 << 30;
    let list = |name: &str, ints: &[i64]| AttributeProto { name: name.into(), ..perm(ints) };
    for op in ["MaxPool", "AveragePool", "LpPool"] {
        let attributes = vec![list("kernel_shape", &[SIDE, SIDE]), list("pads", &[SIDE / 2; 4])];
        let nodes = vec![node(op, &["i"], &["y"], attributes)];
        let model = simple(nodes, vec![floats("i", &[1, 1, 2, 2], &[1.0; 4])]);
        if let Err(fault) = run(&model, x()) {
            assert!(fault.node.contains(op), "{fault}");
        }
    }
}

#[test]
fn empty_tensors_with_huge_dimensions() {
    for sizes in [[0, HUGE, HUGE], [HUGE, 0, HUGE], [1 << 40, 1 << 40, 0]] {
        let weights = vec![ints("n", &[3], &sizes)];
        too_much(
            &simple(vec![node("ConstantOfShape", &["n"], &["y"], vec![])], weights),
            &["ConstantOfShape"],
        );
    }
    // What can be counted is fine, and stays so whatever is done with it.
    for op in ["Shape", "Transpose", "Flatten", "Relu", "Softmax", "ReduceSum", "Size", "NonZero", "Det"] {
        let nodes = vec![node("ConstantOfShape", &["n"], &["e"], vec![]), node(op, &["e"], &["y"], vec![])];
        let _ = run(&simple(nodes, vec![ints("n", &[3], &[1 << 28, 0, 1 << 28])]), x());
    }
}

#[test]
fn weights_that_do_not_fill_their_shape() {
    let of = |weight: TensorProto| simple(vec![node("Add", &["x", "w"], &["y"], vec![])], vec![weight]);
    invalid(&of(floats("w", &[3], &[1.0])), &["`w`", "should have 3"]);
    invalid(&of(floats("w", &[-1], &[1.0])), &["`w`", "negative"]);
    too_much(&of(floats("w", &[HUGE, HUGE], &[])), &["`w`"]);
    too_much(&of(floats("w", &[1 << 40], &[])), &["`w`", "max_tensor_bytes"]);
    invalid(&of(TensorProto { data_type: 99, ..floats("w", &[1], &[1.0]) }), &["`w`", "99"]);
    invalid(&of(TensorProto { raw_data: vec![0; 3].into(), ..floats("w", &[1], &[]) }), &["`w`", "4 bytes"]);
    let elsewhere = |entries: &[(&str, &str)]| TensorProto {
        data_location: 1,
        external_data: entries
            .iter()
            .map(|(key, value)| StringStringEntryProto { key: key.to_string(), value: value.to_string() })
            .collect(),
        ..floats("w", &[1], &[])
    };
    invalid(&of(elsewhere(&[("location", "../w")])), &["`w`", "another file"]);
}

#[test]
fn sparse_tensors_with_wrong_indices() {
    let sparse = |dims: &[i64], indices: TensorProto| {
        let sparse = SparseTensorProto {
            values: Some(floats("w", &[1], &[1.0])),
            indices: Some(indices),
            dims: dims.to_vec(),
        };
        let graph = GraphProto {
            sparse_initializer: vec![sparse],
            ..graph(vec![node("Add", &["x", "w"], &["y"], vec![])], &[("x", 1)], &["y"], vec![])
        };
        model(graph, vec![])
    };
    invalid(&sparse(&[2], ints("i", &[1], &[2])), &["`w`", "outside"]);
    invalid(&sparse(&[2], ints("i", &[1], &[-1])), &["`w`", "outside"]);
    invalid(&sparse(&[2, 2], ints("i", &[1, 2], &[0, 2])), &["`w`", "outside"]);
    invalid(&sparse(&[2, 2], ints("i", &[0], &[])), &["`w`", "outside"]);
    invalid(&sparse(&[2], floats("i", &[1], &[0.0])), &["int64"]);
    too_much(&sparse(&[1 << 19], ints("i", &[1], &[0])), &["`w`", "max_tensor_bytes"]);
    too_much(&sparse(&[HUGE], ints("i", &[1], &[0])), &["max_model_bytes"]);
    // Many of them, each within the bound.
    let mut many = sparse(&[1 << 18], ints("i", &[1], &[0]));
    let one = many.graph.as_ref().unwrap().sparse_initializer[0].clone();
    let graph = many.graph.as_mut().unwrap();
    graph.sparse_initializer = (0..100)
        .map(|i| {
            let values = one.values.clone().map(|values| TensorProto { name: format!("w{i}"), ..values });
            SparseTensorProto { values, ..one.clone() }
        })
        .collect();
    too_much(&many, &["max_model_bytes"]);
}

/// A body for `Loop`: passes on the condition `says` (or its own) and what it is given.
fn body(
    nodes: Vec<NodeProto>,
    condition: &str,
    outputs: &[&str],
    weights: Vec<TensorProto>,
) -> AttributeProto {
    let inputs = [("i", 7), ("c", 9), ("v", 1)];
    graph_of("body", graph(nodes, &inputs, &[&[condition], outputs].concat(), weights))
}

#[test]
fn loops_that_never_end() {
    let forever = |inputs: &[&str], weights: Vec<TensorProto>| {
        let body = body(vec![node("Relu", &["v"], &["w"], vec![])], "c", &["w"], vec![]);
        simple(vec![node("Loop", inputs, &["y"], vec![body])], weights)
    };
    too_much(&forever(&["", "", "x"], vec![]), &["Loop `y`", "max_loop_turns"]);
    too_much(&forever(&["", "t", "x"], vec![bools("t", true)]), &["Loop `y`", "max_loop_turns"]);
    too_much(&forever(&["n", "", "x"], vec![ints("n", &[], &[i64::MAX])]), &["Loop `y`", "max_loop_turns"]);
    // Nested, each within the bound.
    let inner = body(vec![node("Relu", &["v"], &["w"], vec![])], "c", &["w"], vec![]);
    let nodes = vec![node("Loop", &["n", "", "v"], &["w"], vec![inner])];
    let outer = body(nodes, "c", &["w"], vec![]);
    let nested =
        simple(vec![node("Loop", &["n", "", "x"], &["y"], vec![outer])], vec![ints("n", &[], &[100])]);
    too_much(&nested, &["Loop", "max_loop_turns"]);
    // Of constants alone: computed when the model is read.
    let nodes = (0..50)
        .map(|i| {
            let body = body(vec![node("Relu", &["v"], &["w"], vec![])], "c", &["w"], vec![]);
            node("Loop", &["", "", "one"], &[&format!("y{i}")], vec![body])
        })
        .chain([node("Relu", &["x"], &["y"], vec![])])
        .collect();
    too_much(&simple(nodes, vec![floats("one", &[1], &[1.0])]), &["Loop `y0`", "max_loop_turns"]);
}

#[test]
fn loops_that_grow_what_they_carry() {
    let growing = |nodes: Vec<NodeProto>, outputs: &[&str], given: &[&str]| {
        let body = body(nodes, "c", outputs, vec![ints("zero", &[], &[0])]);
        let outputs: Vec<String> = (0..outputs.len()).map(|i| format!("o{i}")).collect();
        let outputs: Vec<&str> = outputs.iter().map(|name| &**name).collect();
        let nodes =
            vec![node("Loop", given, &outputs, vec![body]), node("Identity", &["o0"], &["y"], vec![])];
        simple(nodes, vec![ints("n", &[], &[900])])
    };
    let double = node("Concat", &["v", "v"], &["w"], vec![int("axis", 0)]);
    too_much(&growing(vec![double], &["w"], &["n", "", "x"]), &["max_tensor_bytes"]);
    // What is gathered of all turns together.
    let wide = vec![
        node("Relu", &["v"], &["w"], vec![]),
        node("ConstantOfShape", &["size"], &["g"], vec![]),
        node("Constant", &[], &["size"], vec![tensor_of("value", ints("", &[1], &[10_000]))]),
    ];
    too_much(&growing(wide, &["w", "g"], &["n", "", "x"]), &["max_tensor_bytes"]);
}

#[test]
fn a_sequence_is_bounded_as_a_tensor_is() {
    let nodes = vec![
        node("Constant", &[], &["size"], vec![tensor_of("value", ints("", &[1], &[10_000]))]),
        node("ConstantOfShape", &["size"], &["g"], vec![]),
        node("SequenceInsert", &["v", "g"], &["w"], vec![]),
    ];
    let inputs = [("i", 7), ("c", 9)];
    let mut inside = graph(nodes, &inputs, &["c", "w"], vec![]);
    inside.input.push(crate::onnx::proto::ValueInfoProto { name: "v".into(), r#type: None });
    let nodes = vec![
        node("SequenceEmpty", &[], &["s"], vec![]),
        node("Loop", &["n", "", "s"], &["t"], vec![graph_of("body", inside)]),
        node("SequenceLength", &["t"], &["y"], vec![]),
    ];
    too_much(&simple(nodes, vec![ints("n", &[], &[900])]), &["a sequence", "max_tensor_bytes"]);
}

#[test]
fn functions_that_call_themselves_or_double() {
    let own = function("f", &["a"], &["b"], vec![call("f", &["a"], &["b"])]);
    let calls = |name: &str| graph(vec![call(name, &["x"], &["y"])], &[("x", 1)], &["y"], vec![]);
    too_much(&model(calls("f"), vec![own]), &["f.f", "deep", "itself"]);
    let there = function("f", &["a"], &["b"], vec![call("g", &["a"], &["b"])]);
    let back = function("g", &["a"], &["b"], vec![call("f", &["a"], &["b"])]);
    too_much(&model(calls("f"), vec![there, back]), &["deep"]);
    // Two calls each, thirty levels: a billion nodes.
    let doubling = (0..30i64)
        .map(|level| {
            let below = format!("f{}", i64::max(level - 1, 0));
            let nodes = if level == 0 {
                vec![node("Relu", &["a"], &["b"], vec![])]
            } else {
                vec![call(&below, &["a"], &["m"]), call(&below, &["m"], &["b"])]
            };
            function(&format!("f{level}"), &["a"], &["b"], nodes)
        })
        .collect();
    too_much(&model(calls("f29"), doubling), &["too many nodes"]);
    // A weight of a function, once for every call.
    let big = node("Constant", &[], &["k"], vec![tensor_of("value", floats("", &[20_000], &[0.5; 20_000]))]);
    let heavy = function("f", &["a"], &["b"], vec![big, node("Add", &["a", "k"], &["b"], vec![])]);
    let nodes = (0..100).map(|i| call("f", &["x"], &[&format!("y{i}")])).collect();
    too_much(&model(graph(nodes, &[("x", 1)], &["y0"], vec![]), vec![heavy]), &["written out"]);
}

#[test]
fn a_function_sees_its_parameters_and_nothing_else() {
    let nosy = function("f", &["a"], &["b"], vec![node("Add", &["a", "secret"], &["b"], vec![])]);
    let branch = || graph(vec![call("f", &["x"], &["b"])], &[], &["b"], vec![]);
    let attributes = vec![graph_of("then_branch", branch()), graph_of("else_branch", branch())];
    let nodes = vec![node("Relu", &["x"], &["secret"], vec![]), node("If", &["t"], &["y"], attributes)];
    let model = model(graph(nodes, &[("x", 1)], &["y"], vec![bools("t", true)]), vec![nosy]);
    invalid(&model, &["Add `b`", "reads `secret`"]);
    let more = call("f", &["x", "x"], &["y"]);
    let few = function("f", &["a"], &["b"], vec![node("Relu", &["a"], &["b"], vec![])]);
    let model = super::make::model(graph(vec![more], &[("x", 1)], &["y"], vec![]), vec![few]);
    invalid(&model, &["f.f", "1 inputs"]);
    let lacks = function("f", &["a"], &["b"], vec![]);
    let model =
        super::make::model(graph(vec![call("f", &["x"], &["y"])], &[("x", 1)], &["y"], vec![]), vec![lacks]);
    invalid(&model, &["f.f", "doesn't make its output `b`"]);
}

/// On a thread with a small stack: what is nested is walked with recursion.
#[test]
fn graphs_nested_deep() {
    let deep = |levels: usize, in_function: bool| {
        let mut inside = graph(vec![node("Relu", &["x"], &["b"], vec![])], &[], &["b"], vec![]);
        for _ in 0..levels {
            let other = graph(vec![node("Abs", &["x"], &["b"], vec![])], &[], &["b"], vec![]);
            let attributes = vec![graph_of("then_branch", inside), graph_of("else_branch", other)];
            inside = graph(vec![node("If", &["t"], &["b"], attributes)], &[], &["b"], vec![]);
        }
        if in_function {
            let function = function("f", &["x", "t"], &["b"], inside.node);
            return model(
                graph(vec![call("f", &["x", "t"], &["y"])], &[("x", 1)], &["y"], vec![bools("t", true)]),
                vec![function],
            );
        }
        inside.input = vec![declared("x", 1)];
        inside.initializer = vec![bools("t", true)];
        model(inside, vec![])
    };
    let check = move || {
        for in_function in [false, true] {
            assert!(run(&deep(20, in_function), x()).is_ok());
            too_much(&deep(60, in_function), &["If", "deep"]);
        }
    };
    std::thread::Builder::new().stack_size(1 << 20).spawn(check).unwrap().join().unwrap();
}

#[test]
fn bodies_that_do_not_fit_their_node() {
    let body = |outputs: &[&str]| {
        graph_of(
            "body",
            graph(
                vec![node("Relu", &["v"], &["w"], vec![])],
                &[("i", 7), ("c", 9), ("v", 1)],
                outputs,
                vec![],
            ),
        )
    };
    let with = |inputs: &[&str], outputs: &[&str]| {
        let nodes = vec![node("Loop", inputs, &["y"], vec![body(outputs)])];
        simple(nodes, vec![ints("n", &[], &[2])])
    };
    invalid(&with(&["n", "", "x", "x"], &["c", "w"]), &["Loop", "body"]);
    invalid(&with(&["n", "", "x"], &["c"]), &["Loop", "body"]);
    invalid(&with(&["n", "", "x"], &["w", "w"]), &["Loop", "condition"]);
    let scan = |count: i64| {
        let body = body(&["w"]);
        simple(vec![node("Scan", &["x"], &["y"], vec![body, int("num_scan_inputs", count)])], vec![])
    };
    for count in [0, -1, 2, i64::MAX] {
        invalid(&scan(count), &["Scan"]);
    }
}
