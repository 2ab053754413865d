//! What the numbers of a checkpoint mean.
//!
//! Two spellings, `config.json` and GGUF's keys, are read into one raw form and checked once; the rest of the crate
//! sees only the checked [`ModelConfig`].

mod gguf;
mod json;

use crate::limits::{DIMENSION_MAX, LAYERS_MAX};
use sgl_kernels::{Llama3Scaling, RotaryStyle};

/// Why a configuration can't be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A setting that we need is not there.
    #[error("`{key}` is missing")]
    Missing {
        /// Its name in the file.
        key: String,
    },
    /// A setting has a value that makes no sense.
    #[error("`{key}` is {value}; it must be {expected}")]
    Invalid {
        /// Its name in the file.
        key: String,
        /// What it is.
        value: String,
        /// What it may be.
        expected: String,
    },
    /// A setting makes sense, but this engine does not implement it.
    #[error("`{key}` is {value}, which is not supported; supported is {supported}")]
    Unsupported {
        /// Its name in the file.
        key: String,
        /// What it is.
        value: String,
        /// What it may be.
        supported: String,
    },
}

impl ConfigError {
    pub(crate) fn invalid(key: &str, value: &impl ToString, expected: &str) -> Self {
        Self::Invalid { key: key.into(), value: value.to_string(), expected: expected.into() }
    }

    pub(crate) fn unsupported(key: &str, value: &impl ToString, supported: &str) -> Self {
        Self::Unsupported { key: key.into(), value: value.to_string(), supported: supported.into() }
    }
}

/// A transformer of the Llama family, checked: all sizes are positive and fit each other.
#[derive(Clone, Debug)]
pub struct ModelConfig {
    /// Blocks of attention and feed-forward.
    pub layers: usize,
    /// Numbers in the residual stream.
    pub hidden: usize,
    /// Numbers inside a feed-forward block.
    pub feed_forward: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; divides `heads`.
    pub kv_heads: usize,
    /// Numbers in a head; even.
    pub head_dim: usize,
    /// Rows of the embedding and of the output: token ids are smaller.
    pub vocabulary: usize,
    /// Positions the model was trained for: positions are smaller.
    pub context: usize,
    /// Inside the root of each normalization.
    pub rms_eps: f32,
    /// Base of the rotary frequencies.
    pub rope_theta: f32,
    /// Llama 3's stretching of the low frequencies.
    pub rope_scaling: Option<Llama3Scaling>,
    /// Which numbers of a head turn together; differs by container, because GGUF permutes the rows of q and k.
    pub rotary: RotaryStyle,
    /// Whether the output is the embedding.
    pub tied_embeddings: bool,
}

/// What both spellings say, unchecked.
struct RawConfig {
    layers: u64,
    hidden: u64,
    feed_forward: u64,
    heads: u64,
    kv_heads: Option<u64>,
    head_dim: Option<u64>,
    vocabulary: u64,
    context: u64,
    rms_eps: f64,
    rope_theta: f64,
    rope_scaling: Option<Llama3Scaling>,
    rotary: RotaryStyle,
    tied_embeddings: bool,
}

impl RawConfig {
    fn check(self) -> Result<ModelConfig, ConfigError> {
        let size = |key: &str, value: u64, max: usize| match usize::try_from(value) {
            Ok(size) if (1..=max).contains(&size) => Ok(size),
            _ => Err(ConfigError::invalid(key, &value, &format!("from 1 to {max}"))),
        };
        let positive = |key: &str, value: f64| {
            let fine = value.is_finite() && value > 0.0;
            if fine { Ok(value as f32) } else { Err(ConfigError::invalid(key, &value, "positive")) }
        };
        let layers = size("number of layers", self.layers, LAYERS_MAX)?;
        let hidden = size("hidden size", self.hidden, DIMENSION_MAX)?;
        let heads = size("number of attention heads", self.heads, DIMENSION_MAX)?;
        let kv_heads = self.kv_heads.unwrap_or(self.heads);
        let kv_heads = size("number of key-value heads", kv_heads, DIMENSION_MAX)?;
        if !heads.is_multiple_of(kv_heads) {
            let expected = format!("a divisor of the {heads} attention heads");
            return Err(ConfigError::invalid("number of key-value heads", &kv_heads, &expected));
        }
        let head_dim = match self.head_dim {
            Some(head_dim) => size("head size", head_dim, DIMENSION_MAX)?,
            None if hidden.is_multiple_of(heads) => hidden / heads,
            None => {
                let expected = format!("a multiple of the {heads} attention heads");
                return Err(ConfigError::invalid("hidden size", &hidden, &expected));
            }
        };
        if !head_dim.is_multiple_of(2) {
            return Err(ConfigError::invalid("head size", &head_dim, "even"));
        }
        Ok(ModelConfig {
            layers,
            hidden,
            feed_forward: size("feed-forward size", self.feed_forward, DIMENSION_MAX)?,
            heads,
            kv_heads,
            head_dim,
            vocabulary: size("vocabulary size", self.vocabulary, DIMENSION_MAX)?,
            context: size("context length", self.context, DIMENSION_MAX)?,
            rms_eps: positive("rms epsilon", self.rms_eps)?,
            rope_theta: positive("rope theta", self.rope_theta)?,
            rope_scaling: self.rope_scaling,
            rotary: self.rotary,
            tied_embeddings: self.tied_embeddings,
        })
    }
}
