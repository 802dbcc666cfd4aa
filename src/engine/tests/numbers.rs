//! Values in and out: element types, operators of the small networks, sessions.

use crate::onnx::proto::{AttributeProto, attribute_type};

use super::{
    build::{D, DataType, Model, chain, int, mlp, tensor},
    f32s, load_by, load_model, noise, run_f32,
};
use crate::{Choice, ElementType, RunError, Tensor, TensorData};

const N: D = D::Named("N");

fn float(name: &str, f: f32) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: attribute_type::FLOAT, f, ..AttributeProto::default() }
}

/// The same model with a detour that only a graph engine takes: `y` becomes `y + 0`, by itself.
fn in_a_graph(mut model: Model) -> Model {
    let output = model.graph().output[0].name.clone();
    model.graph().output[0].name = "detour".into();
    model.node("Sub", &[&output, &output], &["nothing"]).node("Add", &[&output, "nothing"], &["detour"])
}

fn assert_close(a: &[f32], b: &[f32]) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() <= 2e-6 * (1.0 + a.abs()), "{a} is not {b}");
    }
}

fn assert_engines_agree(model: Model) {
    let own = load_model(&model).unwrap();
    let graph = load_model(&in_a_graph(model.clone())).unwrap();
    let native = load_by(&model, Choice::Native).unwrap();
    let width = own.signature().inputs[0].row_len().unwrap();
    let input = Tensor::f32(&[19, width], noise(19 * width, 3).iter().map(|x| 3.0 * x).collect());
    let expected = run_f32(&*native, input.clone());
    assert_close(&run_f32(&*own, input.clone()), &expected);
    assert_close(&run_f32(&*graph, input), &expected);
}

#[test]
fn small_networks_agree_on_every_engine() {
    for end in ["Sigmoid", "Tanh", "Softmax", "LeakyRelu", "Identity", "Relu"] {
        assert_engines_agree(chain(N, &[4, 16, 8, 3], end));
    }
    assert_engines_agree(chain(N, &[1, 1], "Relu"));
    assert_engines_agree(chain(N, &[3, 17, 9, 33, 5], "Softmax"));
}

#[test]
fn gemm_in_all_its_forms_agrees_on_every_engine() {
    for transposed in [0, 1] {
        for bias in [&[3i64][..], &[1, 3], &[1], &[]] {
            let dims = if transposed == 1 { [3, 4] } else { [4, 3] };
            let len = bias.iter().product::<i64>() as usize;
            assert_engines_agree(
                Model::new()
                    .input("x", DataType::Float, &[N, D::Is(4)])
                    .output("y", DataType::Float, &[N, D::Is(3)])
                    .weights("w", &dims, &noise(12, 1))
                    .weights("c", bias, &noise(len, 2))
                    .node_with(
                        "Gemm",
                        &["x", "w", "c"],
                        &["y"],
                        vec![int("transB", transposed), float("alpha", 1.5), float("beta", -0.5)],
                    ),
            );
        }
    }
}

#[test]
fn preparation_inside_the_model_agrees_on_every_engine() {
    assert_engines_agree(
        Model::new()
            .input("x", DataType::Float, &[N, D::Is(4)])
            .output("y", DataType::Float, &[N, D::Is(2)])
            .weights("mean", &[4], &noise(4, 1))
            .weights("scale", &[1, 4], &[0.5, 2.0, 4.0, 8.0])
            .weights("one", &[], &[1.0])
            .weights("w", &[4, 2], &noise(8, 2))
            .node("Sub", &["x", "mean"], &["a"])
            .node("Div", &["a", "scale"], &["b"])
            .node("Mul", &["scale", "b"], &["c"])
            .node("Sub", &["one", "c"], &["d"])
            .node("MatMul", &["d", "w"], &["y"]),
    );
}

#[test]
fn a_chain_that_is_none_is_left_to_others() {
    // The middle is read twice: not a chain.
    let model = Model::new()
        .input("x", DataType::Float, &[N, D::Is(3)])
        .output("y", DataType::Float, &[N, D::Is(3)])
        .weights("w", &[3, 3], &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0])
        .node("MatMul", &["x", "w"], &["m"])
        .node("Relu", &["m"], &["r"])
        .node("Add", &["r", "m"], &["y"]);
    let engine = load_model(&model).unwrap();
    assert_eq!(run_f32(&*engine, Tensor::f32(&[1, 3], vec![-1.0, 0.5, 2.0])), [-1.0, 1.0, 4.0]);
}

#[test]
fn not_a_number_stays_one() {
    let engine = load_model(&chain(N, &[2, 4, 2], "Relu")).unwrap();
    let answer = run_f32(&*engine, Tensor::f32(&[1, 2], vec![f32::NAN, 1.0]));
    assert!(answer.iter().all(|value| value.is_nan()), "{answer:?}");
}

#[test]
fn half_floats_are_shown_as_f32() {
    for end in ["Relu", "Identity"] {
        let model = Model::new()
            .input("x", DataType::Float16, &[N, D::Is(2)])
            .output("y", DataType::Float16, &[N, D::Is(2)])
            .tensor(tensor("w", DataType::Float16, &[2], vec![0x00, 0x3e, 0x00, 0x40]))
            .node("Mul", &["x", "w"], &["m"])
            .node(end, &["m"], &["y"]);
        let engine = load_model(&model).unwrap();
        assert_eq!(engine.signature().inputs[0].element, ElementType::F32);
        assert_eq!(engine.signature().outputs[0].element, ElementType::F32);
        // 0x3e00 is 1.5 and 0x4000 is 2 in half precision.
        assert_eq!(run_f32(&*engine, Tensor::f32(&[1, 2], vec![2.0, 0.25])), [3.0, 0.5]);
    }
}

#[test]
fn integers_booleans_and_doubles_pass_through() {
    let same = |kind: DataType, data: TensorData| {
        let model = Model::new()
            .input("x", kind, &[N, D::Is(2)])
            .output("y", kind, &[D::Unset, D::Is(2)])
            .node_with("Concat", &["x", "x"], &["y"], vec![int("axis", 0)]);
        let engine = load_model(&model).unwrap();
        assert_eq!(engine.signature().inputs[0].element, data.element());
        assert!(!engine.signature().free_batch, "twice the rows come out");
        let mut session = engine.session();
        let answer = &session.run(&[Tensor::new(vec![1, 2], data.clone())]).unwrap()[0];
        assert_eq!(answer.shape, [2, 2]);
        let mut first = answer.data.clone();
        first.truncate(2);
        assert_eq!(first, data);
    };
    same(DataType::Double, TensorData::F64(vec![1.5, -2.5]));
    same(DataType::Int8, TensorData::I8(vec![1, -2]));
    same(DataType::Int16, TensorData::I16(vec![1, -2]));
    same(DataType::Int32, TensorData::I32(vec![1, -2]));
    same(DataType::Int64, TensorData::I64(vec![1, -2]));
    same(DataType::Uint8, TensorData::U8(vec![1, 255]));
    same(DataType::Uint16, TensorData::U16(vec![1, 65535]));
    same(DataType::Uint32, TensorData::U32(vec![1, u32::MAX]));
    same(DataType::Uint64, TensorData::U64(vec![1, u64::MAX]));
    same(DataType::Bool, TensorData::Bool(vec![true, false]));
    same(DataType::String, TensorData::String(vec!["a".into(), "β".into()]));
}

#[test]
fn inputs_that_do_not_fit_are_named() {
    for model in [mlp(N), in_a_graph(mlp(N))] {
        let engine = load_model(&model).unwrap();
        let mut session = engine.session();
        let mut run = |inputs: &[Tensor]| session.run(inputs).map(<[Tensor]>::len);
        let wrong = [
            vec![],
            vec![Tensor::f32(&[1, 4], vec![0.0; 4]); 2],
            vec![Tensor::f32(&[1, 3], vec![0.0; 3])],
            vec![Tensor::f32(&[4], vec![0.0; 4])],
            vec![Tensor::f32(&[0, 4], vec![])],
            vec![Tensor::new(vec![1, 4], TensorData::F64(vec![0.0; 4]))],
        ];
        for inputs in &wrong {
            assert!(matches!(run(inputs), Err(RunError::WrongInput { .. })), "{inputs:?}");
        }
        let text = run(&wrong[2]).unwrap_err().to_string();
        assert_eq!(text, "input `x` is f32[1, 3], the model takes x f32[N, 4]");
        // And the session goes on.
        assert_eq!(run(&[Tensor::f32(&[2, 4], vec![0.0; 8])]), Ok(1));
    }
}

#[test]
fn a_failed_run_leaves_the_session_whole() {
    // Gather with an index that is not there fails in the middle of the graph.
    let model = Model::new()
        .input("x", DataType::Int64, &[N, D::Is(1)])
        .output("y", DataType::Float, &[N, D::Is(1)])
        .weights("table", &[3], &[10.0, 20.0, 30.0])
        .node("Gather", &["table", "x"], &["y"]);
    let engine = load_model(&model).unwrap();
    let mut session = engine.session();
    let index = |i: i64| [Tensor::new(vec![1, 1], TensorData::I64(vec![i]))];
    assert_eq!(f32s(&session.run(&index(2)).unwrap()[0]), [30.0]);
    let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| session.run(&index(7)).is_err()));
    assert!(failed.unwrap_or(true));
    assert_eq!(f32s(&session.run(&index(1)).unwrap()[0]), [20.0]);
}

#[test]
fn sessions_on_many_threads_do_not_meet() {
    let engine = load_model(&in_a_graph(mlp(N))).unwrap();
    let input = |seed| Tensor::f32(&[5, 4], noise(20, seed));
    let expected: Vec<_> = (1..5).map(|seed| run_f32(&*engine, input(seed))).collect();
    std::thread::scope(|scope| {
        for (seed, expected) in (1..5).zip(&expected) {
            let mut session = engine.session();
            scope.spawn(move || {
                for _ in 0..50 {
                    assert_eq!(f32s(&session.run(&[input(seed)]).unwrap()[0]), expected);
                }
            });
        }
    });
}
