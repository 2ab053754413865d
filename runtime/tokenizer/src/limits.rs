//! Bounds on what a tokenizer or template file may make us do.

/// Steps that one rendering of a chat template may take, in minijinja's fuel. A real template needs a few thousand.
pub const TEMPLATE_FUEL: u64 = 1_000_000;

/// Longest chat template, in bytes. The longest known one has about 20 kB.
pub const TEMPLATE_BYTES_MAX: usize = 1 << 20;

/// Turns in the conversations that probe a template: every sequence of roles up to this length is rendered.
pub const TEMPLATE_PROBE_TURNS: usize = 3;

/// Tokens in a vocabulary. The largest known one has 262,144.
pub const VOCABULARY_TOKENS_MAX: usize = 1 << 22;
