//! `edgeward_core::decide` against NumPy, SciPy, pandas, scikit-learn, OpenCV and ONNX Runtime.

use edgeward_core::decide::{
    Activation, Anomaly, Calibration, Canvas, Ctc, Detection, ExponentialMean, Isotonic, Majority, Order,
    Reduce, Ssd, Suppression, Yolo, YoloFamily, argmax, sigmoid, softmax, top_k,
};
use serde_json::Value;

use super::{Golden, whole};

fn near(found: &[f64], expected: &[f64], tolerance: f64, case: &Value) {
    assert_eq!(found.len(), expected.len(), "{case}");
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= tolerance * b.abs().max(1.0), "{i}: {a}, not {b}: {case}");
    }
}

fn wholes(golden: &Golden, told: &Value) -> Vec<usize> {
    golden.numbers(told).into_iter().map(|x| x as usize).collect()
}

fn f64s(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

#[test]
fn activations_and_ranks() {
    let golden = Golden::open("decisions");
    for case in golden.of("activation") {
        let x = golden.numbers(&case["x"]);
        let mut soft = x.clone();
        softmax(&mut soft);
        near(&soft, &golden.numbers(&case["softmax"]), 1e-14, case);
        let sigmoids: Vec<f64> = x.iter().map(|x| sigmoid(*x)).collect();
        near(&sigmoids, &golden.numbers(&case["sigmoid"]), 1e-14, case);
        assert_eq!(argmax(&x), Some(whole(&case["argmax"])), "{case}");
    }
    for case in golden.of("top_k") {
        let (x, order) = (golden.numbers(&case["x"]), wholes(&golden, &case["order"]));
        assert_eq!(top_k(&x, x.len()), order);
        assert_eq!(top_k(&x, 3), order[..3]);
    }
}

#[test]
fn calibration_is_scikit_learns() {
    let golden = Golden::open("decisions");
    for case in golden.of("calibrated") {
        let each = case["calibrators"].as_array().unwrap();
        let calibration = if case["method"] == "sigmoid" {
            Calibration::Platt(
                each.iter().map(|c| (c["a"].as_f64().unwrap(), c["b"].as_f64().unwrap())).collect(),
            )
        } else {
            let curve = |c: &Value| Isotonic::new(&f64s(&c["x"]), &f64s(&c["y"])).unwrap();
            Calibration::Isotonic(each.iter().map(curve).collect())
        };
        let raw = golden.numbers(&case["raw"]);
        let expected = golden.numbers(&case["result"]);
        let columns = each.len().max(2);
        for (raw, expected) in raw.chunks(each.len()).zip(expected.chunks(columns)) {
            // A binary classifier has one raw score: that of the second class.
            let mut scores = if raw.len() == 1 { vec![0.0, raw[0]] } else { raw.to_vec() };
            assert!(calibration.suits(scores.len()));
            calibration.after(&mut scores);
            near(&scores, expected, 1e-12, case);
        }
        assert!(!calibration.suits(7));
    }
    for case in golden.of("isotonic") {
        let curve = Isotonic::new(&golden.numbers(&case["x"]), &golden.numbers(&case["y"])).unwrap();
        let calibration = Calibration::Isotonic(vec![curve]);
        let mut found = Vec::new();
        for asked in golden.numbers(&case["asked"]) {
            let mut one = [asked];
            calibration.after(&mut one);
            found.push(one[0]);
        }
        near(&found, &golden.numbers(&case["result"]), 1e-12, case);
    }
    for case in golden.of("temperature") {
        let mut x = golden.numbers(&case["x"]);
        Calibration::Temperature(case["temperature"].as_f64().unwrap()).before(&mut x);
        softmax(&mut x);
        near(&x, &golden.numbers(&case["result"]), 1e-14, case);
    }
}

fn corners(values: &[f32], index: usize) -> [f64; 4] {
    std::array::from_fn(|i| f64::from(values[index * 4 + i]))
}

#[test]
fn of_overlapping_boxes_the_same_ones_stay() {
    let golden = Golden::open("decisions");
    let rule = |case: &Value| Suppression {
        score_threshold: case["score"].as_f64().unwrap() as f32,
        iou_threshold: case["iou"].as_f64(),
        class_agnostic: false,
        max_detections: usize::MAX,
    };
    for case in golden.of("nms_each_class") {
        let (boxes, scores) = (golden.f32s(&case["boxes"]).values, golden.f32s(&case["scores"]));
        let classes = scores.shape[1];
        let all = scores.values.iter().enumerate().map(|(i, score)| Detection {
            class: i % classes,
            score: *score,
            corners: corners(&boxes, i / classes),
        });
        let found = rule(case).apply(all.collect());
        // ONNX lists class by class; ours is by score over all.
        let mut expected: Vec<(usize, [f64; 4])> = wholes(&golden, &case["result"])
            .as_chunks::<2>()
            .0
            .iter()
            .map(|[class, index]| (*class, corners(&boxes, *index)))
            .collect();
        let mut found: Vec<(usize, [f64; 4])> = found.into_iter().map(|d| (d.class, d.corners)).collect();
        let by = |a: &(usize, [f64; 4]), b: &(usize, [f64; 4])| a.partial_cmp(b).unwrap();
        expected.sort_by(by);
        found.sort_by(by);
        assert_eq!(found, expected, "{case}");
    }
    for (kind, class_agnostic) in [("nms_agnostic", true), ("nms_best_class", false)] {
        for case in golden.of(kind) {
            let (boxes, scores) = (golden.f32s(&case["boxes"]).values, golden.f32s(&case["scores"]));
            let rows = scores.values.chunks(scores.shape[1]).enumerate();
            let best = rows.map(|(i, row)| {
                let wide: Vec<f64> = row.iter().map(|x| f64::from(*x)).collect();
                let class = argmax(&wide).unwrap();
                Detection { class, score: row[class], corners: corners(&boxes, i) }
            });
            let found = Suppression { class_agnostic, ..rule(case) }.apply(best.collect());
            let expected: Vec<[f64; 4]> =
                wholes(&golden, &case["result"]).into_iter().map(|i| corners(&boxes, i)).collect();
            assert_eq!(found.iter().map(|d| d.corners).collect::<Vec<_>>(), expected, "{case}");
            let few = Suppression { class_agnostic, max_detections: 2, ..rule(case) };
            assert!(found.len() < 2 || few.apply(found.clone()) == found[..2]);
        }
    }
}

fn canvas(case: &Value) -> Canvas {
    Canvas { width: whole(&case["canvas"][0]), height: whole(&case["canvas"][1]) }
}

fn same_boxes(golden: &Golden, case: &Value, found: &[Detection]) {
    let classes: Vec<usize> = found.iter().map(|d| d.class).collect();
    assert_eq!(classes, wholes(golden, &case["best"]), "{case}");
    let scores: Vec<f64> = found.iter().map(|d| f64::from(d.score)).collect();
    near(&scores, &golden.numbers(&case["top"]), 1e-6, case);
    let corners: Vec<f64> = found.iter().flat_map(|d| d.corners).collect();
    near(&corners, &golden.numbers(&case["corners"]), 1e-5, case);
    assert!(!found.is_empty());
}

#[test]
fn boxes_are_read_from_the_answers_of_the_families() {
    let golden = Golden::open("decisions");
    for case in golden.of("yolo") {
        let family = match case["family"].as_str().unwrap() {
            "v5" => YoloFamily::V5,
            "v10" => YoloFamily::V10,
            "x" => YoloFamily::X,
            _ => YoloFamily::V8,
        };
        let answer = golden.f32s(&case["answer"]);
        let shape = (answer.shape[0], answer.shape[1]);
        let yolo = Yolo { family, normalised: false, score_threshold: 0.3 };
        let classes = Some(whole(&case["classes"]));
        same_boxes(&golden, case, &yolo.boxes(&answer.values, shape, classes, canvas(case)).unwrap());
        // The number of classes can be told from the shape where there are more boxes than numbers.
        same_boxes(&golden, case, &yolo.boxes(&answer.values, shape, None, canvas(case)).unwrap());
        let normalised = Yolo { normalised: true, ..yolo };
        if family != YoloFamily::X {
            let Canvas { width, height } = canvas(case);
            let found = normalised.boxes(&answer.values, shape, classes, canvas(case)).unwrap();
            let scaled: Vec<f64> = found
                .iter()
                .flat_map(|d| [0, 1, 2, 3].map(|i| d.corners[i] / [width, height][i % 2] as f64))
                .collect();
            near(&scaled, &golden.numbers(&case["corners"]), 1e-5, case);
        }
        assert!(yolo.boxes(&answer.values[1..], shape, classes, canvas(case)).is_err());
        if family != YoloFamily::V10 {
            assert!(yolo.boxes(&answer.values, shape, Some(77), canvas(case)).is_err());
        }
    }
    for case in golden.of("ssd") {
        let ssd = Ssd {
            order: if case["order"] == "xywh" { Order::Xywh } else { Order::Yxhw },
            variances: [0.1, 0.1, 0.2, 0.2],
            normalised: true,
            activation: Activation::Softmax,
            background: Some(0),
            score_threshold: 0.2,
        };
        let [deltas, logits, priors] =
            ["deltas", "logits", "priors"].map(|key| golden.f32s(&case[key]).values);
        same_boxes(&golden, case, &ssd.boxes(&deltas, &logits, &priors, canvas(case)).unwrap());
        assert!(ssd.boxes(&deltas[4..], &logits, &priors, canvas(case)).is_err());
        assert!(ssd.boxes(&[], &[], &[], canvas(case)).is_err());
    }
}

#[test]
fn text_is_read_greedily() {
    let golden = Golden::open("decisions");
    for case in golden.of("ctc") {
        let logits = golden.f32s(&case["logits"]);
        let mut rows: Vec<Vec<f64>> = logits
            .values
            .chunks(logits.shape[1])
            .map(|row| row.iter().map(|x| f64::from(*x)).collect())
            .collect();
        let ctc = Ctc { blank: whole(&case["blank"]), merge_repeats: true, activation: Activation::Softmax };
        let text = ctc.read(rows.iter_mut().map(Vec::as_mut_slice));
        assert_eq!(text.classes, wholes(&golden, &case["read"]), "{case}");
        near(&text.scores, &golden.numbers(&case["scores"]), 1e-12, case);
    }
}

#[test]
fn answers_are_steadied() {
    let golden = Golden::open("decisions");
    for case in golden.of("majority") {
        let mut majority = Majority::new(whole(&case["length"]));
        let labels = wholes(&golden, &case["labels"]).into_iter();
        let found: Vec<usize> = labels.map(|label| majority.push(label)).collect();
        assert_eq!(found, wholes(&golden, &case["result"]), "{case}");
    }
    for case in golden.of("exponential_mean") {
        let mut mean = ExponentialMean::new(case["alpha"].as_f64().unwrap());
        let mut values = golden.numbers(&case["values"]);
        values.chunks_mut(3).for_each(|row| mean.push(row));
        near(&values, &golden.numbers(&case["result"]), 1e-14, case);
    }
}

#[test]
fn distances_from_a_reference() {
    let golden = Golden::open("decisions");
    for case in golden.of("anomaly") {
        let [rows, mean, std, inverse_covariance] =
            ["rows", "mean", "std", "inverse"].map(|key| golden.numbers(&case[key]));
        let z = |reduce| Anomaly::ZScore { mean: mean.clone(), std: std.clone(), reduce };
        let mahalanobis = Anomaly::Mahalanobis { mean: mean.clone(), inverse_covariance };
        let all = [
            (z(Reduce::Max), "max"),
            (z(Reduce::Mean), "means"),
            (z(Reduce::Rms), "rms"),
            (mahalanobis, "mahalanobis"),
        ];
        for (anomaly, key) in all {
            let found: Vec<f64> = rows.chunks(mean.len()).map(|row| anomaly.score(row)).collect();
            near(&found, &golden.numbers(&case[key]), 1e-12, case);
            assert!(anomaly.score(&rows[..2]).is_nan());
        }
    }
}
