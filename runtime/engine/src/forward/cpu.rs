//! A transformer on the CPU, in a thread of its own: while it computes a pass, the engine prepares the next.
//!
//! The thread takes orders from a queue. In the overlapped loop the next pass lies there before the last is done, so that it
//! waits for nobody.

use super::{Forward, Pace, Question, Reply, reply};
use crate::sampler::Candidates;
use sgl_kernels::{AttentionSpan, KvCache, ThreadPool};
use sgl_model::{Batch, Output, OutputRows, Scratch, Transformer, drawn_output};
use std::ops::Range;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A batch that owns what it is made of.
#[derive(Debug)]
struct Order {
    tokens: Vec<u32>,
    positions: Vec<u32>,
    slots: Vec<u32>,
    /// Rows of each sequence, and where its context lies.
    spans: Vec<(Range<usize>, Range<usize>)>,
    contexts: Vec<u32>,
    /// Rows whose successors are asked for.
    outputs: Vec<usize>,
    goes_on: bool,
}

enum Message {
    Begin(Box<Order>),
    Ask(Vec<Question>),
    Save(Vec<u32>, Box<dyn FnOnce(Vec<u8>) + Send>),
    Restore(Vec<u32>, Vec<u8>),
}

type Outcome = Result<(Vec<Reply>, Pace), String>;

/// The engine's end.
#[derive(Debug)]
pub(crate) struct Cpu {
    context: usize,
    slot_bytes: usize,
    /// Dropped first, which ends the thread.
    orders: Option<Sender<Message>>,
    outcomes: Receiver<Outcome>,
    worker: Option<JoinHandle<()>>,
    /// Passes that were asked and not read.
    open: usize,
    /// Whether a pass was begun and not asked.
    unasked: bool,
}

impl Cpu {
    /// Starts the thread. An error if the system has none to give.
    pub(crate) fn new(transformer: Transformer, pool: ThreadPool, cache: KvCache) -> Result<Self, std::io::Error> {
        let (context, slot_bytes) = (transformer.config().context, cache.slot_bytes());
        let (orders, inbox) = channel();
        let (outbox, outcomes) = channel();
        let worker = Worker {
            transformer,
            pool,
            cache,
            scratch: Scratch::default(),
            logits: Vec::new(),
            drawn: Vec::new(),
            free_since: None,
            broken: None,
        };
        let name = "sgl-engine-cpu".to_string();
        let worker = std::thread::Builder::new().name(name).spawn(move || worker.work(&inbox, &outbox))?;
        Ok(Self { context, slot_bytes, orders: Some(orders), outcomes, worker: Some(worker), open: 0, unasked: false })
    }

    fn send(&mut self, message: Message) -> Result<(), String> {
        let orders = self.orders.as_ref().ok_or_else(gone)?;
        orders.send(message).map_err(|_| gone())
    }
}

fn gone() -> String {
    "the thread that computes has ended".into()
}

impl Drop for Cpu {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(worker) = self.worker.take() {
            // A panic there was told when the pass was read.
            drop(worker.join());
        }
    }
}

impl Forward for Cpu {
    fn context(&self) -> usize {
        self.context
    }

    fn overlaps(&self) -> bool {
        true
    }

    fn begin(&mut self, batch: &Batch<'_>, questions: Option<Vec<Question>>, goes_on: bool) -> Result<(), String> {
        let mut contexts = Vec::with_capacity(batch.spans.iter().map(|span| span.context.len()).sum());
        let spans = batch.spans.iter().map(|span| {
            let from = contexts.len();
            contexts.extend_from_slice(span.context);
            (span.rows.clone(), from..contexts.len())
        });
        let spans = spans.collect();
        let order = Order {
            tokens: batch.tokens.to_vec(),
            positions: batch.positions.to_vec(),
            slots: batch.slots.to_vec(),
            spans,
            contexts,
            outputs: batch.outputs.iter().map(|output| output.row).collect(),
            goes_on,
        };
        self.send(Message::Begin(Box::new(order)))?;
        self.unasked = true;
        questions.map_or(Ok(()), |questions| self.ask(questions))
    }

    fn ask(&mut self, questions: Vec<Question>) -> Result<(), String> {
        self.send(Message::Ask(questions))?;
        self.open += 1;
        self.unasked = false;
        Ok(())
    }

    fn read(&mut self, replies: &mut Vec<Reply>) -> Result<Pace, String> {
        let outcome = self.outcomes.recv().map_err(|_| gone())?;
        self.open -= 1;
        let (found, pace) = outcome?;
        *replies = found;
        Ok(pace)
    }

    fn slot_bytes(&self) -> Option<usize> {
        Some(self.slot_bytes)
    }

    fn save(&mut self, slots: Vec<u32>, done: Box<dyn FnOnce(Vec<u8>) + Send>) {
        // If the thread has ended, the next pass says so.
        self.send(Message::Save(slots, done)).ok();
    }

    fn restore(&mut self, slots: Vec<u32>, bytes: Vec<u8>) {
        self.send(Message::Restore(slots, bytes)).ok();
    }

    fn forget(&mut self) {
        // A pass that was begun and never asked is replaced by the next.
        self.unasked = false;
        while self.open > 0 {
            self.open -= 1;
            if self.outcomes.recv().is_err() {
                return;
            }
        }
    }
}

/// The thread's end.
struct Worker {
    transformer: Transformer,
    pool: ThreadPool,
    cache: KvCache,
    scratch: Scratch,
    logits: Vec<f32>,
    /// Tokens that the pass before drew, by output.
    drawn: Vec<u32>,
    /// Since when there is nothing to compute.
    free_since: Option<Instant>,
    /// Why the cache is not what the engine thinks; the next pass says so.
    broken: Option<String>,
}

impl Worker {
    fn work(mut self, inbox: &Receiver<Message>, outbox: &Sender<Outcome>) {
        let mut begun: Result<Vec<usize>, String> = Err("a pass is begun before it is asked".into());
        let mut pace = Pace::default();
        while let Ok(message) = inbox.recv() {
            let now = Instant::now();
            match message {
                Message::Begin(order) => {
                    let waited = self.free_since.filter(|_| order.goes_on).map_or(Duration::ZERO, |since| now - since);
                    begun = self.begin(*order);
                    pace = Pace { busy: now.elapsed(), waited };
                }
                Message::Save(slots, done) => {
                    let mut bytes = Vec::new();
                    if self.cache.save(&slots, &mut bytes).is_ok() {
                        done(bytes);
                    }
                }
                Message::Restore(slots, bytes) => {
                    if let Err(error) = self.cache.restore(&slots, &bytes) {
                        self.broken = Some(error.to_string());
                    }
                }
                Message::Ask(questions) => {
                    pace.waited += self.free_since.map_or(Duration::ZERO, |since| now - since);
                    let rows = std::mem::replace(&mut begun, Err("a pass is asked once".into()));
                    let replies = rows.and_then(|rows| self.answer(&rows, &questions));
                    pace.busy += now.elapsed();
                    if outbox.send(replies.map(|replies| (replies, pace))).is_err() {
                        return;
                    }
                }
            }
            self.free_since = Some(Instant::now());
        }
    }

    fn begin(&mut self, mut order: Order) -> Result<Vec<usize>, String> {
        if let Some(broken) = self.broken.take() {
            return Err(broken);
        }
        for token in &mut order.tokens {
            if let Some(output) = drawn_output(*token) {
                *token = self.drawn.get(output).copied().ok_or_else(|| format!("output {output} drew nothing"))?;
            }
        }
        let span = |(rows, context): &(Range<usize>, Range<usize>)| AttentionSpan {
            rows: rows.clone(),
            context: &order.contexts[context.clone()],
        };
        let spans: Vec<AttentionSpan<'_>> = order.spans.iter().map(span).collect();
        let Order { tokens, positions, slots, .. } = &order;
        let batch = Batch { tokens, positions, slots, spans: &spans, outputs: &[] };
        let Self { transformer, pool, scratch, cache, .. } = self;
        transformer.run_layers(pool, scratch, cache, &batch).map_err(|error| error.to_string())?;
        Ok(order.outputs)
    }

    /// Computes the logits that are needed and draws, a row per task.
    fn answer(&mut self, rows: &[usize], questions: &[Question]) -> Result<Vec<Reply>, String> {
        let wanted: Vec<(usize, &Question)> = rows
            .iter()
            .copied()
            .zip(questions)
            .filter(|(_, question)| !matches!(question, Question::Nothing))
            .collect();
        let outputs: Vec<Output<'_>> =
            wanted.iter().map(|(row, question)| Output { row: *row, rows: needed(question) }).collect();
        let Self { transformer, pool, scratch, logits, .. } = self;
        transformer.run_outputs(pool, scratch, &outputs, logits).map_err(|error| error.to_string())?;
        let size = transformer.config().vocabulary;
        let tasks: Vec<Mutex<(&mut [f32], Reply)>> =
            logits.chunks_exact_mut(size).map(|row| Mutex::new((row, Reply::Nothing))).collect();
        pool.run(tasks.len(), &|index| {
            let mut task = tasks[index].lock().unwrap_or_else(PoisonError::into_inner);
            task.1 = reply(wanted[index].1, task.0);
        });
        let mut found = tasks.into_iter().map(|task| task.into_inner().unwrap_or_else(PoisonError::into_inner).1);
        let replies: Vec<Reply> = questions
            .iter()
            .map(|question| match question {
                Question::Nothing => Reply::Nothing,
                _ => found.next().unwrap_or(Reply::Nothing),
            })
            .collect();
        let token = |reply: &Reply| if let Reply::Token { token, .. } = reply { *token } else { 0 };
        self.drawn = replies.iter().map(token).collect();
        Ok(replies)
    }
}

/// Which logits a question needs: few candidates that nothing else is said about need only their own.
fn needed(question: &Question) -> OutputRows<'_> {
    match question {
        Question::Draw(drawing) if drawing.top.is_none() => match &drawing.candidates {
            Candidates::Few(ids) => OutputRows::Only(ids),
            Candidates::Many(_) => OutputRows::All,
        },
        _ => OutputRows::All,
    }
}
