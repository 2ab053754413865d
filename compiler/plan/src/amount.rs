//! Counts in symbols: polynomials with natural coefficients, such as `16 + 3·documents·hits`.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Add, AddAssign, Mul};

/// A count. Overflow saturates: what is that large is only ever compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// Coefficients by product of symbols, each sorted; the empty product is the constant.
    terms: BTreeMap<Vec<String>, u64>,
}

impl Amount {
    /// So many.
    pub fn of(count: u64) -> Self {
        let mut amount = Self::default();
        amount.put(Vec::new(), count);
        amount
    }

    /// As many as the name stands for.
    pub fn symbol(name: &str) -> Self {
        let mut amount = Self::default();
        amount.put(vec![name.to_string()], 1);
        amount
    }

    /// The count, if no symbol is in it.
    pub fn known(&self) -> Option<u64> {
        match self.terms.len() {
            0 => Some(0),
            1 => self.terms.get(&Vec::new()).copied(),
            _ => None,
        }
    }

    /// The count where each symbol is worth what `values` says; `None` where it says nothing of one.
    pub fn at(&self, values: &dyn Fn(&str) -> Option<u64>) -> Option<u64> {
        self.terms.iter().try_fold(0u64, |sum, (symbols, coefficient)| {
            let product =
                symbols.iter().try_fold(*coefficient, |product, name| Some(product.saturating_mul(values(name)?)))?;
            Some(sum.saturating_add(product))
        })
    }

    /// The larger of both where one is no less in every term, else the larger of each term, which is no less than either.
    #[must_use]
    pub fn at_most_either(&self, other: &Self) -> Self {
        let within = |a: &Self, b: &Self| {
            a.terms.iter().all(|(symbols, count)| b.terms.get(symbols).is_some_and(|other| count <= other))
        };
        match (within(self, other), within(other, self)) {
            (true, _) => other.clone(),
            (_, true) => self.clone(),
            _ => {
                let mut largest = self.clone();
                for (symbols, count) in &other.terms {
                    let entry = largest.terms.entry(symbols.clone()).or_default();
                    *entry = (*entry).max(*count);
                }
                largest
            }
        }
    }

    /// What is left of it without another that it contains.
    #[must_use]
    pub fn beyond(&self, other: &Self) -> Self {
        let mut left = Self::default();
        for (symbols, count) in &self.terms {
            left.put(symbols.clone(), count.saturating_sub(other.terms.get(symbols).copied().unwrap_or(0)));
        }
        left
    }

    /// Its coefficients, by how many symbols they stand before: what is left of it if symbols are called otherwise.
    pub(crate) fn without_names(&self) -> Vec<(usize, u64)> {
        let mut terms: Vec<(usize, u64)> = self.terms.iter().map(|(symbols, count)| (symbols.len(), *count)).collect();
        terms.sort_unstable();
        terms
    }

    fn put(&mut self, symbols: Vec<String>, count: u64) {
        if count > 0 {
            let entry = self.terms.entry(symbols).or_default();
            *entry = entry.saturating_add(count);
        }
    }
}

impl AddAssign<&Amount> for Amount {
    fn add_assign(&mut self, other: &Amount) {
        for (symbols, count) in &other.terms {
            self.put(symbols.clone(), *count);
        }
    }
}

impl Add for &Amount {
    type Output = Amount;

    fn add(self, other: Self) -> Amount {
        let mut sum = self.clone();
        sum += other;
        sum
    }
}

impl Mul for &Amount {
    type Output = Amount;

    fn mul(self, other: Self) -> Amount {
        let mut product = Amount::default();
        for (a, m) in &self.terms {
            for (b, n) in &other.terms {
                let mut symbols = [a.as_slice(), b.as_slice()].concat();
                symbols.sort();
                product.put(symbols, m.saturating_mul(*n));
            }
        }
        product
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.terms.is_empty() {
            return write!(f, "0");
        }
        for (index, (symbols, count)) in self.terms.iter().enumerate() {
            if index > 0 {
                write!(f, " + ")?;
            }
            match (count, symbols.is_empty()) {
                (count, true) => write!(f, "{count}")?,
                (1, false) => write!(f, "{}", symbols.join("·"))?,
                (count, false) => write!(f, "{count}·{}", symbols.join("·"))?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_polynomials() {
        let n = Amount::symbol("n");
        let sum = &(&Amount::of(2) + &n) * &(&Amount::of(3) + &n);
        assert_eq!(sum.to_string(), "6 + 5·n + n·n");
        assert_eq!(sum.at(&|_| Some(4)), Some(42));
        assert_eq!(sum.at(&|_| None), None);
        assert_eq!((sum.known(), Amount::of(7).known(), Amount::default().known()), (None, Some(7), Some(0)));
    }

    #[test]
    fn either_of_two_is_bounded_by_the_larger_or_term_by_term() {
        let (few, many) = (Amount::of(2), &Amount::of(3) + &Amount::symbol("n"));
        assert_eq!(few.at_most_either(&many), many);
        let other = &Amount::of(9) + &Amount::symbol("m");
        assert_eq!(many.at_most_either(&other).to_string(), "9 + m + n");
    }
}
