//! What comes after a question, from the code alone: whether its transcript is asked again, how many tokens are generated in it then (`bound`),
//! into how many branches it is forked, and with what the transcript begins that is opened next (`next`).
//!
//! The engine is told with each question, so that it keeps what will be wanted and lets go what will not. A way through the code that
//! can't be taken counts as one that can: what is said to be over is over.

mod bound;
mod next;

use crate::image::{Function, FunctionIndex, Image, Op, Start};
use crate::machine::Machine;
use crate::options::RunOptions;
use crate::task::Slot;
use crate::value::TaskId;
use bound::Bounds;
use rustc_hash::{FxHashMap, FxHashSet};
use sgl_protocol::{Command, Hint};

/// What was found out, by function and instruction.
#[derive(Debug)]
pub(crate) struct Outlook {
    /// Whether a function, or one that it calls, asks about the transcript that it is called in.
    asks: Vec<bool>,
    later: FxHashMap<(u32, usize), bool>,
    bounds: Bounds,
    /// Functions of which it was said with what they begin.
    announced: FxHashSet<FunctionIndex>,
}

impl Outlook {
    /// What is known of each function: a fixed point, as functions call each other.
    pub(crate) fn new(image: &Image, options: &RunOptions) -> Self {
        let (asks, bounds) = (vec![false; image.functions.len()], Bounds::new(image, options));
        let mut outlook = Self { asks, later: FxHashMap::default(), bounds, announced: FxHashSet::default() };
        loop {
            let found: Vec<bool> =
                image.functions.iter().map(|function| function.code.iter().any(|op| outlook.needs(op))).collect();
            if found == outlook.asks {
                return outlook;
            }
            outlook.asks = found;
        }
    }

    /// Whether an instruction needs what the cache has of the current transcript.
    fn needs(&self, op: &Op) -> bool {
        match op {
            Op::Generate { .. }
            | Op::Select { .. }
            | Op::Transcript { .. }
            | Op::ForkEach { .. }
            | Op::ForkNamed { .. }
            // A retry begins again with it.
            | Op::Guard { .. } => true,
            Op::Spawn { start, .. } => *start == Start::Fork,
            Op::Call { function, .. } => self.asks.get(*function as usize).copied().unwrap_or(true),
            _ => false,
        }
    }

    /// Whether the transcript is needed again from an instruction of a function on.
    pub(crate) fn later(&mut self, image: &Image, function: u32, from: usize) -> bool {
        if let Some(known) = self.later.get(&(function, from)) {
            return *known;
        }
        let code = &image.functions[function as usize].code;
        let (mut seen, mut open, mut found) = (vec![false; code.len()], vec![from], false);
        while let Some(at) = open.pop() {
            let Some(op) = code.get(at).filter(|_| !std::mem::replace(&mut seen[at], true)) else { continue };
            if self.needs(op) {
                found = true;
                break;
            }
            match op {
                Op::Return { .. } | Op::Fail { .. } => {}
                Op::Jump { target } => open.push(*target as usize),
                Op::JumpUnless { target, .. } => open.extend([at + 1, *target as usize]),
                Op::Next { end, .. } => open.extend([at + 1, *end as usize]),
                _ => open.push(at + 1),
            }
        }
        self.later.insert((function, from), found);
        found
    }
}

impl Machine<'_> {
    /// Tells the engine what comes after the question that is asked next.
    pub(crate) fn look_ahead(&mut self, id: TaskId) {
        let image = self.image;
        let Self { slots, outlook, .. } = self;
        let Some(Slot::Alive(task)) = slots.get(id.0 as usize) else { return };
        let (Some(session), Some(innermost)) = (task.session, task.frames.last()) else { return };
        let forks = forks_next(&image.functions[innermost.function as usize], innermost.at + 1);
        // A guard may take the transcript back, and go on elsewhere.
        let guarded = task.frames.iter().any(|frame| !frame.guards.is_empty());
        let later = guarded || task.frames.iter().any(|frame| outlook.later(image, frame.function, frame.at + 1));
        let next = (innermost.function, innermost.at + 1);
        let mut bound = task.frames.iter().map(|frame| outlook.bounds.from(frame.function, frame.at + 1));
        let bound = bound.try_fold(0_u32, |sum, own| sum.checked_add(own?)).filter(|_| !guarded);
        if let Some(count) = forks.filter(|count| *count > 0) {
            self.model.submit(Command::Hint { session, hint: Hint::Forks(count) });
        }
        let hint = if later { Hint::Remaining(bound) } else { Hint::LastUse };
        self.model.submit(Command::Hint { session, hint });
        self.announce(next);
    }
}

/// Into how many branches the transcript is forked next, if that comes next whatever happens and the count is written in the code.
fn forks_next(function: &Function, from: usize) -> Option<u32> {
    let mut at = from;
    loop {
        match function.code.get(at)? {
            Op::ForkNamed { functions, .. } => return u32::try_from(functions.len()).ok(),
            Op::ForkEach { over, .. } => return count_of(&function.code[..at], *over),
            Op::Generate { .. }
            | Op::Select { .. }
            | Op::Transcript { .. }
            | Op::Spawn { .. }
            | Op::Call { .. }
            | Op::Return { .. }
            | Op::Fail { .. }
            | Op::Guard { .. }
            | Op::Jump { .. }
            | Op::JumpUnless { .. }
            | Op::Next { .. } => return None,
            _ => at += 1,
        }
    }
}

/// How many elements a register has after this code, if its last value is a list or a range of numbers that are written there.
fn count_of(code: &[Op], register: u16) -> Option<u32> {
    let number = |wanted: u16| {
        code.iter().rev().find_map(|op| match op {
            Op::Int { to, value } if *to == wanted => Some(*value),
            _ => None,
        })
    };
    code.iter().rev().find_map(|op| match op {
        Op::List { to, items } if *to == register => Some(u32::try_from(items.len()).ok()),
        Op::Range { to, start, end: Some(end), inclusive } if *to == register => {
            let count = number(*end)?.checked_sub(number(*start)?)?.checked_add(i64::from(*inclusive))?;
            Some(u32::try_from(count).ok())
        }
        _ => None,
    })?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{Entry, Hole, HoleOptions, JoinPolicy, Place};
    use crate::{Silent, run};
    use sgl_protocol::{Event, LanguageModel, Role, Scripted, SessionId, Shape, Usage};
    use std::time::Duration;

    /// A scripted model that notes what is said in advance.
    struct Noting {
        model: Scripted,
        hints: Vec<(u64, Hint)>,
        texts: Vec<(u64, String)>,
    }

    impl LanguageModel for Noting {
        fn submit(&mut self, command: Command) {
            match &command {
                Command::Hint { session, hint } => self.hints.push((session.0, hint.clone())),
                Command::Append { session: SessionId(name), text } => self.texts.push((*name, text.clone())),
                _ => {}
            }
            self.model.submit(command);
        }

        fn poll(&mut self, patience: Duration, events: &mut Vec<Event>) {
            self.model.poll(patience, events);
        }

        fn usage(&self) -> Usage {
            self.model.usage()
        }
    }

    /// What is said while a program of these functions runs; its holes have 10 and 20 tokens, its texts are one short and one long.
    fn said(functions: Vec<Vec<Op>>) -> Noting {
        let at = Place { file: 0, start: 0, end: 0 };
        let hole = |max_tokens| Hole {
            label: "x".into(),
            shape: Shape::free_text(),
            model: None,
            follow: String::new(),
            max_tokens: Some(max_tokens),
            at,
        };
        let function = |code: Vec<Op>| Function {
            name: "f".into(),
            parameters: 0,
            registers: 8,
            places: vec![at; code.len()],
            code,
        };
        let image = Image {
            holes: vec![hole(10), hole(20)],
            texts: vec!["short".into(), "a beginning that is long enough to be worth a word. ".repeat(3)],
            functions: functions.into_iter().map(function).collect(),
            ..Image::default()
        };
        let entry = Entry {
            name: "main".into(),
            doc: String::new(),
            function: 0,
            prompt: true,
            parameters: Vec::new(),
            result: Shape::free_text(),
            uses: Vec::new(),
        };
        let model = Scripted::new(Vec::new(), Box::new(|_| Some("a text".to_string())));
        let mut noting = Noting { model, hints: Vec::new(), texts: Vec::new() };
        let done = run(&image, &entry, Vec::new(), &mut noting, &RunOptions::default(), &mut Silent);
        assert!(done.is_ok(), "{done:?}");
        noting
    }

    fn ask(hole: u32) -> Op {
        Op::Generate { to: 7, hole, options: HoleOptions::default(), metadata: Vec::new() }
    }

    const RETURN: Op = Op::Return { value: 7 };

    #[test]
    fn each_question_comes_with_what_is_generated_later_and_the_last_says_so() {
        let noting = said(vec![vec![Op::Append { text: 0 }, ask(0), ask(1), ask(0), RETURN]]);
        let expected = [Hint::Remaining(Some(30)), Hint::Remaining(Some(10)), Hint::LastUse];
        assert_eq!(noting.hints, expected.map(|hint| (1, hint)));
    }

    #[test]
    fn a_trunk_is_told_of_its_branches_and_of_what_comes_after_them() {
        let fork =
            Op::ForkNamed { to: 1, functions: vec![1, 1], captures: Vec::new(), record: 0, join: JoinPolicy::Race };
        let noting = said(vec![vec![ask(0), fork, ask(1), RETURN], vec![ask(0), RETURN]]);
        let trunk: Vec<&Hint> = noting.hints.iter().filter(|(name, _)| *name == 1).map(|(_, hint)| hint).collect();
        assert_eq!(trunk, [&Hint::Forks(2), &Hint::Remaining(Some(20)), &Hint::LastUse]);
    }

    #[test]
    fn what_the_next_transcript_begins_with_is_said_once_before_it_is_opened() {
        let spawn = |to| Op::Spawn { to, function: 1, arguments: Vec::new(), start: Start::Fresh };
        let other = vec![Op::OpenRole { role: Role::User }, Op::Append { text: 1 }, ask(0), Op::CloseRole, RETURN];
        let noting = said(vec![vec![ask(0), spawn(1), ask(0), spawn(2), ask(1), RETURN], other]);
        let next: Vec<u64> =
            noting.hints.iter().filter(|(_, hint)| *hint == Hint::Next).map(|(name, _)| *name).collect();
        assert_eq!(next.len(), 1, "{:?}", noting.hints);
        let begins = noting.texts.iter().filter(|(name, _)| *name == next[0]);
        assert_eq!(begins.count(), 1);
        assert_eq!(noting.texts[0].0, next[0], "it is said before it is written");
        assert_eq!(noting.texts.len(), 3);
    }
}
