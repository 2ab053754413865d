//! Why an engine can't be made.

use sgl_kernels::cuda::CudaError;
use thiserror::Error;

/// Why an engine can't be made.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The model can't be loaded.
    #[error(transparent)]
    Model(#[from] sgl_model::LoadError),
    /// The system has no thread to compute with.
    #[error("no thread to compute with: {0}")]
    Thread(std::io::Error),
    /// What is computed can't be kept.
    #[error("the cache can't be kept: {0}")]
    Store(String),
    /// Random weights were asked for where they can't be made.
    #[error("random weights (`--load-format dummy`) are made on CUDA devices only; add `--device cuda`")]
    Dummy,
    /// Weights of 8 bits were asked for where there are none.
    #[error("`--quantization fp8` is for CUDA devices only; add `--device cuda`")]
    Fp8,
    /// The CUDA device can't be used.
    #[error(transparent)]
    Device(#[from] CudaError),
}
