//! The automaton of a table, made here or lying in an image.

use crate::automaton::{Automaton, DEAD, StateId};
use crate::image::edges::Edges;

/// A deterministic automaton.
#[derive(Debug)]
pub(crate) enum Machine {
    Made(Automaton),
    Image(Edges),
}

impl Machine {
    pub(crate) fn start(&self) -> StateId {
        match self {
            Self::Made(automaton) => automaton.start(),
            Self::Image(edges) => StateId(edges.start()),
        }
    }

    pub(crate) fn state_count(&self) -> usize {
        match self {
            Self::Made(automaton) => automaton.state_count(),
            Self::Image(edges) => edges.state_count(),
        }
    }

    pub(crate) fn is_accepting(&self, state: StateId) -> bool {
        match self {
            Self::Made(automaton) => automaton.is_accepting(state),
            Self::Image(edges) => edges.is_accepting(state.0),
        }
    }

    /// Where a byte leads, or [`DEAD`].
    pub(crate) fn step(&self, state: u32, byte: u8) -> u32 {
        match self {
            Self::Made(automaton) => automaton.table().step(state, byte),
            Self::Image(edges) => edges.step(state, byte),
        }
    }

    /// Where bytes lead, if they are allowed.
    pub(crate) fn advance(&self, state: StateId, bytes: &[u8]) -> Option<StateId> {
        let step = |state, byte: &u8| Some(self.step(state, *byte)).filter(|next| *next != DEAD);
        bytes.iter().try_fold(state.0, step).map(StateId)
    }

    /// The only byte that may follow, where a text may not end, and where it leads.
    pub(crate) fn only_byte(&self, state: StateId) -> Option<(u8, StateId)> {
        match self {
            Self::Made(automaton) => automaton.only_byte(state),
            Self::Image(edges) => edges.only_byte(state.0).map(|(byte, to)| (byte, StateId(to))),
        }
    }

    /// The same as a table of its own.
    pub(crate) fn automaton(&self) -> Automaton {
        match self {
            Self::Made(automaton) => automaton.clone(),
            Self::Image(edges) => edges.automaton(),
        }
    }

    /// Rough memory.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Made(automaton) => {
                let table = automaton.table();
                table.next.len() * 4 + table.accepting.len()
            }
            Self::Image(edges) => edges.bytes(),
        }
    }
}
