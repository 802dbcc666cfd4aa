//! Linear models beside the plain sums.

use super::{LinearClassifier, LinearRegressor, Weights};
use crate::trees::Transform;

fn noise(len: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from(u16::try_from(state >> 16).unwrap()) / 32768.0 - 1.0
    };
    (0..len).map(|_| next()).collect()
}

#[test]
fn products_are_those_of_f64_and_the_same_in_every_batch() {
    for (features, outputs) in [(1, 1), (3, 2), (8, 1), (25, 3), (100, 7)] {
        let (coefficients, intercepts) = (noise(features * outputs, 1), noise(outputs, 2));
        let rows = noise(features * 13, 3);
        let weights = Weights::new(coefficients.clone(), intercepts.clone()).unwrap();
        let mut values = vec![];
        weights.run(&rows, &mut values);
        assert_eq!(values.len(), 13 * outputs);
        for (row, values) in rows.chunks(features).zip(values.chunks(outputs)) {
            for (output, &value) in values.iter().enumerate() {
                let exact: f64 = row
                    .iter()
                    .zip(&coefficients[output * features..])
                    .map(|(&x, &w)| f64::from(x) * f64::from(w))
                    .sum::<f64>()
                    + f64::from(intercepts[output]);
                assert!((f64::from(value) - exact).abs() < 1e-5, "{value} is not {exact}");
            }
            let mut alone = vec![];
            weights.run(row, &mut alone);
            assert_eq!(alone, values);
        }
    }
}

#[test]
fn one_row_of_coefficients_makes_two_scores() {
    let model = LinearClassifier::new(vec![1.0, 1.0], vec![0.5], 2, Transform::None).unwrap();
    let (mut winners, mut scores) = (vec![], vec![]);
    model.run(&[0.0, 0.25, -1.0, 0.0], &mut winners, &mut scores);
    assert_eq!(winners, [1, 0]);
    assert_eq!(scores, [0.25, 0.75, 1.5, -0.5]);
}

#[test]
fn the_first_of_the_largest_scores_wins() {
    let model = LinearClassifier::new(vec![1.0, 2.0, 2.0], vec![0.0; 3], 3, Transform::Softmax).unwrap();
    let (mut winners, mut scores) = (vec![], vec![]);
    model.run(&[1.0, -1.0], &mut winners, &mut scores);
    assert_eq!(winners, [1, 0]);
    assert!((scores.iter().sum::<f32>() - 2.0).abs() < 1e-6);
}

#[test]
fn numbers_that_do_not_fit_are_refused() {
    assert!(LinearClassifier::new(vec![1.0; 5], vec![0.0; 2], 2, Transform::None).is_err());
    assert!(LinearClassifier::new(vec![1.0; 6], vec![0.0; 3], 2, Transform::None).is_err());
    assert!(LinearClassifier::new(vec![], vec![], 0, Transform::None).is_err());
    assert!(LinearRegressor::new(vec![1.0], vec![], 1 << 40, Transform::None).is_err());
    assert!(LinearRegressor::new(vec![1.0; 3], vec![], 0, Transform::None).is_err());
}
