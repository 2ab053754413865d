//! The whole engine on a CUDA device, with random weights of Llama-3-8B's shape: batches, constraints, branches.
//!
//! ```text
//! cargo run --release -p sgl_engine --example cuda_engine -- FOLDER [no-cascade]
//! ```
//! FOLDER has a tokenizer (`runtime/model/tests/data/tiny_llama` will do); its weights are not used. Times are of the host,
//! from the first command to the last answer.

use sgl_engine::{Engine, EngineOptions};
use sgl_model::ModelConfig;
use sgl_protocol::{Command, Event, Generate, LanguageModel, RequestId, Sampling, SessionId, Shape};
use std::error::Error;
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
}

/// What a run came to.
struct Run {
    seconds: f64,
    generated: u64,
    passes: u64,
    failed: usize,
}

impl Bench {
    fn name(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn text(&self, tokens: usize) -> String {
        let mut text = String::new();
        while self.engine.count_tokens(&text) < tokens {
            text.push_str("The quick brown fox jumps over the lazy dog and runs along the river. ");
        }
        text
    }

    fn open(&mut self, text: &str) -> SessionId {
        let session = SessionId(self.name());
        self.engine.submit(Command::Open { session });
        self.engine.submit(Command::Append { session, text: text.to_owned() });
        session
    }

    fn generate(&mut self, session: SessionId, shape: &Shape, max_tokens: u32) {
        let request = RequestId(self.name());
        self.engine.submit(Command::Generate(Generate {
            request,
            session,
            shape: shape.clone(),
            sampling: Sampling { temperature: 0.0, ..Sampling::default() },
            max_tokens,
            stop: Vec::new(),
            follow: String::new(),
            top_logprobs: None,
            distribution: false,
            model: None,
            label: String::new(),
        }));
    }

    /// Waits for so many answers.
    fn finish(&mut self, started: Instant, passes: u64, mut open: usize) -> Run {
        let (mut events, mut generated, mut failed) = (Vec::new(), 0, 0);
        while open > 0 {
            self.engine.poll(Duration::from_secs(60), &mut events);
            for event in events.drain(..) {
                match event {
                    Event::Generated { result, .. } => {
                        generated += result.usage.generated_tokens;
                        open -= 1;
                    }
                    Event::Failed { error, .. } => {
                        say(&format!("failed: {error}"));
                        failed += 1;
                        open -= 1;
                    }
                    _ => {}
                }
            }
        }
        let passes = self.engine.forward_passes() - passes;
        Run { seconds: started.elapsed().as_secs_f64(), generated, passes, failed }
    }

    /// `count` transcripts of `length` tokens that have nothing in common, a hole each.
    fn batch(&mut self, count: usize, length: usize, shape: &Shape, max_tokens: u32) -> Run {
        let text = self.text(length);
        let sessions: Vec<SessionId> = (0..count)
            .map(|i| {
                let own = format!("{i:05} {}", self.next);
                self.open(&format!("{own} {text}"))
            })
            .collect();
        let (started, passes) = (Instant::now(), self.engine.forward_passes());
        sessions.iter().for_each(|session| self.generate(*session, shape, max_tokens));
        let run = self.finish(started, passes, count);
        for session in sessions {
            self.engine.submit(Command::Close { session });
        }
        run
    }

    /// `count` forks of one transcript of `length` tokens; the transcript itself is read before the clock starts.
    fn branches(&mut self, count: usize, length: usize, max_tokens: u32) -> Run {
        let text = self.text(length);
        let parent = self.open(&text);
        self.generate(parent, &Shape::free_text(), 1);
        self.finish(Instant::now(), self.engine.forward_passes(), 1);
        let children: Vec<SessionId> = (0..count)
            .map(|i| {
                let child = SessionId(self.name());
                self.engine.submit(Command::Fork { parent, child });
                self.engine.submit(Command::Append { session: child, text: format!(" Branch {i}:") });
                child
            })
            .collect();
        let (started, passes) = (Instant::now(), self.engine.forward_passes());
        children.iter().for_each(|child| self.generate(*child, &Shape::free_text(), max_tokens));
        let run = self.finish(started, passes, count);
        for session in children.into_iter().chain([parent]) {
            self.engine.submit(Command::Close { session });
        }
        run
    }
}

fn report(name: &str, run: &Run) {
    say(&format!(
        "{name:52} {:7.2} s, {:6} tokens, {:5} passes, {:7.0} tokens/s, {:6.3} ms a pass, {} failed",
        run.seconds,
        run.generated,
        run.passes,
        run.generated as f64 / run.seconds,
        run.seconds * 1e3 / run.passes as f64,
        run.failed
    ));
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

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = arguments.first().ok_or("usage: cuda_engine FOLDER [no-cascade]")?;
    let cascade = !arguments.iter().any(|argument| argument == "no-cascade");
    let options = EngineOptions { cascade, slots: Some(350_000), ..EngineOptions::default() };
    let engine = Engine::load_random(Path::new(folder), llama_3_8b(), 0, options)?;
    let mut bench = Bench { engine, next: 0 };
    let free = Shape::free_text();
    if cascade {
        bench.batch(256, 32, &free, 8);
        bench.batch(64, 32, &free, 8);
        report("1 x (128 + 128), free text", &bench.batch(1, 128, &free, 128));
        report("64 x (128 + 128), free text", &bench.batch(64, 128, &free, 128));
        let letters = Shape::Text { pattern: Some("[a-z ,.]*".into()), chars_max: Some(200), until: None };
        report("64 x (128 + 128), text of a pattern", &bench.batch(64, 128, &letters, 128));
        report("256 x (128 + 64), free text", &bench.batch(256, 128, &free, 64));
    }
    bench.branches(64, 512, 4);
    let name = format!("64 branches of 8,192, 64 tokens each, cascade {cascade}");
    report(&name, &bench.branches(64, 8_192, 64));
    Ok(())
}
