//! A constraint as one run of 64-bit words, to be written once and used where it lies.
//!
//! ```text
//! "SGLCONS" version | length | BLAKE3 of what follows: 4 words | vocabulary: 4 words, or 0 | kind | 10 x (from, length) | sections
//! ```
//! Everything is little endian and a word or two halves of one, so that a file can be mapped and used without being read:
//! masks are decoded when they are asked for first. The sections of the byte part know no tokenizer; with another vocabulary than the
//! one named, they are all that is used, and the masks are made anew. An image that names none has no other. Whoever made an image may lie about masks, which then
//! allow what no automaton takes; numbers that could lead outside of it are refused when it is opened, or lead nowhere.

pub(crate) mod coded;
pub(crate) mod edges;

use crate::error::ConstrainError;
use crate::vocabulary::Vocabulary;
use std::ops::Range;
use std::sync::Arc;
use thiserror::Error;

/// What holds the words of an image: a `Vec<u64>`, or a mapped file.
pub trait Words: AsRef<[u64]> + std::fmt::Debug + Send + Sync {}

impl<T: AsRef<[u64]> + std::fmt::Debug + Send + Sync> Words for T {}

/// The words of an image, wherever they lie.
pub type ImageWords = Arc<dyn Words>;

/// The version of the format that is written and read.
pub const CONSTRAINT_IMAGE_VERSION: u8 = 2;

const MAGIC: u64 = u64::from_le_bytes(*b"SGLCONS\0") | (CONSTRAINT_IMAGE_VERSION as u64) << 56;
const HASH: Range<usize> = 2..6;
const FINGERPRINT: Range<usize> = 6..10;
const KIND: usize = 10;
const SECTIONS: usize = 11;
const SECTION_COUNT: usize = 10;
const HEADER: usize = SECTIONS + 2 * SECTION_COUNT;

/// Why words are no constraint, or none that can be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ImageError {
    /// No constraint image at all.
    #[error("this is no image of a constraint")]
    Magic,
    /// Made by another version.
    #[error("this image of a constraint has version {found}, and {CONSTRAINT_IMAGE_VERSION} is read: make it again")]
    Version {
        /// The version of the image.
        found: u8,
    },
    /// Cut off, changed, or wrong.
    #[error("the image of a constraint is damaged: {0}")]
    Damaged(&'static str),
    /// Its masks could not be made for this vocabulary.
    #[error("{0}")]
    Constraint(#[from] ConstrainError),
}

/// What a constraint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A table whose masks were made ahead.
    Table,
    /// A table whose masks are made on demand.
    TableOnDemand,
    /// A pushdown automaton; all its masks were made ahead.
    Pushdown,
    /// A pushdown automaton some of whose masks are made on demand.
    PushdownPartly,
}

const KINDS: [Kind; 4] = [Kind::Table, Kind::TableOnDemand, Kind::Pushdown, Kind::PushdownPartly];

/// An image that was opened: its header is sound, and its hash is right.
#[derive(Clone)]
pub(crate) struct Image {
    words: ImageWords,
    pub(crate) kind: Kind,
    sections: [Range<usize>; SECTION_COUNT],
}

impl std::fmt::Debug for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Image").field("kind", &self.kind).field("words", &self.all().len()).finish_non_exhaustive()
    }
}

impl Image {
    /// Checks the header and the hash.
    pub(crate) fn open(words: ImageWords) -> Result<Self, ImageError> {
        let all = (*words).as_ref();
        let damaged = ImageError::Damaged;
        match all.first() {
            Some(first) if *first == MAGIC => {}
            Some(first) if first << 8 == MAGIC << 8 => {
                return Err(ImageError::Version { found: (first >> 56) as u8 });
            }
            _ => return Err(ImageError::Magic),
        }
        if all.len() < HEADER || all[1] != all.len() as u64 {
            return Err(damaged("its length is not what it says"));
        }
        if all[HASH] != hash(&all[HASH.end..]) {
            return Err(damaged("its hash does not match"));
        }
        let kind = usize::try_from(all[KIND]).ok().and_then(|kind| KINDS.get(kind).copied());
        let kind = kind.ok_or(damaged("its kind is unknown"))?;
        let mut sections = [const { 0usize..0 }; SECTION_COUNT];
        for (section, said) in sections.iter_mut().zip(all[SECTIONS..HEADER].chunks_exact(2)) {
            let (from, len) = (usize::try_from(said[0]), usize::try_from(said[1]));
            let (Ok(from), Ok(len)) = (from, len) else { return Err(damaged("a section is outside of it")) };
            *section = match from.checked_add(len) {
                Some(end) if end <= all.len() => from..end,
                _ => return Err(damaged("a section is outside of it")),
            };
        }
        Ok(Self { words, kind, sections })
    }

    fn all(&self) -> &[u64] {
        (*self.words).as_ref()
    }

    /// Whether its masks are over this vocabulary.
    pub(crate) fn is_over(&self, vocabulary: &Vocabulary) -> bool {
        self.all()[FINGERPRINT] == *vocabulary.fingerprint()
    }

    /// The words of a section.
    pub(crate) fn section(&self, section: usize) -> &[u64] {
        &self.all()[self.sections[section].clone()]
    }

    /// The numbers of a section of half words: its first word says how many.
    pub(crate) fn halves(&self, section: usize) -> Result<Halves<'_>, ImageError> {
        let Some((count, words)) = self.section(section).split_first() else {
            return Ok(Halves { words: &[], count: 0 });
        };
        match usize::try_from(*count) {
            Ok(count) if count.div_ceil(2) == words.len() => Ok(Halves { words, count }),
            _ => Err(ImageError::Damaged("a list is cut off")),
        }
    }

    /// A section of half words as a list.
    pub(crate) fn list(&self, section: usize) -> Result<Vec<u32>, ImageError> {
        let Halves { words, count } = self.halves(section)?;
        let mut list = vec![0; 2 * words.len()];
        for (pair, word) in list.as_chunks_mut::<2>().0.iter_mut().zip(words) {
            *pair = [*word as u32, (word >> 32) as u32];
        }
        list.truncate(count);
        Ok(list)
    }

    /// The bytes of a section of bytes: its first word says how many.
    pub(crate) fn bytes(&self, section: usize) -> Result<Vec<u8>, ImageError> {
        let Some((count, words)) = self.section(section).split_first() else { return Ok(Vec::new()) };
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        match usize::try_from(*count) {
            Ok(count) if count <= bytes.len() => bytes.truncate(count),
            _ => return Err(ImageError::Damaged("a section is cut off")),
        }
        Ok(bytes)
    }
}

/// Half words where they lie.
#[derive(Clone, Copy)]
pub(crate) struct Halves<'a> {
    words: &'a [u64],
    count: usize,
}

impl Halves<'_> {
    pub(crate) fn len(self) -> usize {
        self.count
    }

    /// The number at a place, if there is one.
    pub(crate) fn get(self, at: usize) -> Option<u32> {
        let word = self.words.get(at / 2).filter(|_| at < self.count)?;
        Some((word >> (at % 2 * 32)) as u32)
    }
}

/// Writes an image section by section.
pub(crate) struct Writer {
    sections: [Vec<u64>; SECTION_COUNT],
}

impl Writer {
    pub(crate) fn new() -> Self {
        Self { sections: [const { Vec::new() }; SECTION_COUNT] }
    }

    pub(crate) fn words(&mut self, section: usize, words: Vec<u64>) {
        self.sections[section] = words;
    }

    pub(crate) fn list(&mut self, section: usize, numbers: &[u32]) {
        let word = |pair: &[u32]| u64::from(pair[0]) | u64::from(pair.get(1).copied().unwrap_or(0)) << 32;
        self.sections[section] = std::iter::once(numbers.len() as u64).chain(numbers.chunks(2).map(word)).collect();
    }

    pub(crate) fn bytes(&mut self, section: usize, bytes: &[u8]) {
        self.sections[section] = std::iter::once(bytes.len() as u64).chain(padded(bytes)).collect();
    }

    /// The whole image; without a vocabulary, of a byte part alone.
    pub(crate) fn finish(self, kind: Kind, vocabulary: Option<&Vocabulary>) -> Vec<u64> {
        let mut words = vec![0; HEADER];
        words[0] = MAGIC;
        if let Some(vocabulary) = vocabulary {
            words[FINGERPRINT].copy_from_slice(vocabulary.fingerprint());
        }
        words[KIND] = KINDS.iter().position(|other| *other == kind).unwrap_or(0) as u64;
        for (index, section) in self.sections.iter().enumerate() {
            let place = SECTIONS + 2 * index;
            (words[place], words[place + 1]) = (words.len() as u64, section.len() as u64);
            words.extend_from_slice(section);
        }
        words[1] = words.len() as u64;
        let hash = hash(&words[HASH.end..]);
        words[HASH].copy_from_slice(&hash);
        words
    }
}

/// Bytes as words, the last one filled up with zeros.
fn padded(bytes: &[u8]) -> impl Iterator<Item = u64> + '_ {
    bytes.chunks(8).map(|chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        u64::from_le_bytes(word)
    })
}

/// The words of an image in a file; `None` if the bytes are not whole words.
pub fn image_words(bytes: &[u8]) -> Option<Vec<u64>> {
    bytes.len().is_multiple_of(8).then(|| padded(bytes).collect())
}

/// The bytes of an image for a file.
pub fn image_bytes(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// BLAKE3 of words, as words.
pub(crate) fn hash(words: &[u64]) -> [u64; 4] {
    /// Words that are turned into bytes at a time.
    const CHUNK: usize = 2_048;
    let mut hasher = blake3::Hasher::new();
    let mut bytes = [0u8; 8 * CHUNK];
    for chunk in words.chunks(CHUNK) {
        for (word, place) in chunk.iter().zip(bytes.as_chunks_mut::<8>().0) {
            *place = word.to_le_bytes();
        }
        hasher.update(&bytes[..8 * chunk.len()]);
    }
    words_of(hasher.finalize().as_bytes())
}

/// A hash as words.
pub(crate) fn words_of(hash: &[u8; 32]) -> [u64; 4] {
    let mut words = [0; 4];
    for (word, bytes) in words.iter_mut().zip(hash.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    words
}
