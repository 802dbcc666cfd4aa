//! Sets of sequence numbers as sorted, disjoint ranges: what is done is nearly always one run.

use std::ops::Range;

/// A set of `u64`, small as long as its members stand together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RangeSet(Vec<(u64, u64)>);

impl RangeSet {
    /// Ranges, ascending, none empty, none touching another.
    pub fn ranges(&self) -> impl DoubleEndedIterator<Item = Range<u64>> + '_ {
        self.0.iter().map(|&(start, end)| start..end)
    }

    /// Of ranges in any order.
    pub fn of_ranges(ranges: impl IntoIterator<Item = Range<u64>>) -> RangeSet {
        let mut set = RangeSet::default();
        for range in ranges {
            set.insert(range);
        }
        set
    }

    /// How many ranges it takes: its size in memory.
    pub fn pieces(&self) -> usize {
        self.0.len()
    }

    /// The index of the first range that ends at or after `at`.
    fn from(&self, at: u64) -> usize {
        self.0.partition_point(|&(_, end)| end < at)
    }

    /// Adds `range`; returns how many numbers were new.
    pub fn insert(&mut self, range: Range<u64>) -> u64 {
        if range.is_empty() {
            return 0;
        }
        let first = self.from(range.start);
        let (mut start, mut end, mut had, mut last) = (range.start, range.end, 0, first);
        while let Some(&(s, e)) = self.0.get(last).filter(|(s, _)| *s <= range.end) {
            had += e.min(range.end).saturating_sub(s.max(range.start));
            (start, end) = (start.min(s), end.max(e));
            last += 1;
        }
        self.0.splice(first..last, [(start, end)]);
        range.end - range.start - had
    }

    /// Takes `range` out; returns how many numbers were there.
    pub fn remove(&mut self, range: Range<u64>) -> u64 {
        let before = self.count_in(range.clone());
        if before > 0 {
            let kept = self.0.iter().flat_map(|&(s, e)| {
                [(s, e.min(range.start)), (s.max(range.end), e)].into_iter().filter(|(s, e)| s < e)
            });
            self.0 = kept.collect();
        }
        before
    }

    pub fn contains(&self, number: u64) -> bool {
        self.0.get(self.from(number + 1)).is_some_and(|&(start, end)| start <= number && number < end)
    }

    /// How many of `range` are in the set.
    pub fn count_in(&self, range: Range<u64>) -> u64 {
        let ranges = self.0[self.from(range.start)..].iter().take_while(|(start, _)| *start < range.end);
        ranges.map(|&(s, e)| e.min(range.end).saturating_sub(s.max(range.start))).sum()
    }

    /// The parts of `range` that are not in the set.
    pub fn missing(&self, range: Range<u64>) -> Vec<Range<u64>> {
        let (mut at, mut missing) = (range.start, Vec::new());
        for &(start, end) in &self.0[self.from(range.start)..] {
            if start >= range.end {
                break;
            }
            if start > at {
                missing.push(at..start);
            }
            at = at.max(end);
        }
        if at < range.end {
            missing.push(at..range.end);
        }
        missing
    }
}

impl FromIterator<u64> for RangeSet {
    fn from_iter<I: IntoIterator<Item = u64>>(numbers: I) -> Self {
        let mut numbers: Vec<u64> = numbers.into_iter().collect();
        numbers.sort_unstable();
        let mut set = RangeSet::default();
        for number in numbers {
            match set.0.last_mut() {
                Some((_, end)) if *end == number => *end += 1,
                Some((_, end)) if *end > number => {}
                _ => set.0.push((number, number + 1)),
            }
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn it_is_a_set() {
        let (mut set, mut model) = (RangeSet::default(), BTreeSet::new());
        let mut seed = 7_u64;
        for step in 0..20_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (start, len) = ((seed >> 33) % 200, (seed >> 20) % 9);
            let range = start..start + len;
            if step % 3 == 0 {
                let before = model.len();
                model.retain(|number| !range.contains(number));
                assert_eq!(set.remove(range.clone()), (before - model.len()) as u64);
            } else {
                let new = range.clone().filter(|number| model.insert(*number)).count() as u64;
                assert_eq!(set.insert(range.clone()), new);
            }
            let around = start.saturating_sub(5)..start + 20;
            let inside = around.clone().filter(|number| model.contains(number)).count() as u64;
            assert_eq!(set.count_in(around.clone()), inside);
            let missing: Vec<u64> = set.missing(around.clone()).into_iter().flatten().collect();
            assert_eq!(missing, around.filter(|number| !model.contains(number)).collect::<Vec<_>>());
            assert_eq!(set.contains(start), model.contains(&start));
            assert!(set.0.windows(2).all(|pair| pair[0].1 < pair[1].0), "{set:?}");
        }
        assert_eq!(set.ranges().flatten().collect::<RangeSet>(), set);
    }
}
