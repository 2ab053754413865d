//! What an edit changes of what a program sends and can cost.
//!
//! Two plans are written out as runs of tokens, turns, holes and branches (`lines`), and compared line by line. Names that the model
//! never sees are not compared: a program that was only formatted, or whose captures were renamed, is the same.

mod lines;

use crate::cost::{Cost, Tokens};
use crate::step::EntryPlan;
use lines::{Kind, Line, lines};
use serde::Serialize;
use sgl_protocol::Shape;
use std::collections::BTreeSet;

/// An entry, as it is compared.
#[derive(Clone, Debug)]
pub struct Side {
    /// What a call of it goes through.
    pub plan: EntryPlan,
    /// What it can cost.
    pub cost: Cost,
    /// What of the host it may reach.
    pub uses: Vec<String>,
    /// What it takes and gives.
    pub signature: Signature,
}

/// One thing that is another one now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// An entry that was not there.
    EntryAdded,
    /// An entry that is not there any more.
    EntryRemoved,
    /// What is sent differs here: lines that are gone, and lines that came, with their tokens where they are known.
    Sent {
        /// What stood here.
        before: Vec<(String, Option<u64>)>,
        /// What stands here.
        after: Vec<(String, Option<u64>)>,
    },
    /// Of the tokens at the beginning that every call shares, how many are still the same: what the cache holds of the others is of no use
    /// any more.
    Prefix {
        /// How many every call shared.
        before: u64,
        /// How many every call shares.
        after: u64,
        /// How many of these are the same as before.
        kept: u64,
    },
    /// What a hole may hold.
    Constraint {
        /// The hole.
        hole: String,
        /// What it could hold.
        before: Constraint,
        /// What it can hold.
        after: Constraint,
    },
    /// What of the host it reaches, tools that it calls and models that it names.
    Effects {
        /// What it does not reach any more.
        lost: Vec<String>,
        /// What it did not reach.
        gained: Vec<String>,
    },
    /// A bound.
    Bound {
        /// Of what.
        of: &'static str,
        /// What it was.
        before: String,
        /// What it is.
        after: String,
    },
    /// What it takes and gives.
    Signature {
        /// What it was.
        before: Signature,
        /// What it is.
        after: Signature,
    },
}

/// What an entry takes and gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Signature {
    /// Its parameters.
    pub parameters: Vec<(String, Shape)>,
    /// What it gives.
    pub result: Option<Shape>,
}

/// What a hole may hold, and most tokens of it where the program says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Constraint {
    /// Its shape.
    pub shape: Shape,
    /// `max_tokens`.
    pub max_tokens: Option<u32>,
}

/// Everything that differs, by entry, in the order of the programs.
pub fn diff(before: &[Side], after: &[Side], tokens: &dyn Tokens) -> Vec<(String, Vec<Change>)> {
    let named = |sides: &[Side], name: &str| sides.iter().find(|side| side.plan.name == name).cloned();
    let mut found = Vec::new();
    for old in before {
        let name = old.plan.name.clone();
        let changes = match named(after, &name) {
            Some(new) => entry(old, &new, tokens),
            None => vec![Change::EntryRemoved],
        };
        if !changes.is_empty() {
            found.push((name, changes));
        }
    }
    for new in after.iter().filter(|new| named(before, &new.plan.name).is_none()) {
        found.push((new.plan.name.clone(), vec![Change::EntryAdded]));
    }
    found
}

fn entry(old: &Side, new: &Side, tokens: &dyn Tokens) -> Vec<Change> {
    let mut found = Vec::new();
    if old.signature != new.signature {
        found.push(Change::Signature { before: old.signature.clone(), after: new.signature.clone() });
    }
    let (before, after) = (lines(&old.plan, tokens), lines(&new.plan, tokens));
    for (gone, came) in hunks(&before, &after) {
        let told = |lines: &[Line]| -> Vec<(String, Option<u64>)> {
            let shown = lines.iter().filter(|line| !line.shown.is_empty());
            shown.map(|line| (line.shown.clone(), line.tokens)).collect()
        };
        let pairs = holes(gone).zip(holes(came));
        found.extend(pairs.filter_map(|(gone, came)| constraint(gone, came)));
        // Where only what a hole may hold differs, that is said, and no more.
        let same = gone.len() == came.len()
            && gone.iter().zip(came).all(|(a, b)| a.without_constraint() == b.without_constraint());
        let (before, after) = (told(gone), told(came));
        if !(same || before.is_empty() && after.is_empty()) {
            found.push(Change::Sent { before, after });
        }
    }
    found.extend(prefix((&before, &old.cost), (&after, &new.cost), tokens));
    found.extend(effects(old, new));
    found.extend(bounds(&old.cost, &new.cost));
    found
}

fn holes(lines: &[Line]) -> impl Iterator<Item = &Line> {
    lines.iter().filter(|line| matches!(line.kind, Kind::Hole(..)))
}

fn constraint(gone: &Line, came: &Line) -> Option<Change> {
    let (Kind::Hole(before), Kind::Hole(after)) = (&gone.kind, &came.kind) else { return None };
    (before != after).then(|| Change::Constraint {
        hole: came.name.clone(),
        before: before.clone(),
        after: after.clone(),
    })
}

/// Places at which two runs of lines differ: a longest common subsequence, what is between its lines.
fn hunks<'a>(before: &'a [Line], after: &'a [Line]) -> Vec<(&'a [Line], &'a [Line])> {
    // The rows of the table from the end: plans have few hundred lines.
    let width = after.len() + 1;
    let mut longest = vec![0u32; (before.len() + 1) * width];
    for i in (0..before.len()).rev() {
        for j in (0..after.len()).rev() {
            longest[i * width + j] = if before[i].same_as(&after[j]) {
                longest[(i + 1) * width + j + 1] + 1
            } else {
                longest[(i + 1) * width + j].max(longest[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j, mut found) = (0, 0, Vec::new());
    let (mut from_i, mut from_j) = (0, 0);
    while i < before.len() || j < after.len() {
        if i < before.len() && j < after.len() && before[i].same_as(&after[j]) {
            if from_i < i || from_j < j {
                found.push((&before[from_i..i], &after[from_j..j]));
            }
            (i, j) = (i + 1, j + 1);
            (from_i, from_j) = (i, j);
        } else if j == after.len() || i < before.len() && longest[(i + 1) * width + j] >= longest[i * width + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    if from_i < i || from_j < j {
        found.push((&before[from_i..i], &after[from_j..j]));
    }
    found
}

/// How much of what every call shares is still the same.
fn prefix(
    (before, old_cost): (&[Line], &Cost),
    (after, new_cost): (&[Line], &Cost),
    tokens: &dyn Tokens,
) -> Option<Change> {
    let mut kept = 0;
    for (old, new) in before.iter().zip(after).take_while(|(old, new)| old.shared && new.shared) {
        if !old.same_as(new) {
            if let (Kind::Text(old), Kind::Text(new)) = (&old.kind, &new.kind) {
                let same: usize =
                    old.chars().zip(new.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
                kept += tokens.text(&old[..same]);
            }
            break;
        }
        kept += old.tokens.unwrap_or(0);
    }
    // Where every line is the same, so is what is shared of them; a symbol is a parameter that is held fixed.
    let same = before.len() == after.len() && before.iter().zip(after).all(|(old, new)| old.same_as(new));
    let (before, after) = (old_cost.shared.known()?, new_cost.shared.known()?);
    (!same && (kept < before || before != after)).then_some(Change::Prefix {
        before,
        after,
        kept: kept.min(before).min(after),
    })
}

fn effects(old: &Side, new: &Side) -> Option<Change> {
    let reached = |side: &Side| -> BTreeSet<String> {
        let mut all: BTreeSet<String> = side.uses.iter().cloned().collect();
        lines::reached(&side.plan.steps, &mut all);
        all
    };
    let (before, after) = (reached(old), reached(new));
    let lost: Vec<String> = before.difference(&after).cloned().collect();
    let gained: Vec<String> = after.difference(&before).cloned().collect();
    (!(lost.is_empty() && gained.is_empty())).then_some(Change::Effects { lost, gained })
}

fn bounds(old: &Cost, new: &Cost) -> Vec<Change> {
    let rows = [
        ("model calls", &old.calls, &new.calls),
        ("tokens of prompts", &old.prompt, &new.prompt),
        ("tokens read", &old.read, &new.read),
        ("tokens written, at most", &old.written, &new.written),
        ("tokens held at a time, at most", &old.held, &new.held),
    ];
    let changed = rows.into_iter().filter(|(_, old, new)| old.without_names() != new.without_names());
    changed.map(|(of, old, new)| Change::Bound { of, before: old.to_string(), after: new.to_string() }).collect()
}
