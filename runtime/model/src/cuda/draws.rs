//! What is asked of a pass's outputs, as the device reads it.
//!
//! All of it travels while the pass computes: nothing that runs then reads it, because the pass before was read.

use super::masks::Masks;
use super::options::SEEN_MAX;
use crate::ask::{Allowed, Ask, Draw};
use crate::batch::ModelError;
use sgl_kernels::cuda::{Buffer, CudaError, Device, DrawRow, Event, Pinned, SeenToken};
use std::sync::Arc;

/// Draws, what their penalties look at, their masks.
#[derive(Debug)]
pub(super) struct Draws {
    pub(super) rows: Buffer<DrawRow>,
    pub(super) seen: Buffer<SeenToken>,
    pub(super) masks: Masks,
    rows_here: Pinned<DrawRow>,
    seen_here: Pinned<SeenToken>,
    sent: Event,
}

impl Draws {
    /// Room for `outputs` draws at a time.
    pub(super) fn new(device: &Arc<Device>, vocabulary: usize, outputs: usize) -> Result<Self, CudaError> {
        Ok(Self {
            rows: Buffer::zeroed(device, outputs)?,
            seen: Buffer::zeroed(device, SEEN_MAX)?,
            // Those of a pass, and as many that stay.
            masks: Masks::new(device, vocabulary, 2 * outputs)?,
            rows_here: Pinned::zeroed(device, outputs)?,
            seen_here: Pinned::zeroed(device, SEEN_MAX)?,
            sent: Event::new(device)?,
        })
    }

    /// Sends what is asked, and lets what is launched from here on wait for it. Ask `i` looks at row `row_of(i)` of the logits and
    /// is answered at place `first + i`. No draw may be under way.
    pub(super) fn send(
        &mut self,
        asks: &[Ask<'_>],
        first: usize,
        row_of: impl Fn(usize) -> usize,
    ) -> Result<(), ModelError> {
        self.masks.begin(asks.len());
        let mut seen_count = 0;
        for (index, ask) in asks.iter().enumerate() {
            let mut row = DrawRow::greedy(row_of(index) as i32, (first + index) as i32);
            match ask {
                Ask::Logits => row.row = -1,
                Ask::Score(token) => row.token = *token as i32,
                Ask::Draw(draw) | Ask::DrawAndLogits(draw) => {
                    let (from, count) = (seen_count, draw.seen.len());
                    seen_count += count;
                    let Some(seen) = self.seen_here.as_mut_slice().get_mut(from..seen_count) else {
                        let detail = format!("penalties over {seen_count} tokens; at most {SEEN_MAX}");
                        return Err(ModelError::Batch { detail });
                    };
                    for (to, (token, count)) in seen.iter_mut().zip(&draw.seen) {
                        *to = SeenToken { token: *token, count: *count };
                    }
                    (row.seen_from, row.seen_count) = (from as i32, count as i32);
                    draw.write(&mut row);
                    row.mask = self.masks.row(draw.allowed);
                }
            }
            self.rows_here.as_mut_slice()[index] = row;
        }
        self.rows.send(&self.rows_here, 0, asks.len())?;
        self.seen.send(&self.seen_here, 0, seen_count)?;
        self.masks.send()?;
        self.sent.record_copies()?;
        Ok(self.sent.comes_before_launches()?)
    }
}

impl Draw<'_> {
    /// Every token that is named.
    pub(super) fn tokens(&self) -> impl Iterator<Item = u32> {
        let few = match self.allowed {
            Allowed::Few(ids) => ids,
            _ => &[],
        };
        few.iter().copied().chain(self.seen.iter().map(|(token, _)| *token))
    }

    fn write(&self, row: &mut DrawRow) {
        row.seed = self.seed;
        row.position = self.position;
        row.temperature = self.temperature;
        row.top_p = self.top_p;
        row.min_p = self.min_p;
        row.top_k = self.top_k;
        row.repetition = self.repetition_penalty;
        row.frequency = self.frequency_penalty;
        row.presence = self.presence_penalty;
    }
}
