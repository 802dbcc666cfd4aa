//! Tree ensembles. Expected values with two classes are what onnxruntime 1.32 answered.

use crate::onnx::proto::AttributeProto;

use super::{
    build::{D, DataType, Model, floats, int, ints, text, texts},
    error, f32s, load_model, noise,
};
use crate::{Tensor, TensorData};

const N: D = D::Named("N");

/// One tree: feature 0 <= 0 leads to leaf 1, else to leaf 2.
fn stump_nodes(mode: &str) -> Vec<AttributeProto> {
    vec![
        ints("nodes_treeids", &[0, 0, 0]),
        ints("nodes_nodeids", &[0, 1, 2]),
        ints("nodes_featureids", &[0, 0, 0]),
        floats("nodes_values", &[0.0, 0.0, 0.0]),
        texts("nodes_modes", &[mode, "LEAF", "LEAF"]),
        ints("nodes_truenodeids", &[1, 0, 0]),
        ints("nodes_falsenodeids", &[2, 0, 0]),
    ]
}

/// Votes as (leaf, target, weight).
fn votes(prefix: &str, votes: &[(i64, i64, f32)]) -> Vec<AttributeProto> {
    let column = |take: fn(&(i64, i64, f32)) -> i64| votes.iter().map(take).collect::<Vec<_>>();
    vec![
        ints(&format!("{prefix}_treeids"), &vec![0; votes.len()]),
        ints(&format!("{prefix}_nodeids"), &column(|vote| vote.0)),
        ints(&format!("{prefix}_ids"), &column(|vote| vote.1)),
        floats(&format!("{prefix}_weights"), &votes.iter().map(|vote| vote.2).collect::<Vec<_>>()),
    ]
}

fn classifier(classes: i64, attributes: Vec<AttributeProto>) -> Model {
    Model::new()
        .input("x", DataType::Float, &[N, D::Is(1)])
        .output("label", DataType::Int64, &[N])
        .output("scores", DataType::Float, &[N, D::Is(classes)])
        .node_with("TreeEnsembleClassifier", &["x"], &["label", "scores"], attributes)
}

/// Labels and scores of a stump with labels 10, 20 ... for the rows -1 and 1.
fn classify(classes: i64, cast: &[(i64, i64, f32)], base: &[f32], post: &str) -> (Vec<i64>, Vec<f32>) {
    let labels: Vec<_> = (1..=classes).map(|class| class * 10).collect();
    let mut attributes = stump_nodes("BRANCH_LEQ");
    attributes.extend(votes("class", cast));
    attributes.push(ints("classlabels_int64s", &labels));
    attributes.push(text("post_transform", post));
    if !base.is_empty() {
        attributes.push(floats("base_values", base));
    }
    let engine = load_model(&classifier(classes, attributes)).unwrap();
    let mut session = engine.session();
    let answer = session.run(&[Tensor::f32(&[2, 1], vec![-1.0, 1.0])]).unwrap();
    let TensorData::I64(labels) = &answer[0].data else { panic!("labels are numbers") };
    (labels.clone(), f32s(&answer[1]).to_vec())
}

#[track_caller]
fn assert_answer(answer: (Vec<i64>, Vec<f32>), labels: [i64; 2], scores: &[f32]) {
    assert_eq!(answer.0, labels);
    assert_eq!(answer.1.len(), scores.len());
    for (found, expected) in answer.1.iter().zip(scores) {
        assert!((found - expected).abs() < 1e-6, "{:?} is not {scores:?}", answer.1);
    }
}

#[test]
fn two_classes_of_which_one_is_voted_for() {
    let positive = |class| [(1, class, 0.3), (2, class, 0.8)];
    let mixed = |class| [(1, class, -0.3), (2, class, 0.8)];
    for post in ["NONE", "SOFTMAX", "SOFTMAX_ZERO"] {
        assert_answer(classify(2, &positive(0), &[], post), [10, 20], &[0.7, 0.3, 0.2, 0.8]);
        assert_answer(classify(2, &mixed(0), &[], post), [10, 20], &[0.3, -0.3, -0.8, 0.8]);
        assert_answer(classify(2, &positive(0), &[0.1], post), [10, 20], &[0.6, 0.4, 0.1, 0.9]);
        assert_answer(classify(2, &mixed(0), &[0.1], post), [10, 20], &[0.2, -0.2, -0.9, 0.9]);
    }
    let logistic = "LOGISTIC";
    assert_answer(
        classify(2, &positive(0), &[], logistic),
        [10, 20],
        &[0.425_557_5, 0.574_442_5, 0.310_025_5, 0.689_974_5],
    );
    assert_answer(
        classify(2, &mixed(0), &[0.1], logistic),
        [10, 20],
        &[0.549_834, 0.450_166, 0.289_050_5, 0.710_949_5],
    );
    assert_answer(classify(2, &positive(1), &[], "NONE"), [10, 20], &[0.0, 0.3, 0.0, 0.8]);
    assert_answer(classify(2, &mixed(1), &[0.1], "NONE"), [10, 20], &[0.0, -0.3, 0.0, 0.8]);
    assert_answer(
        classify(2, &positive(1), &[], "SOFTMAX"),
        [10, 20],
        &[0.425_557_5, 0.574_442_5, 0.310_025_5, 0.689_974_5],
    );
}

#[test]
fn two_classes_that_are_both_voted_for() {
    let both = [(1, 0, 0.7), (1, 1, 0.3), (2, 0, 0.2), (2, 1, 0.8)];
    assert_answer(classify(2, &both, &[], "NONE"), [10, 20], &[0.7, 0.3, 0.2, 0.8]);
    assert_answer(
        classify(2, &both, &[], "SOFTMAX"),
        [10, 20],
        &[0.598_687_65, 0.401_312_3, 0.354_343_7, 0.645_656_3],
    );
}

#[test]
fn three_classes() {
    let some = [(1, 0, -0.3), (1, 2, -0.4), (2, 1, 0.8)];
    assert_answer(classify(3, &some, &[], "NONE"), [10, 20], &[-0.3, 0.0, -0.4, 0.0, 0.8, 0.0]);
    assert_answer(
        classify(3, &some, &[], "SOFTMAX"),
        [10, 20],
        &[0.307_248_3, 0.414_741_87, 0.278_009_77, 0.236_656_1, 0.526_687_86, 0.236_656_1],
    );
    assert_answer(
        classify(3, &some, &[], "SOFTMAX_ZERO"),
        [10, 20],
        &[0.524_979_2, 0.0, 0.475_020_8, 0.0, 1.0, 0.0],
    );
    assert_answer(
        classify(3, &some, &[], "LOGISTIC"),
        [10, 20],
        &[0.425_557_5, 0.5, 0.401_312_35, 0.5, 0.689_974_5, 0.5],
    );
    assert_answer(classify(3, &some, &[0.1, 0.2, 0.9], "NONE"), [30, 20], &[-0.2, 0.2, 0.5, 0.1, 1.0, 0.9]);
}

#[test]
fn labels_can_be_text() {
    let mut attributes = stump_nodes("BRANCH_LEQ");
    attributes.extend(votes("class", &[(1, 0, 1.0), (2, 1, 1.0)]));
    attributes.push(texts("classlabels_strings", &["fine", "anomaly"]));
    let mut model = classifier(2, attributes);
    model.graph().output[0] = Model::new().output("label", DataType::String, &[N]).graph().output.remove(0);
    let engine = load_model(&model).unwrap();
    assert!(engine.signature().free_batch);
    assert_eq!(engine.signature().outputs[0].to_string(), "label string[N]");
    let mut session = engine.session();
    let answer = session.run(&[Tensor::f32(&[2, 1], vec![1.0, -1.0])]).unwrap();
    assert_eq!(answer[0].data, TensorData::String(vec!["anomaly".into(), "fine".into()]));
}

fn regressor(attributes: Vec<AttributeProto>) -> Model {
    Model::new()
        .input("x", DataType::Float, &[N, D::Is(1)])
        .output("y", DataType::Float, &[N, D::Is(1)])
        .node_with("TreeEnsembleRegressor", &["x"], &["y"], attributes)
}

/// What a stump of this mode answers: -1 for its true leaf, 1 for its false one.
fn stump(mode: &str, missing_is_true: bool, x: f32) -> f32 {
    let mut attributes = stump_nodes(mode);
    attributes.extend(votes("target", &[(1, 0, -1.0), (2, 0, 1.0)]));
    attributes.push(int("n_targets", 1));
    attributes.push(ints("nodes_missing_value_tracks_true", &[missing_is_true.into(), 0, 0]));
    let engine = load_model(&regressor(attributes)).unwrap();
    let mut session = engine.session();
    f32s(&session.run(&[Tensor::f32(&[1, 1], vec![x])]).unwrap()[0])[0]
}

#[test]
fn every_comparison_and_where_missing_values_go() {
    type Holds = fn(f32) -> bool;
    let modes: [(&str, Holds); 6] = [
        ("BRANCH_LEQ", |x| x <= 0.0),
        ("BRANCH_LT", |x| x < 0.0),
        ("BRANCH_GTE", |x| x >= 0.0),
        ("BRANCH_GT", |x| x > 0.0),
        ("BRANCH_EQ", |x| x == 0.0),
        ("BRANCH_NEQ", |x| x != 0.0),
    ];
    let tiny = f32::from_bits(1);
    for (mode, holds) in modes {
        for missing_is_true in [false, true] {
            for x in [-1.0, -tiny, -0.0, 0.0, tiny, 1.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
                let truth = holds(x) || x.is_nan() && missing_is_true;
                let expected = if truth { -1.0 } else { 1.0 };
                assert_eq!(stump(mode, missing_is_true, x), expected, "{mode} {missing_is_true} {x}");
            }
        }
    }
}

/// Complete random trees of depth 6 over 4 features; every leaf votes for every class (for the
/// first alone with two classes). Deterministic.
pub fn random_forest(trees: i64, classes: i64) -> Model {
    const DEPTH: u32 = 6;
    let inner = (1i64 << DEPTH) - 1;
    let all = (1i64 << (DEPTH + 1)) - 1;
    let values = noise((trees * all) as usize, 11);
    let mut modes = vec![];
    let mut columns: [Vec<i64>; 5] = Default::default();
    let mut cast: [Vec<i64>; 3] = Default::default();
    for tree in 0..trees {
        for node in 0..all {
            let is_leaf = node >= inner;
            modes.push(if is_leaf { "LEAF" } else { "BRANCH_LEQ" });
            let (yes, no) = if is_leaf { (0, 0) } else { (2 * node + 1, 2 * node + 2) };
            let row = [tree, node, (tree + node * 7) % 4, yes, no];
            columns.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
            if is_leaf {
                for class in 0..if classes == 2 { 1 } else { classes } {
                    cast.iter_mut().zip([tree, node, class]).for_each(|(column, value)| column.push(value));
                }
            }
        }
    }
    let weights: Vec<f32> =
        noise(cast[0].len(), 13).iter().map(|weight| weight.abs() / trees as f32).collect();
    let labels: Vec<_> = (0..classes).collect();
    let attributes = vec![
        ints("nodes_treeids", &columns[0]),
        ints("nodes_nodeids", &columns[1]),
        ints("nodes_featureids", &columns[2]),
        ints("nodes_truenodeids", &columns[3]),
        ints("nodes_falsenodeids", &columns[4]),
        floats("nodes_values", &values),
        texts("nodes_modes", &modes),
        ints("class_treeids", &cast[0]),
        ints("class_nodeids", &cast[1]),
        ints("class_ids", &cast[2]),
        floats("class_weights", &weights),
        ints("classlabels_int64s", &labels),
        text("post_transform", "NONE"),
    ];
    Model::new()
        .input("x", DataType::Float, &[N, D::Is(4)])
        .output("label", DataType::Int64, &[N])
        .output("scores", DataType::Float, &[N, D::Is(classes)])
        .node_with("TreeEnsembleClassifier", &["x"], &["label", "scores"], attributes)
}

#[test]
fn a_forest_is_the_sum_of_its_trees() {
    // By hand: follow each tree's 2n+1 and 2n+2 from its values.
    let (trees, classes) = (21usize, 3usize);
    let values = noise(trees * 127, 11);
    let weights: Vec<f32> = noise(trees * 64 * classes, 13).iter().map(|w| w.abs() / trees as f32).collect();
    let engine = load_model(&random_forest(trees as i64, classes as i64)).unwrap();
    let rows = noise(50 * 4, 99);
    let mut session = engine.session();
    let answer = session.run(&[Tensor::f32(&[50, 4], rows.clone())]).unwrap();
    for (row, scores) in rows.chunks(4).zip(f32s(&answer[1]).chunks(classes)) {
        let mut expected = [0f32; 3];
        for tree in 0..trees {
            let mut node = 0;
            while node < 63 {
                let feature = (tree + node * 7) % 4;
                node = 2 * node + if row[feature] <= values[tree * 127 + node] { 1 } else { 2 };
            }
            for (class, sum) in expected.iter_mut().enumerate() {
                *sum += weights[(tree * 64 + node - 63) * classes + class];
            }
        }
        assert_eq!(scores, expected);
    }
}

#[test]
fn aggregates_of_a_regressor() {
    let run = |aggregate: &str, base: Option<f32>| {
        // Two stumps; leaves vote -1 / 1 and 3 / 5.
        let attributes = vec![
            ints("nodes_treeids", &[0, 0, 0, 1, 1, 1]),
            ints("nodes_nodeids", &[0, 1, 2, 0, 1, 2]),
            ints("nodes_featureids", &[0; 6]),
            floats("nodes_values", &[0.0; 6]),
            texts("nodes_modes", &["BRANCH_LEQ", "LEAF", "LEAF", "BRANCH_LEQ", "LEAF", "LEAF"]),
            ints("nodes_truenodeids", &[1, 0, 0, 1, 0, 0]),
            ints("nodes_falsenodeids", &[2, 0, 0, 2, 0, 0]),
            ints("target_treeids", &[0, 0, 1, 1]),
            ints("target_nodeids", &[1, 2, 1, 2]),
            ints("target_ids", &[0; 4]),
            floats("target_weights", &[-1.0, 1.0, 3.0, 5.0]),
            int("n_targets", 1),
            text("aggregate_function", aggregate),
        ];
        let base = base.map(|base| floats("base_values", &[base]));
        let model = regressor(attributes.into_iter().chain(base).collect());
        let engine = load_model(&model).unwrap();
        f32s(&engine.session().run(&[Tensor::f32(&[2, 1], vec![-1.0, 1.0])]).unwrap()[0]).to_vec()
    };
    assert_eq!(run("SUM", None), [2.0, 6.0]);
    assert_eq!(run("SUM", Some(0.5)), [2.5, 6.5]);
    assert_eq!(run("AVERAGE", Some(0.5)), [1.5, 3.5]);
    assert_eq!(run("MIN", None), [-1.0, 1.0]);
    assert_eq!(run("MAX", Some(-1.0)), [2.0, 4.0]);
}

#[test]
fn trees_that_make_no_sense_are_refused() {
    let broken = |name: &str, change: AttributeProto| {
        let mut attributes = stump_nodes("BRANCH_LEQ");
        attributes.extend(votes("class", &[(1, 0, 0.3), (2, 0, 0.8)]));
        attributes.push(ints("classlabels_int64s", &[0, 1]));
        attributes.retain(|attribute| attribute.name != name);
        attributes.push(change);
        error(load_model(&classifier(2, attributes)))
    };
    let cases = [
        ("class_ids", ints("class_ids", &[0, 2]), "votes for 2 of 2"),
        ("class_ids", ints("class_ids", &[0, -1]), "votes for -1"),
        ("class_nodeids", ints("class_nodeids", &[1, 9]), "node 9"),
        ("nodes_truenodeids", ints("nodes_truenodeids", &[7, 0, 0]), "leads to a node 7"),
        ("nodes_truenodeids", ints("nodes_truenodeids", &[2, 0, 0]), "two roots"),
        ("nodes_truenodeids", ints("nodes_truenodeids", &[0, 0, 0]), "can't be reached"),
        ("nodes_nodeids", ints("nodes_nodeids", &[0, 1, 1]), "two nodes 1"),
        ("nodes_featureids", ints("nodes_featureids", &[5, 0, 0]), "look at 6 features, its input has 1"),
        ("nodes_featureids", ints("nodes_featureids", &[-1, 0, 0]), "feature -1"),
        ("nodes_modes", texts("nodes_modes", &["BRANCH_ODD", "LEAF", "LEAF"]), "BRANCH_ODD"),
        ("nodes_values", floats("nodes_values", &[0.0]), "differ in length"),
        ("classlabels_int64s", ints("classlabels_int64s", &[1]), "1 class"),
        ("classlabels_int64s", ints("other", &[1]), "classlabels_strings"),
        ("post_transform", text("post_transform", "ODD"), "ODD"),
        ("base_values", floats("base_values", &[1.0, 2.0, 3.0]), "3 base values"),
        ("nodes_values", floats("nodes_values_as_tensor", &[0.0; 3]), "must have 4"),
    ];
    for (name, change, expected) in cases {
        let text = broken(name, change);
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[test]
fn a_circle_of_nodes_is_refused() {
    let attributes = vec![
        ints("nodes_treeids", &[0; 5]),
        ints("nodes_nodeids", &[0, 1, 2, 3, 4]),
        ints("nodes_featureids", &[0; 5]),
        floats("nodes_values", &[0.0; 5]),
        texts("nodes_modes", &["LEAF", "BRANCH_LEQ", "BRANCH_LEQ", "LEAF", "LEAF"]),
        ints("nodes_truenodeids", &[0, 2, 1, 0, 0]),
        ints("nodes_falsenodeids", &[0, 3, 4, 0, 0]),
        ints("classlabels_int64s", &[0, 1]),
    ];
    let text = error(load_model(&classifier(2, attributes)));
    assert!(text.contains("can't be reached"), "{text}");
}
