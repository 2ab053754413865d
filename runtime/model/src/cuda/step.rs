//! A pass in three acts: begun, asked, read.
//!
//! ```text
//! begin(N+1)  inputs, layers, logits: launched behind the draw of N, whose tokens the embedding reads where they were drawn
//! read(N)     waits for the event behind N's answers; the device goes on with N+1
//! ask(N+1)    draws and masks travel beside the launches, then the draw and the copy of its answers are launched
//! ```
//! One stream orders all launches, so that a pass never sees what a later one writes. What the host writes for the device has
//! rules of its own: a pass is begun only when the one before the one before was read (two buffers of inputs, in turn), and
//! asked only when the one before was read (one buffer of draws). Both are checked.

use super::inputs::{Counts, Views};
use super::moments::PassTimes;
use super::options::GRAPH_PAIRS;
use super::pass::{Pass, PassShape};
use super::{CudaTransformer, GRAPH_ROWS, RECORDED_AFTER, Recorded, cascade};
use crate::ask::{Answer, Ask};
use crate::batch::{Batch, ModelError};
use sgl_kernels::cuda::{Graph, Pinned};

/// A pass that was begun and not read.
#[derive(Debug)]
pub(super) struct Begun {
    counts: Counts,
    /// By output: its row of the batch.
    rows: Vec<usize>,
    /// Whether rows of logits are those of the batch, instead of those of the outputs.
    in_order: bool,
    /// Whether it is known what came before, so that the time between makes sense.
    follows: bool,
    /// What was asked, if it was.
    asked: Option<Vec<Asked>>,
}

/// What an output gives.
#[derive(Clone, Copy, Debug)]
struct Asked {
    score: bool,
    token: bool,
    logits: bool,
}

fn malformed(detail: impl Into<String>) -> ModelError {
    ModelError::Batch { detail: detail.into() }
}

impl CudaTransformer {
    /// Begins a pass. A token may be named by the output of the pass before that draws it
    /// ([`token_drawn_by`](crate::token_drawn_by)).
    ///
    /// # Errors
    /// [`ModelError::Batch`] before anything runs, if an index is outside the model or the cache, there is more of something than
    /// the model was opened for, two passes are not read, or the one before was not asked; what the device says.
    pub fn begin(&mut self, batch: &Batch<'_>) -> Result<(), ModelError> {
        batch.check(&self.config, self.slots, self.drawn)?;
        let (tokens, outputs, most) = (batch.tokens.len(), batch.outputs.len(), self.options.rows);
        if tokens > most || outputs > most {
            return Err(malformed(format!("{tokens} tokens and {outputs} outputs; the model was opened for {most}")));
        }
        if self.passes.len() > 1 || self.passes.back().is_some_and(|pass| pass.asked.is_none()) {
            return Err(malformed("two passes are under way, or one was not asked"));
        }
        let (decode_spans, decode_rows) = self.decode_rows(batch);
        self.fill(batch, decode_spans)?;
        let only_decodes = decode_spans == batch.spans.len() && !batch.outputs.is_empty();
        let graph_rows = GRAPH_ROWS.into_iter().find(|rows| *rows >= decode_rows);
        let graph_rows = graph_rows.filter(|rows| self.options.graphs && only_decodes && self.fits_graph(*rows));
        if graph_rows.is_some() && self.options.cascade {
            self.fill_shared(batch);
        }
        self.turn = 1 - self.turn;
        let counts = match graph_rows {
            Some(rows) => self.replay(rows)?,
            None => self.launch(batch, decode_rows)?,
        };
        self.moments[self.turn].computed.record()?;
        self.passes.push_back(Begun {
            counts,
            rows: batch.outputs.iter().map(|output| output.row).collect(),
            in_order: graph_rows.is_some(),
            follows: std::mem::replace(&mut self.follows, true),
            asked: None,
        });
        Ok(())
    }

    /// Says what is wanted of the outputs of the pass that was begun last: one ask per output.
    ///
    /// # Errors
    /// [`ModelError::Batch`] before anything runs, if there is no such pass or the one before it was not read, the numbers differ,
    /// or a token is outside the vocabulary; what the device says.
    pub fn ask(&mut self, asks: &[Ask<'_>]) -> Result<(), ModelError> {
        self.check_asks(asks)?;
        let Some(pass) = self.passes.back_mut() else { return Ok(()) };
        let asked = |ask: &Ask<'_>| Asked {
            score: matches!(ask, Ask::Score(_)),
            token: matches!(ask, Ask::Draw(_) | Ask::DrawAndLogits(_)),
            logits: ask.wants_logits(),
        };
        pass.asked = Some(asks.iter().map(asked).collect());
        let (rows, in_order, counts) = (pass.rows.clone(), pass.in_order, pass.counts);
        self.drawn = asks.len();
        self.make_room_for_logits(asks)?;
        let most = self.options.outputs;
        let (mut copied, mut first) = (0, 0);
        for part in asks.chunks(most) {
            if first > 0 {
                // The draws before have to end before theirs are overwritten.
                self.device.synchronize()?;
            }
            let row_of = |index: usize| if in_order { rows[first + index] } else { index };
            if asks.len() > most {
                let views = self.inputs.views(counts)?;
                let picked = views.picked.part(first * 4, part.len())?;
                self.pass(&views).logits(Some(&picked), part.len(), self.options.deterministic)?;
            }
            self.draws.send(part, first, row_of)?;
            if first == 0 {
                self.moments[self.turn].asked.record()?;
            }
            // Penalties change rows: they are copied before.
            for index in (0..part.len()).filter(|index| part[*index].wants_logits()) {
                let size = self.config.vocabulary;
                self.activations.logits.fetch(row_of(index) * size, size, &mut self.logits_here, copied * size)?;
                copied += 1;
            }
            let views = self.inputs.views(counts)?;
            self.pass(&views).draw(&self.draws, part.len())?;
            first += part.len();
        }
        self.finish_asking(asks.len())
    }

    /// Launches the copy of the answers.
    fn finish_asking(&mut self, count: usize) -> Result<(), ModelError> {
        let moments = &self.moments[self.turn];
        if count == 0 {
            moments.asked.record()?;
        }
        moments.drawn.record()?;
        if count > 0 {
            let logprobs_from = self.activations.answers.len() / 2;
            self.activations.answers.fetch(0, logprobs_from + count, &mut self.answers_here, 0)?;
        }
        Ok(moments.answered.record()?)
    }

    /// Waits for the answers of the first pass that was not read, one per output. Rows of logits, in order, go to `logits`.
    ///
    /// # Errors
    /// [`ModelError::Batch`] if no pass was asked; what the device says.
    pub fn read(&mut self, answers: &mut Vec<Answer>, logits: &mut Vec<f32>) -> Result<PassTimes, ModelError> {
        let Some(asked) = self.passes.front().and_then(|pass| pass.asked.as_ref()) else {
            return Err(malformed("no pass was asked"));
        };
        // With another pass begun after it, its moments are those of the other turn.
        let own = if self.passes.len() > 1 { 1 - self.turn } else { self.turn };
        self.moments[own].answered.wait()?;
        answers.clear();
        let half = self.activations.answers.len() / 2;
        let (tokens, logprobs) = self.answers_here.as_slice().split_at(half);
        for ((asked, token), logprob) in asked.iter().zip(tokens).zip(logprobs) {
            let logprob = f32::from_bits(logprob.cast_unsigned());
            answers.push(match asked {
                Asked { score: true, .. } => Answer::Score(logprob),
                Asked { token: true, .. } => Answer::Token(token.cast_unsigned(), logprob),
                _ => Answer::Logits,
            });
        }
        let rows = asked.iter().filter(|asked| asked.logits).count();
        logits.clear();
        logits.extend_from_slice(&self.logits_here.as_slice()[..rows * self.config.vocabulary]);
        let follows = self.passes.pop_front().is_some_and(|pass| pass.follows);
        Ok(self.moments[own].times(follows.then_some(&self.moments[1 - own]))?)
    }

    /// Forgets all passes that were begun and not read, when the device is done with them.
    pub fn forget(&mut self) {
        // What went wrong was told, or is told by what comes next.
        self.device.synchronize().ok();
        self.passes.clear();
        self.follows = false;
        self.drawn = 0;
    }

    /// Begins a pass, asks and reads it.
    ///
    /// # Errors
    /// As [`CudaTransformer::begin`], [`CudaTransformer::ask`] and [`CudaTransformer::read`].
    pub fn run(
        &mut self,
        batch: &Batch<'_>,
        asks: &[Ask<'_>],
        answers: &mut Vec<Answer>,
        logits: &mut Vec<f32>,
    ) -> Result<PassTimes, ModelError> {
        self.begin(batch)?;
        self.ask(asks)?;
        self.read(answers, logits)
    }

    /// Launches the last pass again, `times` times, without looking at what it gives; for measuring.
    ///
    /// # Errors
    /// The last pass was no graph; what the device says.
    pub fn repeat(&self, times: usize) -> Result<(), ModelError> {
        let recorded = self.replayed.and_then(|key| self.graphs.get(&key));
        let recorded = recorded.ok_or_else(|| malformed("the last pass was no graph"))?;
        let views = self.inputs.views(recorded.counts)?;
        for _ in 0..times {
            recorded.graph.launch()?;
            self.pass(&views).draw(&self.draws, self.drawn)?;
        }
        Ok(())
    }

    fn check_asks(&self, asks: &[Ask<'_>]) -> Result<(), ModelError> {
        let begun = self.passes.back().filter(|pass| pass.asked.is_none() && self.passes.len() == 1);
        let Some(pass) = begun else {
            return Err(malformed("no pass waits to be asked, or the one before is not read"));
        };
        if asks.len() != pass.rows.len() {
            return Err(malformed(format!("{} outputs and {} asks", pass.rows.len(), asks.len())));
        }
        for ask in asks {
            let beyond = match ask {
                Ask::Score(token) => (*token as usize >= self.config.vocabulary).then_some(*token),
                Ask::Draw(draw) | Ask::DrawAndLogits(draw) => {
                    draw.tokens().find(|token| *token as usize >= self.config.vocabulary)
                }
                Ask::Logits => None,
            };
            if let Some(token) = beyond {
                return Err(malformed(format!("token {token} of {}", self.config.vocabulary)));
            }
        }
        Ok(())
    }

    fn make_room_for_logits(&mut self, asks: &[Ask<'_>]) -> Result<(), ModelError> {
        let wanted = asks.iter().filter(|ask| ask.wants_logits()).count() * self.config.vocabulary;
        if wanted > self.logits_here.len() {
            self.logits_here = Pinned::zeroed(&self.device, wanted)?;
        }
        Ok(())
    }

    fn graph_counts(&self, rows: usize) -> Counts {
        let tiles = self.prefix_tiles(rows).max(1);
        Counts { rows, picked: 1, tiles, pairs: GRAPH_PAIRS }
    }

    /// Room for tiles of shared beginnings in a graph for so many rows; 0 if the pass at hand has none.
    fn prefix_tiles(&self, rows: usize) -> usize {
        if self.contents.tiles.is_empty() {
            return 0;
        }
        cascade::tiles_max(rows, self.config.heads / self.config.kv_heads)
    }

    fn fits_graph(&self, rows: usize) -> bool {
        rows <= self.options.rows.min(self.options.outputs) && self.contents.pairs.len() <= GRAPH_PAIRS
    }

    /// Runs the graph for so many rows; the first time launch by launch, and then records it.
    fn replay(&mut self, rows: usize) -> Result<Counts, ModelError> {
        let counts = self.graph_counts(rows);
        let (prefix_tiles, shares) = (self.prefix_tiles(rows), !self.contents.tiles.is_empty());
        let contents = &mut self.contents;
        let padding = self.slots as i32;
        // In a graph all rows have logits, in order.
        contents.picked.clear();
        contents.tokens.resize(rows, 0);
        contents.positions.resize(rows, 0);
        contents.slots.resize(rows, padding);
        contents.sequences.resize(rows, -1);
        contents.lengths.resize(rows, 0);
        contents.shared.resize(rows, 0);
        contents.tiles.resize(counts.tiles, [0; 4]);
        contents.tile_lengths.resize(counts.tiles, 0);
        self.inputs.upload(&self.contents, counts)?;
        self.moments[self.turn].begun.record()?;
        self.replayed = Some((rows, shares));
        if let Some(recorded) = self.graphs.get(&(rows, shares)) {
            debug_assert_eq!(recorded.counts, counts, "a graph's inputs stay where they are");
            recorded.graph.launch()?;
            return Ok(counts);
        }
        let deterministic = self.options.deterministic;
        let shape =
            PassShape { rows, decode_rows: rows, tiles: 0, prefix_tiles, outputs: rows, picks: false, deterministic };
        let views = self.inputs.views(counts)?;
        let pass = self.pass(&views);
        pass.launch(shape)?;
        let passes = self.unrecorded.entry((rows, shares)).or_default();
        *passes += 1;
        if *passes > RECORDED_AFTER {
            let pass = self.pass(&views);
            let graph = Graph::capture(&self.device, || pass.launch(shape))?;
            self.graphs.insert((rows, shares), Recorded { graph, counts });
        }
        Ok(counts)
    }

    /// Launches a pass that no graph has.
    fn launch(&mut self, batch: &Batch<'_>, decode_rows: usize) -> Result<Counts, ModelError> {
        let counts = self.contents.counts();
        self.inputs.upload(&self.contents, counts)?;
        self.moments[self.turn].begun.record()?;
        self.replayed = None;
        let outputs = batch.outputs.len();
        let views = self.inputs.views(counts)?;
        let shape = PassShape {
            rows: batch.tokens.len(),
            decode_rows,
            tiles: self.contents.tiles.len(),
            prefix_tiles: 0,
            // More than there is room for come piece by piece, when they are asked for.
            outputs: if outputs <= self.options.outputs { outputs } else { 0 },
            picks: true,
            deterministic: self.options.deterministic,
        };
        self.pass(&views).launch(shape)?;
        Ok(counts)
    }

    pub(super) fn pass<'a>(&'a self, views: &'a Views) -> Pass<'a> {
        Pass {
            device: &self.device,
            config: &self.config,
            weights: &self.weights,
            activations: &self.activations,
            cache: &self.cache,
            turns: &self.turns,
            table: &self.device_table,
            stride: self.stride,
            views,
        }
    }
}
