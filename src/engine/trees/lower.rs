//! From branches of every kind to one kind of test.
//!
//! The walk knows one question only: is `x > v`, or with the sign turned, is `-x > v`? To the right
//! if so, to the left if not, and a missing value (NaN) always goes left. Every branch becomes one
//! or a few of these:
//!
//! - `x <= v` with NaN to the false child asks `-x > next_down(-v)`, so that NaN lies left;
//! - equality is two tests, and the child both lead to is shared;
//! - membership is a search tree over the sorted members with equality at its ends.

use super::spec::{Branching, LinkedNode, Links};
use crate::real::Real;

/// A node of the lowered forest. Several may lead to the same one; [`super::forest`] refuses circles.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Lowered<T> {
    /// The leaf at this place of the description.
    Leaf(usize),
    Test(Test<T>),
}

/// Right when the feature, its sign turned when `negated`, is greater than `value`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Test<T> {
    pub feature: u32,
    pub negated: bool,
    pub value: T,
    pub left: usize,
    pub right: usize,
}

/// Lowers all nodes: the node at a place of the description is at the same place of the answer,
/// and what it needs besides is behind.
///
/// # Errors
/// One sentence: a feature or a member that can't be.
pub(super) fn lower<T: Real>(links: &Links<T>) -> Result<Vec<Lowered<T>>, String> {
    let mut lowerer = Lowerer { all: vec![Lowered::Leaf(0); links.nodes.len()], feature: 0 };
    for (place, node) in links.nodes.iter().enumerate() {
        lowerer.all[place] = if node.branching == Branching::Leaf {
            Lowered::Leaf(place)
        } else {
            if node.yes >= links.nodes.len() || node.no >= links.nodes.len() {
                return Err(format!("{} leads to a node there is not", links.name(place)));
            }
            // Twice as many features are told apart where signs are turned.
            lowerer.feature = u32::try_from(node.feature)
                .ok()
                .filter(|&feature| feature < u32::MAX / 4)
                .ok_or_else(|| format!("{} asks for feature {}", links.name(place), node.feature))?;
            lowerer.branch(node, &links.members)
        };
    }
    Ok(lowerer.all)
}

struct Lowerer<T> {
    all: Vec<Lowered<T>>,
    feature: u32,
}

impl<T: Real> Lowerer<T> {
    fn branch(&mut self, node: &LinkedNode<T>, members: &[T]) -> Lowered<T> {
        let (yes, no, value) = (node.yes, node.no, node.value);
        let missing = node.missing_is_true;
        if let Branching::Member { first, len } = node.branching {
            let mut members: Vec<T> = members.iter().skip(first).take(len).copied().collect();
            members.retain(|member| !member.is_nan());
            members.sort_unstable_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
            members.dedup();
            return match &*members {
                [] => self.never(yes, no, missing),
                members => self.member(members, yes, no, missing),
            };
        }
        if value.is_nan() {
            // Nothing compares with NaN, and everything differs from it.
            return match node.branching {
                Branching::NotEqual => self.either(yes),
                _ => self.never(yes, no, missing),
            };
        }
        match node.branching {
            Branching::LessOrEqual if missing => self.greater(false, value, no, yes),
            Branching::LessOrEqual => self.at_least(true, -value, yes, no),
            Branching::Greater if missing => self.at_least(true, -value, no, yes),
            Branching::Greater => self.greater(false, value, yes, no),
            Branching::Less if missing => self.at_least(false, value, no, yes),
            Branching::Less => self.greater(true, -value, yes, no),
            Branching::GreaterOrEqual if missing => self.greater(true, -value, no, yes),
            Branching::GreaterOrEqual => self.at_least(false, value, yes, no),
            // NaN differs from every value, so `missing` changes nothing for `NotEqual`.
            Branching::NotEqual => self.equal(value, no, yes, false),
            _ => self.equal(value, yes, no, missing),
        }
    }

    fn greater(&self, negated: bool, value: T, right: usize, left: usize) -> Lowered<T> {
        Lowered::Test(Test { feature: self.feature, negated, value, left, right })
    }

    /// `x >= value`; NaN goes left.
    fn at_least(&mut self, negated: bool, value: T, right: usize, left: usize) -> Lowered<T> {
        if value == -T::INFINITY {
            // Nothing is below it to be greater than.
            return self.is_number(right, left);
        }
        self.greater(negated, value.next_down(), right, left)
    }

    /// Right for every number, left for NaN.
    fn is_number(&mut self, right: usize, left: usize) -> Lowered<T> {
        let least = self.greater(true, T::ZERO, right, left);
        let rest = self.push(least);
        self.greater(false, -T::INFINITY, right, rest)
    }

    /// To one child whatever the feature is.
    fn either(&self, child: usize) -> Lowered<T> {
        self.greater(false, T::INFINITY, child, child)
    }

    /// A comparison that never holds.
    fn never(&mut self, yes: usize, no: usize, missing_is_true: bool) -> Lowered<T> {
        if missing_is_true { self.is_number(no, yes) } else { self.either(no) }
    }

    fn equal(&mut self, value: T, yes: usize, no: usize, missing_is_true: bool) -> Lowered<T> {
        // What is left is at most `value`, or missing.
        let rest = if missing_is_true {
            self.greater(true, -value, no, yes)
        } else {
            self.at_least(false, value, yes, no)
        };
        let rest = self.push(rest);
        self.greater(false, value, no, rest)
    }

    /// `members` are sorted and at least one. NaN goes left at every step, so it ends at the first.
    fn member(&mut self, members: &[T], yes: usize, no: usize, missing_is_true: bool) -> Lowered<T> {
        if let &[member] = members {
            return self.equal(member, yes, no, missing_is_true);
        }
        let (low, high) = members.split_at(members.len() / 2);
        let left = self.member(low, yes, no, missing_is_true);
        let left = self.push(left);
        let right = self.member(high, yes, no, missing_is_true);
        let right = self.push(right);
        let last = low.last().copied().unwrap_or_default();
        self.greater(false, last, right, left)
    }

    fn push(&mut self, node: Lowered<T>) -> usize {
        self.all.push(node);
        self.all.len() - 1
    }
}
