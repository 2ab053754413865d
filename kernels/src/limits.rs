//! Every bound of the kernels, with its unit and its reason.

/// Numbers of a vector, and rows of a weight tile: one AVX-512 register of f32.
pub(crate) const LANES: usize = 16;

/// Columns that share a scale, in weights (GGUF) and in activations.
pub(crate) const BLOCK: usize = 32;

/// Tokens that share one pass over a weight tile in registers: 8 sums and 8 registers of codes. Sixteen tokens would fill
/// the 32 registers of AVX-512 and were slower: about 500 against 570 GOP/s on one Zen 5 core, 512 tokens.
pub(crate) const GROUP_TOKENS: usize = 8;

/// Multiply-adds below which a task is not worth waking another thread for: about 2 us of AVX-512.
pub(crate) const TASK_PRODUCTS_MIN: usize = 1 << 17;

/// Tasks a thread claims in one product, so that a descheduled worker delays only one part in this many.
pub(crate) const TASKS_PER_THREAD: usize = 4;

/// Token groups of one task: 128 tokens of 576 inputs are 101 kB of codes and scales, which stay in L2.
pub(crate) const TASK_GROUPS: usize = 16;

/// Selected output rows of one task in a constrained product.
pub(crate) const TASK_SELECTED: usize = 64;

/// Positions of one step of attention. Steps begin at multiples of this in every sequence, whatever the batch.
pub(crate) const ATTENTION_STEP: usize = 64;

/// Slots of the cache that lie together in memory: one step of attention where they are of one sequence, 1.5 MB in all
/// layers of the default model, so that memory grows by about a huge page at a time.
pub(crate) const CACHE_SEGMENT: usize = ATTENTION_STEP;

/// Queries of one task of attention, over which the transposed keys of a step are shared.
pub(crate) const ATTENTION_QUERIES: usize = 48;

/// Queries in registers: 4 times 4 vectors of scores, or of sums over values.
pub(crate) const ATTENTION_REGISTER_QUERIES: usize = 4;

/// Looks at the next job before a worker sleeps: about 40 us at 65 cycles per pause, longer than the gap between two
/// kernels of a step and shorter than what a wake-up costs twice.
pub(crate) const SPINS_MAX: usize = 2_000;

/// Times a thread gives up its core while it waits for the last tasks of others, before it only yields.
pub(crate) const COMPLETION_SPINS_MAX: usize = 2_000;

/// Threads of a pool.
pub(crate) const THREADS_MAX: usize = 256;

/// Bytes of a huge page on x86-64 and on aarch64 with 4 KiB granules.
pub(crate) const HUGE_PAGE_BYTES: usize = 2 << 20;

/// Address space that matrices share: small ones together fill huge pages, which each alone could not.
pub(crate) const REGION_BYTES: usize = 64 << 20;

/// Alignment of a matrix inside its region: a cache line, one AVX-512 register.
pub(crate) const ALIGNMENT_BYTES: usize = 64;
