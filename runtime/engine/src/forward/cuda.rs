//! A transformer on a CUDA device.

use super::{Forward, Pace, Question, Reply, reply};
use crate::sampler::{Candidates, log_sum_exp, top};
use sgl_model::{Allowed, Answer, Ask, Batch, CudaTransformer, Draw};
use std::collections::VecDeque;
use std::time::Duration;

/// The model on its device. Rows whose likeliest tokens are reported come as logits, too; draws with a bias are done here.
#[derive(Debug)]
pub(crate) struct Cuda {
    transformer: CudaTransformer,
    /// By pass that was begun and not read: whether the engine has had work since the one before.
    goes_on: VecDeque<bool>,
    /// By pass that was asked and not read: the questions.
    asked: VecDeque<Vec<Question>>,
    answers: Vec<Answer>,
    logits: Vec<f32>,
}

impl Cuda {
    pub(crate) fn new(transformer: CudaTransformer) -> Self {
        let (goes_on, asked) = (VecDeque::new(), VecDeque::new());
        Self { transformer, goes_on, asked, answers: Vec::new(), logits: Vec::new() }
    }
}

impl Forward for Cuda {
    fn context(&self) -> usize {
        self.transformer.config().context
    }

    fn sequences(&self) -> usize {
        self.transformer.sequences()
    }

    /// Not after a pass of which a token is drawn here: the next would look for it on the device.
    fn overlaps(&self) -> bool {
        let here = |question: &Question| matches!(question, Question::Draw(drawing) if !drawing.bias.is_empty());
        !self.asked.iter().flatten().any(here)
    }

    fn begin(&mut self, batch: &Batch<'_>, questions: Option<Vec<Question>>, goes_on: bool) -> Result<(), String> {
        self.transformer.begin(batch).map_err(|error| error.to_string())?;
        self.goes_on.push_back(goes_on);
        questions.map_or(Ok(()), |questions| self.ask(questions))
    }

    fn ask(&mut self, questions: Vec<Question>) -> Result<(), String> {
        let asks: Vec<Ask<'_>> = questions.iter().map(ask).collect();
        self.transformer.ask(&asks).map_err(|error| error.to_string())?;
        self.asked.push_back(questions);
        Ok(())
    }

    fn read(&mut self, replies: &mut Vec<Reply>) -> Result<Pace, String> {
        let Self { transformer, answers, logits, .. } = self;
        let times = transformer.read(answers, logits).map_err(|error| error.to_string())?;
        let questions = self.asked.pop_front().ok_or("there is no pass to read")?;
        let goes_on = self.goes_on.pop_front().unwrap_or(false);
        let mut rows = logits.chunks_exact_mut(transformer.config().vocabulary.max(1));
        replies.clear();
        replies.extend(answers.drain(..).zip(&questions).map(|(answer, question)| match (answer, question) {
            (_, Question::Nothing) => Reply::Nothing,
            (Answer::Score(logprob), _) => Reply::Score { logprob, top: Vec::new() },
            (Answer::Token(token, _), Question::Draw(drawing)) => {
                match drawing.top.and_then(|count| rows.next().map(|row| (count, row))) {
                    Some((count, row)) => reported(token, row, count),
                    None => Reply::Token { token, logprob: f32::NAN, top: Vec::new() },
                }
            }
            (Answer::Token(..), _) => Reply::Nothing,
            (Answer::Logits, question) => rows.next().map_or(Reply::Nothing, |row| reply(question, row)),
        }));
        let waited = times.unasked + if goes_on { times.before } else { Duration::ZERO };
        Ok(Pace { busy: times.busy, waited })
    }

    fn forget(&mut self) {
        self.transformer.forget();
        self.goes_on.clear();
        self.asked.clear();
    }
}

/// A token that was drawn, with its log-probability and the likeliest of its row.
fn reported(token: u32, row: &[f32], count: u8) -> Reply {
    let norm = log_sum_exp(row);
    let logprob = row.get(token as usize).map_or(f32::NAN, |logit| logit - norm);
    Reply::Token { token, logprob, top: top(row, norm, usize::from(count)) }
}

/// A question as the device takes it.
fn ask(question: &Question) -> Ask<'_> {
    match question {
        // Nothing is a score that nobody looks at: a row of logits would be copied.
        Question::Nothing => Ask::Score(0),
        Question::Score { top: Some(_), .. } => Ask::Logits,
        Question::Score { token, top: None } => Ask::Score(*token),
        Question::Draw(drawing) if !drawing.bias.is_empty() => Ask::Logits,
        Question::Draw(drawing) => {
            let how = &drawing.how;
            let draw = Draw {
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
                    Candidates::Many(words) => Allowed::Words(words),
                    Candidates::Few(ids) => Allowed::Few(ids),
                },
            };
            if drawing.top.is_some() { Ask::DrawAndLogits(draw) } else { Ask::Draw(draw) }
        }
    }
}
