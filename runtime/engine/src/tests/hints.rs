//! What a program says of what comes: it changes what stays in the cache and who is started when, and never what is said.

use super::rig::{Parts, Rig};
use crate::simulate::words;
use crate::store::{BLOCK, Store, StoreOptions};
use sgl_protocol::{Command, Hint, LanguageModel, RequestId, SessionId};

const TALK: &str = "the cat in the hat and the other one in the tin, then the third, and abc 123 in the end there";

fn hint(rig: &mut Rig, session: SessionId, hint: Hint) {
    rig.engine.submit(Command::Hint { session, hint });
}

/// Texts of which each fills a part of the cache.
fn churn(rig: &mut Rig, count: usize) {
    for number in 0..count {
        let other =
            rig.open(&format!("{number}: another text altogether that shares no beginning with any that was before"));
        rig.ask(other, |ask| ask.max_tokens = 4);
        rig.run();
    }
}

/// A talk of two questions with others between them: what the second found in the cache, and its text.
fn talk(slots: usize, said: Option<Hint>) -> (u64, String) {
    let mut rig = Rig::new(&Parts { slots, ..Parts::default() });
    let session = rig.open(TALK);
    if let Some(said) = said {
        hint(&mut rig, session, said);
    }
    rig.ask(session, |ask| ask.max_tokens = 8);
    rig.run();
    churn(&mut rig, 8);
    rig.append(session, " and then");
    let second = rig.ask(session, |ask| ask.max_tokens = 8);
    rig.run();
    (rig.generated[&second].usage.cached_tokens, rig.text(second).to_string())
}

#[test]
fn what_is_asked_again_stays_and_what_is_not_goes_first() {
    let tokens = words::tokenizer().encode(TALK).len() as u64;
    let (all, plain) = talk(4_096, None);
    assert!(all >= tokens);
    for (said, stays) in [(None, false), (Some(Hint::Remaining(None)), true), (Some(Hint::Remaining(Some(8))), true)] {
        let (cached, text) = talk(220, said.clone());
        assert_eq!(cached >= tokens, stays, "{said:?}: {cached} of {tokens}");
        assert_eq!(text, plain);
    }
    let (cached, text) = talk(220, Some(Hint::LastUse));
    assert!(cached < tokens && text == plain);
}

#[test]
fn what_was_to_be_asked_again_and_is_closed_goes_like_the_rest() {
    let mut rig = Rig::new(&Parts { slots: 220, ..Parts::default() });
    let session = rig.open(TALK);
    hint(&mut rig, session, Hint::Remaining(None));
    rig.ask(session, |ask| ask.max_tokens = 8);
    rig.run();
    rig.engine.submit(Command::Close { session });
    churn(&mut rig, 8);
    let space = crate::radix::Namespace::default();
    let kept = rig.engine.cache.tree.match_len(space, &rig.engine.writing.tokenizer.encode(TALK));
    assert!(kept < 5, "{kept} tokens of a closed transcript outlived those that were used later");
}

/// Three talks at once, of two questions each; how often a sequence was stopped, and the texts.
fn talks_at_once(slots: usize, said: Option<u32>) -> (u64, Vec<String>) {
    let mut rig = Rig::new(&Parts { slots, ..Parts::default() });
    let sessions = ["1 the first talk", "2 the second talk", "3 the third talk"].map(|text| rig.open(text));
    let mut requests: Vec<RequestId> = Vec::new();
    for session in sessions {
        if let Some(later) = said {
            hint(&mut rig, session, Hint::Remaining(Some(later)));
        }
        let long = |ask: &mut sgl_protocol::Generate| (ask.max_tokens, ask.sampling.min_tokens) = (30, 30);
        requests.push(rig.ask(session, long));
        rig.append(session, " and then");
        requests.push(rig.ask(session, long));
    }
    rig.run();
    let texts = requests.iter().map(|request| rig.text(*request).to_string()).collect();
    (rig.engine.cache_metrics().preempted, texts)
}

#[test]
fn room_is_left_for_what_a_program_will_still_generate() {
    let (_, plain) = talks_at_once(4_096, None);
    let (mut guessed, mut bounded) = (0, 0);
    for slots in [130, 140, 150, 160] {
        for (said, stopped) in [(None, &mut guessed), (Some(30), &mut bounded)] {
            let (preempted, texts) = talks_at_once(slots, said);
            assert_eq!(texts, plain, "{slots} slots");
            *stopped += preempted;
        }
    }
    assert!(
        guessed > 0 && bounded < guessed,
        "{guessed} were stopped by guesses, {bounded} with what the program knows"
    );
}

#[test]
fn what_the_next_transcript_begins_with_stays_until_it_is_closed() {
    let found = |announced: bool| {
        let mut rig = Rig::new(&Parts { slots: 220, ..Parts::default() });
        let first = rig.open(TALK);
        rig.ask(first, |ask| ask.max_tokens = 2);
        rig.run();
        rig.engine.submit(Command::Close { session: first });
        let next = rig.open(TALK);
        if announced {
            hint(&mut rig, next, Hint::Next);
        }
        churn(&mut rig, 8);
        let later = rig.open(TALK);
        rig.append(later, " and more");
        let request = rig.ask(later, |ask| ask.max_tokens = 2);
        rig.run();
        rig.engine.submit(Command::Close { session: next });
        assert_eq!(rig.engine.check_ownership(), Vec::<String>::new());
        rig.generated[&request].usage.cached_tokens
    };
    let tokens = words::tokenizer().encode(TALK).len() as u64;
    assert!(found(true) + 2 >= tokens, "{} of {tokens}", found(true));
    assert!(found(false) + 2 < tokens, "{} of {tokens}", found(false));
}

#[test]
fn a_beginning_of_nothing_is_no_fault() {
    let mut rig = Rig::new(&Parts::default());
    let session = rig.open("");
    hint(&mut rig, session, Hint::Next);
    hint(&mut rig, SessionId(999), Hint::Next);
    hint(&mut rig, session, Hint::Remaining(Some(u32::MAX)));
    rig.append(session, "the cat");
    let request = rig.ask(session, |ask| ask.max_tokens = 3);
    rig.run();
    assert!(!rig.text(request).is_empty());
}

#[test]
fn what_was_evicted_comes_back_from_memory_when_it_is_started() {
    let tokens = words::tokenizer().encode(TALK).len() as u64;
    let blocks = (tokens / BLOCK as u64) * BLOCK as u64;
    let mut rig = Rig::new(&Parts { slots: 220, ..Parts::default() });
    rig.engine.store = Some(Store::open([7; 32], StoreOptions::default()).expect("memory only"));
    let first = rig.open(TALK);
    let one = rig.ask(first, |ask| ask.max_tokens = 8);
    rig.run();
    churn(&mut rig, 8);
    let again = rig.open(TALK);
    let other = rig.ask(again, |ask| ask.max_tokens = 8);
    rig.run();
    assert_eq!(rig.text(one), rig.text(other));
    assert!(rig.engine.cache_metrics().restored_tokens >= BLOCK as u64);
    assert!(rig.generated[&other].usage.cached_tokens >= blocks, "{:?} of {blocks}", rig.generated[&other].usage);
}
