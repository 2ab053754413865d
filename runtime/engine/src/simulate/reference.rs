//! What an answer must be: computed alone, token by token, from all that comes before, without cache, batch or draft.

use super::device::{Fake, Mind};
use crate::forward::{Question, Reply, reply};
use crate::habit::Habits;
use crate::request::{Generation, Kind, Request};
use crate::sampler::log_sum_exp;
use crate::sequence::{Part, Sequence};
use crate::transcript::Writing;
use sgl_protocol::{Generated, Scored};

/// What a request was when it was first seen.
#[derive(Debug)]
pub(crate) enum Expected {
    Text(Box<Generation>, Box<Sequence>),
    /// Tokens of each option and prior, and from where they count.
    Scores(Vec<(Part, Vec<u32>, usize)>),
}

impl Expected {
    /// A copy of what a request starts from. `sequences` are its own.
    pub(crate) fn of(request: &Request, sequences: &[&Sequence]) -> Option<Self> {
        match &request.kind {
            Kind::Generate(generation) => {
                let own = sequences.iter().find(|sequence| sequence.part == Part::Hole)?;
                Some(Self::Text(generation.clone(), Box::new((*own).clone())))
            }
            Kind::Score { .. } => {
                let parts = sequences.iter().map(|s| (s.part, s.tokens.clone(), s.scored_from));
                Some(Self::Scores(parts.collect()))
            }
        }
    }

    /// What differs between a text and what it must be, if anything.
    pub(super) fn compare_text(&self, found: &Generated, mind: &Mind, writing: &Writing) -> Option<String> {
        let Self::Text(generation, sequence) = self else { return Some("a text where scores were asked for".into()) };
        let (mut generation, mut sequence) = (generation.clone(), sequence.clone());
        let mut row = vec![0.0; writing.vocabulary.len()];
        while sequence.goes_on {
            sequence.draft.clear();
            mind.logits(&sequence.tokens, &mut row);
            let choice = generation.choices(&[], writing).remove(0);
            let question = Question::Draw(Box::new(generation.drawing(choice.candidates, &[])));
            let Reply::Token { token, logprob, .. } = reply(&question, &mut row) else { return None };
            generation.accept(&mut sequence, (token, logprob), (&[], 0), choice.narrowed, writing);
            generation.jump(&mut sequence, writing, &mut Habits::default());
        }
        let hole = &generation.hole;
        let text = String::from_utf8_lossy(hole.value()).into_owned();
        let ending = hole.ending.as_ref()?;
        let expected = (&text, ending.finish, ending.truncated, hole.count());
        let own = (&found.text, found.finish, found.truncated, found.tokens.len());
        if expected != own {
            return Some(format!("{own:?} came, {expected:?} must"));
        }
        let drawn = sequence.logprobs.iter().zip(&found.tokens).filter(|(known, _)| !known.is_nan());
        let wrong = drawn.clone().find(|(known, (_, told))| **known != *told);
        wrong.map(|(known, (token, told))| format!("`{token}` has the log-probability {told}, not {known}"))
    }

    /// What differs between scores and what they must be, if anything.
    pub(super) fn compare_scores(&self, found: &Scored, mind: &Mind, vocabulary: usize) -> Option<String> {
        let Self::Scores(parts) = self else { return Some("scores where a text was asked for".into()) };
        let mut row = vec![0.0; vocabulary];
        for (part, tokens, from) in parts {
            let own = match part {
                Part::Option(index) => found.logprobs.get(*index),
                Part::Prior(index) => found.unconditional.get(*index),
                Part::Hole => None,
            };
            let expected: Vec<f32> = (*from..tokens.len())
                .map(|at| {
                    mind.logits(&tokens[..at], &mut row);
                    row[tokens[at] as usize] - log_sum_exp(&row)
                })
                .collect();
            if own != Some(&expected) {
                return Some(format!("{part:?} has {own:?}, and must have {expected:?}"));
            }
        }
        None
    }
}

/// Whether every slot of the tree holds what its path says.
pub(super) fn tree_faults(engine: &crate::Engine, cells: &super::device::Cells) -> Vec<String> {
    let cells = Fake::read(cells);
    let mut faults = Vec::new();
    engine.cache.tree.for_each_edge(|from, tokens, slots| {
        for (index, (token, slot)) in tokens.iter().zip(slots).enumerate() {
            let wanted = Some((*token, (from + index) as u32));
            if cells[*slot as usize] != wanted {
                faults.push(format!("slot {slot} holds {:?}, the tree says {wanted:?}", cells[*slot as usize]));
            }
        }
    });
    faults
}
