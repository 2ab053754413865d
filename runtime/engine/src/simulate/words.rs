//! A vocabulary that is small and has what real ones have: merges, letters of two bytes, control tokens, a chat template.

use crate::transcript::Writing;
use sgl_tokenizer::{ChatTemplate, GgufVocabulary, TokenKind, Tokenizer};

const TEMPLATE: &str = "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}\
    {% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

/// Printable characters, two-byte letters, merges of English, and ChatML's control tokens.
pub(crate) fn tokenizer() -> Tokenizer {
    let mut tokens: Vec<String> = (b'!'..=b'~').map(|byte| char::from(byte).to_string()).collect();
    // Space, newline, and the bytes of `é` (c3 a9) and `è` (c3 a8) in GPT-2's alphabet.
    tokens.extend(["Ġ", "Ċ", "Ã", "©", "¨"].map(String::from));
    let merges = [
        "t h", "th e", "Ġ t", "Ġ a", "i n", "e r", "o n", "Ġ the", "1 2", "12 3", "a b", "ab c", "Ċ Ċ", ". Ġ", "\" ,",
        "Ġ \"",
    ];
    for merge in merges {
        tokens.push(merge.replace(' ', ""));
    }
    let text = tokens.len();
    tokens.extend(["<|endoftext|>", "<|im_start|>", "<|im_end|>"].map(String::from));
    let kinds = (0..tokens.len()).map(|id| if id < text { TokenKind::Normal } else { TokenKind::Control }).collect();
    let (bos, ends) = (Some(text as u32), vec![text as u32 + 2, text as u32]);
    Tokenizer::from_gguf_parts(GgufVocabulary {
        tokens,
        merges: merges.map(String::from).to_vec(),
        token_types: kinds,
        pre: "gpt-2".into(),
        bos,
        ends,
        adds_bos: false,
    })
    .expect("a sound vocabulary")
}

/// ChatML's turns.
pub(crate) fn template() -> ChatTemplate {
    ChatTemplate::compile(TEMPLATE, "<|im_start|>", "<|im_end|>").expect("a sound template")
}

/// The vocabulary with ChatML's turns.
pub(crate) fn writing() -> Writing {
    Writing::new(tokenizer(), Some(template()))
}
