//! The loop: a pass is begun before the one before it is read.
//!
//! ```text
//! device   ... |   N   |  N+1  |  N+2  | ...
//! engine         begin(N+1) read(N) take(N) ask(N+1) tell(N) begin(N+2) read(N+1) ...
//! ```
//! Between the end of N and that of N+1 the engine takes the tokens of N, moves its holes on, says what N+1 draws, and plans N+2. So
//! stops are seen one pass late: what N+1 computes of a hole that ended in N is freed with it, and asked no more. Where a hole
//! is likely to end or to jump (`Flight::doubt`), such a pass is a loss; then N is read before N+1 is planned, if that
//! costs less (`Overlap::Auto`). Which way it goes changes no text.

use crate::arena::SequenceId;
use crate::engine::Engine;
use crate::flight::{Flight, Wanted, Work};
use crate::forward::Reply;
use crate::options::Overlap;
use crate::request::Kind;
use sgl_protocol::{Event, ModelError, RequestId};
use std::collections::BTreeSet;
use std::time::Instant;

impl Engine {
    /// Whether anything is under way.
    pub(crate) fn is_busy(&self) -> bool {
        !(self.sequences.is_empty() && self.compiling.is_empty())
    }

    /// Reads a pass, with the next begun before or after it.
    pub(crate) fn step(&mut self) {
        let started = Instant::now();
        self.expire();
        self.start_compiled();
        self.finish_done();
        if let Err(message) = self.advance(started) {
            self.device_failed(&message);
        }
        self.finish_done();
        self.had_work = !self.sequences.is_empty();
    }

    fn advance(&mut self, started: Instant) -> Result<(), String> {
        if self.flight.is_none() {
            self.flight = self.begin(false)?;
        }
        let Some(doubt) = self.flight.as_ref().map(|flight| flight.doubt) else { return Ok(()) };
        let overlaps = match self.overlap {
            _ if !self.forward.overlaps() => false,
            Overlap::Off => false,
            Overlap::On => true,
            Overlap::Auto => doubt <= self.trace.host_share(),
        };
        let next = if overlaps { self.begin(true)? } else { None };
        self.trace.overlapped += u64::from(next.is_some());
        let before_read = started.elapsed();
        let mut replies = std::mem::take(&mut self.replies);
        let pace = self.forward.read(&mut replies)?;
        let read = Instant::now();
        if let Some(mut flight) = self.flight.take() {
            self.take(&flight, &mut replies);
            flight.work.clear();
            self.spare = flight.work;
        }
        self.replies = replies;
        if let Some(mut next) = next {
            let questions = self.questions(&mut next);
            self.forward.ask(questions)?;
            self.flight = Some(next);
        }
        self.trace.add(pace, before_read + read.elapsed());
        Ok(())
    }

    /// Takes what a pass gave.
    fn take(&mut self, flight: &Flight, replies: &mut Vec<Reply>) {
        for work in &flight.work {
            if let Some(sequence) = self.sequences.get_mut(work.sequence) {
                sequence.flights -= 1;
                sequence.unsure = false;
                sequence.pending = None;
            }
        }
        for (reply, wanted) in replies.drain(..).zip(&flight.rows) {
            match *wanted {
                Wanted::Nothing => {}
                Wanted::Score(work, index) => self.take_score(&flight.work[work], index, reply),
                Wanted::Next { work, after, narrowed } => {
                    self.take_token(&flight.work[work], after, narrowed, reply);
                }
            }
        }
        for work in &flight.work {
            self.settle(work);
        }
        for wanted in &flight.rows {
            if let Wanted::Next { work, after: 0, .. } = *wanted {
                self.jump_on(flight.work[work].sequence);
            }
        }
        for (work, kind) in &flight.kinds {
            let Work { sequence, from, known, .. } = &flight.work[*work];
            let Some(sequence) = self.sequences.get(*sequence) else { continue };
            let one_more = sequence.tokens.len() == from + known + 1 && sequence.draft.is_empty();
            self.doubts.saw(*kind, sequence.goes_on && one_more);
        }
    }

    fn take_score(&mut self, work: &Work, index: usize, reply: Reply) {
        let Some(sequence) = self.sequences.get_mut(work.sequence) else { return };
        let Reply::Score { logprob, top } = reply else { return };
        if let Some(place) = sequence.logprobs.get_mut(index - sequence.scored_from) {
            *place = logprob;
        }
        if let (Some(Kind::Generate(generation)), crate::sequence::Part::Hole) =
            (self.requests.get_mut(&sequence.request).map(|request| &mut request.kind), sequence.part)
        {
            generation.report(top, &self.writing);
        }
    }

    fn take_token(&mut self, work: &Work, after: usize, narrowed: bool, reply: Reply) {
        let Some(sequence) = self.sequences.get_mut(work.sequence) else { return };
        let Reply::Token { token, logprob, top } = reply else { return };
        let Some(Kind::Generate(generation)) =
            self.requests.get_mut(&sequence.request).map(|request| &mut request.kind)
        else {
            return;
        };
        let drawn = ((token, logprob), (work.draft.as_slice(), after), narrowed);
        if generation.accept(sequence, drawn.0, drawn.1, drawn.2, &self.writing) {
            generation.report(top, &self.writing);
        }
    }

    /// After a pass: what was drafted and not drawn is forgotten, its slots are free; what was computed can be found.
    fn settle(&mut self, work: &Work) {
        let Some(sequence) = self.sequences.get_mut(work.sequence) else { return };
        self.touched.push(work.sequence);
        if sequence.running {
            sequence.sound = work.from + work.known;
        }
        if !work.draft.is_empty() {
            let kept = match self.requests.get_mut(&sequence.request).map(|request| &mut request.kind) {
                Some(Kind::Generate(generation)) => {
                    let confirmed = std::mem::take(&mut generation.confirmed);
                    if let Some(agreement) = generation.hole.agreement().filter(|_| !generation.guessed) {
                        agreement.saw(work.draft.len(), confirmed);
                    }
                    confirmed
                }
                _ => 0,
            };
            self.trace.drafted += work.draft.len() as u64;
            self.trace.confirmed += kept as u64;
            if sequence.running {
                sequence.drafted = 0;
                self.cache.take_back(sequence, work.draft.len() - kept.min(work.draft.len()));
            }
        }
        // A decoded token is published when the hole ends: until then nobody looks for it.
        if work.known > 1 && sequence.running {
            self.cache.publish(sequence);
            self.save(work.sequence);
        }
    }

    /// A sequence that chose goes on to its next choice, and tells what it holds by now.
    fn jump_on(&mut self, name: SequenceId) {
        let Some(sequence) = self.sequences.get_mut(name) else { return };
        let Some(request) = self.requests.get_mut(&sequence.request) else { return };
        if let Kind::Generate(generation) = &mut request.kind {
            generation.jump(sequence, &self.writing, &mut self.habits);
            if let Some(text) = generation.hole.news() {
                self.events.push_back(Event::Token { request: request.id, text });
            }
        }
    }

    /// The device has lost what was under way, and perhaps more: whatever ran fails, and nothing is left in the cache.
    fn device_failed(&mut self, message: &str) {
        self.forward.forget();
        self.flight = None;
        let under_way = self.sequences.iter().filter(|(_, s)| s.running || s.flights > 0);
        let failed: BTreeSet<RequestId> = under_way.map(|(_, sequence)| sequence.request).collect();
        for request in failed {
            self.fail(request, ModelError::Device(message.to_string()));
        }
        self.unpin_all();
        self.counting.counts.evicted_fault += self.cache.tree.evictable_slots() as u64;
        self.cache.clear();
    }

    /// Ends the sequences that are done, and the requests that have no other.
    pub(crate) fn finish_done(&mut self) {
        while !self.touched.is_empty() {
            let mut touched = std::mem::take(&mut self.touched);
            touched.drain(..).for_each(|name| self.finish_sequence(name));
            // What was finished may have let others begin.
            if self.touched.is_empty() {
                self.touched = touched;
            }
        }
    }

    fn finish_sequence(&mut self, name: SequenceId) {
        if !self.is_done(name) {
            return;
        }
        self.save(name);
        let Some(mut sequence) = self.sequences.remove(name) else { return };
        self.counting.computed(sequence.namespace, &sequence.tokens[..sequence.computed()]);
        self.cache.detach(&mut sequence);
        let id = sequence.request;
        let Some(request) = self.requests.get_mut(&id) else { return };
        request.open.retain(|open| *open != name);
        request.collect(sequence);
        if request.open.is_empty() {
            self.finish(id);
        }
    }

    /// Answers a request, and lets its transcript go on.
    fn finish(&mut self, id: RequestId) {
        let Some(mut request) = self.requests.remove(&id) else { return };
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
        self.forget_deadline(&request);
        let answer = request.answer(&self.writing);
        self.usage.add(request.usage);
        self.events.push_back(answer);
        self.release(request.session);
    }
}
