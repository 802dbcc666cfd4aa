//! Which inputs windows and last known values still rest on: those stay on disk.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use edgeward_core::scoring::Scorer;
use edgeward_outbox::Input;

/// What is retained of one pipeline.
#[derive(Debug, Default)]
pub(super) struct Retention {
    /// Tokens of messages by source, oldest first.
    sources: HashMap<Arc<str>, Tokens>,
    /// How many sources rest on a message.
    messages: HashMap<u64, (usize, Arc<Input>)>,
    /// Sources forgotten by the scorer when this was last swept.
    evicted: u64,
}

#[derive(Debug, Default)]
struct Tokens {
    tokens: VecDeque<u64>,
    /// Length after the last look at all of them.
    swept: usize,
}

impl Retention {
    /// A reading of `source` came with the message of this token. True when something rests on it.
    pub fn note(&mut self, scorer: &Scorer, source: &Arc<str>, token: u64, input: &Arc<Input>) -> bool {
        if !scorer.is_needed(source, token) {
            return false;
        }
        let tokens = self.sources.entry(source.clone()).or_default();
        if tokens.tokens.back() != Some(&token) {
            tokens.tokens.push_back(token);
            self.messages.entry(token).or_insert_with(|| (0, input.clone())).0 += 1;
        }
        true
    }

    /// Inputs of `source` on which nothing rests any more go to `released`.
    pub fn release(&mut self, scorer: &Scorer, source: &Arc<str>, released: &mut Vec<Arc<Input>>) {
        let Some(of) = self.sources.get_mut(source) else { return };
        let mut free = Vec::new();
        while let Some(&oldest) = of.tokens.front()
            && !scorer.is_needed(source, oldest)
        {
            of.tokens.pop_front();
            free.push(oldest);
        }
        // A last known value may hold the oldest one for long, and nothing those behind it.
        if of.tokens.len() > 2 * of.swept + 16 {
            of.tokens.retain(|token| {
                let needed = scorer.is_needed(source, *token);
                if !needed {
                    free.push(*token);
                }
                needed
            });
            of.swept = of.tokens.len();
        }
        self.free(free, released);
    }

    /// Lets go of sources that the scorer has forgotten.
    pub fn sweep(&mut self, scorer: &Scorer, released: &mut Vec<Arc<Input>>) {
        let (_, evicted) = scorer.sources();
        if std::mem::replace(&mut self.evicted, evicted) == evicted {
            return;
        }
        let gone: Vec<Arc<str>> =
            self.sources.keys().filter(|source| !scorer.remembers(source)).cloned().collect();
        for source in gone {
            let tokens = self.sources.remove(&source).unwrap_or_default();
            self.free(tokens.tokens.into(), released);
        }
    }

    /// Lets go of everything.
    pub fn take_all(&mut self) -> Vec<Arc<Input>> {
        self.sources.clear();
        self.messages.drain().map(|(_, (_, input))| input).collect()
    }

    fn free(&mut self, tokens: Vec<u64>, released: &mut Vec<Arc<Input>>) {
        for token in tokens {
            if let Some((sources, _)) = self.messages.get_mut(&token) {
                *sources -= 1;
                if *sources == 0 {
                    released.extend(self.messages.remove(&token).map(|(_, input)| input));
                }
            }
        }
    }
}
