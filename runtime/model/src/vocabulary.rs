//! The tokenizer's keys of a GGUF file.

use crate::config::ConfigError;
use crate::gguf::{Gguf, Value};
use sgl_tokenizer::{GgufVocabulary, TokenKind};

const MODEL: &str = "tokenizer.ggml.model";

/// Takes the vocabulary out of the metadata.
pub(crate) fn of_gguf(gguf: &mut Gguf) -> Result<GgufVocabulary, ConfigError> {
    let model = gguf.metadata.get(MODEL).and_then(Value::as_text).unwrap_or("none");
    if model != "gpt2" {
        return Err(ConfigError::unsupported(MODEL, &model, "gpt2"));
    }
    let pre = gguf.metadata.get("tokenizer.ggml.pre").and_then(Value::as_text);
    let pre = pre.ok_or(ConfigError::Missing { key: "tokenizer.ggml.pre".into() })?.to_owned();
    let id = |name: &str| {
        let value = gguf.metadata.get(&format!("tokenizer.ggml.{name}_token_id"))?;
        u32::try_from(value.as_count()?).ok()
    };
    let ends = ["eos", "eot", "eom"].into_iter().filter_map(id).collect();
    let bos = id("bos");
    let adds_bos = gguf.metadata.get("tokenizer.ggml.add_bos_token").and_then(Value::as_flag);
    Ok(GgufVocabulary {
        pre,
        bos,
        ends,
        adds_bos: adds_bos.unwrap_or(false),
        tokens: texts(gguf, "tokenizer.ggml.tokens")?,
        merges: texts(gguf, "tokenizer.ggml.merges")?,
        token_types: kinds(gguf)?,
    })
}

/// Moves a list of strings out.
fn texts(gguf: &mut Gguf, key: &str) -> Result<Vec<String>, ConfigError> {
    let Some(Value::List(items)) = gguf.metadata.swap_remove(key) else {
        return Err(ConfigError::Missing { key: key.into() });
    };
    let text = |item| match item {
        Value::Text(text) => Ok(text),
        other => Err(ConfigError::invalid(key, &format!("{other:?}"), "a list of strings")),
    };
    items.into_iter().map(text).collect()
}

fn kinds(gguf: &Gguf) -> Result<Vec<TokenKind>, ConfigError> {
    let key = "tokenizer.ggml.token_type";
    let Some(Value::List(items)) = gguf.metadata.get(key) else { return Ok(Vec::new()) };
    let kind = |item: &Value| {
        let kind = item.as_integer().and_then(TokenKind::from_code);
        kind.ok_or_else(|| ConfigError::invalid(key, &format!("{item:?}"), "1 to 6"))
    };
    items.iter().map(kind).collect()
}
