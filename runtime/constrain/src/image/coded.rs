//! Masks in an image: each as words, as the ids that it has, or as those in which it differs from another one.

use super::{Halves, Image, ImageError, Writer};

/// Masks that others may be told by.
const BASES_MAX: usize = 24;

/// In the lower byte of a mask's first word: how it is written. The upper half is the number of ids, the next three bytes the base.
const WORDS: u64 = 0;
const IDS: u64 = 1;
const DIFFERENCES: u64 = 2;

/// Writes masks of so many words into two sections: where each begins, and all of them.
pub(crate) fn write(writer: &mut Writer, (begins, coded): (usize, usize), masks: &[&[u64]]) {
    let mut places = vec![0];
    let mut all: Vec<u64> = Vec::new();
    let mut bases: Vec<usize> = Vec::new();
    for (index, mask) in masks.iter().enumerate() {
        let ids = ids(mask.iter().copied());
        let differ =
            |base: usize| -> usize { masks[base].iter().zip(*mask).map(|(a, b)| (a ^ b).count_ones() as usize).sum() };
        let best = bases.iter().map(|base| (differ(*base), *base)).min().unwrap_or((usize::MAX, 0));
        if best.0 < ids.len().min(2 * mask.len()) {
            let differences = self::ids(masks[best.1].iter().zip(*mask).map(|(a, b)| a ^ b));
            all.push(DIFFERENCES | (best.1 as u64) << 8 | (differences.len() as u64) << 32);
            all.extend(pairs(&differences));
        } else if ids.len() < 2 * mask.len() {
            all.push(IDS | (ids.len() as u64) << 32);
            all.extend(pairs(&ids));
        } else {
            all.push(WORDS);
            all.extend_from_slice(mask);
            if bases.len() < BASES_MAX {
                bases.push(index);
            }
        }
        places.push(u32::try_from(all.len()).expect("an image is far smaller"));
    }
    writer.list(begins, &places);
    writer.words(coded, all);
}

fn ids(words: impl Iterator<Item = u64>) -> Vec<u32> {
    let mut ids = Vec::new();
    for (word, index) in words.zip(0u32..) {
        let mut left = word;
        while left != 0 {
            ids.push(index * 64 + left.trailing_zeros());
            left &= left - 1;
        }
    }
    ids
}

fn pairs(ids: &[u32]) -> impl Iterator<Item = u64> + '_ {
    ids.chunks(2).map(|pair| u64::from(pair[0]) | u64::from(pair.get(1).copied().unwrap_or(0)) << 32)
}

/// How many masks there are.
pub(crate) fn count(image: &Image, begins: usize) -> Result<usize, ImageError> {
    Ok(image.halves(begins)?.len().saturating_sub(1))
}

/// A mask of so many words; `None` if it is not there as it should be.
pub(crate) fn read(image: &Image, (begins, coded): (usize, usize), index: usize, words: usize) -> Option<Box<[u64]>> {
    let (first, rest) = part(image, (begins, coded), index)?;
    match first & 0xff {
        WORDS => (rest.len() == words).then(|| rest.into()),
        IDS => toggled(vec![0; words], first, rest),
        DIFFERENCES => {
            let base = (first >> 8 & 0xff_ffff) as usize;
            let (kind, base) = part(image, (begins, coded), base)?;
            (kind & 0xff == WORDS && base.len() == words).then(|| toggled(base.to_vec(), first, rest)).flatten()
        }
        _ => None,
    }
}

/// The first word of a mask, and those after it.
fn part(image: &Image, (begins, coded): (usize, usize), index: usize) -> Option<(u64, &[u64])> {
    let places: Halves<'_> = image.halves(begins).ok()?;
    let (from, to) = (places.get(index)? as usize, places.get(index.checked_add(1)?)? as usize);
    let (first, rest) = image.section(coded).get(from..to)?.split_first()?;
    Some((*first, rest))
}

/// A mask with the bits of some ids turned over.
fn toggled(mut mask: Vec<u64>, first: u64, ids: &[u64]) -> Option<Box<[u64]>> {
    let count = (first >> 32) as usize;
    if ids.len() != count.div_ceil(2) {
        return None;
    }
    for id in ids.iter().flat_map(|pair| [*pair as u32, (pair >> 32) as u32]).take(count) {
        *mask.get_mut(id as usize / 64)? ^= 1 << (id % 64);
    }
    Some(mask.into())
}
