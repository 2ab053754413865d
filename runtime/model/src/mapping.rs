//! A file as memory.

#[cfg(unix)]
use memmap2::UncheckedAdvice;
use std::fs::File;
use std::io;
use std::ops::Range;
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

    /// Gives memory back that these bytes took, once they have been packed: else a model would be resident twice while it loads.
    /// Who reads them again reads the file again.
    #[cfg(unix)]
    pub(crate) fn release(&self, bytes: Range<usize>) {
        #[expect(unsafe_code, reason = "giving pages back is advice that could destroy what was written to them")]
        // SAFETY: nothing is ever written to this mapping, so a page that is dropped comes back from the file as it was.
        let advised = unsafe { self.map.unchecked_advise_range(UncheckedAdvice::DontNeed, bytes.start, bytes.len()) };
        // Refused advice costs memory, nothing else.
        drop(advised);
    }

    /// There is no such advice here.
    #[cfg(not(unix))]
    pub(crate) fn release(&self, _: Range<usize>) {}
}
