//! Text to ids, ids to bytes.

use crate::alphabet::Alphabet;
use crate::control::{ControlToken, ControlTokens, Piece};
use crate::limits::VOCABULARY_TOKENS_MAX;
use crate::pre::KNOWN;
use std::path::PathBuf;

/// Control tokens that end a turn in the families we know, whatever the file calls its end of sequence.
const ENDS_OF_TURN: [&str; 9] = [
    "<|im_end|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end_of_text|>",
    "<|endoftext|>",
    "<|end|>",
    "<end_of_turn>",
    "<|eot|>",
    "</s>",
];

/// Why a vocabulary can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenizerError {
    /// The way to cut words is not one we know.
    #[error("unknown pre-tokenizer `{pre}`; known are {KNOWN}")]
    UnknownPre {
        /// The name in the file.
        pre: String,
    },
    /// The file could not be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The file is not a tokenizer.
    #[error("`{}` is not a tokenizer: {detail}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The lists of a GGUF vocabulary do not fit together.
    #[error("the vocabulary is broken: {detail}")]
    Vocabulary {
        /// What is wrong.
        detail: String,
    },
    /// The `tokenizers` crate refuses the vocabulary.
    #[error("the vocabulary is refused: {source}")]
    Build {
        /// Its reason.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// What the constructors gather, checked and completed by [`Tokenizer::assemble`].
pub(crate) struct Parts {
    /// Knows every token that plain text may become; special tokens in text are plain text to it.
    pub(crate) inner: tokenizers::Tokenizer,
    pub(crate) alphabet: Alphabet,
    /// By id: the token as the vocabulary spells it, and whether it is literal text.
    pub(crate) spellings: Vec<Option<Spelling>>,
    pub(crate) control: Vec<ControlToken>,
    pub(crate) begin: Option<u32>,
    pub(crate) ends: Vec<u32>,
    pub(crate) unknown: Option<u32>,
    pub(crate) adds_begin: bool,
}

/// A token of plain text in a vocabulary file.
pub(crate) enum Spelling {
    /// In the vocabulary's alphabet.
    Alphabet(String),
    /// The text itself.
    Literal(String),
}

/// A vocabulary: text to ids and ids to bytes.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    /// By id; `None` for control tokens and unused ids.
    bytes: Vec<Option<Box<[u8]>>>,
    /// By byte: the token that is this byte alone.
    byte_tokens: Vec<Option<u32>>,
    control: ControlTokens,
    begin: Option<u32>,
    ends: Vec<u32>,
    unknown: Option<u32>,
    adds_begin: bool,
}

impl Tokenizer {
    pub(crate) fn assemble(parts: Parts) -> Result<Self, TokenizerError> {
        let Parts { mut inner, alphabet, spellings, control, begin, unknown, adds_begin, .. } = parts;
        if spellings.len() > VOCABULARY_TOKENS_MAX {
            let detail = format!("{} tokens, at most {VOCABULARY_TOKENS_MAX}", spellings.len());
            return Err(TokenizerError::Vocabulary { detail });
        }
        inner.set_encode_special_tokens(true);
        let bytes: Vec<Option<Box<[u8]>>> = spellings
            .into_iter()
            .map(|spelling| match spelling? {
                Spelling::Alphabet(text) => Some(alphabet.bytes(&text)),
                Spelling::Literal(text) => Some(text.into_bytes().into()),
            })
            .collect();
        let mut byte_tokens = vec![None; 256];
        for (id, token) in (0..).zip(&bytes) {
            if let Some([byte]) = token.as_deref() {
                byte_tokens[usize::from(*byte)].get_or_insert(id);
            }
        }
        let control = ControlTokens::new(control);
        let named = ENDS_OF_TURN.iter().filter_map(|name| control.id_of(name));
        let mut ends = Vec::new();
        for id in parts.ends.into_iter().chain(named) {
            if !ends.contains(&id) {
                ends.push(id);
            }
        }
        Ok(Self { inner, bytes, byte_tokens, control, begin, ends, unknown, adds_begin })
    }

    /// The ids of plain text. Special tokens in it are plain text, so no control token comes back.
    ///
    /// Bytes that the vocabulary can't write at all are dropped.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        if text.is_empty() {
            return Vec::new();
        }
        let encoding = self.inner.encode_fast(text, false);
        let Ok(encoding) = encoding else { return self.spell(text.as_bytes()) };
        let ids = encoding.get_ids();
        if ids.iter().all(|&id| self.is_text(id)) {
            return ids.to_vec();
        }
        let spelled = |&id: &u32| match self.control.text_of(id) {
            Some(text) if !self.is_text(id) => self.spell(text.as_bytes()),
            _ => vec![id],
        };
        ids.iter().flat_map(spelled).collect()
    }

    /// The ids of a template's own text: special tokens in it are recognised. Never give it a user's data.
    pub fn encode_template(&self, text: &str) -> Vec<u32> {
        let pieces = self.control.split(text).into_iter();
        pieces
            .flat_map(|piece| match piece {
                Piece::Control(id) => vec![id],
                Piece::Text(text) => self.encode(text),
            })
            .collect()
    }

    /// The bytes of a token; `None` for control tokens, unused ids and ids outside the vocabulary.
    pub fn token_bytes(&self, id: u32) -> Option<&[u8]> {
        self.bytes.get(id as usize)?.as_deref()
    }

    /// [`Tokenizer::token_bytes`] of every id, in order.
    pub fn vocabulary_bytes(&self) -> Vec<Option<Box<[u8]>>> {
        self.bytes.clone()
    }

    /// Ids there are: all ids are smaller.
    pub fn vocab_size(&self) -> usize {
        self.bytes.len()
    }

    /// Makes room for `vocab_size` ids, as the model's output has: the new ones mean nothing. Never shrinks.
    #[must_use]
    pub fn padded_to(mut self, vocab_size: usize) -> Self {
        let size = self.bytes.len().max(vocab_size);
        self.bytes.resize(size, None);
        self
    }

    /// States which ids begin and end a text, where the vocabulary's file does not. These ends come first.
    #[must_use]
    pub fn with_begin_and_ends(mut self, begin: Option<u32>, ends: &[u32]) -> Self {
        let mut all = ends.to_vec();
        all.extend(self.ends.iter().filter(|id| !ends.contains(id)));
        self.begin = begin.or(self.begin);
        self.ends = all;
        self
    }

    /// Ids that end an answer: end of sequence and end of turn; the file's own first.
    pub fn eos_ids(&self) -> &[u32] {
        &self.ends
    }

    /// The id that begins a text, if the vocabulary has one.
    pub fn bos_id(&self) -> Option<u32> {
        self.begin
    }

    /// Whether a text without a chat template starts with [`Tokenizer::bos_id`].
    pub fn adds_bos(&self) -> bool {
        self.adds_begin
    }

    /// The id of a token as the vocabulary spells it, such as `<|im_end|>` or `Ġthe`.
    pub fn id_of(&self, token: &str) -> Option<u32> {
        self.control.id_of(token).or_else(|| self.inner.token_to_id(token))
    }

    /// The text of a control token, such as `<|im_end|>`; `None` for tokens of plain text.
    pub fn control_text(&self, id: u32) -> Option<&str> {
        self.control.text_of(id)
    }

    /// The bytes of `ids`, one after another; control tokens have none. May end inside a character.
    pub fn decode_bytes(&self, ids: &[u32]) -> Vec<u8> {
        ids.iter().filter_map(|&id| self.token_bytes(id)).flatten().copied().collect()
    }

    /// Ids of single bytes.
    fn spell(&self, bytes: &[u8]) -> Vec<u32> {
        bytes.iter().filter_map(|&byte| self.byte_tokens[usize::from(byte)]).collect()
    }

    /// Whether plain text may become `id`. The unknown token stands for characters that have no other.
    fn is_text(&self, id: u32) -> bool {
        self.token_bytes(id).is_some() || self.unknown == Some(id)
    }
}
