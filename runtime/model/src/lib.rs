//! Weights to logits.
//!
//! What it is for: reading a decoder-only transformer from a file that someone else wrote, and running it. A file is
//! a GGUF, or a folder with `config.json` and safetensors.
//!
//! ```text
//! path --open--> Checkpoint + RawConfig --check--> ModelConfig --pack--> Transformer --forward--> logits
//! ```
//!
//! Invariants:
//! - **Nothing is guessed.** A setting, tensor or format that would change the result and is not implemented is an
//!   error with its name; a tensor that is missing and one that is not used are errors too.
//! - **A row stands alone.** The logits of a token depend on its context, not on what else is in the batch: a row of
//!   every kernel is computed the same way whatever the other rows are.
//! - **The transformer owns no state.** The cache belongs to the caller, who says into which slot each token goes and
//!   which slots it sees.
//!
//! In reading order: [`mod@gguf`] and `shards` read files into a `checkpoint`, [`config`] says what the numbers mean,
//! `weights` pairs names with places, [`transformer`] computes, [`mod@load`] ties them together.
//!
//! Memory: weights are packed once by [`sgl_kernels`]; the file's mapping is dropped after loading.

mod ask;
mod batch;
mod checkpoint;
pub mod config;
pub mod cuda;
pub mod gguf;
pub mod limits;
pub mod load;
mod mapping;
mod shards;
pub mod transformer;
mod vocabulary;
mod weights;

pub use ask::{Allowed, Answer, Ask, Draw};
pub use batch::{Batch, ModelError, Output, OutputRows, drawn_output, token_drawn_by};
pub use checkpoint::CheckpointError;
pub use config::{ConfigError, ModelConfig};
pub use cuda::{CudaOptions, CudaTransformer, PassTimes, UploadError};
pub use gguf::GgufError;
pub use load::{LoadError, Loaded, LoadedModel, load, load_cuda, load_in, load_random};
pub use transformer::{Scratch, Transformer};
pub use weights::{Precision, WeightsError};
