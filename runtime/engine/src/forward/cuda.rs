//! A transformer on a CUDA device.

use super::{Forward, Pace, Question, Reply, reply};
use sgl_model::{Allowed, Answer, Ask, Batch, CudaTransformer, Draw};
use std::time::Instant;

/// The model on its device. Rows whose likeliest tokens are reported come as logits, and are drawn here.
#[derive(Debug)]
pub(crate) struct Cuda {
    transformer: CudaTransformer,
    /// What the pass gave that was begun and not read.
    done: Option<(Vec<Reply>, Pace)>,
    /// When the pass before was read.
    free_since: Option<Instant>,
    answers: Vec<Answer>,
    logits: Vec<f32>,
}

impl Cuda {
    pub(crate) fn new(transformer: CudaTransformer) -> Self {
        Self { transformer, done: None, free_since: None, answers: Vec::new(), logits: Vec::new() }
    }

    fn run(&mut self, batch: &Batch<'_>, questions: &[Question]) -> Result<Vec<Reply>, String> {
        let asks: Vec<Ask<'_>> = questions.iter().map(ask).collect();
        let most = self.transformer.outputs();
        let mut replies = Vec::with_capacity(questions.len());
        let mut parts = batch.outputs.chunks(most).zip(asks.chunks(most)).zip(questions.chunks(most));
        let first = parts.next().unwrap_or(((&[], &[]), &[]));
        // More outputs than there is room for: the same pass again for the next ones. It writes the same keys and values.
        for ((outputs, asks), questions) in std::iter::once(first).chain(parts) {
            let part = Batch { outputs, ..*batch };
            let Self { transformer, answers, logits, .. } = self;
            transformer.run(&part, asks, answers, logits).map_err(|error| error.to_string())?;
            let mut rows = logits.chunks_exact_mut(transformer.config().vocabulary.max(1));
            replies.extend(answers.drain(..).zip(questions).map(|(answer, question)| match answer {
                Answer::Score(logprob) => Reply::Score { logprob, top: Vec::new() },
                Answer::Token(token, _) => Reply::Token { token, logprob: f32::NAN, top: Vec::new() },
                Answer::Logits => rows.next().map_or(Reply::Nothing, |row| reply(question, row)),
            }));
        }
        Ok(replies)
    }
}

impl Forward for Cuda {
    fn context(&self) -> usize {
        self.transformer.config().context
    }

    fn sequences(&self) -> usize {
        self.transformer.sequences()
    }

    fn overlaps(&self) -> bool {
        false
    }

    fn begin(&mut self, batch: &Batch<'_>, questions: Option<Vec<Question>>, goes_on: bool) -> Result<(), String> {
        let now = Instant::now();
        let waited = self.free_since.filter(|_| goes_on).map(|since| now - since).unwrap_or_default();
        let replies = self.run(batch, &questions.unwrap_or_default())?;
        self.done = Some((replies, Pace { busy: now.elapsed(), waited }));
        self.free_since = Some(Instant::now());
        Ok(())
    }

    fn ask(&mut self, _: Vec<Question>) -> Result<(), String> {
        Err("this device is asked when a pass is begun".into())
    }

    fn read(&mut self, replies: &mut Vec<Reply>) -> Result<Pace, String> {
        let (found, pace) = self.done.take().ok_or("there is no pass to read")?;
        *replies = found;
        Ok(pace)
    }

    fn forget(&mut self) {
        self.done = None;
    }
}

/// A question as the device takes it.
fn ask(question: &Question) -> Ask<'_> {
    match question {
        // Nothing is a score that nobody looks at: a row of logits would be copied.
        Question::Nothing => Ask::Score(0),
        Question::Score { top: Some(_), .. } => Ask::Logits,
        Question::Score { token, top: None } => Ask::Score(*token),
        Question::Draw(drawing) if drawing.top.is_some() || !drawing.bias.is_empty() => Ask::Logits,
        Question::Draw(drawing) => {
            let how = &drawing.how;
            Ask::Draw(Draw {
                seed: how.seed,
                position: u32::try_from(drawing.position).unwrap_or(u32::MAX),
                temperature: how.temperature,
                top_k: how.top_k,
                top_p: how.top_p,
                min_p: how.min_p,
                repetition_penalty: how.repetition_penalty,
                frequency_penalty: how.frequency_penalty,
                presence_penalty: how.presence_penalty,
                seen: drawing.seen.clone(),
                allowed: match &drawing.candidates {
                    crate::sampler::Candidates::Many(words) => Allowed::Words(words),
                    crate::sampler::Candidates::Few(ids) => Allowed::Few(ids),
                },
            })
        }
    }
}
