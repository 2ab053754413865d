//! A batch as the device reads it: rows, slots, tiles, draws, masks.

use super::CudaTransformer;
use super::cascade::{self, Group};
use super::options::{SEEN_MAX, pairs_max};
use crate::Output;
use crate::ask::{Allowed, Ask, Draw};
use crate::batch::{Batch, ModelError};
use sgl_kernels::AttentionSpan;
use sgl_kernels::cuda::{DrawRow, EXTEND_TILE_ROWS, SeenToken};

impl CudaTransformer {
    /// Writes the contents of the pass.
    pub(super) fn fill(&mut self, batch: &Batch<'_>, asks: &[Ask<'_>], decode_rows: usize) -> Result<(), ModelError> {
        let contents = &mut self.contents;
        contents.clear();
        let numbers = |ids: &[u32]| ids.iter().map(|id| *id as i32).collect::<Vec<i32>>();
        contents.tokens = numbers(batch.tokens);
        contents.positions = numbers(batch.positions);
        contents.slots = numbers(batch.slots);
        self.table.begin();
        let group = self.config.heads / self.config.kv_heads;
        let mut tiles = Vec::new();
        for (index, span) in batch.spans.iter().enumerate() {
            let row = self.table.place(span.context, span.rows.len(), &mut contents.pairs);
            let Some(row) = row else {
                let detail = format!("{} sequences of up to {} tokens", batch.spans.len(), span.context.len());
                return Err(ModelError::Batch { detail });
            };
            if index < decode_rows {
                contents.sequences.push(row as i32);
                contents.lengths.push(span.context.len() as i32);
            } else {
                tiles.extend(tiles_of(span, row as i32, group));
            }
        }
        // Tiles with the longest context first, so that the last to run are short.
        tiles.sort_by_key(|(work, ..)| std::cmp::Reverse(*work));
        contents.tiles = tiles.iter().map(|(_, tile, _)| *tile).collect();
        contents.tile_lengths = tiles.iter().map(|(.., length)| *length).collect();
        if contents.pairs.len() > pairs_max(&self.options, self.stride) {
            self.write_table()?;
        }
        self.fill_draws(batch.outputs, asks)
    }

    /// Writes the beginnings that sequences of a decoding pass share.
    pub(super) fn fill_shared(&mut self, batch: &Batch<'_>) {
        let contexts: Vec<&[u32]> = batch.spans.iter().map(|span| span.context).collect();
        let groups = cascade::groups(&contexts);
        if groups.is_empty() {
            return;
        }
        let heads = self.config.heads / self.config.kv_heads;
        let contents = &mut self.contents;
        contents.shared.resize(contexts.len(), 0);
        for Group { tokens, members } in groups {
            let (first, row) = (contents.members.len() as i32, contents.sequences[members[0]]);
            for tile in 0..(members.len() * heads).div_ceil(EXTEND_TILE_ROWS) {
                contents.tiles.push([row, first, members.len() as i32, tile as i32]);
                contents.tile_lengths.push(tokens as i32);
            }
            for member in members {
                contents.shared[member] = tokens as i32;
                contents.members.push(member as i32);
            }
        }
    }

    /// Writes more of the table than a pass has room for: row by row, waiting.
    fn write_table(&mut self) -> Result<(), ModelError> {
        let pairs = std::mem::take(&mut self.contents.pairs);
        for run in pairs.chunk_by(|a, b| b[0] == a[0] + 1) {
            let slots: Vec<i32> = run.iter().map(|[_, slot]| *slot).collect();
            self.device_table.write(run[0][0] as usize, &slots)?;
        }
        Ok(())
    }

    fn fill_draws(&mut self, outputs: &[Output<'_>], asks: &[Ask<'_>]) -> Result<(), ModelError> {
        self.masks.begin(asks.len());
        for (index, (output, ask)) in outputs.iter().zip(asks).enumerate() {
            self.contents.picked.push(output.row as i32);
            let mut row = DrawRow::greedy(index as i32, index as i32);
            match ask {
                Ask::Logits => row.row = -1,
                Ask::Score(token) => row.token = *token as i32,
                Ask::Draw(draw) => {
                    row.seen_from = self.contents.seen.len() as i32;
                    row.seen_count = draw.seen.len() as i32;
                    let seen = draw.seen.iter().map(|(token, count)| SeenToken { token: *token, count: *count });
                    self.contents.seen.extend(seen);
                    draw.write(&mut row);
                    row.mask = self.masks.row(draw.allowed)?;
                }
            }
            self.contents.draws.push(row);
        }
        if self.contents.seen.len() > SEEN_MAX {
            let detail = format!("penalties over {} tokens; at most {SEEN_MAX}", self.contents.seen.len());
            return Err(ModelError::Batch { detail });
        }
        Ok(())
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

/// The tiles of a span: how much work each is, the tile, the context's length.
fn tiles_of(span: &AttentionSpan<'_>, row: i32, group: usize) -> Vec<(usize, [i32; 4], i32)> {
    let (new, length) = (span.rows.len(), span.context.len());
    let tiles = (new * group).div_ceil(EXTEND_TILE_ROWS);
    let tile = |index: usize| {
        let last = ((index + 1) * EXTEND_TILE_ROWS / group).min(new);
        (length - new + last, [row, span.rows.start as i32, new as i32, index as i32], length as i32)
    };
    (0..tiles).map(tile).collect()
}
