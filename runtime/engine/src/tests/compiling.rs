//! A request whose constraint is being made waits for it, and nobody else does.

use super::rig::{Parts, Rig};
use sgl_constrain::{ConstraintCache, Make, TokenMasks};
use sgl_protocol::{Command, Event, Hint, LanguageModel, ModelError, RequestId, SessionId, Shape};
use std::collections::BTreeMap;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(60);

fn slow() -> Shape {
    Shape::Text { pattern: Some("(abc|ab)[0-9]{2}".into()), chars_max: None, until: None }
}

/// A rig whose `slow` constraint is made when the sender says so.
fn rig() -> (Rig, Sender<()>) {
    let mut rig = Rig::new(&Parts::default());
    let (gate, opened) = channel::<()>();
    let opened = Mutex::new(opened);
    let make: Make = Arc::new(move |shape, vocabulary| {
        if *shape == slow() {
            opened.lock().unwrap_or_else(PoisonError::into_inner).recv().ok();
        }
        TokenMasks::of_shape(shape, vocabulary)
    });
    rig.engine.constraints = ConstraintCache::made_by(rig.engine.constraints.vocabulary().clone(), make);
    (rig, gate)
}

/// Polls until so many requests have ended: their texts, or why they have none.
fn ended(rig: &mut Rig, count: usize) -> BTreeMap<RequestId, Result<String, ModelError>> {
    let mut ended = BTreeMap::new();
    while ended.len() < count {
        let mut events = Vec::new();
        rig.engine.poll(LONG, &mut events);
        assert!(!events.is_empty(), "nothing happens: {ended:?}");
        for event in events {
            match event {
                Event::Generated { request, result } => drop(ended.insert(request, Ok(result.text))),
                Event::Failed { request, error } => drop(ended.insert(request, Err(error))),
                Event::Token { .. } | Event::Scored { .. } => {}
            }
        }
    }
    ended
}

fn ask_slowly(rig: &mut Rig, session: SessionId) -> RequestId {
    rig.ask(session, |ask| ask.shape = slow())
}

#[test]
fn others_run_while_a_constraint_is_made() {
    let (mut rig, gate) = rig();
    let (waiting, other) = (rig.open("take this:"), rig.open("and this:"));
    let slow_one = ask_slowly(&mut rig, waiting);
    let quick: Vec<RequestId> =
        (0..3).map(|_| rig.ask(other, |ask| ask.shape = Shape::Int { min: Some(0), max: Some(99) })).collect();
    let before = ended(&mut rig, quick.len());
    assert!(quick.iter().all(|request| before[request].is_ok()), "{before:?}");
    assert!(rig.engine.is_busy() && !before.contains_key(&slow_one));
    // What follows in its transcript waits with it.
    let after = rig.ask(waiting, |ask| ask.shape = Shape::Bool);
    gate.send(()).expect("the maker waits");
    let both = ended(&mut rig, 2);
    assert!(both[&slow_one].as_ref().is_ok_and(|text| text.starts_with("ab")), "{both:?}");
    assert!(both[&after].is_ok() && !rig.engine.is_busy());
    // The text is that of an engine that made the constraint before.
    let alone = Rig::alone(&Parts::default(), "take this:", |ask| ask.shape = slow());
    assert_eq!(both[&slow_one].as_ref().ok(), Some(&alone.text));
}

#[test]
fn a_request_that_waits_can_be_cancelled_closed_and_late() {
    let (mut rig, gate) = rig();
    let sessions: Vec<SessionId> = (0..3).map(|_| rig.open("take this:")).collect();
    let time = Duration::from_millis(5);
    rig.engine.submit(Command::Hint { session: sessions[2], hint: Hint::Deadline(time) });
    let requests: Vec<RequestId> = sessions.iter().map(|session| ask_slowly(&mut rig, *session)).collect();
    rig.engine.submit(Command::Cancel { request: requests[0] });
    rig.engine.submit(Command::Close { session: sessions[1] });
    let ended = ended(&mut rig, 3);
    let error = |request: usize| ended[&requests[request]].as_ref().err();
    assert_eq!((error(0), error(1)), (Some(&ModelError::Cancelled), Some(&ModelError::Cancelled)));
    assert_eq!(error(2), Some(&ModelError::DeadlineExceeded));
    assert!(!rig.engine.is_busy());
    // Their sessions are free, but for the one that is closed.
    gate.send(()).expect("the maker waits");
    rig.engine.submit(Command::Hint { session: sessions[2], hint: Hint::Deadline(LONG) });
    let again = [ask_slowly(&mut rig, sessions[0]), ask_slowly(&mut rig, sessions[2])];
    let done = self::ended(&mut rig, 2);
    assert!(again.iter().all(|request| done[request].is_ok()), "{done:?}");
}

#[test]
fn a_constraint_that_can_not_be_made_fails_its_request_alone() {
    let (mut rig, _gate) = rig();
    let (wrong, other) = (rig.open("take this:"), rig.open("take this:"));
    let nothing = Shape::Int { min: Some(2), max: Some(1) };
    let requests = [rig.ask(wrong, |ask| ask.shape = nothing), rig.ask(other, |ask| ask.shape = Shape::Bool)];
    let ended = ended(&mut rig, 2);
    assert!(matches!(ended[&requests[0]], Err(ModelError::Constraint(_))), "{ended:?}");
    assert!(ended[&requests[1]].is_ok());
}
