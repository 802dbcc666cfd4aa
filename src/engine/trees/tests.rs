//! Random forests of every kind of branch, walked node by node as the specification reads, beside
//! the laid-out ones.

use super::{
    Aggregate, Branching, Classifier, LinkedNode, Links, Regressor, Scratch, Transform, VoteSpec, link,
    spec::NodeSpec,
};
use crate::real::Real;

/// A generator with a fixed seed (SplitMix64): tests see the same forests every time.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) % end as u64) as usize
    }

    /// Few different values, so that equality happens, and all the odd ones.
    fn value<T: Real>(&mut self) -> T {
        let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.0, 1e-40, 3.5];
        match self.below(3) {
            0 => T::from_f64(odd[self.below(odd.len())]),
            _ => T::from_f64(self.below(9) as f64 - 4.0),
        }
    }
}

const FEATURES: usize = 5;

fn random_links<T: Real>(random: &mut Random, trees: usize, targets: usize, votes: usize) -> Links<T> {
    let mut links = Links { nodes: vec![], roots: vec![], members: vec![], votes: vec![], names: vec![] };
    for _ in 0..trees {
        let root = links.nodes.len();
        links.roots.push(root);
        grow(&mut links, random, 0, targets, votes);
    }
    links
}

fn grow<T: Real>(
    links: &mut Links<T>,
    random: &mut Random,
    level: usize,
    targets: usize,
    votes: usize,
) -> usize {
    let place = links.nodes.len();
    let leaf = LinkedNode {
        branching: Branching::Leaf,
        feature: 0,
        value: T::ZERO,
        yes: 0,
        no: 0,
        missing_is_true: false,
    };
    links.nodes.push(leaf);
    if level == 7 || level > 1 && random.below(4) == 0 {
        for vote in 0..votes {
            let target = if votes == targets { vote } else { random.below(targets) };
            let weight = T::from_f64(random.below(2001) as f64 / 1000.0 - 1.0);
            links.votes.push((place, target as i64, weight));
        }
        return place;
    }
    let branching = match random.below(7) {
        0 => Branching::LessOrEqual,
        1 => Branching::Less,
        2 => Branching::GreaterOrEqual,
        3 => Branching::Greater,
        4 => Branching::Equal,
        5 => Branching::NotEqual,
        _ => {
            let (first, len) = (links.members.len(), random.below(6));
            let members: Vec<T> = (0..len).map(|_| random.value()).collect();
            links.members.extend(members);
            Branching::Member { first, len }
        }
    };
    let (feature, value) = (random.below(FEATURES) as i64, random.value());
    let missing_is_true = random.below(2) == 0;
    let yes = grow(links, random, level + 1, targets, votes);
    // Now and then one child for both, or a child that another branch has too.
    let no = match random.below(12) {
        0 => yes,
        _ => grow(links, random, level + 1, targets, votes),
    };
    links.nodes[place] = LinkedNode { branching, feature, value, yes, no, missing_is_true };
    place
}

/// The leaf of a row, node by node.
fn leaf<T: Real>(links: &Links<T>, root: usize, row: &[T]) -> usize {
    let mut place = root;
    loop {
        let node = &links.nodes[place];
        let (x, v) = (row[node.feature as usize], node.value);
        let holds = match node.branching {
            Branching::Leaf => return place,
            Branching::LessOrEqual => x <= v,
            Branching::Less => x < v,
            Branching::GreaterOrEqual => x >= v,
            Branching::Greater => x > v,
            Branching::Equal => x == v,
            Branching::NotEqual => x != v,
            Branching::Member { first, len } => links.members[first..first + len].contains(&x),
        };
        place = if holds || node.missing_is_true && x.is_nan() { node.yes } else { node.no };
    }
}

fn expected<T: Real>(links: &Links<T>, row: &[T], targets: usize, aggregate: Aggregate) -> Vec<T> {
    let mut values = vec![None; targets];
    for &root in &links.roots {
        let leaf = leaf(links, root, row);
        let votes = links.votes.iter().filter(|vote| vote.0 == leaf);
        // With one target the first vote of a leaf counts.
        let count = if targets == 1 { 1 } else { usize::MAX };
        for &(_, target, weight) in votes.take(count) {
            let value: &mut Option<T> = &mut values[target as usize];
            *value = Some(match (*value, aggregate) {
                (None, _) => T::ZERO + weight,
                (Some(value), Aggregate::Sum | Aggregate::Average) => value + weight,
                (Some(value), Aggregate::Min) => {
                    if weight < value {
                        weight
                    } else {
                        value
                    }
                }
                (Some(value), Aggregate::Max) => {
                    if weight > value {
                        weight
                    } else {
                        value
                    }
                }
            });
        }
    }
    let trees = T::from_f64(links.roots.len() as f64);
    let average = |value: T| if aggregate == Aggregate::Average { value / trees } else { value };
    values.into_iter().map(|value| average(value.unwrap_or_default())).collect()
}

fn check<T: Real + super::feature::Feature<T>>(seed: u64) {
    let mut random = Random(seed);
    for round in 0..40 {
        let (trees, targets) = (1 + random.below(20), 1 + random.below(3));
        let votes = [1, targets, 2][round % 3];
        let links = random_links::<T>(&mut random, trees, targets, votes);
        let aggregate = [Aggregate::Sum, Aggregate::Average, Aggregate::Min, Aggregate::Max][random.below(4)];
        let width = FEATURES + random.below(2);
        let rows: Vec<T> = (0..width * 37).map(|_| random.value()).collect();
        let regressor = Regressor::new(&links, targets, aggregate, vec![], Transform::None).unwrap();
        let (mut scratch, mut values) = (Scratch::default(), vec![]);
        let expected: Vec<T> =
            rows.chunks(width).flat_map(|row| expected(&links, row, targets, aggregate)).collect();
        for batch in [37, 1, 8, 11] {
            let mut all = vec![];
            for rows in rows.chunks(width * batch) {
                regressor.run(rows, width, &mut scratch, &mut values);
                all.extend_from_slice(&values);
            }
            assert_eq!(all, expected, "seed {seed}, round {round}, {aggregate:?}, batches of {batch}");
        }
    }
}

#[test]
fn every_branch_goes_where_the_specification_says() {
    (0..10).for_each(check::<f32>);
}

#[test]
fn double_precision_too() {
    (0..10).for_each(check::<f64>);
}

#[test]
fn double_precision_tells_neighbours_of_f32_apart() {
    let value = 0.1f64;
    let nodes = [
        LinkedNode {
            branching: Branching::LessOrEqual,
            feature: 0,
            value,
            yes: 1,
            no: 2,
            missing_is_true: false,
        },
        LinkedNode { branching: Branching::Leaf, feature: 0, value, yes: 0, no: 0, missing_is_true: false },
        LinkedNode { branching: Branching::Leaf, feature: 0, value, yes: 0, no: 0, missing_is_true: false },
    ];
    let links = Links {
        nodes: nodes.to_vec(),
        roots: vec![0],
        members: vec![],
        votes: vec![(1, 0, 1.0), (2, 0, 2.0)],
        names: vec![],
    };
    let regressor = Regressor::new(&links, 1, Aggregate::Sum, vec![], Transform::None).unwrap();
    let mut values = vec![];
    regressor.run(&[value, value.next_up()], 1, &mut Scratch::default(), &mut values);
    assert_eq!(values, [1.0, 2.0]);
}

#[test]
fn whole_numbers_are_rounded_to_the_precision_of_the_trees() {
    // 2^24 + 1 is no f32: it becomes 2^24 and is not greater.
    let spec = |id, branching| NodeSpec {
        tree: 0,
        id,
        branching,
        feature: 0,
        value: 16_777_216.0f32,
        true_id: 1,
        false_id: 2,
        missing_is_true: false,
    };
    let nodes = [spec(0, Branching::Greater), spec(1, Branching::Leaf), spec(2, Branching::Leaf)];
    let votes = [(1, 1.0), (2, 0.0)].map(|(node, weight)| VoteSpec { tree: 0, node, target: 0, weight });
    let links = link(&nodes, &votes).unwrap();
    let regressor = Regressor::new(&links, 1, Aggregate::Sum, vec![], Transform::None).unwrap();
    let mut values = vec![];
    regressor.run(&[16_777_217i64, 16_777_218], 1, &mut Scratch::default(), &mut values);
    assert_eq!(values, [0.0, 1.0]);
}

#[test]
fn what_can_not_be_a_forest_is_refused() {
    let mut good = random_links::<f32>(&mut Random(1), 2, 1, 1);
    // Such that neither child can be left out.
    (good.nodes[0].branching, good.nodes[0].value) = (Branching::Less, 1.0);
    let refused = |change: fn(&mut Links<f32>)| {
        let mut links = good.clone();
        change(&mut links);
        Regressor::new(&links, 1, Aggregate::Sum, vec![], Transform::None).err().unwrap()
    };
    assert!(refused(|links| links.roots.clear()).contains("no trees"));
    assert!(refused(|links| links.roots[0] = 1 << 40).contains("isn't there"));
    assert!(refused(|links| links.nodes[0].yes = usize::MAX).contains("there is not"));
    assert!(refused(|links| links.nodes[0].feature = -1).contains("feature -1"));
    assert!(refused(|links| links.nodes[0].feature = i64::MAX).contains("asks for feature"));
    assert!(refused(|links| links.nodes[0].no = 0).contains("circle"));
    assert!(refused(|links| links.votes[0].0 = 1 << 40).contains("isn't there"));
    assert!(refused(|links| links.votes[0].1 = 1).contains("votes for 1 of 1"));
    assert!(refused(|links| links.votes[0].1 = -1).contains("votes for -1 of 1"));
    // A chain that begins again in the middle.
    let middle = |links: &mut Links<f32>| {
        let child = links.nodes[0].yes;
        (links.nodes[child].branching, links.nodes[child].value) = (Branching::Less, 1.0);
        (links.nodes[child].yes, links.nodes[child].no) = (links.nodes[0].no, child);
    };
    assert!(refused(middle).contains("circle"));
    // Many trees that are one.
    let copies = |links: &mut Links<f32>| links.roots = vec![links.roots[0]; 1000];
    assert!(refused(copies).contains("share"));
    assert!(Classifier::new(good.clone(), 1, vec![], Transform::None).is_err());
    assert!(Classifier::new(good.clone(), 2, vec![0.0; 3], Transform::None).is_err());
}

#[test]
fn quantiles_of_the_normal_distribution() {
    let mut scores = [0.5f64, 0.975, 0.025];
    Transform::Probit.apply(&mut scores, 1);
    for (found, exact) in scores.iter().zip([0.0, 1.959_964, -1.959_964]) {
        assert!((found - exact).abs() < 4e-3, "{scores:?}");
    }
    let mut outside = [-0.1f32, 1.1];
    Transform::Probit.apply(&mut outside, 1);
    assert!(outside.iter().all(|score| score.is_nan()), "{outside:?}");
}
