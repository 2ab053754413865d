//! One pass: plan, compute, draw, tell.

use crate::engine::Engine;
use crate::jump::Choice;
use crate::request::Kind;
use crate::sampler::{Candidates, draw, log_sum_exp};
use crate::schedule::Work;
use crate::sequence::{Part, SequenceId};
use rustc_hash::FxHashMap;
use sgl_kernels::AttentionSpan;
use sgl_model::{Answer, Ask, Batch, Output, OutputRows};
use sgl_protocol::{Event, ModelError, RequestId};

/// What a row of logits is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    /// The log-probability of the token at this index.
    Score(SequenceId, usize),
    /// The token after so many tokens of the draft.
    Next(SequenceId, usize),
}

/// What a pass gives, row by row, and the choices of each sequence that chooses.
struct Wishes {
    rows: Vec<Wanted>,
    choices: FxHashMap<SequenceId, Vec<Choice>>,
}

impl Wanted {
    fn sequence(self) -> SequenceId {
        let (Self::Score(name, _) | Self::Next(name, _)) = self;
        name
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
        let wishes = self.wanted(&work);
        let mut answers = Vec::new();
        if let Err(message) = self.compute(&work, &wishes, &mut answers) {
            self.settle_drafts(&work);
            // What the pass was to compute is not there: nobody may find it.
            for Work { sequence, tokens, .. } in &work {
                if let Some(sequence) = self.sequences.get_mut(sequence) {
                    self.cache.take_back(sequence, *tokens);
                }
            }
            for name in work.iter().map(|work| work.sequence) {
                if let Some(request) = self.sequences.get(&name).map(|sequence| sequence.request) {
                    self.fail(request, ModelError::Device(message.clone()));
                }
            }
            return;
        }
        let mut logits = std::mem::take(&mut self.logits);
        let mut rows = logits.chunks_exact_mut(self.forward.vocabulary());
        for (answer, wanted) in answers.into_iter().zip(&wishes.rows) {
            match answer {
                Answer::Logits => {
                    if let Some(row) = rows.next() {
                        self.use_row(row, *wanted, &wishes.choices);
                    }
                }
                other => self.use_answer(other, *wanted, &wishes.choices),
            }
        }
        self.logits = logits;
        self.settle_drafts(&work);
        self.jump_on(&wishes.rows);
        for Work { sequence, tokens, .. } in work {
            // A decoded token is published when the hole ends: until then nobody looks for it.
            if let Some(sequence) = self.sequences.get_mut(&sequence).filter(|_| tokens > 1) {
                self.cache.publish(sequence);
            }
        }
        self.tell();
        self.finish_done();
    }

    /// The rows of logits that the pass must give, in order, and the candidates of those that choose.
    fn wanted(&mut self, work: &[Work]) -> Wishes {
        let mut rows = Vec::new();
        let mut choices = FxHashMap::default();
        for Work { sequence: name, tokens, draft } in work {
            let sequence = &self.sequences[name];
            let end = sequence.slots.len() - draft;
            let generation = match self.requests.get_mut(&sequence.request).map(|request| &mut request.kind) {
                Some(Kind::Generate(generation)) if sequence.part == Part::Hole => Some(generation),
                _ => None,
            };
            let scores = generation.as_ref().is_none_or(|generation| generation.top.is_some());
            if scores {
                let unknown = (end - tokens + 1..=end).filter(|index| sequence.is_unknown(*index));
                rows.extend(unknown.map(|index| Wanted::Score(*name, index)));
            }
            if let Some(generation) = generation.filter(|_| sequence.goes_on && end == sequence.tokens.len()) {
                let made = generation.choices(&sequence.draft[..*draft], &self.writing);
                rows.extend((0..made.len()).map(|after| Wanted::Next(*name, after)));
                choices.insert(*name, made);
            }
        }
        Wishes { rows, choices }
    }

    fn compute(&mut self, work: &[Work], wishes: &Wishes, answers: &mut Vec<Answer>) -> Result<(), String> {
        let asks: Vec<Ask<'_>> = wishes.rows.iter().map(|wanted| self.ask(*wanted, &wishes.choices)).collect();
        let (mut tokens, mut positions, mut slots) = (Vec::new(), Vec::new(), Vec::new());
        let (mut spans, mut outputs) = (Vec::new(), Vec::new());
        let mut wanted = wishes.rows.iter().peekable();
        for Work { sequence: name, tokens: known, draft } in work {
            let sequence = &self.sequences[name];
            let count = known + draft;
            let (from, to) = (sequence.slots.len() - count, sequence.slots.len());
            let row = tokens.len();
            tokens.extend_from_slice(&sequence.tokens[from..from + known]);
            tokens.extend_from_slice(&sequence.draft[..*draft]);
            positions.extend((from..to).map(|position| position as u32));
            slots.extend_from_slice(&sequence.slots[from..to]);
            spans.push(AttentionSpan { rows: row..row + count, context: &sequence.slots });
            let reports = self
                .requests
                .get(&sequence.request)
                .is_some_and(|request| matches!(&request.kind, Kind::Generate(generation) if generation.top.is_some()));
            while let Some(next) = wanted.next_if(|next| next.sequence() == *name) {
                outputs.push(match next {
                    Wanted::Score(_, index) => Output { row: row + index - 1 - from, rows: OutputRows::All },
                    Wanted::Next(_, after) => {
                        let choice = wishes.choices.get(name).and_then(|choices| choices.get(*after));
                        let rows = match choice.map(|choice| &choice.candidates) {
                            Some(Candidates::Few(ids)) if !reports => OutputRows::Only(ids),
                            _ => OutputRows::All,
                        };
                        Output { row: row + known - 1 + after, rows }
                    }
                });
            }
        }
        let batch = Batch { tokens: &tokens, positions: &positions, slots: &slots, spans: &spans, outputs: &outputs };
        self.forwards += 1;
        self.forward.answer(&batch, &asks, answers, &mut self.logits)
    }

    /// What is asked of the device for a row. Rows whose likeliest tokens are reported have to come as logits.
    fn ask<'a>(&self, wanted: Wanted, choices: &'a FxHashMap<SequenceId, Vec<Choice>>) -> Ask<'a> {
        let sequence = &self.sequences[&wanted.sequence()];
        let hole = match self.requests.get(&sequence.request).map(|request| &request.kind) {
            Some(Kind::Generate(generation)) if sequence.part == Part::Hole => match generation.top {
                Some(_) => return Ask::Logits,
                None => Some(&generation.hole),
            },
            _ => None,
        };
        if !self.forward.draws() {
            return Ask::Logits;
        }
        match (wanted, hole) {
            (Wanted::Score(_, index), _) => Ask::Score(sequence.tokens[index]),
            (Wanted::Next(name, after), Some(hole)) => {
                let candidates = &choices[&name][after].candidates;
                // The draw counts only if the draft holds so far.
                let before = &sequence.draft[..after];
                Ask::Draw(draw(candidates, &hole.seen, before, &hole.sampling, hole.count()))
            }
            (Wanted::Next(..), None) => Ask::Logits,
        }
    }

    /// Takes what the device drew or scored.
    fn use_answer(&mut self, answer: Answer, wanted: Wanted, choices: &FxHashMap<SequenceId, Vec<Choice>>) {
        let Some(sequence) = self.sequences.get_mut(&wanted.sequence()) else { return };
        let Some(request) = self.requests.get_mut(&sequence.request) else { return };
        match (answer, wanted, &mut request.kind) {
            (Answer::Score(logprob), Wanted::Score(_, index), _) => {
                sequence.logprobs[index - sequence.scored_from] = logprob;
            }
            (Answer::Token(token, _), Wanted::Next(name, after), Kind::Generate(generation)) => {
                generation.accept(sequence, (token, f32::NAN), after, &choices[&name][after], &self.writing);
            }
            _ => {}
        }
    }

    fn use_row(&mut self, row: &mut [f32], wanted: Wanted, choices: &FxHashMap<SequenceId, Vec<Choice>>) {
        let Some(sequence) = self.sequences.get_mut(&wanted.sequence()) else { return };
        let Some(request) = self.requests.get_mut(&sequence.request) else { return };
        match (wanted, &mut request.kind) {
            (Wanted::Score(_, index), kind) => {
                let norm = log_sum_exp(row);
                sequence.logprobs[index - sequence.scored_from] = row[sequence.tokens[index] as usize] - norm;
                if let (Kind::Generate(generation), Part::Hole) = (kind, sequence.part) {
                    generation.report_top(row, norm, &self.writing);
                }
            }
            (Wanted::Next(name, after), Kind::Generate(generation)) => {
                generation.draw(sequence, row, after, &choices[&name][after], &self.writing);
            }
            (Wanted::Next(..), Kind::Score { .. }) => {}
        }
    }

    /// After a pass: what was drafted and not drawn is forgotten, its slots are free.
    fn settle_drafts(&mut self, work: &[Work]) {
        for Work { sequence: name, draft, .. } in work.iter().filter(|work| work.draft > 0) {
            let Some(sequence) = self.sequences.get_mut(name) else { continue };
            let kept = match self.requests.get_mut(&sequence.request).map(|request| &mut request.kind) {
                Some(Kind::Generate(generation)) => std::mem::take(&mut generation.confirmed),
                _ => 0,
            };
            self.cache.take_back(sequence, draft - kept.min(*draft));
            sequence.draft.clear();
        }
    }

    /// Sequences that chose go on to their next choice.
    fn jump_on(&mut self, rows: &[Wanted]) {
        for wanted in rows.iter().filter(|wanted| matches!(wanted, Wanted::Next(_, 0))) {
            let Some(sequence) = self.sequences.get_mut(&wanted.sequence()) else { continue };
            if let Some(Kind::Generate(generation)) =
                self.requests.get_mut(&sequence.request).map(|request| &mut request.kind)
            {
                generation.jump(sequence, &self.writing);
            }
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
