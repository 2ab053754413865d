//! Text to token ids and back; chat templates.
//!
//! What it is for: an engine needs three things of a vocabulary. Ids for the text that a program writes, the exact
//! bytes behind each id (constraints and stop strings work on bytes), and the text that a chat template puts around
//! a turn.
//!
//! ```text
//! text --encode--> ids --token_bytes--> bytes        chat_template.jinja --compile--> opening / closing per role
//! ```
//!
//! Invariants:
//! - **Data can't forge a role.** [`Tokenizer::encode`] never returns a control token, whatever the text says. Only
//!   [`Tokenizer::encode_template`] does, and the engine gives it nothing but the template's own text.
//! - **Bytes are exact.** The bytes of the ids of a text are the bytes of the text, unless the vocabulary normalizes
//!   (Qwen's NFC) or lacks a byte altogether (SmolLM2 lacks eight control and unassigned lead bytes: they are dropped,
//!   as its authors' tokenizer drops them).
//! - **A transcript only grows.** A [`ChatTemplate`] is accepted turn by turn where a longer conversation renders to
//!   an extension of the shorter one; where it does not, the error carries both texts.
//!
//! This crate alone knows the `tokenizers` crate and Jinja.

mod alphabet;
mod control;
mod gguf;
mod json;
pub mod limits;
mod pre;
mod template;
mod tokenizer;

pub use gguf::{GgufVocabulary, TokenKind};
pub use template::{ChatTemplate, TemplateError};
pub use tokenizer::{Tokenizer, TokenizerError};
