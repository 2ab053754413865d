//! Bounds on what one constraint may take.

/// States of a nondeterministic automaton.
pub(crate) const NFA_STATES_MAX: usize = 400_000;
/// States of a deterministic automaton.
pub(crate) const DFA_STATES_MAX: usize = 50_000;
/// Elements of state sets that determinization may touch: bounds its time to about a second.
pub(crate) const DETERMINIZE_WORK_MAX: usize = 40_000_000;
/// Cells of the table of token functions, of 4 bytes each; beyond it masks are made state by state.
pub(crate) const FUNCTION_CELLS_MAX: usize = 16_000_000;
/// Bytes that the parser of patterns may use.
pub(crate) const PATTERN_BYTES_MAX: usize = 8 << 20;
/// Constraints that a cache keeps.
pub(crate) const CACHE_ENTRIES_MAX: usize = 256;
