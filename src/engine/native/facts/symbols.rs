//! Dimensions that are not numbers yet: names, and sums of products of names.
//!
//! One symbol stands for one number within a run (inside a loop: within a turn). Every expression is
//! interned, so two dimensions are the same just when their symbols are.

use std::collections::HashMap;

use smallvec::{SmallVec, smallvec};

/// One dimension, or one element of a tensor of whole numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dim {
    Number(i64),
    /// Index in [`Symbols`].
    Symbol(u32),
    #[default]
    Unknown,
}

impl Dim {
    pub const ONE: Dim = Dim::Number(1);

    pub fn of(length: usize) -> Dim {
        i64::try_from(length).map_or(Dim::Unknown, Dim::Number)
    }

    pub fn number(self) -> Option<i64> {
        if let Dim::Number(n) = self { Some(n) } else { None }
    }
}

/// A product of basic symbols, ascending; empty for one.
type Product = SmallVec<[u32; 2]>;

/// `constant` plus factors times products.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
struct Sum {
    constant: i64,
    terms: SmallVec<[(Product, i64); 2]>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Meaning {
    /// A dimension of the model's inputs, or of a declaration.
    Named(String),
    /// A length that only a run knows.
    Fresh(u32),
    Sum(Sum),
    /// A sum divided by a number and rounded down.
    Quotient(Sum, i64),
}

struct Symbol {
    meaning: Meaning,
    /// It is never less.
    least: i64,
    /// All of it goes back to names.
    named: bool,
    /// Quotients within quotients.
    depth: usize,
}

/// More terms, or factors in one, and a sum is not kept.
const MAX_TERMS: usize = 6;
/// Deeper quotients are not kept: whoever reads a symbol goes down to its names.
const MAX_DEPTH: usize = 2;
/// More symbols, and what is not known is just not known.
const MAX_SYMBOLS: usize = 1 << 20;

/// The symbols of a model.
#[derive(Default)]
pub struct Symbols {
    all: Vec<Symbol>,
    by_meaning: HashMap<Meaning, u32>,
}

impl Symbols {
    /// How many there are: those that come later have higher numbers.
    pub fn count(&self) -> usize {
        self.all.len()
    }

    fn intern(&mut self, meaning: Meaning, least: i64) -> Dim {
        if let Some(&known) = self.by_meaning.get(&meaning) {
            return Dim::Symbol(known);
        }
        let Ok(index) = u32::try_from(self.all.len()) else { return Dim::Unknown };
        let below = |sum: &Sum| {
            let basic =
                sum.terms.iter().flat_map(|(product, _)| product).filter_map(|&at| self.all.get(at as usize));
            basic.fold((true, 0), |(named, depth), symbol| (named && symbol.named, depth.max(symbol.depth)))
        };
        let (named, depth) = match &meaning {
            Meaning::Named(_) => (true, 0),
            Meaning::Fresh(_) => (false, 0),
            Meaning::Sum(sum) => below(sum),
            Meaning::Quotient(sum, _) => {
                let (named, depth) = below(sum);
                (named, depth + 1)
            }
        };
        if self.all.len() >= MAX_SYMBOLS || depth > MAX_DEPTH {
            return Dim::Unknown;
        }
        self.by_meaning.insert(meaning.clone(), index);
        self.all.push(Symbol { meaning, least, named, depth });
        Dim::Symbol(index)
    }

    /// The dimension of that name, which is never less than `least` (as it was first asked for).
    pub fn named(&mut self, name: &str, least: i64) -> Dim {
        self.intern(Meaning::Named(name.into()), least)
    }

    /// A length that nothing is known of.
    pub fn fresh(&mut self) -> Dim {
        let index = self.all.len() as u32;
        self.intern(Meaning::Fresh(index), 0)
    }

    /// What it can't be less than.
    pub fn least(&self, dim: Dim) -> Option<i64> {
        match dim {
            Dim::Number(n) => Some(n),
            Dim::Symbol(at) => self.all.get(at as usize).map(|symbol| symbol.least),
            Dim::Unknown => None,
        }
    }

    /// Whether it is a number, or made of numbers and names.
    pub fn is_named(&self, dim: Dim) -> bool {
        match dim {
            Dim::Number(_) => true,
            Dim::Symbol(at) => self.all.get(at as usize).is_some_and(|symbol| symbol.named),
            Dim::Unknown => false,
        }
    }

    /// A symbol's own name, when it is nothing but a name.
    pub fn name(&self, dim: Dim) -> Option<&str> {
        let Dim::Symbol(at) = dim else { return None };
        match &self.all.get(at as usize)?.meaning {
            Meaning::Named(name) => Some(name),
            _ => None,
        }
    }

    /// Whether it goes back to nothing that came after the first `count` symbols.
    pub fn is_older(&self, dim: Dim, count: usize) -> bool {
        let Dim::Symbol(at) = dim else { return dim != Dim::Unknown };
        let older = |sum: &Sum| {
            sum.terms.iter().flat_map(|(product, _)| product).all(|&at| self.is_older(Dim::Symbol(at), count))
        };
        match self.all.get(at as usize).map(|symbol| &symbol.meaning) {
            Some(Meaning::Sum(sum) | Meaning::Quotient(sum, _)) => older(sum),
            // A name is the same everywhere.
            Some(Meaning::Named(_)) => true,
            Some(Meaning::Fresh(_)) => (at as usize) < count,
            None => false,
        }
    }

    fn sum(&self, dim: Dim) -> Option<Sum> {
        match dim {
            Dim::Number(constant) => Some(Sum { constant, terms: smallvec![] }),
            Dim::Unknown => None,
            Dim::Symbol(at) => match &self.all.get(at as usize)?.meaning {
                Meaning::Sum(sum) => Some(sum.clone()),
                _ => Some(Sum { constant: 0, terms: smallvec![(smallvec![at], 1)] }),
            },
        }
    }

    /// The dimension that a sum is.
    fn dim(&mut self, sum: Option<Sum>) -> Dim {
        let Some(sum) = sum else { return Dim::Unknown };
        match (&sum.terms[..], sum.constant) {
            ([], constant) => return Dim::Number(constant),
            ([(product, 1)], 0) if product.len() == 1 => return Dim::Symbol(product[0]),
            _ => {}
        }
        let least = self.least_sum(&sum);
        self.intern(Meaning::Sum(sum), least)
    }

    fn least_sum(&self, sum: &Sum) -> i64 {
        let term = |(product, factor): &(Product, i64)| {
            if *factor < 0 {
                return None;
            }
            let least =
                |&at: &u32| self.all.get(at as usize).map(|symbol| symbol.least).filter(|&least| least >= 0);
            product.iter().try_fold(*factor, |all, at| all.checked_mul(least(at)?))
        };
        let total = sum.terms.iter().try_fold(sum.constant, |all, each| all.checked_add(term(each)?));
        total.unwrap_or(i64::MIN)
    }

    pub fn add(&mut self, a: Dim, b: Dim) -> Dim {
        if let (Dim::Number(a), Dim::Number(b)) = (a, b) {
            return a.checked_add(b).map_or(Dim::Unknown, Dim::Number);
        }
        let sum = self.sum(a).zip(self.sum(b)).and_then(|(a, b)| plus(a, &b, 1));
        self.dim(sum)
    }

    pub fn sub(&mut self, a: Dim, b: Dim) -> Dim {
        let sum = self.sum(a).zip(self.sum(b)).and_then(|(a, b)| plus(a, &b, -1));
        self.dim(sum)
    }

    pub fn mul(&mut self, a: Dim, b: Dim) -> Dim {
        match (a, b) {
            (Dim::Number(a), Dim::Number(b)) => return a.checked_mul(b).map_or(Dim::Unknown, Dim::Number),
            // Whatever it is.
            (Dim::Number(0), _) | (_, Dim::Number(0)) => return Dim::Number(0),
            _ => {}
        }
        let sum = self.sum(a).zip(self.sum(b)).and_then(|(a, b)| times(&a, &b));
        self.dim(sum)
    }

    pub fn product(&mut self, dims: &[Dim]) -> Dim {
        dims.iter().fold(Dim::ONE, |product, &dim| self.mul(product, dim))
    }

    /// `a / b` where it is known to leave nothing over; [`Dim::Unknown`] where it isn't.
    pub fn exact(&mut self, a: Dim, b: Dim) -> Dim {
        if a == b && a != Dim::Unknown && self.least(b).is_some_and(|least| least > 0) {
            return Dim::ONE;
        }
        let sum = self.sum(a).zip(self.sum(b)).and_then(|(a, b)| divided(&a, &b));
        self.dim(sum)
    }

    /// `a / by`, rounded down; `by` is above zero.
    pub fn quotient(&mut self, a: Dim, by: i64) -> Dim {
        if by == 1 {
            return a;
        }
        let Some(mut sum) = self.sum(a).filter(|_| by > 0) else { return Dim::Unknown };
        // What can be divided comes out: only the rest is rounded.
        let mut out = Sum { constant: sum.constant.div_euclid(by), terms: smallvec![] };
        sum.constant = sum.constant.rem_euclid(by);
        let (whole, rest): (SmallVec<[_; 2]>, SmallVec<[_; 2]>) =
            sum.terms.into_iter().partition(|(_, factor)| factor % by == 0);
        out.terms = whole.into_iter().map(|(product, factor)| (product, factor / by)).collect();
        sum.terms = rest;
        if sum.terms.is_empty() {
            return self.dim(Some(out));
        }
        // A quotient of a quotient is one.
        let (mut sum, mut by) = (sum, by);
        if let [(product, 1)] = &sum.terms[..]
            && let [at] = product[..]
            && let Meaning::Quotient(inner, inner_by) = &self.all[at as usize].meaning
            && let (Some(added), Some(both)) =
                (sum.constant.checked_mul(*inner_by), by.checked_mul(*inner_by))
            && let Some(inner) = plus(inner.clone(), &Sum { constant: added, terms: smallvec![] }, 1)
        {
            (sum, by) = (inner, both);
        }
        let least = self.least_sum(&sum);
        let least = if least == i64::MIN { least } else { least.div_euclid(by) };
        let rounded = self.intern(Meaning::Quotient(sum, by), least);
        let whole = self.dim(Some(out));
        self.add(whole, rounded)
    }

    /// Its number, where `known` has those of names and fresh lengths.
    #[cfg(test)]
    pub fn value(&self, dim: Dim, known: &HashMap<u32, i64>) -> Option<i64> {
        let sum_of = |sum: &Sum| {
            sum.terms.iter().try_fold(sum.constant, |total, (product, factor)| {
                let product = product
                    .iter()
                    .try_fold(*factor, |all, &at| all.checked_mul(self.value(Dim::Symbol(at), known)?));
                total.checked_add(product?)
            })
        };
        match dim {
            Dim::Number(n) => Some(n),
            Dim::Unknown => None,
            Dim::Symbol(at) => match &self.all.get(at as usize)?.meaning {
                Meaning::Named(_) | Meaning::Fresh(_) => known.get(&at).copied(),
                Meaning::Sum(sum) => sum_of(sum),
                Meaning::Quotient(sum, by) => sum_of(sum).map(|sum| sum.div_euclid(*by)),
            },
        }
    }

    /// Whether a value binds it: a name or a fresh length.
    #[cfg(test)]
    pub fn is_basic(&self, at: u32) -> bool {
        matches!(self.all[at as usize].meaning, Meaning::Named(_) | Meaning::Fresh(_))
    }

    /// As it is shown: `batch`, `4*batch+1`; `?` for what nobody has named.
    pub fn shown(&self, dim: Dim) -> String {
        match dim {
            Dim::Number(n) => n.to_string(),
            _ if !self.is_named(dim) => "?".into(),
            Dim::Unknown => "?".into(),
            Dim::Symbol(at) => match &self.all[at as usize].meaning {
                Meaning::Named(name) => name.clone(),
                Meaning::Fresh(_) => "?".into(),
                Meaning::Sum(sum) => self.shown_sum(sum),
                Meaning::Quotient(sum, by) => format!("({})/{by}", self.shown_sum(sum)),
            },
        }
    }

    /// A shape for a message.
    pub fn shown_shape(&self, shape: &[Dim]) -> String {
        let dims: Vec<_> = shape.iter().map(|&dim| self.shown(dim)).collect();
        format!("[{}]", dims.join(", "))
    }

    fn shown_sum(&self, sum: &Sum) -> String {
        let mut out = String::new();
        for (product, factor) in &sum.terms {
            let sign = if *factor < 0 {
                "-"
            } else if out.is_empty() {
                ""
            } else {
                "+"
            };
            out.push_str(sign);
            if factor.unsigned_abs() != 1 {
                out.push_str(&format!("{}*", factor.unsigned_abs()));
            }
            let names: Vec<_> = product.iter().map(|&at| self.shown(Dim::Symbol(at))).collect();
            out.push_str(&names.join("*"));
        }
        if sum.constant != 0 {
            out.push_str(&format!("{:+}", sum.constant));
        }
        out
    }
}

/// `a + sign * b`; `None` when it can't be counted or is too long.
fn plus(mut a: Sum, b: &Sum, sign: i64) -> Option<Sum> {
    a.constant = a.constant.checked_add(b.constant.checked_mul(sign)?)?;
    for (product, factor) in &b.terms {
        let factor = factor.checked_mul(sign)?;
        match a.terms.iter_mut().find(|(own, _)| own == product) {
            Some((_, own)) => *own = own.checked_add(factor)?,
            None => a.terms.push((product.clone(), factor)),
        }
    }
    finished(a)
}

fn times(a: &Sum, b: &Sum) -> Option<Sum> {
    let parts = |sum: &Sum| {
        let constant = (Product::new(), sum.constant);
        let all = sum.terms.iter().cloned().chain([constant]);
        all.filter(|(_, factor)| *factor != 0).collect::<Vec<_>>()
    };
    let mut out = Sum::default();
    for (x, f) in parts(a) {
        for (y, g) in parts(b) {
            let factor = f.checked_mul(g)?;
            let mut product: Product = x.iter().chain(&y).copied().collect();
            product.sort_unstable();
            if product.is_empty() {
                out.constant = out.constant.checked_add(factor)?;
            } else {
                out = plus(out, &Sum { constant: 0, terms: smallvec![(product, factor)] }, 1)?;
            }
        }
    }
    finished(out)
}

/// Every term of `a` divided by `b`, which must be a single one.
fn divided(a: &Sum, b: &Sum) -> Option<Sum> {
    let (by, factor) = match (&b.terms[..], b.constant) {
        ([], constant) => (Product::new(), constant),
        ([(product, factor)], 0) => (product.clone(), *factor),
        _ => return None,
    };
    let quotient =
        |number: i64| number.checked_rem(factor).filter(|rest| *rest == 0).and(number.checked_div(factor));
    if !by.is_empty() && a.constant != 0 {
        return None;
    }
    let mut out = Sum { constant: quotient(a.constant)?, terms: smallvec![] };
    for (product, number) in &a.terms {
        let mut left = product.clone();
        for at in &by {
            let place = left.iter().position(|own| own == at)?;
            left.remove(place);
        }
        let number = quotient(*number)?;
        if left.is_empty() {
            out.constant = out.constant.checked_add(number)?;
        } else {
            out.terms.push((left, number));
        }
    }
    finished(out)
}

fn finished(mut sum: Sum) -> Option<Sum> {
    sum.terms.retain(|(_, factor)| *factor != 0);
    sum.terms.sort_unstable();
    let short = |product: &Product| product.len() <= MAX_TERMS;
    (sum.terms.len() <= MAX_TERMS && sum.terms.iter().all(|(product, _)| short(product))).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_products_are_the_same_just_when_they_look_the_same() {
        let mut s = Symbols::default();
        let (n, m) = (s.named("n", 1), s.named("m", 1));
        let two_n = s.add(n, n);
        assert_eq!(s.mul(Dim::Number(2), n), two_n);
        assert_eq!(s.sub(two_n, n), n);
        let product = s.mul(n, m);
        assert_eq!(s.mul(m, n), product);
        assert_eq!(s.exact(product, m), n);
        assert_eq!(s.exact(product, product), Dim::ONE);
        assert_eq!(s.exact(n, Dim::Number(2)), Dim::Unknown);
        assert_eq!(s.sub(n, n), Dim::Number(0));
        let sum = s.add(two_n, Dim::Number(3));
        assert_eq!((s.shown(sum), s.shown(product)), ("2*n+3".into(), "n*m".into()));
        assert_eq!(s.least(sum), Some(5));
    }

    #[test]
    fn what_can_be_divided_comes_out_of_a_quotient() {
        let mut s = Symbols::default();
        let n = s.named("n", 1);
        let four = s.mul(n, Dim::Number(4));
        let more = s.add(four, Dim::Number(3));
        let half = s.quotient(more, 2);
        assert_eq!(s.shown(half), "2*n+1");
        let odd = s.add(n, Dim::Number(-1));
        let half = s.quotient(odd, 2);
        assert_eq!(s.shown(half), "(n+1)/2-1");
        for n_is in 1..9 {
            assert_eq!(s.value(half, &HashMap::from([(0, n_is)])), Some((n_is - 1).div_euclid(2)));
        }
    }

    #[test]
    fn numbers_that_overflow_are_not_known() {
        let mut s = Symbols::default();
        let n = s.named("n", 1);
        let large = s.mul(n, Dim::Number(i64::MAX));
        assert_eq!(s.mul(large, Dim::Number(2)), Dim::Unknown);
        assert_eq!(s.add(Dim::Number(i64::MAX), Dim::ONE), Dim::Unknown);
        let sum = s.add(large, Dim::Number(i64::MIN));
        assert_eq!(s.sub(sum, Dim::ONE), Dim::Unknown);
        assert_eq!(s.quotient(n, 0), Dim::Unknown);
        assert_eq!(s.exact(n, Dim::Number(0)), Dim::Unknown);
        assert_eq!(s.exact(Dim::Number(i64::MIN), Dim::Number(-1)), Dim::Unknown);
        let mut power = n;
        for _ in 0..20 {
            power = s.mul(power, n);
        }
        assert_eq!(power, Dim::Unknown);
    }
}
