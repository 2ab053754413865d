//! How likely what is drawn is no token of a next pass, as seen lately.
//!
//! A pass that is begun before the last is read computes for nothing where a hole has ended, or goes on with text about which
//! there is no choice. How often that is depends on the programs and on the tokenizer: it is watched.

/// What a token is chosen from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choosing {
    /// Anything.
    Free,
    /// Many tokens, as inside of a string.
    Many,
    /// Few: after one of them there is often no choice.
    Few,
}

/// What is expected of a draw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Expected {
    /// So much doubt.
    Known(f32),
    /// As much as such choices have had.
    Choice(Choosing),
}

/// Choices after which an old one counts half: a few passes of a batch, a few sentences of one transcript.
const HALF_LIFE: f32 = 64.0;

/// Share of choices after which the hole ended or had no choice, by kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Doubts {
    free: f32,
    many: f32,
    few: f32,
}

impl Default for Doubts {
    /// What prose and records of the suite show, until there is more to go by.
    fn default() -> Self {
        Self { free: 1.0 / 128.0, many: 1.0 / 24.0, few: 0.4 }
    }
}

impl Doubts {
    /// The doubt that a choice has.
    pub(crate) fn of(&self, kind: Choosing) -> f32 {
        match kind {
            Choosing::Free => self.free,
            Choosing::Many => self.many,
            Choosing::Few => self.few,
        }
    }

    /// Notes whether the token that was chosen was one of a next pass.
    pub(crate) fn saw(&mut self, kind: Choosing, goes_on: bool) {
        let doubt = match kind {
            Choosing::Free => &mut self.free,
            Choosing::Many => &mut self.many,
            Choosing::Few => &mut self.few,
        };
        let found = if goes_on { 0.0 } else { 1.0 };
        *doubt += (found - *doubt) * (std::f32::consts::LN_2 / HALF_LIFE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_counts_more_than_what_was_thought() {
        let mut doubts = Doubts::default();
        (0..64).for_each(|_| doubts.saw(Choosing::Few, true));
        assert!((doubts.of(Choosing::Few) - 0.2).abs() < 0.01, "{doubts:?}");
        (0..1_000).for_each(|at| doubts.saw(Choosing::Few, at % 4 != 0));
        assert!((doubts.of(Choosing::Few) - 0.25).abs() < 0.02, "{doubts:?}");
        assert_eq!(doubts.of(Choosing::Free), Doubts::default().of(Choosing::Free));
    }
}
