//! Which way a product is done: measured once per device, shape and version of cuBLASLt, and kept on disk.
//!
//! Every candidate runs on the operands at hand with a cold cache; those that are not far behind run a few times more, and
//! the least time wins. A pass of a shape that was not measured, and has many rows, takes what the library thinks best: it
//! would cost more to find out than it brings.

use super::blas::{Blas, Dense, Plan};
use super::linear::{SKINNY, TILED, check, invariant_for, planned_rows};
use super::{CudaError, Device, DeviceFacts, Epilogue, Event, Linear, cache};
use rustc_hash::FxHashMap;
use std::sync::{Arc, PoisonError};

/// A way to do a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Candidate {
    /// Tiles of 8 rows of x, tiles of 16 rows of w per block.
    Skinny(usize, usize),
    /// One of the tiled kernels.
    Tiled(usize),
    /// An algorithm of the plan for so many rows.
    Blas { rows: usize, algorithm: usize },
}

/// What a measured choice is known by: planned rows, n, k, epilogue.
pub(super) type Key = (usize, usize, usize, u8);

/// A choice as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    Skinny(usize, usize),
    Tiled(usize),
    Blas([u64; 8]),
}

/// Choices by shape.
#[derive(Debug, Default)]
pub(super) struct Choices {
    plans: FxHashMap<Dense, Arc<Plan>>,
    chosen: FxHashMap<Key, Candidate>,
    kept: FxHashMap<Key, Kept>,
    /// The file's name; none if nothing is kept.
    name: Option<String>,
    /// Whether there are choices that are not in the file.
    is_new: bool,
}

// SAFETY: plans are cuBLASLt's descriptors, which any thread may use.
unsafe impl Send for Choices {}

/// Runs of each candidate that is not far behind.
const MEASURED_RUNS: usize = 5;
/// How far behind the best a candidate may be in its first run and still be looked at.
const BEHIND: f32 = 1.15;
/// Rows up to which a shape that was not measured is measured when it comes.
const MEASURED_ROWS_MAX: usize = 512;

impl Choices {
    /// What was kept for a device of this kind; the version is 0 without cuBLASLt.
    pub(super) fn kept_for(facts: &DeviceFacts, blas_version: usize) -> Self {
        let mut hash = blake3::Hasher::new();
        for source in super::SOURCES {
            hash.update(source.full_text().as_bytes());
        }
        let device: String = facts.name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let (version, hash) = (blas_version, hash.finalize());
        let name = format!("products-{device}-{version}-{}.txt", &hash.to_hex()[..16]);
        let text = cache::find(&name).and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
        let kept = text.lines().filter_map(parse).collect();
        Self { kept, name: Some(name), ..Self::default() }
    }

    /// Lets go of what belongs to the library.
    pub(super) fn forget_plans(&mut self) {
        self.plans.clear();
    }
}

/// A line of the file.
fn line(&(m, n, k, epilogue): &Key, kept: &Kept) -> String {
    match kept {
        Kept::Skinny(columns, tiles) => format!("{m} {n} {k} {epilogue} skinny {columns} {tiles}\n"),
        Kept::Tiled(which) => format!("{m} {n} {k} {epilogue} tiled {which}\n"),
        Kept::Blas(words) => {
            let words: Vec<String> = words.iter().map(|word| format!("{word:x}")).collect();
            format!("{m} {n} {k} {epilogue} blas {}\n", words.join(" "))
        }
    }
}

/// What a line says; nothing if it is no such line.
fn parse(line: &str) -> Option<(Key, Kept)> {
    let words: Vec<&str> = line.split(' ').collect();
    let number = |at: usize| words.get(at)?.parse::<usize>().ok();
    let key = (number(0)?, number(1)?, number(2)?, u8::try_from(number(3)?).ok()?);
    let kept = match *words.get(4)? {
        "skinny" => {
            let variant = (number(5)?, number(6)?);
            SKINNY.iter().find(|(known, _)| *known == variant)?;
            Kept::Skinny(variant.0, variant.1)
        }
        "tiled" => {
            let which = number(5).filter(|which| *which < TILED.len())?;
            Kept::Tiled(which)
        }
        "blas" => {
            let parts: Option<Vec<u64>> = words[5..].iter().map(|word| u64::from_str_radix(word, 16).ok()).collect();
            Kept::Blas(parts?.try_into().ok()?)
        }
        _ => return None,
    };
    Some((key, kept))
}

impl Device {
    /// How a product is done.
    pub(super) fn choice(
        &self,
        linear: &Linear<'_>,
        n: usize,
        epilogue: &Epilogue<'_>,
    ) -> Result<Candidate, CudaError> {
        let key = (planned_rows(linear.m), n, linear.k, epilogue.index());
        let chosen = self.choices.lock().unwrap_or_else(PoisonError::into_inner).chosen.get(&key).copied();
        if let Some(chosen) = chosen {
            return Ok(chosen);
        }
        if let Some(kept) = self.kept(key, linear, n, epilogue)? {
            self.choices.lock().unwrap_or_else(PoisonError::into_inner).chosen.insert(key, kept);
            return Ok(kept);
        }
        if linear.m > MEASURED_ROWS_MAX {
            return Ok(self.candidates(linear, n, epilogue)?[0]);
        }
        if let Some(next) = self.next_larger(key, linear, epilogue) {
            self.choices.lock().unwrap_or_else(PoisonError::into_inner).chosen.insert(key, next);
            return Ok(next);
        }
        self.choose(linear, n, epilogue)
    }

    /// What was chosen for the next larger number of rows: a pass need not wait for measurements. Its rows are computed, too.
    fn next_larger(&self, key: Key, linear: &Linear<'_>, epilogue: &Epilogue<'_>) -> Option<Candidate> {
        let (m, n, k, what) = key;
        let choices = self.choices.lock().unwrap_or_else(PoisonError::into_inner);
        let same =
            |known: &&Key| known.0 > m && known.0 <= MEASURED_ROWS_MAX && (known.1, known.2, known.3) == (n, k, what);
        let next = choices.chosen.get(choices.chosen.keys().filter(same).min()?).copied()?;
        let fits = match next {
            Candidate::Skinny(..) | Candidate::Tiled(_) => true,
            Candidate::Blas { rows, .. } => epilogue.product().1 >= rows * n && linear.x.len() >= rows * k,
        };
        fits.then_some(next)
    }

    /// Measures the ways to do a product, unless that was done before. Its result is written.
    ///
    /// # Errors
    /// As [`Device::linear`].
    pub fn tune(&self, linear: Linear<'_>, epilogue: Epilogue<'_>) -> Result<(), CudaError> {
        let n = check(&linear, &epilogue)?;
        let key = (planned_rows(linear.m), n, linear.k, epilogue.index());
        let is_known = self.choices.lock().unwrap_or_else(PoisonError::into_inner).chosen.contains_key(&key);
        if is_known {
            return Ok(());
        }
        if let Some(kept) = self.kept(key, &linear, n, &epilogue)? {
            self.choices.lock().unwrap_or_else(PoisonError::into_inner).chosen.insert(key, kept);
            return Ok(());
        }
        self.choose(&linear, n, &epilogue).map(|_| ())
    }

    /// Keeps what was chosen for the next time that a device of this kind is opened.
    pub fn keep_choices(&self) {
        let mut choices = self.choices.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::take(&mut choices.is_new) {
            return;
        }
        if let Some(name) = &choices.name {
            let mut lines: Vec<String> = choices.kept.iter().map(|(key, kept)| line(key, kept)).collect();
            lines.sort();
            cache::keep(name, lines.concat().as_bytes());
        }
    }

    /// The choices so far, for people: one line per shape.
    pub fn describe_choices(&self) -> Vec<String> {
        let choices = self.choices.lock().unwrap_or_else(PoisonError::into_inner);
        let line = |((m, n, k, epilogue), chosen): (&Key, &Candidate)| {
            let what = ["plain", "logits", "swiglu", "rotary"][usize::from(*epilogue % 4)];
            let fp8 = if *epilogue < 4 { "" } else { "fp8 " };
            format!("{m:5} x {n:6} x {k:5} {fp8}{what:6} {chosen:?}")
        };
        let mut lines: Vec<String> = choices.chosen.iter().map(line).collect();
        lines.sort();
        lines
    }

    /// The choice that was kept, if it still is one.
    fn kept(
        &self,
        key: Key,
        linear: &Linear<'_>,
        n: usize,
        epilogue: &Epilogue<'_>,
    ) -> Result<Option<Candidate>, CudaError> {
        let kept = self.choices.lock().unwrap_or_else(PoisonError::into_inner).kept.get(&key).copied();
        let candidate = match kept {
            None => return Ok(None),
            Some(Kept::Skinny(columns, tiles)) => Candidate::Skinny(columns, tiles),
            Some(Kept::Tiled(which)) => Candidate::Tiled(which),
            Some(Kept::Blas(description)) => {
                let rows = planned_rows(linear.m);
                let plan = self.plan(Dense::narrow(rows, n, linear.k, epilogue))?;
                let Some(algorithm) = plan.described(description) else { return Ok(None) };
                Candidate::Blas { rows, algorithm }
            }
        };
        let possible = self.candidates(linear, n, epilogue)?;
        Ok(possible.contains(&candidate).then_some(candidate))
    }

    /// Measures, and notes what came of it.
    fn choose(&self, linear: &Linear<'_>, n: usize, epilogue: &Epilogue<'_>) -> Result<Candidate, CudaError> {
        let key = (planned_rows(linear.m), n, linear.k, epilogue.index());
        let fastest = self.measure(linear, n, epilogue)?;
        let kept = match fastest {
            Candidate::Skinny(columns, tiles) => Some(Kept::Skinny(columns, tiles)),
            Candidate::Tiled(which) => Some(Kept::Tiled(which)),
            Candidate::Blas { rows, algorithm } => {
                let plan = self.plan(Dense::narrow(rows, n, linear.k, epilogue))?;
                plan.description(algorithm).map(Kept::Blas)
            }
        };
        let mut choices = self.choices.lock().unwrap_or_else(PoisonError::into_inner);
        choices.chosen.insert(key, fastest);
        if let Some(kept) = kept {
            choices.kept.insert(key, kept);
            choices.is_new = true;
        }
        Ok(fastest)
    }

    /// The fastest way, measured on these operands.
    fn measure(&self, linear: &Linear<'_>, n: usize, epilogue: &Epilogue<'_>) -> Result<Candidate, CudaError> {
        let candidates = self.candidates(linear, n, epilogue)?;
        if let [only] = candidates[..] {
            return Ok(only);
        }
        let Some(device) = linear.weight.device_of(self) else { return Ok(candidates[0]) };
        self.fastest(&device, candidates, |candidate| self.run(candidate, linear, n, epilogue))
    }

    /// The fastest of some ways; each run writes the same result.
    pub(super) fn fastest(
        &self,
        device: &Arc<Self>,
        candidates: Vec<Candidate>,
        run: impl Fn(Candidate) -> Result<(), CudaError>,
    ) -> Result<Candidate, CudaError> {
        let (before, after) = (Event::new(device)?, Event::new(device)?);
        let once = |candidate| {
            self.flush()?;
            before.record()?;
            run(candidate)?;
            after.record()?;
            after.wait()?;
            after.milliseconds_since(&before)
        };
        // The very first run pays for loading code.
        once(candidates[0])?;
        let mut first = Vec::with_capacity(candidates.len());
        for candidate in candidates {
            first.push((once(candidate)?, candidate));
        }
        first.sort_by(|a, b| a.0.total_cmp(&b.0));
        let limit = first[0].0 * BEHIND;
        let mut best = first[0];
        for (time, candidate) in first.into_iter().take_while(|(time, _)| *time <= limit) {
            let mut least = time;
            for _ in 1..MEASURED_RUNS {
                least = least.min(once(candidate)?);
            }
            if least < best.0 {
                best = (least, candidate);
            }
        }
        Ok(best.1)
    }

    /// Does the product in every way that there is for its shape, and lets `each` look at what came of it; for tests.
    ///
    /// # Errors
    /// As [`Device::linear`], and what `each` says.
    pub fn linear_every_way(
        &self,
        linear: Linear<'_>,
        epilogue: Epilogue<'_>,
        mut each: impl FnMut(String) -> Result<(), CudaError>,
    ) -> Result<(), CudaError> {
        let n = check(&linear, &epilogue)?;
        for candidate in self.candidates(&linear, n, &epilogue)? {
            self.run(candidate, &linear, n, &epilogue)?;
            each(format!("{candidate:?}"))?;
        }
        Ok(())
    }

    /// Whether a product of so many rows is worth measuring when it comes.
    pub(super) fn measures(&self, m: usize) -> bool {
        m <= MEASURED_ROWS_MAX
    }

    /// The algorithm that was chosen for a plan, now or when a device of this kind was open before.
    pub(super) fn known_algorithm(&self, key: Key, plan: &Plan) -> Option<usize> {
        let choices = self.choices.lock().unwrap_or_else(PoisonError::into_inner);
        match (choices.chosen.get(&key), choices.kept.get(&key)) {
            (Some(Candidate::Blas { algorithm, .. }), _) => Some(*algorithm),
            (None, Some(Kept::Blas(description))) => plan.described(*description),
            _ => None,
        }
    }

    /// Notes and keeps a choice among the algorithms of a plan.
    pub(super) fn note_algorithm(&self, key: Key, plan: &Plan, chosen: Candidate, algorithm: usize) {
        let mut choices = self.choices.lock().unwrap_or_else(PoisonError::into_inner);
        choices.chosen.insert(key, chosen);
        if let Some(description) = plan.description(algorithm) {
            choices.kept.insert(key, Kept::Blas(description));
            choices.is_new = true;
        }
    }

    /// All ways to do a product; at least one. The library's come as it thinks them best.
    fn candidates(&self, linear: &Linear<'_>, n: usize, epilogue: &Epilogue<'_>) -> Result<Vec<Candidate>, CudaError> {
        let rows = planned_rows(linear.m);
        let mut candidates: Vec<Candidate> = SKINNY
            .iter()
            .filter(|((columns, tiles), _)| {
                let block = n.is_multiple_of(tiles * 16);
                block && linear.m <= 64 && (columns * 8 >= linear.m.min(32)) && columns * 8 < linear.m.max(5) * 2
            })
            .map(|((columns, tiles), _)| Candidate::Skinny(*columns, *tiles))
            .collect();
        let fits = epilogue.product().1 >= rows * n && linear.x.len() >= rows * linear.k;
        if linear.m > 8 && fits && self.has_blas() {
            let plan = self.plan(Dense::narrow(rows, n, linear.k, epilogue))?;
            candidates.extend((0..plan.algorithms()).map(|algorithm| Candidate::Blas { rows, algorithm }));
        }
        if linear.m > 8 {
            candidates.extend((0..TILED.len()).map(Candidate::Tiled));
        }
        if candidates.is_empty() {
            candidates.push(invariant_for(linear.m, n));
        }
        Ok(candidates)
    }

    #[expect(
        clippy::arc_with_non_send_sync,
        reason = "descriptors are raw pointers; `Choices` says why any thread may use them"
    )]
    pub(super) fn plan(&self, dense: Dense) -> Result<Arc<Plan>, CudaError> {
        let mut choices = self.choices.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(plan) = choices.plans.get(&dense) {
            return Ok(plan.clone());
        }
        let plan = Arc::new(self.with_blas(|blas| blas.plan(dense))?);
        choices.plans.insert(dense, plan.clone());
        Ok(plan)
    }

    fn has_blas(&self) -> bool {
        self.blas.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Makes the next reads cold. Without cuBLASLt, whose room for sums this writes, they stay as they are.
    fn flush(&self) -> Result<(), CudaError> {
        let blas = self.blas.lock().unwrap_or_else(PoisonError::into_inner);
        blas.as_ref().map_or(Ok(()), |blas| blas.flush(self))
    }

    pub(super) fn with_blas<T>(&self, with: impl FnOnce(&Blas) -> Result<T, CudaError>) -> Result<T, CudaError> {
        let blas = self.blas.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = CudaError::Blas { call: "cublasLtCreate", reason: "there is no cuBLASLt".to_owned() };
        with(blas.as_ref().ok_or(missing)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_was_kept() {
        let all = [
            ((16, 4096, 14336, 0), Kept::Skinny(2, 1)),
            ((64, 4096, 14336, 0), Kept::Tiled(1)),
            ((256, 28672, 4096, 2), Kept::Blas([1, 0, u64::MAX, 0x1234, 5, 6, 7, 8])),
        ];
        for (key, kept) in all {
            assert_eq!(parse(line(&key, &kept).trim_end()), Some((key, kept)));
        }
    }

    #[test]
    fn what_is_no_line_says_nothing() {
        for line in [
            "",
            "1 2 3",
            "8 8 64 0 skinny 9 9",
            "8 8 64 0 tiled 9",
            "8 8 64 0 blas 1 2 3",
            "8 8 64 0 other 1 1",
            "8 8 64 999 skinny 1 1",
        ] {
            assert_eq!(parse(line), None, "{line}");
        }
    }
}
