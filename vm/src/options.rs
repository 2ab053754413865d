//! Options of a run.

use crate::limits::Limits;

/// Options of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunOptions {
    /// Seed of all sampling.
    pub seed: u64,
    /// Temperature of holes that set none.
    pub temperature: Option<f64>,
    /// `max_tokens` of holes that set none.
    pub max_tokens_default: u32,
    /// Most tokens of any hole, whatever it sets.
    pub max_tokens_cap: Option<u32>,
    /// Bounds.
    pub limits: Limits,
    /// When pure functions become machine code. What a program does is the same.
    pub native: Tier,
}

/// When pure functions become machine code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tier {
    /// Never: all is interpreted.
    Never,
    /// When they are called again and again, or go round long.
    #[default]
    Warm,
    /// Before their first call.
    Always,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            seed: 0,
            temperature: None,
            max_tokens_default: 256,
            max_tokens_cap: None,
            limits: Limits::default(),
            native: Tier::default(),
        }
    }
}
