//! Constraints by content, so that each is made once, and beside the caller, so that nobody waits for another's.

mod maker;

pub use maker::Make;

use crate::error::ConstrainError;
use crate::image::{ImageError, ImageWords};
use crate::limits::{CACHE_BYTES_MAX, CACHE_ENTRIES_MAX};
use crate::masks::TokenMasks;
use crate::vocabulary::Vocabulary;
use maker::{Job, Made, Maker};
use rustc_hash::FxHashMap;
use sgl_protocol::Shape;
use std::sync::Arc;
use std::time::Duration;

/// BLAKE3 of a shape as JSON: equal shapes have equal keys, in every process.
pub type ContentHash = [u8; 32];

/// Masks of the shapes that were asked for, over one vocabulary. Keeps a bounded number of bytes, the latest asked for; a
/// shape that can't be enforced is remembered with its error.
#[derive(Debug)]
pub struct ConstraintCache {
    vocabulary: Arc<Vocabulary>,
    entries: FxHashMap<ContentHash, Entry>,
    maker: Maker,
    /// Constraints that were made before, opened when they are asked for: those over this vocabulary, and byte parts of others.
    images: FxHashMap<ContentHash, ImageWords>,
    /// Whether [`ConstraintCache::request`] makes what it is asked for itself.
    in_place: bool,
    bytes_max: usize,
    clock: u64,
}

#[derive(Debug)]
enum Entry {
    /// A thread makes it.
    Making,
    Made {
        result: Made,
        /// When it was asked for last.
        used: u64,
    },
}

/// What is known of a constraint that was asked for.
#[derive(Clone, Debug)]
pub enum Found {
    /// Its masks, or why there are none.
    Made(Result<Arc<TokenMasks>, ConstrainError>),
    /// It is being made: ask again after [`ConstraintCache::collect`] or [`ConstraintCache::wait`].
    Making,
}

impl ConstraintCache {
    /// An empty cache over a vocabulary.
    pub fn new(vocabulary: Arc<Vocabulary>) -> Self {
        Self::made_by(vocabulary, Arc::new(TokenMasks::of_shape))
    }

    /// A cache whose constraints are made by a function: by one that looks elsewhere first, for example.
    pub fn made_by(vocabulary: Arc<Vocabulary>, make: Make) -> Self {
        let maker = Maker::new(vocabulary.clone(), make);
        Self {
            vocabulary,
            entries: FxHashMap::default(),
            maker,
            images: FxHashMap::default(),
            in_place: false,
            bytes_max: CACHE_BYTES_MAX,
            clock: 0,
        }
    }

    /// The same, but nothing is made beside the caller, so that what happens does not depend on the clock.
    #[must_use]
    pub fn in_place(self) -> Self {
        Self { in_place: true, ..self }
    }

    /// The same with another budget of bytes, roughly counted; the last constraint that was asked for is kept whatever it takes.
    #[must_use]
    pub fn with_bytes_max(self, bytes_max: usize) -> Self {
        Self { bytes_max, ..self }
    }

    /// Takes the image of a shape's constraint. One that was made with this vocabulary is the constraint; of another one the byte part
    /// is used when the constraint is asked for.
    ///
    /// # Errors
    /// Words that are no image, or a damaged one, which is not kept.
    pub fn adopt(&mut self, shape: ContentHash, image: ImageWords) -> Result<(), ImageError> {
        match TokenMasks::of_own_image(&image, &self.vocabulary)? {
            Some(masks) => {
                self.keep(shape, Ok(Arc::new(masks)));
                self.images.insert(shape, image);
            }
            None => {
                self.images.entry(shape).or_insert(image);
            }
        }
        Ok(())
    }

    /// The vocabulary.
    pub fn vocabulary(&self) -> &Arc<Vocabulary> {
        &self.vocabulary
    }

    /// How many constraints there are, those included that are being made.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The masks of a shape, made here if they are not there; waits if they are being made.
    pub fn masks(&mut self, shape: &Shape) -> Result<Arc<TokenMasks>, ConstrainError> {
        let key = content_hash(shape);
        loop {
            match self.known(&key) {
                Some(Found::Made(result)) => return result,
                Some(Found::Making) => self.wait(Duration::MAX),
                None => {
                    let result = self.maker.make(&self.job(key, shape));
                    self.keep(key, result);
                }
            }
        }
    }

    /// The masks of a shape, if they are there; else a thread makes them.
    pub fn request(&mut self, shape: &Shape) -> Found {
        let key = content_hash(shape);
        if let Some(found) = self.known(&key) {
            return found;
        }
        if self.in_place || !self.maker.begin(self.job(key, shape)) {
            return Found::Made(self.masks(shape));
        }
        self.entries.insert(key, Entry::Making);
        Found::Making
    }

    /// Takes what was made since.
    pub fn collect(&mut self) {
        while let Some((key, result)) = self.maker.finished(Duration::ZERO) {
            self.keep(key, result);
        }
    }

    /// Waits until one of those that are being made is there, at most so long.
    pub fn wait(&mut self, patience: Duration) {
        match self.maker.finished(patience) {
            Some((key, result)) => self.keep(key, result),
            // Nobody makes anything any more: what is missing is made where it is asked for.
            None if self.maker.is_idle() => self.entries.retain(|_, entry| !matches!(entry, Entry::Making)),
            None => {}
        }
    }

    fn job(&self, key: ContentHash, shape: &Shape) -> Job {
        Job { key, shape: shape.clone(), image: self.images.get(&key).cloned() }
    }

    fn known(&mut self, key: &ContentHash) -> Option<Found> {
        self.clock += 1;
        if !self.entries.contains_key(key)
            && let Some(image) = self.images.get(key)
            && let Ok(Some(masks)) = TokenMasks::of_own_image(image, &self.vocabulary)
        {
            self.keep(*key, Ok(Arc::new(masks)));
        }
        match self.entries.get_mut(key)? {
            Entry::Making => Some(Found::Making),
            Entry::Made { result, used } => {
                *used = self.clock;
                if let Ok(masks) = result
                    && let Some(renewed) = masks.renewed()
                {
                    *masks = Arc::new(renewed);
                }
                Some(Found::Made(result.clone()))
            }
        }
    }

    fn keep(&mut self, key: ContentHash, result: Made) {
        self.clock += 1;
        self.entries.insert(key, Entry::Made { result, used: self.clock });
        self.let_go();
    }

    /// Lets the constraints go that were not asked for longest, while there are too many or they are too large; the last
    /// one stays.
    fn let_go(&mut self) {
        let mut made: Vec<(u64, ContentHash, usize)> = self.entries.iter().filter_map(age_and_bytes).collect();
        made.sort_unstable();
        let (mut count, mut bytes) = (made.len(), made.iter().map(|(.., bytes)| bytes).sum::<usize>());
        made.pop();
        for (_, key, own) in made {
            if count <= CACHE_ENTRIES_MAX && bytes <= self.bytes_max {
                return;
            }
            self.entries.remove(&key);
            (count, bytes) = (count - 1, bytes - own);
        }
    }
}

fn age_and_bytes((key, entry): (&ContentHash, &Entry)) -> Option<(u64, ContentHash, usize)> {
    let Entry::Made { result, used } = entry else { return None };
    Some((*used, *key, result.as_ref().map_or(0, |masks| masks.bytes())))
}

/// The name of a shape's constraint in caches and images.
pub fn content_hash(shape: &Shape) -> ContentHash {
    let bytes = serde_json::to_vec(shape).expect("a shape is plain data in memory");
    *blake3::hash(&bytes).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::Grammar;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::channel;
    use std::sync::{Mutex, PoisonError};

    fn vocabulary() -> Arc<Vocabulary> {
        Arc::new(Vocabulary::new((b' '..=b'~').map(|byte| Some([byte].as_slice().into())).collect()))
    }

    fn number(max: i64) -> Shape {
        Shape::Int { min: Some(0), max: Some(max) }
    }

    #[test]
    fn a_constraint_is_made_once_beside_the_caller() {
        let made = Arc::new(AtomicUsize::new(0));
        let (gate, opened) = channel::<()>();
        let opened = Mutex::new(opened);
        let counted = made.clone();
        let make: Make = Arc::new(move |shape, vocabulary| {
            counted.fetch_add(1, Ordering::SeqCst);
            opened.lock().unwrap_or_else(PoisonError::into_inner).recv().ok();
            TokenMasks::of_shape(shape, vocabulary)
        });
        let mut cache = ConstraintCache::made_by(vocabulary(), make);
        assert!(matches!(cache.request(&number(9)), Found::Making));
        cache.collect();
        assert!(matches!(cache.request(&number(9)), Found::Making), "it is still being made");
        gate.send(()).expect("the maker waits");
        let masks = cache.masks(&number(9)).expect("waits for the maker");
        let Found::Made(Ok(same)) = cache.request(&number(9)) else { panic!("it is there") };
        assert!(Arc::ptr_eq(&masks, &same) && masks.accepts(b"7"));
        assert_eq!(made.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn what_fails_is_remembered_and_a_maker_that_panics_is_an_error() {
        let made = Arc::new(AtomicUsize::new(0));
        let counted = made.clone();
        let make: Make = Arc::new(move |shape, _| {
            counted.fetch_add(1, Ordering::SeqCst);
            assert!(*shape != number(1), "a fault of the maker");
            Err(ConstrainError::Empty)
        });
        let mut cache = ConstraintCache::made_by(vocabulary(), make);
        for (shape, error) in [(number(0), ConstrainError::Empty), (number(1), ConstrainError::Fault)] {
            cache.request(&shape);
            assert_eq!(cache.masks(&shape).map(|_| ()), Err(error.clone()));
            assert_eq!(cache.masks(&shape).map(|_| ()), Err(error));
        }
        assert_eq!(made.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn the_eldest_go_when_the_bytes_are_too_many() {
        let bytes = TokenMasks::of_shape(&number(9), &vocabulary()).expect("it is small").bytes();
        let mut cache = ConstraintCache::new(vocabulary()).in_place().with_bytes_max(3 * bytes);
        for first in 1..=9 {
            let shape = Shape::Int { min: Some(first), max: Some(9) };
            assert!(matches!(cache.request(&shape), Found::Made(Ok(_))));
            // The first is asked for again and again, so it stays.
            cache.request(&Shape::Int { min: Some(1), max: Some(9) });
        }
        assert!((2..=4).contains(&cache.len()), "{} are kept", cache.len());
        let first = content_hash(&Shape::Int { min: Some(1), max: Some(9) });
        assert!(cache.entries.contains_key(&first));
        let mut small = ConstraintCache::new(vocabulary()).in_place().with_bytes_max(1);
        small.masks(&number(9)).expect("the last one stays");
        small.masks(&number(8)).expect("the last one stays");
        assert_eq!(small.len(), 1);
    }

    #[test]
    fn an_image_is_opened_instead_of_making_the_constraint() {
        let make: Make = Arc::new(|shape, vocabulary| {
            assert!(*shape != number(9), "its image is there");
            TokenMasks::of_shape(shape, vocabulary)
        });
        let image = |vocabulary| TokenMasks::of_shape(&number(9), &vocabulary).expect("it is small").to_image();
        let mut cache = ConstraintCache::made_by(vocabulary(), make.clone());
        cache.adopt(content_hash(&number(9)), Arc::new(image(vocabulary()))).expect("it is sound");
        let Found::Made(Ok(masks)) = cache.request(&number(9)) else { panic!("it is there at once") };
        assert!(masks.accepts(b"7") && !masks.accepts(b"17"));
        // Of one of another vocabulary, or of none, the byte part is taken; the maker is not asked.
        let other = Arc::new(Vocabulary::new(vec![Some(b"7".as_slice().into())]));
        let none = TokenMasks::byte_part(&Grammar::of_shape(&number(9)).expect("it is small")).expect("it is small");
        for image in [image(other), none] {
            let mut cache = ConstraintCache::made_by(vocabulary(), make.clone());
            cache.adopt(content_hash(&number(9)), Arc::new(image)).expect("it is sound");
            assert!(matches!(cache.request(&number(9)), Found::Making));
            let masks = cache.masks(&number(9)).expect("its byte part is there");
            assert!(masks.accepts(b"7") && !masks.accepts(b"17"));
        }
        // What is no image, or a damaged one, is refused, and the maker is asked.
        let mut damaged = image(vocabulary());
        damaged[20] ^= 1;
        for image in [vec![1, 2], damaged] {
            let mut cache = ConstraintCache::made_by(vocabulary(), make.clone());
            assert!(cache.adopt(content_hash(&number(9)), Arc::new(image)).is_err());
            assert_eq!(cache.masks(&number(9)).map(|_| ()), Err(ConstrainError::Fault));
        }
    }

    #[test]
    fn the_key_is_of_the_content() {
        let record = |name: &str| Shape::Record { name: name.into(), fields: Vec::new() };
        assert_eq!(content_hash(&record("A")), content_hash(&record("A")));
        assert_ne!(content_hash(&record("A")), content_hash(&record("B")));
    }
}
