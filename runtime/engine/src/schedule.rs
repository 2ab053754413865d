//! Which sequences run, and what they compute in one pass.
//!
//! Every pass carries all running sequences: each the tokens that it has not computed, one for those that decode, a chunk of
//! the prompt for those that begin. Those that decode come first, so that a long prompt never stops the others.

use crate::engine::Engine;
use crate::radix::common;
use crate::request::Kind;
use crate::sequence::SequenceId;
use sgl_protocol::ModelError;

/// Shared tokens for which a sequence waits until another has computed them.
const SHARED_WORTH_WAITING: usize = 4;

/// What one sequence does in a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Work {
    pub(crate) sequence: SequenceId,
    /// Tokens to compute; their slots are taken.
    pub(crate) tokens: usize,
    /// Tokens of its draft that are computed after them.
    pub(crate) draft: usize,
}

impl Engine {
    /// Starts what can be started.
    pub(crate) fn admit(&mut self) {
        let mut still = std::collections::VecDeque::new();
        while let Some(name) = self.waiting.pop_front() {
            if self.is_better_later(name) {
                still.push_back(name);
                continue;
            }
            let sequence = self.sequences.get_mut(&name).expect("a sequence that waits exists");
            let cached = self.cache.attach(sequence);
            let (request, first) = (sequence.request, !sequence.started);
            sequence.started = true;
            if let Some(request) = self.requests.get_mut(&request)
                && first
                && !std::mem::replace(&mut request.counted, true)
            {
                request.usage.cached_tokens = cached as u64;
            }
        }
        self.waiting = still;
    }

    /// Whether a running sequence is about to compute a beginning that this one shares, or there is no room for it.
    fn is_better_later(&self, name: SequenceId) -> bool {
        let sequence = &self.sequences[&name];
        let mut running = self.sequences.values().filter(|other| other.running).peekable();
        if running.peek().is_none() {
            return false;
        }
        let known = self.cache.match_len(sequence);
        let missing = sequence.target() - known;
        let free = self.cache.pool.free().len();
        if missing > free && missing > free + self.cache.tree.evictable_slots() {
            return true;
        }
        self.cache.shares
            && running.any(|other| {
                other.todo() > 1
                    && common(&other.tokens[..other.target()], &sequence.tokens) >= known + SHARED_WORTH_WAITING
            })
    }

    /// The work of the next pass, with slots taken. Preempts the latest sequences where there are not enough.
    pub(crate) fn plan(&mut self) -> Vec<Work> {
        let mut order: Vec<(bool, SequenceId)> = Vec::new();
        for (name, sequence) in self.sequences.iter().filter(|(_, sequence)| sequence.running) {
            order.push((sequence.todo() > 1, *name));
        }
        order.sort_unstable();
        let mut budget = self.token_budget;
        let mut work: Vec<Work> = Vec::new();
        for (_, name) in order {
            let Some(sequence) = self.sequences.get(&name).filter(|sequence| sequence.running) else { continue };
            let tokens = sequence.todo().min(budget);
            if tokens == 0 || work.len() == self.forward.sequences() {
                continue;
            }
            // A draft comes after all that is known.
            let draft = if tokens == sequence.todo() { sequence.draft.len().min(budget - tokens) } else { 0 };
            let context = self.forward.context();
            let draft = draft.min(context.saturating_sub(sequence.tokens.len()));
            if self.make_room(name, tokens + draft, &work) {
                budget -= tokens + draft;
                work.push(Work { sequence: name, tokens, draft });
            }
        }
        work
    }

    /// Takes slots for a sequence. Later sequences give way to earlier ones; a sequence for which there is no room at all
    /// fails.
    fn make_room(&mut self, name: SequenceId, tokens: usize, planned: &[Work]) -> bool {
        loop {
            let sequence = self.sequences.get_mut(&name).expect("it runs");
            if self.cache.extend(sequence, tokens) {
                return true;
            }
            let is_planned = |other: &SequenceId| planned.iter().any(|work| work.sequence == *other);
            let latest = self
                .sequences
                .iter()
                .filter(|(other, s)| s.running && !is_planned(other))
                .map(|(other, _)| *other)
                .max();
            match latest {
                Some(latest) if latest > name => self.preempt(latest),
                _ if !planned.is_empty() || self.sequences.values().filter(|s| s.running).count() > 1 => {
                    self.preempt(name);
                    return false;
                }
                _ => {
                    let request = self.sequences[&name].request;
                    let capacity = self.cache.pool.capacity() as u64;
                    self.fail(request, ModelError::OutOfCache { needed: tokens as u64, capacity });
                    return false;
                }
            }
        }
    }

    /// Stops a sequence for now. What it computed stays in the cache until its slots are needed.
    fn preempt(&mut self, name: SequenceId) {
        let sequence = self.sequences.get_mut(&name).expect("it runs");
        self.cache.detach(sequence);
        self.waiting.push_front(name);
    }

    /// Whether a sequence is done: it has ended, and what was to be scored is.
    pub(crate) fn is_done(&self, name: SequenceId) -> bool {
        let sequence = &self.sequences[&name];
        if sequence.goes_on {
            return false;
        }
        let wants = match self.requests.get(&sequence.request).map(|request| &request.kind) {
            Some(Kind::Generate(generation)) => {
                generation.top.is_some() || sequence.part != crate::sequence::Part::Hole
            }
            _ => true,
        };
        !wants || !sequence.logprobs.iter().any(|logprob| logprob.is_nan())
    }
}
