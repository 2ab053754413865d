//! A device that computes no model. It knows what each slot holds, so that a wrong slot is noticed at once.

use crate::forward::Forward;
use crate::forward::{Pace, Question, Reply, reply};
use sgl_kernels::AttentionSpan;
use sgl_model::{Batch, drawn_output};
use std::collections::VecDeque;
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

/// A device. It computes a pass when it is begun and draws when it is asked, as one that works in order does.
#[derive(Debug)]
pub(crate) struct Fake {
    pub(crate) context: usize,
    pub(crate) mind: Mind,
    pub(crate) cells: Cells,
    /// Passes that work before one fails; [`u64::MAX`] for all. An even pass fails when it is begun, an odd one when it is read.
    pub(crate) works: Arc<AtomicU64>,
    /// Passes so far.
    passes: u64,
    /// What the outputs of the pass see that was begun and not asked.
    begun: Vec<Vec<u32>>,
    /// Whether that pass fails when it is read.
    fails: bool,
    /// Slots that hold nothing once it is known that it failed.
    lost: Vec<u32>,
    /// Replies that were not read.
    replies: VecDeque<Result<Vec<Reply>, String>>,
    /// Tokens that were drawn last, by output.
    drawn: Vec<Option<u32>>,
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
        Self {
            context,
            mind,
            cells: Arc::new(Mutex::new(vec![None; slots])),
            works: Arc::new(AtomicU64::new(u64::MAX)),
            passes: 0,
            begun: Vec::new(),
            fails: false,
            lost: Vec::new(),
            replies: VecDeque::new(),
            drawn: Vec::new(),
        }
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

impl Forward for Fake {
    fn context(&self) -> usize {
        self.context
    }

    fn overlaps(&self) -> bool {
        true
    }

    fn begin(&mut self, batch: &Batch<'_>, questions: Option<Vec<Question>>, _: bool) -> Result<(), String> {
        assert!(self.replies.len() < 2 && self.begun.is_empty(), "two passes at most are not read, one not asked");
        self.passes += 1;
        let left = self.works.load(Ordering::Relaxed);
        if left != u64::MAX {
            // After a fault it works again.
            self.works.store(left.checked_sub(1).unwrap_or(u64::MAX), Ordering::Relaxed);
            self.fails = left == 0;
            if left == 0 && self.passes.is_multiple_of(2) {
                return Err("the device is gone".into());
            }
        }
        // What goes on from a pass that has failed fails, too.
        self.fails |= self.replies.back().is_some_and(Result::is_err);
        let mut cells = Self::read(&self.cells);
        for ((token, position), slot) in batch.tokens.iter().zip(batch.positions).zip(batch.slots) {
            let token = match drawn_output(*token) {
                Some(output) if self.fails => self.drawn.get(output).copied().flatten().unwrap_or(0),
                Some(output) => self.drawn[output].expect("an output that is referred to drew a token"),
                None => *token,
            };
            cells[*slot as usize] = Some((token, *position));
        }
        if self.fails {
            self.lost.extend_from_slice(batch.slots);
        }
        if !self.fails {
            let seen = |row| {
                let span = batch.spans.iter().find(|span| span.rows.contains(&row)).expect("a row is in a span");
                Self::seen(&cells, span, row)
            };
            self.begun = batch.outputs.iter().map(|output| seen(output.row)).collect();
        }
        drop(cells);
        questions.map_or(Ok(()), |questions| self.ask(questions))
    }

    fn ask(&mut self, questions: Vec<Question>) -> Result<(), String> {
        if std::mem::take(&mut self.fails) {
            self.replies.push_back(Err("the device is gone".into()));
            return Ok(());
        }
        assert_eq!(self.begun.len(), questions.len(), "one question for each output");
        let mut row = vec![0.0; self.mind.bytes.len()];
        let answer = |(question, seen): (&Question, Vec<u32>)| {
            self.mind.logits(&seen, &mut row);
            reply(question, &mut row)
        };
        let replies: Vec<Reply> = questions.iter().zip(self.begun.drain(..)).map(answer).collect();
        let token = |reply: &Reply| if let Reply::Token { token, .. } = reply { Some(*token) } else { None };
        self.drawn = replies.iter().map(token).collect();
        self.replies.push_back(Ok(replies));
        Ok(())
    }

    fn read(&mut self, replies: &mut Vec<Reply>) -> Result<Pace, String> {
        *replies = self.replies.pop_front().expect("a pass was asked")?;
        Ok(Pace::default())
    }

    fn slot_bytes(&self) -> Option<usize> {
        Some(8)
    }

    fn save(&mut self, slots: Vec<u32>, done: Box<dyn FnOnce(Vec<u8>) + Send>) {
        let cells = Self::read(&self.cells);
        let held = slots.iter().map(|slot| cells[*slot as usize].expect("what is saved was computed"));
        let bytes = held.flat_map(|(token, position)| [token.to_le_bytes(), position.to_le_bytes()].concat());
        done(bytes.collect());
    }

    fn restore(&mut self, slots: Vec<u32>, bytes: Vec<u8>) {
        let mut cells = Self::read(&self.cells);
        let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte));
        for (slot, held) in slots.iter().zip(bytes.chunks_exact(8)) {
            cells[*slot as usize] = Some((number(&held[..4]), number(&held[4..])));
        }
    }

    fn forget(&mut self) {
        let mut cells = Self::read(&self.cells);
        self.lost.drain(..).for_each(|slot| cells[slot as usize] = None);
        drop(cells);
        self.replies.clear();
        self.begun.clear();
        self.fails = false;
    }
}
