//! Numbers in ranges, as fragments over digits.

use crate::automaton::Automaton;
use crate::determinize::determinize;
use crate::error::ConstrainError;
use crate::nfa::{Fragment, Nfa};

/// Magnitude of the least and greatest number in units of the last digit where no bound is given: what a double holds exactly.
const UNITS_MAX: i64 = (1 << 53) - 1;

/// Decimal integers between inclusive bounds: no leading zeros, no `-0`.
pub(crate) fn integer(nfa: &mut Nfa, min: i64, max: i64) -> Result<Fragment, ConstrainError> {
    fixed(nfa, min, max, 0)
}

/// Numbers with exactly `decimals` digits after the point, between bounds in units of the last digit.
pub(crate) fn decimal(
    nfa: &mut Nfa,
    decimals: u8,
    min: Option<i64>,
    max: Option<i64>,
) -> Result<Fragment, ConstrainError> {
    let (min, max) = bounds(decimals, min, max)?;
    fixed(nfa, min, max, usize::from(decimals))
}

/// The bounds that hold where none are given, too.
pub(crate) fn bounds(decimals: u8, min: Option<i64>, max: Option<i64>) -> Result<(i64, i64), ConstrainError> {
    if decimals > 15 {
        return Err(ConstrainError::Digits(decimals));
    }
    Ok((min.unwrap_or(-UNITS_MAX), max.unwrap_or(UNITS_MAX)))
}

impl Automaton {
    /// Decimal integers between inclusive bounds: no leading zeros, no `-0`.
    pub fn integers(min: i64, max: i64) -> Result<Self, ConstrainError> {
        let mut nfa = Nfa::default();
        let whole = integer(&mut nfa, min, max)?;
        determinize(&nfa, whole)
    }

    /// Numbers with exactly `decimals` digits after the point, between inclusive bounds in units of the last digit.
    pub fn decimals(decimals: u8, min: Option<i64>, max: Option<i64>) -> Result<Self, ConstrainError> {
        let mut nfa = Nfa::default();
        let whole = decimal(&mut nfa, decimals, min, max)?;
        determinize(&nfa, whole)
    }

    /// Numbers without fixed decimals: at most 16 digits before and 17 after the point, and never a negative zero.
    pub fn numbers() -> Result<Self, ConstrainError> {
        Self::of_regex(&free())
    }
}

/// A pattern of numbers without fixed decimals: at most 16 and 17 digits, and never a negative zero.
pub(crate) fn free() -> String {
    const FRACTION: usize = 17;
    let some = format!(r"(\.[0-9]{{1,{FRACTION}}})?");
    let whole = "[1-9][0-9]{0,15}";
    let nonzero: Vec<String> =
        (0..FRACTION).map(|zeros| format!("0{{{zeros}}}[1-9][0-9]{{0,{}}}", FRACTION - 1 - zeros)).collect();
    format!(r"(0|{whole}){some}|-({whole}{some}|0\.({}))", nonzero.join("|"))
}

fn fixed(nfa: &mut Nfa, min: i64, max: i64, decimals: usize) -> Result<Fragment, ConstrainError> {
    if min > max {
        return nfa.choice(&[]);
    }
    let mut parts = Vec::new();
    if min < 0 {
        let (low, high) = (max.min(-1).unsigned_abs(), min.unsigned_abs());
        let minus = nfa.literal(b"-")?;
        let digits = magnitude(nfa, low, high, decimals)?;
        parts.push(nfa.sequence(&[minus, digits])?);
    }
    if max >= 0 {
        parts.push(magnitude(nfa, max.min(min.max(0)).unsigned_abs(), max.unsigned_abs(), decimals)?);
    }
    nfa.choice(&parts)
}

/// Digit strings of the numbers `low..=high`, at least `decimals + 1` digits long, with a point before the last `decimals`.
fn magnitude(nfa: &mut Nfa, low: u64, high: u64, decimals: usize) -> Result<Fragment, ConstrainError> {
    let shortest = decimals + 1;
    let mut parts = Vec::new();
    let mut from = low;
    loop {
        let length = from.to_string().len().max(shortest);
        // The greatest number of this many digits.
        let ceiling = 10u64.checked_pow(u32::try_from(length).expect("at most 20 digits")).map_or(u64::MAX, |p| p - 1);
        let to = ceiling.min(high);
        let (a, b) = (padded(from, length), padded(to, length));
        let (start, end) = (nfa.state()?, nfa.state()?);
        between(nfa, start, end, &a, &b, decimals)?;
        parts.push(Fragment { start, end });
        if to == high {
            break;
        }
        from = to + 1;
    }
    nfa.choice(&parts)
}

fn padded(number: u64, length: usize) -> Vec<u8> {
    format!("{number:0length$}").into_bytes()
}

/// Edges from `start` to `end` for the digit strings between two of equal length.
fn between(
    nfa: &mut Nfa,
    start: u32,
    end: u32,
    low: &[u8],
    high: &[u8],
    decimals: usize,
) -> Result<(), ConstrainError> {
    let left = low.len();
    if left == 0 {
        nfa.skip(start, end);
        return Ok(());
    }
    let start = if left == decimals && decimals > 0 {
        let after = nfa.state()?;
        nfa.edge(start, b'.', b'.', after);
        after
    } else {
        start
    };
    let all_low = low[1..].iter().all(|d| *d == b'0');
    let all_high = high[1..].iter().all(|d| *d == b'9');
    if low[0] == high[0] && !(all_low && all_high) {
        let next = nfa.state()?;
        nfa.edge(start, low[0], low[0], next);
        return between(nfa, next, end, &low[1..], &high[1..], decimals);
    }
    let first_free = if all_low { low[0] } else { low[0] + 1 };
    let last_free = if all_high { high[0] } else { high[0] - 1 };
    if !all_low {
        let next = nfa.state()?;
        nfa.edge(start, low[0], low[0], next);
        between(nfa, next, end, &low[1..], &vec![b'9'; left - 1], decimals)?;
    }
    if first_free <= last_free {
        let mut at = nfa.state()?;
        nfa.edge(start, first_free, last_free, at);
        for rest in (0..left - 1).rev() {
            if rest + 1 == decimals && decimals > 0 {
                let point = nfa.state()?;
                nfa.edge(at, b'.', b'.', point);
                at = point;
            }
            let next = nfa.state()?;
            nfa.edge(at, b'0', b'9', next);
            at = next;
        }
        nfa.skip(at, end);
    }
    if !all_high {
        let next = nfa.state()?;
        nfa.edge(start, high[0], high[0], next);
        between(nfa, next, end, &vec![b'0'; left - 1], &high[1..], decimals)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::Automaton;
    use sgl_protocol::Shape;

    #[test]
    fn a_free_number_is_never_a_negative_zero() {
        let free = Automaton::of_shape(&Shape::Float { decimals: None, min: None, max: None }).unwrap();
        for fits in ["0", "0.0", "-0.5", "-0.00000000000000001", "-3", "12.50", "-10.0"] {
            assert!(free.accepts(fits.as_bytes()), "{fits}");
        }
        for wrong in ["-0", "-0.0", "-0.000", "01", ".5", "5.", "-", "0.000000000000000000"] {
            assert!(!free.accepts(wrong.as_bytes()), "{wrong}");
        }
    }

    #[test]
    fn bounds_that_exclude_each_other_leave_no_text() {
        let none = Automaton::of_shape(&Shape::Int { min: Some(3), max: Some(2) }).unwrap();
        assert!(none.is_empty());
    }
}
