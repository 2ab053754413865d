//! Slots of the key-value cache, handed out one token at a time.

/// The free slots.
#[derive(Debug)]
pub(crate) struct SlotPool {
    free: Vec<u32>,
    capacity: usize,
    /// Free slots that are not given: an allocation that fails, in simulation.
    withheld: usize,
}

impl SlotPool {
    /// `capacity` slots, all free.
    pub(crate) fn new(capacity: usize) -> Self {
        let count = u32::try_from(capacity).expect("slots are 32-bit");
        // Low slots first, so that a small program touches little memory.
        Self { free: (0..count).rev().collect(), capacity, withheld: 0 }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(crate) fn free(&self) -> &[u32] {
        &self.free
    }

    /// `count` slots onto `to`; nothing if there are not so many.
    pub(crate) fn take(&mut self, count: usize, to: &mut Vec<u32>) -> bool {
        let rest = self.free.len().checked_sub(count).filter(|rest| *rest >= self.withheld || count == 0);
        let Some(rest) = rest else { return false };
        to.extend(self.free.drain(rest..).rev());
        true
    }

    /// One slot, if there is one: what almost every sequence needs in almost every pass.
    pub(crate) fn take_one(&mut self) -> Option<u32> {
        if self.free.len() > self.withheld { self.free.pop() } else { None }
    }

    /// From now on so many free slots are not given.
    pub(crate) fn withhold(&mut self, count: usize) {
        self.withheld = count;
    }

    /// Takes slots back.
    pub(crate) fn give(&mut self, slots: &[u32]) {
        self.free.extend_from_slice(slots);
    }
}
