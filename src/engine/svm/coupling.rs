//! Probabilities of classes from probabilities between pairs of them: the second method of Wu, Lin
//! and Weng, "Probability estimates for multi-class classification by pairwise coupling" (JMLR 5,
//! 2004), with the bounds that libsvm sets.

/// Fills `probabilities` from `pairs[i * classes + j]`, the probability of class i when it is i or
/// j. `matrix` is scratch.
pub(super) fn couple(pairs: &[f64], probabilities: &mut [f64], matrix: &mut Vec<f64>) {
    let classes = probabilities.len();
    matrix.clear();
    matrix.resize(classes * (classes + 1), 0.0);
    let (q, qp) = matrix.split_at_mut(classes * classes);
    for i in 0..classes {
        for j in (0..classes).filter(|&j| j != i) {
            q[i * classes + i] += pairs[j * classes + i] * pairs[j * classes + i];
            q[i * classes + j] = -pairs[j * classes + i] * pairs[i * classes + j];
        }
    }
    probabilities.fill(1.0 / classes as f64);
    let enough = 0.005 / classes as f64;
    for _ in 0..classes.max(100) {
        let mut total = 0.0;
        for (i, row) in q.chunks_exact(classes).enumerate() {
            qp[i] = row.iter().zip(&*probabilities).map(|(q, p)| q * p).sum();
            total += probabilities[i] * qp[i];
        }
        if qp.iter().all(|qp| (qp - total).abs() < enough) {
            break;
        }
        for i in 0..classes {
            let row = &q[i * classes..][..classes];
            let step = (total - qp[i]) / row[i];
            probabilities[i] += step;
            total = (total + step * (step * row[i] + 2.0 * qp[i])) / (1.0 + step) / (1.0 + step);
            for ((qp, q), p) in qp.iter_mut().zip(row).zip(probabilities.iter_mut()) {
                *qp = (*qp + step * q) / (1.0 + step);
                *p /= 1.0 + step;
            }
        }
    }
}
