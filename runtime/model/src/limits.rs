//! Bounds on what a model file may make us do.

/// Metadata keys in a GGUF file. Real ones have 20 to 60.
pub const GGUF_KEYS_MAX: u64 = 1 << 16;

/// Tensors in a GGUF file. The largest known models have about 2,000.
pub const GGUF_TENSORS_MAX: u64 = 1 << 16;

/// Lists inside lists in GGUF metadata. Real files have no list inside a list.
pub const GGUF_LIST_DEPTH_MAX: u32 = 4;

/// Dimensions of a tensor, as in ggml.
pub const TENSOR_DIMENSIONS_MAX: u32 = 4;

/// Alignment of a GGUF file's tensors, in bytes, if it does not say.
pub const GGUF_ALIGNMENT_DEFAULT: u64 = 32;

/// Layers of a transformer. The deepest known one has 126.
pub const LAYERS_MAX: usize = 4096;

/// The largest size that a configuration may ask of any one dimension: widths, vocabularies, contexts.
pub const DIMENSION_MAX: usize = 1 << 24;

/// Unused tensors that an error names; the rest is counted.
pub const NAMES_SHOWN_MAX: usize = 8;
