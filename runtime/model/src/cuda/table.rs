//! The device's table of slots by sequence and position, and what of it has to be written.
//!
//! A sequence has no name here. It is found by the slot of the last token that it kept, which belongs to it alone unless it was
//! just forked, and what the table holds is compared with what it should hold: a wrong guess costs an upload, never a wrong
//! slot.

use super::fill::DECODE_SPAN_MAX;
use rustc_hash::FxHashMap;

/// What the device's table holds, row by row.
#[derive(Debug)]
pub(super) struct SlotTable {
    stride: usize,
    rows: Vec<Row>,
    /// Row by the slots of its last tokens.
    by_last: FxHashMap<u32, usize>,
    clock: u64,
}

#[derive(Clone, Debug, Default)]
struct Row {
    slots: Vec<u32>,
    used: u64,
}

impl SlotTable {
    pub(super) fn new(rows: usize, stride: usize) -> Self {
        Self { stride, rows: vec![Row::default(); rows], by_last: FxHashMap::default(), clock: 0 }
    }

    /// Begins a pass: rows that it places are not given away in it.
    pub(super) fn begin(&mut self) {
        self.clock += 1;
    }

    /// The row of a sequence with this context, of which the last `new` tokens are new. Cells that change are appended to
    /// `pairs` as index and slot. Nothing if all rows are taken by this pass, or the context is longer than a row.
    pub(super) fn place(&mut self, context: &[u32], new: usize, pairs: &mut Vec<[i32; 2]>) -> Option<usize> {
        if context.len() > self.stride {
            return None;
        }
        let known = context.len().checked_sub(new + 1).and_then(|last| self.by_last.remove(&context[last]));
        let known = known.filter(|row| self.rows[*row].used != self.clock);
        let index = match known {
            Some(index) => index,
            None => {
                let (index, row) = self.rows.iter().enumerate().min_by_key(|(_, row)| row.used)?;
                if row.used == self.clock {
                    return None;
                }
                index
            }
        };
        let row = &mut self.rows[index];
        row.used = self.clock;
        let shared = row.slots.len().min(context.len());
        let cell = |position: usize| (index * self.stride + position) as i32;
        if row.slots[..shared] != context[..shared] {
            for (position, slot) in context.iter().enumerate().take(shared) {
                if row.slots[position] != *slot {
                    pairs.push([cell(position), *slot as i32]);
                }
            }
            row.slots[..shared].copy_from_slice(&context[..shared]);
        }
        pairs.extend((shared..context.len()).map(|position| [cell(position), context[position] as i32]));
        row.slots.truncate(context.len());
        row.slots.extend_from_slice(&context[shared..]);
        // Of a draft that is placed with it, any number of tokens may be kept. What a slot was before is overwritten here.
        let latest = &context[context.len() - new.min(DECODE_SPAN_MAX).min(context.len())..];
        self.by_last.extend(latest.iter().map(|slot| (*slot, index)));
        Some(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Applies the pairs to a device's table, and checks that it holds the context.
    fn placed(table: &mut SlotTable, device: &mut [i32], context: &[u32], new: usize) -> (usize, usize) {
        let mut pairs = Vec::new();
        let row = table.place(context, new, &mut pairs).expect("there is a row");
        for [index, slot] in &pairs {
            device[*index as usize] = *slot;
        }
        let held = &device[row * table.stride..][..context.len()];
        assert!(held.iter().zip(context).all(|(held, slot)| *held == *slot as i32), "{held:?} {context:?}");
        (row, pairs.len())
    }

    #[test]
    fn a_sequence_that_grows_keeps_its_row_and_writes_what_is_new() {
        let (mut table, mut device) = (SlotTable::new(4, 8), vec![-1; 32]);
        table.begin();
        let (row, written) = placed(&mut table, &mut device, &[5, 6, 7], 3);
        assert_eq!(written, 3);
        table.begin();
        assert_eq!(placed(&mut table, &mut device, &[5, 6, 7, 9], 1), (row, 1));
        table.begin();
        assert_eq!(placed(&mut table, &mut device, &[5, 2, 7, 9, 1], 1), (row, 2), "a slot in the middle was replaced");
    }

    #[test]
    fn a_draft_of_which_a_part_is_kept_leaves_the_row() {
        let (mut table, mut device) = (SlotTable::new(4, 16), vec![-1; 64]);
        table.begin();
        let (row, _) = placed(&mut table, &mut device, &[5, 6, 7, 8, 9, 10], 6);
        for (context, written) in [(&[5, 6, 7, 8, 9, 10, 11, 12, 13][..], 3), (&[5, 6, 7, 8, 9, 10, 11, 14], 1)] {
            table.begin();
            let kept = if written == 3 { 6 } else { 7 };
            assert_eq!(placed(&mut table, &mut device, context, context.len() - kept), (row, written));
        }
    }

    #[test]
    fn forks_of_one_sequence_have_rows_of_their_own() {
        let (mut table, mut device) = (SlotTable::new(4, 8), vec![-1; 32]);
        table.begin();
        placed(&mut table, &mut device, &[1, 2, 3], 3);
        table.begin();
        let (first, _) = placed(&mut table, &mut device, &[1, 2, 3, 4], 1);
        let (second, written) = placed(&mut table, &mut device, &[1, 2, 3, 5], 1);
        assert_ne!(first, second);
        assert_eq!(written, 4);
    }

    #[test]
    fn rows_are_taken_from_who_used_them_longest_ago_and_never_twice_in_a_pass() {
        let (mut table, mut device) = (SlotTable::new(2, 4), vec![-1; 8]);
        table.begin();
        let (a, _) = placed(&mut table, &mut device, &[1], 1);
        table.begin();
        let (b, _) = placed(&mut table, &mut device, &[2], 1);
        table.begin();
        assert_eq!(placed(&mut table, &mut device, &[3], 1).0, a);
        assert_eq!(placed(&mut table, &mut device, &[4], 1).0, b);
        assert_eq!(table.place(&[5], 1, &mut Vec::new()), None);
        assert_eq!(table.place(&[1, 2, 3, 4, 5], 1, &mut Vec::new()), None);
    }
}
