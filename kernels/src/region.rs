//! Memory on huge pages: weights and caches live here, because page walks, not DRAM, limit small pages.
//!
//! Measured (two Zen 4 cores in a virtual machine, 96 MB read once): 31 GB/s on 4 KiB pages, 58 GB/s on 2 MiB pages.
//! The kernel only makes huge pages of whole, aligned 2 MiB, and most matrices of a small model are smaller: so
//! matrices share regions of 64 MiB, one after another. This is an allocator and nothing else; a region is freed
//! with the last block in it.

use crate::limits::{ALIGNMENT_BYTES, HUGE_PAGE_BYTES, REGION_BYTES};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Zeroed memory from the system, aligned to huge pages.
#[derive(Debug)]
struct Region {
    start: NonNull<u8>,
    len: usize,
    /// Bytes from `start` that blocks own.
    used: AtomicUsize,
    /// What the system gave and takes back.
    mapping: mapping::Mapping,
}

// SAFETY: a region is memory without an owner thread; blocks hand out disjoint parts of it.
unsafe impl Send for Region {}
// SAFETY: the only shared mutable state is `used`, an atomic.
unsafe impl Sync for Region {}

impl Region {
    fn new(len: usize) -> Self {
        let mapping = mapping::Mapping::new(len + HUGE_PAGE_BYTES);
        let start = mapping.start.as_ptr();
        let padding = start.align_offset(HUGE_PAGE_BYTES);
        assert!(padding < HUGE_PAGE_BYTES, "an address can be rounded up to a huge page");
        // SAFETY: the mapping is longer than `len` by more than the padding.
        let start = unsafe { start.add(padding) };
        mapping::prefer_huge_pages(start, len);
        let start = NonNull::new(start).expect("an address after the start of a mapping");
        Self { start, len, used: AtomicUsize::new(0), mapping }
    }

    /// Claims `len` bytes, if there are as many left.
    fn claim(&self, len: usize) -> Option<usize> {
        let claim = |used: usize| used.checked_add(len).filter(|&end| end <= self.len);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, claim).ok()
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        self.mapping.unmap();
    }
}

/// A part of a region that nobody else reads or writes: bytes, zero at first.
#[derive(Debug)]
pub(crate) struct Block {
    region: Arc<Region>,
    offset: usize,
    len: usize,
}

impl Block {
    /// A block in a region that matrices share.
    pub(crate) fn shared(len: usize) -> Self {
        static CURRENT: Mutex<Weak<Region>> = Mutex::new(Weak::new());
        let claimed = len.next_multiple_of(ALIGNMENT_BYTES);
        let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(region) = current.upgrade()
            && let Some(offset) = region.claim(claimed)
        {
            return Self { region, offset, len };
        }
        let region = Arc::new(Region::new(claimed.max(REGION_BYTES)));
        let offset = region.claim(claimed).expect("a new region has room for what it was made for");
        *current = Arc::downgrade(&region);
        Self { region, offset, len }
    }

    /// A block in a region of its own.
    pub(crate) fn alone(len: usize) -> Self {
        let region = Region::new(len.max(1).next_multiple_of(ALIGNMENT_BYTES));
        region.claim(len).expect("a new region has room for what it was made for");
        Self { region: Arc::new(region), offset: 0, len }
    }

    /// As numbers of `T`, any bits of which are a value.
    pub(crate) fn as_slice<T: bytemuck::Pod>(&self) -> &[T] {
        // SAFETY: `claim` made `offset..offset + len` part of the region and of no other block; the bytes are
        // initialized (zero at first), and the region lives as long as `self`.
        let bytes = unsafe { std::slice::from_raw_parts(self.region.start.as_ptr().add(self.offset), self.len) };
        bytemuck::cast_slice(bytes)
    }

    /// As numbers of `T` that can be written.
    pub(crate) fn as_mut_slice<T: bytemuck::Pod>(&mut self) -> &mut [T] {
        // SAFETY: as in `as_slice`; `&mut self` is the only way to these bytes.
        let bytes = unsafe { std::slice::from_raw_parts_mut(self.region.start.as_ptr().add(self.offset), self.len) };
        bytemuck::cast_slice_mut(bytes)
    }

    pub(crate) fn len_bytes(&self) -> usize {
        self.len
    }
}

#[cfg(unix)]
mod mapping {
    //! Anonymous mappings: untouched pages cost nothing.

    use std::ptr::NonNull;

    #[derive(Debug)]
    pub(super) struct Mapping {
        pub(super) start: NonNull<u8>,
        len: usize,
    }

    impl Mapping {
        pub(super) fn new(len: usize) -> Self {
            let protection = libc::PROT_READ | libc::PROT_WRITE;
            let flags = libc::MAP_PRIVATE | libc::MAP_ANON;
            // SAFETY: an anonymous mapping at an address of the system's choice touches no other memory.
            let start = unsafe { libc::mmap(std::ptr::null_mut(), len, protection, flags, -1, 0) };
            if start == libc::MAP_FAILED {
                out_of_memory(len);
            }
            let start = NonNull::new(start.cast()).expect("a mapping is not at address zero");
            Self { start, len }
        }

        pub(super) fn unmap(&mut self) {
            // SAFETY: exactly what `mmap` returned, once: the region calls this when it is dropped, and every block
            // keeps the region alive.
            unsafe { libc::munmap(self.start.as_ptr().cast(), self.len) };
        }
    }

    fn out_of_memory(len: usize) -> ! {
        match std::alloc::Layout::from_size_align(len, super::HUGE_PAGE_BYTES) {
            Ok(layout) => std::alloc::handle_alloc_error(layout),
            Err(_) => panic!("{len} bytes can't be addressed"),
        }
    }

    #[cfg(target_os = "linux")]
    pub(super) fn prefer_huge_pages(start: *mut u8, len: usize) {
        // SAFETY: advice about a part of our own mapping; a refusal leaves small pages, which are as correct.
        unsafe { libc::madvise(start.cast(), len, libc::MADV_HUGEPAGE) };
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn prefer_huge_pages(_start: *mut u8, _len: usize) {}
}

#[cfg(not(unix))]
mod mapping {
    //! Where there is no `mmap`: zeroed memory of the global allocator.

    use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
    use std::ptr::NonNull;

    #[derive(Debug)]
    pub(super) struct Mapping {
        pub(super) start: NonNull<u8>,
        layout: Layout,
    }

    impl Mapping {
        pub(super) fn new(len: usize) -> Self {
            let layout = Layout::from_size_align(len, super::ALIGNMENT_BYTES)
                .expect("an addressable size rounded up to a cache line");
            // SAFETY: the layout is not empty: a region adds a huge page to each length.
            let start = unsafe { alloc_zeroed(layout) };
            let start = NonNull::new(start).unwrap_or_else(|| handle_alloc_error(layout));
            Self { start, layout }
        }

        pub(super) fn unmap(&mut self) {
            // SAFETY: exactly what `alloc_zeroed` returned, once: the region calls this when it is dropped.
            unsafe { dealloc(self.start.as_ptr(), self.layout) };
        }
    }

    pub(super) fn prefer_huge_pages(_start: *mut u8, _len: usize) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_zeroed_aligned_and_disjoint() {
        let mut blocks: Vec<Block> = [1, 63, 4096, 100].map(Block::shared).into();
        for (index, block) in blocks.iter_mut().enumerate() {
            let bytes = block.as_mut_slice::<u8>();
            assert!(bytes.iter().all(|&byte| byte == 0));
            assert!(bytes.as_ptr().addr().is_multiple_of(ALIGNMENT_BYTES));
            bytes.fill(index as u8 + 1);
        }
        for (index, block) in blocks.iter().enumerate() {
            assert!(block.as_slice::<u8>().iter().all(|&byte| byte == index as u8 + 1));
        }
    }

    #[test]
    fn a_block_larger_than_a_region_gets_a_region_of_its_size() {
        let block = Block::shared(REGION_BYTES + 1);
        assert_eq!(block.as_slice::<u8>().len(), REGION_BYTES + 1);
        assert_eq!(block.len_bytes(), REGION_BYTES + 1);
    }

    #[test]
    fn an_empty_block_is_fine() {
        assert!(Block::alone(0).as_slice::<f32>().is_empty());
        assert!(Block::shared(0).as_slice::<u16>().is_empty());
    }
}
