//! Means, and how far they can be trusted.
//!
//! Rows are the units: several seeds of one row are averaged first, because they are not independent. A metric that is
//! true or false, with one seed, is a proportion and gets the score interval of Wilson ("Probable inference, the law of
//! succession, and statistical inference", Journal of the American Statistical Association 22, 1927), which also holds for
//! few rows and near 0 and 1. Anything else gets the percentile interval of the bootstrap over rows (Efron and Tibshirani,
//! "An Introduction to the Bootstrap", 1993, chapter 13; for clusters: Field and Welsh, "Bootstrapping clustered data",
//! Journal of the Royal Statistical Society B 69, 2007). Both at 95 %.

/// The quantile of the normal distribution for 95 %.
const Z: f64 = 1.959_963_984_540_054;
/// Samples of the bootstrap.
const SAMPLES: usize = 2_000;

/// How an interval was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Wilson,
    Bootstrap,
}

impl Method {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Wilson => "Wilson",
            Self::Bootstrap => "bootstrap",
        }
    }
}

/// What is known of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Estimate {
    pub(super) mean: f64,
    pub(super) lower95: f64,
    pub(super) upper95: f64,
    /// Standard deviation between rows.
    pub(super) std_dev: f64,
    /// Rows.
    pub(super) count: usize,
    pub(super) method: Method,
}

/// The estimate of a metric from one number per row; of a proportion they are 0 or 1.
pub(super) fn estimate(rows: &[f64], proportion: bool) -> Estimate {
    let count = rows.len();
    let mean = mean(rows);
    let spread = rows.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (count.max(2) - 1) as f64;
    let (lower95, upper95, method) = if count == 0 {
        (f64::NAN, f64::NAN, Method::Bootstrap)
    } else if proportion {
        let (low, high) = wilson(rows.iter().sum(), count as f64);
        (low, high, Method::Wilson)
    } else {
        let (low, high) = bootstrap(rows);
        (low, high, Method::Bootstrap)
    };
    Estimate { mean, lower95, upper95, std_dev: spread.sqrt(), count, method }
}

fn mean(rows: &[f64]) -> f64 {
    if rows.is_empty() { f64::NAN } else { rows.iter().sum::<f64>() / rows.len() as f64 }
}

/// The score interval of `hits` among `count`.
fn wilson(hits: f64, count: f64) -> (f64, f64) {
    let p = hits / count;
    let scale = 1.0 + Z * Z / count;
    let middle = (p + Z * Z / (2.0 * count)) / scale;
    let half = Z / scale * (p * (1.0 - p) / count + Z * Z / (4.0 * count * count)).sqrt();
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

/// The percentile interval of the mean, from samples of rows with replacement. The stream is fixed: the same rows give the
/// same interval.
fn bootstrap(rows: &[f64]) -> (f64, f64) {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |bound: usize| {
        // SplitMix64 (Steele, Lea and Flood 2014).
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound as u64) as usize
    };
    let mut means: Vec<f64> = (0..SAMPLES)
        .map(|_| (0..rows.len()).map(|_| rows[below(rows.len())]).sum::<f64>() / rows.len() as f64)
        .collect();
    means.sort_by(f64::total_cmp);
    let at = |share: f64| means[((SAMPLES - 1) as f64 * share).round() as usize];
    (at(0.025), at(0.975))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 5e-4
    }

    #[test]
    fn wilsons_interval_is_that_of_the_literature() {
        // 81 of 263, Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17, 1998,
        // table I: 0.2553 to 0.3662 for the score method without correction; and 15 of 148, 0 of 20, 1 of 29.
        for (hits, count, low, high) in [
            (81.0, 263.0, 0.2553, 0.3662),
            (15.0, 148.0, 0.0624, 0.1605),
            (0.0, 20.0, 0.0, 0.1611),
            (1.0, 29.0, 0.0061, 0.1718),
        ] {
            let (found_low, found_high) = wilson(hits, count);
            assert!(near(found_low, low) && near(found_high, high), "{hits} of {count}: {found_low} to {found_high}");
        }
    }

    #[test]
    fn the_bootstrap_covers_the_mean_and_narrows_with_more_rows() {
        let rows = |count: usize| (0..count).map(|i| (i % 10) as f64).collect::<Vec<_>>();
        let (few, many) = (estimate(&rows(20), false), estimate(&rows(2_000), false));
        assert!(few.lower95 < 4.5 && 4.5 < few.upper95, "{few:?}");
        assert!(many.upper95 - many.lower95 < (few.upper95 - few.lower95) / 5.0, "{few:?} {many:?}");
        // The normal interval of the mean is 4.5 ± 1.96 · 2.873 / √2000.
        assert!((many.upper95 - 4.626).abs() < 0.02, "{many:?}");
        assert_eq!(estimate(&[3.0, 3.0], false).lower95, 3.0);
        assert_eq!(estimate(&rows(20), false), few, "the same rows give the same interval");
    }
}
