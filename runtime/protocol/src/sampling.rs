//! How tokens are drawn from the model's distribution, and when they end.

use serde::{Deserialize, Serialize};

/// Sampling options, named as the OpenAI and SGLang APIs name them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// Divides the logits; 0 takes the likeliest token. At least 0.
    pub temperature: f32,
    /// Nucleus: the smallest set of tokens whose probability reaches this. In (0, 1]; 1 is off.
    pub top_p: f32,
    /// The likeliest `top_k` tokens only; 0 is off.
    pub top_k: u32,
    /// Tokens at least this fraction as likely as the likeliest. In [0, 1]; 0 is off.
    pub min_p: f32,
    /// Subtracted from the logit of a token for each time it was generated in this hole.
    pub frequency_penalty: f32,
    /// Subtracted from the logit of a token that was generated in this hole.
    pub presence_penalty: f32,
    /// Divides positive (multiplies negative) logits of tokens of the prompt and of this hole; 1 is off. Above 0.
    pub repetition_penalty: f32,
    /// Tokens before which the hole does not end by the model's choice, where it may go on. A shape that is complete ends all the same.
    #[serde(default, skip_serializing_if = "is_none")]
    pub min_tokens: u32,
    /// Regular expressions that end the hole like stop texts: at the first byte at which one has matched, the text ends before the match.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop_regex: Vec<String>,
    /// Added to the logits of these tokens, each named by its text; from -100 to 100. A token that alone is allowed comes all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logit_bias: Vec<(String, f32)>,
    /// Seed of this hole's random stream; the draw at position `n` depends on nothing but this and `n`.
    pub seed: u64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            temperature: 1.0,
            top_p: 1.0,
            top_k: 0,
            min_p: 0.0,
            frequency_penalty: 0.0,
            presence_penalty: 0.0,
            repetition_penalty: 1.0,
            min_tokens: 0,
            stop_regex: Vec::new(),
            logit_bias: Vec::new(),
            seed: 0,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_none(tokens: &u32) -> bool {
    *tokens == 0
}
