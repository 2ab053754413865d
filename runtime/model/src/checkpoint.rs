//! Named tensors in mapped files, whatever container they came in.

use crate::mapping::Mapping;
use indexmap::IndexMap;
use sgl_kernels::Format;
use std::ops::Range;
use std::path::PathBuf;

/// Why tensors can't be found in a file.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// A file of the checkpoint could not be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A file is not what its name says.
    #[error("`{}` is malformed: {detail}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// A tensor is stored in a way that we don't read.
    #[error("tensor `{tensor}` is stored as {format}; readable are F32, F16, BF16, Q4_0, Q4_1, Q8_0")]
    Format {
        /// Its name.
        tensor: String,
        /// The format's name.
        format: String,
    },
    /// Two tensors have one name.
    #[error("tensor `{tensor}` is stored twice")]
    Duplicate {
        /// Its name.
        tensor: String,
    },
}

/// Where a tensor is, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    /// Which mapping.
    pub(crate) file: usize,
    pub(crate) format: Format,
    /// Rows before columns; a vector has one number.
    pub(crate) shape: Vec<usize>,
    /// In the file; as long as the shape and format say, and inside it.
    pub(crate) bytes: Range<usize>,
}

/// The tensors of a model, by name, in the order of the file.
#[derive(Debug, Default)]
pub(crate) struct Checkpoint {
    pub(crate) files: Vec<Mapping>,
    pub(crate) tensors: IndexMap<String, Stored>,
}

impl Checkpoint {
    /// The bytes of a tensor of this checkpoint.
    pub(crate) fn bytes(&self, stored: &Stored) -> &[u8] {
        &self.files[stored.file].bytes()[stored.bytes.clone()]
    }

    /// Says that a tensor was read for the last time, so that its pages need no memory.
    pub(crate) fn release(&self, stored: &Stored) {
        self.files[stored.file].release(stored.bytes.clone());
    }
}

/// Bytes of `elements` numbers in `format`, or `None` if they don't fill whole blocks or overflow.
pub(crate) fn bytes_of(format: Format, elements: usize) -> Option<usize> {
    let (block_elements, block_bytes) = match format {
        Format::F32 => (1, 4),
        Format::F16 | Format::BF16 => (1, 2),
        Format::Q4_0 => (32, 18),
        Format::Q4_1 => (32, 20),
        Format::Q8_0 => (32, 34),
    };
    let whole = elements.is_multiple_of(block_elements);
    whole.then(|| (elements / block_elements).checked_mul(block_bytes)).flatten()
}
