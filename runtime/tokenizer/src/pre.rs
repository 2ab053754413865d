//! How text is cut into words before byte pairs are merged.
//!
//! GGUF names the way with one word, `tokenizer.ggml.pre`. A wrong cut gives other ids and a quietly worse model, so
//! a name that is not in the table is refused.

use crate::TokenizerError;
use tokenizers::normalizers::{NFC, NormalizerWrapper};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{PreTokenizerWrapper, SplitDelimiterBehavior};

/// Names that [`PreTokenization::named`] knows.
pub(crate) const KNOWN: &str = "gpt-2, smollm, starcoder, refact, llama-bpe, qwen2";

/// Llama 3 cuts numbers into groups of up to three digits.
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// Qwen 2 is as Llama 3, but each digit stands alone.
const QWEN2: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// What happens to text before byte pairs are merged.
#[derive(Debug)]
pub(crate) struct PreTokenization {
    pub(crate) normalizer: Option<NormalizerWrapper>,
    pub(crate) cut: PreTokenizerWrapper,
    /// A word that is itself a token is taken whole, even if no merges lead to it.
    pub(crate) ignore_merges: bool,
}

impl PreTokenization {
    /// The way that GGUF calls `name`.
    pub(crate) fn named(name: &str) -> Result<Self, TokenizerError> {
        let (normalizer, cut, ignore_merges) = match name {
            "gpt-2" | "gpt2" => (None, gpt2(), false),
            "smollm" | "starcoder" | "refact" => {
                let parts = vec![Digits::new(true).into(), gpt2()];
                (None, Sequence::new(parts).into(), false)
            }
            "llama-bpe" | "llama3" | "llama-v3" => (None, pattern(LLAMA3)?, true),
            "qwen2" => (Some(NFC.into()), pattern(QWEN2)?, false),
            _ => return Err(TokenizerError::UnknownPre { pre: name.to_owned() }),
        };
        Ok(Self { normalizer, cut, ignore_merges })
    }
}

fn gpt2() -> PreTokenizerWrapper {
    ByteLevel::new(false, true, true).into()
}

fn pattern(regex: &str) -> Result<PreTokenizerWrapper, TokenizerError> {
    let pattern = SplitPattern::Regex(regex.to_owned());
    let split = Split::new(pattern, SplitDelimiterBehavior::Isolated, false)
        .map_err(|source| TokenizerError::Build { source })?;
    let bytes = ByteLevel::new(false, true, false);
    Ok(Sequence::new(vec![split.into(), bytes.into()]).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokenizers::{OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer};

    fn words(name: &str, text: &str) -> Vec<String> {
        let mut cut = PreTokenizedString::from(text);
        PreTokenization::named(name).unwrap().cut.pre_tokenize(&mut cut).unwrap();
        let splits = cut.get_splits(OffsetReferential::Original, OffsetType::Byte);
        splits.into_iter().map(|(word, _, _)| word.to_owned()).collect()
    }

    #[test]
    fn each_known_name_cuts_numbers_its_own_way() {
        assert_eq!(words("gpt-2", "a 1234"), ["a", "Ġ1234"]);
        assert_eq!(words("smollm", "a 1234"), ["a", "Ġ", "1", "2", "3", "4"]);
        assert_eq!(words("llama-bpe", "a 1234"), ["a", "Ġ", "123", "4"]);
        assert_eq!(words("qwen2", "a 1234"), ["a", "Ġ", "1", "2", "3", "4"]);
    }

    #[test]
    fn an_unknown_name_is_refused_and_the_known_ones_are_listed() {
        let message = PreTokenization::named("dbrx").unwrap_err().to_string();
        assert!(message.contains("`dbrx`") && message.contains("smollm"), "{message}");
    }
}
