//! Pushdown automata as images.

use super::clips::Clips;
use super::costs::Costs;
use super::frozen::{self, Frozen};
use super::program::Program;
use super::space::Space;
use super::views::Views;
use super::{Pushdown, verify};
use crate::image::{Image, ImageError, Kind, Writer};
use crate::vocabulary::Vocabulary;
use std::sync::{Arc, Mutex};

/// The byte part.
const PROGRAM: usize = 0;
/// What is known of the program over the vocabulary.
const NUMBERS: usize = 1;

impl Pushdown {
    pub(crate) fn write(&self) -> Vec<u64> {
        let mut writer = Writer::new();
        let bytes = serde_json::to_vec(&*self.program).expect("a program is plain data in memory");
        writer.bytes(PROGRAM, &bytes);
        let numbers = serde_json::to_vec(&(&*self.costs, &*self.clips)).expect("numbers are plain data in memory");
        writer.bytes(NUMBERS, &numbers);
        frozen::write(&mut writer, self.views().all(), self.vocabulary.len());
        let kind = if self.ahead { Kind::Pushdown } else { Kind::PushdownPartly };
        writer.finish(kind, &self.vocabulary)
    }

    /// The automaton of an image; its masks are made anew if the image is of another vocabulary.
    pub(crate) fn read(image: &Image, vocabulary: &Arc<Vocabulary>) -> Result<Self, ImageError> {
        let unreadable = |_| ImageError::Damaged("its program can't be read");
        let program: Program = serde_json::from_slice(&image.bytes(PROGRAM)?).map_err(unreadable)?;
        if !verify::is_sound(&program) {
            return Err(ImageError::Damaged("its program leads outside of itself"));
        }
        if !image.is_over(vocabulary) {
            return Ok(Self::of_program(program, vocabulary)?);
        }
        let (costs, clips): (Costs, Clips) = serde_json::from_slice(&image.bytes(NUMBERS)?).map_err(unreadable)?;
        if !(costs.fit(&program) && clips.fit(&program)) {
            return Err(ImageError::Damaged("its numbers are not those of its program"));
        }
        let (program, costs) = (Arc::new(program), Arc::new(costs));
        Ok(Self {
            space: Mutex::new(Space::new(program.clone(), costs.clone())),
            views: Arc::new(Mutex::new(Views::of_image(Frozen::open(image, vocabulary.len())?))),
            vocabulary: vocabulary.clone(),
            program,
            costs,
            clips: Arc::new(clips),
            ahead: image.kind == Kind::Pushdown,
        })
    }
}
