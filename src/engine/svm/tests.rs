//! Support vector machines beside the formulas in f64.

use super::{Kernel, SvmClassifier, SvmClassifierSpec, SvmRegressor, SvmRegressorSpec, SvmScratch};
use crate::trees::Transform;

fn noise(len: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from(u16::try_from(state >> 16).unwrap()) / 32768.0 - 1.0
    };
    (0..len).map(|_| next()).collect()
}

const FEATURES: usize = 5;

fn kernel(kernel: Kernel, x: &[f32], s: &[f32]) -> f64 {
    let pairs = x.iter().zip(s).map(|(&x, &s)| (f64::from(x), f64::from(s)));
    let product: f64 = pairs.clone().map(|(x, s)| x * s).sum();
    let distance: f64 = pairs.map(|(x, s)| (x - s) * (x - s)).sum();
    match kernel {
        Kernel::Linear => product,
        Kernel::Poly { gamma, coef0, degree } => {
            (f64::from(gamma) * product + f64::from(coef0)).powf(degree.into())
        }
        Kernel::Rbf { gamma } => (-f64::from(gamma) * distance).exp(),
        Kernel::Sigmoid { gamma, coef0 } => (f64::from(gamma) * product + f64::from(coef0)).tanh(),
    }
}

const KERNELS: [Kernel; 5] = [
    Kernel::Linear,
    Kernel::Poly { gamma: 0.3, coef0: 2.0, degree: 3.0 },
    Kernel::Poly { gamma: 0.3, coef0: 2.0, degree: 2.5 },
    Kernel::Rbf { gamma: 0.4 },
    Kernel::Sigmoid { gamma: 0.2, coef0: -0.1 },
];

#[test]
fn regression_with_every_kernel() {
    let (supports, rows) = (21, noise(FEATURES * 11, 1));
    let (vectors, coefficients) = (noise(FEATURES * supports, 2), noise(supports, 3));
    for chosen in KERNELS {
        let spec = SvmRegressorSpec {
            kernel: chosen,
            supports,
            support_vectors: vectors.clone(),
            coefficients: coefficients.clone(),
            rho: 0.25,
            one_class: false,
            transform: Transform::None,
        };
        let model = SvmRegressor::new(spec.clone()).unwrap();
        let inside = SvmRegressor::new(SvmRegressorSpec { one_class: true, ..spec }).unwrap();
        let (mut scratch, mut values, mut one) = (SvmScratch::default(), vec![], vec![]);
        model.run(&rows, &mut scratch, &mut values);
        for (row, &value) in rows.chunks(FEATURES).zip(&values) {
            let kernels = vectors.chunks(FEATURES).map(|s| kernel(chosen, row, s));
            let exact: f64 =
                kernels.zip(&coefficients).map(|(kernel, &c)| kernel * f64::from(c)).sum::<f64>() + 0.25;
            assert!((f64::from(value) - exact).abs() < 2e-5, "{chosen:?}: {value} is not {exact}");
            model.run(row, &mut scratch, &mut one);
            assert_eq!(one, [value], "the same alone as among others");
            inside.run(row, &mut scratch, &mut one);
            assert_eq!(one, [if value > 0.0 { 1.0 } else { -1.0 }]);
        }
    }
}

fn classifier_spec(chosen: Kernel, vectors_per_class: &[usize]) -> SvmClassifierSpec {
    let (classes, count) = (vectors_per_class.len(), vectors_per_class.iter().sum::<usize>());
    SvmClassifierSpec {
        kernel: chosen,
        classes,
        vectors_per_class: vectors_per_class.to_vec(),
        support_vectors: noise(FEATURES * count, 4),
        coefficients: noise(count * (classes - 1), 5),
        rho: noise(classes * (classes - 1) / 2, 6),
        prob_a: vec![],
        prob_b: vec![],
        transform: Transform::None,
    }
}

/// The sum of each pair of classes.
fn decisions(spec: &SvmClassifierSpec, row: &[f32]) -> Vec<f64> {
    let count = spec.vectors_per_class.iter().sum::<usize>();
    let owner: Vec<usize> =
        spec.vectors_per_class.iter().enumerate().flat_map(|(class, &n)| vec![class; n]).collect();
    let mut sums = vec![];
    for i in 0..spec.classes {
        for j in i + 1..spec.classes {
            let mut sum = f64::from(spec.rho[sums.len()]);
            for (at, vector) in spec.support_vectors.chunks(FEATURES).enumerate() {
                let row_of = match owner[at] {
                    class if class == i => j - 1,
                    class if class == j => i,
                    _ => continue,
                };
                sum += kernel(spec.kernel, row, vector) * f64::from(spec.coefficients[row_of * count + at]);
            }
            sums.push(sum);
        }
    }
    sums
}

#[test]
fn pairs_of_classes_vote() {
    let rows = noise(FEATURES * 23, 7);
    for chosen in KERNELS {
        for per_class in [&[3, 9][..], &[5, 1, 12], &[2, 3, 4, 5]] {
            let spec = classifier_spec(chosen, per_class);
            let model = SvmClassifier::new(spec.clone()).unwrap();
            let (mut scratch, mut winners, mut scores) = (SvmScratch::default(), vec![], vec![]);
            model.run(&rows, &mut scratch, &mut winners, &mut scores);
            assert_eq!(scores.len(), 23 * model.scores());
            let found = scores.chunks(model.scores()).zip(&winners);
            for (row, (scores, &winner)) in rows.chunks(FEATURES).zip(found) {
                let sums = decisions(&spec, row);
                let expected = if spec.classes == 2 { vec![-sums[0], sums[0]] } else { sums.clone() };
                for (&found, exact) in scores.iter().zip(expected) {
                    assert!((f64::from(found) - exact).abs() < 2e-5, "{chosen:?}: {found} is not {exact}");
                }
                let mut votes = vec![0; spec.classes];
                let mut sums = sums.iter();
                for i in 0..spec.classes {
                    for j in i + 1..spec.classes {
                        votes[if *sums.next().unwrap() > 0.0 { i } else { j }] += 1;
                    }
                }
                let most = votes.iter().max().unwrap();
                assert_eq!(votes.iter().position(|votes| votes == most), Some(winner as usize));
            }
        }
    }
}

#[test]
fn probabilities_solve_the_coupling() {
    let spec = classifier_spec(Kernel::Rbf { gamma: 0.4 }, &[4, 3, 6]);
    let spec = SvmClassifierSpec { prob_a: vec![-1.5, -0.7, -2.0], prob_b: vec![0.1, 0.0, -0.2], ..spec };
    let model = SvmClassifier::new(spec.clone()).unwrap();
    let (mut scratch, mut winners, mut scores) = (SvmScratch::default(), vec![], vec![]);
    let rows = noise(FEATURES * 9, 8);
    model.run(&rows, &mut scratch, &mut winners, &mut scores);
    for (row, p) in rows.chunks(FEATURES).zip(scores.chunks(3)) {
        assert!((p.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        let r = |pair: usize, sum: f64| {
            1.0 / (1.0 + (sum * f64::from(spec.prob_a[pair]) + f64::from(spec.prob_b[pair])).exp())
        };
        let sums = decisions(&spec, row);
        let r = [r(0, sums[0]), r(1, sums[1]), r(2, sums[2])];
        // The minimum of the sum of (r_ji p_i - r_ij p_j)²: no step from one class to another betters it.
        let cost = |p: [f64; 3]| {
            let pair = |r: f64, i: usize, j: usize| ((1.0 - r) * p[i] - r * p[j]).powi(2);
            pair(r[0], 0, 1) + pair(r[1], 0, 2) + pair(r[2], 1, 2)
        };
        let p = [f64::from(p[0]), f64::from(p[1]), f64::from(p[2])];
        for (from, to) in [(0, 1), (1, 2), (2, 0), (1, 0), (2, 1), (0, 2)] {
            let mut other = p;
            other[from] -= 0.02;
            other[to] += 0.02;
            assert!(cost(other) > cost(p), "{p:?}");
        }
    }
}

#[test]
fn a_linear_machine_without_vectors() {
    let spec = SvmClassifierSpec {
        vectors_per_class: vec![],
        support_vectors: vec![],
        coefficients: vec![1.0, 0.0, 0.0, 1.0, -1.0, -1.0],
        rho: vec![0.5],
        ..classifier_spec(Kernel::Linear, &[1, 1, 1])
    };
    let model = SvmClassifier::new(spec).unwrap();
    let (mut winners, mut scores) = (vec![], vec![]);
    model.run(&[1.0, 2.0, -3.0, 1.0], &mut SvmScratch::default(), &mut winners, &mut scores);
    assert_eq!(winners, [1, 2]);
    assert_eq!(scores, [1.5, 2.5, -2.5, -2.5, 1.5, 2.5]);
}

#[test]
fn numbers_that_do_not_fit_are_refused() {
    let good = classifier_spec(Kernel::Linear, &[3, 2, 2]);
    let refused = |change: fn(&mut SvmClassifierSpec)| {
        let mut spec = good.clone();
        change(&mut spec);
        SvmClassifier::new(spec).err().unwrap()
    };
    assert!(refused(|spec| spec.vectors_per_class[0] = usize::MAX).contains("too many"));
    assert!(refused(|spec| spec.vectors_per_class = vec![7]).contains("don't fit 3"));
    assert!(refused(|spec| spec.support_vectors.truncate(3)).contains("don't make 7"));
    assert!(refused(|spec| spec.coefficients.truncate(13)).contains("13 coefficients"));
    assert!(refused(|spec| spec.rho.truncate(2)).contains("`rho` has 2"));
    assert!(
        refused(|spec| (spec.prob_a, spec.prob_b) = (vec![0.0; 3], vec![0.0])).contains("`prob_b` has 1")
    );
    assert!(refused(|spec| (spec.vectors_per_class, spec.rho) = (vec![], vec![])).contains("`rho`"));
    assert!(Kernel::named("CUBIC", &[]).is_err());
    assert!(Kernel::named("RBF", &[1.0]).is_err());
}
