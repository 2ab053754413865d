//! One pass: plan, compute, draw, tell.

use crate::engine::Engine;
use crate::request::{Generation, Kind};
use crate::sampler::{Candidates, log_sum_exp, sample};
use crate::schedule::Work;
use crate::sequence::{Part, Sequence, SequenceId};
use crate::transcript::Writing;
use rustc_hash::FxHashMap;
use sgl_kernels::AttentionSpan;
use sgl_model::{Batch, Output, OutputRows};
use sgl_protocol::{Event, ModelError, RequestId};

/// What a row of logits is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    /// The log-probability of the token at this index.
    Score(SequenceId, usize),
    /// The next token.
    Next(SequenceId),
}

impl Generation {
    /// Takes the tokens that have no alternative. They are computed together with what comes next.
    pub(crate) fn force(&mut self, sequence: &mut Sequence, writing: &Writing) {
        while let Some(token) = self.hole.forced() {
            self.hole.push(token, writing);
            self.hole.forced += 1;
            sequence.tokens.push(token);
            sequence.logprobs.push(f32::NAN);
        }
        sequence.goes_on = self.hole.ending.is_none();
    }

    /// Draws the next token from a row of logits, and takes it.
    fn advance(&mut self, sequence: &mut Sequence, logits: &mut [f32], candidates: &Candidates, writing: &Writing) {
        let mut norm = 0.0;
        let mut plain = Vec::new();
        if self.top.is_some() {
            norm = log_sum_exp(logits);
            plain = logits.to_vec();
        }
        let position = self.hole.count() as u64;
        let token = sample(logits, candidates, &self.hole.seen, &self.hole.sampling, position);
        if self.hole.push(token, writing) {
            sequence.tokens.push(token);
            sequence.logprobs.push(plain.get(token as usize).map_or(f32::NAN, |logit| logit - norm));
            if self.top.is_some() {
                self.report_top(&plain, norm, writing);
            }
        }
        self.force(sequence, writing);
    }
}

impl Engine {
    /// Whether anything is under way.
    pub(crate) fn is_busy(&self) -> bool {
        !self.sequences.is_empty()
    }

    /// One pass over everything that runs.
    pub(crate) fn step(&mut self) {
        self.admit();
        self.finish_done();
        let work = self.plan();
        if work.is_empty() {
            return;
        }
        let (wanted, candidates) = self.wanted(&work);
        if let Err(message) = self.compute(&work, &wanted, &candidates) {
            for name in work.iter().map(|work| work.sequence) {
                if let Some(request) = self.sequences.get(&name).map(|sequence| sequence.request) {
                    self.fail(request, ModelError::Device(message.clone()));
                }
            }
            return;
        }
        let mut logits = std::mem::take(&mut self.logits);
        for (row, wanted) in logits.chunks_exact_mut(self.forward.vocabulary()).zip(&wanted) {
            self.use_row(row, *wanted, &candidates);
        }
        self.logits = logits;
        for Work { sequence, tokens } in work {
            // A decoded token is published when the hole ends: until then nobody looks for it.
            if let Some(sequence) = self.sequences.get_mut(&sequence).filter(|_| tokens > 1) {
                self.cache.publish(sequence);
            }
        }
        self.tell();
        self.finish_done();
    }

    /// The rows of logits that the pass must give, in order, and the candidates of those that choose.
    fn wanted(&mut self, work: &[Work]) -> (Vec<Wanted>, FxHashMap<SequenceId, Candidates>) {
        let mut wanted = Vec::new();
        let mut candidates = FxHashMap::default();
        for Work { sequence: name, tokens } in work {
            let sequence = &self.sequences[name];
            let end = sequence.slots.len();
            let generation = match self.requests.get_mut(&sequence.request).map(|request| &mut request.kind) {
                Some(Kind::Generate(generation)) if sequence.part == Part::Hole => Some(generation),
                _ => None,
            };
            let scores = generation.as_ref().is_none_or(|generation| generation.top.is_some());
            if scores {
                let unknown = (end - tokens + 1..=end).filter(|index| sequence.is_unknown(*index));
                wanted.extend(unknown.map(|index| Wanted::Score(*name, index)));
            }
            if let Some(generation) = generation.filter(|_| sequence.goes_on && end == sequence.tokens.len()) {
                candidates.insert(*name, generation.hole.candidates(&self.writing.usual));
                wanted.push(Wanted::Next(*name));
            }
        }
        (wanted, candidates)
    }

    fn compute(
        &mut self,
        work: &[Work],
        wanted: &[Wanted],
        candidates: &FxHashMap<SequenceId, Candidates>,
    ) -> Result<(), String> {
        let (mut tokens, mut positions, mut slots) = (Vec::new(), Vec::new(), Vec::new());
        let (mut spans, mut outputs) = (Vec::new(), Vec::new());
        let mut wanted = wanted.iter().peekable();
        for Work { sequence: name, tokens: count } in work {
            let sequence = &self.sequences[name];
            let (from, to) = (sequence.slots.len() - count, sequence.slots.len());
            let row = tokens.len();
            tokens.extend_from_slice(&sequence.tokens[from..to]);
            positions.extend((from..to).map(|position| position as u32));
            slots.extend_from_slice(&sequence.slots[from..to]);
            spans.push(AttentionSpan { rows: row..row + count, context: &sequence.slots });
            while let Some(next) =
                wanted.next_if(|next| matches!(next, Wanted::Score(n, _) | Wanted::Next(n) if n == name))
            {
                outputs.push(match next {
                    Wanted::Score(_, index) => Output { row: row + index - 1 - from, rows: OutputRows::All },
                    Wanted::Next(_) => {
                        let reports = self.requests.get(&sequence.request).is_some_and(
                            |request| matches!(&request.kind, Kind::Generate(generation) if generation.top.is_some()),
                        );
                        let rows = match candidates.get(name) {
                            Some(Candidates::Few(ids)) if !reports => OutputRows::Only(ids),
                            _ => OutputRows::All,
                        };
                        Output { row: row + count - 1, rows }
                    }
                });
            }
        }
        let batch = Batch { tokens: &tokens, positions: &positions, slots: &slots, spans: &spans, outputs: &outputs };
        self.forwards += 1;
        self.forward.forward(&batch, &mut self.logits)
    }

    fn use_row(&mut self, row: &mut [f32], wanted: Wanted, candidates: &FxHashMap<SequenceId, Candidates>) {
        let (Wanted::Score(name, _) | Wanted::Next(name)) = wanted;
        let Some(sequence) = self.sequences.get_mut(&name) else { return };
        let Some(request) = self.requests.get_mut(&sequence.request) else { return };
        match (wanted, &mut request.kind) {
            (Wanted::Score(_, index), kind) => {
                let norm = log_sum_exp(row);
                sequence.logprobs[index - sequence.scored_from] = row[sequence.tokens[index] as usize] - norm;
                if let (Kind::Generate(generation), Part::Hole) = (kind, sequence.part) {
                    generation.report_top(row, norm, &self.writing);
                }
            }
            (Wanted::Next(_), Kind::Generate(generation)) => {
                generation.advance(sequence, row, &candidates[&name], &self.writing);
            }
            (Wanted::Next(_), Kind::Score { .. }) => {}
        }
    }

    /// Tells the programs what their holes hold by now.
    fn tell(&mut self) {
        for request in self.requests.values_mut() {
            if let Kind::Generate(generation) = &mut request.kind
                && let Some(text) = generation.hole.news()
            {
                self.events.push_back(Event::Token { request: request.id, text });
            }
        }
    }

    /// Ends the sequences that are done, and the requests that have no other.
    fn finish_done(&mut self) {
        let done: Vec<SequenceId> = self.sequences.keys().copied().filter(|name| self.is_done(*name)).collect();
        for name in done {
            self.waiting.retain(|waiting| *waiting != name);
            let Some(mut sequence) = self.sequences.shift_remove(&name) else { continue };
            self.cache.detach(&mut sequence);
            let id = sequence.request;
            let Some(request) = self.requests.get_mut(&id) else { continue };
            request.open.retain(|open| *open != name);
            request.collect(sequence);
            if request.open.is_empty() {
                self.finish(id);
            }
        }
    }

    /// Answers a request, and lets its transcript go on.
    fn finish(&mut self, id: RequestId) {
        let Some(mut request) = self.requests.shift_remove(&id) else { return };
        if let Kind::Generate(generation) = &mut request.kind {
            if let Some(text) = generation.hole.news() {
                self.events.push_back(Event::Token { request: id, text });
            }
            let (kept, rest) = generation.hole.kept();
            let own = generation.done.as_ref().map_or(&[][..], |(tokens, _)| &tokens[generation.prompt.len()..]);
            let tokens = [&generation.prompt, &own[..kept.min(own.len())]].concat();
            if let Some(session) = self.sessions.get_mut(&request.session) {
                session.transcript.filled(tokens, rest);
            }
        }
        let answer = request.answer(&self.writing);
        self.usage.add(request.usage);
        self.events.push_back(answer);
        self.release(request.session);
    }
}
