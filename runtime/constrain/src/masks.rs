//! Which tokens may come next: one face for constraints that are tables and those that are machines.

use crate::agreement::Agreement;
use crate::allowed::Allowed;
use crate::automaton::{Automaton, StateId};
use crate::error::ConstrainError;
use crate::grammar::Grammar;
use crate::image::{Image, ImageError, ImageWords, Kind};
use crate::limits::WHOLE_STATES_MAX;
use crate::pushdown::{self, Pushdown};
use crate::regular::{Sizes, automaton};
use crate::table::{self, Table};
use crate::vocabulary::Vocabulary;
use rustc_hash::FxHashMap;
use sgl_protocol::Shape;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A constraint over a vocabulary.
#[derive(Debug)]
pub struct TokenMasks {
    vocabulary: Arc<Vocabulary>,
    means: Means,
    runs: Mutex<Runs>,
    agreement: Agreement,
}

/// All of a grammar as one automaton, where it is regular and small.
fn whole_automaton(grammar: &Grammar) -> Result<Option<Automaton>, ConstrainError> {
    automaton(grammar, &Sizes::of(grammar), grammar.checked_start()?, WHOLE_STATES_MAX)
}

/// Runs by state and last token.
type Runs = FxHashMap<(StateId, u32), Arc<[u32]>>;

#[derive(Debug)]
enum Means {
    /// All states and masks ahead.
    Table(Table),
    /// Counts and recursion: states on the way, masks shared.
    Pushdown(Pushdown),
}

impl TokenMasks {
    /// Masks of an automaton over a vocabulary. An automaton of no text, or one that no sequence of tokens completes, is an
    /// error.
    pub fn new(automaton: &Automaton, vocabulary: &Arc<Vocabulary>) -> Result<Self, ConstrainError> {
        let means = Means::Table(Table::new(automaton, vocabulary)?);
        Ok(Self { vocabulary: vocabulary.clone(), means, runs: Mutex::default(), agreement: Agreement::default() })
    }

    /// Masks of a grammar: a table where it is regular and small, else a pushdown automaton.
    pub fn of_grammar(grammar: &Grammar, vocabulary: &Arc<Vocabulary>) -> Result<Self, ConstrainError> {
        match whole_automaton(grammar)? {
            Some(automaton) => Self::new(&automaton, vocabulary),
            None => Self::pushdown(grammar, vocabulary),
        }
    }

    /// Masks of a shape.
    pub fn of_shape(shape: &Shape, vocabulary: &Arc<Vocabulary>) -> Result<Self, ConstrainError> {
        Self::of_grammar(&Grammar::of_shape(shape)?, vocabulary)
    }

    /// Masks of a grammar by a pushdown automaton, however small it is.
    pub fn pushdown(grammar: &Grammar, vocabulary: &Arc<Vocabulary>) -> Result<Self, ConstrainError> {
        let means = Means::Pushdown(Pushdown::new(grammar, vocabulary)?);
        Ok(Self { vocabulary: vocabulary.clone(), means, runs: Mutex::default(), agreement: Agreement::default() })
    }

    /// The same constraint afresh, where this one has met so many states that it should be let go.
    pub(crate) fn renewed(&self) -> Option<Self> {
        match &self.means {
            Means::Table(_) => None,
            Means::Pushdown(pushdown) => {
                let means = Means::Pushdown(pushdown.renewed()?);
                Some(Self {
                    vocabulary: self.vocabulary.clone(),
                    means,
                    runs: Mutex::default(),
                    agreement: Agreement::default(),
                })
            }
        }
    }

    /// The words of an image of it: [`TokenMasks::of_image`] gives it back.
    pub fn to_image(&self) -> Vec<u64> {
        match &self.means {
            Means::Table(table) => table.write(),
            Means::Pushdown(pushdown) => pushdown.write(),
        }
    }

    /// The words of an image of a grammar that knows no vocabulary: [`TokenMasks::of_image`] makes the masks of it.
    ///
    /// # Errors
    /// Those of making masks of it, but for what depends on tokens.
    pub fn byte_part(grammar: &Grammar) -> Result<Vec<u64>, ConstrainError> {
        match whole_automaton(grammar)? {
            Some(automaton) => Ok(table::image::byte_part(&automaton)),
            None => pushdown::byte_part(grammar),
        }
    }

    /// The constraint of an image. If that was made with another vocabulary, only its byte part is taken, and the masks are made
    /// anew.
    ///
    /// # Errors
    /// Words that are no image, or a damaged one; a constraint that no tokens of this vocabulary fulfil.
    pub fn of_image(words: ImageWords, vocabulary: &Arc<Vocabulary>) -> Result<Self, ImageError> {
        Self::opened(&Image::open(words)?, vocabulary)
    }

    fn opened(image: &Image, vocabulary: &Arc<Vocabulary>) -> Result<Self, ImageError> {
        let means = match image.kind {
            Kind::Table | Kind::TableOnDemand => Means::Table(Table::read(image, vocabulary)?),
            Kind::Pushdown | Kind::PushdownPartly => Means::Pushdown(Pushdown::read(image, vocabulary)?),
        };
        Ok(Self { vocabulary: vocabulary.clone(), means, runs: Mutex::default(), agreement: Agreement::default() })
    }

    /// The constraint of an image that was made with this vocabulary; `None` if it was made with another one or none.
    pub(crate) fn of_own_image(words: &ImageWords, vocabulary: &Arc<Vocabulary>) -> Result<Option<Self>, ImageError> {
        let image = Image::open(words.clone())?;
        if image.is_over(vocabulary) { Self::opened(&image, vocabulary).map(Some) } else { Ok(None) }
    }

    /// The vocabulary.
    pub fn vocabulary(&self) -> &Arc<Vocabulary> {
        &self.vocabulary
    }

    /// What became of drafts of its runs.
    pub fn agreement(&self) -> &Agreement {
        &self.agreement
    }

    /// Whether all masks were made ahead of time.
    pub fn is_ahead(&self) -> bool {
        match &self.means {
            Means::Table(table) => table.is_ahead(),
            Means::Pushdown(pushdown) => pushdown.is_ahead(),
        }
    }

    /// Where every text begins.
    pub fn start(&self) -> StateId {
        match &self.means {
            Means::Table(table) => table.start(),
            Means::Pushdown(_) => StateId(Pushdown::start()),
        }
    }

    /// Where bytes lead, if they are allowed.
    pub fn step(&self, state: StateId, bytes: &[u8]) -> Option<StateId> {
        match &self.means {
            Means::Table(table) => table.machine().advance(state, bytes),
            Means::Pushdown(pushdown) => pushdown.advance(state.0, bytes).map(StateId),
        }
    }

    /// Where a token leads, if it is allowed.
    pub fn advance(&self, state: StateId, token: u32) -> Option<StateId> {
        self.step(state, self.vocabulary.bytes(token).filter(|bytes| !bytes.is_empty())?)
    }

    /// Whether the whole text belongs to the language.
    pub fn accepts(&self, text: &[u8]) -> bool {
        self.step(self.start(), text).is_some_and(|state| self.is_accepting(state))
    }

    /// Whether a text may end here.
    pub fn is_accepting(&self, state: StateId) -> bool {
        match &self.means {
            Means::Table(table) => table.is_accepting(state),
            Means::Pushdown(pushdown) => pushdown.is_accepting(state.0),
        }
    }

    /// Whether a text may end here and nothing can follow.
    pub fn is_final(&self, state: StateId) -> bool {
        match &self.means {
            Means::Table(table) => table.is_final(state),
            Means::Pushdown(pushdown) => pushdown.is_final(state.0),
        }
    }

    /// Fewest tokens from here to a state where the text may end; `u32::MAX` where no tokens lead to one. For a pushdown
    /// automaton a bound from above, with the same promise: within it the text can be ended.
    pub fn need(&self, state: StateId) -> u32 {
        match &self.means {
            Means::Table(table) => table.need(state),
            Means::Pushdown(pushdown) => pushdown.need(state.0),
        }
    }

    /// Tokens that may come next such that the text can still end within `tokens_left` tokens, this one included. Not
    /// empty while `tokens_left >= need(state) > 0`.
    pub fn allowed(&self, state: StateId, tokens_left: u32) -> Allowed<'_> {
        match &self.means {
            Means::Table(table) => table.allowed(state, tokens_left),
            Means::Pushdown(pushdown) => Allowed::on_demand(pushdown.allowed(state.0, tokens_left)),
        }
    }

    /// The only token that may come next, in a state where the text may not end.
    pub fn forced(&self, state: StateId, tokens_left: u32) -> Option<u32> {
        if self.is_accepting(state) { None } else { self.allowed(state, tokens_left).only() }
    }

    /// The only byte that may come next and where it leads, in a state where the text may not end.
    pub(crate) fn only_byte(&self, state: StateId) -> Option<(u8, StateId)> {
        match &self.means {
            Means::Table(table) => table.machine().only_byte(state),
            Means::Pushdown(pushdown) => pushdown.only_byte(state.0).map(|(byte, to)| (byte, StateId(to))),
        }
    }

    pub(crate) fn runs(&self) -> MutexGuard<'_, Runs> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many states there are: for a pushdown automaton, places where it takes a byte.
    pub fn state_count(&self) -> usize {
        match &self.means {
            Means::Table(table) => table.machine().state_count(),
            Means::Pushdown(pushdown) => pushdown.sizes().0,
        }
    }

    /// How many different masks were made ahead, or are remembered.
    pub fn mask_count(&self) -> usize {
        match &self.means {
            Means::Table(table) => table.mask_count(),
            Means::Pushdown(pushdown) => pushdown.sizes().1,
        }
    }

    /// Memory that it takes, roughly.
    pub fn bytes(&self) -> usize {
        match &self.means {
            Means::Table(table) => table.bytes(),
            Means::Pushdown(pushdown) => pushdown.sizes().2,
        }
    }

    /// Visits the tokens of a part of the trie that a state allows, and where they lead.
    pub(crate) fn below(&self, part: Range<usize>, state: StateId, mut visit: impl FnMut(u32, StateId)) {
        let visit = |token, to| visit(token, StateId(to));
        match &self.means {
            Means::Table(table) => {
                let machine = table.machine();
                crate::need::below(|state, byte| machine.step(state, byte), &self.vocabulary, part, state.0, visit);
            }
            Means::Pushdown(pushdown) => {
                pushdown.below(part, state.0, visit);
            }
        }
    }
}
