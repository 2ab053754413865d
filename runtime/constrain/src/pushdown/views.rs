//! Masks of pushdown states, shared by all states that look alike from where a token can reach.
//!
//! A token is short: it pops few rules, and counts move little. So a mask depends on the places, on the few frames that the
//! tokens of the vocabulary really looked at (recorded while the mask was made), and on counts only where they are close to
//! their bounds.

use super::program::{Op, Program};
use super::space::{BOTTOM, Frame, Space, StackId};
use crate::automaton::DEAD;
use crate::limits::{EMPTY_ROUNDS_MAX, STACK_DEPTH_MAX};
use crate::table::with_twins;
use crate::vocabulary::{NO_TOKEN, Vocabulary};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;

/// A mask and where it holds.
#[derive(Debug)]
pub(crate) struct Mask {
    pub(crate) words: Arc<[u64]>,
    /// The greatest cost that a token leads to, without that of the frames under what was looked at.
    most: u32,
    /// Frames that were needed on top of the state's.
    rise: u32,
}

/// What is known of states that look alike.
#[derive(Clone, Debug)]
enum View {
    /// They differ further down: look at so many open rules.
    Deeper(u32),
    Same(Arc<Mask>),
}

/// Masks by what states look like.
#[derive(Debug, Default)]
pub(crate) struct Views {
    known: FxHashMap<Box<[u32]>, View>,
    /// Distinct masks.
    masks: FxHashSet<Arc<[u64]>>,
    key: Vec<u32>,
    /// Walks of the trie so far.
    walks: usize,
}

/// A state as tokens see it.
struct Seen {
    /// Costs of what lies under the frames that were looked at: the least and the greatest.
    least: u32,
    greatest: u32,
}

impl Views {
    pub(crate) fn walks(&self) -> usize {
        self.walks
    }

    pub(crate) fn mask_count(&self) -> usize {
        self.masks.len()
    }

    /// Rough memory.
    pub(crate) fn bytes(&self) -> usize {
        let words = self.masks.iter().next().map_or(0, |words| words.len());
        self.masks.len() * words * 8 + self.known.len() * 128
    }

    /// A state's mask, and the tokens left from which it is whole.
    pub(crate) fn mask(
        &mut self,
        space: &mut Space,
        program: &Program,
        vocabulary: &Vocabulary,
        state: u32,
    ) -> (Arc<Mask>, u32) {
        let readings = &space.state(state).readings;
        let tops: Vec<StackId> = readings.iter().map(|(_, stack)| *stack).collect();
        let rules = tops.iter().map(|stack| space.stack(*stack).rules).max().unwrap_or(0);
        let depth = tops.iter().map(|stack| space.stack(*stack).depth).max().unwrap_or(0);
        let far = program.reach(vocabulary.longest_bytes());
        let mut levels = 0;
        loop {
            let seen = self.look(space, program, state, rules.saturating_sub(levels), levels, far);
            match self.known.get(self.key.as_slice()) {
                Some(View::Deeper(deeper)) => levels = *deeper,
                Some(View::Same(mask)) if depth + mask.rise <= STACK_DEPTH_MAX => {
                    return (mask.clone(), mask.most.saturating_add(seen.greatest).saturating_add(1));
                }
                Some(View::Same(_)) => {
                    let (words, most, ..) = walk(space, vocabulary, state, u32::MAX);
                    return (Arc::new(Mask { words: words.into(), most, rise: 0 }), most.saturating_add(1));
                }
                None => {
                    self.walks += 1;
                    let (words, most, low, high) = walk(space, vocabulary, state, u32::MAX);
                    let deeper = rules.saturating_sub(low);
                    if deeper > levels {
                        self.known.insert(self.key.as_slice().into(), View::Deeper(deeper));
                        levels = deeper;
                    }
                    let seen = self.look(space, program, state, rules.saturating_sub(levels), levels, far);
                    let mask = Arc::new(Mask {
                        words: self.shared(words),
                        most: most.saturating_sub(seen.least),
                        rise: high.saturating_sub(depth),
                    });
                    if high <= STACK_DEPTH_MAX {
                        self.known.insert(self.key.as_slice().into(), View::Same(mask.clone()));
                    }
                    let whole = mask.most.saturating_add(seen.greatest).saturating_add(1);
                    return (mask, whole);
                }
            }
        }
    }

    fn shared(&mut self, words: Vec<u64>) -> Arc<[u64]> {
        let words: Arc<[u64]> = words.into();
        match self.masks.get(&words) {
            Some(known) => known.clone(),
            None => {
                self.masks.insert(words.clone());
                words
            }
        }
    }

    /// Writes into `key` what a state looks like down to where `low` rules are open.
    fn look(&mut self, space: &Space, program: &Program, state: u32, low: u32, levels: u32, far: u32) -> Seen {
        const COUNT: u32 = 1 << 31;
        self.key.clear();
        self.key.push(levels);
        let (mut least, mut greatest) = (u32::MAX, 0);
        for (place, stack) in &space.state(state).readings {
            self.key.push(*place);
            let mut at = *stack;
            let low = low.min(space.stack(at).rules);
            while at != BOTTOM {
                let stacked = space.stack(at);
                match stacked.frame {
                    Frame::Rule(_) if stacked.rules <= low => break,
                    Frame::Rule(back) => self.key.push(back),
                    Frame::Count(site, done) => {
                        let count = program.sites[site as usize].count;
                        let to_most = count.max.map_or(u32::MAX, |max| (max - done.min(max)).min(far));
                        self.key.extend([COUNT | site, to_most, count.min.saturating_sub(done).min(far)]);
                    }
                }
                at = stacked.below;
            }
            self.key.push(if at == BOTTOM { u32::MAX } else { u32::MAX - 1 });
            least = least.min(space.stack(at).cost);
            greatest = greatest.max(space.stack(at).cost);
        }
        Seen { least: if least == u32::MAX { 0 } else { least }, greatest }
    }
}

impl Program {
    /// How far from its bounds a count does not matter to one token of so many bytes.
    fn reach(&self, longest_bytes: usize) -> u32 {
        let owed = self.owed.iter().map(|(_, owed)| *owed).max().unwrap_or(0);
        let rounds = u32::try_from(longest_bytes.max(EMPTY_ROUNDS_MAX as usize)).unwrap_or(u32::MAX);
        rounds.saturating_add(owed).saturating_add(1)
    }

    /// How many bytes the longest run without a choice may have is bounded by the places that take bytes.
    pub(crate) fn byte_places(&self) -> usize {
        self.ops.iter().filter(|op| matches!(op, Op::Bytes { .. })).count()
    }
}

/// A state's mask by a walk of the trie: the tokens that leave fewer than `tokens_left` to the end. Also gives the greatest
/// cost that one leads to, the open rules under all that was looked at, and the frames that were needed.
pub(crate) fn walk(
    space: &mut Space,
    vocabulary: &Vocabulary,
    state: u32,
    tokens_left: u32,
) -> (Vec<u64>, u32, u32, u32) {
    let mut words = vec![0u64; vocabulary.len().div_ceil(64)];
    let (mut most, mut low, mut high) = (0, u32::MAX, 0);
    let nodes = vocabulary.nodes();
    let mut stack = vec![state];
    let mut at = 0;
    while at < nodes.len() {
        let node = nodes[at];
        stack.truncate(node.depth as usize);
        let step = space.step(stack[stack.len() - 1], node.byte);
        low = low.min(step.low);
        high = high.max(step.high);
        if step.to == DEAD {
            at = node.after as usize;
            continue;
        }
        stack.push(step.to);
        if node.token != NO_TOKEN {
            let need = space.state(step.to).need;
            if need < tokens_left {
                words[node.token as usize / 64] |= 1 << (node.token % 64);
                most = most.max(need);
            }
        }
        at += 1;
    }
    with_twins(vocabulary, &mut words);
    (words, most, low, high)
}
