//! A batch as the device reads it: rows, slots, tiles.

use super::CudaTransformer;
use super::cascade::{self, Group};
use super::options::pairs_max;
use super::pass::DECODE_ROWS_MAX;
use crate::batch::{Batch, ModelError};
use sgl_kernels::AttentionSpan;
use sgl_kernels::cuda::EXTEND_TILE_ROWS;

/// Rows of a span that is attended to row by row, so that its pass can be a graph: a drawn token and most drafts.
pub(super) const DECODE_SPAN_MAX: usize = 16;
/// Tokens that such spans may read more than once, all together: drafts of 64 sequences of 256 tokens have room for 4 more rows
/// each. 2^16 of Llama-3-8B's tokens are 8.6 GB, most of which the second-level cache still has from the row before.
const READ_AGAIN_MAX: usize = 1 << 16;

impl CudaTransformer {
    /// How many of the spans, at the beginning, are attended to row by row, and how many rows those are.
    ///
    /// All of them if the pass can be a graph: short spans too, whose context is then read once per row. Else those of one row,
    /// as far as there is scratch.
    pub(super) fn decode_rows(&self, batch: &Batch<'_>) -> (usize, usize) {
        let (spans, rows) = (batch.spans, batch.tokens.len());
        if self.options.deterministic {
            return (0, 0);
        }
        let again = |span: &AttentionSpan<'_>| span.rows.len().saturating_sub(1) * span.context.len();
        let short = self.options.graphs
            && rows <= DECODE_ROWS_MAX
            && spans.iter().all(|span| (1..=DECODE_SPAN_MAX).contains(&span.rows.len()))
            && spans.iter().map(again).sum::<usize>() <= READ_AGAIN_MAX;
        if short {
            return (spans.len(), rows);
        }
        let single = spans.iter().take_while(|span| span.rows.len() == 1).count().min(DECODE_ROWS_MAX);
        (single, single)
    }

    /// Writes the contents of the pass. The first `decode_spans` are attended to row by row.
    pub(super) fn fill(&mut self, batch: &Batch<'_>, decode_spans: usize) -> Result<(), ModelError> {
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
            if index < decode_spans {
                let known = span.context.len() - span.rows.len();
                contents.sequences.extend(span.rows.clone().map(|_| row as i32));
                contents.lengths.extend((known + 1..=span.context.len()).map(|length| length as i32));
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
        self.contents.picked.extend(batch.outputs.iter().map(|output| output.row as i32));
        Ok(())
    }

    /// Writes the beginnings that sequences of a decoding pass share.
    pub(super) fn fill_shared(&mut self, batch: &Batch<'_>) {
        let contexts: Vec<&[u32]> = batch.spans.iter().flat_map(contexts_of).collect();
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
}

/// What each row of a span sees.
fn contexts_of<'a>(span: &AttentionSpan<'a>) -> impl Iterator<Item = &'a [u32]> {
    let (known, context) = (span.context.len() - span.rows.len(), span.context);
    (known + 1..=context.len()).map(move |length| &context[..length])
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
