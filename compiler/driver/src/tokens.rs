//! A model's tokens, without its weights being asked anything: what plans and constraints are counted in.

use crate::models::Store;
use anyhow::{Context, Result};
use sgl_constrain::Vocabulary;
use sgl_kernels::ThreadPool;
use sgl_tokenizer::{ChatTemplate, Tokenizer};
use std::path::Path;
use std::sync::Arc;

/// A model's tokens.
#[expect(missing_debug_implementations, reason = "tables of a whole vocabulary")]
pub struct Tokens {
    pub(crate) tokenizer: Tokenizer,
    template: Option<ChatTemplate>,
    pub(crate) vocabulary: Arc<Vocabulary>,
}

impl Tokens {
    /// Those of a model by name or path.
    ///
    /// # Errors
    /// A model that is not here and can't be fetched, or that can't be read.
    pub(crate) fn of(model: &str) -> Result<Self> {
        Self::load(&Store::of_user()?.resolve(model)?)
    }

    /// Those of a model's file or folder.
    ///
    /// # Errors
    /// A model that can't be read.
    pub fn load(path: &Path) -> Result<Self> {
        let loaded = sgl_model::load(path, &ThreadPool::new(1))
            .with_context(|| format!("can't load the model {}", path.display()))?;
        Ok(Self::new(loaded.tokenizer, loaded.template))
    }

    /// Those of a tokenizer and a chat template.
    pub fn new(tokenizer: Tokenizer, template: Option<ChatTemplate>) -> Self {
        let vocabulary = Arc::new(Vocabulary::new(tokenizer.vocabulary_bytes()));
        Self { tokenizer, template, vocabulary }
    }

    /// A token as text; what is no whole text is shown as the replacement character.
    pub(crate) fn shown(&self, token: u32) -> String {
        String::from_utf8_lossy(self.vocabulary.bytes(token).unwrap_or_default()).into_owned()
    }

    /// The tokens of a part of the chat template; none without a template, or where it has no such part.
    fn around(&self, part: impl FnOnce(&ChatTemplate) -> Option<String>) -> Vec<u32> {
        let text = self.template.as_ref().and_then(part).unwrap_or_default();
        self.tokenizer.encode_template(&text)
    }

    fn before(&self, role: &str, previous: Option<&str>) -> Vec<u32> {
        self.around(|template| template.opening(role, previous).map(str::to_string).ok())
    }

    fn after(&self, role: &str) -> Vec<u32> {
        self.around(|template| template.closing(role).map(str::to_string).ok())
    }
}

impl sgl_plan::Tokens for Tokens {
    fn text(&self, text: &str) -> u64 {
        self.tokenizer.encode(text).len() as u64
    }

    fn opening(&self, role: &str, previous: Option<&str>) -> u64 {
        self.before(role, previous).len() as u64
    }

    fn closing(&self, role: &str) -> u64 {
        self.after(role).len() as u64
    }

    fn hole_max(&self) -> u64 {
        u64::from(sgl_vm::RunOptions::default().max_tokens_default)
    }
}

impl sgl_plan::Encoder for Tokens {
    fn text(&self, text: &str) -> Vec<(u32, usize)> {
        let bytes = |token: &u32| self.tokenizer.token_bytes(*token).map_or(0, <[u8]>::len);
        self.tokenizer.encode(text).into_iter().map(|token| (token, bytes(&token))).collect()
    }

    fn opening(&self, role: &str, previous: Option<&str>) -> Vec<u32> {
        self.before(role, previous)
    }

    fn closing(&self, role: &str) -> Vec<u32> {
        self.after(role)
    }

    fn begin(&self) -> Option<u32> {
        self.tokenizer.bos_id().filter(|_| self.tokenizer.adds_bos())
    }
}
