//! The whole engine on a CUDA device, with random weights of Llama-3-8B's shape: batches, constraints, records, branches.
//!
//! ```text
//! cargo run --release -p sgl_engine --example cuda_engine -- FOLDER CASE... [SWITCH...]
//! ```
//! FOLDER has a tokenizer (`runtime/model/tests/data/tiny_llama` will do); its weights are not used. Cases: `sizes` (1 to 256
//! transcripts, free and of a pattern), `batch` (256 x (128 + 64) alone), `records`, `branches`, `same` (small ones, for comparing texts). Switches: `no-cascade`, `no-graphs`,
//! `no-cache`, `no-overlap`, `always-overlap`, `no-jump`, `forced-jump`, `deterministic`; `passes` tells what each pass takes. Texts have exactly the length that is asked for; their
//! hash is printed, which no switch but `forced-jump` changes in deterministic mode. Times are of the host, from the first
//! command to the last answer; the device's waiting is by its own clock.

use rustc_hash::FxHasher;
use sgl_engine::{Engine, EngineOptions, Jump, Overlap};
use sgl_model::ModelConfig;
use sgl_protocol::{Command, Event, Field, Generate, LanguageModel, RequestId, Sampling, SessionId, Shape};
use std::error::Error;
use std::hash::{Hash, Hasher};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

fn say(line: &str) {
    writeln!(std::io::stdout().lock(), "{line}").ok();
}

/// An engine, and the next free name.
struct Bench {
    engine: Engine,
    next: u64,
    /// Whether each pass is told.
    tells: bool,
}

impl Bench {
    fn name(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// A text of so many tokens that begins with `own`; one or two fewer if nothing fits.
    fn text(&self, own: &str, tokens: usize) -> String {
        const SENTENCE: &str = " The quick brown fox jumps over the lazy dog and runs along the river.";
        let mut text = own.to_owned();
        for piece in [SENTENCE, " river", " the", " a", "."] {
            while self.engine.count_tokens(&text) < tokens {
                let before = text.len();
                text.push_str(piece);
                if self.engine.count_tokens(&text) > tokens {
                    text.truncate(before);
                    break;
                }
            }
        }
        text
    }

    fn open(&mut self, text: &str) -> SessionId {
        let session = SessionId(self.name());
        self.engine.submit(Command::Open { session });
        self.engine.submit(Command::Append { session, text: text.to_owned() });
        session
    }

    fn generate(&mut self, session: SessionId, shape: &Shape, (min_tokens, max_tokens): (u32, u32)) {
        let request = RequestId(self.name());
        self.engine.submit(Command::Generate(Generate {
            request,
            session,
            shape: shape.clone(),
            sampling: Sampling { temperature: 0.0, min_tokens, ..Sampling::default() },
            max_tokens,
            stop: Vec::new(),
            follow: String::new(),
            top_logprobs: None,
            distribution: false,
            model: None,
            label: String::new(),
        }));
    }

    /// Sends the requests, waits for their answers, and says what it took.
    fn measure(&mut self, name: &str, sessions: &[SessionId], shape: &Shape, tokens: (u32, u32)) {
        let (before, trace, passes) = (Instant::now(), self.engine.trace(), self.engine.forward_passes());
        let prompts = self.engine.cache_metrics().prompt_tokens;
        let first = self.next;
        sessions.iter().for_each(|session| self.generate(*session, shape, tokens));
        let mut texts = 0u64;
        let (mut events, mut generated, mut failed, mut open) = (Vec::new(), 0, 0, sessions.len());
        while open > 0 {
            let (begun, so_far) = (Instant::now(), self.engine.trace());
            self.engine.poll(Duration::from_secs(60), &mut events);
            if self.tells {
                let step = self.engine.trace().since(&so_far);
                say(&format!(
                    "    {} passes, {:.3?}: device {:.3?}, host {:.3?}",
                    step.passes,
                    begun.elapsed(),
                    step.busy,
                    step.host
                ));
            }
            for event in events.drain(..) {
                open -= usize::from(matches!(event, Event::Generated { .. } | Event::Failed { .. }));
                match event {
                    Event::Generated { request, result } => {
                        generated += result.usage.generated_tokens;
                        let mut hasher = FxHasher::default();
                        (request.0 - first, &result.text).hash(&mut hasher);
                        texts = texts.wrapping_add(hasher.finish());
                    }
                    Event::Failed { error, .. } => {
                        say(&format!("failed: {error}"));
                        failed += 1;
                    }
                    _ => {}
                }
            }
        }
        let (seconds, trace) = (before.elapsed().as_secs_f64(), self.engine.trace().since(&trace));
        let passes = self.engine.forward_passes() - passes;
        let prompts = self.engine.cache_metrics().prompt_tokens - prompts;
        let each = |time: Duration| time.as_secs_f64() * 1e3 / passes as f64;
        say(&format!(
            "{name:46} {seconds:6.2} s, {prompts:6} + {generated:6} tokens, {passes:4} passes ({:3.0} % overlapped), {:6.0} tokens/s; a pass: {:7.3} ms, device {:7.3}, waits {:6.3} = {:5.2} %, host {:6.3}; texts {:08x}; {failed} failed",
            100.0 * trace.overlapped as f64 / trace.passes.max(1) as f64,
            generated as f64 / seconds,
            seconds * 1e3 / passes as f64,
            each(trace.busy),
            each(trace.waited),
            100.0 * trace.waited_share(),
            each(trace.host),
            texts >> 32
        ));
    }

    /// `count` transcripts of `length` tokens that have nothing in common, a hole each.
    fn batch(&mut self, name: &str, (count, length): (usize, usize), shape: &Shape, tokens: (u32, u32)) {
        let opened = |bench: &mut Self, i: usize| {
            let text = bench.text(&format!("{i:05} {}", bench.next), length);
            bench.open(&text)
        };
        let sessions: Vec<SessionId> = (0..count).map(|i| opened(self, i)).collect();
        self.measure(name, &sessions, shape, tokens);
        for session in sessions {
            self.engine.submit(Command::Close { session });
        }
    }

    /// `count` forks of one transcript of `length` tokens; the transcript itself is read before the clock starts.
    fn branches(&mut self, name: &str, count: usize, length: usize, tokens: u32) {
        let text = self.text("", length);
        let parent = self.open(&text);
        self.measure("  (the trunk)", &[parent], &Shape::free_text(), (1, 1));
        let children: Vec<SessionId> = (0..count)
            .map(|i| {
                let child = SessionId(self.name());
                self.engine.submit(Command::Fork { parent, child });
                self.engine.submit(Command::Append { session: child, text: format!(" Branch {i}:") });
                child
            })
            .collect();
        self.measure(name, &children, &Shape::free_text(), (tokens, tokens));
        for session in children.into_iter().chain([parent]) {
            self.engine.submit(Command::Close { session });
        }
    }
}

fn llama_3_8b() -> ModelConfig {
    ModelConfig {
        layers: 32,
        hidden: 4096,
        feed_forward: 14336,
        heads: 32,
        kv_heads: 8,
        head_dim: 128,
        vocabulary: 128_256,
        context: 16_384,
        rms_eps: 1e-5,
        rope_theta: 500_000.0,
        rope_scaling: None,
        rotary: sgl_kernels::RotaryStyle::HalfSplit,
        tied_embeddings: false,
    }
}

/// A record of which most is known: long names, small values.
fn record() -> Shape {
    let digit = Shape::Int { min: Some(0), max: Some(9) };
    let colour = Shape::Enum { name: "Colour".into(), names: vec!["amber".into(), "blue".into(), "crimson".into()] };
    let names = [
        ("number of rooms that look onto the garden", &digit),
        ("colour of the front door and the window frames", &colour),
        ("number of steps from the street to the front door", &digit),
        ("colour of the roof as it is seen from the other side of the street", &colour),
        ("number of chimneys that are still in use in winter", &digit),
        ("colour of the fence between the garden and the field", &colour),
    ];
    let fields = names.map(|(name, shape)| Field { name: name.into(), shape: shape.clone() });
    Shape::Record { name: "House".into(), fields: fields.into() }
}

fn options(arguments: &[String]) -> Result<EngineOptions, Box<dyn Error>> {
    let mut options = EngineOptions { slots: Some(350_000), ..EngineOptions::default() };
    for argument in arguments {
        match argument.as_str() {
            "sizes" | "batch" | "records" | "branches" | "same" | "passes" => {}
            "no-cascade" => options.cascade = false,
            "no-graphs" => options.graphs = false,
            "deterministic" => options.deterministic = true,
            "no-cache" => options.radix_cache = false,
            "no-overlap" => options.overlap = Overlap::Off,
            "always-overlap" => options.overlap = Overlap::On,
            "no-jump" => options.jump = Jump::Off,
            "forced-jump" => options.jump = Jump::Forced,
            other => return Err(format!("`{other}` is neither a case nor a switch; see the head of this file").into()),
        }
    }
    Ok(options)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (folder, arguments) = arguments.split_first().ok_or("usage: cuda_engine FOLDER CASE... [SWITCH...]")?;
    let wanted = |case: &str| arguments.iter().any(|argument| argument == case);
    let started = Instant::now();
    let engine = Engine::load_random(Path::new(folder), llama_3_8b(), 0, options(arguments)?)?;
    let mut bench = Bench { engine, next: 0, tells: wanted("passes") };
    say(&format!("{}: loaded in {:.2} s", arguments.join(" "), started.elapsed().as_secs_f64()));
    let free = Shape::free_text();
    let letters = Shape::Text { pattern: Some("[a-z ,.]*".into()), chars_max: None, until: None };
    if wanted("batch") || wanted("sizes") {
        bench.batch("  (256 x (128 + 8), the first time)", (256, 128), &free, (8, 8));
        bench.batch("256 x (128 + 64), free text", (256, 128), &free, (64, 64));
    }
    if wanted("sizes") {
        for count in [1, 16, 64, 256] {
            bench.batch("  (the first time)", (count, 128), &letters, (8, 8));
            bench.batch(&format!("{count} x (128 + 128), free text"), (count, 128), &free, (128, 128));
            bench.batch(&format!("{count} x (128 + 128), text of a pattern"), (count, 128), &letters, (128, 128));
        }
    }
    if wanted("records") {
        bench.batch("  (the first time)", (64, 128), &record(), (0, 512));
        bench.batch("64 x (128 + a record)", (64, 128), &record(), (0, 512));
    }
    if wanted("same") {
        for (name, shape, tokens) in
            [("free", &free, (32, 32)), ("pattern", &letters, (32, 32)), ("record", &record(), (0, 512))]
        {
            bench.batch(&format!("16 x (64 + 32), {name}"), (16, 64), shape, tokens);
        }
    }
    if wanted("branches") {
        bench.branches("  (64 branches of 512, the first time)", 64, 512, 4);
        bench.branches("64 branches of 8,192, 64 tokens each", 64, 8_192, 64);
    }
    Ok(())
}
