//! Why an engine can't be made.

use sgl_kernels::cuda::CudaError;
use thiserror::Error;

/// Why an engine can't be made.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The model can't be loaded.
    #[error(transparent)]
    Model(#[from] sgl_model::LoadError),
    /// The CUDA device can't be used.
    #[error(transparent)]
    Device(#[from] CudaError),
}
