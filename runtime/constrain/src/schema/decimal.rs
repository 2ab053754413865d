//! Decimal numbers as schemas write them, without rounding.

use serde_json::Number;
use std::cmp::Ordering;

/// A number: `0.d1d2d3… × 10^point`. Digits begin and end with a non-zero one; zero has none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Decimal {
    pub(super) negative: bool,
    digits: Vec<u8>,
    point: i64,
}

impl Decimal {
    /// The number that a JSON number spells.
    pub(super) fn of(number: &Number) -> Self {
        Self::parse(&number.to_string())
    }

    /// The number that a spelling of JSON says.
    pub(super) fn parse(text: &str) -> Self {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let exponent: i64 = exponent.parse().unwrap_or(0);
        let unsigned = mantissa.trim_start_matches('-');
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let all: Vec<u8> = whole.bytes().chain(fraction.bytes()).map(|byte| byte - b'0').collect();
        let zeros = all.iter().take_while(|digit| **digit == 0).count();
        let mut digits = all[zeros..].to_vec();
        while digits.last() == Some(&0) {
            digits.pop();
        }
        if digits.is_empty() {
            return Self { negative: false, digits, point: 0 };
        }
        let point = i64::try_from(whole.len()).unwrap_or(0) - i64::try_from(zeros).unwrap_or(0) + exponent;
        Self { negative: mantissa.starts_with('-'), digits, point }
    }

    pub(super) fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    pub(super) fn is_integer(&self) -> bool {
        self.fraction_len() == 0
    }

    /// How many digits stand before the point; none for numbers below one.
    pub(super) fn whole_len(&self) -> usize {
        usize::try_from(self.point).unwrap_or(0)
    }

    /// How many digits stand after the point.
    pub(super) fn fraction_len(&self) -> usize {
        let length = i64::try_from(self.digits.len()).unwrap_or(i64::MAX);
        usize::try_from(length - self.point).unwrap_or(0)
    }

    /// The digit at a place before the point, counted from the first that is not zero.
    pub(super) fn whole_digit(&self, place: usize) -> u8 {
        self.digits.get(place).copied().unwrap_or(0)
    }

    /// The digit at a place after the point.
    pub(super) fn fraction_digit(&self, place: usize) -> u8 {
        let index = i64::try_from(place).unwrap_or(i64::MAX).saturating_add(self.point);
        usize::try_from(index).ok().and_then(|index| self.digits.get(index).copied()).unwrap_or(0)
    }

    /// The number in plain digits, as short as possible: no exponent, no zeros at the end.
    pub(super) fn plain(&self) -> String {
        let mut text = String::new();
        if self.negative {
            text.push('-');
        }
        if self.whole_len() == 0 {
            text.push('0');
        }
        text.extend((0..self.whole_len()).map(|place| char::from(b'0' + self.whole_digit(place))));
        if self.fraction_len() > 0 {
            text.push('.');
            text.extend((0..self.fraction_len()).map(|place| char::from(b'0' + self.fraction_digit(place))));
        }
        text
    }

    /// The magnitude in units of `10^-fraction_len`, if 64 bits hold it.
    pub(super) fn units(&self) -> Option<u64> {
        let digits = (0..self.whole_len()).map(|place| self.whole_digit(place));
        let digits = digits.chain((0..self.fraction_len()).map(|place| self.fraction_digit(place)));
        digits.into_iter().try_fold(0u64, |sum, digit| sum.checked_mul(10)?.checked_add(u64::from(digit)))
    }

    /// The number as a count, if it is a non-negative integer; more than 32 bits hold is as good as their most.
    pub(super) fn count(&self) -> Option<u32> {
        if self.negative || !self.is_integer() {
            return None;
        }
        Some(self.units().and_then(|units| u32::try_from(units).ok()).unwrap_or(u32::MAX))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let magnitude = || {
            let rank = |d: &Self| (!d.is_zero(), d.point);
            rank(self).cmp(&rank(other)).then_with(|| self.digits.cmp(&other.digits))
        };
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => magnitude(),
            (true, true) => magnitude().reverse(),
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_number_are_one() {
        for (text, plain) in [
            ("1.0", "1"),
            ("-0.0", "0"),
            ("1e3", "1000"),
            ("12.50", "12.5"),
            ("1.5E-3", "0.0015"),
            ("-100", "-100"),
            ("0.1", "0.1"),
            ("10", "10"),
        ] {
            let number = Decimal::parse(text);
            assert_eq!(number.plain(), plain);
            assert_eq!(number, Decimal::parse(plain));
            assert_eq!(number.is_integer(), !plain.contains('.'));
        }
        assert_eq!(Decimal::parse("2.0").count(), Some(2));
        assert_eq!(Decimal::parse("1e99").count(), Some(u32::MAX));
        assert_eq!(Decimal::parse("0.0075").units(), Some(75));
    }

    #[test]
    fn order_is_that_of_numbers() {
        let ordered = ["-10", "-9.5", "-0.001", "0", "0.09", "0.1", "1", "1.5", "9", "10", "1e2"];
        for (i, a) in ordered.iter().enumerate() {
            for (j, b) in ordered.iter().enumerate() {
                assert_eq!(Decimal::parse(a).cmp(&Decimal::parse(b)), i.cmp(&j), "{a} {b}");
            }
        }
    }
}
