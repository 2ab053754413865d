//! The constraints of a program's holes over a model's tokens, described for people.

use crate::arguments::DiagnosticFormat;
use crate::tokens::Tokens;
use crate::{Outcome, compile, demand, report};
use anyhow::{Context, Result};
use sgl_constrain::{Grammar, TokenMasks, content_hash, image_bytes, regex_of};
use sgl_protocol::Shape;
use sgl_vm::Carried;
use sgl_vm::image::{Hole, Image};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The image of `FILE[::ENTRY]`, and the holes that the entry can reach; of all entries, if none is named. Faults of the
/// program are reported.
pub(crate) fn program(program: &str) -> Result<(Image, Vec<u32>), Outcome> {
    let (file, entry) = match program.split_once("::") {
        Some((file, entry)) => (file, Some(entry)),
        None => (program, None),
    };
    let compiled = compile::from_disk(file)?;
    report::diagnostics(&compiled.files, &compiled.diagnostics, DiagnosticFormat::Text);
    let Some(image) = compiled.image else { return Err(Outcome::Failed) };
    let mut holes: Vec<u32> = image
        .entries
        .iter()
        .filter(|found| entry.is_none_or(|entry| entry == found.name))
        .flat_map(|found| demand::holes(&image, found.function))
        .collect();
    holes.sort_unstable();
    holes.dedup();
    if let (Some(entry), false) = (entry, image.entries.iter().any(|found| Some(found.name.as_str()) == entry)) {
        report::error(&format!("{file} has no entry `{entry}`"));
        return Err(Outcome::Usage);
    }
    Ok((image, holes))
}

/// The constraints of a program's holes whose shapes are known, as an image carries them: their masks over the tokens of each of these
/// models; without a model, what of them knows no tokens.
///
/// # Errors
/// A model that can't be had, or a shape that can't be enforced over its tokens.
pub(crate) fn carried(image: &Image, models: &[String]) -> Result<Vec<Carried>> {
    let vocabularies = models.iter().map(|model| Ok(Tokens::of(model)?.vocabulary)).collect::<Result<Vec<_>>>()?;
    let mut carried = BTreeMap::new();
    for hole in image.entries.iter().flat_map(|entry| demand::known_holes(image, entry.function)) {
        // Free text has a constraint, too, while it repeats what was held back of the prompt.
        let shape = if hole.shape.is_free_text() { &Shape::free_text() } else { &hole.shape };
        let key = content_hash(shape);
        if carried.contains_key(&key) {
            continue;
        }
        let masks = |vocabulary| -> Result<Vec<u8>> {
            let masks = TokenMasks::of_shape(shape, vocabulary)
                .with_context(|| format!("the constraint of hole `{}` can't be enforced", hole.label))?;
            Ok(image_bytes(&masks.to_image()))
        };
        let mut images = vocabularies.iter().map(masks).collect::<Result<Vec<_>>>()?;
        if models.is_empty() {
            // What can't be enforced is said where it is run on a model.
            let byte_part = Grammar::of_shape(shape).and_then(|grammar| TokenMasks::byte_part(&grammar));
            images.extend(byte_part.map(|words| image_bytes(&words)));
        }
        carried.insert(key, images);
    }
    Ok(carried.into_iter().flat_map(|(key, images)| images.into_iter().map(move |image| (key, image))).collect())
}

/// What a hole may hold, in numbers.
pub(crate) fn describe(hole: &Hole, tokens: &Tokens) -> String {
    let mut text = format!("{}\n", hole.label);
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<10} {value}");
    };
    if hole.shape.is_free_text() {
        line("holds", "any text");
        return text;
    }
    line("holds", &written(&hole.shape));
    let masks = match TokenMasks::of_shape(&hole.shape, &tokens.vocabulary) {
        Ok(masks) => masks,
        Err(error) => {
            line("refused", &error.to_string());
            return text;
        }
    };
    let (kind, unit) = if masks.is_ahead() { ("table", "states") } else { ("pushdown", "places") };
    line("automaton", &format!("{kind}, {} {unit}", masks.state_count()));
    let (shortest, count, forced) = shortest(&masks, tokens);
    line("masks", &format!("{} distinct, {} KiB in all", masks.mask_count(), masks.bytes().div_ceil(1024)));
    line("need", &format!("{} tokens", masks.need(masks.start())));
    line("shortest", &format!("{shortest:?}, {count} tokens, {forced} of them without a choice"));
    text
}

pub(crate) fn written(shape: &Shape) -> String {
    /// Characters of a pattern that are shown.
    const SHOWN_MAX: usize = 120;
    match regex_of(shape) {
        Ok(regex) if regex.chars().count() > SHOWN_MAX => {
            format!("{} … ({} characters)", regex.chars().take(SHOWN_MAX).collect::<String>(), regex.chars().count())
        }
        Ok(regex) => regex,
        Err(_) => "a grammar".into(),
    }
}

/// A shortest value with its tokens, and how many of these come in runs or alone.
fn shortest(masks: &TokenMasks, tokens: &Tokens) -> (String, usize, usize) {
    let encode = |text: &str| tokens.tokenizer.encode(text);
    let (mut state, mut last) = (masks.start(), None);
    let (mut text, mut count, mut forced) = (Vec::new(), 0, 0);
    while !masks.is_accepting(state) {
        let run = masks.run(state, last, &encode);
        let next: Vec<u32> = if run.is_empty() {
            let allowed = masks.allowed(state, masks.need(state));
            forced += usize::from(masks.forced(state, u32::MAX).is_some());
            allowed.iter().take(1).collect()
        } else {
            forced += run.len();
            run.to_vec()
        };
        for token in next {
            let Some(to) = masks.advance(state, token) else {
                return (String::from_utf8_lossy(&text).into_owned(), count, forced);
            };
            (state, last) = (to, Some(token));
            text.extend_from_slice(tokens.vocabulary.bytes(token).unwrap_or_default());
            count += 1;
        }
        if last.is_none() {
            break;
        }
    }
    (String::from_utf8_lossy(&text).into_owned(), count, forced)
}

/// What may come in a hole after a beginning.
pub(crate) fn next(hole: &Hole, prefix: &str, tokens_left: Option<u32>, tokens: &Tokens) -> Result<String> {
    /// Tokens that are listed.
    const LISTED_MAX: usize = 40;
    let shape = if hole.shape.is_free_text() { &Shape::free_text() } else { &hole.shape };
    let masks = TokenMasks::of_shape(shape, &tokens.vocabulary).context("this hole can't be enforced")?;
    let mut text = String::new();
    let mut state = masks.start();
    for (at, c) in prefix.char_indices() {
        let bytes = prefix[at..].get(..c.len_utf8()).unwrap_or_default().as_bytes();
        match masks.step(state, bytes) {
            Some(next) => state = next,
            None => {
                let _ =
                    writeln!(text, "{:?} can't begin this hole: {c:?} may not come after {:?}", prefix, &prefix[..at]);
                return Ok(text);
            }
        }
    }
    let end = match (masks.is_accepting(state), masks.is_final(state)) {
        (_, true) => "it is complete, and nothing can follow".to_string(),
        (true, false) => "it may end here".to_string(),
        (false, _) => format!("it needs at least {} more tokens", masks.need(state)),
    };
    let _ = writeln!(text, "after {prefix:?} {end}");
    let (forced, _) = masks.forced_bytes(state);
    if !forced.is_empty() {
        let _ = writeln!(text, "without a choice: {:?}", String::from_utf8_lossy(&forced));
    }
    let allowed = masks.allowed(state, tokens_left.unwrap_or(u32::MAX));
    let mut shown: Vec<String> = allowed.iter().map(|token| format!("{:?}", tokens.shown(token))).collect();
    let count = shown.len();
    shown.sort_by_key(|token| (token.len(), token.clone()));
    shown.dedup();
    shown.truncate(LISTED_MAX);
    let more = if count > shown.len() { ", …" } else { "" };
    let _ = writeln!(text, "{count} tokens may come: {}{more}", shown.join(", "));
    Ok(text)
}
