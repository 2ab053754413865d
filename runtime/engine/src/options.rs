//! Options of an engine.

use sgl_kernels::KvFormat;

/// Bytes of keys and values where the number of slots is left to the engine.
pub(crate) const CACHE_BYTES_DEFAULT: usize = 1 << 30;
/// Most slots where their number is left to the engine.
pub(crate) const SLOTS_DEFAULT_MAX: usize = 1 << 16;

/// Options of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineOptions {
    /// Threads that compute.
    pub threads: usize,
    /// Tokens whose keys and values are kept; none takes what fits one GiB, at least the model's context.
    pub slots: Option<usize>,
    /// Most tokens of one forward pass: decoding and chunks of prompts together.
    pub token_budget: usize,
    /// Whether transcripts share what they have in common. Off is for comparison: the text is the same.
    pub radix_cache: bool,
    /// How keys and values are stored.
    pub kv_format: KvFormat,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self { threads: 1, slots: None, token_budget: 512, radix_cache: true, kv_format: KvFormat::F16 }
    }
}
