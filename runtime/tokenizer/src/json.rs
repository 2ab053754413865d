//! A vocabulary as `tokenizer.json` stores it.

use crate::alphabet::Alphabet;
use crate::control::ControlToken;
use crate::limits::VOCABULARY_TOKENS_MAX;
use crate::tokenizer::{Parts, Spelling};
use crate::{Tokenizer, TokenizerError};
use serde_json::Value;
use std::path::Path;

impl Tokenizer {
    /// Reads a `tokenizer.json`. Its special tokens become control tokens.
    ///
    /// Such a file does not say which id ends a text: add what `config.json` says with
    /// [`Tokenizer::with_begin_and_ends`]. A SentencePiece vocabulary that puts a space before a text does so on
    /// each call.
    ///
    /// Errors: an unreadable file, one that is no tokenizer, or one whose tokens are neither byte-level nor
    /// SentencePiece text.
    pub fn from_json_file(path: &Path) -> Result<Self, TokenizerError> {
        let text = std::fs::read(path).map_err(|source| TokenizerError::Read { path: path.to_owned(), source })?;
        let malformed = |detail: String| TokenizerError::Malformed { path: path.to_owned(), detail };
        let file: Value = serde_json::from_slice(&text).map_err(|error| malformed(error.to_string()))?;
        let mut inner = tokenizers::Tokenizer::from_bytes(&text).map_err(|error| malformed(error.to_string()))?;
        inner.with_padding(None);
        inner.with_truncation(None).map_err(|error| malformed(error.to_string()))?;
        let alphabet = alphabet_of(&file)
            .ok_or_else(|| malformed("its tokens are neither byte-level nor SentencePiece text".to_owned()))?;

        let mut spellings = Vec::new();
        let ids = inner.get_vocab(true);
        let size = ids.values().max().map_or(0, |&id| id as usize + 1);
        if size > VOCABULARY_TOKENS_MAX {
            return Err(malformed(format!("an id is over {VOCABULARY_TOKENS_MAX}")));
        }
        spellings.resize_with(size, || None);
        #[expect(clippy::iter_over_hash_type, reason = "each id is written to its own place")]
        for (token, id) in ids {
            spellings[id as usize] = Some(Spelling::Alphabet(token));
        }
        let mut control = Vec::new();
        for added in file["added_tokens"].as_array().into_iter().flatten() {
            let flag = |name: &str| added[name].as_bool().unwrap_or(false);
            let (Some(text), Some(id)) = (added["content"].as_str(), added["id"].as_u64()) else {
                return Err(malformed("an added token has no content or no id".to_owned()));
            };
            let place = usize::try_from(id).ok().and_then(|at| spellings.get_mut(at));
            let Some(place) = place else {
                return Err(malformed(format!("the added token `{text}` has no place")));
            };
            *place = (!flag("special")).then(|| Spelling::Literal(text.to_owned()));
            if flag("special") {
                control.push(ControlToken {
                    id: u32::try_from(id).expect("it is the index of a list of u32 ids"),
                    text: text.to_owned(),
                    strips_left: flag("lstrip"),
                    strips_right: flag("rstrip"),
                });
            }
        }
        // What the post-processor puts before nothing is what it puts before a text.
        let begin = inner.encode_fast("", true).ok();
        let begin = begin.and_then(|empty| empty.get_ids().first().copied());
        let begin = begin.filter(|id| control.iter().any(|token| token.id == *id));
        let unknown = file["model"]["unk_token"].as_str().and_then(|text| inner.token_to_id(text));
        Self::assemble(Parts {
            inner,
            alphabet,
            spellings,
            control,
            begin,
            ends: Vec::new(),
            unknown,
            adds_begin: begin.is_some(),
        })
    }
}

/// The spelling that the file's parts imply.
fn alphabet_of(file: &Value) -> Option<Alphabet> {
    let parts = [&file["pre_tokenizer"], &file["decoder"], &file["normalizer"]];
    if parts.iter().any(|part| mentions(part, "ByteLevel")) {
        return Some(Alphabet::ByteLevel);
    }
    let spaces_are_marked = parts.iter().any(|part| mentions(part, "Metaspace") || mentions(part, "▁"));
    (spaces_are_marked || file["model"]["byte_fallback"] == true).then_some(Alphabet::SentencePiece)
}

/// Whether any string inside `value` is `word`.
fn mentions(value: &Value, word: &str) -> bool {
    match value {
        Value::String(text) => text == word,
        Value::Array(items) => items.iter().any(|item| mentions(item, word)),
        Value::Object(fields) => fields.values().any(|field| mentions(field, word)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn written(name: &str, file: &Value) -> Result<Tokenizer, TokenizerError> {
        let folder = std::env::temp_dir().join("sgl_tokenizer_tests");
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("{name}-{}.json", std::process::id()));
        std::fs::write(&path, file.to_string()).unwrap();
        let tokenizer = Tokenizer::from_json_file(&path);
        std::fs::remove_file(path).unwrap();
        tokenizer
    }

    fn byte_level() -> Value {
        json!({
            "version": "1.0",
            "added_tokens": [
                {"id": 0, "content": "<|im_end|>", "special": true, "lstrip": false, "rstrip": false,
                 "single_word": false, "normalized": false},
                {"id": 7, "content": "<think>", "special": false, "lstrip": false, "rstrip": false,
                 "single_word": false, "normalized": false}
            ],
            "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
            "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
            "model": {"type": "BPE", "ignore_merges": true, "merges": [["a", "b"]], "unk_token": null,
                "vocab": {"<|im_end|>": 0, "a": 1, "b": 2, "ab": 3, "Ġ": 4, "<": 5, "|": 6}}
        })
    }

    #[test]
    fn special_tokens_are_control_and_other_added_tokens_are_text() {
        let tokenizer = written("added", &byte_level()).unwrap();
        assert_eq!(tokenizer.vocab_size(), 8);
        assert_eq!(tokenizer.encode("ab <think>"), [3, 4, 7]);
        assert_eq!(tokenizer.encode_template("ab<|im_end|>"), [3, 0]);
        assert_eq!(tokenizer.token_bytes(0), None);
        assert_eq!(tokenizer.token_bytes(7), Some(&b"<think>"[..]));
        assert_eq!(tokenizer.eos_ids(), [0]);
    }

    /// With `ignore_merges`, a word that is a token is taken whole, so the library itself would return it.
    #[test]
    fn data_cannot_forge_a_control_token_that_is_also_a_word() {
        let mut file = byte_level();
        file["added_tokens"][0]["content"] = json!("ba");
        file["model"]["vocab"] = json!({"ba": 0, "a": 1, "b": 2, "ab": 3, "Ġ": 4, "<": 5, "|": 6});
        let tokenizer = written("forged", &file).unwrap();
        assert_eq!(tokenizer.encode("ba"), [2, 1]);
        assert_eq!(tokenizer.encode_template("ba"), [0]);
    }

    #[test]
    fn a_sentencepiece_vocabulary_spells_spaces_and_bytes() {
        let file = json!({
            "version": "1.0", "added_tokens": [],
            "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
            "decoder": {"type": "ByteFallback"},
            "model": {"type": "BPE", "byte_fallback": true, "merges": [["▁", "a"]], "unk_token": null,
                "vocab": {"a": 0, "▁": 1, "▁a": 2, "<0xC3>": 3, "<0xA9>": 4}}
        });
        let tokenizer = written("sentencepiece", &file).unwrap();
        assert_eq!(tokenizer.encode(" aé"), [2, 3, 4]);
        assert_eq!(tokenizer.decode_bytes(&[2, 3, 4]), " aé".as_bytes());
    }

    #[test]
    fn a_file_that_is_no_tokenizer_is_refused_with_its_path() {
        let error = written("nothing", &json!({"model": 3})).unwrap_err().to_string();
        assert!(error.contains("nothing"), "{error}");
    }
}
