//! Advice on programs that are right.
//!
//! ```text
//! tree + shapes of the holes --each lint--> warnings, with fixes where one is safe
//! ```
//!
//! A file per subject, a function per lint. A lint looks at the tree as it was written, because what is written is what it
//! is about; what a hole may hold comes from the checked program. The checker itself reports what it finds on its way:
//! values that nobody reads, cases that can't match, comparisons that are decided by type.
//!
//! Invariants: a lint never reports what is common and right; a fix that is marked safe does not change what a program does.

mod blocks;
mod calls;
mod conditions;
mod constraints;
mod forks;
mod imports;
mod items;
mod literals;
mod options;
mod order;
mod subject;
mod tests_without;
mod turns;
mod wording;

pub use subject::{HoleFact, Subject};

use sgl_source::Diagnostic;

/// Every lint, in the order of the documentation.
const LINTS: &[fn(&Subject<'_>, &mut Vec<Diagnostic>)] = &[
    blocks::dropped_values,
    blocks::empty_blocks,
    blocks::needless_continue,
    blocks::assigned_to_itself,
    blocks::loops_once,
    imports::unused,
    imports::repeated,
    imports::needless_alias,
    items::unused,
    items::never_changed,
    items::case_of_names,
    conditions::constant,
    conditions::compared_with_bool,
    conditions::bool_of_bool,
    conditions::length_is_zero,
    conditions::negations,
    conditions::equal_arms,
    literals::alternatives,
    literals::keys,
    literals::members,
    literals::division_by_zero,
    literals::empty_ranges,
    literals::text_of_text,
    constraints::example_of_another_type,
    constraints::single_text,
    constraints::joins,
    options::needless_max_tokens,
    options::without_effect,
    forks::few_branches,
    forks::join_beyond_branches,
    forks::single_option,
    forks::endless_asking,
    turns::empty,
    turns::late_system,
    turns::named_like_a_keyword,
    turns::blank_end,
    turns::idle_prompt,
    order::late_constant,
    order::twins,
    calls::one_after_the_other,
    wording::forgotten_dollar,
    wording::special_tokens,
    wording::spliced_literal,
    tests_without::assertions,
];

/// What is to be said of a module.
pub fn lint(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for lint in LINTS {
        lint(subject, &mut found);
    }
    sgl_source::diagnostic::tidy(&mut found);
    found
}
