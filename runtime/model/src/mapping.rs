//! A file as memory.

use std::fs::File;
use std::io;
use std::path::Path;

/// A read-only mapping of a whole file.
#[derive(Debug)]
pub(crate) struct Mapping {
    map: memmap2::Mmap,
}

impl Mapping {
    /// Maps `path`. The file must not be changed while it is mapped; models are mapped only while they load.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        #[expect(unsafe_code, reason = "mapping a file is the one way not to copy a model twice")]
        // SAFETY: the mapping is private and read-only, and this process never writes model files. Another process
        // that truncates the file meanwhile would end us with SIGBUS, as it would any reader of mapped weights; the
        // bytes themselves are plain numbers, of which every value is valid.
        let map = unsafe { memmap2::Mmap::map(&file)? };
        Ok(Self { map })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.map
    }
}
