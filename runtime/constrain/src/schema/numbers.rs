//! Sets of numbers as automata over their plain spelling: a sign, digits, a fraction; no exponent, no zero before other
//! digits, no negative zero. Each set holds every such spelling of a number or none, so that sets can be complemented.

use super::decimal::Decimal;
use crate::automaton::{Automaton, DEAD, Table};
use crate::determinize::trim;
use crate::error::ConstrainError;
use rustc_hash::FxHashMap;
use std::cmp::Ordering;
use std::hash::Hash;

/// Most digits before the point that are written where nothing says how many.
pub(super) const WHOLE_DIGITS_MAX: usize = 20;
/// Most digits after the point.
pub(super) const FRACTION_DIGITS_MAX: usize = 20;
/// Digits of which every decimal is told apart as a double.
pub(super) const EXACT_DIGITS: usize = 15;
/// States that `multipleOf` may take.
const REMAINDER_STATES_MAX: usize = 30_000;

const SYMBOLS: &[u8; 12] = b"-.0123456789";

/// Where a spelling is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Phase {
    Start,
    Minus,
    Zero,
    Whole,
    Point,
    Fraction,
}

/// The spelling read so far.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Spelling {
    phase: Phase,
    negative: bool,
    /// A digit that is not zero was read.
    nonzero: bool,
}

impl Spelling {
    const START: Self = Self { phase: Phase::Start, negative: false, nonzero: false };

    fn step(self, symbol: u8) -> Option<Self> {
        let phase = match (self.phase, symbol) {
            (Phase::Start, b'-') => Phase::Minus,
            (Phase::Start | Phase::Minus, b'0') => Phase::Zero,
            (Phase::Start | Phase::Minus, b'1'..=b'9') | (Phase::Whole, b'0'..=b'9') => Phase::Whole,
            (Phase::Zero | Phase::Whole, b'.') => Phase::Point,
            (Phase::Point | Phase::Fraction, b'0'..=b'9') => Phase::Fraction,
            _ => return None,
        };
        let nonzero = self.nonzero || matches!(symbol, b'1'..=b'9');
        Some(Self { phase, negative: self.negative || symbol == b'-', nonzero })
    }

    fn is_number(self) -> bool {
        matches!(self.phase, Phase::Zero | Phase::Whole | Phase::Fraction) && (self.nonzero || !self.negative)
    }
}

/// Every number.
pub(super) fn any() -> Result<Automaton, ConstrainError> {
    explore(Spelling::START, |s, symbol| s.step(symbol), |s| s.is_number())
}

/// Integers, also those written with a fraction of zeros.
pub(super) fn integers() -> Result<Automaton, ConstrainError> {
    explore(
        Spelling::START,
        |s, symbol| s.step(symbol).filter(|next| next.phase != Phase::Fraction || symbol == b'0'),
        |s| s.is_number(),
    )
}

/// Spellings without a fraction.
pub(super) fn unfractioned() -> Result<Automaton, ConstrainError> {
    explore(Spelling::START, |s, symbol| s.step(symbol).filter(|next| next.phase != Phase::Point), |s| s.is_number())
}

/// The shortest spelling of each number: no zero ends a fraction.
pub(super) fn shortest() -> Result<Automaton, ConstrainError> {
    explore(
        (Spelling::START, false),
        |(s, _), symbol| s.step(symbol).map(|next| (next, next.phase == Phase::Fraction && symbol == b'0')),
        |(s, ends_in_zero)| s.is_number() && !ends_in_zero,
    )
}

/// Spellings with at most so many digits before and after the point.
pub(super) fn digits_within(whole: usize, fraction: usize) -> Result<Automaton, ConstrainError> {
    explore(
        (Spelling::START, 0usize),
        |(s, count), symbol| {
            let next = s.step(symbol)?;
            let count = if next.phase == s.phase { count + 1 } else { 1 };
            let limit = match next.phase {
                Phase::Whole => whole,
                Phase::Fraction => fraction,
                _ => usize::MAX,
            };
            (count <= limit).then_some((next, count))
        },
        |(s, _)| s.is_number(),
    )
}

/// Spellings whose digits, if there is a fraction, are at most so many in all.
pub(super) fn digits_in_all(limit: usize) -> Result<Automaton, ConstrainError> {
    explore(
        (Spelling::START, 0usize),
        |(s, count), symbol| {
            let next = s.step(symbol)?;
            let count = match next.phase {
                Phase::Whole => (count + 1).min(limit),
                Phase::Fraction => count + 1,
                _ => count,
            };
            (count <= limit).then_some((next, count))
        },
        |(s, _)| s.is_number(),
    )
}

/// Numbers whose order to the bound is one that is kept.
pub(super) fn compared(bound: &Decimal, keep: impl Fn(Ordering) -> bool) -> Result<Automaton, ConstrainError> {
    // The place in the digits before or after the point, and how the digits so far compare with the bound's.
    let start = (Spelling::START, 0usize, Ordering::Equal);
    let step = |(s, place, order): (Spelling, usize, Ordering), symbol: u8| {
        let next = s.step(symbol)?;
        let digit = symbol.wrapping_sub(b'0');
        Some(match next.phase {
            Phase::Whole => {
                let longest = bound.whole_len() + 1;
                let order = order.then_with(|| digit.cmp(&bound.whole_digit(place)));
                (next, (place + 1).min(longest), if place >= longest { Ordering::Greater } else { order })
            }
            Phase::Point => (next, 0, whole_order(bound, place, order)),
            Phase::Fraction => {
                let order = order.then_with(|| digit.cmp(&bound.fraction_digit(place)));
                (next, (place + 1).min(bound.fraction_len()), order)
            }
            _ => (next, 0, order),
        })
    };
    explore(start, step, |(s, place, order)| {
        if !s.is_number() {
            return false;
        }
        let magnitude = if s.phase == Phase::Fraction {
            order.then(if place < bound.fraction_len() { Ordering::Less } else { Ordering::Equal })
        } else {
            let rest = if bound.fraction_len() > 0 { Ordering::Less } else { Ordering::Equal };
            whole_order(bound, place, order).then(rest)
        };
        keep(match (s.negative, bound.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => magnitude,
            (true, true) => magnitude.reverse(),
        })
    })
}

/// How a whole part of so many digits compares with the bound's; a lone zero has none.
fn whole_order(bound: &Decimal, digits: usize, order: Ordering) -> Ordering {
    digits.cmp(&bound.whole_len()).then(order)
}

/// Multiples of a positive number.
pub(super) fn multiples(of: &Decimal) -> Result<Automaton, ConstrainError> {
    let too_large = ConstrainError::TooLarge { what: "remainders", limit: REMAINDER_STATES_MAX };
    let (places, Some(units)) = (of.fraction_len(), of.units()) else { return Err(too_large) };
    if units.saturating_mul(places as u64 + 2) > REMAINDER_STATES_MAX as u64 {
        return Err(too_large);
    }
    let grow = move |remainder: u64, digit: u8| (remainder * 10 + u64::from(digit)) % units;
    explore(
        (Spelling::START, 0u64, 0usize),
        |(s, remainder, place), symbol| {
            let next = s.step(symbol)?;
            match next.phase {
                Phase::Whole => Some((next, grow(remainder, symbol - b'0'), 0)),
                Phase::Fraction if place < places => Some((next, grow(remainder, symbol - b'0'), place + 1)),
                Phase::Fraction if symbol != b'0' => None,
                _ => Some((next, remainder, place)),
            }
        },
        |(s, remainder, place)| s.is_number() && (place..places).fold(remainder, |r, _| grow(r, 0)) == 0,
    )
}

/// Any JSON number that a double holds, with an exponent or without: what is written where nothing constrains numbers.
pub(super) fn free() -> Result<Automaton, ConstrainError> {
    let plain = any()?.intersection(&digits_within(WHOLE_DIGITS_MAX, FRACTION_DIGITS_MAX)?)?;
    let scientific = Automaton::of_regex(&format!(
        r"-?(([1-9][0-9]{{0,{}}}|0)(\.[0-9]{{1,{FRACTION_DIGITS_MAX}}})?[eE]([+-]?[0-9]{{1,2}})|[1-9](\.[0-9]{{1,{FRACTION_DIGITS_MAX}}})?[eE][+-]?[12][0-9]{{2}})",
        WHOLE_DIGITS_MAX - 1
    ))?;
    plain.union(&scientific)
}

/// The automaton of a state machine over the symbols of numbers.
fn explore<S: Copy + Eq + Hash>(
    start: S,
    step: impl Fn(S, u8) -> Option<S>,
    accepts: impl Fn(S) -> bool,
) -> Result<Automaton, ConstrainError> {
    let mut classes = [0u8; 256];
    for (class, symbol) in (1u8..).zip(SYMBOLS) {
        classes[usize::from(*symbol)] = class;
    }
    let class_count = SYMBOLS.len() + 1;
    let mut ids: FxHashMap<S, u32> = FxHashMap::default();
    let mut states = vec![start];
    ids.insert(start, 0);
    let (mut next, mut accepting) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < states.len() {
        let state = states[at];
        accepting.push(accepts(state));
        next.push(DEAD);
        for symbol in SYMBOLS {
            let target = step(state, *symbol).map(|target| {
                *ids.entry(target).or_insert_with(|| {
                    states.push(target);
                    u32::try_from(states.len() - 1).expect("under the limit")
                })
            });
            next.push(target.unwrap_or(DEAD));
        }
        if states.len() > 16 * REMAINDER_STATES_MAX {
            return Err(ConstrainError::TooLarge { what: "states of a number", limit: 16 * REMAINDER_STATES_MAX });
        }
        at += 1;
    }
    Ok(trim(&Table { start: 0, classes, class_count, next, accepting }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLES: &[&str] = &[
        "0", "1", "-1", "2", "9", "10", "11", "99", "100", "101", "-10", "-11", "0.5", "-0.5", "1.5", "1.50", "10.0",
        "0.01", "3.3", "3.30", "3.31", "3.29", "-3.3", "-3.31", "33", "0.0075", "35", "4.5", "0.0",
    ];

    #[test]
    fn comparisons_are_those_of_numbers() {
        for bound in SAMPLES.iter().map(|text| Decimal::parse(text)) {
            let below = compared(&bound, Ordering::is_lt).unwrap();
            let least = compared(&bound, Ordering::is_ge).unwrap();
            let same = compared(&bound, Ordering::is_eq).unwrap();
            for text in SAMPLES {
                let order = Decimal::parse(text).cmp(&bound);
                assert_eq!(below.accepts(text.as_bytes()), order.is_lt(), "{text} < {}", bound.plain());
                assert_eq!(least.accepts(text.as_bytes()), order.is_ge(), "{text} >= {}", bound.plain());
                assert_eq!(same.accepts(text.as_bytes()), order.is_eq(), "{text} = {}", bound.plain());
            }
        }
    }

    #[test]
    fn multiples_are_exact() {
        for (of, fits, wrong) in [
            ("5", vec!["0", "35", "-10", "10.0", "100"], vec!["33", "1.5", "0.5"]),
            ("0.01", vec!["3.31", "0.01", "10", "1.50", "0.0"], vec!["0.0075", "0.001"]),
            ("1.5", vec!["4.5", "1.5", "1.50", "-3", "99"], vec!["1", "3.3", "100"]),
            ("0.0001", vec!["0.0075", "35"], vec!["0.00751"]),
            ("100", vec!["100", "0", "-1000"], vec!["10", "150"]),
        ] {
            let set = multiples(&Decimal::parse(of)).unwrap();
            for text in fits {
                assert!(set.accepts(text.as_bytes()), "{text} of {of}");
            }
            for text in wrong {
                assert!(!set.accepts(text.as_bytes()), "{text} of {of}");
            }
        }
        assert!(multiples(&Decimal::parse("123456789")).is_err());
    }

    #[test]
    fn a_number_has_no_sign_before_zero_and_no_idle_zeros() {
        let any = any().unwrap();
        for wrong in ["-0", "-0.0", "01", ".5", "5.", "-", "", "1e5", "+1"] {
            assert!(!any.accepts(wrong.as_bytes()), "{wrong}");
        }
        let free = free().unwrap();
        for fits in ["0", "1e5", "1.5E-10", "-2e+299", "19.90", "12345678901234567890"] {
            assert!(free.accepts(fits.as_bytes()), "{fits}");
        }
        for wrong in ["1e400", "123e299", "01", "1e"] {
            assert!(!free.accepts(wrong.as_bytes()), "{wrong}");
        }
    }

    #[test]
    fn digits_are_counted() {
        let short = digits_within(3, 2).unwrap();
        assert!(short.accepts(b"123.45") && !short.accepts(b"1234") && !short.accepts(b"0.123"));
        let exact = digits_in_all(4).unwrap();
        assert!(exact.accepts(b"12.34") && exact.accepts(b"123456") && !exact.accepts(b"123.45"));
    }
}
