//! Instructions that write a transcript or ask the model.

use crate::choose::choose;
use crate::image::{HoleOptions, Metadata, Op, Register};
use crate::machine::Machine;
use crate::metadata::metadata;
use crate::observer::TextKind;
use crate::operation as values;
use crate::parse::parse;
use crate::task::{Answer, Asked, Stop, Wait, mix};
use crate::text::text_of;
use crate::trap::Fault;
use crate::value::{TaskId, Transcript, Value};
use crate::written::Piece;
use sgl_protocol::{
    Command, Generate, ModelError, Picture, RequestId, Role, Sampling, Score, SessionId, Shape, Variant,
};
use std::rc::Rc;
use std::time::Instant;

/// How options begin that are computed parts of the hole's type.
const PART: &str = "part ";

/// Likeliest tokens that are reported where log-probabilities are asked for.
const TOP_LOGPROBS: u8 = 5;

impl Machine<'_> {
    /// The session of a task that writes a transcript.
    fn session(&mut self, id: TaskId) -> Result<SessionId, Fault> {
        self.running(id).session.ok_or_else(|| Fault::new("pure code can't write a transcript"))
    }

    pub(crate) fn prompt(&mut self, id: TaskId, op: &Op) -> Result<(), Stop> {
        match op {
            Op::OpenRole { role } => self.open_role(id, role.clone())?,
            Op::OpenNamedRole { role } => {
                let role = self.whole(id, *role)?;
                let role = match values::str_of(&role)? {
                    "system" => Role::System,
                    "user" => Role::User,
                    "assistant" => Role::Assistant,
                    other => Role::Other(other.to_string()),
                };
                self.open_role(id, role)?;
            }
            Op::CloseRole => self.close_role(id)?,
            Op::Append { text } => {
                let text = self.image.texts[*text as usize].clone();
                self.append(id, &text, TextKind::Literal)?;
            }
            Op::AppendValue { of } => match self.told(id, *of)? {
                Value::Transcript(transcript) => {
                    self.copying = true;
                    let done = self.append_transcript(id, &transcript);
                    self.copying = false;
                    done?;
                }
                value => {
                    let text = text_of(&value, self.image);
                    self.append(id, &text, TextKind::Literal)?;
                }
            },
            Op::AppendImage { of } => match self.whole(id, *of)? {
                Value::Image(picture) => self.append_image(id, picture.as_ref().clone())?,
                other => return Err(Fault::new(format!("{} is shown as an image", other.kind())).into()),
            },
            Op::Transcript { to } => {
                let session = self.session(id)?;
                let session = self.fork_session(session);
                let written = self.running(id).written.clone();
                let role_open = self.running(id).role_open;
                let transcript = Transcript { session, written, role_open, closed: Rc::clone(&self.closed) };
                self.tell_kept(id, &transcript);
                self.set(id, *to, Value::Transcript(Rc::new(transcript)));
            }
            Op::Generate { to, hole, options, metadata } => {
                return self.generate(id, *to, *hole, options, metadata);
            }
            Op::Select { to, hole, options, by, metadata } => {
                return self.select(id, *to, *hole, *options, *by, metadata);
            }
            other => unreachable!("{other:?} writes no transcript"),
        }
        self.pass(id);
        Ok(())
    }

    fn open_role(&mut self, id: TaskId, role: Role) -> Result<(), Fault> {
        if self.running(id).role_open {
            return Err(Fault::new(format!("the turn of {} begins inside another turn", role.name())));
        }
        self.keep_turns(id);
        let session = self.session(id)?;
        let task = self.running(id);
        task.role_open = true;
        task.turn_charged = false;
        let branch = task.branch.clone();
        task.written.push(Piece::Open(role.clone()));
        self.observer.open_role(&branch, &role);
        self.tell_opened(id, &role);
        self.model.submit(Command::OpenRole { session, role });
        Ok(())
    }

    fn close_role(&mut self, id: TaskId) -> Result<(), Fault> {
        let session = self.session(id)?;
        let task = self.running(id);
        task.role_open = false;
        let branch = task.branch.clone();
        task.written.push(Piece::Close);
        self.observer.close_role(&branch);
        self.tell_closed(id);
        self.model.submit(Command::CloseRole { session });
        Ok(())
    }

    /// Writes what branches wrote, turn by turn.
    pub(crate) fn replay(&mut self, id: TaskId, pieces: Vec<Piece>) -> Result<(), Fault> {
        for piece in pieces {
            match piece {
                Piece::Open(role) => self.open_role(id, role)?,
                Piece::Text(text) => self.append(id, &text, TextKind::Literal)?,
                Piece::Image(picture) => self.append_image(id, picture)?,
                Piece::Close => self.close_role(id)?,
            }
        }
        Ok(())
    }

    /// Writes what another transcript holds: inside a turn its text, outside turns its turns.
    fn append_transcript(&mut self, id: TaskId, transcript: &Transcript) -> Result<(), Fault> {
        if self.running(id).role_open {
            for piece in transcript.written.since(0) {
                match piece {
                    Piece::Open(_) => {}
                    Piece::Text(text) => self.append(id, &text, TextKind::Literal)?,
                    Piece::Image(picture) => self.append_image(id, picture)?,
                    Piece::Close => self.append(id, "\n", TextKind::Literal)?,
                }
            }
            return Ok(());
        }
        self.replay(id, transcript.written.since(0))?;
        if transcript.role_open { self.close_role(id) } else { Ok(()) }
    }

    /// Appends an image to the task's transcript.
    fn append_image(&mut self, id: TaskId, picture: Picture) -> Result<(), Fault> {
        let session = self.session(id)?;
        let task = self.running(id);
        task.written.push(Piece::Image(picture.clone()));
        let branch = task.branch.clone();
        self.observer.text(&branch, TextKind::Literal, &picture.to_string());
        self.model.submit(Command::AppendImage { session, picture });
        Ok(())
    }

    /// Appends text to the task's transcript.
    pub(crate) fn append(&mut self, id: TaskId, text: &str, kind: TextKind) -> Result<(), Fault> {
        let session = self.session(id)?;
        self.tell_wrote(id, text);
        if text.is_empty() {
            return Ok(());
        }
        let limit = self.options.limits.elements;
        let task = self.running(id);
        values::within(task.written.bytes() + text.len(), limit, "a transcript")?;
        task.written.push(Piece::Text(text.into()));
        let branch = task.branch.clone();
        self.observer.text(&branch, kind, text);
        self.model.submit(Command::Append { session, text: text.to_string() });
        Ok(())
    }

    /// Sends a request the first time, and gives its answer when that is there.
    fn ask(
        &mut self,
        id: TaskId,
        streams: bool,
        command: impl FnOnce(&mut Self) -> Result<(RequestId, Command), Stop>,
    ) -> Result<(Answer, Asked), Stop> {
        match self.running(id).asked.take() {
            Some(mut asked) => match asked.answer.take() {
                Some(answer) => Ok((answer, asked)),
                None => {
                    self.running(id).asked = Some(asked);
                    Err(Stop::Wait(Wait::Answer))
                }
            },
            None => {
                self.charge(id)?;
                let (request, command) = command(self)?;
                self.note_read(id);
                self.look_ahead(id);
                self.running(id).asked = Some(Asked { request, at: Instant::now(), streams, answer: None });
                self.model.submit(command);
                Err(Stop::Wait(Wait::Answer))
            }
        }
    }

    fn generate(
        &mut self,
        id: TaskId,
        to: Register,
        hole: u32,
        options: &HoleOptions,
        wanted: &[(Metadata, Register)],
    ) -> Result<(), Stop> {
        let image = self.image;
        let description = &image.holes[hole as usize];
        let streams = match options.set.iter().find(|(name, _)| name == "stream") {
            Some((_, register)) => values::bool_of(&self.get(id, *register)?)?,
            None => true,
        };
        let shape = self.computed(id, &description.shape, options)?;
        let (answer, asked) = self.ask(id, streams, |machine| {
            let session = machine.session(id)?;
            let mut command = Generate {
                request: RequestId(0),
                session,
                shape: shape.clone(),
                sampling: machine.sampling(id, hole),
                max_tokens: description.max_tokens.unwrap_or(machine.options.max_tokens_default),
                stop: Vec::new(),
                follow: description.follow.clone(),
                top_logprobs: wanted.iter().any(|(kind, _)| *kind == Metadata::Logprob).then_some(TOP_LOGPROBS),
                distribution: wanted.iter().any(|(kind, _)| matches!(kind, Metadata::Distribution | Metadata::Margin)),
                label: description.label.clone(),
                model: description.model.clone(),
            };
            for (name, register) in &options.set {
                let value = machine.whole(id, *register)?;
                set_option(&mut command, name, &value)?;
            }
            let attempt = machine.running(id).attempt;
            if attempt > 0 {
                // Trying again with the same seed would fail again.
                command.sampling.seed = mix(command.sampling.seed, attempt);
            }
            if let Some(cap) = machine.options.max_tokens_cap {
                command.max_tokens = command.max_tokens.min(cap);
            }
            command.request = machine.new_request(id);
            machine.tell_asked(id, &description.label, &[]);
            Ok((command.request, Command::Generate(command)))
        })?;
        let generated = match answer {
            Answer::Generated(generated) => generated,
            Answer::Failed(error) => return Err(model_fault(&error, &description.label).into()),
            Answer::Scored(_) => {
                return Err(Fault::new("the model gave scores where text was asked for").into());
            }
        };
        let value = parse(&generated.text, &shape, image).map_err(|error| {
            let fault =
                Fault::new(format!("the text for `{}` does not belong to its type: {error}", description.label));
            fault.with_help("a scripted answer must be a text of the hole's type")
        })?;
        self.charge_tokens(id, generated.usage.generated_tokens);
        self.tell_generated(id, &generated);
        let task = self.running(id);
        task.written.push(Piece::Text(generated.text.as_str().into()));
        if !streams {
            let branch = self.running(id).branch.clone();
            self.observer.text(&branch, TextKind::Generated, &generated.text);
        }
        for (kind, register) in wanted {
            let about = metadata(*kind, &generated, &shape, image, asked.at)?;
            self.set(id, *register, about);
        }
        self.set(id, to, value);
        self.pass(id);
        Ok(())
    }

    /// The shape of a hole with what its type computes put in.
    fn computed(&mut self, id: TaskId, shape: &Shape, options: &HoleOptions) -> Result<Shape, Stop> {
        let mut parts = Vec::new();
        for (_, register) in options.set.iter().filter(|(name, _)| name.starts_with(PART)) {
            parts.push(part(&self.whole(id, *register)?, self.image)?);
        }
        if parts.is_empty() {
            return Ok(shape.clone());
        }
        shape.computed(&parts).ok_or_else(|| Fault::new("a computed part of the hole is missing").into())
    }

    /// The run's sampling options with the seed of this occurrence of a hole.
    fn sampling(&mut self, id: TaskId, hole: u32) -> Sampling {
        let task = self.running(id);
        let occurrence = task.occurrences.entry(hole).or_default();
        *occurrence += 1;
        let seed = mix(mix(task.path, u64::from(hole)), *occurrence);
        let mut sampling = Sampling { seed, ..Sampling::default() };
        if let Some(temperature) = self.options.temperature {
            sampling.temperature = temperature as f32;
        }
        sampling
    }

    fn select(
        &mut self,
        id: TaskId,
        to: Register,
        hole: u32,
        options: Register,
        by: crate::image::SelectBy,
        wanted: &[(Metadata, Register)],
    ) -> Result<(), Stop> {
        let image = self.image;
        let description = &image.holes[hole as usize];
        let options = self.told(id, options)?;
        let options = values::list_of(&options)?;
        if options.is_empty() {
            return Err(Fault::new("`select` has nothing to choose from").with_help("the list is empty").into());
        }
        let texts: Vec<String> = options.iter().map(|option| text_of(option, image)).collect();
        let (answer, asked) = self.ask(id, true, |machine| {
            let session = machine.session(id)?;
            let request = machine.new_request(id);
            machine.tell_asked(id, &description.label, &texts);
            let unconditional = by == crate::image::SelectBy::Pmi;
            let (label, model) = (description.label.clone(), description.model.clone());
            let options = texts.clone();
            Ok((request, Command::Score(Score { request, session, options, unconditional, label, model })))
        })?;
        let scored = match answer {
            Answer::Scored(scored) if scored.logprobs.len() == options.len() => scored,
            Answer::Failed(error) => return Err(model_fault(&error, &description.label).into()),
            _ => return Err(Fault::new("the model gave no score per option").into()),
        };
        self.tell_scored(id, scored.usage);
        let best = choose(by, &scored);
        self.append(id, &texts[best], TextKind::Generated)?;
        for (kind, register) in wanted {
            let about = match kind {
                Metadata::Logprob => Value::Float(scored.logprobs[best].iter().map(|p| f64::from(*p)).sum()),
                Metadata::Tokens => Value::Int(scored.logprobs[best].len() as i64),
                Metadata::Text => Value::text(&texts[best]),
                Metadata::Milliseconds => Value::Int(asked.at.elapsed().as_millis() as i64),
                Metadata::Truncated => Value::Bool(false),
                Metadata::Distribution | Metadata::Margin => {
                    return Err(Fault::new("`select` has scores, but no distribution").into());
                }
            };
            self.set(id, *register, about);
        }
        self.set(id, to, options[best].clone());
        self.pass(id);
        Ok(())
    }
}

/// What a program computed for the type of a hole: a list of texts to choose from, or a JSON Schema.
fn part(value: &Value, image: &crate::image::Image) -> Result<Shape, Fault> {
    let Value::List(items) = value else { return Ok(Shape::Schema(text_of(value, image))) };
    let mut variants: Vec<Variant> = Vec::new();
    for item in items.iter() {
        let text = values::str_of(item)?.to_string();
        if !variants.iter().any(|v| v.name == text) {
            variants.push(Variant { name: text.clone(), shape: Shape::Literal(text) });
        }
    }
    if variants.is_empty() {
        return Err(Fault::new("the hole has nothing to choose from").with_help("the list after `from` is empty"));
    }
    Ok(Shape::Union(variants))
}

/// Sets one option of a hole by its name.
fn set_option(command: &mut Generate, name: &str, value: &Value) -> Result<(), Fault> {
    let sampling = &mut command.sampling;
    let number = || values::float_of(value).map(|x| x as f32);
    let whole = |least: i64| {
        let n = values::int_of(value)?;
        u32::try_from(n)
            .ok()
            .filter(|n| i64::from(*n) >= least)
            .ok_or_else(|| Fault::new(format!("`{name}` can't be {n}")))
    };
    match name {
        "temperature" => sampling.temperature = number()?,
        "top_p" => sampling.top_p = number()?,
        "min_p" => sampling.min_p = number()?,
        "frequency_penalty" => sampling.frequency_penalty = number()?,
        "presence_penalty" => sampling.presence_penalty = number()?,
        "repetition_penalty" => sampling.repetition_penalty = number()?,
        "top_k" => sampling.top_k = whole(0)?,
        "max_tokens" => command.max_tokens = whole(1)?,
        "seed" => sampling.seed = values::int_of(value)?.cast_unsigned(),
        "min_tokens" => sampling.min_tokens = whole(0)?,
        "stop" => command.stop = texts_of(value)?,
        "stop_regex" => sampling.stop_regex = texts_of(value)?,
        "logprobs" => command.top_logprobs = u8::try_from(whole(0)?).ok(),
        "stream" => {}
        name if name.starts_with(PART) => {}
        other => return Err(Fault::new(format!("holes have no option `{other}`"))),
    }
    Ok(())
}

/// A text, or a list of them.
fn texts_of(value: &Value) -> Result<Vec<String>, Fault> {
    match value {
        Value::List(items) => items.iter().map(|item| values::str_of(item).map(str::to_string)).collect(),
        single => Ok(vec![values::str_of(single)?.to_string()]),
    }
}

/// What the model could not do: a fault of the world, unless the program asked for what can't be.
fn model_fault(error: &ModelError, hole: &str) -> Fault {
    match error {
        ModelError::ContextOverflow { .. } => {
            Fault::world("model", error.to_string()).with_help("shorten the transcript, or generate fewer tokens")
        }
        ModelError::OutOfCache { .. } => {
            Fault::world("model", error.to_string()).with_help("run fewer branches at once, or shorten the transcript")
        }
        ModelError::Device(_) | ModelError::Cancelled | ModelError::DeadlineExceeded => {
            Fault::world("device", error.to_string())
        }
        ModelError::BudgetTooSmall { .. } => {
            Fault::new(error.to_string()).with_help("raise `max_tokens`, or bound the type more tightly")
        }
        ModelError::UnknownSession(_) | ModelError::Constraint(_) | ModelError::Invalid(_) => {
            Fault::new(format!("the hole `{hole}` can't be filled: {error}"))
        }
        ModelError::Template(_) | ModelError::Script(_) => Fault::new(error.to_string()),
    }
}
