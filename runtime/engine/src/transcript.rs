//! Transcripts: text and turns to tokens.
//!
//! Text that is appended is kept as text until something needs tokens, so that pieces are tokenised together. The edge of a
//! turn and the end of a hole are hard boundaries.

use rustc_hash::FxHashMap;
use sgl_constrain::Vocabulary;
use sgl_protocol::{ModelError, Role};
use sgl_tokenizer::{ChatTemplate, Tokenizer};
use std::sync::Arc;

/// Longest text whose tokens are remembered, in bytes: what branches repeat is short, or is shared already.
const REMEMBERED_BYTES_MAX: usize = 4_096;
/// Texts that are remembered.
const REMEMBERED_MAX: usize = 1_024;

/// What turns text into tokens.
#[derive(Debug)]
pub(crate) struct Writing {
    pub(crate) tokenizer: Tokenizer,
    pub(crate) template: Option<ChatTemplate>,
    pub(crate) vocabulary: Arc<Vocabulary>,
    /// Tokens of text, and those that end a turn, as bits.
    pub(crate) usual: Arc<[u64]>,
    /// Tokens of text only.
    pub(crate) endless: Arc<[u64]>,
    remembered: FxHashMap<String, Vec<u32>>,
}

impl Writing {
    pub(crate) fn new(tokenizer: Tokenizer, template: Option<ChatTemplate>) -> Self {
        let vocabulary = Arc::new(Vocabulary::new(tokenizer.vocabulary_bytes()));
        let mut usual = vec![0u64; tokenizer.vocab_size().div_ceil(64)];
        let text =
            (0..tokenizer.vocab_size() as u32).filter(|id| tokenizer.token_bytes(*id).is_some_and(|b| !b.is_empty()));
        for id in text {
            usual[id as usize / 64] |= 1 << (id % 64);
        }
        let mut endless = usual.clone();
        for id in tokenizer.eos_ids() {
            usual[*id as usize / 64] |= 1 << (id % 64);
            endless[*id as usize / 64] &= !(1 << (id % 64));
        }
        Self {
            tokenizer,
            template,
            vocabulary,
            usual: usual.into(),
            endless: endless.into(),
            remembered: FxHashMap::default(),
        }
    }

    /// The tokens of plain text.
    pub(crate) fn encode(&mut self, text: &str) -> Vec<u32> {
        if let Some(tokens) = self.remembered.get(text) {
            return tokens.clone();
        }
        let tokens = self.tokenizer.encode(text);
        if text.len() <= REMEMBERED_BYTES_MAX {
            if self.remembered.len() >= REMEMBERED_MAX {
                self.remembered.clear();
            }
            self.remembered.insert(text.to_string(), tokens.clone());
        }
        tokens
    }

    /// The token that a transcript without turns begins with.
    fn begin(&self) -> Option<u32> {
        self.tokenizer.bos_id().filter(|_| self.tokenizer.adds_bos())
    }

    /// What an empty transcript is, where a model must read something before it can score: the token that begins a text, or
    /// one that ends it.
    pub(crate) fn nothing(&self) -> Option<u32> {
        self.tokenizer.bos_id().or_else(|| self.tokenizer.eos_ids().first().copied())
    }
}

/// A transcript.
#[derive(Clone, Debug, Default)]
pub(crate) struct Transcript {
    /// Its tokens, but for `pending`.
    tokens: Vec<u32>,
    /// Text at its end that has no tokens yet.
    pending: String,
    /// Whose turn is open.
    role: Option<String>,
    previous: Option<String>,
    /// What was wrong with a command that has no answer of its own; the next request gets it.
    fault: Option<ModelError>,
}

/// A transcript as tokens, ready for a hole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prompt {
    /// All tokens.
    pub(crate) tokens: Vec<u32>,
    /// How many of them, at the end, are of text that was tokenised just now.
    pub(crate) run: usize,
    /// That text.
    pub(crate) text: String,
}

impl Transcript {
    pub(crate) fn append(&mut self, text: &str) {
        self.pending.push_str(text);
    }

    /// Gives the text at the end its tokens.
    fn settle(&mut self, writing: &mut Writing) {
        if self.tokens.is_empty() && (self.role.is_none() && self.previous.is_none()) {
            self.tokens.extend(writing.begin());
        }
        let text = std::mem::take(&mut self.pending);
        if !text.is_empty() {
            self.tokens.extend(writing.encode(&text));
        }
    }

    pub(crate) fn open_role(&mut self, role: &Role, writing: &mut Writing) {
        let name = role.name();
        if self.role.is_some() {
            return self.fail(ModelError::Invalid(format!("the turn of {name} begins inside another turn")));
        }
        if !(self.tokens.is_empty() && self.pending.is_empty()) {
            self.settle(writing);
        }
        let Some(template) = &writing.template else {
            return self
                .fail(ModelError::Template("this model has no chat template: write text outside of turns".into()));
        };
        match template.opening(name, self.previous.as_deref()) {
            Ok(opening) => self.tokens.extend(writing.tokenizer.encode_template(opening)),
            Err(error) => return self.fail(ModelError::Template(error.to_string())),
        }
        self.role = Some(name.to_string());
    }

    pub(crate) fn close_role(&mut self, writing: &mut Writing) {
        self.settle(writing);
        let Some(role) = self.role.take() else {
            return self.fail(ModelError::Invalid("a turn is closed that was never opened".into()));
        };
        let closing = writing.template.as_ref().map(|template| template.closing(&role));
        match closing {
            Some(Ok(closing)) => self.tokens.extend(writing.tokenizer.encode_template(closing)),
            Some(Err(error)) => self.fail(ModelError::Template(error.to_string())),
            None => {}
        }
        self.previous = Some(role);
    }

    /// Its tokens, but for text at its end that has none yet.
    pub(crate) fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    pub(crate) fn fail(&mut self, error: ModelError) {
        self.fault.get_or_insert(error);
    }

    /// The transcript as tokens, the last run apart.
    ///
    /// # Errors
    /// What was wrong with an earlier command.
    pub(crate) fn prompt(&mut self, writing: &mut Writing) -> Result<Prompt, ModelError> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        if self.tokens.is_empty() && self.role.is_none() && self.previous.is_none() {
            self.tokens.extend(writing.begin());
        }
        let run = writing.encode(&self.pending);
        let tokens = [self.tokens.as_slice(), &run].concat();
        Ok(Prompt { tokens, run: run.len(), text: self.pending.clone() })
    }

    /// A hole was filled: `tokens` are the whole transcript now, `rest` is text after them.
    pub(crate) fn filled(&mut self, tokens: Vec<u32>, rest: String) {
        self.tokens = tokens;
        self.pending = rest;
    }
}
