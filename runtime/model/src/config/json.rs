//! `config.json` to a [`ModelConfig`].

use super::{ConfigError, ModelConfig, RawConfig};
use serde_json::{Map, Value};
use sgl_kernels::{Llama3Scaling, RotaryStyle};

impl ModelConfig {
    /// Reads the `config.json` of a `LlamaForCausalLM`.
    ///
    /// Only that class's own settings are looked at: it ignores all others, and so do we.
    ///
    /// Errors: another architecture, a missing key, a value that is not implemented.
    pub fn from_json(config: &Map<String, Value>) -> Result<Self, ConfigError> {
        let keys = Keys { fields: config };
        let class = config.get("architectures").and_then(|classes| classes[0].as_str());
        let class = class.unwrap_or("none");
        if class != "LlamaForCausalLM" {
            return Err(ConfigError::unsupported("architectures", &class, "LlamaForCausalLM"));
        }
        keys.must_be("model_type", &Value::from("llama"))?;
        keys.must_be("hidden_act", &Value::from("silu"))?;
        keys.must_be("attention_bias", &Value::from(false))?;
        keys.must_be("mlp_bias", &Value::from(false))?;
        keys.must_be("quantization_config", &Value::Null)?;
        let (rope_theta, rope_scaling) = keys.rope()?;
        RawConfig {
            layers: keys.required("num_hidden_layers")?,
            hidden: keys.required("hidden_size")?,
            feed_forward: keys.required("intermediate_size")?,
            heads: keys.required("num_attention_heads")?,
            kv_heads: keys.count("num_key_value_heads")?,
            head_dim: keys.count("head_dim")?,
            vocabulary: keys.required("vocab_size")?,
            context: keys.required("max_position_embeddings")?,
            rms_eps: keys.float("rms_norm_eps")?.ok_or_else(|| missing("rms_norm_eps"))?,
            rope_theta,
            rope_scaling,
            rotary: RotaryStyle::HalfSplit,
            tied_embeddings: config.get("tie_word_embeddings") == Some(&Value::from(true)),
        }
        .check()
    }
}

/// Typed access to one object.
struct Keys<'file> {
    fields: &'file Map<String, Value>,
}

impl<'file> Keys<'file> {
    /// The value, unless it is absent or null.
    fn get(&self, key: &str) -> Option<&'file Value> {
        self.fields.get(key).filter(|value| !value.is_null())
    }

    fn must_be(&self, key: &str, supported: &Value) -> Result<(), ConfigError> {
        match self.get(key) {
            Some(value) if value != supported => Err(ConfigError::unsupported(key, &value, &supported.to_string())),
            _ => Ok(()),
        }
    }

    fn count(&self, key: &str) -> Result<Option<u64>, ConfigError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        value.as_u64().map(Some).ok_or_else(|| ConfigError::invalid(key, &value, "a count"))
    }

    fn float(&self, key: &str) -> Result<Option<f64>, ConfigError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        value.as_f64().map(Some).ok_or_else(|| ConfigError::invalid(key, &value, "a number"))
    }

    fn required(&self, key: &str) -> Result<u64, ConfigError> {
        self.count(key)?.ok_or_else(|| missing(key))
    }

    fn required_float(&self, key: &str) -> Result<f32, ConfigError> {
        Ok(self.float(key)?.ok_or_else(|| missing(key))? as f32)
    }

    /// The base and the scaling of the rotary frequencies. Since version 5, transformers writes both into
    /// `rope_parameters`; before, the base was a key of its own and the rest was `rope_scaling`.
    fn rope(&self) -> Result<(f64, Option<Llama3Scaling>), ConfigError> {
        let key = if self.get("rope_parameters").is_some() { "rope_parameters" } else { "rope_scaling" };
        let empty = Map::new();
        let fields = match self.get(key) {
            None => &empty,
            Some(Value::Object(fields)) => fields,
            Some(other) => return Err(ConfigError::invalid(key, &other, "an object")),
        };
        let inner = Keys { fields };
        let theta = inner.float("rope_theta")?.or(self.float("rope_theta")?).unwrap_or(10_000.0);
        let kind = inner.fields.get("rope_type").or_else(|| inner.fields.get("type"));
        match kind.and_then(Value::as_str).unwrap_or("default") {
            "default" if kind.is_none() && fields.contains_key("factor") => {
                Err(ConfigError::Missing { key: format!("{key}.rope_type") })
            }
            "default" => Ok((theta, None)),
            "llama3" => {
                let original = inner.required("original_max_position_embeddings")?;
                let scaling = Llama3Scaling {
                    factor: inner.required_float("factor")?,
                    low_freq_factor: inner.required_float("low_freq_factor")?,
                    high_freq_factor: inner.required_float("high_freq_factor")?,
                    original_context: original as f32,
                };
                Ok((theta, Some(scaling)))
            }
            other => Err(ConfigError::unsupported(&format!("{key}.rope_type"), &other, "default, llama3")),
        }
    }
}

fn missing(key: &str) -> ConfigError {
    ConfigError::Missing { key: key.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn llama() -> Map<String, Value> {
        let config = json!({
            "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
            "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
            "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 320,
            "max_position_embeddings": 128, "rms_norm_eps": 1e-5, "rope_theta": 5000.0,
            "attention_bias": false, "tie_word_embeddings": true, "unrelated": [1, 2]
        });
        config.as_object().unwrap().clone()
    }

    #[test]
    fn a_llama_is_read() {
        let config = ModelConfig::from_json(&llama()).unwrap();
        assert_eq!((config.head_dim, config.kv_heads, config.rope_theta), (16, 2, 5000.0));
        assert!(config.tied_embeddings && config.rotary == RotaryStyle::HalfSplit);
    }

    #[test]
    fn rope_parameters_of_transformers_5_are_read() {
        let mut config = llama();
        config.remove("rope_theta");
        config.insert(
            "rope_parameters".into(),
            json!({"rope_type": "llama3", "rope_theta": 500000.0, "factor": 32.0, "low_freq_factor": 1.0,
                "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}),
        );
        let config = ModelConfig::from_json(&config).unwrap();
        assert_eq!(config.rope_theta, 500_000.0);
        assert_eq!(config.rope_scaling.unwrap().factor, 32.0);
    }

    #[test]
    fn whatever_would_change_the_result_is_refused_by_name() {
        let spoilers = [
            ("architectures", json!(["Qwen2ForCausalLM"])),
            ("attention_bias", json!(true)),
            ("mlp_bias", json!(true)),
            ("hidden_act", json!("gelu")),
            ("quantization_config", json!({"quant_method": "awq"})),
            ("rope_scaling", json!({"rope_type": "yarn", "factor": 4.0})),
        ];
        for (key, value) in spoilers {
            let mut config = llama();
            config.insert(key.into(), value);
            let message = ModelConfig::from_json(&config).unwrap_err().to_string();
            assert!(message.contains(key) && message.contains("not supported"), "{message}");
        }
    }
}
