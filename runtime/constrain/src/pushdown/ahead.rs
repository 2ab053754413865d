//! Masks ahead of time: of all states that differ in what tokens see, by one walk of the trie for all of them.
//!
//! States are explored on the same program with smaller counts: bounds that are further away than a token reaches look the
//! same. What is not reached within the budget is made when it is met, with the same meaning.

use super::Scene;
use super::clips::Clips;
use super::costs::Costs;
use super::program::Program;
use super::space::Space;
use super::views::{Views, Walked};
use crate::automaton::DEAD;
use crate::error::ConstrainError;
use crate::functions::{Functions, Spending};
use crate::grammar::Bounds;
use crate::limits::{
    AHEAD_ENTRIES_MAX, AHEAD_READINGS_MAX, AHEAD_SPACE_BYTES_MAX, AHEAD_VIEWS_MAX, AHEAD_WORK_MAX, READINGS_MAX,
};
use crate::need::NEVER;
use crate::table::with_twins;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::VecDeque;
use std::sync::Arc;

/// Open rules that states are told apart by, the most first: the first number is taken with which all looks are few.
const LEVELS: [u32; 4] = [5, 4, 3, 2];

/// Makes masks ahead. Whether these are all that can be asked for.
///
/// # Errors
/// A text with more readings than are followed.
pub(crate) fn fill(views: &mut Views, scene: &Scene<'_>) -> Result<bool, ConstrainError> {
    let wider = scene.clips.wider();
    let program = nearer(scene.program, &wider);
    let costs = Costs::of(&program, scene.vocabulary);
    let mut space = Space::new(Arc::new(program.clone()), Arc::new(costs.clone()));
    let scene = Scene { program: &program, costs: &costs, ..*scene };
    let exploring = Scene { clips: &wider, ..scene };
    let (mut states, mut explored) = (Vec::new(), Explored::Partly);
    for levels in if program.has_calls() { &LEVELS[..] } else { &LEVELS[3..] } {
        (states, explored) = explore(&mut space, views, &exploring, *levels);
        if explored != Explored::Partly {
            break;
        }
    }
    if space.dropped {
        return Err(ConstrainError::TooLarge { what: "readings of one text at once", limit: READINGS_MAX });
    }
    let mut complete = explored == Explored::All;
    while states.len() > 1 {
        match walk(&mut space, &scene, &states) {
            Some(walked) => {
                walked.into_iter().zip(states).for_each(|(walked, state)| views.learn(&space, &scene, state, walked));
                break;
            }
            // The first ones are met first.
            None => {
                states.truncate(states.len() / 4);
                complete = false;
            }
        }
    }
    Ok(complete)
}

/// The program with each count as small as it can be without a token that could tell.
fn nearer(program: &Program, clips: &Clips) -> Program {
    let mut program = program.clone();
    for (site, id) in program.sites.iter_mut().zip(0u32..) {
        let far = clips.of_site(id);
        let Bounds { min, max } = site.count;
        let fewer = min.min(far);
        let max = max.map(|max| if max < min { max } else { fewer.saturating_add((max - min).min(far)) });
        site.count = Bounds { min: fewer, max };
    }
    program
}

/// How much of a space was explored.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Explored {
    /// Every look that a state may have.
    All,
    /// Every look, but stacks may be higher than was looked.
    Looks,
    Partly,
}

/// One state of each look, breadth-first by bytes, and whether all were reached.
///
/// What looks the same goes on the same way, but for the counts of texts; so the first state of a counted text brings those with all
/// other counts along.
fn explore(space: &mut Space, views: &mut Views, scene: &Scene<'_>, levels: u32) -> (Vec<u32>, Explored) {
    let mut looks: FxHashSet<Box<[u32]>> = FxHashSet::default();
    let mut texts: FxHashSet<(u32, u32)> = FxHashSet::default();
    let mut met = FxHashSet::from_iter([Space::start()]);
    let mut queue = VecDeque::from([Space::start()]);
    let (mut readings, mut highest) = (0, 0);
    let (mut states, mut bytes, mut reached) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(state) = queue.pop_front() {
        let key = views.key(space, scene, state, levels);
        if looks.contains(key) {
            continue;
        }
        looks.insert(key.into());
        states.push(state);
        readings += space.state(state).readings.len();
        highest = highest.max(super::views::heights(space, state).0);
        let spent = states.len() >= AHEAD_VIEWS_MAX || readings >= AHEAD_READINGS_MAX;
        if spent || space.bytes() > AHEAD_SPACE_BYTES_MAX {
            return (states, Explored::Partly);
        }
        space.live_bytes(state, &mut bytes);
        for byte in &bytes {
            let to = space.step(state, *byte).to;
            if to == DEAD || !met.insert(to) {
                continue;
            }
            reached.push(to);
            for (site, below) in space.open_counts(to) {
                if !scene.clips.entries(site).is_empty() && texts.insert((site, below)) {
                    with_other_counts(space, scene, (site, below), &mut reached);
                }
            }
            queue.extend(reached.drain(..).filter(|reached| *reached == to || met.insert(*reached)));
        }
    }
    (states, if highest <= levels { Explored::All } else { Explored::Looks })
}

/// The states of a counted text on a stack, with all counts that tokens tell apart.
fn with_other_counts(space: &mut Space, scene: &Scene<'_>, (site, below): (u32, u32), reached: &mut Vec<u32>) {
    for entry in scene.clips.entries(site) {
        for done in scene.clips.counts(scene.program, site, *entry) {
            reached.extend(space.counted(*entry, site, done, below));
        }
    }
}

/// What the tokens of these states come to; `None` beyond the budget.
fn walk(space: &mut Space, scene: &Scene<'_>, states: &[u32]) -> Option<Vec<Walked>> {
    let mut reach = vec![(u32::MAX, 0u32); states.len()];
    let classes = *space.classes();
    let most = Spending { entries: AHEAD_ENTRIES_MAX, work: AHEAD_WORK_MAX };
    let mut full = false;
    let functions = Functions::from(states, &classes, scene.vocabulary, &most, |index, state, byte| {
        let step = space.step(state, byte);
        let (low, high) = &mut reach[index as usize];
        *low = (*low).min(step.low);
        *high = (*high).max(step.high);
        full |= space.bytes() > 2 * AHEAD_SPACE_BYTES_MAX;
        if full { DEAD } else { step.to }
    })?;
    if full {
        return None;
    }
    let words_len = scene.vocabulary.len().div_ceil(64);
    let mut masks: FxHashMap<Box<[u32]>, Arc<[u64]>> = FxHashMap::default();
    let mut walked = Vec::with_capacity(states.len());
    let mut signature: Vec<u32> = Vec::new();
    functions.for_each_state(states.len(), |index, allowed| {
        let mut most = 0;
        signature.clear();
        for (function, to) in allowed {
            let need = space.state(*to).need;
            if need != NEVER {
                most = most.max(need);
                signature.push(*function);
            }
        }
        let words = match masks.get(signature.as_slice()) {
            Some(words) => words.clone(),
            None => {
                let mut words = vec![0u64; words_len];
                let tokens = signature.iter().flat_map(|function| &functions.tokens[*function as usize]);
                tokens.for_each(|token| words[*token as usize / 64] |= 1 << (token % 64));
                with_twins(scene.vocabulary, &mut words);
                let words: Arc<[u64]> = words.into();
                masks.insert(signature.as_slice().into(), words.clone());
                words
            }
        };
        let (low, high) = reach[index];
        walked.push(Walked { words, most, low, high });
    });
    Some(walked)
}
