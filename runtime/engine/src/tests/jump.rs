//! Text without a choice: the same tokens in fewer passes.

use super::rig::{Parts, Rig};
use crate::options::Jump;
use crate::simulate::device::Says;
use crate::simulate::words::tokenizer;
use sgl_protocol::{Field, Generated, Sampling, Shape};

fn record(fields: &[(&str, Shape)]) -> Shape {
    let fields = fields.iter().map(|(name, shape)| Field { name: (*name).into(), shape: shape.clone() }).collect();
    Shape::Record { name: "R".into(), fields }
}

fn shapes() -> Vec<Shape> {
    let text = |max| Shape::Text { pattern: None, chars_max: Some(max), until: None };
    let number = Shape::Int { min: Some(0), max: Some(12_345) };
    let person = record(&[("the name", text(6)), ("therein", number.clone()), ("abc", Shape::Bool)]);
    vec![
        person.clone(),
        Shape::List { item: Box::new(person), min: 1, max: Some(3) },
        record(&[("a", Shape::Literal("the \"abc\", 123".into())), ("on", number)]),
        Shape::Text {
            pattern: Some("In the (abc|ab)\\. The answer:\n\n(12|123)?".into()),
            chars_max: None,
            until: None,
        },
    ]
}

fn filled(jump: Jump, says: &Says, shape: &Shape, sampling: &Sampling) -> (Generated, u64) {
    let mut rig = Rig::new(&Parts { jump, says: says.clone(), ..Parts::default() });
    let session = rig.open("take this:");
    let request = rig.ask(session, |ask| {
        (ask.shape, ask.max_tokens, ask.sampling) = (shape.clone(), 150, sampling.clone());
    });
    rig.run();
    rig.text(request);
    (rig.generated.remove(&request).expect("it has a text"), rig.engine.forward_passes())
}

#[test]
fn drafts_give_the_tokens_of_drawing_one_by_one_in_fewer_passes() {
    let (mut saved, mut verified) = (0, 0);
    for shape in shapes() {
        for seed in 0..12 {
            let temperature = [0.0, 0.2, 1.0][seed as usize % 3];
            let repetition_penalty = if seed % 2 == 0 { 1.0 } else { 1.3 };
            let sampling = Sampling { seed, temperature, repetition_penalty, ..Sampling::default() };
            let (off, passes) = filled(Jump::Off, &Says::Noise, &shape, &sampling);
            let (exact, fewer) = filled(Jump::Exact, &Says::Noise, &shape, &sampling);
            assert_eq!((&exact.text, &exact.tokens, exact.finish), (&off.text, &off.tokens, off.finish), "{shape:?}");
            assert_eq!(exact.truncated, off.truncated);
            assert!(fewer <= passes, "{fewer} passes instead of {passes}");
            saved += passes - fewer;
            verified += exact.usage.forced_tokens;
        }
    }
    assert!(saved > 500 && verified > 500, "{saved} passes saved, {verified} tokens without a choice");
}

#[test]
fn a_draft_that_the_model_agrees_with_is_one_pass() {
    let says = Says::Text("In the abc. The other answer is 12, therein.".into(), tokenizer().eos_ids()[0]);
    let pattern = "In the (abc|ab)\\. The other answer is (12|123), therein\\.";
    let shape = Shape::Text { pattern: Some(pattern.into()), chars_max: None, until: None };
    let cold = Sampling { temperature: 0.0, ..Sampling::default() };
    let (off, many) = filled(Jump::Off, &says, &shape, &cold);
    let (exact, few) = filled(Jump::Exact, &says, &shape, &cold);
    assert_eq!((&exact.text, &exact.tokens), (&off.text, &off.tokens));
    assert!(many > 20 && few <= 6, "{many} and {few} passes");
}

#[test]
fn forced_runs_are_those_of_the_tokenizer() {
    let tokenizer = tokenizer();
    for shape in shapes() {
        for seed in 0..6 {
            let sampling = Sampling { seed, ..Sampling::default() };
            let (forced, _) = filled(Jump::Forced, &Says::Noise, &shape, &sampling);
            assert!(forced.usage.forced_tokens > 0);
            assert!(!forced.truncated && !forced.text.is_empty());
        }
    }
    // Nothing is drawn here, so the division must be that of the tokenizer for the whole text.
    let whole = "In the abc. The answer:\n\n123, and \"the\" 12";
    let shape = Shape::Text { pattern: Some(whole.replace('.', "\\.")), chars_max: None, until: None };
    let (forced, passes) = filled(Jump::Forced, &Says::Noise, &shape, &Sampling::default());
    let canonical = tokenizer.encode(whole);
    let texts: Vec<String> = forced.tokens.iter().map(|(text, _)| text.clone()).collect();
    let expected: Vec<String> = canonical
        .iter()
        .map(|id| String::from_utf8_lossy(tokenizer.token_bytes(*id).unwrap_or_default()).into_owned())
        .collect();
    assert_eq!(texts, expected);
    assert!(passes <= 1, "{passes}");
}

#[test]
fn drafts_hold_with_little_room_and_a_small_budget() {
    let shape = shapes().remove(1);
    let sampling = Sampling { seed: 3, ..Sampling::default() };
    let (plain, _) = filled(Jump::Off, &Says::Noise, &shape, &sampling);
    for (slots, budget) in [(4_096, 1), (4_096, 3), (400, 16)] {
        let mut rig = Rig::new(&Parts { slots, budget, ..Parts::default() });
        let requests: Vec<_> = (0..3)
            .map(|_| {
                let session = rig.open("take this:");
                rig.ask(session, |ask| {
                    (ask.shape, ask.max_tokens, ask.sampling) = (shape.clone(), 150, sampling.clone());
                })
            })
            .collect();
        rig.run();
        for request in requests {
            assert_eq!(rig.text(request), plain.text, "{slots} slots, {budget} rows");
        }
    }
}
