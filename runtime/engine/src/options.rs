//! Options of an engine.

use sgl_kernels::KvFormat;

/// Bytes of keys and values where the number of slots is left to the engine.
pub(crate) const CACHE_BYTES_DEFAULT: usize = 1 << 30;
/// Tokens of one pass on a CUDA device, if more are not asked for: enough to fill its matrix units.
pub(crate) const CUDA_TOKEN_BUDGET: usize = 4096;
/// Most slots where their number is left to the engine.
pub(crate) const SLOTS_DEFAULT_MAX: usize = 1 << 16;

/// What is done where a constraint leaves no choice about text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Jump {
    /// Nothing: every token is drawn, one a pass.
    Off,
    /// The tokens of the text are a draft that one pass verifies: the tokens are those of `Off`, in fewer passes.
    #[default]
    Exact,
    /// The tokens of the text are taken as they are, where no longer token could stand over its end. The model may have
    /// preferred another division into tokens, so that later draws may differ from `Off`.
    Forced,
}

/// Whether a pass is begun before the one before it is read. The text is the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overlap {
    /// Never: the device waits while the engine works.
    Off,
    /// Always, even where what it computes is likely to be of no use.
    On,
    /// Where it is expected to gain more than it costs, as measured while it runs.
    #[default]
    Auto,
}

/// Where the weights come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LoadFormat {
    /// The model's file or folder, whatever its format.
    #[default]
    Auto,
    /// Nowhere: they are random, of the shape that the model's configuration says. For measuring on a CUDA device.
    Dummy,
}

/// What computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The processor's cores.
    Cpu,
    /// A CUDA device, by its number.
    Cuda(usize),
}

/// Options of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineOptions {
    /// Threads that compute.
    pub threads: usize,
    /// Tokens whose keys and values are kept; none takes what fits one GiB, at least the model's context, and on a CUDA
    /// device what its memory has left.
    pub slots: Option<usize>,
    /// Most tokens of one forward pass: decoding and chunks of prompts together.
    pub token_budget: usize,
    /// Whether transcripts share what they have in common. Off is for comparison: the text is the same.
    pub radix_cache: bool,
    /// Whether branches share what was computed before they were forked. Off is for comparison, as if each came from a client
    /// of its own: the text is the same.
    pub fork_sharing: bool,
    /// How keys and values are stored on the CPU; a CUDA device stores bf16.
    pub kv_format: KvFormat,
    /// What is done where there is no choice.
    pub jump: Jump,
    /// Most tokens that are guessed from what came before, where a text has no constraint and few run: verified in the same pass,
    /// so that the text is the same. 0 guesses nothing.
    pub guesses: usize,
    /// Whether a pass is begun before the one before it is read.
    pub overlap: Overlap,
    /// What computes.
    pub device: DeviceChoice,
    /// Where the weights come from.
    pub load_format: LoadFormat,
    /// Whether a CUDA device must give each request the same text whatever else runs. The CPU always does.
    pub deterministic: bool,
    /// Whether a CUDA device brings the matrices of the model's blocks to 8-bit floats when it loads them.
    pub fp8: bool,
    /// Whether a CUDA device reads what transcripts share once for all of them. Off is for comparison.
    pub cascade: bool,
    /// Whether a CUDA device replays recorded passes. Off is for comparison: the text is the same.
    pub graphs: bool,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            threads: 1,
            slots: None,
            token_budget: 512,
            radix_cache: true,
            fork_sharing: true,
            kv_format: KvFormat::F16,
            jump: Jump::Exact,
            guesses: 0,
            overlap: Overlap::Auto,
            device: DeviceChoice::Cpu,
            load_format: LoadFormat::Auto,
            deterministic: false,
            fp8: false,
            cascade: true,
            graphs: true,
        }
    }
}
