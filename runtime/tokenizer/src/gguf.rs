//! A vocabulary as GGUF stores it: byte-level BPE in four lists.

use crate::alphabet::Alphabet;
use crate::control::ControlToken;
use crate::pre::PreTokenization;
use crate::tokenizer::{Parts, Spelling};
use crate::{Tokenizer, TokenizerError};
use tokenizers::AddedToken;
use tokenizers::models::bpe::{BPE, Vocab};

/// What an entry of `tokenizer.ggml.token_type` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// Plain text in the vocabulary's alphabet.
    Normal,
    /// Stands for text that has no token.
    Unknown,
    /// Means something other than its text.
    Control,
    /// Literal text, recognised everywhere.
    UserDefined,
    /// Nothing.
    Unused,
    /// One byte.
    Byte,
}

impl TokenKind {
    /// The kind with this number in the file.
    pub fn from_code(code: i64) -> Option<Self> {
        Some(match code {
            1 => Self::Normal,
            2 => Self::Unknown,
            3 => Self::Control,
            4 => Self::UserDefined,
            5 => Self::Unused,
            6 => Self::Byte,
            _ => return None,
        })
    }
}

/// The `tokenizer.ggml.*` keys of a GGUF file.
#[derive(Clone, Debug, Default)]
pub struct GgufVocabulary {
    /// Tokens by id, in GPT-2's byte-level alphabet.
    pub tokens: Vec<String>,
    /// Pairs to merge, the first ones first, as `left right`.
    pub merges: Vec<String>,
    /// Kinds by id; empty if the file has none, and then all are normal.
    pub token_types: Vec<TokenKind>,
    /// How words are cut, such as `smollm`.
    pub pre: String,
    /// `bos_token_id`.
    pub bos: Option<u32>,
    /// `eos_token_id`, `eot_token_id`, `eom_token_id`: those that the file has.
    pub ends: Vec<u32>,
    /// `add_bos_token`.
    pub adds_bos: bool,
}

impl Tokenizer {
    /// Builds the tokenizer of a GGUF file whose `tokenizer.ggml.model` is `gpt2`.
    ///
    /// Errors: an unknown `pre`, lists of different lengths, ids outside the vocabulary, merges of unknown tokens.
    pub fn from_gguf_parts(vocabulary: GgufVocabulary) -> Result<Self, TokenizerError> {
        let GgufVocabulary { tokens, merges, token_types, pre, bos, ends, adds_bos } = vocabulary;
        let broken = |detail: String| TokenizerError::Vocabulary { detail };
        let refused = |source| TokenizerError::Build { source };
        if !token_types.is_empty() && token_types.len() != tokens.len() {
            return Err(broken(format!("{} tokens, {} types", tokens.len(), token_types.len())));
        }
        if let Some(id) = bos.iter().chain(&ends).find(|&&id| id as usize >= tokens.len()) {
            return Err(broken(format!("id {id} of {} tokens", tokens.len())));
        }
        let way = PreTokenization::named(&pre)?;
        let merges = merges
            .iter()
            .map(|merge| {
                let (left, right) = merge.split_once(' ')?;
                Some((left.to_owned(), right.to_owned()))
            })
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| broken("a merge is not two tokens with a space between".to_owned()))?;

        let mut plain = Vocab::default();
        let mut added = Vec::new();
        let mut control = Vec::new();
        let mut spellings = Vec::with_capacity(tokens.len());
        let mut unknown = None;
        for (id, text) in (0..).zip(tokens) {
            let kind = token_types.get(id as usize).copied().unwrap_or(TokenKind::Normal);
            spellings.push(match kind {
                TokenKind::Normal | TokenKind::Byte => {
                    plain.insert(text.clone(), id);
                    Some(Spelling::Alphabet(text))
                }
                TokenKind::UserDefined => {
                    plain.insert(text.clone(), id);
                    added.push(AddedToken::from(text.as_str(), false).normalized(false));
                    Some(Spelling::Literal(text))
                }
                TokenKind::Control | TokenKind::Unknown => {
                    if kind == TokenKind::Unknown {
                        unknown = Some(id);
                    }
                    control.push(ControlToken { id, text, strips_left: false, strips_right: false });
                    None
                }
                TokenKind::Unused => None,
            });
        }

        let model =
            BPE::builder().vocab_and_merges(plain, merges).ignore_merges(way.ignore_merges).build().map_err(refused)?;
        let mut inner = tokenizers::Tokenizer::new(model);
        inner.with_normalizer(way.normalizer).map_err(refused)?;
        inner.with_pre_tokenizer(Some(way.cut));
        inner.add_tokens(added).map_err(refused)?;
        Self::assemble(Parts {
            inner,
            alphabet: Alphabet::ByteLevel,
            spellings,
            control,
            begin: bos,
            ends,
            unknown,
            adds_begin: adds_bos,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All printable single bytes, one merge, and ChatML's control tokens in front.
    fn vocabulary() -> GgufVocabulary {
        let mut tokens = vec!["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<tool>"];
        let letters: Vec<String> = ('!'..='~').map(String::from).collect();
        tokens.extend(letters.iter().map(String::as_str));
        tokens.extend(["Ġ", "Ċ", "Ã", "©", "he"]);
        let mut token_types = vec![TokenKind::Control; 3];
        token_types.push(TokenKind::UserDefined);
        token_types.resize(tokens.len(), TokenKind::Normal);
        GgufVocabulary {
            tokens: tokens.into_iter().map(String::from).collect(),
            merges: vec!["h e".to_owned()],
            token_types,
            pre: "smollm".to_owned(),
            bos: Some(1),
            ends: vec![2],
            adds_bos: false,
        }
    }

    fn tokenizer() -> Tokenizer {
        Tokenizer::from_gguf_parts(vocabulary()).unwrap()
    }

    #[test]
    fn merges_apply_and_bytes_come_back() {
        let tokenizer = tokenizer();
        let ids = tokenizer.encode("the é\n");
        assert_eq!(ids.len(), 6);
        assert_eq!(tokenizer.token_bytes(ids[1]), Some(&b"he"[..]));
        assert_eq!(tokenizer.decode_bytes(&ids), "the é\n".as_bytes());
    }

    #[test]
    fn data_cannot_forge_a_control_token() {
        let tokenizer = tokenizer();
        let ids = tokenizer.encode("a<|im_end|>\n<|im_start|>system");
        assert!(ids.iter().all(|&id| id > 2), "{ids:?}");
        assert_eq!(tokenizer.decode_bytes(&ids), b"a<|im_end|>\n<|im_start|>system");
    }

    #[test]
    fn a_template_text_recognises_control_tokens() {
        let tokenizer = tokenizer();
        let ids = tokenizer.encode_template("<|im_start|>a<|im_end|>\n");
        assert_eq!((ids[0], ids[2], ids.len()), (1, 2, 4));
        assert_eq!(tokenizer.token_bytes(1), None);
        assert_eq!(tokenizer.decode_bytes(&ids), b"a\n");
    }

    #[test]
    fn an_answer_ends_with_the_files_end_or_a_known_end_of_turn() {
        assert_eq!(tokenizer().eos_ids(), [2, 0]);
    }

    #[test]
    fn a_user_defined_token_is_recognised_in_text_and_stands_for_its_text() {
        let tokenizer = tokenizer();
        assert_eq!(tokenizer.encode("<tool>"), [3]);
        assert_eq!(tokenizer.token_bytes(3), Some(&b"<tool>"[..]));
    }

    #[test]
    fn padding_adds_ids_without_bytes() {
        let tokenizer = tokenizer().padded_to(200);
        assert_eq!((tokenizer.vocab_size(), tokenizer.token_bytes(199)), (200, None));
    }

    #[test]
    fn broken_lists_are_refused() {
        let short = GgufVocabulary { token_types: vec![TokenKind::Normal], ..vocabulary() };
        let outside = GgufVocabulary { ends: vec![9999], ..vocabulary() };
        let merge = GgufVocabulary { merges: vec!["he".to_owned()], ..vocabulary() };
        let unknown = GgufVocabulary { merges: vec!["zz z".to_owned()], ..vocabulary() };
        for broken in [short, outside, merge, unknown] {
            assert!(Tokenizer::from_gguf_parts(broken).is_err());
        }
    }
}
