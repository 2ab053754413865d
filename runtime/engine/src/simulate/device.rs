//! A device that computes no model. It knows what each slot holds, so that a wrong slot is noticed at once.

use crate::forward::Forward;
use crate::sampler::{Candidates, Seen, log_sum_exp, sample};
use sgl_kernels::AttentionSpan;
use sgl_model::{Allowed, Answer, Ask, Batch, Draw, OutputRows};
use sgl_protocol::Sampling;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What the fake says.
#[derive(Clone, Debug)]
pub(crate) enum Says {
    /// Something that depends on every token before, at random.
    Noise,
    /// This text after the last `:` of the transcript, then this token.
    #[cfg(test)]
    Text(String, u32),
}

/// Token and position by slot.
pub(crate) type Cells = Arc<Mutex<Vec<Option<(u32, u32)>>>>;

/// What comes after what: the part of a model that decides.
#[derive(Clone, Debug)]
pub(crate) struct Mind {
    /// Bytes by token.
    pub(crate) bytes: Arc<Vec<Option<Box<[u8]>>>>,
    pub(crate) says: Says,
}

/// A device.
#[derive(Debug)]
pub(crate) struct Fake {
    pub(crate) context: usize,
    pub(crate) mind: Mind,
    pub(crate) cells: Cells,
    /// Whether it draws itself.
    pub(crate) draws: bool,
    /// Passes that work before one fails; [`u64::MAX`] for all.
    pub(crate) works: Arc<AtomicU64>,
}

fn mix(a: u64, b: u64) -> u64 {
    let mut z = a.rotate_left(5) ^ b.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z ^ (z >> 32)
}

impl Mind {
    /// The row of logits after these tokens.
    pub(crate) fn logits(&self, context: &[u32], row: &mut [f32]) {
        match &self.says {
            Says::Noise => {
                let hash = context.iter().fold(1, |hash, token| mix(hash, u64::from(*token) + 1));
                for (token, logit) in row.iter_mut().enumerate() {
                    *logit = (mix(hash, token as u64) % 10_000) as f32 / 1_000.0;
                }
            }
            #[cfg(test)]
            Says::Text(text, end) => {
                let written: Vec<u8> =
                    context.iter().flat_map(|token| self.bytes[*token as usize].iter().flatten().copied()).collect();
                let from = written.iter().rposition(|byte| *byte == b':').map_or(0, |at| at + 1);
                let rest = text.as_bytes().strip_prefix(&written[from..]).unwrap_or_default();
                row.fill(-1_000.0);
                row[*end as usize] = 0.0;
                for (token, bytes) in self.bytes.iter().enumerate() {
                    if let Some(bytes) = bytes.as_ref().filter(|bytes| !bytes.is_empty() && rest.starts_with(bytes)) {
                        row[token] = 100.0 * bytes.len() as f32;
                    }
                }
            }
        }
    }
}

impl Fake {
    /// `slots` empty slots.
    pub(crate) fn new(context: usize, mind: Mind, slots: usize) -> Self {
        let cells = Arc::new(Mutex::new(vec![None; slots]));
        Self { context, mind, cells, draws: false, works: Arc::new(AtomicU64::new(u64::MAX)) }
    }

    /// What the slots hold.
    pub(crate) fn read(cells: &Cells) -> MutexGuard<'_, Vec<Option<(u32, u32)>>> {
        cells.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a row sees, checked against what its slots hold.
    fn seen(cells: &[Option<(u32, u32)>], span: &AttentionSpan<'_>, row: usize) -> Vec<u32> {
        let last = span.context.len() - span.rows.len() + row - span.rows.start;
        let cell = |(position, slot): (usize, &u32)| {
            let (token, at) = cells[*slot as usize].expect("a slot in a context was computed");
            assert_eq!(at as usize, position, "slot {slot} holds another position");
            token
        };
        span.context[..=last].iter().enumerate().map(cell).collect()
    }
}

/// Draws as the engine would, from what a device is told.
fn drawn(row: &[f32], draw: &Draw<'_>) -> u32 {
    let candidates = match draw.allowed {
        Allowed::All => Candidates::Few((0..row.len() as u32).collect()),
        Allowed::Few(ids) => Candidates::Few(ids.to_vec()),
        Allowed::Words(words) => Candidates::Many(words.into()),
    };
    let mut seen = Seen::default();
    for (token, count) in &draw.seen {
        let places = if *count > 0 { &mut seen.generated } else { &mut seen.prompt };
        places.insert(*token, *count);
    }
    let how = Sampling {
        temperature: draw.temperature,
        top_p: draw.top_p,
        top_k: draw.top_k,
        min_p: draw.min_p,
        frequency_penalty: draw.frequency_penalty,
        presence_penalty: draw.presence_penalty,
        repetition_penalty: draw.repetition_penalty,
        seed: draw.seed,
    };
    sample(&mut row.to_vec(), &candidates, &seen, &how, u64::from(draw.position))
}

impl Forward for Fake {
    fn context(&self) -> usize {
        self.context
    }

    fn vocabulary(&self) -> usize {
        self.mind.bytes.len()
    }

    fn draws(&self) -> bool {
        self.draws
    }

    fn answer(
        &mut self,
        batch: &Batch<'_>,
        asks: &[Ask<'_>],
        answers: &mut Vec<Answer>,
        logits: &mut Vec<f32>,
    ) -> Result<(), String> {
        self.forward(batch, logits)?;
        answers.clear();
        let rows = std::mem::take(logits);
        for (ask, row) in asks.iter().zip(rows.chunks(self.vocabulary())) {
            answers.push(match ask {
                Ask::Logits => {
                    logits.extend_from_slice(row);
                    Answer::Logits
                }
                Ask::Score(token) => Answer::Score(row[*token as usize] - log_sum_exp(row)),
                Ask::Draw(draw) => Answer::Token(drawn(row, draw), 0.0),
            });
        }
        Ok(())
    }

    fn forward(&mut self, batch: &Batch<'_>, logits: &mut Vec<f32>) -> Result<(), String> {
        let left = self.works.load(Ordering::Relaxed);
        if left != u64::MAX {
            // After a fault it works again.
            self.works.store(left.checked_sub(1).unwrap_or(u64::MAX), Ordering::Relaxed);
            if left == 0 {
                return Err("the device is gone".into());
            }
        }
        let mut cells = Self::read(&self.cells);
        for ((token, position), slot) in batch.tokens.iter().zip(batch.positions).zip(batch.slots) {
            cells[*slot as usize] = Some((*token, *position));
        }
        let size = self.vocabulary();
        logits.clear();
        logits.resize(batch.outputs.len() * size, 0.0);
        for (output, row) in batch.outputs.iter().zip(logits.chunks_exact_mut(size)) {
            let span = batch.spans.iter().find(|span| span.rows.contains(&output.row)).expect("a row is in a span");
            self.mind.logits(&Self::seen(&cells, span, output.row), row);
            if let OutputRows::Only(ids) = output.rows {
                let masked = (0..size as u32).filter(|id| !ids.contains(id));
                masked.for_each(|id| row[id as usize] = f32::NEG_INFINITY);
            }
        }
        Ok(())
    }
}
