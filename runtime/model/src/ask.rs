//! What is wanted of an output row, where the device can answer more than logits.

/// What is wanted of a row of logits.
#[derive(Clone, Debug)]
pub enum Ask<'a> {
    /// All of it.
    Logits,
    /// The log-probability of this token.
    Score(u32),
    /// A token.
    Draw(Draw<'a>),
    /// A token; and all of the row, as it is before penalties.
    DrawAndLogits(Draw<'a>),
}

impl Ask<'_> {
    /// Whether the row itself is wanted.
    pub(crate) fn wants_logits(&self) -> bool {
        matches!(self, Self::Logits | Self::DrawAndLogits(_))
    }
}

/// How a token is drawn.
#[derive(Clone, Debug)]
pub struct Draw<'a> {
    /// Of the random numbers.
    pub seed: u64,
    /// Which random number.
    pub position: u32,
    /// 0 for the likeliest.
    pub temperature: f32,
    /// 0 for all.
    pub top_k: u32,
    /// 1 for all.
    pub top_p: f32,
    /// 0 for all.
    pub min_p: f32,
    /// 1 for none.
    pub repetition_penalty: f32,
    /// 0 for none.
    pub frequency_penalty: f32,
    /// 0 for none.
    pub presence_penalty: f32,
    /// Tokens that penalties look at, each once, and how often they were generated (0: only in the prompt).
    pub seen: Vec<(u32, u32)>,
    /// Which tokens may come.
    pub allowed: Allowed<'a>,
}

/// Which tokens may come next.
#[derive(Clone, Copy, Debug)]
pub enum Allowed<'a> {
    /// Every token.
    All,
    /// Those whose bits are set.
    Words(&'a [u64]),
    /// These.
    Few(&'a [u32]),
}

/// What a row gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Answer {
    /// The next row of logits.
    Logits,
    /// A log-probability.
    Score(f32),
    /// A token, and its log-probability; if the row was wanted too, it is the next one.
    Token(u32, f32),
}
