//! A hole while it is filled: which tokens may come, what has come, and when it ends.

use crate::sampler::{Candidates, Seen};
use crate::stops::{Stops, complete};
use crate::transcript::{Prompt, Writing};
use sgl_constrain::{Agreement, ConstraintCache, Cursor, TokenMasks};
use sgl_protocol::{Finish, Generate, ModelError, Sampling, Shape};
use std::sync::Arc;

/// Most candidates whose logits are computed one by one instead of for the whole vocabulary.
const FEW_MAX: usize = 256;

/// The automaton that the text follows.
#[derive(Clone, Debug)]
struct Constraint {
    masks: Arc<TokenMasks>,
    cursor: Cursor,
    /// It only repeats what was held back of the prompt; after that anything may come.
    heals_only: bool,
}

/// Tokens that end a hole without being part of it.
#[derive(Clone, Debug)]
struct Ends {
    /// End of turn or text.
    turn: Arc<[u32]>,
    /// Tokens that begin the literal text that follows.
    follow: Vec<u32>,
}

/// How a hole ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ending {
    pub(crate) finish: Finish,
    pub(crate) truncated: bool,
    /// Bytes of the value.
    pub(crate) len: usize,
}

/// A hole.
#[derive(Clone, Debug)]
pub(crate) struct Hole {
    constraint: Option<Constraint>,
    ends: Ends,
    stops: Stops,
    /// The shape's own delimiter, where the automaton enforces it.
    delimiter: Option<Vec<u8>>,
    pub(crate) sampling: Sampling,
    pub(crate) seen: Seen,
    /// What is added to the logits of tokens.
    pub(crate) bias: Arc<[(u32, f32)]>,
    max_tokens: u32,
    /// Bytes at the end of the prompt that the first tokens repeat.
    pub(crate) held: Vec<u8>,
    /// Per token: where its bytes end, counted from the held-back bytes.
    pub(crate) token_ends: Vec<usize>,
    /// The text so far, without what was held back.
    pub(crate) bytes: Vec<u8>,
    /// How much of it was told to the program.
    told: usize,
    pub(crate) forced: u64,
    /// Whether the budget took a choice away.
    pub(crate) narrowed: bool,
    pub(crate) ending: Option<Ending>,
}

impl Hole {
    /// A hole after `prompt`, from whose end the bytes that are held back are taken.
    ///
    /// # Errors
    /// Options out of range, a shape that can't be enforced or that the budget can't close.
    pub(crate) fn new(
        command: &Generate,
        prompt: &mut Prompt,
        writing: &Writing,
        constraints: &mut ConstraintCache,
    ) -> Result<Self, ModelError> {
        check(command)?;
        let refused = |error: sgl_constrain::ConstrainError| ModelError::Constraint(error.to_string());
        let free = command.shape.is_free_text();
        let shape = if free { Shape::free_text() } else { command.shape.clone() };
        let until = match &command.shape {
            Shape::Text { until, .. } => until.clone(),
            _ => None,
        };
        if until.as_deref() == Some("") {
            return Err(ModelError::Constraint("an empty delimiter ends every text before it begins".into()));
        }
        let masks = if free && prompt.run == 0 { None } else { Some(constraints.masks(&shape).map_err(refused)?) };
        let mut held = Vec::new();
        let mut constraint = None;
        if let Some(masks) = masks {
            held = held_back(prompt, writing, &masks);
            if !held.is_empty() {
                prompt.tokens.pop();
            }
            if !free || !held.is_empty() {
                constraint = Some(Constraint { cursor: Cursor::new(&held, &masks), masks, heals_only: free });
            }
        }
        if let Some(Constraint { masks, cursor, heals_only: false }) = &constraint {
            let need = cursor.need(masks);
            if need > command.max_tokens {
                return Err(ModelError::BudgetTooSmall { need, max_tokens: command.max_tokens });
            }
        }
        let mut seen = Seen::default();
        if command.sampling.repetition_penalty != 1.0 {
            prompt.tokens.iter().for_each(|token| *seen.prompt.entry(*token).or_default() += 1);
        }
        let texts = command.stop.iter().cloned().chain(until.clone().filter(|_| free));
        let stops = Stops::new(texts, &command.sampling.stop_regex)
            .map_err(|(pattern, error)| ModelError::Invalid(format!("`stop_regex` {pattern}: {error}")))?;
        Ok(Self {
            constraint,
            ends: Ends { turn: writing.tokenizer.eos_ids().into(), follow: beginnings(&command.follow, writing, free) },
            stops,
            bias: bias(&command.sampling.logit_bias, writing)?,
            delimiter: until.filter(|_| !free).map(String::into_bytes),
            sampling: command.sampling.clone(),
            seen,
            max_tokens: command.max_tokens,
            held,
            token_ends: Vec::new(),
            bytes: Vec::new(),
            told: 0,
            forced: 0,
            narrowed: false,
            ending: None,
        })
    }

    /// Whether the text follows a shape.
    pub(crate) fn is_constrained(&self) -> bool {
        self.constraint.as_ref().is_some_and(|constraint| !constraint.heals_only)
    }

    /// How many more tokens it may have.
    pub(crate) fn left(&self) -> u32 {
        self.max_tokens.saturating_sub(u32::try_from(self.token_ends.len()).unwrap_or(u32::MAX))
    }

    /// Which tokens may come next, those that end the hole included.
    pub(crate) fn candidates(&mut self, writing: &Writing) -> Candidates {
        let left = self.left();
        let goes_on = self.token_ends.len() < self.sampling.min_tokens as usize;
        let Some(Constraint { masks, cursor, heals_only }) = &self.constraint else {
            return Candidates::Many(if goes_on { writing.endless.clone() } else { writing.usual.clone() });
        };
        let allowed = cursor.allowed(masks, if *heals_only { u32::MAX } else { left });
        let count = allowed.len();
        if !heals_only && !self.narrowed && left < u32::MAX {
            self.narrowed = count != cursor.allowed(masks, u32::MAX).len();
        }
        let ends = cursor.is_accepting(masks) && !(goes_on && count > 0);
        let ending = if ends { self.ends.turn.iter().chain(&self.ends.follow).copied().collect() } else { Vec::new() };
        if count + ending.len() <= FEW_MAX {
            let mut ids: Vec<u32> = allowed.iter().chain(ending).collect();
            ids.sort_unstable();
            ids.dedup();
            return Candidates::Few(ids);
        }
        let mut words = allowed.words().to_vec();
        for id in ending {
            if let Some(word) = words.get_mut(id as usize / 64) {
                *word |= 1 << (id % 64);
            }
        }
        Candidates::Many(words.into())
    }

    /// The only token that may come next, where there is no choice.
    pub(crate) fn forced(&self) -> Option<u32> {
        if self.ending.is_some() {
            return None;
        }
        let Constraint { masks, cursor, heals_only } = self.constraint.as_ref()?;
        cursor.forced(masks, if *heals_only { u32::MAX } else { self.left() })
    }

    /// The tokens of the text about which there is no choice from here on; none where a pass of its own is no slower.
    pub(crate) fn run(&self, last: Option<u32>, writing: &Writing) -> Arc<[u32]> {
        match &self.constraint {
            Some(Constraint { masks, cursor, heals_only: false }) if self.ending.is_none() && cursor.is_healed() => {
                masks.run(cursor.state(), last, &|text| writing.tokenizer.encode(text))
            }
            _ => Arc::new([]),
        }
    }

    /// The text about which there is no choice from here on; nothing where there is a choice.
    pub(crate) fn forced_text(&self) -> String {
        match &self.constraint {
            Some(Constraint { masks, cursor, heals_only: false }) if self.ending.is_none() && cursor.is_healed() => {
                let (mut bytes, _) = masks.forced_bytes(cursor.state());
                bytes.truncate(complete(&bytes));
                String::from_utf8(bytes).unwrap_or_default()
            }
            _ => String::new(),
        }
    }

    /// What became of drafts of such tokens; nothing where the text follows no shape.
    pub(crate) fn agreement(&self) -> Option<&Agreement> {
        self.constraint.as_ref().map(|constraint| constraint.masks.agreement())
    }

    /// Whether a token is among those that may come next as part of the text.
    pub(crate) fn allows(&self, token: u32) -> bool {
        match &self.constraint {
            Some(Constraint { masks, cursor, .. }) => cursor.allowed(masks, self.left()).contains(token),
            None => true,
        }
    }

    /// Takes a token. Gives whether it became part of the text; if not, it ended the hole.
    pub(crate) fn push(&mut self, token: u32, writing: &Writing) -> bool {
        let bytes = writing.vocabulary.bytes(token).unwrap_or_default();
        let mut healed = false;
        match &mut self.constraint {
            Some(Constraint { masks, cursor, heals_only }) => match cursor.advance(masks, token) {
                Some(next) => {
                    *cursor = next;
                    healed = *heals_only && cursor.is_healed();
                }
                None => return self.end(Finish::Stop),
            },
            None if bytes.is_empty() || self.ends.turn.contains(&token) => return self.end(Finish::Stop),
            None => {}
        }
        if healed {
            self.constraint = None;
        }
        *self.seen.generated.entry(token).or_default() += 1;
        let known = self.bytes.len();
        let stream_end = self.token_ends.last().copied().unwrap_or(0);
        self.token_ends.push(stream_end + bytes.len());
        let repeated = self.held.len().saturating_sub(stream_end).min(bytes.len());
        self.bytes.extend_from_slice(&bytes[repeated..]);
        self.check_end(known);
        true
    }

    /// Whether the hole ends with what has come.
    fn check_end(&mut self, known: usize) {
        if let Some(at) = self.stops.find(&self.bytes, known)
            && self.may_end_at(at)
        {
            self.ending = Some(Ending { finish: Finish::Delimiter, truncated: false, len: at });
            return;
        }
        let finished = match &self.constraint {
            Some(Constraint { masks, cursor, heals_only: false }) => cursor.is_final(masks),
            _ => false,
        };
        if finished {
            self.end(Finish::Stop);
        } else if self.left() == 0 {
            self.narrowed = true;
            self.end(Finish::Length);
        }
    }

    /// Whether the text up to here is a value: a stop inside a structure is text.
    fn may_end_at(&self, at: usize) -> bool {
        match &self.constraint {
            Some(Constraint { masks, heals_only: false, .. }) => masks.accepts(&self.bytes[..at]),
            _ => true,
        }
    }

    /// Ends the hole here. Gives `false`, as what ended it is no part of it.
    fn end(&mut self, finish: Finish) -> bool {
        let delimiter = self.delimiter.as_ref().filter(|delimiter| self.bytes.ends_with(delimiter));
        let ending = match delimiter {
            Some(delimiter) => {
                Ending { finish: Finish::Delimiter, truncated: false, len: self.bytes.len() - delimiter.len() }
            }
            None => {
                let finish = if self.narrowed { Finish::Length } else { finish };
                Ending { finish, truncated: self.narrowed, len: complete(&self.bytes) }
            }
        };
        self.ending = Some(ending);
        false
    }

    /// Text that is certain by now and was not told yet.
    pub(crate) fn news(&mut self) -> Option<String> {
        let certain = match &self.ending {
            Some(ending) => ending.len,
            None => {
                let delimiter = self.delimiter.as_ref().map_or(0, |delimiter| undecided(&self.bytes, delimiter));
                let undecided = delimiter.max(self.stops.undecided(&self.bytes));
                complete(&self.bytes[..self.bytes.len() - undecided])
            }
        };
        if certain <= self.told {
            return None;
        }
        let text = String::from_utf8_lossy(&self.bytes[self.told..certain]).into_owned();
        self.told = certain;
        Some(text)
    }

    /// How many of the tokens lie wholly in the value, and the text of the value that comes after them. The cut is never
    /// inside a character.
    pub(crate) fn kept(&self) -> (usize, String) {
        let stream = [self.held.as_slice(), self.value()].concat();
        let mut tokens = self.token_ends.iter().take_while(|end| **end <= stream.len()).count();
        let end_of = |tokens: usize| tokens.checked_sub(1).map_or(0, |last| self.token_ends[last]);
        while tokens > 0 && stream.get(end_of(tokens)).is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000) {
            tokens -= 1;
        }
        (tokens, String::from_utf8_lossy(&stream[end_of(tokens)..]).into_owned())
    }

    /// The bytes of the value.
    pub(crate) fn value(&self) -> &[u8] {
        &self.bytes[..self.ending.as_ref().map_or(self.bytes.len(), |ending| ending.len)]
    }

    /// How many tokens were generated.
    pub(crate) fn count(&self) -> usize {
        self.token_ends.len()
    }
}

/// How many bytes at the end may be the beginning of a delimiter, or are one.
fn undecided(bytes: &[u8], delimiter: &[u8]) -> usize {
    let most = delimiter.len().min(bytes.len());
    (1..=most).rev().find(|count| delimiter.starts_with(&bytes[bytes.len() - count..])).unwrap_or(0)
}

/// The bytes of the prompt's last token, if that was text and a longer token could stand in its place.
fn held_back(prompt: &Prompt, writing: &Writing, masks: &TokenMasks) -> Vec<u8> {
    let Some(last) = prompt.tokens.last().filter(|_| prompt.run > 0 && prompt.tokens.len() > 1) else {
        return Vec::new();
    };
    let Some(bytes) = writing.vocabulary.bytes(*last) else { return Vec::new() };
    let possible = |rest: &[u8]| masks.step(masks.start(), rest).is_some();
    if writing.vocabulary.extends(bytes, possible) { bytes.to_vec() } else { Vec::new() }
}

/// Tokens that are a beginning of the text that follows. Free text goes on until its own end.
fn beginnings(follow: &str, writing: &Writing, free: bool) -> Vec<u32> {
    if free || follow.is_empty() {
        return Vec::new();
    }
    let fits =
        |id: &u32| writing.vocabulary.bytes(*id).is_some_and(|b| !b.is_empty() && follow.as_bytes().starts_with(b));
    (0..writing.vocabulary.len() as u32).filter(fits).collect()
}

/// The tokens that a bias names.
fn bias(named: &[(String, f32)], writing: &Writing) -> Result<Arc<[(u32, f32)]>, ModelError> {
    let resolved = named.iter().map(|(text, bias)| {
        if !(-100.0..=100.0).contains(bias) {
            return Err(ModelError::Invalid(format!("the `logit_bias` of `{text}` is {bias}, and must be from -100 to 100")));
        }
        match writing.tokenizer.encode(text).as_slice() {
            [token] => Ok((*token, *bias)),
            tokens => Err(ModelError::Invalid(format!(
                "`logit_bias` names tokens of the model, and `{text}` is {} of them; a word within a text often begins with a space",
                tokens.len()
            ))),
        }
    });
    resolved.collect()
}

fn check(command: &Generate) -> Result<(), ModelError> {
    let Sampling { temperature, top_p, min_p, repetition_penalty, frequency_penalty, presence_penalty, .. } =
        command.sampling;
    let wrong = |name: &str, value: f32, range: &str| {
        Err(ModelError::Invalid(format!("`{name}` is {value}, and must be {range}")))
    };
    if !(temperature >= 0.0 && temperature.is_finite()) {
        return wrong("temperature", temperature, "at least 0");
    }
    if !(top_p > 0.0 && top_p <= 1.0) {
        return wrong("top_p", top_p, "above 0 and at most 1");
    }
    if !(0.0..=1.0).contains(&min_p) {
        return wrong("min_p", min_p, "from 0 to 1");
    }
    if !(repetition_penalty > 0.0 && repetition_penalty.is_finite()) {
        return wrong("repetition_penalty", repetition_penalty, "above 0");
    }
    if !frequency_penalty.is_finite() || !presence_penalty.is_finite() {
        return Err(ModelError::Invalid("penalties must be numbers".into()));
    }
    if command.max_tokens == 0 {
        return Err(ModelError::Invalid("`max_tokens` must be at least 1".into()));
    }
    Ok(())
}
