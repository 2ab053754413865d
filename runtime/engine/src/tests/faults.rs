//! What can go wrong goes wrong for one request, with a reason, and frees what it had.

use super::rig::{Parts, Rig};
use sgl_protocol::{Command, LanguageModel, ModelError, Role, SessionId, Shape};

type Change = fn(&mut sgl_protocol::Generate);

fn free_slots(rig: &Rig) -> usize {
    rig.engine.cache.pool.free().len() + rig.engine.cache.tree.evictable_slots()
}

#[test]
fn options_out_of_range_are_refused_and_harm_nobody() {
    let mut rig = Rig::new(&Parts::default());
    let good = rig.open("the text");
    let good = rig.ask(good, |_| {});
    let wrong: [(Change, &str); 7] = [
        (|ask| ask.sampling.temperature = -1.0, "temperature"),
        (|ask| ask.sampling.temperature = f32::NAN, "temperature"),
        (|ask| ask.sampling.top_p = 0.0, "top_p"),
        (|ask| ask.sampling.min_p = 1.5, "min_p"),
        (|ask| ask.sampling.repetition_penalty = 0.0, "repetition_penalty"),
        (|ask| ask.sampling.presence_penalty = f32::INFINITY, "penalties"),
        (|ask| ask.max_tokens = 0, "max_tokens"),
    ];
    for (change, name) in wrong {
        let session = rig.open("the text");
        let request = rig.ask(session, change);
        rig.step();
        assert!(matches!(&rig.failed[&request], ModelError::Invalid(message) if message.contains(name)), "{name}");
    }
    rig.run();
    assert!(rig.generated.contains_key(&good));
}

#[test]
fn what_can_never_fit_is_refused_with_numbers() {
    let mut rig = Rig::new(&Parts { context: 40, slots: 30, ..Parts::default() });
    let session = rig.open(&"the ".repeat(50));
    let long = rig.ask(session, |_| {});
    let session = rig.open("a");
    let shape = Shape::Int { min: Some(10_000_000), max: Some(99_999_999) };
    let small = rig.ask(session, |ask| (ask.shape, ask.max_tokens) = (shape, 2));
    let session = rig.open(&"x".repeat(33));
    let full = rig.ask(session, |ask| ask.max_tokens = 2);
    let session = rig.open("fine");
    let fine = rig.ask(session, |ask| ask.max_tokens = 4);
    rig.run();
    assert!(matches!(rig.failed[&long], ModelError::ContextOverflow { limit: 40, .. }));
    assert!(matches!(rig.failed[&small], ModelError::BudgetTooSmall { need, max_tokens: 2 } if need > 2));
    assert!(matches!(rig.failed[&full], ModelError::OutOfCache { capacity: 30, .. }), "{:?}", rig.failed.get(&full));
    assert!(rig.generated.contains_key(&fine), "{:?}", rig.failed);
    assert_eq!(free_slots(&rig), 30);
}

#[test]
fn a_request_can_be_cancelled_at_any_time() {
    for passes in 0..6 {
        let mut rig = Rig::new(&Parts { budget: 8, ..Parts::default() });
        let session = rig.open("the text that takes several passes to be read");
        let request = rig.ask(session, |ask| ask.max_tokens = 40);
        let queued = rig.ask(session, |_| {});
        let other = rig.open("another one");
        let other = rig.ask(other, |_| {});
        (0..passes).for_each(|_| rig.step());
        rig.engine.submit(Command::Cancel { request: queued });
        rig.engine.submit(Command::Cancel { request });
        rig.run();
        assert_eq!(rig.failed[&request], ModelError::Cancelled);
        assert_eq!(rig.failed[&queued], ModelError::Cancelled);
        assert!(rig.generated.contains_key(&other));
        let again = rig.ask(session, |_| {});
        rig.run();
        assert!(rig.generated.contains_key(&again), "the transcript is what it was");
        assert_eq!(free_slots(&rig), 4_096);
    }
}

#[test]
fn closing_a_session_cancels_what_is_under_way() {
    let mut rig = Rig::new(&Parts::default());
    let session = rig.open("the text");
    let request = rig.ask(session, |_| {});
    let queued = rig.score(session, &["a", "b"], false);
    rig.step();
    rig.engine.submit(Command::Close { session });
    rig.engine.submit(Command::Close { session });
    rig.run();
    assert_eq!((&rig.failed[&request], &rig.failed[&queued]), (&ModelError::Cancelled, &ModelError::Cancelled));
    let late = rig.ask(session, |_| {});
    rig.step();
    assert_eq!(rig.failed[&late], ModelError::UnknownSession(session.0));
    assert_eq!(free_slots(&rig), 4_096);
}

#[test]
fn a_fault_without_an_answer_waits_for_the_next_request() {
    let mut rig = Rig::new(&Parts::default());
    let nested = rig.open("");
    rig.open_role(nested, Role::User);
    rig.open_role(nested, Role::User);
    let unopened = rig.open("text");
    rig.engine.submit(Command::CloseRole { session: unopened });
    let unknown = rig.open("");
    rig.open_role(unknown, Role::Other("no such role".into()));
    let requests: Vec<_> = [nested, unopened].into_iter().map(|session| rig.ask(session, |_| {})).collect();
    let empty = rig.open("x");
    let empty = rig.score(empty, &["a", ""], false);
    let nothing = rig.open("x");
    let nothing = rig.score(nothing, &[], false);
    rig.engine.submit(Command::Append { session: SessionId(999), text: "lost".into() });
    rig.run();
    for request in requests.into_iter().chain([empty, nothing]) {
        assert!(matches!(rig.failed[&request], ModelError::Invalid(_)), "{:?}", rig.failed[&request]);
    }
}

#[test]
fn a_device_that_fails_fails_its_requests_only_once() {
    let mut rig = Rig::new(&Parts { works: Some(3), ..Parts::default() });
    let requests: Vec<_> = (0..3)
        .map(|index| {
            let session = rig.open(&format!("text {index}"));
            rig.ask(session, |ask| ask.max_tokens = 30)
        })
        .collect();
    rig.run();
    for request in requests {
        assert!(matches!(&rig.failed[&request], ModelError::Device(message) if message.contains("gone")));
    }
    assert_eq!(free_slots(&rig), 4_096);
}
