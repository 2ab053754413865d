//! Masks of pushdown states, shared by all states that look alike from where a token can reach.
//!
//! A token is short: it pops few rules, and counts move little. So a mask depends on the places, on the few frames that the
//! tokens of the vocabulary really looked at (recorded while the mask was made), and on counts only where they are close to
//! their bounds.

use super::Scene;
use super::frozen::Frozen;
use super::space::{BOTTOM, Frame, Space, StackId};
use crate::allowed::Allowed;
use crate::automaton::DEAD;
use crate::limits::STACK_DEPTH_MAX;
use crate::table::with_twins;
use crate::vocabulary::{NO_TOKEN, Vocabulary};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A mask and where it holds.
#[derive(Debug)]
pub(crate) struct Mask {
    set: Set,
    /// The greatest cost that a token leads to, without that of what was not looked at.
    pub(super) most: u32,
    /// Frames that were needed on top of the state's.
    pub(super) rise: u32,
}

/// Tokens, in the form that takes less memory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Set {
    Words(Arc<[u64]>),
    /// Their ids, in order.
    Few(Arc<[u32]>),
}

impl Set {
    fn of(words: Arc<[u64]>) -> Self {
        let count: usize = words.iter().map(|word| word.count_ones() as usize).sum();
        if count * 2 > words.len() { Self::Words(words) } else { Self::Few(Allowed::ahead(&words).iter().collect()) }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Words(words) => words.len() * 8,
            Self::Few(tokens) => tokens.len() * 4,
        }
    }
}

impl Mask {
    pub(super) fn new(words: Arc<[u64]>, most: u32, rise: u32) -> Self {
        Self { set: Set::Words(words), most, rise }
    }

    /// As bits, for a vocabulary of so many tokens.
    pub(crate) fn words(&self, tokens: usize) -> Arc<[u64]> {
        match &self.set {
            Set::Words(words) => words.clone(),
            Set::Few(few) => {
                let mut words = vec![0u64; tokens.div_ceil(64)];
                few.iter().for_each(|token| words[*token as usize / 64] |= 1 << (token % 64));
                words.into()
            }
        }
    }
}

/// What is known of states that look alike.
#[derive(Clone, Debug)]
pub(super) enum View {
    /// They differ further down: look at so many open rules.
    Deeper(u32),
    Same(Arc<Mask>),
}

/// Masks by what states look like.
#[derive(Debug, Default)]
pub(crate) struct Views {
    known: FxHashMap<Box<[u32]>, View>,
    /// What an image knows.
    frozen: Option<Frozen>,
    /// Distinct masks.
    masks: FxHashSet<Set>,
    key: Vec<u32>,
}

/// A state as tokens see it.
struct Seen {
    /// Costs of what was not looked at: the least and the greatest.
    least: u32,
    greatest: u32,
}

/// What the tokens of a state came to.
pub(crate) struct Walked {
    pub(crate) words: Arc<[u64]>,
    /// The greatest cost that one leads to.
    pub(crate) most: u32,
    /// Open rules under all that was looked at.
    pub(crate) low: u32,
    /// Frames that were needed.
    pub(crate) high: u32,
}

impl Views {
    pub(super) fn of_image(frozen: Frozen) -> Self {
        Self { frozen: Some(frozen), ..Self::default() }
    }

    /// All that is known, in order.
    pub(super) fn all(&mut self) -> BTreeMap<Box<[u32]>, View> {
        let mut all = self.frozen.as_mut().map(Frozen::all).unwrap_or_default();
        all.extend(self.known.iter().map(|(key, view)| (key.clone(), view.clone())));
        all
    }

    /// What is known of the look in `key`.
    fn find(&mut self) -> Option<View> {
        if let Some(known) = self.known.get(self.key.as_slice()) {
            return Some(known.clone());
        }
        let found = self.frozen.as_mut()?.find(&self.key)?;
        self.known.insert(self.key.as_slice().into(), found.clone());
        Some(found)
    }

    pub(crate) fn mask_count(&self) -> usize {
        self.masks.len() + self.frozen.as_ref().map_or(0, Frozen::mask_count)
    }

    /// How many looks are known.
    #[cfg(test)]
    pub(crate) fn looks(&self) -> usize {
        self.known.len()
    }

    /// Rough memory.
    pub(crate) fn bytes(&self) -> usize {
        let masks: usize = self.masks.iter().map(Set::bytes).sum();
        let decoded = self.frozen.as_ref().map_or(0, Frozen::bytes);
        decoded + masks + self.known.keys().map(|key| key.len() * 4 + 80).sum::<usize>()
    }

    /// A state's mask, and the tokens left from which it is whole.
    pub(crate) fn mask(&mut self, space: &mut Space, scene: &Scene<'_>, state: u32) -> (Arc<Mask>, u32) {
        let (rules, depth) = heights(space, state);
        let mut levels = 0;
        loop {
            let seen = self.look(space, scene, state, rules.saturating_sub(levels), levels);
            match self.find() {
                // What an image says may be no deeper.
                Some(View::Deeper(deeper)) if deeper > levels => levels = deeper,
                Some(View::Same(mask)) if depth.saturating_add(mask.rise) <= STACK_DEPTH_MAX => {
                    return (mask.clone(), mask.most.saturating_add(seen.greatest).saturating_add(1));
                }
                Some(_) => {
                    let Walked { words, most, .. } = walk(space, scene.vocabulary, state, u32::MAX);
                    return (Arc::new(Mask { set: Set::Words(words), most, rise: 0 }), most.saturating_add(1));
                }
                None => {
                    let walked = walk(space, scene.vocabulary, state, u32::MAX);
                    return self.keep(space, scene, state, levels, walked);
                }
            }
        }
    }

    /// Keeps what the tokens of a state came to, if nothing is known of its like.
    pub(crate) fn learn(&mut self, space: &Space, scene: &Scene<'_>, state: u32, walked: Walked) {
        let (rules, _) = heights(space, state);
        let mut levels = 0;
        loop {
            self.look(space, scene, state, rules.saturating_sub(levels), levels);
            match self.find() {
                Some(View::Deeper(deeper)) if deeper > levels => levels = deeper,
                Some(_) => return,
                None => {
                    self.keep(space, scene, state, levels, walked);
                    return;
                }
            }
        }
    }

    /// Keeps what the tokens of a state came to, of whose like nothing is known, looked at so many open rules deep.
    fn keep(&mut self, space: &Space, scene: &Scene<'_>, state: u32, levels: u32, walked: Walked) -> (Arc<Mask>, u32) {
        let (rules, depth) = heights(space, state);
        let deeper = rules.saturating_sub(walked.low);
        if deeper > levels {
            self.look(space, scene, state, rules.saturating_sub(levels), levels);
            self.known.insert(self.key.as_slice().into(), View::Deeper(deeper));
        }
        let levels = levels.max(deeper);
        let seen = self.look(space, scene, state, rules.saturating_sub(levels), levels);
        let mask = Arc::new(Mask {
            set: self.shared(walked.words),
            most: walked.most.saturating_sub(seen.least),
            rise: walked.high.saturating_sub(depth),
        });
        if walked.high <= STACK_DEPTH_MAX {
            self.known.insert(self.key.as_slice().into(), View::Same(mask.clone()));
        }
        let whole = mask.most.saturating_add(seen.greatest).saturating_add(1);
        (mask, whole)
    }

    fn shared(&mut self, words: Arc<[u64]>) -> Set {
        let set = Set::of(words);
        if let Some(known) = self.masks.get(&set) {
            return known.clone();
        }
        self.masks.insert(set.clone());
        set
    }

    /// What a state looks like so many open rules deep.
    pub(crate) fn key(&mut self, space: &Space, scene: &Scene<'_>, state: u32, levels: u32) -> &[u32] {
        let (rules, _) = heights(space, state);
        self.look(space, scene, state, rules.saturating_sub(levels), levels);
        &self.key
    }

    /// Writes into `key` what a state looks like down to where `low` rules are open.
    fn look(&mut self, space: &Space, scene: &Scene<'_>, state: u32, low: u32, levels: u32) -> Seen {
        const COUNT: u32 = 1 << 31;
        self.key.clear();
        self.key.push(levels);
        let (mut least, mut greatest) = (u32::MAX, 0);
        for (place, stack) in &space.state(state).readings {
            self.key.push(*place);
            let mut at = *stack;
            let mut hidden = 0u32;
            let low = low.min(space.stack(at).rules);
            while at != BOTTOM {
                let stacked = space.stack(at);
                match stacked.frame {
                    Frame::Rule(_) if stacked.rules <= low => break,
                    Frame::Rule(back) => self.key.push(back),
                    Frame::Count(site, done) => {
                        let on_top = at == *stack;
                        let far = if on_top { scene.clips.on_top(*place, site) } else { scene.clips.of_site(site) };
                        let count = scene.program.sites[site as usize].count;
                        let to_most = count.max.map_or(u32::MAX, |max| (max - done.min(max)).min(far));
                        let owed = count.min.saturating_sub(done);
                        self.key.extend([COUNT | site, to_most, owed.min(far)]);
                        let round = scene.costs.round[site as usize];
                        hidden = hidden.saturating_add(owed.saturating_sub(far).saturating_mul(round));
                    }
                }
                at = stacked.below;
            }
            self.key.push(if at == BOTTOM { u32::MAX } else { u32::MAX - 1 });
            hidden = hidden.saturating_add(space.stack(at).cost);
            least = least.min(hidden);
            greatest = greatest.max(hidden);
        }
        Seen { least: if least == u32::MAX { 0 } else { least }, greatest }
    }
}

/// Open rules and frames of the highest stack of a state.
pub(crate) fn heights(space: &Space, state: u32) -> (u32, u32) {
    let tops = space.state(state).readings.iter().map(|(_, stack): &(u32, StackId)| space.stack(*stack));
    tops.fold((0, 0), |(rules, depth), top| (rules.max(top.rules), depth.max(top.depth)))
}

/// A state's mask by a walk of the trie: the tokens that leave fewer than `tokens_left` to the end.
pub(crate) fn walk(space: &mut Space, vocabulary: &Vocabulary, state: u32, tokens_left: u32) -> Walked {
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
    Walked { words: words.into(), most, low, high }
}
