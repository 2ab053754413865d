//! Why an engine can't be made.

use thiserror::Error;

/// Why an engine can't be made.
#[derive(Debug, Error)]
#[error(transparent)]
pub struct LoadError(#[from] sgl_model::LoadError);
