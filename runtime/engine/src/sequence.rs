//! A run of tokens whose keys and values are being computed.

use crate::pool::SlotPool;
use crate::radix::{Namespace, NodeId, ROOT, RadixTree};
use sgl_protocol::RequestId;

/// What a sequence is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// It fills the hole.
    Hole,
    /// It scores an option after the transcript.
    Option(usize),
    /// It scores an option after nothing.
    Prior(usize),
}

/// A sequence.
#[derive(Clone, Debug)]
pub(crate) struct Sequence {
    pub(crate) request: RequestId,
    pub(crate) part: Part,
    /// All tokens that are known.
    pub(crate) tokens: Vec<u32>,
    /// Tokens that will probably come after them: computed in the same pass as the last, and then kept or dropped.
    pub(crate) draft: Vec<u32>,
    /// Whether those are only a guess.
    pub(crate) guessed: bool,
    /// Slots of the tokens that are computed or under way, the one that is being drawn and the draft included.
    pub(crate) slots: Vec<u32>,
    /// How many of the slots, at the beginning, belong to the tree.
    pub(crate) shared: usize,
    /// Where the shared part ends in the tree; locked while the sequence runs.
    pub(crate) node: NodeId,
    /// The first token whose log-probability counts.
    pub(crate) scored_from: usize,
    /// Log-probabilities from there on; NaN where not known yet.
    pub(crate) logprobs: Vec<f32>,
    /// Whether the token after the last is wanted.
    pub(crate) goes_on: bool,
    pub(crate) running: bool,
    /// Whether it was started before: what it finds in the cache then is its own.
    pub(crate) started: bool,
    /// Whether log-probabilities are wanted of tokens that are known.
    pub(crate) scores: bool,
    /// With whom it shares what it computes.
    pub(crate) namespace: Namespace,
    /// Those of higher priority come first.
    pub(crate) priority: i8,
    /// How many tokens it may still generate.
    pub(crate) left: u32,
    /// Whether that bound is one of the value itself, and not only of the budget.
    pub(crate) bounded: bool,
    /// Passes that were begun with it and not read.
    pub(crate) flights: u8,
    /// The output of the pass under way that draws its next token.
    pub(crate) pending: Option<u32>,
    /// Whether it has a draft under way: how long it will be is not known.
    pub(crate) unsure: bool,
    /// Slots at the end whose tokens are a draft under way. What they hold may be another text than `tokens` by now.
    pub(crate) drafted: usize,
    /// How many of its tokens were computed by passes that have been read.
    pub(crate) sound: usize,
    /// While it has not been looked for in the store: what is read for it, 0 for nothing.
    pub(crate) ticket: Option<u64>,
    /// Tokens that its transcript may generate in later requests.
    pub(crate) later: u32,
    /// The last pass that it was planned in.
    pub(crate) planned: u64,
    /// How many sequences had been started when it began to wait, and how many may be until it is.
    pub(crate) waits: Option<(u64, u64)>,
}

/// What a sequence can compute next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rows {
    /// Tokens, the one that is being drawn included.
    pub(crate) known: usize,
    /// The output that draws it.
    pub(crate) pending: Option<u32>,
    /// Where in its draft those begin that come after.
    pub(crate) draft_from: usize,
}

impl Sequence {
    pub(crate) fn new(request: RequestId, part: Part, tokens: Vec<u32>, scored_from: usize) -> Self {
        let logprobs = vec![f32::NAN; tokens.len().saturating_sub(scored_from)];
        Self {
            request,
            part,
            tokens,
            draft: Vec::new(),
            guessed: false,
            slots: Vec::new(),
            shared: 0,
            node: ROOT,
            scored_from,
            logprobs,
            goes_on: part == Part::Hole,
            running: false,
            started: false,
            scores: part != Part::Hole,
            namespace: Namespace::default(),
            priority: 0,
            left: 0,
            bounded: false,
            flights: 0,
            pending: None,
            unsure: false,
            drafted: 0,
            sound: 0,
            ticket: None,
            later: 0,
            planned: 0,
            waits: None,
        }
    }

    /// Something that takes the first `count` tokens of another sequence, and nothing after them, from the cache.
    pub(crate) fn beginning(of: &Self, count: usize) -> Self {
        // One more token, because the last of a sequence is never taken from the cache.
        let tokens = of.tokens[..(count + 1).min(of.tokens.len())].to_vec();
        Self { namespace: of.namespace, ..Self::new(of.request, of.part, tokens, usize::MAX) }
    }

    /// How many of its tokens are computed, or will be by the passes under way.
    pub(crate) fn computed(&self) -> usize {
        self.tokens.len().min(self.slots.len() - self.drafted)
    }

    /// What it can compute next, given what is under way.
    pub(crate) fn rows(&self) -> Option<Rows> {
        if self.unsure {
            return None;
        }
        if self.pending.is_some() {
            // The token after the last that it may generate is not wanted.
            return (self.left > 1).then_some(Rows { known: 1, pending: self.pending, draft_from: 1 });
        }
        let known = self.todo();
        (known > 0).then_some(Rows { known, pending: None, draft_from: 0 })
    }

    /// Slots that it will take until its transcript ends: all that its value may need, half of what budgets alone allow.
    pub(crate) fn reserve(&self) -> usize {
        let more = if self.goes_on { self.left as usize } else { 0 };
        self.todo() + if self.bounded { more } else { more / 2 } + self.later as usize / 2
    }

    /// How many tokens have to be computed.
    pub(crate) fn target(&self) -> usize {
        if self.goes_on { self.tokens.len() } else { self.tokens.len() - 1 }
    }

    /// Tokens still to be computed.
    pub(crate) fn todo(&self) -> usize {
        self.target().saturating_sub(self.slots.len())
    }

    /// Whether the log-probability of token `index` is wanted and not known.
    pub(crate) fn is_unknown(&self, index: usize) -> bool {
        let place = index.checked_sub(self.scored_from);
        place.and_then(|place| self.logprobs.get(place)).is_some_and(|logprob| logprob.is_nan())
    }

    /// How much of the sequence may come from the cache: what needs logits is computed.
    pub(crate) fn reusable(&self) -> usize {
        let unknown = self.logprobs.iter().position(|logprob| logprob.is_nan());
        let scored = unknown.map_or(usize::MAX, |at| (self.scored_from + at).saturating_sub(1));
        (self.tokens.len() - 1).min(scored)
    }
}

/// Slots and who has them.
#[derive(Debug)]
pub(crate) struct Cache {
    pub(crate) pool: SlotPool,
    pub(crate) tree: RadixTree,
    pub(crate) shares: bool,
    /// Slots that were evicted so far: because they were old, because nobody will ask for them.
    pub(crate) evicted: (u64, u64),
}

impl Cache {
    /// How much of a sequence is in the cache already.
    pub(crate) fn match_len(&self, sequence: &Sequence) -> usize {
        if self.shares { self.tree.match_len(sequence.namespace, &sequence.tokens[..sequence.reusable()]) } else { 0 }
    }

    /// Slots that are free or could be.
    pub(crate) fn available(&self) -> usize {
        self.pool.free().len() + self.tree.evictable_slots()
    }

    /// Forgets everything that no sequence uses.
    pub(crate) fn clear(&mut self) {
        let mut freed = Vec::new();
        self.tree.evict(usize::MAX, &mut freed);
        self.pool.give(&freed);
    }

    /// Lets a sequence run: it takes what the tree has of it. Gives how many tokens that is.
    pub(crate) fn attach(&mut self, sequence: &mut Sequence) -> usize {
        debug_assert!(sequence.slots.is_empty(), "a sequence that waits has no slots");
        if self.shares {
            let reusable = sequence.reusable();
            sequence.node = self.tree.matched(sequence.namespace, &sequence.tokens[..reusable], &mut sequence.slots);
            self.tree.lock(sequence.node);
        }
        sequence.shared = sequence.slots.len();
        sequence.running = true;
        sequence.shared
    }

    /// Gives the tree what a pass that is about to begin computes of a sequence, if the tree has nothing of it: others may
    /// join the same pass and see it. (Else both have it until the pass has ended: what is being computed is not replaced.)
    pub(crate) fn publish_early(&mut self, sequence: &mut Sequence) {
        let computed = sequence.computed();
        if self.shares && self.tree.match_len(sequence.namespace, &sequence.tokens[..computed]) == sequence.shared {
            self.publish(sequence);
        }
    }

    /// Gives the tree what a sequence has computed, so that others find it.
    pub(crate) fn publish(&mut self, sequence: &mut Sequence) {
        let computed = sequence.computed();
        if !self.shares || sequence.shared >= computed {
            return;
        }
        let mut duplicates = Vec::new();
        let (tokens, slots) = (&sequence.tokens[..computed], &mut sequence.slots[..computed]);
        let node = self.tree.insert(sequence.namespace, tokens, slots, &mut duplicates);
        self.pool.give(&duplicates);
        self.tree.lock(node);
        self.tree.unlock(sequence.node);
        sequence.node = node;
        sequence.shared = computed;
    }

    /// Takes everything from a sequence; what it computed stays in the tree until it is evicted.
    pub(crate) fn detach(&mut self, sequence: &mut Sequence) {
        if !sequence.running {
            return;
        }
        self.publish(sequence);
        self.pool.give(&sequence.slots[sequence.shared..]);
        if self.shares {
            self.tree.unlock(sequence.node);
        }
        sequence.node = ROOT;
        sequence.slots.clear();
        sequence.drafted = 0;
        sequence.shared = 0;
        sequence.sound = 0;
        sequence.running = false;
    }

    /// Takes back the last `count` slots: what they were for is not there.
    pub(crate) fn take_back(&mut self, sequence: &mut Sequence, count: usize) {
        let end = sequence.slots.len() - count;
        self.pool.give(&sequence.slots[end..]);
        sequence.slots.truncate(end);
    }

    /// `count` more slots for a sequence, with eviction if need be; nothing if there are not so many.
    pub(crate) fn extend(&mut self, sequence: &mut Sequence, count: usize) -> bool {
        let missing = count.saturating_sub(self.pool.free().len());
        if missing > 0 {
            let mut freed = Vec::new();
            let done = self.tree.evict(missing, &mut freed);
            self.evicted.0 += (freed.len() - done) as u64;
            self.evicted.1 += done as u64;
            self.pool.give(&freed);
        }
        self.pool.take(count, &mut sequence.slots)
    }
}
