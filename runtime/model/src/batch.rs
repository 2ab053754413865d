//! The work of one forward pass, and what may be wrong with it.

use crate::ModelConfig;
use sgl_kernels::cuda::CudaError;
use sgl_kernels::{AttentionSpan, KernelError};

/// Which vocabulary entries get a logit.
#[derive(Clone, Copy, Debug)]
pub enum OutputRows<'a> {
    /// All.
    All,
    /// Only these token ids; all others get negative infinity.
    Only(&'a [u32]),
}

/// A token whose successor is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Output<'a> {
    /// Which token of the batch.
    pub row: usize,
    /// Which successors are possible.
    pub rows: OutputRows<'a>,
}

/// A token that is not known yet: what the output of this number of the pass before draws.
pub fn token_drawn_by(output: u32) -> u32 {
    !output
}

/// Which output of the pass before draws this token, if it is not known yet.
pub fn drawn_output(token: u32) -> Option<usize> {
    (token > i32::MAX as u32).then_some(!token as usize)
}

/// Tokens of any number of sequences, side by side.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// Token ids; or [`token_drawn_by`], where the device keeps what it draws.
    pub tokens: &'a [u32],
    /// By token: its place in its sequence.
    pub positions: &'a [u32],
    /// By token: where in the cache its key and value go.
    pub slots: &'a [u32],
    /// What sees what. The spans' rows follow one another and together are all tokens; a span's context ends with
    /// the slots of its own rows, and each row sees it up to itself.
    pub spans: &'a [AttentionSpan<'a>],
    /// Where logits are wanted.
    pub outputs: &'a [Output<'a>],
}

/// Why a batch can't be run. The first is the caller's mistake, the second ours or the device's.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The batch contradicts itself, the model or the cache.
    #[error("the batch is malformed: {detail}")]
    Batch {
        /// How.
        detail: String,
    },
    /// A kernel refused.
    #[error("a kernel failed")]
    Kernel(#[from] KernelError),
    /// A device refused or failed.
    #[error(transparent)]
    Cuda(#[from] CudaError),
}

impl Batch<'_> {
    /// Checks every index, so that the pass itself can't be asked for what does not exist. `drawn` is how many outputs the pass
    /// before has whose tokens are there to be named; 0 where tokens are known.
    pub(crate) fn check(&self, config: &ModelConfig, slot_count: usize, drawn: usize) -> Result<(), ModelError> {
        let Self { tokens, positions, slots, spans, outputs } = *self;
        let malformed = |detail: String| Err(ModelError::Batch { detail });
        if positions.len() != tokens.len() || slots.len() != tokens.len() {
            let (positions, slots) = (positions.len(), slots.len());
            return malformed(format!("{} tokens, {positions} positions, {slots} slots", tokens.len()));
        }
        let beyond = |ids: &[u32], end: usize| ids.iter().copied().find(|&id| id as usize >= end);
        for token in tokens {
            match drawn_output(*token) {
                Some(output) if output >= drawn => {
                    return malformed(format!("the token of output {output} of {drawn}"));
                }
                None if *token as usize >= config.vocabulary => {
                    return malformed(format!("token {token} of {}", config.vocabulary));
                }
                _ => {}
            }
        }
        if let Some(position) = beyond(positions, config.context) {
            return malformed(format!("position {position} of {}", config.context));
        }
        if let Some(slot) = beyond(slots, slot_count) {
            return malformed(format!("slot {slot} of {slot_count}"));
        }
        let mut row = 0;
        for span in spans {
            let rows = &span.rows;
            if rows.start != row || rows.end < row || rows.end > tokens.len() {
                return malformed(format!("rows {rows:?} follow row {row} of {}", tokens.len()));
            }
            if span.context.len() < rows.len() {
                let seen = span.context.len();
                return malformed(format!("rows {rows:?} see {seen} slots, fewer than themselves"));
            }
            if let Some(slot) = beyond(span.context, slot_count) {
                return malformed(format!("slot {slot} of {slot_count} in a context"));
            }
            row = rows.end;
        }
        if row != tokens.len() {
            return malformed(format!("the spans cover {row} rows of {}", tokens.len()));
        }
        check_outputs(outputs, tokens.len(), config)
    }
}

/// Checks outputs of a batch of so many tokens.
pub(crate) fn check_outputs(outputs: &[Output<'_>], tokens: usize, config: &ModelConfig) -> Result<(), ModelError> {
    let malformed = |detail: String| Err(ModelError::Batch { detail });
    for output in outputs {
        if output.row >= tokens {
            return malformed(format!("an output of row {} of {tokens}", output.row));
        }
        if let OutputRows::Only(ids) = output.rows
            && let Some(id) = ids.iter().find(|id| **id as usize >= config.vocabulary)
        {
            return malformed(format!("a logit of token {id} of {}", config.vocabulary));
        }
    }
    Ok(())
}
