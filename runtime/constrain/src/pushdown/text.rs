//! Texts with a count of characters, the count kept out of the states.
//!
//! The states are those of the text alone. Each knows how many characters must still begin before the text may end, so that a
//! text never runs into its most; and where one character more leads to an end again, so that it can be filled up to its least.

use crate::automaton::Automaton;
use crate::error::ConstrainError;
use crate::grammar::Bounds;
use crate::text;

/// A text and its count.
pub(crate) enum Counted {
    /// No text has so many characters.
    Nothing,
    /// The count does not matter, or is in the states.
    Free(Automaton),
    /// The count is kept beside the states.
    Between { states: Vec<State>, chars: Bounds, start: u32 },
}

pub(crate) struct State {
    pub(crate) steps: Vec<Step>,
    pub(crate) accepts: bool,
    /// Characters that must still begin.
    pub(crate) owed: u32,
    /// For a state where the text may end: where the first byte of one more character leads, after which it may end again.
    pub(crate) one_more: Option<u32>,
}

#[derive(Clone, Copy)]
pub(crate) struct Step {
    pub(crate) low: u8,
    pub(crate) high: u8,
    pub(crate) to: u32,
    /// Whether the byte begins a character.
    pub(crate) ticks: bool,
}

/// A text with a count. `quoted`: as the inside of a JSON string.
pub(crate) fn counted_text(text: &Automaton, chars: Bounds, quoted: bool) -> Result<Counted, ConstrainError> {
    if text.is_empty() || chars.max.is_some_and(|max| max < chars.min) {
        return Ok(Counted::Nothing);
    }
    if chars == Bounds::ANY {
        return Ok(Counted::Free(if quoted { text.inside_quotes()? } else { text.clone() }));
    }
    let mut states = states_of(&if quoted { text.inside_quotes()? } else { text.clone() }, quoted);
    let mut chars = chars;
    let can_grow = states.1.iter().all(|state| !state.accepts || state.one_more.is_some());
    if chars.min > 0 && !can_grow {
        // Where characters can't be added one by one, the least count must be in the states.
        let counted = text::counted(text, Bounds::new(chars.min, None))?;
        if counted.is_empty() {
            return Ok(Counted::Nothing);
        }
        states = states_of(&if quoted { counted.inside_quotes()? } else { counted }, quoted);
        chars.min = 0;
    }
    let (start, states) = states;
    if chars.max.is_some_and(|max| states[start as usize].owed > max) {
        return Ok(Counted::Nothing);
    }
    Ok(Counted::Between { states, chars, start })
}

fn states_of(automaton: &Automaton, quoted: bool) -> (u32, Vec<State>) {
    let count = automaton.state_count();
    let escapes = if quoted { escape_depths(automaton) } else { vec![0; count] };
    let mut states: Vec<State> = Vec::with_capacity(count);
    for (state, escape) in escapes.iter().enumerate() {
        let mut steps = Vec::new();
        for (low, high, to) in automaton.ranges(state) {
            let to = u32::try_from(to).expect("a state");
            // Inside an escape, and for bytes 10xxxxxx, no character begins.
            for (low, high, begins) in
                [(low, high.min(0x7f), true), (low.max(0x80), high.min(0xbf), false), (low.max(0xc0), high, true)]
            {
                if low <= high {
                    steps.push(Step { low, high, to, ticks: begins && *escape == 0 });
                }
            }
        }
        states.push(State { steps, accepts: automaton.accepts_at(state), owed: u32::MAX, one_more: None });
    }
    find_owed(&mut states);
    for state in 0..count {
        if states[state].accepts {
            let ends_well = |step: &&Step| step.ticks && states[step.to as usize].owed == 0;
            // One byte that is a character by itself is the shortest.
            let direct = states[state].steps.iter().filter(ends_well).find(|step| states[step.to as usize].accepts);
            let any = states[state].steps.iter().find(ends_well);
            states[state].one_more = direct.or(any).map(|step| step.to);
        }
    }
    (u32::try_from(automaton.start_index()).expect("a state"), states)
}

/// Fewest characters that must begin from each state: a search backwards, in order of the count.
fn find_owed(states: &mut [State]) {
    let mut back: Vec<Vec<(u32, bool)>> = vec![Vec::new(); states.len()];
    for (from, state) in (0u32..).zip(states.iter()) {
        for step in &state.steps {
            back[step.to as usize].push((from, step.ticks));
        }
    }
    let mut layer: Vec<u32> = (0u32..).zip(states.iter()).filter(|(_, s)| s.accepts).map(|(state, _)| state).collect();
    let mut owed = 0;
    while !layer.is_empty() {
        let mut next = Vec::new();
        let mut at = 0;
        while at < layer.len() {
            let state = layer[at];
            at += 1;
            if states[state as usize].owed <= owed {
                continue;
            }
            states[state as usize].owed = owed;
            for (from, ticks) in &back[state as usize] {
                if *ticks { next.push(*from) } else { layer.push(*from) }
            }
        }
        layer = next;
        owed += 1;
    }
}

/// By state, how far into an escape it is; 0 outside. An escape is a backslash and one byte, or `\u` and four digits.
fn escape_depths(automaton: &Automaton) -> Vec<u8> {
    let mut depths = vec![u8::MAX; automaton.state_count()];
    let mut stack = vec![(automaton.start_index(), 0u8)];
    while let Some((state, depth)) = stack.pop() {
        if depths[state] != u8::MAX {
            debug_assert_eq!(depths[state], depth, "a state is in an escape or outside");
            continue;
        }
        depths[state] = depth;
        for (low, high, to) in automaton.ranges(state) {
            let mut go = |low: u8, high: u8, depth: u8| {
                if low <= high {
                    stack.push((to, depth));
                }
            };
            match depth {
                0 => {
                    go(low, high.min(b'\\' - 1), 0);
                    go(low.max(b'\\'), high.min(b'\\'), 1);
                    go(low.max(b'\\' + 1), high, 0);
                }
                1 => {
                    go(low, high.min(b'u' - 1), 0);
                    go(low.max(b'u'), high.min(b'u'), 2);
                    go(low.max(b'u' + 1), high, 0);
                }
                5 => go(low, high, 0),
                deeper => go(low, high, deeper + 1),
            }
        }
    }
    depths
}
