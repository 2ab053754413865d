//! Bounds on what one constraint may take.

/// States of a nondeterministic automaton.
pub(crate) const NFA_STATES_MAX: usize = 400_000;
/// States of a deterministic automaton: a list of 50 invoice items of 120 characters has 85,000.
pub(crate) const DFA_STATES_MAX: usize = 200_000;
/// Cells (states times byte classes, 4 bytes each) of a deterministic automaton.
pub(crate) const DFA_CELLS_MAX: usize = 16_000_000;
/// States of a product of automata, whose table has 256 columns.
pub(crate) const PRODUCT_STATES_MAX: usize = 50_000;
/// Elements of state sets that determinization may touch: bounds its time to about half a second.
pub(crate) const DETERMINIZE_WORK_MAX: usize = 16_000_000;
/// The same for each state that there may be, where few are wanted: what has few states seldom takes a tenth of it.
pub(crate) const DETERMINIZE_WORK_PER_STATE_MAX: usize = 1_000;
/// Entries (8 bytes each) of all token functions together; beyond it masks are made state by state.
pub(crate) const FUNCTION_ENTRIES_MAX: usize = 10_000_000;
/// Entries that may be computed, kept or not, while token functions are made: about a second.
pub(crate) const FUNCTION_WORK_MAX: usize = 200_000_000;
/// Nodes of the trie that a walk from every state may visit where functions are too many: about two seconds.
pub(crate) const WALK_NODES_MAX: usize = 300_000_000;
/// Bytes of the distinct masks that are made ahead; beyond it masks are made on demand.
pub(crate) const MASK_BYTES_MAX: usize = 32 << 20;
/// Masks made on demand that are remembered.
pub(crate) const MASKS_REMEMBERED_MAX: usize = 2_048;
/// Bytes that the parser of patterns may use.
pub(crate) const PATTERN_BYTES_MAX: usize = 8 << 20;
/// Bytes that it may use for a pattern that is to be small.
pub(crate) const SMALL_PATTERN_BYTES_MAX: usize = 1 << 20;
/// Automata that a thread remembers by their shape.
pub(crate) const MEMO_ENTRIES_MAX: usize = 1_024;
/// Cells (4 bytes each) of all automata that a thread remembers.
pub(crate) const MEMO_CELLS_MAX: usize = 8_000_000;
/// Threads that make constraints beside those that ask for them: one that takes long must not keep the others waiting.
pub(crate) const MAKERS_MAX: usize = 3;
/// Constraints that a cache keeps.
pub(crate) const CACHE_ENTRIES_MAX: usize = 256;
/// Parts of a grammar inside one another.
pub(crate) const GRAMMAR_DEPTH_MAX: usize = 1_000;
/// States of a regular part that is written out inside a pushdown automaton; copies of it for counts around it multiply them.
pub(crate) const PART_STATES_MAX: usize = 200;
/// States of a pattern that is not taken apart.
pub(crate) const PATTERN_STATES_MAX: usize = 600;
/// States of a whole constraint that is written out, so that all of its masks are made ahead.
pub(crate) const WHOLE_STATES_MAX: usize = 6_000;
/// Places of a pushdown automaton.
pub(crate) const PLACES_MAX: usize = 1_000_000;
/// Counted parts of a pushdown automaton.
pub(crate) const SITES_MAX: usize = 100_000;
/// Frames on the stack of a pushdown automaton: calls and counts that are open at once.
pub(crate) const STACK_DEPTH_MAX: u32 = 512;
/// Readings of one text that are followed at once. A constraint that is seen to have more is refused; where they are met only later, the
/// costliest are dropped: no wrong text is let in for it, and the text still ends within its tokens.
pub(crate) const READINGS_MAX: usize = 2_048;
/// Steps without a byte after one byte: far more than lowered programs take, so that one from elsewhere ends, too.
pub(crate) const CLOSURE_STEPS_MAX: usize = 1 << 18;
/// Bytes of states that a pushdown automaton may have met before it begins anew for the next hole.
pub(crate) const SPACE_BYTES_MAX: usize = 64 << 20;
/// Bytes of masks of a pushdown automaton that are kept when it begins anew.
pub(crate) const VIEWS_BYTES_MAX: usize = 64 << 20;
/// Bytes of a run without a choice.
pub(crate) const RUN_BYTES_MAX: usize = 512;
/// Runs of one constraint that are remembered.
pub(crate) const RUNS_REMEMBERED_MAX: usize = 65_536;
/// States of a pushdown automaton, as tokens tell them apart, whose masks are made ahead of time.
pub(crate) const AHEAD_VIEWS_MAX: usize = 10_000;
/// Readings of all of them together.
pub(crate) const AHEAD_READINGS_MAX: usize = 30_000;
/// Bytes of the states that are explored for it.
pub(crate) const AHEAD_SPACE_BYTES_MAX: usize = 32 << 20;
/// Entries (8 bytes each) of the functions of their tokens.
pub(crate) const AHEAD_ENTRIES_MAX: usize = 4_000_000;
/// Entries that may be computed for it, kept or not: about 100 ms.
pub(crate) const AHEAD_WORK_MAX: usize = 8_000_000;
/// Rounds of a counted part that may be empty and is not regular: they may all come at once.
pub(crate) const EMPTY_ROUNDS_MAX: u32 = 64;
/// Bytes of the constraints that a cache keeps, roughly.
pub(crate) const CACHE_BYTES_MAX: usize = 512 << 20;
