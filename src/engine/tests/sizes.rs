//! Models that declare or compute huge tensors are refused before anything is allocated.
//!
//! Without the checks these tests would end the process: an allocation of 10^12 bytes aborts.

use crate::onnx::proto::TensorProto;

use super::{
    build::{D, DataType, Model, int, outside, tensor},
    error, load_model, write,
};
use crate::{Choice, Limits, LoadError, load};

const N: D = D::Named("N");
const HUGE: i64 = 1_000_000;

/// `y = x + sum(big)`, where `big` is made by the nodes and weights given.
fn with_big(make: impl FnOnce(Model) -> Model) -> Model {
    let model =
        Model::new().input("x", DataType::Float, &[N, D::Is(1)]).output("y", DataType::Float, &[N, D::Is(1)]);
    make(model).node_with("ReduceSum", &["big"], &["sum"], vec![int("keepdims", 0)]).node(
        "Add",
        &["x", "sum"],
        &["y"],
    )
}

fn assert_too_large(model: &Model) -> String {
    let refused = load_model(model);
    // Each engine has its own way to say it.
    let is_too_large = matches!(refused, Err(LoadError::TooLarge { .. } | LoadError::OverLimit { .. }));
    assert!(is_too_large, "{}", error(refused));
    error(load_model(model))
}

#[test]
fn a_constant_of_a_huge_shape() {
    let model =
        with_big(|m| m.integers("shape", &[2], &[HUGE, HUGE]).node("ConstantOfShape", &["shape"], &["big"]));
    let text = assert_too_large(&model);
    assert!(text.contains("big_node") && text.contains("max_tensor_bytes"), "{text}");
}

#[test]
fn a_huge_shape_that_is_computed_first() {
    let model = with_big(|m| {
        m.integers("a", &[2], &[1000, 1000]).node("Mul", &["a", "a"], &["shape"]).node(
            "ConstantOfShape",
            &["shape"],
            &["big"],
        )
    });
    assert_too_large(&model);
}

#[test]
fn expand_tile_and_pad_of_a_constant() {
    let model = with_big(|m| {
        m.weights("one", &[1, 1], &[1.0]).integers("shape", &[2], &[HUGE, HUGE]).node(
            "Expand",
            &["one", "shape"],
            &["big"],
        )
    });
    assert_too_large(&model);
    let model = with_big(|m| {
        m.weights("one", &[1, 1], &[1.0]).integers("times", &[2], &[HUGE, HUGE]).node(
            "Tile",
            &["one", "times"],
            &["big"],
        )
    });
    assert_too_large(&model);
    let model = with_big(|m| {
        m.weights("one", &[1, 1], &[1.0]).integers("pads", &[4], &[HUGE, HUGE, 0, 0]).node(
            "Pad",
            &["one", "pads"],
            &["big"],
        )
    });
    assert_too_large(&model);
}

#[test]
fn expand_of_an_input() {
    let model = Model::new()
        .input("x", DataType::Float, &[N, D::Is(1)])
        .output("y", DataType::Float, &[N, D::Is(1)])
        .integers("shape", &[3], &[HUGE, 1, HUGE])
        .node("Expand", &["x", "shape"], &["big"])
        .node_with("ReduceMax", &["big"], &["y"], vec![super::build::ints("axes", &[0]), int("keepdims", 0)]);
    assert_too_large(&model);
}

fn range(to: i64, step: i64) -> Model {
    with_big(|m| {
        m.integers("from", &[], &[0])
            .integers("to", &[], &[to])
            .integers("step", &[], &[step])
            .node("Range", &["from", "to", "step"], &["many"])
            .node_with("Cast", &["many"], &["big"], vec![int("to", DataType::Float as i64)])
    })
}

#[test]
fn a_huge_range() {
    // 2^32 + 5 looks like 5 to who keeps 32 bits.
    for (to, step) in [(HUGE * HUGE, 1), ((1 << 32) + 5, 1), (i64::MIN, -1)] {
        assert_too_large(&range(to, step));
    }
    // Without an end: too large, or nonsense.
    assert!(load_model(&range(1, 0)).is_err());
}

#[test]
fn an_outer_product_of_constants() {
    let side = 100_000;
    let ones = vec![1.0; side];
    let model = with_big(|m| {
        m.weights("row", &[1, side as i64], &ones).weights("column", &[side as i64, 1], &ones).node(
            "Mul",
            &["row", "column"],
            &["big"],
        )
    });
    assert_too_large(&model);
}

#[test]
fn a_huge_eye_and_a_huge_one_hot() {
    let model = with_big(|m| {
        m.integers("shape", &[2], &[HUGE, HUGE]).node("ConstantOfShape", &["shape"], &["zeros"]).node(
            "EyeLike",
            &["zeros"],
            &["big"],
        )
    });
    assert_too_large(&model);
    let model = with_big(|m| {
        m.integers("index", &[1000], &[0; 1000])
            .integers("depth", &[], &[HUGE * 1000])
            .weights("values", &[2], &[0.0, 1.0])
            .node("OneHot", &["index", "depth", "values"], &["big"])
    });
    assert_too_large(&model);
}

#[test]
fn a_huge_resize_of_a_constant() {
    let model = with_big(|m| {
        m.weights("image", &[1, 1, 2, 2], &[1.0; 4]).weights("scales", &[4], &[1.0, 1.0, 1e6, 1e6]).node_with(
            "Resize",
            &["image", "", "scales"],
            &["big"],
            vec![super::build::text("mode", "nearest")],
        )
    });
    let refused = load_model(&model);
    assert!(refused.is_err());
}

#[test]
fn a_declared_tensor_larger_than_its_data_or_the_limit() {
    let declared = |tensor: TensorProto| error(load_model(&with_big(|m| m.tensor(tensor))));
    let text = declared(tensor("big", DataType::Float, &[HUGE, HUGE], vec![]));
    assert!(text.contains("4000000000000 bytes") && text.contains("`big`"), "{text}");
    let text = declared(tensor("big", DataType::Float, &[i64::MAX, i64::MAX], vec![0; 4]));
    assert!(text.contains("than can be counted"), "{text}");
    let text = declared(tensor("big", DataType::Float, &[-1], vec![0; 4]));
    assert!(text.contains("[-1]"), "{text}");
    let text = declared(tensor("big", DataType::Float, &[10], vec![0; 39]));
    assert!(text.contains("should have 40 bytes and has 39"), "{text}");
    let text = declared(tensor("big", DataType::Int32, &[10], vec![]));
    assert!(text.contains("should have 10 elements and has 0"), "{text}");
    let text = declared(outside("big", &[HUGE, HUGE], &[("location", "model.onnx")]));
    assert!(text.contains("limits.max_"), "{text}");
}

#[test]
fn a_huge_input() {
    let model = Model::new()
        .input("x", DataType::Float, &[N, D::Is(HUGE), D::Is(HUGE)])
        .output("y", DataType::Float, &[N, D::Is(HUGE), D::Is(HUGE)])
        .node("Relu", &["x"], &["y"]);
    let text = assert_too_large(&model);
    assert!(text.contains("input `x`"), "{text}");
}

#[test]
fn the_limit_is_the_configured_one() {
    let model = with_big(|m| m.weights("big", &[100], &[1.0; 100]));
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder, &model.bytes());
    let limit =
        |max_tensor_bytes| load(&path, &Limits { max_tensor_bytes, ..Limits::default() }, Choice::Auto);
    assert!(limit(400).is_ok());
    let text = error(limit(399));
    assert!(text.contains("400 bytes") && text.contains("`big`"), "{text}");
}
