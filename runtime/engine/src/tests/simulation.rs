//! Random programs: whatever they do, every slot has one owner, and every request one answer.

use super::rig::{Parts, Rig};
use crate::random::uniform;
use sgl_protocol::{Command, LanguageModel, RequestId, Role, SessionId, Shape};

struct Dice(u64, u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.1 += 1;
        (uniform(self.0, self.1) * bound as f64) as usize
    }
}

fn shape(dice: &mut Dice) -> Shape {
    match dice.below(4) {
        0 => Shape::free_text(),
        1 => Shape::Int { min: Some(0), max: Some(1_000) },
        2 => Shape::Enum { name: "E".into(), names: vec!["abc".into(), "the".into()] },
        _ => Shape::Text { pattern: None, chars_max: Some(9), until: Some("e".into()) },
    }
}

/// Plays a random program; gives what its holes hold.
fn play(seed: u64, parts: &Parts) -> Vec<(RequestId, String)> {
    let mut rig = Rig::new(parts);
    let mut dice = Dice(seed, 0);
    let mut sessions: Vec<SessionId> = vec![rig.open("the beginning")];
    let mut requests: Vec<RequestId> = Vec::new();
    for _ in 0..120 {
        let session = sessions[dice.below(sessions.len())];
        match dice.below(10) {
            0 => sessions.push(rig.open("the other beginning of the text")),
            1 | 2 => sessions.push(rig.fork(session)),
            3 => rig.append(session, " and the next one"),
            4 => rig.turn(session, Role::User, "123 abc"),
            5 => requests.push(rig.score(session, &["the", "abc", "on"], dice.below(2) == 0)),
            6 if dice.below(3) == 0 => rig.engine.submit(Command::Close { session }),
            7 if !requests.is_empty() => {
                let request = requests[dice.below(requests.len())];
                rig.engine.submit(Command::Cancel { request });
            }
            _ => {
                let (shape, max_tokens) = (shape(&mut dice), 6 + dice.below(8) as u32);
                requests.push(rig.ask(session, |ask| (ask.shape, ask.max_tokens) = (shape, max_tokens)));
            }
        }
        (0..dice.below(3)).for_each(|_| rig.step());
    }
    rig.run();
    for request in requests {
        let answers = [
            rig.generated.contains_key(&request),
            rig.scored.contains_key(&request),
            rig.failed.contains_key(&request),
        ];
        assert_eq!(answers.iter().filter(|answer| **answer).count(), 1, "{request:?} of seed {seed}: {answers:?}");
    }
    let free = rig.engine.cache.pool.free().len() + rig.engine.cache.tree.evictable_slots();
    assert_eq!(free, parts.slots, "seed {seed}");
    rig.generated.into_iter().map(|(request, generated)| (request, generated.text)).collect()
}

#[test]
fn a_device_that_draws_gives_what_the_engine_would_draw() {
    for seed in 100..120 {
        let [here, there] = [false, true].map(|draws| play(seed, &Parts { draws, ..Parts::default() }));
        assert_eq!(here, there, "seed {seed}");
    }
}

#[test]
fn random_programs_never_lose_a_slot_or_an_answer() {
    for seed in 0..40 {
        play(seed, &Parts::default());
        play(seed, &Parts { slots: 120, budget: 16, ..Parts::default() });
        play(seed, &Parts { slots: 100, budget: 5, shares: false, ..Parts::default() });
    }
}
