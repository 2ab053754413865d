//! Trunks: what branches share is computed once, however little room there is and whoever else wants it.

use super::rig::{Parts, Rig};
use sgl_protocol::{Command, LanguageModel, RequestId, SessionId};

const TRUNK: &str = "the cat in the hat and the other one in the tin, then the third, and abc 123 in the end there";

/// Branches that can't all run at once, and others that would take their trunk's slots between them.
fn crowded(slots: usize, closes: bool) -> (Rig, Vec<RequestId>, usize) {
    let mut rig = Rig::new(&Parts { slots, ..Parts::default() });
    let trunk = rig.open(TRUNK);
    let tokens = rig.engine.writing.tokenizer.encode(TRUNK).len();
    let branches: Vec<SessionId> = (0..6).map(|_| rig.fork(trunk)).collect();
    let mut requests = Vec::new();
    for (number, branch) in branches.iter().enumerate() {
        rig.append(*branch, &format!(" {number}"));
        requests.push(rig.ask(*branch, |ask| (ask.max_tokens, ask.sampling.min_tokens) = (20, 20)));
        let other = rig.open(&format!("{number}: another text altogether that shares no beginning"));
        rig.ask(other, |ask| (ask.max_tokens, ask.sampling.min_tokens) = (20, 20));
    }
    while rig.engine.is_busy() {
        rig.step();
        if closes {
            for (branch, request) in branches.iter().zip(&requests) {
                if rig.generated.contains_key(request) {
                    rig.engine.submit(Command::Close { session: *branch });
                }
            }
        }
    }
    rig.step();
    (rig, requests, tokens)
}

#[test]
fn a_trunk_is_computed_once_however_little_room_there_is() {
    let texts = |rig: &Rig, all: &[RequestId]| all.iter().map(|r| rig.text(*r).to_string()).collect::<Vec<_>>();
    let (rig, requests, _) = crowded(4_096, false);
    let plain = texts(&rig, &requests);
    for slots in [140, 160, 200, 300] {
        for closes in [false, true] {
            let (rig, requests, tokens) = crowded(slots, closes);
            assert_eq!(texts(&rig, &requests), plain, "{slots} slots");
            let counts = rig.engine.cache_metrics();
            assert_eq!(counts.unpinned, 0, "{slots} slots");
            let cached: Vec<u64> = requests.iter().map(|request| rig.generated[request].usage.cached_tokens).collect();
            let without = cached.iter().filter(|cached| **cached + 2 < tokens as u64).count();
            assert_eq!(without, 1, "{slots} slots: of {tokens} tokens the branches found {cached:?}");
        }
    }
}

#[test]
fn what_only_a_closed_branch_has_goes_first() {
    let mut rig = Rig::new(&Parts { slots: 400, ..Parts::default() });
    let old = rig.open("12 an old text that somebody may ask for again");
    rig.ask(old, |ask| ask.max_tokens = 4);
    rig.run();
    let trunk = rig.open(TRUNK);
    for number in 0..2 {
        let branch = rig.fork(trunk);
        rig.append(branch, &format!("{number} a long text of the branch alone, that nobody will ask for again"));
        rig.ask(branch, |ask| ask.max_tokens = 4);
        rig.run();
        rig.engine.submit(Command::Close { session: branch });
    }
    let (space, tree) = (crate::radix::Namespace::default(), &rig.engine.cache.tree);
    let len = |text: &str| tree.match_len(space, &rig.engine.writing.tokenizer.encode(text));
    let (trunk_tokens, old_tokens) = (len(TRUNK), len("12 an old text that somebody may ask for again"));
    assert!(trunk_tokens > 20 && old_tokens > 10);
    let mut freed = Vec::new();
    let done = rig.engine.cache.tree.evict(40, &mut freed);
    assert!(done >= 40 && done == freed.len(), "{done} of {} were let go", freed.len());
    rig.engine.cache.pool.give(&freed);
    let tree = &rig.engine.cache.tree;
    let len = |text: &str| tree.match_len(space, &rig.engine.writing.tokenizer.encode(text));
    assert_eq!(len(TRUNK), trunk_tokens);
    assert_eq!(len("12 an old text that somebody may ask for again"), old_tokens);
}
