//! Masks by what states look like, where they lie in an image: a hash table that is used without being read.

use super::views::{Mask, View};
use crate::image::{Image, ImageError, Writer, coded};
use std::collections::BTreeMap;
use std::sync::Arc;

/// By hash: one more than where the entry begins, or 0.
const SLOTS: usize = 6;
/// Entries: what is known, two numbers, how long the look is, the look.
const ENTRIES: usize = 7;
const MASKS: (usize, usize) = (8, 9);
/// In what is known: look deeper, to so many open rules. Else it is the index of the mask.
const DEEPER: u32 = 1 << 31;

/// Looks in an image.
#[derive(Debug)]
pub(crate) struct Frozen {
    image: Image,
    /// Masks that were asked for, by index.
    decoded: Vec<Option<Arc<[u64]>>>,
    tokens: usize,
}

/// Writes looks, for a vocabulary of so many tokens.
pub(super) fn write(writer: &mut Writer, looks: BTreeMap<Box<[u32]>, View>, tokens: usize) {
    let mut ids: BTreeMap<Arc<[u64]>, u32> = BTreeMap::new();
    let mut masks: Vec<Arc<[u64]>> = Vec::new();
    let mut slots = vec![0u32; (2 * looks.len()).next_power_of_two()];
    let mut entries = Vec::new();
    for (key, view) in looks {
        let mut at = hash(&key) as usize & (slots.len() - 1);
        while slots[at] != 0 {
            at = (at + 1) & (slots.len() - 1);
        }
        slots[at] = u32::try_from(entries.len() + 1).expect("an image is far smaller");
        match view {
            View::Deeper(levels) => entries.extend([DEEPER | levels, 0, 0]),
            View::Same(mask) => {
                let id = *ids.entry(mask.words(tokens)).or_insert_with_key(|words| {
                    masks.push(words.clone());
                    u32::try_from(masks.len() - 1).expect("fewer masks than looks")
                });
                entries.extend([id, mask.most, mask.rise]);
            }
        }
        entries.push(u32::try_from(key.len()).expect("a look is short"));
        entries.extend_from_slice(&key);
    }
    writer.list(SLOTS, &slots);
    writer.list(ENTRIES, &entries);
    coded::write(writer, MASKS, &masks.iter().map(|mask| &**mask).collect::<Vec<_>>());
}

impl Frozen {
    pub(super) fn open(image: &Image, tokens: usize) -> Result<Self, ImageError> {
        if !image.halves(SLOTS)?.len().is_power_of_two() {
            return Err(ImageError::Damaged("its table of looks has a wrong size"));
        }
        image.halves(ENTRIES)?;
        let decoded = vec![None; coded::count(image, MASKS.0)?];
        Ok(Self { image: image.clone(), decoded, tokens })
    }

    pub(super) fn mask_count(&self) -> usize {
        self.decoded.len()
    }

    /// Rough memory of what was decoded.
    pub(super) fn bytes(&self) -> usize {
        self.decoded.iter().flatten().map(|mask| mask.len() * 8).sum()
    }

    /// What is known of a look.
    pub(super) fn find(&mut self, key: &[u32]) -> Option<View> {
        let [known, most, rise] = self.entry(key)?;
        if known & DEEPER != 0 {
            return Some(View::Deeper(known & !DEEPER));
        }
        self.mask(known as usize).map(|words| View::Same(Arc::new(Mask::new(words, most, rise))))
    }

    /// What the entry of a look says.
    fn entry(&self, key: &[u32]) -> Option<[u32; 3]> {
        let (slots, entries) = (self.image.halves(SLOTS).ok()?, self.image.halves(ENTRIES).ok()?);
        let first = hash(key) as usize;
        for probe in 0..slots.len() {
            let at = slots.get(first.wrapping_add(probe) & (slots.len() - 1))?.checked_sub(1)? as usize;
            let number = |index: usize| entries.get(at.checked_add(index)?);
            let is_it = number(3)? as usize == key.len()
                && key.iter().enumerate().all(|(i, part)| number(4 + i) == Some(*part));
            if is_it {
                return Some([number(0)?, number(1)?, number(2)?]);
            }
        }
        None
    }

    fn mask(&mut self, index: usize) -> Option<Arc<[u64]>> {
        let decoded = self.decoded.get_mut(index)?;
        if decoded.is_none() {
            *decoded = coded::read(&self.image, MASKS, index, self.tokens.div_ceil(64)).map(Arc::from);
        }
        decoded.clone()
    }

    /// All looks; what is damaged is left out.
    pub(super) fn all(&mut self) -> BTreeMap<Box<[u32]>, View> {
        let (Ok(slots), Ok(entries)) = (self.image.halves(SLOTS), self.image.halves(ENTRIES)) else {
            return BTreeMap::new();
        };
        let key = |slot: usize| -> Option<Box<[u32]>> {
            let at = slots.get(slot)?.checked_sub(1)? as usize;
            (0..entries.get(at.checked_add(3)?)? as usize).map(|index| entries.get(at + 4 + index)).collect()
        };
        let keys: Vec<Box<[u32]>> = (0..slots.len()).filter_map(key).collect();
        keys.into_iter().filter_map(|key| self.find(&key).map(|view| (key, view))).collect()
    }
}

/// Stable, and enough to spread looks.
fn hash(key: &[u32]) -> u32 {
    let mix = |hash: u64, part: &u32| (hash.rotate_left(5) ^ u64::from(*part)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (key.iter().fold(0, mix) >> 32) as u32
}
