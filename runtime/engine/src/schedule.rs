//! Which sequences run, and what they compute in one pass.
//!
//! Every pass carries all running sequences: each the tokens that it has not computed, one for those that decode, a chunk of
//! the prompt for those that begin. Those that decode come first, so that a long prompt never stops the others; then prompts
//! that have begun; then, while the budget lasts, new ones (`queue` says which). What a new one will compute is in the tree
//! before the next is looked at: those that share a beginning compute it once, in the same pass.
//!
//! A sequence is started if what it needs, by the bounds of its hole, fits beside what those that run may still need. If there are
//! not enough slots all the same, a sequence is stopped: of the lowest priority, the one that loses least. The eldest of
//! the highest priority never is, so that something always comes to its end.

use crate::arena::SequenceId;
use crate::engine::Engine;
use crate::flight::Work;
use crate::guess::SEQUENCES_MAX;
use crate::order::{Waiting, ordered};
use crate::queue::{PASSES_MAX, WINDOW};
use crate::request::Kind;
use crate::sequence::{Part, Rows};
use sgl_protocol::ModelError;
use std::cmp::Reverse;

impl Engine {
    /// The work of the next pass, with slots taken.
    pub(crate) fn plan(&mut self) -> Vec<Work> {
        self.planning += 1;
        let most = self.forward.sequences();
        let mut budget = self.token_budget;
        let mut work = std::mem::take(&mut self.spare);
        let mut prompts = Vec::new();
        let (mut reserved, mut stale) = (0, false);
        let preempted = self.counting.counts.preempted;
        let guess = self.running.len() <= SEQUENCES_MAX;
        for index in 0..self.running.len() {
            let name = self.running[index];
            let Some(sequence) = self.sequences.get_mut(name).filter(|sequence| sequence.running) else {
                stale = true;
                continue;
            };
            reserved += sequence.reserve();
            if sequence.guessed && !guess && !sequence.unsure {
                sequence.draft.clear();
            }
            let rows = sequence.rows();
            // Almost all, almost always: one token, and a slot is free.
            if let Some(Rows { known: 1, pending, .. }) = rows
                && sequence.draft.is_empty()
                && budget > 0
                && work.len() < most
                && let Some(slot) = self.cache.pool.take_one()
            {
                budget -= 1;
                sequence.planned = self.planning;
                let from = sequence.slots.len();
                sequence.slots.push(slot);
                work.push(Work { sequence: name, from, known: 1, pending, assumes: None, draft: Vec::new() });
                continue;
            }
            match rows {
                Some(rows) if rows.known == 1 => self.take_part(name, rows, &mut budget, &mut work),
                Some(_) => prompts.push(name),
                None => {}
            }
        }
        for name in prompts {
            let Some(sequence) = self.sequences.get(name).filter(|sequence| sequence.running) else { continue };
            if let Some(rows) = sequence.rows() {
                self.take_part(name, rows, &mut budget, &mut work);
            }
        }
        // Who was stopped may start again in this very pass, and must not be listed twice.
        if stale || self.counting.counts.preempted > preempted {
            self.forget_stopped();
        }
        self.admit(&mut budget, reserved, &mut work);
        work
    }

    /// Lets a sequence take part in the pass, as far as the budget and the slots go.
    fn take_part(&mut self, name: SequenceId, rows: Rows, budget: &mut usize, work: &mut Vec<Work>) {
        let known = rows.known.min(*budget);
        if known == 0 || work.len() == self.forward.sequences() {
            return;
        }
        let context = self.forward.context();
        let Some(sequence) = self.sequences.get_mut(name) else { return };
        let from = sequence.slots.len();
        // A draft comes after all that is known.
        let drafted = if known == rows.known { sequence.draft.len().saturating_sub(rows.draft_from) } else { 0 };
        let drafted = drafted.min(*budget - known).min(context.saturating_sub(from + known));
        if !self.cache.pool.take(known + drafted, &mut sequence.slots) && !self.make_room(name, known + drafted) {
            return;
        }
        *budget -= known + drafted;
        let Some(sequence) = self.sequences.get_mut(name) else { return };
        sequence.planned = self.planning;
        let mut entry = Work { sequence: name, from, known, pending: rows.pending, assumes: None, draft: Vec::new() };
        if rows.pending.is_some() {
            if drafted > 0 {
                entry.assumes = sequence.draft.first().copied();
                entry.draft = sequence.draft[1..=drafted].to_vec();
            }
        } else if !sequence.draft.is_empty() {
            entry.draft = std::mem::take(&mut sequence.draft);
            entry.draft.truncate(drafted);
        }
        sequence.unsure = !entry.draft.is_empty();
        sequence.drafted = entry.draft.len();
        if known > 1 {
            self.cache.publish_early(sequence);
        }
        work.push(entry);
    }

    /// Starts what can be started in this pass.
    fn admit(&mut self, budget: &mut usize, mut reserved: usize, work: &mut Vec<Work>) {
        let mut preempted = self.counting.counts.preempted;
        while *budget > 0 && work.len() < self.forward.sequences() {
            if self.counting.counts.preempted > preempted {
                preempted = self.counting.counts.preempted;
                self.forget_stopped();
            }
            let Some(name) = self.next_waiting() else { return };
            let alone = work.is_empty() && !self.running.iter().any(|name| self.is_running(*name));
            if !self.bring(name, !alone) {
                return;
            }
            let Some(sequence) = self.sequences.get_mut(name).filter(|sequence| sequence.flights == 0) else { return };
            // What is in the cache needs no slot. Taking it only makes less available: without room before there is none after.
            let least = sequence.reserve() - self.cache.match_len(sequence).min(sequence.todo());
            if !alone && least + reserved > self.cache.available() {
                return;
            }
            let cached = self.cache.attach(sequence);
            let needed = sequence.reserve();
            if !alone && needed + reserved > self.cache.available() {
                if let Some(sequence) = self.sequences.get_mut(name) {
                    self.cache.detach(sequence);
                }
                return;
            }
            self.queue.pop();
            self.started(name, cached);
            debug_assert!(!self.running.contains(&name), "each is listed once");
            self.running.push(name);
            reserved += needed;
            if let Some(rows) = self.sequences.get(name).and_then(crate::sequence::Sequence::rows) {
                self.take_part(name, rows, budget, work);
            }
        }
    }

    /// Takes those that were stopped off the list of those that run.
    fn forget_stopped(&mut self) {
        let Self { running, sequences, .. } = self;
        running.retain(|name| sequences.get(*name).is_some_and(|sequence| sequence.running));
    }

    fn is_running(&self, name: SequenceId) -> bool {
        self.sequences.get(name).is_some_and(|sequence| sequence.running)
    }

    /// Who is to be started next.
    fn next_waiting(&mut self) -> Option<SequenceId> {
        let Self { queue, sequences, cache, .. } = self;
        let waits = |name| sequences.get(name).is_some_and(|sequence| !sequence.running);
        queue.peek(waits, |round| {
            if round.len() < 2 || !cache.shares {
                return;
            }
            let entry = |name: &SequenceId| {
                let sequence = sequences.get(*name)?;
                Some(Waiting { name: *name, tokens: &sequence.tokens, cached: cache.match_len(sequence) })
            };
            *round = ordered(round.iter().filter_map(entry).collect());
        })
    }

    /// Notes that a sequence was started, with so much of it in the cache.
    fn started(&mut self, name: SequenceId, cached: usize) {
        let Some(sequence) = self.sequences.get_mut(name) else { return };
        if std::mem::replace(&mut sequence.started, true) {
            return;
        }
        self.starts += 1;
        if let Some((since, most)) = sequence.waits.take() {
            let waited = self.starts - since;
            self.waited_max = self.waited_max.max(waited);
            debug_assert!(waited <= most, "{waited} sequences were started before it, at most {most} may");
        }
        self.counting.started(sequence.namespace, &sequence.tokens, cached);
        let Some(request) = self.requests.get_mut(&sequence.request) else { return };
        if !std::mem::replace(&mut request.counted, true) {
            request.usage.cached_tokens = cached as u64;
        }
        // From here on it holds its trunk itself.
        if sequence.part == Part::Hole || matches!(request.kind, Kind::Score { .. }) {
            let session = request.session;
            self.unpin(session);
        }
    }

    /// Lets a sequence wait.
    pub(crate) fn wait(&mut self, name: SequenceId) {
        let Some(sequence) = self.sequences.get_mut(name) else { return };
        let priority = sequence.priority;
        self.queue.push(name, priority);
        self.priorities.insert(priority);
        let rounds = (self.queue.before(priority) + WINDOW) as u64;
        let most = rounds * (1 + u64::from(PASSES_MAX) * self.priorities.len() as u64);
        // A class that opens later passes it over, too; simulation opens few.
        sequence.waits = Some((self.starts, most.saturating_add(rounds * 2 * u64::from(PASSES_MAX))));
    }

    /// Takes slots for a sequence by evicting, and then by stopping others; a sequence for which there is no room at all fails.
    fn make_room(&mut self, name: SequenceId, count: usize) -> bool {
        loop {
            let Some(sequence) = self.sequences.get_mut(name) else { return false };
            if self.cache.extend(sequence, count) {
                return true;
            }
            let senior = self.running.iter().filter(|name| self.is_running(**name)).copied();
            let senior = senior.min_by_key(|name| (Reverse(self.priority(*name)), *name));
            let (mut others, mut victim) = (0, None);
            for other in self.running.iter().copied().filter(|other| *other != name) {
                let Some(sequence) = self.sequences.get(other).filter(|sequence| sequence.running) else { continue };
                others += 1;
                if sequence.planned == self.planning || Some(other) == senior {
                    continue;
                }
                // Of the lowest priority; one that alone makes room, with as little as possible; else the one that has most.
                let own = sequence.slots.len() - sequence.shared.min(sequence.slots.len());
                let loss = if own >= count { (0, own) } else { (1, usize::MAX - own) };
                let key = (sequence.priority, loss, Reverse(other));
                if victim.as_ref().is_none_or(|(best, _)| key < *best) {
                    victim = Some((key, other));
                }
            }
            match victim {
                Some((_, victim)) => self.preempt(victim),
                // Those that are in the pass already give their slots back when they end.
                None if others > 0 && Some(name) == senior => return false,
                None if others > 0 => {
                    self.preempt(name);
                    return false;
                }
                None if self.unpin_all() => {}
                None => {
                    let Some(sequence) = self.sequences.get(name) else { return false };
                    let (request, capacity) = (sequence.request, self.cache.pool.capacity() as u64);
                    // Others may have joined this pass for what its other sequences compute: it fails when the pass has begun.
                    self.doomed.push((request, ModelError::OutOfCache { needed: count as u64, capacity }));
                    return false;
                }
            }
        }
    }

    /// Ends the requests for which there was no room.
    pub(crate) fn end_doomed(&mut self) {
        for (request, error) in std::mem::take(&mut self.doomed) {
            if self.requests.contains_key(&request) {
                self.fail(request, error);
            }
        }
    }

    fn priority(&self, name: SequenceId) -> i8 {
        self.sequences.get(name).map_or(0, |sequence| sequence.priority)
    }

    /// Stops a sequence for now. What it computed stays in the cache until its slots are needed.
    fn preempt(&mut self, name: SequenceId) {
        let Some(sequence) = self.sequences.get_mut(name) else { return };
        self.counting.counts.preempted += 1;
        self.counting.computed(sequence.namespace, &sequence.tokens[..sequence.computed()]);
        self.cache.detach(sequence);
        let priority = sequence.priority;
        self.queue.push_front(name, priority);
    }

    /// Whether a sequence is done: it has ended, and what was to be scored is.
    pub(crate) fn is_done(&self, name: SequenceId) -> bool {
        let Some(sequence) = self.sequences.get(name) else { return false };
        let is_scored = || !sequence.scores || sequence.logprobs.iter().all(|logprob| !logprob.is_nan());
        !sequence.goes_on && is_scored()
    }
}
