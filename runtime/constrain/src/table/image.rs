//! Tables as images.

use super::{Machine, Rows, Table};
use crate::automaton::Automaton;
use crate::image::edges::{self, Edges};
use crate::image::{Image, ImageError, Kind, Writer, coded};
use crate::vocabulary::Vocabulary;
use std::sync::{Arc, Mutex, OnceLock};

/// Sections of the part that knows the vocabulary.
const NEED: usize = 5;
const WHOLE_FROM: usize = 6;
const OF_STATE: usize = 7;
const MASKS: (usize, usize) = (8, 9);

/// The image of an automaton that knows no vocabulary.
pub(crate) fn byte_part(automaton: &Automaton) -> Vec<u64> {
    let mut writer = Writer::new();
    edges::write(&mut writer, automaton);
    writer.finish(Kind::Table, None)
}

impl Table {
    pub(crate) fn write(&self) -> Vec<u64> {
        let mut writer = Writer::new();
        edges::write(&mut writer, &self.machine.automaton());
        writer.list(NEED, &self.need);
        writer.list(WHOLE_FROM, &self.whole_from);
        let kind = match &self.rows {
            Rows::OnDemand(_) => Kind::TableOnDemand,
            Rows::Ahead { masks, of_state } => {
                writer.list(OF_STATE, of_state);
                coded::write(&mut writer, MASKS, &masks.iter().map(|mask| &**mask).collect::<Vec<_>>());
                Kind::Table
            }
            Rows::Image { of_state, decoded, .. } => {
                let made: Vec<Arc<[u64]>> = (0..decoded.len()).map(|mask| self.decoded(mask, of_state)).collect();
                writer.list(OF_STATE, of_state);
                coded::write(&mut writer, MASKS, &made.iter().map(|mask| &**mask).collect::<Vec<_>>());
                Kind::Table
            }
        };
        writer.finish(kind, Some(&self.vocabulary))
    }

    /// A mask of an image by its index: some state has it.
    fn decoded(&self, mask: usize, of_state: &[u32]) -> Arc<[u64]> {
        let state = of_state.iter().position(|of_state| *of_state as usize == mask).unwrap_or(0);
        self.allowed(crate::StateId(u32::try_from(state).unwrap_or(0)), u32::MAX).words().into()
    }

    /// The table of an image; made anew if the image is of another vocabulary.
    pub(crate) fn read(image: &Image, vocabulary: &Arc<Vocabulary>) -> Result<Self, ImageError> {
        let edges = Edges::read(image)?;
        if !image.is_over(vocabulary) {
            return Ok(Self::new(&edges.automaton(), vocabulary)?);
        }
        let states = edges.state_count();
        let (need, whole_from) = (image.list(NEED)?, image.list(WHOLE_FROM)?);
        if need.len() != states || whole_from.len() != states {
            return Err(ImageError::Damaged("its counts are not those of its states"));
        }
        let rows = match image.kind {
            Kind::TableOnDemand => Rows::OnDemand(Mutex::default()),
            _ => {
                let (of_state, count) = (image.list(OF_STATE)?, coded::count(image, MASKS.0)?);
                if of_state.len() != states || of_state.iter().any(|mask| *mask as usize >= count) {
                    return Err(ImageError::Damaged("a state has no mask"));
                }
                let decoded = std::iter::repeat_with(OnceLock::new).take(count).collect();
                Rows::Image { image: image.clone(), decoded, of_state }
            }
        };
        let machine = Machine::Image(edges);
        Ok(Self { machine, vocabulary: vocabulary.clone(), rows, need, whole_from })
    }
}

/// A mask of an image, decoded; `None` if it is damaged.
pub(super) fn mask(image: &Image, index: u32, tokens: usize) -> Option<Box<[u64]>> {
    coded::read(image, MASKS, index as usize, tokens.div_ceil(64))
}
