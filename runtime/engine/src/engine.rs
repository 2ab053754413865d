//! The engine's state, and what commands do to it.

use crate::error::LoadError;
use crate::forward::{Cpu, Cuda, Forward};
use crate::options::{CACHE_BYTES_DEFAULT, CUDA_TOKEN_BUDGET, DeviceChoice, EngineOptions, Jump, SLOTS_DEFAULT_MAX};
use crate::pool::SlotPool;
use crate::radix::RadixTree;
use crate::request::{self, Kind, Request};
use crate::sequence::{Cache, Sequence, SequenceId};
use crate::transcript::{Transcript, Writing};
use indexmap::IndexMap;
use sgl_constrain::ConstraintCache;
use sgl_kernels::cuda::Device;
use sgl_kernels::{KvFormat, ThreadPool};
use sgl_model::{CudaOptions, CudaTransformer, Loaded, LoadedModel, ModelConfig, Scratch};
use sgl_protocol::{Command, Event, ModelError, RequestId, SessionId, Shape, Usage};
use std::collections::VecDeque;
use std::path::Path;

/// A transcript and what is to be done to it.
#[derive(Debug, Default)]
pub(crate) struct Session {
    pub(crate) transcript: Transcript,
    /// The request that is under way.
    pub(crate) busy: Option<RequestId>,
    /// Commands that wait for it.
    pub(crate) queue: VecDeque<Command>,
}

/// Many requests, one model.
#[derive(Debug)]
pub struct Engine {
    pub(crate) forward: Box<dyn Forward>,
    pub(crate) writing: Writing,
    pub(crate) constraints: ConstraintCache,
    pub(crate) cache: Cache,
    pub(crate) token_budget: usize,
    pub(crate) jump: Jump,
    pub(crate) sessions: IndexMap<SessionId, Session>,
    pub(crate) requests: IndexMap<RequestId, Request>,
    pub(crate) sequences: IndexMap<SequenceId, Sequence>,
    /// Sequences that are to be started, in order.
    pub(crate) waiting: VecDeque<SequenceId>,
    pub(crate) next_sequence: u64,
    pub(crate) events: VecDeque<Event>,
    pub(crate) usage: Usage,
    /// Logits of the last pass, kept for their memory.
    pub(crate) logits: Vec<f32>,
    pub(crate) forwards: u64,
}

impl Engine {
    /// Loads a `.gguf` file, or a folder with `config.json`, `tokenizer.json` and safetensors.
    pub fn load(path: &Path, options: EngineOptions) -> Result<Self, LoadError> {
        let pool = ThreadPool::new(options.threads.max(1));
        if let DeviceChoice::Cuda(ordinal) = options.device {
            let device = Device::open(ordinal)?;
            let loaded = sgl_model::load_cuda(path, &pool, &device, cuda_options(&options))?;
            return Ok(Self::on_cuda(loaded, options));
        }
        let LoadedModel { transformer, tokenizer, template, .. } = sgl_model::load(path, &pool)?;
        let slots = options.slots.unwrap_or_else(|| slots_by_default(transformer.config(), options.kv_format));
        let cache = transformer.new_cache(slots, options.kv_format);
        let forward = Cpu { transformer, pool, scratch: Scratch::default(), cache };
        Ok(Self::new(Box::new(forward), Writing::new(tokenizer, template), slots, &options))
    }

    /// An engine with random weights of a configuration on a CUDA device, and the tokenizer of the model at `path`; for
    /// measuring.
    pub fn load_random(
        path: &Path,
        config: ModelConfig,
        ordinal: usize,
        options: EngineOptions,
    ) -> Result<Self, LoadError> {
        let device = Device::open(ordinal)?;
        let loaded = sgl_model::load_random(path, config, &device, cuda_options(&options))?;
        Ok(Self::on_cuda(loaded, options))
    }

    fn on_cuda(loaded: Loaded<CudaTransformer>, mut options: EngineOptions) -> Self {
        let Loaded { transformer, tokenizer, template, .. } = loaded;
        options.token_budget = options.token_budget.max(CUDA_TOKEN_BUDGET);
        let slots = transformer.slots();
        Self::new(Box::new(Cuda { transformer }), Writing::new(tokenizer, template), slots, &options)
    }

    pub(crate) fn new(forward: Box<dyn Forward>, writing: Writing, slots: usize, options: &EngineOptions) -> Self {
        Self {
            constraints: ConstraintCache::new(writing.vocabulary.clone()),
            cache: Cache {
                pool: SlotPool::new(slots),
                tree: RadixTree::new(),
                shares: options.radix_cache,
                evicted: 0,
            },
            token_budget: options.token_budget.max(1),
            jump: options.jump,
            forward,
            writing,
            sessions: IndexMap::new(),
            requests: IndexMap::new(),
            sequences: IndexMap::new(),
            waiting: VecDeque::new(),
            next_sequence: 0,
            events: VecDeque::new(),
            usage: Usage::default(),
            logits: Vec::new(),
            forwards: 0,
        }
    }

    /// Fewest tokens that a value of this shape takes. An error if the shape can't be enforced.
    pub fn need(&mut self, shape: &Shape) -> Result<u32, ModelError> {
        if shape.is_free_text() {
            return Ok(0);
        }
        let masks = self.constraints.masks(shape).map_err(|error| ModelError::Constraint(error.to_string()))?;
        Ok(masks.need(masks.start()))
    }

    /// How many tokens a text is.
    pub fn count_tokens(&self, text: &str) -> usize {
        self.writing.tokenizer.encode(text).len()
    }

    /// Forward passes so far.
    pub fn forward_passes(&self) -> u64 {
        self.forwards
    }

    /// Does what a command says, or keeps it until its session is free.
    pub(crate) fn apply(&mut self, command: Command) {
        let session = match &command {
            Command::Append { session, .. } | Command::OpenRole { session, .. } | Command::CloseRole { session } => {
                *session
            }
            Command::Generate(generate) => generate.session,
            Command::Score(score) => score.session,
            Command::Open { session } => {
                self.sessions.insert(*session, Session::default());
                return;
            }
            Command::Fork { parent, child } => return self.fork(*parent, *child),
            Command::Cancel { request } => return self.fail(*request, ModelError::Cancelled),
            Command::Close { session } => return self.close(*session),
        };
        let Some(open) = self.sessions.get_mut(&session) else {
            if let Command::Generate(sgl_protocol::Generate { request, .. })
            | Command::Score(sgl_protocol::Score { request, .. }) = command
            {
                let error = ModelError::UnknownSession(session.0);
                self.events.push_back(Event::Failed { request, error });
            }
            return;
        };
        if open.busy.is_some() {
            open.queue.push_back(command);
            return;
        }
        let transcript = &mut open.transcript;
        match command {
            Command::Append { text, .. } => transcript.append(&text),
            Command::OpenRole { role, .. } => transcript.open_role(&role, &mut self.writing),
            Command::CloseRole { .. } => transcript.close_role(&mut self.writing),
            Command::Generate(generate) => {
                let id = generate.request;
                let context = self.forward.context();
                let made = transcript.prompt(&mut self.writing).and_then(|prompt| {
                    let needed = prompt.tokens.len() as u64 + u64::from(generate.max_tokens);
                    fits(needed, context)?;
                    request::generate(&generate, prompt, &mut self.writing, &mut self.constraints, self.jump)
                });
                self.start(id, made);
            }
            Command::Score(score) => {
                let prompt = transcript.prompt(&mut self.writing);
                let made = prompt.and_then(|prompt| request::score(&score, &prompt, &mut self.writing));
                self.start(score.request, made);
            }
            Command::Open { .. } | Command::Fork { .. } | Command::Cancel { .. } | Command::Close { .. } => {}
        }
    }

    fn fork(&mut self, parent: SessionId, child: SessionId) {
        let Some(open) = self.sessions.get(&parent) else { return };
        let mut transcript = open.transcript.clone();
        if open.busy.is_some() {
            transcript.fail(ModelError::Invalid("a transcript can't be forked while a hole of it is filled".into()));
        }
        self.sessions.insert(child, Session { transcript, ..Session::default() });
    }

    fn start(&mut self, id: RequestId, made: Result<(Request, Vec<Sequence>), ModelError>) {
        let context = self.forward.context();
        let made = made.and_then(|(request, sequences)| {
            sequences.iter().try_for_each(|sequence| fits(sequence.tokens.len() as u64, context))?;
            Ok((request, sequences))
        });
        let (mut request, sequences) = match made {
            Ok(made) => made,
            Err(error) => {
                self.events.push_back(Event::Failed { request: id, error });
                return;
            }
        };
        for mut sequence in sequences {
            if let (Kind::Generate(generation), true) = (&mut request.kind, sequence.goes_on) {
                generation.jump(&mut sequence, &self.writing);
            }
            self.next_sequence += 1;
            let name = SequenceId(self.next_sequence);
            request.open.push(name);
            self.waiting.push_back(name);
            self.sequences.insert(name, sequence);
        }
        if let Some(session) = self.sessions.get_mut(&request.session) {
            session.busy = Some(id);
        }
        self.requests.insert(id, request);
    }

    fn close(&mut self, session: SessionId) {
        let Some(closed) = self.sessions.shift_remove(&session) else { return };
        if let Some(request) = closed.busy {
            self.fail(request, ModelError::Cancelled);
        }
        for command in closed.queue {
            if let Command::Generate(sgl_protocol::Generate { request, .. })
            | Command::Score(sgl_protocol::Score { request, .. }) = command
            {
                self.events.push_back(Event::Failed { request, error: ModelError::Cancelled });
            }
        }
    }

    /// Ends a request without a result; its transcript is what it was.
    pub(crate) fn fail(&mut self, id: RequestId, error: ModelError) {
        let Some(request) = self.requests.shift_remove(&id) else {
            return self.fail_queued(id, &error);
        };
        for name in &request.open {
            self.waiting.retain(|waiting| waiting != name);
            if let Some(mut sequence) = self.sequences.shift_remove(name) {
                self.cache.detach(&mut sequence);
            }
        }
        self.usage.add(request.usage);
        self.events.push_back(Event::Failed { request: id, error });
        self.release(request.session);
    }

    /// A request that still waits for its session.
    fn fail_queued(&mut self, id: RequestId, error: &ModelError) {
        let is_it = |command: &Command| match command {
            Command::Generate(generate) => generate.request == id,
            Command::Score(score) => score.request == id,
            _ => false,
        };
        for session in self.sessions.values_mut() {
            let before = session.queue.len();
            session.queue.retain(|command| !is_it(command));
            if session.queue.len() < before {
                self.events.push_back(Event::Failed { request: id, error: error.clone() });
                return;
            }
        }
    }

    /// A session's request has ended: what waited for it goes on.
    pub(crate) fn release(&mut self, session: SessionId) {
        let Some(open) = self.sessions.get_mut(&session) else { return };
        open.busy = None;
        loop {
            let Some(open) = self.sessions.get_mut(&session).filter(|open| open.busy.is_none()) else { return };
            let Some(command) = open.queue.pop_front() else { return };
            self.apply(command);
        }
    }
}

fn fits(needed: u64, context: usize) -> Result<(), ModelError> {
    let limit = context as u64;
    if needed <= limit { Ok(()) } else { Err(ModelError::ContextOverflow { needed, limit }) }
}

fn cuda_options(options: &EngineOptions) -> CudaOptions {
    CudaOptions {
        rows: options.token_budget.max(CUDA_TOKEN_BUDGET),
        slots: options.slots,
        deterministic: options.deterministic,
        cascade: options.cascade,
        ..CudaOptions::default()
    }
}

fn slots_by_default(config: &ModelConfig, format: KvFormat) -> usize {
    let number = match format {
        KvFormat::F16 => 2,
        KvFormat::F32 => 4,
    };
    let token = 2 * config.layers * config.kv_heads * config.head_dim * number;
    (CACHE_BYTES_DEFAULT / token.max(1)).clamp(config.context.min(SLOTS_DEFAULT_MAX), SLOTS_DEFAULT_MAX)
}
