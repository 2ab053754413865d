//! Which tokens may come next.
//!
//! ```text
//! Shape --assemble--> byte NFA --determinize, trim--> Automaton --x Vocabulary--> TokenMasks
//! ```
//!
//! Bytes first: a shape is a deterministic byte automaton, whatever the tokenizer. With a vocabulary, one walk of its trie
//! gives every state its mask, and the fewest tokens to an accepting state (`need`), so that a hole closes within its
//! budget. Special tokens have no bytes and never match.
//!
//! Invariants: every state of an [`Automaton`] is reachable and can reach acceptance; a mask equals brute force over the
//! vocabulary; everything has a limit, and beyond it is an error that names it.

mod automaton;
mod cache;
mod compile;
mod cursor;
mod determinize;
mod error;
mod limits;
mod masks;
mod nfa;
mod number;
mod pattern;
mod relate;
mod text;
mod vocabulary;

pub use automaton::{Automaton, StateId};
pub use cache::ConstraintCache;
pub use cursor::Cursor;
pub use error::ConstrainError;
pub use masks::{Allowed, TokenMasks};
pub use pattern::check_regex;
pub use vocabulary::Vocabulary;
