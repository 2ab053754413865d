//! Who shares with whom: namespaces, and branches that are kept apart for comparison.

use super::rig::{Parts, Rig};
use sgl_protocol::{Command, Hint, LanguageModel, SessionId};

const TRUNK: &str = "the cat in the hat and the other one in the tin, then the third";

fn named(rig: &mut Rig, session: SessionId, name: &str) {
    rig.engine.submit(Command::Hint { session, hint: Hint::Namespace(name.into()) });
}

#[test]
fn a_namespace_finds_its_own_and_nothing_else() {
    let mut rig = Rig::new(&Parts::default());
    let mut texts = Vec::new();
    for (name, shared) in [("a", false), ("b", false), ("a", true), ("", false), ("b", true), ("", true)] {
        let session = rig.open(TRUNK);
        named(&mut rig, session, name);
        let request = rig.ask(session, |ask| ask.max_tokens = 6);
        rig.run();
        let usage = rig.generated[&request].usage;
        assert_eq!(usage.cached_tokens > 0, shared, "`{name}`");
        texts.push(rig.text(request).to_string());
    }
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
    let counts = rig.engine.cache_metrics();
    let (hit, best) = (counts.cached_tokens, counts.reusable_tokens.unwrap());
    // The last token of each of the three that share is computed for its outputs.
    assert_eq!(hit + 3, best, "what could be had is counted per namespace");
}

#[test]
fn what_is_forked_stays_in_the_namespace() {
    let mut rig = Rig::new(&Parts::default());
    let trunk = rig.open(TRUNK);
    named(&mut rig, trunk, "a");
    let first = rig.ask(trunk, |ask| ask.max_tokens = 2);
    rig.run();
    let branch = rig.fork(trunk);
    rig.append(branch, " and");
    let second = rig.ask(branch, |ask| ask.max_tokens = 2);
    rig.run();
    assert_eq!(rig.generated[&first].usage.cached_tokens, 0);
    assert!(rig.generated[&second].usage.cached_tokens > 10);
}

#[test]
fn branches_that_are_kept_apart_say_the_same_and_find_nothing() {
    let played = |fork_sharing| {
        let mut rig = Rig::new(&Parts { fork_sharing, ..Parts::default() });
        let trunk = rig.open(TRUNK);
        let requests: Vec<_> = [" one", " two", " one"]
            .iter()
            .zip(0..)
            .map(|(text, seed)| {
                let branch = rig.fork(trunk);
                rig.append(branch, text);
                rig.ask(branch, |ask| (ask.sampling.seed, ask.max_tokens) = (seed, 8))
            })
            .collect();
        rig.run();
        let texts: Vec<String> = requests.iter().map(|request| rig.text(*request).to_string()).collect();
        (texts, rig.engine.cache_metrics())
    };
    let ((texts, shared), (same, apart)) = (played(true), played(false));
    assert_eq!(texts, same);
    assert!(shared.cached_tokens > 30 && apart.cached_tokens == 0, "{shared:?}, {apart:?}");
    assert_eq!(shared.reusable_tokens, apart.reusable_tokens, "what could be had is the same");
}
