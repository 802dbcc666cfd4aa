//! What is remembered of a pipeline's sources: bytes whose meaning is the scorer's.

use std::collections::BTreeMap;

use bytes::Bytes;

/// Names what a pipeline's memories are of: they mean nothing to another model or other conditions.
pub type Definition = [u8; 16];

/// Most bytes of a pipeline's memories, with the names of their sources: every segment's head has them.
const MOST_BYTES: usize = 1 << 20;

/// The memories of one pipeline. Beyond the bound those that did not change for the longest time go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memories {
    definition: Definition,
    /// With when it last changed, counted.
    sources: BTreeMap<String, (u64, Bytes)>,
    changes: u64,
    bytes: usize,
}

/// What one change replaced.
#[derive(Debug, Default)]
pub struct Undo {
    definition: Definition,
    /// All of it, where the definition changed.
    whole: Option<Box<Memories>>,
    sources: Vec<(String, Option<(u64, Bytes)>)>,
}

impl Undo {
    /// This source has changed again since, and nothing takes that back.
    pub fn forget(&mut self, source: &str) {
        self.sources.retain(|(of, _)| of != source);
        // What a new definition made forget stays forgotten: else the newer memory went with it.
        self.whole = None;
    }
}

impl Memories {
    /// `sources`, the longest unchanged first.
    pub fn new(definition: Definition, sources: impl IntoIterator<Item = (String, Bytes)>) -> Memories {
        let mut memories = Memories { definition, ..Memories::default() };
        for (source, memory) in sources {
            memories.set(definition, &source, Some(memory));
        }
        memories
    }

    pub fn definition(&self) -> Definition {
        self.definition
    }

    pub fn len(&self) -> usize {
        self.sources.len()
    }

    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// The memories by source, the longest unchanged first.
    pub fn by_age(&self) -> Vec<(&str, &Bytes)> {
        let mut of: Vec<_> = self.sources.iter().collect();
        of.sort_unstable_by_key(|(_, (changed, _))| *changed);
        of.into_iter().map(|(source, (_, memory))| (source.as_str(), memory)).collect()
    }

    /// Takes a source's newest memory on, or forgets it.
    pub fn set(&mut self, definition: Definition, source: &str, memory: Option<Bytes>) -> Undo {
        let mut undo = Undo { definition, ..Undo::default() };
        if definition != self.definition {
            let fresh = Memories { definition, ..Memories::default() };
            undo.whole = Some(Box::new(std::mem::replace(self, fresh)));
        }
        let before = self.take(source);
        undo.sources.push((source.to_owned(), before));
        if let Some(memory) = memory {
            self.changes += 1;
            self.put(source.to_owned(), (self.changes, memory));
        }
        while self.bytes > MOST_BYTES {
            let oldest = self.sources.iter().min_by_key(|(_, (changed, _))| *changed);
            let Some(oldest) = oldest.map(|(source, _)| source.clone()) else { break };
            let gone = self.take(&oldest);
            undo.sources.push((oldest, gone));
        }
        undo
    }

    /// As if the change had not been; the newest change first. Nothing, where all that was forgotten since.
    pub fn undo(&mut self, undo: &Undo) {
        if undo.definition != self.definition {
            return;
        }
        for (source, before) in undo.sources.iter().rev() {
            self.take(source);
            if let Some(before) = before {
                self.put(source.clone(), before.clone());
            }
        }
        if let Some(whole) = &undo.whole {
            self.clone_from(whole);
        }
    }

    fn take(&mut self, source: &str) -> Option<(u64, Bytes)> {
        let (source, of) = self.sources.remove_entry(source)?;
        self.bytes -= source.len() + of.1.len();
        Some(of)
    }

    fn put(&mut self, source: String, of: (u64, Bytes)) {
        self.bytes += source.len() + of.1.len();
        self.sources.insert(source, of);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(memories: &Memories) -> Vec<(&str, &[u8])> {
        memories.by_age().into_iter().map(|(source, memory)| (source, &**memory)).collect()
    }

    #[test]
    fn the_newest_is_kept_and_a_change_can_be_undone() {
        let mut memories = Memories::default();
        let set = |memories: &mut Memories, definition, source: &str, memory: Option<&'static [u8]>| {
            memories.set([definition; 16], source, memory.map(Bytes::from_static))
        };
        set(&mut memories, 1, "a", Some(b"1"));
        set(&mut memories, 1, "b", Some(b"2"));
        let before = memories.clone();
        let undo = set(&mut memories, 1, "a", Some(b"3"));
        assert_eq!(sources(&memories), [("b", b"2" as &[u8]), ("a", b"3")]);
        memories.undo(&undo);
        assert_eq!(sources(&memories), sources(&before));
        let undo = set(&mut memories, 1, "b", None);
        assert_eq!(sources(&memories), [("a", b"1" as &[u8])]);
        memories.undo(&undo);
        assert_eq!(sources(&memories), sources(&before));
        // Of another definition nothing is left, until that is undone.
        let undo = set(&mut memories, 2, "c", Some(b"4"));
        assert_eq!(sources(&memories), [("c", b"4" as &[u8])]);
        memories.undo(&undo);
        assert_eq!((memories.definition(), sources(&memories)), ([1; 16], sources(&before)));
    }

    #[test]
    fn beyond_the_bound_the_longest_unchanged_go() {
        let mut memories = Memories::default();
        let large = Bytes::from(vec![7; MOST_BYTES / 4]);
        for source in ["a", "b", "c", "a", "d"] {
            memories.set([0; 16], source, Some(large.clone()));
        }
        let kept: Vec<&str> = memories.by_age().into_iter().map(|(source, _)| source).collect();
        assert_eq!(kept, ["c", "a", "d"]);
    }
}
