//! GGUF's keys to a [`ModelConfig`].

use super::{ConfigError, ModelConfig, RawConfig};
use crate::gguf::{Gguf, Value};
use sgl_kernels::RotaryStyle;

/// Keys of the `llama` architecture that we read, or that change nothing.
const KNOWN: [&str; 20] = [
    "block_count",
    "context_length",
    "embedding_length",
    "feed_forward_length",
    "vocab_size",
    "tensor_data_layout",
    "attention.head_count",
    "attention.head_count_kv",
    "attention.key_length",
    "attention.value_length",
    "attention.layer_norm_rms_epsilon",
    "attention.causal",
    "rope.freq_base",
    "rope.dimension_count",
    "rope.scaling.type",
    "rope.scaling.original_context_length",
    "rope.scaling.finetuned",
    "expert_count",
    "expert_used_count",
    "pooling_type",
];

impl ModelConfig {
    /// Reads the configuration of a GGUF file of architecture `llama`.
    ///
    /// Errors: another architecture, a missing key, a value that is not implemented, and any `llama.*` key that is
    /// not known, because it might change the result.
    pub fn from_gguf(gguf: &Gguf) -> Result<Self, ConfigError> {
        let keys = Keys { gguf };
        let architecture = keys.text("general.architecture")?.unwrap_or("none");
        if architecture != "llama" {
            return Err(ConfigError::unsupported("general.architecture", &architecture, "llama"));
        }
        keys.refuse_unknown()?;
        let layers = keys.required("block_count")?;
        let hidden = keys.required("embedding_length")?;
        let heads = keys.required("attention.head_count")?;
        let head_dim = keys.count("attention.key_length")?;
        let head_size = head_dim.unwrap_or(hidden / heads.max(1));
        keys.must_be("attention.value_length", head_size)?;
        keys.must_be("rope.dimension_count", head_size)?;
        keys.must_be("expert_count", 0)?;
        let scaling = keys.text("llama.rope.scaling.type")?.unwrap_or("none");
        if scaling != "none" {
            return Err(ConfigError::unsupported("llama.rope.scaling.type", &scaling, "none"));
        }
        if gguf.tensors.contains_key("rope_freqs.weight") {
            let supported = "a file without it: convert from safetensors, or load those";
            return Err(ConfigError::unsupported("rope_freqs.weight", &"present", supported));
        }
        let embedding = gguf.tensors.get("token_embd.weight");
        let rows = embedding.and_then(|tensor| tensor.shape.first()).copied().unwrap_or(0) as u64;
        RawConfig {
            layers,
            hidden,
            feed_forward: keys.required("feed_forward_length")?,
            heads,
            kv_heads: keys.count("attention.head_count_kv")?,
            head_dim,
            vocabulary: keys.count("vocab_size")?.unwrap_or(rows),
            context: keys.required("context_length")?,
            rms_eps: keys
                .float("attention.layer_norm_rms_epsilon")?
                .ok_or_else(|| missing("attention.layer_norm_rms_epsilon"))?,
            // llama.cpp's default, for files older than the key.
            rope_theta: keys.float("rope.freq_base")?.unwrap_or(10_000.0),
            rope_scaling: None,
            rotary: RotaryStyle::Interleaved,
            tied_embeddings: !gguf.tensors.contains_key("output.weight"),
        }
        .check()
    }
}

/// Typed access to the metadata; short names get the architecture in front.
struct Keys<'file> {
    gguf: &'file Gguf,
}

impl Keys<'_> {
    fn refuse_unknown(&self) -> Result<(), ConfigError> {
        let ours = self
            .gguf
            .metadata
            .iter()
            .filter_map(|(key, value)| key.strip_prefix("llama.").map(|short| (key, short, value)));
        for (key, short, value) in ours {
            if !KNOWN.contains(&short) {
                return Err(ConfigError::unsupported(key, &format!("{value:?}"), "a file without it"));
            }
        }
        Ok(())
    }

    fn text(&self, key: &str) -> Result<Option<&str>, ConfigError> {
        typed(key, self.gguf.metadata.get(key), Value::as_text, "a string")
    }

    fn count(&self, short: &str) -> Result<Option<u64>, ConfigError> {
        let key = format!("llama.{short}");
        typed(&key, self.gguf.metadata.get(&key), Value::as_count, "a count")
    }

    fn float(&self, short: &str) -> Result<Option<f64>, ConfigError> {
        let key = format!("llama.{short}");
        typed(&key, self.gguf.metadata.get(&key), Value::as_float, "a float")
    }

    fn required(&self, short: &str) -> Result<u64, ConfigError> {
        self.count(short)?.ok_or_else(|| missing(short))
    }

    fn must_be(&self, short: &str, supported: u64) -> Result<(), ConfigError> {
        match self.count(short)? {
            Some(value) if value != supported => {
                Err(ConfigError::unsupported(&format!("llama.{short}"), &value, &supported.to_string()))
            }
            _ => Ok(()),
        }
    }
}

fn missing(short: &str) -> ConfigError {
    ConfigError::Missing { key: format!("llama.{short}") }
}

fn typed<'file, T>(
    key: &str,
    value: Option<&'file Value>,
    read: impl Fn(&'file Value) -> Option<T>,
    expected: &str,
) -> Result<Option<T>, ConfigError> {
    let Some(value) = value else { return Ok(None) };
    match read(value) {
        Some(read) => Ok(Some(read)),
        None => Err(ConfigError::invalid(key, &format!("{value:?}"), expected)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use indexmap::IndexMap;

    fn smollm2() -> Gguf {
        let metadata = [
            ("general.architecture", Value::Text("llama".into())),
            ("llama.block_count", Value::Unsigned(30)),
            ("llama.context_length", Value::Unsigned(8192)),
            ("llama.embedding_length", Value::Unsigned(576)),
            ("llama.feed_forward_length", Value::Unsigned(1536)),
            ("llama.attention.head_count", Value::Unsigned(9)),
            ("llama.attention.head_count_kv", Value::Unsigned(3)),
            ("llama.rope.freq_base", Value::Float(100_000.0)),
            ("llama.attention.layer_norm_rms_epsilon", Value::Float(1e-5)),
            ("llama.vocab_size", Value::Unsigned(49152)),
            ("llama.rope.dimension_count", Value::Unsigned(64)),
        ];
        let metadata = metadata.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        Gguf { metadata, tensors: IndexMap::new() }
    }

    #[test]
    fn the_keys_of_smollm2_make_its_configuration() {
        let config = ModelConfig::from_gguf(&smollm2()).unwrap();
        assert_eq!((config.layers, config.heads, config.kv_heads, config.head_dim), (30, 9, 3, 64));
        assert!(config.tied_embeddings && config.rotary == RotaryStyle::Interleaved);
    }

    #[test]
    fn whatever_would_change_the_result_is_refused_by_name() {
        let spoilers = [
            ("general.architecture", Value::Text("qwen2".into())),
            ("llama.expert_count", Value::Unsigned(8)),
            ("llama.rope.scaling.type", Value::Text("yarn".into())),
            ("llama.rope.dimension_count", Value::Unsigned(32)),
            ("llama.attention.sliding_window", Value::Unsigned(4096)),
        ];
        for (key, value) in spoilers {
            let mut gguf = smollm2();
            gguf.metadata.insert(key.to_owned(), value);
            let message = ModelConfig::from_gguf(&gguf).unwrap_err().to_string();
            assert!(message.contains(key) && message.contains("not supported"), "{message}");
        }
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        for (key, value) in [("head_count_kv", 2), ("head_count", 7), ("head_count", 0)] {
            let mut gguf = smollm2();
            gguf.metadata.insert(format!("llama.attention.{key}"), Value::Unsigned(value));
            assert!(ModelConfig::from_gguf(&gguf).is_err(), "{key} = {value}");
        }
    }

    #[test]
    fn a_missing_key_is_named() {
        let mut gguf = smollm2();
        gguf.metadata.swap_remove("llama.block_count");
        let error = ModelConfig::from_gguf(&gguf).unwrap_err();
        assert_eq!(error, ConfigError::Missing { key: "llama.block_count".into() });
    }
}
