//! A row's values are the same, bit for bit, in every batch; and what is not a batch isn't taken for one.

use super::{
    build::{D, DataType, Model, autoencoder, chain, int, mlp},
    error, f32s, load_by, load_model, noise,
    trees::random_forest,
};
use crate::{Choice, Dim, Engine, Tensor, TensorData};

const N: D = D::Named("N");

/// Runs 512 rows, in every batch size from 1 to 64 and in one, and compares every bit.
fn assert_same_in_every_batch(engine: &dyn Engine) {
    const ROWS: usize = 512;
    assert!(engine.signature().free_batch);
    let width = engine.signature().inputs[0].row_len().unwrap();
    let rows = noise(ROWS * width, 42);
    let mut session = engine.session();
    let all = |answer: &[Tensor]| -> Vec<Vec<u64>> { answer.iter().map(bits).collect() };
    let expected = all(session.run(&[Tensor::f32(&[ROWS, width], rows.clone())]).unwrap());
    let per_row: Vec<_> = expected.iter().map(|bits| bits.len() / ROWS).collect();
    let mut at = 0;
    for size in (1..=64).chain([512]) {
        // Different rows each time, at different places of the batch.
        if at + size > ROWS {
            at = 0;
        }
        let input = Tensor::f32(&[size, width], rows[at * width..(at + size) * width].to_vec());
        for (output, found) in all(session.run(&[input]).unwrap()).iter().enumerate() {
            let range = at * per_row[output]..(at + size) * per_row[output];
            assert!(found == &expected[output][range], "batch of {size} from row {at}, output {output}");
        }
        at += size;
    }
    for row in 0..ROWS {
        let input = Tensor::f32(&[1, width], rows[row * width..(row + 1) * width].to_vec());
        for (output, found) in all(session.run(&[input]).unwrap()).iter().enumerate() {
            let range = row * per_row[output]..(row + 1) * per_row[output];
            assert!(found == &expected[output][range], "row {row} alone, output {output}");
        }
    }
}

fn bits(tensor: &Tensor) -> Vec<u64> {
    match &tensor.data {
        TensorData::F32(values) => values.iter().map(|value| value.to_bits().into()).collect(),
        TensorData::I64(values) => values.iter().map(|value| *value as u64).collect(),
        other => panic!("{:?} is not expected here", other.element()),
    }
}

#[test]
fn small_network() {
    assert_same_in_every_batch(&*load_model(&mlp(N)).unwrap());
}

#[test]
fn larger_network() {
    assert_same_in_every_batch(&*load_model(&autoencoder(N)).unwrap());
}

/// The same network as `small_network` with a branch: no chain of layers any more.
#[test]
fn small_network_with_a_branch() {
    let mut model = chain(N, &[4, 16, 8, 3], "Relu");
    model.graph().output[0].name = "z".into();
    let model = model.node("Add", &["y", "y"], &["z"]);
    assert_same_in_every_batch(&*load_model(&model).unwrap());
}

#[test]
fn trees() {
    assert_same_in_every_batch(&*load_model(&random_forest(1, 2)).unwrap());
    assert_same_in_every_batch(&*load_model(&random_forest(21, 3)).unwrap());
}

#[test]
fn convolution() {
    let model = Model::new()
        .input("x", DataType::Float, &[N, D::Is(2), D::Is(30)])
        .output("y", DataType::Float, &[N, D::Is(5), D::Is(28)])
        .weights("w", &[5, 2, 3], &noise(30, 3))
        .weights("b", &[5], &noise(5, 4))
        .node("Conv", &["x", "w", "b"], &["c"])
        .node("Tanh", &["c"], &["y"]);
    let engine = load_model(&model).unwrap();
    assert!(engine.signature().free_batch);
    let rows = noise(33 * 60, 9);
    let mut session = engine.session();
    let together = f32s(&session.run(&[Tensor::f32(&[33, 2, 30], rows.clone())]).unwrap()[0]).to_vec();
    for row in 0..33 {
        let input = Tensor::f32(&[1, 2, 30], rows[row * 60..][..60].to_vec());
        let alone = f32s(&session.run(&[input]).unwrap()[0]).to_vec();
        assert!(
            alone.iter().zip(&together[row * 140..]).all(|(a, b)| a.to_bits() == b.to_bits()),
            "row {row}"
        );
    }
}

#[test]
fn free_dimensions_may_be_written_in_any_way() {
    for batch in [N, D::Named("batch size"), D::Named("2*n"), D::Named("?"), D::Unset, D::Is(0), D::Is(-1)] {
        for model in [mlp(batch), autoencoder(batch)] {
            let engine = load_model(&model).unwrap();
            let signature = engine.signature();
            assert!(signature.free_batch, "{batch:?}");
            assert_eq!(signature.inputs[0].dims[0], Dim::Batch);
            assert_eq!(signature.outputs[0].dims[0], Dim::Batch);
        }
    }
}

#[test]
fn a_fixed_batch_stays_fixed() {
    for model in [mlp(D::Is(1)), autoencoder(D::Is(1))] {
        let engine = load_model(&model).unwrap();
        let signature = engine.signature();
        assert!(!signature.free_batch);
        assert_eq!(signature.inputs[0].dims[0], Dim::Fixed(1));
        let width = signature.inputs[0].row_len().unwrap();
        let two = Tensor::f32(&[2, width], noise(2 * width, 1));
        let error = engine.session().run(&[two]).unwrap_err().to_string();
        assert!(error.contains("the model takes"), "{error}");
    }
}

#[test]
fn rows_that_see_each_other_are_no_batch() {
    let model = Model::new()
        .input("x", DataType::Float, &[N, D::Is(4)])
        .output("y", DataType::Float, &[N, D::Is(4)])
        .node_with("Softmax", &["x"], &["y"], vec![int("axis", 0)]);
    let engine = load_model(&model).unwrap();
    assert!(!engine.signature().free_batch);
    assert_eq!(engine.signature().inputs[0].to_string(), "x f32[N, 4]");
    assert_eq!(engine.signature().inputs[0].dims[0], Dim::Free("N".into()));
    // It still runs, at any length.
    for rows in [1, 3] {
        let input = Tensor::f32(&[rows, 4], noise(rows * 4, 1));
        let sum: f32 = f32s(&engine.session().run(&[input]).unwrap()[0]).iter().sum();
        assert!((sum - 4.0).abs() < 1e-5, "{sum}");
    }
}

/// `100 / whole(x)`: nothing but faults for the numbers between -1 and 1 that models are tried with.
#[test]
fn a_model_that_can_not_do_with_numbers_near_zero_is_taken_and_batched() {
    let model = Model::new()
        .input("x", DataType::Float, &[N, D::Is(1)])
        .output("y", DataType::Int64, &[N, D::Is(1)])
        .integers("hundred", &[1], &[100])
        .node_with("Cast", &["x"], &["whole"], vec![int("to", DataType::Int64 as i64)])
        .node("Div", &["hundred", "whole"], &["y"]);
    for choice in [Choice::Auto, Choice::Native] {
        let engine = load_by(&model, choice).unwrap();
        assert!(engine.signature().free_batch);
        let answers = engine.session().run(&[Tensor::f32(&[2, 1], vec![4.0, 50.9])]).unwrap().to_vec();
        assert_eq!(answers[0].data, TensorData::I64(vec![25, 2]));
        if choice == Choice::Native {
            assert!(engine.session().run(&[Tensor::f32(&[1, 1], vec![0.5])]).is_err());
        }
    }
}

/// One free axis, of one input of two: the other is a state of one length.
#[test]
fn an_output_as_long_as_an_input_is_not_of_one_length() {
    let steps = D::Named("steps");
    let model = Model::new()
        .input("x", DataType::Float, &[steps, D::Is(2)])
        .input("state", DataType::Float, &[D::Is(1), D::Is(2)])
        .output("y", DataType::Float, &[steps, D::Is(2)])
        .node("Add", &["x", "state"], &["y"]);
    let engine = load_model(&model).unwrap();
    assert!(!engine.signature().free_batch);
    assert_eq!(engine.signature().outputs[0].to_string(), "y f32[steps, 2]");
    let inputs = [Tensor::f32(&[3, 2], vec![1.0; 6]), Tensor::f32(&[1, 2], vec![1.0; 2])];
    assert_eq!(f32s(&engine.session().run(&inputs).unwrap()[0]), [2.0; 6]);
}

/// `wave` as a picture of one row, and five neighbours of it summed.
fn five_along(model: Model, wave: &str) -> Model {
    let ones = super::build::ints("kernel_shape", &[5]);
    model
        .weights("kernel", &[1, 1, 5], &[1.0; 5])
        .integers("shape", &[3], &[1, 1, -1])
        .node("Reshape", &[wave, "shape"], &["picture"])
        .node_with("Conv", &["picture", "kernel"], &["sums"], vec![ones])
        .integers("flat", &[1], &[-1])
        .node("Reshape", &["sums", "flat"], &["y"])
}

#[test]
fn lengths_that_are_no_rows_stay_with_our_own_executor() {
    let samples = Model::new().input("x", DataType::Float, &[D::Named("samples")]).output(
        "y",
        DataType::Float,
        &[D::Unset],
    );
    let time_first =
        Model::new().input("x", DataType::Float, &[N, D::Is(1)]).output("y", DataType::Float, &[D::Unset]);
    for (model, rest) in [(samples, &[][..]), (time_first, &[1][..])] {
        let model = five_along(model, "x");
        let engine = load_model(&model).unwrap();
        assert_eq!(engine.name(), "native");
        let mut session = engine.session();
        // Two are fewer than the kernel looks at: tract's would read beyond them.
        for (length, sums) in [(2, None), (5, Some(vec![5.0])), (6, Some(vec![5.0, 5.0])), (1, None)] {
            let shape: Vec<usize> = [&[length], rest].concat();
            let answer = session.run(&[Tensor::f32(&shape, vec![1.0; length])]).ok();
            assert_eq!(answer.map(|answer| f32s(&answer[0]).to_vec()), sums, "{length} samples");
        }
        let asked = error(load_by(&model, Choice::Tract));
        assert!(!cfg!(feature = "tract") || asked.contains("free sizes"), "{asked}");
    }
}

#[test]
fn an_output_without_rows_is_no_batch() {
    let model = Model::new()
        .input("x", DataType::Float, &[N, D::Is(4)])
        .output("y", DataType::Float, &[D::Is(4)])
        .node_with("ReduceMean", &["x"], &["y"], vec![super::build::ints("axes", &[0]), int("keepdims", 0)]);
    let engine = load_model(&model).unwrap();
    assert!(!engine.signature().free_batch);
    assert_eq!(engine.signature().outputs[0].to_string(), "y f32[4]");
}

#[test]
fn two_inputs_share_a_batch_unless_named_apart() {
    let two = |a, b| {
        let model = Model::new()
            .input("a", DataType::Float, &[a, D::Is(3)])
            .input("b", DataType::Float, &[b, D::Is(3)])
            .output("y", DataType::Float, &[D::Unset, D::Is(6)])
            .node_with("Concat", &["a", "b"], &["y"], vec![int("axis", 1)]);
        load_model(&model)
    };
    assert!(two(N, N).unwrap().signature().free_batch);
    assert!(two(D::Unset, D::Unset).unwrap().signature().free_batch);
    assert!(two(N, D::Unset).unwrap().signature().free_batch);
    // Different names may be different sizes; the graph says they must be equal.
    match two(N, D::Named("M")) {
        Ok(engine) => assert!(!engine.signature().free_batch),
        refused => assert!(error(refused).contains("Concat")),
    }
    let engine = two(N, N).unwrap();
    let rows = |n| Tensor::f32(&[n, 3], noise(n * 3, 1));
    assert_eq!(engine.session().run(&[rows(2), rows(2)]).unwrap()[0].shape, [2, 6]);
    assert!(engine.session().run(&[rows(2), rows(3)]).is_err());
}
