//! Numbers in ranges, as fragments over digits.

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
    if decimals > 15 {
        return Err(ConstrainError::Digits(decimals));
    }
    fixed(nfa, min.unwrap_or(-UNITS_MAX), max.unwrap_or(UNITS_MAX), usize::from(decimals))
}

fn fixed(nfa: &mut Nfa, min: i64, max: i64, decimals: usize) -> Result<Fragment, ConstrainError> {
    if min > max {
        return Err(ConstrainError::Empty);
    }
    let mut parts = Vec::new();
    if min < 0 {
        let (low, high) = (max.min(-1).unsigned_abs(), min.unsigned_abs());
        let minus = nfa.literal(b"-")?;
        let digits = magnitude(nfa, low, high, decimals)?;
        parts.push(nfa.sequence(&[minus, digits])?);
    }
    if max >= 0 {
        parts.push(magnitude(
            nfa,
            max.min(min.max(0)).unsigned_abs(),
            max.unsigned_abs(),
            decimals,
        )?);
    }
    nfa.choice(&parts)
}

/// Digit strings of the numbers `low..=high`, at least `decimals + 1` digits long, with a point before the last `decimals`.
fn magnitude(
    nfa: &mut Nfa,
    low: u64,
    high: u64,
    decimals: usize,
) -> Result<Fragment, ConstrainError> {
    let shortest = decimals + 1;
    let mut parts = Vec::new();
    let mut from = low;
    loop {
        let length = from.to_string().len().max(shortest);
        // The greatest number of this many digits.
        let ceiling = 10u64
            .checked_pow(u32::try_from(length).expect("at most 20 digits"))
            .map_or(u64::MAX, |p| p - 1);
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
