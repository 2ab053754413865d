//! Which tokens may come next.
//!
//! ```text
//! Shape --assemble--> byte NFA --determinize, trim--> Automaton --x Vocabulary--> TokenMasks --prefix--> Cursor
//! ```
//!
//! Bytes first: a shape is a deterministic byte automaton, whatever the tokenizer. With a vocabulary, one walk of its trie
//! gives every state its mask, and the fewest tokens to an accepting state (`need`), so that a hole closes within its
//! budget. Special tokens have no bytes and never match; the end of the turn is the engine's, in accepting states.
//!
//! A hole that is a text with a delimiter is accepted with and without it, and is final after it. Inside a structure or a
//! union a delimiter only may not occur.
//!
//! Invariants: every state of an [`Automaton`] is reachable and can reach acceptance; a mask equals brute force over the
//! vocabulary; `need` is exact, also for masks made on demand and while a prefix is healed; where `tokens_left >= need` some
//! token is allowed, and each allowed one keeps it so; everything has a limit, and beyond it is an error that names it.

mod agreement;
mod allowed;
mod automaton;
mod boolean;
mod cache;
mod compile;
mod cursor;
mod determinize;
mod error;
mod functions;
pub mod grammar;
mod image;
mod lark;
mod limits;
mod masks;
mod memo;
mod need;
mod nfa;
mod notation;
mod number;
mod pattern;
mod possible;
mod pushdown;
mod regular;
mod relate;
mod runs;
pub mod schema;
mod table;
mod text;
mod vocabulary;

pub use agreement::Agreement;
pub use allowed::Allowed;
pub use automaton::{Automaton, StateId};
pub use cache::{ConstraintCache, ContentHash, Found, Make, content_hash};
pub use cursor::Cursor;
pub use error::ConstrainError;
pub use grammar::Grammar;
pub use image::{CONSTRAINT_IMAGE_VERSION, ImageError, ImageWords, Words, image_bytes, image_words};
pub use masks::TokenMasks;
pub use notation::regex_of;
pub use pattern::{automaton as pattern_automaton, check_regex};
pub use possible::Possible;
pub use runs::Encode;
pub use vocabulary::Vocabulary;
