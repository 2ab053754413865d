//! How often a model draws the tokens of a run as a tokenizer makes them.
//!
//! A draft of a run costs rows of a pass, and brings passes where it is drawn. A model that is trained writes a known text nearly
//! always as its tokenizer does; random weights hardly ever do. So each constraint watches what becomes of its drafts.

use std::sync::atomic::{AtomicU32, Ordering};

/// Share of drafted tokens that are thought to be drawn, until there is more to go by.
const AT_FIRST: f32 = 0.98;
/// Drafted tokens after which an old one counts half.
const HALF_LIFE: f32 = 32.0;
/// A token is worth its row if it is drawn this often, those before it included: a row of a full batch costs about what it saves.
const WORTH: f32 = 0.5;
/// Shortest draft that is worth it: with one under way, the pass after it can't be begun, and its rows keep passes from being alike.
const SHORTEST: usize = 2;
/// Where drafts are not worth it, every so many-th run is drafted all the same: the model may have come to another text.
const TRIED_EVERY: u32 = 32;
/// Tokens of such a draft.
const TRIED: usize = 2;

/// What became of the drafts of one constraint.
#[derive(Debug)]
pub struct Agreement {
    /// The share of drafted tokens that were drawn, as bits.
    share: AtomicU32,
    /// Runs that were not drafted.
    passed_over: AtomicU32,
}

impl Default for Agreement {
    fn default() -> Self {
        Self { share: AtomicU32::new(AT_FIRST.to_bits()), passed_over: AtomicU32::new(0) }
    }
}

impl Agreement {
    /// Notes a draft of which the first `drawn` tokens were drawn; the one after them, if there is one, was not.
    pub fn saw(&self, drafted: usize, drawn: usize) {
        let mut share = f32::from_bits(self.share.load(Ordering::Relaxed));
        let rate = std::f32::consts::LN_2 / HALF_LIFE;
        for token in 0..drafted.min(drawn + 1) {
            let found = if token < drawn { 1.0 } else { 0.0 };
            share += (found - share) * rate;
        }
        self.share.store(share.to_bits(), Ordering::Relaxed);
    }

    /// How many tokens of the next run are worth a draft. Where none are, a short draft now and then.
    pub fn worth(&self) -> usize {
        let share = f32::from_bits(self.share.load(Ordering::Relaxed)).clamp(1e-3, 0.999);
        let tokens = (WORTH.ln() / share.ln()) as usize;
        if tokens >= SHORTEST {
            return tokens;
        }
        let passed_over = self.passed_over.fetch_add(1, Ordering::Relaxed);
        if passed_over % TRIED_EVERY == TRIED_EVERY - 1 { TRIED } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drafts_grow_where_they_are_drawn_and_end_where_they_are_not() {
        let agreement = Agreement::default();
        assert_eq!(agreement.worth(), 34);
        (0..20).for_each(|_| agreement.saw(20, 20));
        assert!(agreement.worth() > 200);
        (0..80).for_each(|_| agreement.saw(20, 0));
        let tried: Vec<usize> = (0..64).map(|_| agreement.worth()).collect();
        assert_eq!(tried.iter().sum::<usize>(), 2 * TRIED, "{tried:?}");
        (0..8).for_each(|_| agreement.saw(20, 20));
        assert!(agreement.worth() > 20, "a model that comes to agree is drafted for again");
    }

    #[test]
    fn a_token_counts_only_if_those_before_it_were_drawn() {
        let (one, other) = (Agreement::default(), Agreement::default());
        one.saw(30, 3);
        (0..3).for_each(|_| other.saw(1, 1));
        other.saw(1, 0);
        assert_eq!(one.worth(), other.worth());
    }
}
