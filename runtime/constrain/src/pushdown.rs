//! Constraints with counts and recursion: a pushdown automaton over bytes, its states made on the way.
//!
//! ```text
//! Grammar --lower--> Program --x Vocabulary--> Costs --> Space (states) --> Views (masks, shared)
//! ```
//!
//! Same meaning as an [`Automaton`](crate::Automaton), other means: a count of a million is a number in a frame, not a million
//! states, and recursion is a stack of at most 512 frames. `need` is a bound here, and as good as the exact number in
//! one respect: where `tokens_left >= need` some token is allowed, and each allowed one keeps it so.

mod ahead;
mod clips;
mod costs;
mod frozen;
mod image;
pub(crate) use image::byte_part;
mod lower;
mod paths;
mod program;
mod recursion;
mod space;
#[cfg(test)]
mod tests;
mod text;
mod verify;
mod views;

use crate::automaton::DEAD;
use crate::error::ConstrainError;
use crate::grammar::Grammar;
use crate::limits::{SPACE_BYTES_MAX, VIEWS_BYTES_MAX};
use crate::need::NEVER;
use crate::vocabulary::Vocabulary;
use clips::Clips;
use costs::Costs;
use paths::{NO_WAY, Paths};
use program::Program;
use space::Space;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use views::Views;

/// A pushdown automaton over a vocabulary.
#[derive(Debug)]
pub(crate) struct Pushdown {
    program: Arc<Program>,
    costs: Arc<Costs>,
    clips: Arc<Clips>,
    vocabulary: Arc<Vocabulary>,
    space: Mutex<Space>,
    views: Arc<Mutex<Views>>,
    /// Whether all masks were made ahead.
    ahead: bool,
}

/// What states are looked at with.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    program: &'a Program,
    costs: &'a Costs,
    clips: &'a Clips,
    vocabulary: &'a Vocabulary,
}

impl Grammar {
    /// Whether any text belongs to it, whatever the vocabulary.
    ///
    /// # Errors
    /// Those of making masks of it: rules that are not defined or begin with themselves, and limits.
    pub fn is_possible(&self) -> Result<bool, ConstrainError> {
        self.checked_start()?;
        let program = lower::lower(self)?;
        let paths = Paths::of(&program, |_| 1);
        Ok(paths.weight[program.start as usize] != NO_WAY)
    }
}

/// Why no number of tokens leads to an end.
fn unending(program: &Program) -> ConstrainError {
    let weight = Paths::of(program, |_| 1).weight[program.start as usize];
    // Costs are 32 bits: what has more bytes than that may take more tokens.
    if weight != NO_WAY && weight > u64::from(NEVER) {
        return ConstrainError::TooLarge { what: "tokens in its shortest text", limit: NEVER as usize - 1 };
    }
    ConstrainError::Empty
}

impl Pushdown {
    pub(crate) fn new(grammar: &Grammar, vocabulary: &Arc<Vocabulary>) -> Result<Self, ConstrainError> {
        Self::of_program(lower::lower(grammar)?, vocabulary)
    }

    fn of_program(program: Program, vocabulary: &Arc<Vocabulary>) -> Result<Self, ConstrainError> {
        let program = Arc::new(program);
        let costs = Arc::new(Costs::of(&program, vocabulary));
        if costs.at(program.start) == NEVER {
            return Err(unending(&program));
        }
        let clips = Arc::new(Clips::of(&program, vocabulary));
        let mut views = Views::default();
        let scene = Scene { program: &program, costs: &costs, clips: &clips, vocabulary };
        let ahead = ahead::fill(&mut views, &scene)?;
        Ok(Self {
            space: Mutex::new(Space::new(program.clone(), costs.clone())),
            views: Arc::new(Mutex::new(views)),
            vocabulary: vocabulary.clone(),
            program,
            costs,
            clips,
            ahead,
        })
    }

    fn scene(&self) -> Scene<'_> {
        Scene { program: &self.program, costs: &self.costs, clips: &self.clips, vocabulary: &self.vocabulary }
    }

    /// Whether all masks were made ahead.
    pub(crate) fn is_ahead(&self) -> bool {
        self.ahead
    }

    fn space(&self) -> MutexGuard<'_, Space> {
        self.space.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn views(&self) -> MutexGuard<'_, Views> {
        self.views.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A fresh one with the same masks, if this one has met very many states.
    pub(crate) fn renewed(&self) -> Option<Self> {
        if self.space().bytes() < SPACE_BYTES_MAX {
            return None;
        }
        let keep = self.views().bytes() < VIEWS_BYTES_MAX;
        Some(Self {
            space: Mutex::new(Space::new(self.program.clone(), self.costs.clone())),
            views: if keep { self.views.clone() } else { Arc::default() },
            vocabulary: self.vocabulary.clone(),
            program: self.program.clone(),
            costs: self.costs.clone(),
            clips: self.clips.clone(),
            ahead: self.ahead && keep,
        })
    }

    pub(crate) const fn start() -> u32 {
        Space::start()
    }

    /// Where bytes lead, if they are allowed.
    pub(crate) fn advance(&self, state: u32, bytes: &[u8]) -> Option<u32> {
        let mut space = self.space();
        bytes.iter().try_fold(state, |state, byte| Some(space.step(state, *byte).to).filter(|to| *to != DEAD))
    }

    pub(crate) fn is_accepting(&self, state: u32) -> bool {
        self.space().state(state).accepting
    }

    pub(crate) fn is_final(&self, state: u32) -> bool {
        self.space().is_final(state)
    }

    pub(crate) fn only_byte(&self, state: u32) -> Option<(u8, u32)> {
        self.space().only_byte(state)
    }

    pub(crate) fn need(&self, state: u32) -> u32 {
        self.space().state(state).need
    }

    /// The tokens that a state allows such that the text can still end within `tokens_left`.
    pub(crate) fn allowed(&self, state: u32, tokens_left: u32) -> Arc<[u64]> {
        let mut space = self.space();
        let (words, whole_from) = match &space.masks[state as usize] {
            Some(known) => known.clone(),
            None => {
                let (mask, whole_from) = self.views().mask(&mut space, &self.scene(), state);
                let made = (mask.words(self.vocabulary.len()), whole_from);
                space.masks[state as usize] = Some(made.clone());
                made
            }
        };
        if tokens_left >= whole_from {
            return words;
        }
        views::walk(&mut space, &self.vocabulary, state, tokens_left).words
    }

    /// Visits the tokens of a part of the trie that a state allows, and where they lead.
    pub(crate) fn below(&self, part: std::ops::Range<usize>, state: u32, visit: impl FnMut(u32, u32)) -> usize {
        let mut space = self.space();
        crate::need::below(|state, byte| space.step(state, byte).to, &self.vocabulary, part, state, visit)
    }

    /// Looks of states whose masks are known.
    #[cfg(test)]
    pub(crate) fn looks(&self) -> usize {
        self.views().looks()
    }

    /// Places, distinct masks so far, and rough memory.
    pub(crate) fn sizes(&self) -> (usize, usize, usize) {
        let views = self.views();
        let bytes = self.program.ops.len() * 40 + self.program.edges.len() * 8 + views.bytes() + self.space().bytes();
        (self.program.byte_places(), views.mask_count(), bytes)
    }
}
