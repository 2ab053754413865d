//! Sharing, batching, preemption: they change what is computed, never what is said.

use super::rig::{Parts, Rig};
use sgl_protocol::{RequestId, Role, Shape};

const PROMPTS: [&str; 6] = [
    "the cat in the hat and the other one",
    "the cat in the hat and then",
    "the cat",
    "another text altogether, without a beginning in common",
    "the cat in the hat and the other one too",
    "a",
];

fn together(parts: &Parts) -> (Rig, Vec<RequestId>) {
    let mut rig = Rig::new(parts);
    let mut requests = Vec::new();
    for (index, prompt) in PROMPTS.iter().enumerate() {
        let session = rig.open(prompt);
        requests.push(rig.ask(session, |ask| {
            ask.sampling.seed = index as u64;
            ask.max_tokens = 10 + 3 * index as u32;
        }));
    }
    rig.run();
    (rig, requests)
}

fn texts(parts: &Parts) -> Vec<String> {
    let (rig, requests) = together(parts);
    requests.iter().map(|request| rig.text(*request).to_string()).collect()
}

#[test]
fn a_text_does_not_depend_on_who_else_is_in_the_batch() {
    let parts = Parts::default();
    let alone: Vec<String> = PROMPTS
        .iter()
        .enumerate()
        .map(|(index, prompt)| {
            let change = |ask: &mut sgl_protocol::Generate| {
                ask.sampling.seed = index as u64;
                ask.max_tokens = 10 + 3 * index as u32;
            };
            Rig::alone(&parts, prompt, change).text
        })
        .collect();
    assert_eq!(texts(&parts), alone);
    assert!(alone.iter().any(|text| text.len() > 8), "{alone:?}");
}

#[test]
fn the_cache_chunks_and_preemption_change_no_text() {
    let plain = texts(&Parts::default());
    assert_eq!(texts(&Parts { shares: false, ..Parts::default() }), plain, "without the cache");
    for budget in [1, 3, 7] {
        assert_eq!(texts(&Parts { budget, ..Parts::default() }), plain, "chunks of {budget}");
    }
    for slots in [70, 80, 100, 150] {
        for shares in [true, false] {
            assert_eq!(texts(&Parts { slots, shares, ..Parts::default() }), plain, "{slots} slots, shared: {shares}");
        }
    }
}

#[test]
fn branches_share_their_trunk_to_the_token() {
    let mut rig = Rig::new(&Parts { budget: 512, ..Parts::default() });
    let trunk = rig.open("");
    rig.turn(trunk, Role::System, "the rules are in another text, and they are long");
    rig.turn(trunk, Role::User, "the question");
    let shared =
        rig.engine.sessions[&trunk].transcript.clone().prompt(&mut rig.engine.writing).expect("sound").tokens.len();
    let mut requests = Vec::new();
    for name in ["one", "other", "third"] {
        let branch = rig.fork(trunk);
        rig.turn(branch, Role::User, name);
        requests.push(rig.ask(branch, |ask| ask.max_tokens = 4));
    }
    rig.run();
    let cached: Vec<u64> = requests.iter().map(|request| rig.generated[request].usage.cached_tokens).collect();
    // The opening of the next turn is the same in all branches, too.
    let shared = shared + rig.engine.writing.tokenizer.encode_template("<|im_start|>user\n").len();
    assert_eq!(cached, [0, shared as u64, shared as u64]);
}

#[test]
fn a_second_hole_finds_the_first_in_the_cache() {
    let mut rig = Rig::new(&Parts::default());
    let session = rig.open("the beginning of the text");
    let first = rig.ask(session, |_| {});
    rig.run();
    rig.append(session, " and then");
    let second = rig.ask(session, |_| {});
    rig.run();
    let (first, second) = (&rig.generated[&first].usage, &rig.generated[&second].usage);
    assert!(second.cached_tokens >= first.prompt_tokens, "{first:?} {second:?}");
}

#[test]
fn options_are_scored_in_one_pass_after_their_trunk() {
    let mut rig = Rig::new(&Parts::default());
    let session = rig.open("the answer is the one that is in the text: ");
    let options = ["abc", "the first", "on and on", "123"];
    let request = rig.score(session, &options, true);
    rig.run();
    assert!(rig.engine.forward_passes() <= 3, "{} passes", rig.engine.forward_passes());
    let scored = &rig.scored[&request];
    assert_eq!((scored.logprobs.len(), scored.unconditional.len()), (4, 4));
    for (index, option) in options.iter().enumerate() {
        let mut other = Rig::new(&Parts { shares: false, budget: 2, ..Parts::default() });
        let session = other.open("the answer is the one that is in the text: ");
        let alone = other.score(session, &[option], true);
        other.run();
        // Alone an option may share more tokens with the text before it; the rest is the same.
        let (own, all) = (&other.scored[&alone].logprobs[0], &scored.logprobs[index]);
        assert_eq!(own[..], all[all.len() - own.len()..], "{option}");
        assert_eq!(other.scored[&alone].unconditional[0], scored.unconditional[index], "{option}");
    }
}

#[test]
fn log_probabilities_of_a_text_are_those_of_its_score() {
    let mut rig = Rig::new(&Parts::default());
    let session = rig.open("");
    rig.turn(session, Role::User, "the question");
    rig.open_role(session, Role::Assistant);
    let before = rig.fork(session);
    let asked = rig.ask(session, |ask| {
        ask.shape = Shape::Enum { name: "E".into(), names: vec!["abcabc".into(), "on123".into()] };
        ask.top_logprobs = Some(2);
    });
    rig.run();
    let generated = rig.generated[&asked].clone();
    assert_eq!(generated.tokens.iter().map(|(text, _)| text.as_str()).collect::<String>(), generated.text);
    assert!(generated.top_logprobs.iter().all(|top| top.len() == 2 && top[0].1 >= top[1].1));
    assert_eq!(generated.top_logprobs.len(), generated.tokens.len());
    let request = rig.score(before, &[&generated.text], false);
    rig.run();
    let tokens = rig.engine.writing.encode(&generated.text).len();
    if tokens == generated.tokens.len() {
        let sum: f64 = rig.scored[&request].logprobs[0].iter().map(|p| f64::from(*p)).sum();
        assert!((sum - generated.logprob).abs() < 1e-4, "{sum} {}", generated.logprob);
    }
}
