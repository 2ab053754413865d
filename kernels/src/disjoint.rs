//! A slice that the tasks of a job write in parallel, each its own part.

use std::marker::PhantomData;
use std::ops::Range;

/// Borrows a slice for as long as a job runs.
#[derive(Debug)]
pub(crate) struct DisjointSlice<'a, T> {
    start: *mut T,
    len: usize,
    slice: PhantomData<&'a mut [T]>,
}

// SAFETY: sharing only moves the pointer; elements are reached through `part`, whose callers promise that no two
// threads hold the same ones, and `T: Send` lets them be written from any thread.
unsafe impl<T: Send> Sync for DisjointSlice<'_, T> {}

impl<'a, T> DisjointSlice<'a, T> {
    pub(crate) fn new(slice: &'a mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), len: slice.len(), slice: PhantomData }
    }

    /// The elements of `range`, which must be inside the slice.
    ///
    /// # Safety
    /// While the returned slice lives, no other part that overlaps `range` may be asked for.
    #[inline(always)]
    #[expect(clippy::mut_from_ref, reason = "the caller promises that parts are disjoint")]
    pub(crate) unsafe fn part(&self, range: Range<usize>) -> &mut [T] {
        assert!(range.start <= range.end && range.end <= self.len, "a part lies inside its slice");
        // SAFETY: the range is inside the slice that is borrowed for 'a, and by the caller's promise nobody else
        // holds any of it.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_the_slice() {
        let mut numbers = [0; 6];
        let slice = DisjointSlice::new(&mut numbers);
        // SAFETY: the two ranges don't overlap.
        let (left, right) = unsafe { (slice.part(0..2), slice.part(2..6)) };
        left.fill(1);
        right.fill(2);
        assert_eq!(numbers, [1, 1, 2, 2, 2, 2]);
    }
}
