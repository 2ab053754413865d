//! The way in: values to words, the call, and words to a value.

use super::compile::Code;
use super::kind::Kind;
use super::layout::{tag, word};
use super::services::Context;
use super::{Bounds, Outcome, operand};
use crate::image::Image;
use crate::value::Value;
use std::mem::{ManuallyDrop, MaybeUninit};

/// Bytes of stack that code may take; it gives up beyond, as the interpreter needs none for its calls.
const STACK_BYTES: u64 = 512 << 10;

/// Values of a run that code may share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shared<'a> {
    /// The texts of the image.
    pub(super) texts: &'a [Value],
    /// A list and a map without elements.
    pub(super) empty: &'a [Value; 2],
}

/// Runs code with arguments that are lent to it.
pub(super) fn enter(
    code: &Code,
    image: &Image,
    shared: Shared<'_>,
    arguments: &[Value],
    bounds: Bounds<'_>,
) -> Outcome {
    let Shared { texts, empty } = shared;
    let fits = arguments.len() == code.parameters.len()
        && arguments.iter().zip(&code.parameters).all(|(value, kind)| super::fits(value, kind));
    if !fits || texts.len() < code.texts {
        return Outcome::Interpret;
    }
    let mut words = Vec::with_capacity(2 * arguments.len());
    for ((value, kind), owns) in arguments.iter().zip(&code.parameters).zip(&code.owns) {
        if *owns {
            let _ = ManuallyDrop::new(value.clone());
        }
        words_of(value, kind, &mut words);
    }
    let here = 0u8;
    let mut context = Context {
        texts: texts.as_ptr(),
        elements: bounds.limits.elements as u64,
        stack_end: (std::ptr::from_ref(&here) as u64).saturating_sub(STACK_BYTES),
        nesting: bounds.nesting as u64,
        image: std::ptr::from_ref(image),
        empty: [0, 1].map(|index| word(&empty[index])),
    };
    let mut results = [0u64; 2];
    let fuel = i64::try_from(bounds.fuel).unwrap_or(i64::MAX);
    let depth = i64::try_from(bounds.depth).unwrap_or(i64::MAX);
    // SAFETY: `entrance` makes functions of this type; the words are of the kinds that the code was made for, and each owns
    // what it points to; texts and image are borrowed for the whole call; the code is alive in its `Arc`.
    let left = unsafe {
        let enter: extern "C" fn(*mut Context, i64, i64, *const u64, *mut u64) -> i64 =
            std::mem::transmute::<*const u8, _>(code.enter);
        enter(&raw mut context, fuel, depth, words.as_ptr().cast(), results.as_mut_ptr())
    };
    match u64::try_from(left) {
        // Fuel beyond what code counts with is still there.
        Ok(left) => Outcome::Done(value_of(results, &code.result), left + (bounds.fuel - fuel as u64)),
        Err(_) => Outcome::Interpret,
    }
}
/// The words of a value that fits a kind.
fn words_of(value: &Value, kind: &Kind, words: &mut Vec<MaybeUninit<u64>>) {
    if let Value::Bool(truth) = *value
        && *kind == Kind::Bool
    {
        return words.push(MaybeUninit::new(u64::from(truth)));
    }
    // SAFETY: a value is two words (`Layout::probe` was asked before any code was made), some bytes of which may not be set.
    let both = unsafe { std::ptr::from_ref(value).cast::<[MaybeUninit<u64>; 2]>().read() };
    let first = if operand::types_of(kind).len() == 1 { 1 } else { 0 };
    words.extend_from_slice(&both[first..]);
}

/// The value that words of a kind are; its owner comes with them.
fn value_of(words: [u64; 2], kind: &Kind) -> Value {
    let words = match kind {
        Kind::Bool => [u64::from(tag::BOOL) | (words[0] & 1) << 8, 0],
        kind if operand::types_of(kind).len() == 1 => [operand::head_of(kind) as u64, words[0]],
        _ => words,
    };
    // SAFETY: code gives an owner of a value of this kind.
    unsafe { words.as_ptr().cast::<Value>().read() }
}
