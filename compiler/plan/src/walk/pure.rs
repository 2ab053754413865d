//! What an operation without a transcript gives.

use super::Frame;
use crate::binding::{Binding, Fact, Known};
use sgl_ir::program::{Constant, Op, Value};

pub(super) fn fact(frame: &Frame, op: &Op) -> Fact {
    match op {
        Op::Constant(Constant::Int(number)) => Fact::constant(Known::Int(*number)),
        Op::Constant(Constant::Float(number)) => Fact::constant(Known::Float(*number)),
        Op::ToFloat(value) => {
            let fact = frame.value(*value);
            let known = if let Known::Int(number) = fact.known { Known::Float(number as f64) } else { Known::Nothing };
            Fact { known, ..fact }
        }
        Op::Constant(Constant::Text(text)) => Fact::constant(Known::Text(text.clone())),
        Op::Constant(_) | Op::Function(_) => Fact::default(),
        Op::Load(slot) => frame.slots.get(slot).cloned().unwrap_or_default(),
        Op::List(all) => Fact { known: Known::Length(all.len() as u64), ..frame.joined(all) },
        Op::Range(from, Some(to), closed) => range(&frame.value(*from), &frame.value(*to), *closed),
        // Its text has digits or tags that its value does not show.
        Op::WriteAs(value, _) => Fact { known: Known::Nothing, ..frame.value(*value) },
        Op::ToText(value) => {
            let fact = frame.value(*value);
            match fact.known {
                Known::Int(number) => Fact { known: Known::Text(number.to_string()), ..fact },
                Known::Text(_) => fact,
                _ => Fact { known: Known::Nothing, ..fact },
            }
        }
        Op::Concat(all) => concat(frame, all),
        Op::Tuple(all) | Op::Record(_, all) | Op::Variant(_, _, all) => {
            Fact { known: Known::Nothing, computed: true, ..frame.joined(all) }
        }
        Op::Field(of, _) => Fact { known: Known::Nothing, ..frame.value(*of) },
        Op::Index(of, at) => {
            let list = frame.value(*of);
            let (origin, computed) = (list.origin.clone(), list.computed);
            Fact { known: Known::Nothing, origin, computed, ..list.join(&frame.value(*at)) }
        }
        Op::Transcript => frame.context.join(&Fact::of(Binding::Generated, "transcript")),
        Op::Closure(body) => frame.joined(&sgl_ir::captures(body)).computed(),
        other => {
            let mut read = Vec::new();
            sgl_ir::operands(other, &mut |value| read.push(value));
            frame.joined(&read).computed()
        }
    }
}

fn range(from: &Fact, to: &Fact, closed: bool) -> Fact {
    let length = match (&from.known, &to.known) {
        (Known::Int(from), Known::Int(to)) => {
            let length = to.saturating_sub(*from).saturating_add(i64::from(closed));
            Known::Length(u64::try_from(length).unwrap_or(0))
        }
        _ => Known::Nothing,
    };
    Fact { known: length, ..from.join(to) }
}

fn concat(frame: &Frame, all: &[Value]) -> Fact {
    let texts: Option<String> = all
        .iter()
        .map(|value| match frame.value(*value).known {
            Known::Text(text) => Some(text),
            _ => None,
        })
        .collect();
    let joined = frame.joined(all);
    match texts {
        Some(text) => Fact { known: Known::Text(text), ..joined },
        // A text of several pieces is longer than what it comes from.
        None => Fact { known: Known::Nothing, computed: true, ..joined },
    }
}
