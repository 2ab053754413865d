//! Guesses: the same text in fewer passes.

use super::rig::{Parts, Rig};
use crate::options::Overlap;
use crate::simulate::device::Says;
use crate::simulate::words::tokenizer;

const VERSE: &str = " the other one in the hat, and then the third in a tin;";

fn written(parts: &Parts) -> (String, u64) {
    let mut rig = Rig::new(parts);
    let session = rig.open(&format!("{VERSE} again:"));
    let request = rig.ask(session, |ask| ask.max_tokens = 400);
    rig.run();
    (rig.text(request).to_string(), rig.engine.forward_passes())
}

#[test]
fn a_text_that_repeats_itself_takes_fewer_passes() {
    let says = Says::Text(VERSE.repeat(4), tokenizer().eos_ids()[0]);
    let plain = Parts { says, ..Parts::default() };
    let (text, passes) = written(&plain);
    assert_eq!(text, VERSE.repeat(4));
    for overlap in [Overlap::Off, Overlap::On, Overlap::Auto] {
        for guesses in [1, 4, 16] {
            let (found, fewer) = written(&Parts { guesses, overlap, ..plain.clone() });
            assert_eq!(found, text, "{guesses} guesses, {overlap:?}");
            if guesses > 1 && overlap != Overlap::On {
                assert!(fewer * 2 < passes, "{fewer} passes instead of {passes}");
            }
        }
    }
}

#[test]
fn guesses_change_no_text_however_wrong_they_are() {
    let texts = |parts: &Parts| {
        let mut rig = Rig::new(parts);
        let all: Vec<_> = (0..6)
            .map(|seed| {
                let session = rig.open("abc the abc the abc the abc the");
                rig.ask(session, |ask| (ask.sampling.seed, ask.sampling.top_k, ask.max_tokens) = (seed, 3, 40))
            })
            .collect();
        rig.run();
        all.iter().map(|request| rig.text(*request).to_string()).collect::<Vec<_>>()
    };
    let plain = texts(&Parts::default());
    for (guesses, slots, budget) in [(3, 4_096, 64), (8, 120, 64), (8, 4_096, 5)] {
        assert_eq!(texts(&Parts { guesses, slots, budget, ..Parts::default() }), plain);
    }
}

#[test]
fn a_guess_is_not_forced() {
    let says = Says::Text(VERSE.repeat(3), tokenizer().eos_ids()[0]);
    let mut rig = Rig::new(&Parts { says, guesses: 4, ..Parts::default() });
    let session = rig.open(&format!("{VERSE} again:"));
    let request = rig.ask(session, |ask| ask.max_tokens = 200);
    rig.run();
    assert_eq!(rig.generated[&request].usage.forced_tokens, 0);
    let trace = rig.engine.trace();
    assert!(trace.confirmed > 20 && trace.confirmed <= trace.drafted, "{trace:?}");
}
