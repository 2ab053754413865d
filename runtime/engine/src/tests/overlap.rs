//! A pass that is begun before the one before it is read changes no text.

use super::rig::{Parts, Rig};
use crate::engine::Engine;
use crate::options::{EngineOptions, Jump, Overlap};
use crate::simulate::device::Says;
use sgl_protocol::{
    Command, Event, Field, Finish, Generate, LanguageModel, RequestId, Role, Sampling, SessionId, Shape,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

fn shapes() -> Vec<Shape> {
    let text = Shape::Text { pattern: None, chars_max: Some(9), until: None };
    let field = |name: &str, shape: &Shape| Field { name: name.into(), shape: shape.clone() };
    let number = Shape::Int { min: Some(0), max: Some(12_345) };
    let record = Shape::Record { name: "R".into(), fields: vec![field("the name", &text), field("abc", &number)] };
    vec![Shape::free_text(), number, record, Shape::Enum { name: "E".into(), names: vec!["abc".into(), "the".into()] }]
}

/// Texts of holes of all kinds side by side, and how many passes they took.
fn played(overlap: Overlap, jump: Jump, slots: usize) -> (Vec<(String, Finish, usize)>, u64) {
    let mut rig = Rig::new(&Parts { overlap, jump, slots, ..Parts::default() });
    let mut requests = Vec::new();
    for seed in 0..12 {
        let session = rig.open(["the cat in the hat:", "another text:"][seed as usize % 2]);
        for shape in shapes() {
            requests.push(rig.ask(session, |ask| {
                (ask.shape, ask.max_tokens) = (shape, 20 + seed as u32);
                ask.sampling.seed = seed;
                ask.sampling.repetition_penalty = if seed % 3 == 0 { 1.2 } else { 1.0 };
                ask.top_logprobs = (seed % 4 == 0).then_some(2);
                ask.stop = if seed % 5 == 0 { vec!["e".into()] } else { Vec::new() };
            }));
            rig.append(session, " and then: ");
        }
    }
    rig.run();
    let found = requests.iter().map(|request| {
        let Some(generated) = rig.generated.get(request) else { return (String::new(), Finish::Stop, 0) };
        (generated.text.clone(), generated.finish, generated.tokens.len())
    });
    (found.collect(), rig.engine.forward_passes())
}

#[test]
fn overlap_changes_no_text() {
    for jump in [Jump::Off, Jump::Exact, Jump::Forced] {
        let (off, few) = played(Overlap::Off, jump, 4_096);
        let (on, many) = played(Overlap::On, jump, 4_096);
        assert_eq!(on, off, "{jump:?}");
        // Stops are seen one pass late, and a draft that is found late takes a pass of its own.
        assert!(many >= few && many < 3 * few, "{many} and {few} passes");
        assert_eq!(played(Overlap::Auto, jump, 4_096).0, off, "{jump:?}");
        assert_eq!(played(Overlap::On, jump, 300).0, off, "{jump:?}, few slots");
    }
}

#[test]
fn almost_every_pass_of_free_texts_is_begun_before_the_last_is_read() {
    let mut rig = Rig::new(&Parts { overlap: Overlap::On, says: Says::Noise, ..Parts::default() });
    let sessions: Vec<SessionId> = (0..8).map(|index| rig.open(&format!("text {index}"))).collect();
    for session in sessions {
        rig.ask(session, |ask| (ask.max_tokens, ask.sampling.seed) = (60, session.0));
    }
    rig.run();
    let trace = rig.engine.trace();
    assert!(trace.overlapped * 100 >= trace.passes * 90, "{trace:?}");
}

/// The texts of holes of all kinds on a real, tiny model.
fn on_tiny_llama(overlap: Overlap) -> BTreeMap<RequestId, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../model/tests/data/tiny_llama");
    let options = EngineOptions { overlap, threads: 2, slots: Some(2_048), ..EngineOptions::default() };
    let mut engine = Engine::load(&path, options).expect("the model is in the repository");
    let mut texts = BTreeMap::new();
    for index in 0..6u64 {
        let session = SessionId(index);
        engine.submit(Command::Open { session });
        engine.submit(Command::Append { session, text: format!("The text {}: ", index % 3) });
        for (place, shape) in shapes().into_iter().enumerate() {
            let request = RequestId(index * 10 + place as u64);
            engine.submit(Command::Generate(Generate {
                request,
                session,
                shape,
                sampling: Sampling { seed: index, temperature: [0.0, 1.0][index as usize % 2], ..Sampling::default() },
                max_tokens: 40,
                stop: Vec::new(),
                follow: String::new(),
                top_logprobs: (index == 5).then_some(3),
                distribution: false,
                label: String::new(),
                model: None,
            }));
            texts.insert(request, String::new());
        }
    }
    let mut open = texts.len();
    let mut events = Vec::new();
    while open > 0 {
        engine.poll(Duration::from_secs(10), &mut events);
        for event in events.drain(..) {
            open -= usize::from(!matches!(event, Event::Token { .. }));
            match event {
                Event::Generated { request, result } => {
                    texts.insert(request, format!("{} {:?} {}", result.text, result.finish, result.logprob));
                }
                Event::Failed { request, error } => {
                    texts.insert(request, error.to_string());
                }
                _ => {}
            }
        }
    }
    assert_eq!(engine.check_ownership(), Vec::<String>::new());
    texts
}

#[test]
fn overlap_changes_no_text_of_a_real_model() {
    let off = on_tiny_llama(Overlap::Off);
    assert_eq!(on_tiny_llama(Overlap::On), off);
    assert_eq!(on_tiny_llama(Overlap::Auto), off);
}

#[test]
fn cancelled_while_two_passes_are_under_way() {
    for steps in 0..8 {
        let mut rig = Rig::new(&Parts { overlap: Overlap::On, budget: 8, ..Parts::default() });
        let (session, other) = (rig.open("the text that takes some passes to be read"), rig.open("another"));
        let (request, kept) = (rig.ask(session, |_| {}), rig.ask(other, |_| {}));
        (0..steps).for_each(|_| rig.step());
        rig.engine.submit(Command::Cancel { request });
        assert_eq!(rig.engine.check_ownership(), Vec::<String>::new());
        rig.turn(other, Role::User, "123");
        let alone = Rig::alone(&Parts::default(), "another", |_| {}).text;
        rig.run();
        assert_eq!(rig.text(kept), alone);
    }
}
