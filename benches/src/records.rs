//! The records of `json_character` and `json_city` on one engine after another, in one process: how fast, in how many passes, and where the
//! time went.
//!
//! What a program asks is recorded once and played to each engine, with nothing in its cache of transcripts. Rounds alternate. `cold`
//! plays to an engine that has not seen the constraint, so that making it is part of the time.

use crate::median;
use serde_json::{Value, json};
use sgl_engine::{Engine, EngineOptions, Jump, Trace};
use sgl_protocol::{Command, Event, Generate, LanguageModel, RequestId, SessionId, Shape, Usage};
use sgl_vm::{RunOptions, Silent};
use sglc::compile::compile;
use sglc::execute::run_entry;
use sglc::sources::Disk;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a poll may wait.
const PATIENCE: Duration = Duration::from_secs(60);

/// Prints a line per program and way.
pub(crate) fn run(model: &Path, threads: usize, rounds: usize) -> Result<(), String> {
    let load = |jump| {
        let options = EngineOptions { threads, radix_cache: false, jump, ..EngineOptions::default() };
        Engine::load(model, options).map_err(|error| error.to_string())
    };
    for (program, entry) in [("json_character", "character"), ("json_city", "city")] {
        let mut sides = [("exact", load(Jump::Exact)?), ("forced", load(Jump::Forced)?), ("off", load(Jump::Off)?)];
        let commands = recorded(program, entry, &mut sides[0].1)?;
        let tokens = play(&mut sides[0].1, &commands)?.usage.generated_tokens;
        let free = unconstrained(&commands, tokens);
        let mut played: Vec<Vec<Played>> = vec![Vec::new(); sides.len() + 2];
        for round in 0..rounds {
            for turn in 0..=sides.len() {
                let side = (turn + round) % (sides.len() + 1);
                let (engine, commands) = if side < sides.len() { (side, &commands) } else { (0, &free) };
                played[side].push(play(&mut sides[engine].1, commands)?);
            }
            let mut cold = load(Jump::Exact)?;
            play(&mut cold, &free)?;
            played[sides.len() + 1].push(play(&mut cold, &commands)?);
        }
        let names = sides.iter().map(|(name, _)| *name).chain(["unconstrained", "cold"]);
        for (name, played) in names.zip(&played) {
            println!("{}", line(program, name, played));
        }
    }
    Ok(())
}

/// What one play took.
#[derive(Clone, Debug)]
struct Played {
    seconds: f64,
    usage: Usage,
    trace: Trace,
}

fn line(program: &str, side: &str, played: &[Played]) -> Value {
    let of = |figure: &dyn Fn(&Played) -> f64| median::of(played.iter().map(figure).collect());
    let Usage { prompt_tokens, generated_tokens, forced_tokens, .. } = played[0].usage;
    json!({
        "program": program, "side": side, "prompt": prompt_tokens, "tokens": generated_tokens, "forced": forced_tokens,
        "tokens_per_s": of(&|played| played.usage.generated_tokens as f64 / played.seconds),
        "ms": of(&|played| played.seconds * 1e3),
        "passes": played[0].trace.passes, "overlapped": played[0].trace.overlapped,
        "device_ms": of(&|played| played.trace.busy.as_secs_f64() * 1e3),
        "device_waited_ms": of(&|played| played.trace.waited.as_secs_f64() * 1e3),
        "host_ms": of(&|played| played.trace.host.as_secs_f64() * 1e3),
    })
}

/// What a program asks its model.
fn recorded(program: &str, entry: &str, engine: &mut Engine) -> Result<Vec<Command>, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs").join(format!("{program}.sgl"));
    let compiled = compile(&Disk, &path.to_string_lossy())?;
    let image = compiled.image.ok_or_else(|| format!("{program} is wrong"))?;
    let entry = image.entries.iter().find(|found| found.name == entry).ok_or("the entry is gone")?;
    let mut recorder = Recorder { engine, commands: Vec::new() };
    run_entry(&image, entry, None, &mut recorder, &RunOptions::default(), &mut Silent)
        .map_err(|failure| format!("{program}: {failure:?}"))?;
    Ok(recorder.commands)
}

struct Recorder<'a> {
    engine: &'a mut Engine,
    commands: Vec<Command>,
}

impl LanguageModel for Recorder<'_> {
    fn submit(&mut self, command: Command) {
        self.commands.push(command.clone());
        self.engine.submit(command);
    }

    fn poll(&mut self, patience: Duration, events: &mut Vec<Event>) {
        self.engine.poll(patience, events);
    }

    fn usage(&self) -> Usage {
        self.engine.usage()
    }
}

/// The same without a constraint, for so many tokens.
fn unconstrained(commands: &[Command], tokens: u64) -> Vec<Command> {
    let max_tokens = u32::try_from(tokens).unwrap_or(u32::MAX);
    let free = |command: &Command| match command {
        Command::Generate(generate) => {
            let mut free = Generate { shape: Shape::free_text(), max_tokens, ..generate.clone() };
            free.sampling.min_tokens = max_tokens;
            Command::Generate(free)
        }
        other => other.clone(),
    };
    commands.iter().map(free).collect()
}

/// Plays what was recorded, until its hole is filled.
fn play(engine: &mut Engine, commands: &[Command]) -> Result<Played, String> {
    let (before, start) = (engine.trace(), Instant::now());
    let (mut sessions, mut asked) = (Vec::<SessionId>::new(), None::<RequestId>);
    for command in commands {
        match command {
            Command::Open { session } => sessions.push(*session),
            Command::Generate(generate) => asked = Some(generate.request),
            Command::Close { .. } => continue,
            _ => {}
        }
        engine.submit(command.clone());
    }
    let mut events = Vec::new();
    loop {
        engine.poll(PATIENCE, &mut events);
        for event in events.drain(..) {
            match event {
                Event::Generated { request, result } if Some(request) == asked => {
                    let seconds = start.elapsed().as_secs_f64();
                    sessions.iter().for_each(|session| engine.submit(Command::Close { session: *session }));
                    return Ok(Played { seconds, usage: result.usage, trace: engine.trace().since(&before) });
                }
                Event::Failed { error, .. } => return Err(error.to_string()),
                _ => {}
            }
        }
    }
}
