//! A pass under way: what each sequence computes in it, and what its outputs are for.

use crate::arena::SequenceId;
use crate::doubt::{Choosing, Expected};
use crate::engine::Engine;
use crate::forward::Question;
use crate::request::Kind;
use crate::sampler::Candidates;
use sgl_kernels::AttentionSpan;
use sgl_model::{Batch, Output, OutputRows, token_drawn_by};
use std::time::Instant;

/// What one sequence computes in a pass.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) sequence: SequenceId,
    /// Where in the sequence its rows begin.
    pub(crate) from: usize,
    /// Rows of tokens that are known by the time of the pass.
    pub(crate) known: usize,
    /// The output of the pass before that draws the token of its only known row.
    pub(crate) pending: Option<u32>,
    /// What that must be for the draft to hold.
    pub(crate) assumes: Option<u32>,
    /// Tokens that will probably come after.
    pub(crate) draft: Vec<u32>,
}

/// What an output is for; the number says whose work it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Nothing any more.
    Nothing,
    /// The log-probability of the token at this index.
    Score(usize, usize),
    /// The token after so many tokens of the draft.
    Next { work: usize, after: usize, narrowed: bool },
}

/// A pass that was begun.
#[derive(Debug, Default)]
pub(crate) struct Flight {
    pub(crate) work: Vec<Work>,
    pub(crate) rows: Vec<Wanted>,
    /// How much of what is drawn may be no token of a next pass, because the hole ends or jumps: 0 to 1.
    pub(crate) doubt: f32,
    /// The choices among that, by whose work they are.
    pub(crate) kinds: Vec<(usize, Choosing)>,
}

impl Engine {
    /// Plans a pass and begins it; nothing if there is nothing to compute. It is asked at once unless `later`.
    pub(crate) fn begin(&mut self, later: bool) -> Result<Option<Flight>, String> {
        let started = Instant::now();
        let work = self.plan();
        self.trace.planned += started.elapsed();
        if work.is_empty() {
            self.end_doomed();
            return Ok(None);
        }
        let mut flight = Flight { work, ..Flight::default() };
        self.want(&mut flight);
        let questions = if later { None } else { Some(self.questions(&mut flight)) };
        for work in &flight.work {
            if let Some(sequence) = self.sequences.get_mut(work.sequence) {
                sequence.flights += 1;
            }
        }
        self.forwards += 1;
        let launched = self.launch(&flight, questions);
        self.end_doomed();
        launched?;
        Ok(Some(flight))
    }

    /// The outputs that the pass must give, in order.
    fn want(&self, flight: &mut Flight) {
        let Flight { work, rows, .. } = flight;
        for (index, entry) in work.iter().enumerate() {
            let Some(sequence) = self.sequences.get(entry.sequence) else { continue };
            let end = entry.from + entry.known;
            if sequence.scores {
                let unknown = (entry.from + 1..=end).filter(|token| sequence.is_unknown(*token));
                rows.extend(unknown.map(|token| Wanted::Score(index, token)));
            }
            if sequence.goes_on && (entry.pending.is_some() || end == sequence.tokens.len()) {
                let next = |after| Wanted::Next { work: index, after, narrowed: false };
                rows.extend((0..=entry.draft.len()).map(next));
            }
        }
    }

    /// Packs the pass and hands it to the device.
    fn launch(&mut self, flight: &Flight, questions: Option<Vec<Question>>) -> Result<(), String> {
        let count = flight.work.iter().map(|work| work.known + work.draft.len()).sum();
        let (mut tokens, mut positions) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let (mut slots, mut spans) = (Vec::with_capacity(count), Vec::with_capacity(flight.work.len()));
        let mut first_rows = Vec::with_capacity(flight.work.len());
        for Work { sequence, from, known, pending, draft, .. } in &flight.work {
            let Some(sequence) = self.sequences.get(*sequence) else { continue };
            let (row, to) = (tokens.len(), from + known + draft.len());
            match pending {
                Some(output) => tokens.push(token_drawn_by(*output)),
                None => tokens.extend_from_slice(&sequence.tokens[*from..from + known]),
            }
            tokens.extend_from_slice(draft);
            positions.extend((*from..to).map(|position| position as u32));
            slots.extend_from_slice(&sequence.slots[*from..to]);
            spans.push(AttentionSpan { rows: row..tokens.len(), context: &sequence.slots[..to] });
            first_rows.push(row);
        }
        let output = |wanted: &Wanted| {
            let row = match *wanted {
                Wanted::Score(work, token) => first_rows[work] + token - 1 - flight.work[work].from,
                Wanted::Next { work, after, .. } => first_rows[work] + flight.work[work].known - 1 + after,
                Wanted::Nothing => 0,
            };
            Output { row, rows: OutputRows::All }
        };
        let outputs: Vec<Output<'_>> = flight.rows.iter().map(output).collect();
        let batch = Batch { tokens: &tokens, positions: &positions, slots: &slots, spans: &spans, outputs: &outputs };
        self.forward.begin(&batch, questions, self.had_work)
    }

    /// What is asked of the outputs, by what is known now: one question each. What was decided otherwise since the pass was
    /// begun is asked no more.
    pub(crate) fn questions(&mut self, flight: &mut Flight) -> Vec<Question> {
        let mut questions = Vec::with_capacity(flight.rows.len());
        let (mut doubt, mut drawn) = (0.0, 0);
        flight.kinds.clear();
        let mut index = 0;
        while index < flight.rows.len() {
            match flight.rows[index] {
                Wanted::Nothing => questions.push(Question::Nothing),
                Wanted::Score(work, token) => questions.push(self.score(&flight.work[work], token)),
                Wanted::Next { work, .. } => {
                    let output = index as u32;
                    let count = flight.work[work].draft.len() + 1;
                    let rows = &mut flight.rows[index..index + count];
                    let expected = self.choose(&flight.work[work], output, rows, &mut questions);
                    doubt += match expected {
                        Expected::Known(doubt) => doubt,
                        Expected::Choice(kind) => {
                            flight.kinds.push((work, kind));
                            self.doubts.of(kind)
                        }
                    };
                    drawn += 1;
                    index += count;
                    continue;
                }
            }
            index += 1;
        }
        flight.doubt = if drawn == 0 { 0.0 } else { doubt / drawn as f32 };
        questions
    }

    fn score(&self, work: &Work, index: usize) -> Question {
        let Some(sequence) = self.sequences.get(work.sequence) else { return Question::Nothing };
        let Some(token) = sequence.tokens.get(index).copied() else { return Question::Nothing };
        let top = match self.requests.get(&sequence.request).map(|request| &request.kind) {
            Some(Kind::Generate(generation)) if sequence.part == crate::sequence::Part::Hole => generation.top,
            _ => None,
        };
        Question::Score { token, top }
    }

    /// The questions of the rows after which a sequence's next tokens come: after what is known, and after each token of its
    /// draft. Gives what is expected of whether what is drawn is a token of the next pass.
    fn choose(&mut self, work: &Work, output: u32, rows: &mut [Wanted], questions: &mut Vec<Question>) -> Expected {
        if let Some(sequence) = self.sequences.get_mut(work.sequence).filter(|_| !work.draft.is_empty()) {
            sequence.unsure = true;
        }
        let asked = questions.len() + rows.len();
        let next = work.from + work.known;
        let mut expected = Expected::Known(0.0);
        let live = self.sequences.get_mut(work.sequence).filter(|s| s.goes_on && s.tokens.len() == next);
        if let Some(sequence) = live
            && let Some(Kind::Generate(generation)) =
                self.requests.get_mut(&sequence.request).map(|request| &mut request.kind)
        {
            let holds = work.assumes.is_none() || work.assumes == sequence.tokens.last().copied();
            let draft = if holds { work.draft.as_slice() } else { &[] };
            let constrained = generation.hole.is_constrained();
            let choices = generation.choices(draft, &self.writing);
            expected = match &choices[0].candidates {
                _ if !work.draft.is_empty() || !sequence.draft.is_empty() => Expected::Known(1.0),
                _ if sequence.left <= 1 => Expected::Known(0.0),
                Candidates::Few(_) => Expected::Choice(Choosing::Few),
                Candidates::Many(_) if constrained => Expected::Choice(Choosing::Many),
                Candidates::Many(_) => Expected::Choice(Choosing::Free),
            };
            for (after, choice) in choices.into_iter().enumerate() {
                let work = if let Wanted::Next { work, .. } = rows[after] { work } else { 0 };
                rows[after] = Wanted::Next { work, after, narrowed: choice.narrowed };
                let drawing = generation.drawing(choice.candidates, &draft[..after]);
                questions.push(Question::Draw(Box::new(drawing)));
            }
            if work.draft.is_empty() {
                sequence.pending = Some(output);
            }
        } else if let Some(sequence) = self.sequences.get(work.sequence)
            && sequence.scores
            && sequence.is_unknown(next)
            && let Wanted::Next { work: index, .. } = rows[0]
        {
            // The next token was taken without a draw; what it would have been worth is asked all the same.
            rows[0] = Wanted::Score(index, next);
            questions.push(self.score(work, next));
        }
        let decided = rows.len() - (asked - questions.len());
        rows[decided..].fill(Wanted::Nothing);
        questions.resize(asked, Question::Nothing);
        expected
    }
}
