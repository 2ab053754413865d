//! The engine's state, and what commands do to it.

use crate::arena::{Arena, SequenceId};
use crate::clock::Clock;
use crate::compiling::Waiting;
use crate::doubt::Doubts;
use crate::error::LoadError;
use crate::flight::{Flight, Work};
use crate::forward::{Cpu, Cuda, Forward, Reply};
use crate::habit::Habits;
use crate::metrics::{CacheMetrics, Counting};
use crate::options::{
    CACHE_BYTES_DEFAULT, CUDA_TOKEN_BUDGET, DeviceChoice, EngineOptions, Jump, LoadFormat, Overlap, SLOTS_DEFAULT_MAX,
};
use crate::pool::SlotPool;
use crate::queue::Queue;
use crate::radix::{Namespace, RadixTree};
use crate::record::Beginning;
use crate::request::{self, Kind, Request};
use crate::sequence::{Cache, Sequence};
use crate::session::{Session, Spaces};
use crate::simulate::reference::Expected;
use crate::store::Store;
use crate::trace::Trace;
use crate::transcript::Writing;
use indexmap::IndexMap;
use rustc_hash::FxHashMap;
use sgl_constrain::ConstraintCache;
use sgl_kernels::cuda::Device;
use sgl_kernels::{KvFormat, ThreadPool};
use sgl_model::{CudaOptions, CudaTransformer, Loaded, LoadedModel, ModelConfig};
use sgl_protocol::{Command, Event, ModelError, RequestId, SessionId, Shape, Usage};
use std::collections::{BTreeSet, VecDeque};
use std::path::Path;
use std::time::{Duration, Instant};

/// Many requests, one model.
#[derive(Debug)]
pub struct Engine {
    pub(crate) forward: Box<dyn Forward>,
    pub(crate) writing: Writing,
    pub(crate) constraints: ConstraintCache,
    pub(crate) cache: Cache,
    /// What is kept beside the device's cache, if anything is.
    pub(crate) store: Option<Store>,
    pub(crate) token_budget: usize,
    pub(crate) jump: Jump,
    pub(crate) overlap: Overlap,
    pub(crate) fork_sharing: bool,
    pub(crate) guesses: usize,
    pub(crate) spaces: Spaces,
    pub(crate) clock: Clock,
    pub(crate) sessions: IndexMap<SessionId, Session>,
    pub(crate) requests: FxHashMap<RequestId, Request>,
    /// Requests that wait for their constraint.
    pub(crate) compiling: Vec<Waiting>,
    /// When requests have to be answered.
    pub(crate) deadlines: BTreeSet<(Duration, RequestId)>,
    pub(crate) sequences: Arena,
    /// Sequences that are to be started.
    pub(crate) queue: Queue,
    /// Sequences that run, in the order in which they were started.
    pub(crate) running: Vec<SequenceId>,
    /// Sequences of which something has happened: they may be done.
    pub(crate) touched: Vec<SequenceId>,
    /// The pass that was begun and not read.
    pub(crate) flight: Option<Flight>,
    /// Whether there has been work since the last pass.
    pub(crate) had_work: bool,
    /// Replies of the last pass, kept for their memory.
    pub(crate) replies: Vec<Reply>,
    /// Work of a pass that was read, empty, kept for its memory.
    pub(crate) spare: Vec<Work>,
    pub(crate) events: VecDeque<Event>,
    pub(crate) usage: Usage,
    pub(crate) counting: Counting,
    pub(crate) trace: Trace,
    pub(crate) doubts: Doubts,
    pub(crate) habits: Habits,
    pub(crate) forwards: u64,
    /// Passes that were planned.
    pub(crate) planning: u64,
    /// Sequences that were started, and the most that were while one waited.
    pub(crate) starts: u64,
    pub(crate) waited_max: u64,
    /// In simulation: what each request started from.
    pub(crate) witness: Option<Vec<(RequestId, Expected)>>,
    /// What requests began with, if that is remembered.
    pub(crate) beginnings: Option<Vec<Beginning>>,
    /// Requests for which there is no room: they fail when the pass that is planned has begun.
    pub(crate) doomed: Vec<(RequestId, ModelError)>,
    /// Priorities that there have been.
    pub(crate) priorities: BTreeSet<i8>,
}

impl Engine {
    /// Loads a `.gguf` file, or a folder with `config.json`, `tokenizer.json` and safetensors.
    pub fn load(path: &Path, options: EngineOptions) -> Result<Self, LoadError> {
        let pool = ThreadPool::new(options.threads.max(1));
        if let DeviceChoice::Cuda(ordinal) = options.device {
            let device = Device::open(ordinal)?;
            let loaded = match options.load_format {
                LoadFormat::Auto => sgl_model::load_cuda(path, &pool, &device, cuda_options(&options))?,
                LoadFormat::Dummy => sgl_model::load_random(path, None, &device, cuda_options(&options))?,
            };
            return Ok(Self::on_cuda(loaded, options));
        }
        if options.load_format == LoadFormat::Dummy {
            return Err(LoadError::Dummy);
        }
        if options.fp8 {
            return Err(LoadError::Fp8);
        }
        let LoadedModel { transformer, tokenizer, template, .. } = sgl_model::load(path, &pool)?;
        let slots = options.slots.unwrap_or_else(|| slots_by_default(transformer.config(), options.kv_format));
        let cache = transformer.new_cache(slots, options.kv_format);
        let forward = Cpu::new(transformer, pool, cache).map_err(LoadError::Thread)?;
        let mut engine = Self::new(Box::new(forward), Writing::new(tokenizer, template), slots, &options);
        engine.prepare([&Shape::free_text()]);
        Ok(engine)
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
        let loaded = sgl_model::load_random(path, Some(config), &device, cuda_options(&options))?;
        Ok(Self::on_cuda(loaded, options))
    }

    fn on_cuda(loaded: Loaded<CudaTransformer>, mut options: EngineOptions) -> Self {
        let Loaded { transformer, tokenizer, template, .. } = loaded;
        options.token_budget = options.token_budget.max(CUDA_TOKEN_BUDGET);
        let slots = transformer.slots();
        let mut engine =
            Self::new(Box::new(Cuda::new(transformer)), Writing::new(tokenizer, template), slots, &options);
        engine.prepare([&Shape::free_text()]);
        engine
    }

    pub(crate) fn new(forward: Box<dyn Forward>, writing: Writing, slots: usize, options: &EngineOptions) -> Self {
        Self {
            constraints: ConstraintCache::new(writing.vocabulary.clone()),
            cache: Cache {
                pool: SlotPool::new(slots),
                tree: RadixTree::new(),
                shares: options.radix_cache,
                evicted: (0, 0),
            },
            token_budget: options.token_budget.max(1),
            jump: options.jump,
            overlap: options.overlap,
            fork_sharing: options.fork_sharing,
            guesses: options.guesses,
            spaces: Spaces::default(),
            clock: Clock::Since(Instant::now()),
            forward,
            writing,
            sessions: IndexMap::new(),
            requests: FxHashMap::default(),
            compiling: Vec::new(),
            deadlines: BTreeSet::new(),
            sequences: Arena::default(),
            queue: Queue::default(),
            running: Vec::new(),
            touched: Vec::new(),
            flight: None,
            had_work: false,
            replies: Vec::new(),
            spare: Vec::new(),
            events: VecDeque::new(),
            usage: Usage::default(),
            counting: Counting::new(!options.fork_sharing),
            trace: Trace::default(),
            doubts: Doubts::default(),
            habits: Habits::default(),
            forwards: 0,
            planning: 0,
            starts: 0,
            waited_max: 0,
            store: None,
            doomed: Vec::new(),
            witness: None,
            beginnings: None,
            priorities: BTreeSet::new(),
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

    /// Where the time of the steps went so far.
    pub fn trace(&self) -> Trace {
        self.trace
    }

    /// What the cache has done so far.
    pub fn cache_metrics(&self) -> CacheMetrics {
        let mut counts = self.counting.counts;
        (counts.evicted_old, counts.evicted_done) = self.cache.evicted;
        counts.dropped_files = self.store.as_ref().map_or(0, Store::dropped);
        counts
    }

    /// Does what a command says, or keeps it until its session is free.
    pub(crate) fn apply(&mut self, command: Command) {
        let session = match &command {
            Command::Append { session, .. }
            | Command::AppendImage { session, .. }
            | Command::OpenRole { session, .. }
            | Command::CloseRole { session } => *session,
            Command::Generate(generate) => generate.session,
            Command::Score(score) => score.session,
            Command::Open { session } => {
                self.sessions.insert(*session, Session::default());
                return;
            }
            Command::Fork { parent, child } => return self.fork(*parent, *child),
            Command::Cancel { request } => return self.fail(*request, ModelError::Cancelled),
            Command::Close { session } => return self.close(*session),
            Command::Hint { session, hint } => return self.hint(*session, hint),
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
            Command::AppendImage { .. } => {
                transcript.fail(ModelError::Invalid("this model reads text, and sees no images".into()));
            }
            Command::OpenRole { role, .. } => transcript.open_role(&role, &mut self.writing),
            Command::CloseRole { .. } => transcript.close_role(&mut self.writing),
            Command::Generate(generate) => self.generate(generate),
            Command::Score(score) => {
                let prompt = transcript.prompt(&mut self.writing);
                let made = prompt.and_then(|prompt| request::score(&score, &prompt, &mut self.writing));
                self.start(score.request, made, None);
            }
            Command::Open { .. }
            | Command::Fork { .. }
            | Command::Cancel { .. }
            | Command::Close { .. }
            | Command::Hint { .. } => {}
        }
    }

    /// Starts a request, which has to be answered at `deadline`, or when its session says.
    pub(crate) fn start(
        &mut self,
        id: RequestId,
        made: Result<(Request, Vec<Sequence>), ModelError>,
        deadline: Option<Duration>,
    ) {
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
        let open = self.sessions.get(&request.session);
        let (priority, allowed) = open.map_or((0, None), |open| (open.priority, open.deadline));
        let namespace = open.map_or(Namespace::default(), |open| open.namespace);
        let later = open.map_or(0, Session::later);
        request.deadline = deadline.or(allowed.map(|time| self.clock.now().saturating_add(time)));
        if let Some(deadline) = request.deadline {
            self.deadlines.insert((deadline, id));
        }
        let prompt = sequences.first().map_or(0, |sequence| sequence.scored_from);
        for mut sequence in sequences {
            (sequence.priority, sequence.namespace) = (priority, namespace);
            if let (Kind::Generate(generation), true) = (&mut request.kind, sequence.goes_on) {
                sequence.later = later;
                sequence.scores = generation.top.is_some();
                sequence.bounded = generation.hole.is_constrained();
                // Where alternatives are reported, each token is drawn alone.
                generation.guesses = if generation.top.is_some() { 0 } else { self.guesses };
                generation.jump(&mut sequence, &self.writing, &mut self.habits);
            }
            sequence.ticket = self.read_ahead(&sequence);
            let name = self.sequences.insert(sequence);
            request.open.push(name);
            self.touched.push(name);
            self.wait(name);
        }
        if let Some(session) = self.sessions.get_mut(&request.session) {
            session.busy = Some(id);
            session.lead.get_or_insert(prompt);
        }
        if let Some(witness) = &mut self.witness {
            let sequences: Vec<&Sequence> = request.open.iter().filter_map(|name| self.sequences.get(*name)).collect();
            witness.extend(Expected::of(&request, &sequences).map(|expected| (id, expected)));
        }
        self.record(&request);
        self.requests.insert(id, request);
    }

    /// Ends the requests whose time is over.
    pub(crate) fn expire(&mut self) {
        if self.deadlines.is_empty() {
            return;
        }
        let now = self.clock.now();
        while let Some((deadline, request)) = self.deadlines.first().copied().filter(|(deadline, _)| *deadline <= now) {
            self.deadlines.remove(&(deadline, request));
            if self.requests.contains_key(&request) || self.is_compiling(request) {
                self.fail(request, ModelError::DeadlineExceeded);
            }
        }
    }

    fn close(&mut self, session: SessionId) {
        self.unpin(session);
        let Some(closed) = self.sessions.shift_remove(&session) else { return };
        if let Some(request) = closed.busy {
            self.fail(request, ModelError::Cancelled);
        }
        self.forget(&closed);
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
        let Some(request) = self.requests.remove(&id) else {
            if !self.fail_compiling(id, &error) {
                self.fail_queued(id, &error);
            }
            return;
        };
        self.forget_deadline(&request);
        for name in &request.open {
            if let Some(mut sequence) = self.sequences.remove(*name) {
                self.cache.detach(&mut sequence);
            }
        }
        self.usage.add(request.usage);
        self.events.push_back(Event::Failed { request: id, error });
        self.release(request.session);
    }

    pub(crate) fn forget_deadline(&mut self, request: &Request) {
        if let Some(deadline) = request.deadline {
            self.deadlines.remove(&(deadline, request.id));
        }
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
        self.keep(session);
        let Some(open) = self.sessions.get_mut(&session) else { return };
        open.busy = None;
        self.go_on(session);
    }

    /// What waits for a session is done while the session is free.
    pub(crate) fn go_on(&mut self, session: SessionId) {
        loop {
            let Some(open) = self.sessions.get_mut(&session).filter(|open| open.busy.is_none()) else { return };
            let Some(command) = open.queue.pop_front() else { return };
            self.apply(command);
        }
    }
}

pub(crate) fn fits(needed: u64, context: usize) -> Result<(), ModelError> {
    let limit = context as u64;
    if needed <= limit { Ok(()) } else { Err(ModelError::ContextOverflow { needed, limit }) }
}

fn cuda_options(options: &EngineOptions) -> CudaOptions {
    CudaOptions {
        rows: options.token_budget.max(CUDA_TOKEN_BUDGET),
        slots: options.slots,
        deterministic: options.deterministic,
        fp8: options.fp8,
        cascade: options.cascade,
        graphs: options.graphs,
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
