//! Text about which a constraint leaves no choice: its tokens in one pass instead of one by one.
//!
//! A token that alone is allowed is taken at once. A text that alone is allowed may be divided into tokens in several ways: the
//! tokens that a tokenizer would make of it, or that were drawn lately in their place ([`Habits`]), are a draft. The next pass computes
//! the draft's tokens as further rows, and draws at each row as it would have without the draft; the draft holds as far as it was
//! drawn. A draft is as long as what became of those before it makes worth while ([`Agreement`]). Rows do not depend on their batch,
//! and draws on their position only, so the tokens are those of drawing one by one.

use crate::guess::guess;
use crate::habit::Habits;
use crate::options::Jump;
use crate::request::Generation;
use crate::sampler::{Candidates, Drawing};
use crate::sequence::Sequence;
use crate::transcript::Writing;
use sgl_constrain::Agreement;

/// Most tokens of a draft.
const DRAFT_MAX: usize = 64;

/// What a row chooses from.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) candidates: Candidates,
    /// Whether the budget has taken a choice away by then.
    pub(crate) narrowed: bool,
}

impl Generation {
    /// The choice after the last token, and those after each token of a draft.
    pub(crate) fn choices(&mut self, draft: &[u32], writing: &Writing) -> Vec<Choice> {
        (self.asked, self.confirmed) = (draft.len(), 0);
        let candidates = self.hole.candidates(writing);
        let mut choices = vec![Choice { candidates, narrowed: self.hole.narrowed }];
        if draft.is_empty() {
            return choices;
        }
        let mut ahead = self.hole.clone();
        for token in draft {
            if !ahead.push(*token, writing) || ahead.ending.is_some() {
                break;
            }
            let candidates = ahead.candidates(writing);
            choices.push(Choice { candidates, narrowed: ahead.narrowed });
        }
        choices
    }

    /// How the token after `draft` is drawn, if it holds so far.
    pub(crate) fn drawing(&self, candidates: Candidates, draft: &[u32]) -> Drawing {
        let hole = &self.hole;
        let drawing = Drawing::new(candidates, &hole.seen, draft, &hole.sampling, hole.count(), self.top);
        Drawing { bias: hole.bias.clone(), ..drawing }
    }

    /// Takes a token that was drawn after so many tokens of `draft`, if those were drawn. Gives whether it became part of
    /// the text.
    pub(crate) fn accept(
        &mut self,
        sequence: &mut Sequence,
        (token, logprob): (u32, f32),
        (draft, after): (&[u32], usize),
        narrowed: bool,
        writing: &Writing,
    ) -> bool {
        if after != self.confirmed || self.hole.ending.is_some() {
            return false;
        }
        self.hole.narrowed = narrowed;
        if !self.hole.push(token, writing) {
            return false;
        }
        sequence.tokens.push(token);
        sequence.logprobs.push(logprob);
        // After a token of a draft that was not asked nothing is drawn: by chance it may be the one that came.
        let expected = draft.get(after).filter(|_| after < self.asked);
        if let Some(drafted) = self.drafted.get(after).filter(|drafted| expected == Some(&drafted.token)) {
            self.drawn.push((drafted.plain, token));
        }
        if expected == Some(&token) {
            self.confirmed += 1;
        }
        // A pass that was begun before the draft was known has no rows for it. A guess forces nothing.
        if !self.guessed && expected.or(sequence.draft.first()) == Some(&token) {
            self.hole.forced += 1;
        }
        true
    }

    /// Goes on to the next choice: takes what has no alternative, and drafts what has no alternative as text.
    pub(crate) fn jump(&mut self, sequence: &mut Sequence, writing: &Writing, habits: &mut Habits) {
        sequence.draft.clear();
        self.drafted.clear();
        self.guessed = false;
        self.drawn.drain(..).for_each(|(plain, drawn)| habits.saw(plain, drawn));
        if self.jump != Jump::Off {
            loop {
                self.take_only(sequence, writing);
                // Where alternatives are reported, each token that has some is drawn.
                if self.top.is_some() {
                    break;
                }
                let last = sequence.tokens.last().copied();
                if self.jump == Jump::Exact {
                    let text = self.hole.forced_text();
                    if !text.is_empty() {
                        let worth = self.hole.agreement().map_or(0, Agreement::worth);
                        self.drafted = habits.divide(&text, last, worth.min(DRAFT_MAX), writing);
                        sequence.draft.extend(self.drafted.iter().map(|drafted| drafted.token));
                    }
                    break;
                }
                let run = self.hole.run(last, writing);
                if !self.take_run(&run, sequence, writing) {
                    break;
                }
            }
        }
        sequence.goes_on = self.hole.ending.is_none();
        sequence.left = self.hole.left();
        if self.guesses > 0 && sequence.goes_on && sequence.draft.is_empty() && !self.hole.is_constrained() {
            sequence.draft.extend_from_slice(guess(&sequence.tokens, self.guesses));
            self.guessed = !sequence.draft.is_empty();
        }
        sequence.guessed = self.guessed;
    }

    /// Takes tokens that alone are allowed.
    fn take_only(&mut self, sequence: &mut Sequence, writing: &Writing) {
        while let Some(token) = self.hole.forced() {
            self.take(token, sequence, writing);
        }
    }

    /// Takes the tokens of a run as far as the budget allows. Gives whether it took any.
    fn take_run(&mut self, run: &[u32], sequence: &mut Sequence, writing: &Writing) -> bool {
        let mut took = false;
        for token in run {
            if self.hole.ending.is_some() || !self.hole.allows(*token) {
                break;
            }
            self.take(*token, sequence, writing);
            took = true;
        }
        took
    }

    fn take(&mut self, token: u32, sequence: &mut Sequence, writing: &Writing) {
        self.hole.push(token, writing);
        self.hole.forced += 1;
        sequence.tokens.push(token);
        sequence.logprobs.push(f32::NAN);
    }
}
