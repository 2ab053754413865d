//! A request for text or scores, from its command to its event.

use crate::arena::SequenceId;
use crate::habit::Drafted;
use crate::hole::Hole;
use crate::options::Jump;
use crate::sequence::{Part, Sequence};
use crate::transcript::{Prompt, Writing};
use sgl_protocol::{Event, Finish, Generate, Generated, ModelError, RequestId, Score, Scored, SessionId, Usage};
use std::time::Duration;

/// A request that is under way.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) id: RequestId,
    pub(crate) session: SessionId,
    pub(crate) kind: Kind,
    /// Sequences that have not ended.
    pub(crate) open: Vec<SequenceId>,
    pub(crate) usage: Usage,
    /// Whether a sequence has looked into the cache: only the first counts.
    pub(crate) counted: bool,
    /// When it has to be answered.
    pub(crate) deadline: Option<Duration>,
}

/// What is asked.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A text.
    Generate(Box<Generation>),
    /// Scores: per option, after the transcript and after nothing.
    Score { options: Vec<Vec<f32>>, priors: Vec<Vec<f32>> },
}

/// A hole being filled.
#[derive(Clone, Debug)]
pub(crate) struct Generation {
    pub(crate) hole: Hole,
    /// Tokens before the hole.
    pub(crate) prompt: Vec<u32>,
    /// What is done where there is no choice.
    pub(crate) jump: Jump,
    /// Most tokens that are guessed after a text without constraint; 0 guesses nothing.
    pub(crate) guesses: usize,
    /// Whether the sequence's draft is a guess, and not what a constraint leaves.
    pub(crate) guessed: bool,
    /// How many tokens of the draft, in this pass, have rows that draw after them: none if the draft went on from a token that was not
    /// drawn.
    pub(crate) asked: usize,
    /// How many tokens of the draft were drawn as drafted, in this pass.
    pub(crate) confirmed: usize,
    /// The sequence's draft, if a constraint leaves nothing else.
    pub(crate) drafted: Vec<Drafted>,
    /// What the tokenizer would have written, and what was drawn, since the draft before.
    pub(crate) drawn: Vec<(u32, u32)>,
    /// Likeliest tokens to report per position.
    pub(crate) top: Option<u8>,
    pub(crate) top_logprobs: Vec<Vec<(String, f32)>>,
    /// Log-probability of each member of the shape.
    pub(crate) members: Vec<f64>,
    /// The hole's own sequence when it has ended: its tokens and their log-probabilities.
    pub(crate) done: Option<(Vec<u32>, Vec<f32>)>,
}

impl Generation {
    /// Notes the likeliest tokens of a position.
    pub(crate) fn report(&mut self, top: Vec<(u32, f32)>, writing: &Writing) {
        if self.top.is_some() {
            self.top_logprobs.push(top.into_iter().map(|(token, p)| (token_text(token, writing), p)).collect());
        }
    }
}

/// A token as text: control tokens by name, parts of characters as the replacement character.
pub(crate) fn token_text(token: u32, writing: &Writing) -> String {
    match writing.vocabulary.bytes(token) {
        Some(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        None => writing.tokenizer.control_text(token).unwrap_or_default().to_string(),
    }
}

/// The request of a hole, and its sequences.
pub(crate) fn generate(
    command: &Generate,
    mut prompt: Prompt,
    writing: &mut Writing,
    constraints: &mut sgl_constrain::ConstraintCache,
    jump: Jump,
) -> Result<(Request, Vec<Sequence>), ModelError> {
    let id = command.request;
    let mut sequences = Vec::new();
    let members = if command.distribution { command.shape.members().unwrap_or_default() } else { Vec::new() };
    if !members.is_empty() {
        let (shared, options) = options(&prompt, &members, writing)?;
        for (index, tokens) in options.into_iter().enumerate() {
            sequences.push(Sequence::new(id, Part::Option(index), tokens, shared));
        }
    }
    let hole = Hole::new(command, &mut prompt, writing, constraints)?;
    if prompt.tokens.is_empty() {
        prompt.tokens.extend(writing.nothing());
    }
    if prompt.tokens.is_empty() {
        return Err(ModelError::Invalid(
            "the transcript is empty, and this model has no token that begins a text".into(),
        ));
    }
    let usage = Usage { prompt_tokens: prompt.tokens.len() as u64, ..Usage::default() };
    let from = prompt.tokens.len();
    sequences.insert(0, Sequence::new(id, Part::Hole, prompt.tokens.clone(), from));
    let generation = Generation {
        hole,
        prompt: prompt.tokens,
        jump,
        guesses: 0,
        guessed: false,
        asked: 0,
        confirmed: 0,
        drafted: Vec::new(),
        drawn: Vec::new(),
        top: command.top_logprobs,
        top_logprobs: Vec::new(),
        members: vec![0.0; members.len()],
        done: None,
    };
    let kind = Kind::Generate(Box::new(generation));
    Ok((
        Request { id, session: command.session, kind, open: Vec::new(), usage, counted: false, deadline: None },
        sequences,
    ))
}

/// The request of a choice, and its sequences: one per option.
pub(crate) fn score(
    command: &Score,
    prompt: &Prompt,
    writing: &mut Writing,
) -> Result<(Request, Vec<Sequence>), ModelError> {
    let id = command.request;
    if command.options.is_empty() {
        return Err(ModelError::Invalid("there is nothing to score".into()));
    }
    if command.options.iter().any(String::is_empty) {
        return Err(ModelError::Invalid("an empty option has no probability".into()));
    }
    let (shared, options) = options(prompt, &command.options, writing)?;
    let mut usage = Usage { prompt_tokens: shared as u64, ..Usage::default() };
    let mut sequences = Vec::new();
    for (index, tokens) in options.into_iter().enumerate() {
        usage.prompt_tokens += (tokens.len() - shared) as u64;
        sequences.push(Sequence::new(id, Part::Option(index), tokens, shared));
    }
    if command.unconditional {
        let Some(nothing) = writing.nothing() else {
            return Err(ModelError::Invalid(
                "this model has no token that begins a text, so nothing has a prior".into(),
            ));
        };
        for (index, option) in command.options.iter().enumerate() {
            let tokens = [vec![nothing], writing.encode(option)].concat();
            usage.prompt_tokens += tokens.len() as u64;
            sequences.push(Sequence::new(id, Part::Prior(index), tokens, 1));
        }
    }
    let count = command.options.len();
    let priors = if command.unconditional { vec![Vec::new(); count] } else { Vec::new() };
    let kind = Kind::Score { options: vec![Vec::new(); count], priors };
    Ok((
        Request { id, session: command.session, kind, open: Vec::new(), usage, counted: false, deadline: None },
        sequences,
    ))
}

/// The transcript with each option, tokenised together with the text before it; and how many tokens all have in common with
/// the transcript itself.
fn options(prompt: &Prompt, options: &[String], writing: &mut Writing) -> Result<(usize, Vec<Vec<u32>>), ModelError> {
    let before = &prompt.tokens[..prompt.tokens.len() - prompt.run];
    let begin = if before.is_empty() { writing.nothing().into_iter().collect() } else { before.to_vec() };
    let shorter = prompt.tokens.len() - before.len() + begin.len();
    let all: Vec<Vec<u32>> = options
        .iter()
        .map(|option| [begin.as_slice(), &writing.encode(&format!("{}{option}", prompt.text))].concat())
        .collect();
    let whole = [begin.as_slice(), &prompt.tokens[before.len()..]].concat();
    let shared = all.iter().map(|tokens| crate::radix::common(tokens, &whole).min(tokens.len() - 1)).min();
    let shared = shared.unwrap_or(shorter);
    if shared == 0 {
        return Err(ModelError::Invalid(
            "the transcript is empty, and this model has no token that begins a text".into(),
        ));
    }
    Ok((shared, all))
}

impl Request {
    /// Takes what a sequence found.
    pub(crate) fn collect(&mut self, sequence: Sequence) {
        match (&mut self.kind, sequence.part) {
            (Kind::Generate(generation), Part::Option(index)) => {
                generation.members[index] = sequence.logprobs.iter().map(|p| f64::from(*p)).sum();
            }
            (Kind::Generate(generation), _) => generation.done = Some((sequence.tokens, sequence.logprobs)),
            (Kind::Score { options, .. }, Part::Option(index)) => options[index] = sequence.logprobs,
            (Kind::Score { priors, .. }, Part::Prior(index)) => priors[index] = sequence.logprobs,
            (Kind::Score { .. }, Part::Hole) => {}
        }
    }

    /// The answer, when every sequence has ended.
    pub(crate) fn answer(&mut self, writing: &Writing) -> Event {
        let request = self.id;
        match &mut self.kind {
            Kind::Score { options, priors } => {
                let (logprobs, unconditional) = (std::mem::take(options), std::mem::take(priors));
                Event::Scored { request, result: Scored { logprobs, unconditional, usage: self.usage } }
            }
            Kind::Generate(generation) => {
                let (tokens, logprobs) = generation.done.take().unwrap_or_default();
                let own = &tokens[generation.prompt.len().min(tokens.len())..];
                let texts = own.iter().map(|token| token_text(*token, writing));
                let known = logprobs.iter().map(|p| if p.is_nan() { 0.0 } else { *p });
                let hole = &generation.hole;
                self.usage.generated_tokens = hole.count() as u64;
                self.usage.forced_tokens = hole.forced;
                let (finish, truncated) =
                    hole.ending.as_ref().map_or((Finish::Length, true), |ending| (ending.finish, ending.truncated));
                let result = Generated {
                    text: String::from_utf8_lossy(hole.value()).into_owned(),
                    finish,
                    truncated,
                    logprob: known.clone().map(f64::from).sum(),
                    tokens: texts.zip(known).collect(),
                    top_logprobs: std::mem::take(&mut generation.top_logprobs),
                    distribution: normalized(&generation.members),
                    usage: self.usage,
                };
                Event::Generated { request, result }
            }
        }
    }
}

/// Log-probabilities as probabilities that sum to 1.
fn normalized(members: &[f64]) -> Vec<f64> {
    let greatest = members.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = members.iter().map(|member| (member - greatest).exp()).collect();
    let total: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / total).collect()
}
