//! What a call can take: model calls, tokens read, tokens written, tokens held at a time.
//!
//! All are upper bounds in the symbols of the plan: the tokens of a splice, the width of a fork, the turns of a loop. Counts of constant
//! text are those of its pieces; a tokenizer may join two pieces that meet, so that a transcript can take a few tokens less.

use crate::amount::Amount;
use crate::binding::Binding;
use crate::step::{Branch, EntryPlan, Join, Step, Width, symbol};
use sgl_protocol::Shape;
use std::collections::BTreeSet;

/// Most turns of a loop that are added up one by one; beyond, each counts as the longest.
const UNROLLED_MAX: u64 = 64;

/// Counts tokens, as a model's tokenizer and chat template do.
pub trait Tokens {
    /// Those of a text.
    fn text(&self, text: &str) -> u64;
    /// Those that the template writes before a turn, after one of another role or at the beginning.
    fn opening(&self, role: &str, previous: Option<&str>) -> u64;
    /// Those that it writes after a turn.
    fn closing(&self, role: &str) -> u64;
    /// Most tokens of a hole whose program names no bound.
    fn hole_max(&self) -> u64;
}

/// Most tokens that a hole may take: what the program allows, or what the longest of its texts needs. A token has a byte at least,
/// and one more may end the hole.
pub(crate) fn hole_max(shape: &Shape, max_tokens: Option<u32>, tokens: &dyn Tokens) -> u64 {
    let allowed = max_tokens.map_or(tokens.hole_max(), u64::from);
    longest_bytes(shape).map_or(allowed, |bytes| allowed.min(bytes as u64 + 1))
}

/// Bytes of the longest text that a hole of this shape may hold, where its structure says.
fn longest_bytes(shape: &Shape) -> Option<usize> {
    let digits = |number: &i64| number.to_string().len();
    match shape {
        Shape::Bool => Some("false".len()),
        Shape::Null => Some("null".len()),
        Shape::Literal(text) => Some(text.len()),
        Shape::Enum { names, .. } => names.iter().map(String::len).max(),
        Shape::Int { min: Some(min), max: Some(max) } => Some(digits(min).max(digits(max))),
        Shape::Union(variants) => variants
            .iter()
            .map(|variant| longest_bytes(&variant.shape))
            .try_fold(0, |most, bytes| Some(most.max(bytes?))),
        _ => None,
    }
}

/// What a call can take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Times that a model is asked.
    pub calls: Amount,
    /// Tokens of all prompts, each counted whole.
    pub prompt: Amount,
    /// Tokens of prompts that are read: what transcripts share counts once. What is not read comes from the cache.
    pub read: Amount,
    /// Of these the tokens at the beginning that every call of the entry shares with the one before.
    pub shared: Amount,
    /// Most tokens that models write.
    pub written: Amount,
    /// Most tokens of transcripts that are held at a time.
    pub held: Amount,
}

impl Cost {
    /// Which share of the prompts comes from the cache, where no symbol is left.
    pub fn cached_share(&self) -> Option<f64> {
        let (prompt, read) = (self.prompt.known()?, self.read.known()?);
        (prompt > 0).then(|| 1.0 - read.min(prompt) as f64 / prompt as f64)
    }
}

/// What a call of an entry can take.
pub fn cost(plan: &EntryPlan, tokens: &dyn Tokens) -> Cost {
    let mut transcript = Transcript { lead: Some(Vec::new()), ..Transcript::default() };
    let mut sum = Sum::default();
    let meter = Meter { tokens };
    meter.steps(&plan.steps, &mut transcript, &mut sum);
    let mut shared = Amount::default();
    let lead = transcript.begun.unwrap_or_default();
    lead.iter().take_while(|lead| lead.binding <= Binding::Batch).for_each(|lead| shared += &lead.tokens);
    sum.leads.push(lead);
    sum.leads.iter().flatten().for_each(|lead| sum.read += &lead.tokens);
    let held = sum.held.at_most_either(&transcript.length);
    Cost { calls: sum.calls, prompt: sum.prompt, read: sum.read, shared, written: sum.written, held }
}

/// A piece at the beginning of a transcript.
#[derive(Clone, Debug)]
struct Lead {
    tokens: Amount,
    binding: Binding,
    varies: BTreeSet<u32>,
}

/// A transcript as it grows.
#[derive(Clone, Debug, Default)]
struct Transcript {
    length: Amount,
    /// The role of the last turn.
    role: Option<String>,
    /// Its pieces, while nothing but text came.
    lead: Option<Vec<Lead>>,
    /// Its pieces up to then.
    begun: Option<Vec<Lead>>,
}

impl Transcript {
    /// Something came that is not the same text for all.
    fn end_lead(&mut self) {
        if let Some(lead) = self.lead.take() {
            self.begun = Some(lead);
        }
    }
}

/// What was added up.
#[derive(Clone, Debug, Default)]
struct Sum {
    calls: Amount,
    prompt: Amount,
    read: Amount,
    /// Beginnings of transcripts that are read once for all repeats with which they do not vary.
    leads: Vec<Vec<Lead>>,
    written: Amount,
    /// Most tokens held beside the transcript itself, and those of the transcript where that was.
    held: Amount,
}

struct Meter<'a> {
    tokens: &'a dyn Tokens,
}

impl Meter<'_> {
    fn steps(&self, steps: &[Step], transcript: &mut Transcript, sum: &mut Sum) {
        for step in steps {
            self.step(step, transcript, sum);
        }
        if transcript.lead.is_some() && transcript.begun.is_none() {
            transcript.begun.clone_from(&transcript.lead);
        }
    }

    fn step(&self, step: &Step, transcript: &mut Transcript, sum: &mut Sum) {
        match step {
            Step::Turn { role, steps, .. } => {
                let opening = self.tokens.opening(role, transcript.role.as_deref());
                text(transcript, sum, Amount::of(opening), Binding::Deploy, &BTreeSet::new());
                self.steps(steps, transcript, sum);
                let closing = self.tokens.closing(role);
                text(transcript, sum, Amount::of(closing), Binding::Deploy, &BTreeSet::new());
                transcript.role = Some(role.clone());
            }
            Step::Text { text: written, .. } => {
                let count = Amount::of(self.tokens.text(written));
                text(transcript, sum, count, Binding::Const, &BTreeSet::new());
            }
            Step::Splice { of, computed, binding, text: known, varies, .. } => {
                let count = match known {
                    Some(known) => Amount::of(self.tokens.text(known)),
                    None => Amount::symbol(&symbol(of, *computed)),
                };
                text(transcript, sum, count, *binding, varies);
            }
            Step::Hole { shape, max_tokens, .. } => {
                let max = Amount::of(hole_max(shape, *max_tokens, self.tokens));
                ask(transcript, sum);
                sum.written += &max;
                transcript.length += &max;
            }
            Step::Select { label, .. } => {
                ask(transcript, sum);
                transcript.length += &Amount::symbol(label);
            }
            Step::Tool { .. } => transcript.end_lead(),
            Step::Branches { forked, width, repeat, join, branches, .. } => {
                for branch in branches {
                    self.branch(branch, *forked, width, *repeat, *join, transcript, sum);
                }
            }
            Step::Repeat { times, repeat, steps } => self.repeat(times, *repeat, steps, transcript, sum),
            Step::Guarded { retries, tokens_max, steps } => {
                transcript.end_lead();
                let mut once = Sum::default();
                self.steps(steps, transcript, &mut once);
                let mut all = once.times(&(&Amount::of(1) + &amount(retries)));
                if let (Some(most), Some(written)) = (tokens_max, all.written.known()) {
                    all.written = Amount::of(written.min(*most));
                } else if let Some(most) = tokens_max {
                    all.written = Amount::of(*most);
                }
                sum.add(all);
            }
            Step::Choice { then, otherwise, .. } => {
                transcript.end_lead();
                let (mut other, mut yes, mut no) = (transcript.clone(), Sum::default(), Sum::default());
                self.steps(then, transcript, &mut yes);
                self.steps(otherwise, &mut other, &mut no);
                transcript.length = transcript.length.at_most_either(&other.length);
                sum.add(yes.either(no));
            }
            Step::Again { name } => {
                let again = Amount::symbol(&format!("again({name})"));
                ask(transcript, sum);
                sum.written += &again;
                sum.read += &again;
            }
        }
    }

    /// Branches of one kind, all at the same time.
    #[expect(clippy::too_many_arguments, reason = "the fields of one step")]
    fn branch(
        &self,
        branch: &Branch,
        forked: bool,
        width: &Width,
        repeat: u32,
        join: Join,
        transcript: &mut Transcript,
        sum: &mut Sum,
    ) {
        transcript.end_lead();
        let mut inner = match forked {
            true => Transcript { lead: None, begun: None, ..transcript.clone() },
            false => Transcript { lead: Some(Vec::new()), ..Transcript::default() },
        };
        let start = inner.length.clone();
        let mut once = Sum::default();
        self.steps(&branch.steps, &mut inner, &mut once);
        once.leads.extend(inner.begun.take());
        let grown = inner.length.beyond(&start);
        once.held = once.held.at_most_either(&grown);
        let count = amount(width);
        once.split(repeat);
        let all = once.times(&count);
        let held = &transcript.length + &all.held;
        sum.add(Sum { held, ..all });
        if join == Join::Concat {
            transcript.length += &(&grown * &count);
        }
    }

    fn repeat(&self, times: &Width, repeat: u32, steps: &[Step], transcript: &mut Transcript, sum: &mut Sum) {
        transcript.end_lead();
        let count = amount(times);
        let mut measured = Sum::default();
        let mut after = transcript.clone();
        self.steps(steps, &mut after, &mut measured);
        let grown = after.length.beyond(&transcript.length);
        measured.prompt = Amount::default();
        match times {
            Width::Times(turns) if *turns <= UNROLLED_MAX => {
                for _ in 0..*turns {
                    let mut turn = Sum::default();
                    self.steps(steps, transcript, &mut turn);
                    measured.prompt += &turn.prompt;
                }
                measured.split(repeat);
                let prompt = std::mem::take(&mut measured.prompt);
                sum.add(Sum { prompt, ..measured.times(&count) });
            }
            _ => {
                let whole = &grown * &count;
                let mut longest = Transcript { length: &transcript.length + &whole, ..transcript.clone() };
                let mut last = Sum::default();
                self.steps(steps, &mut longest, &mut last);
                measured.prompt = last.prompt;
                measured.split(repeat);
                sum.add(measured.times(&count));
                transcript.length += &whole;
                transcript.role = after.role;
            }
        }
    }
}

/// Text comes to the transcript.
fn text(transcript: &mut Transcript, sum: &mut Sum, tokens: Amount, binding: Binding, varies: &BTreeSet<u32>) {
    transcript.length += &tokens;
    match &mut transcript.lead {
        Some(lead) => lead.push(Lead { tokens, binding, varies: varies.clone() }),
        None => sum.read += &tokens,
    }
}

/// A model is asked about the transcript.
fn ask(transcript: &mut Transcript, sum: &mut Sum) {
    transcript.end_lead();
    sum.calls += &Amount::of(1);
    sum.prompt += &transcript.length;
}

fn amount(width: &Width) -> Amount {
    match width {
        Width::Times(count) => Amount::of(*count),
        Width::Symbol(name) => Amount::symbol(name),
    }
}

impl Sum {
    /// Of each beginning, what differs with this repeat is read in each of its turns; only what does not is read once.
    fn split(&mut self, repeat: u32) {
        for lead in &mut self.leads {
            let same = lead.iter().take_while(|piece| !piece.varies.contains(&repeat)).count();
            for piece in lead.split_off(same) {
                self.read += &piece.tokens;
            }
        }
    }

    /// So often; beginnings stay what they are.
    fn times(self, count: &Amount) -> Self {
        Self {
            calls: &self.calls * count,
            prompt: &self.prompt * count,
            read: &self.read * count,
            leads: self.leads,
            written: &self.written * count,
            held: &self.held * count,
        }
    }

    /// One of two.
    fn either(self, other: Self) -> Self {
        Self {
            calls: self.calls.at_most_either(&other.calls),
            prompt: self.prompt.at_most_either(&other.prompt),
            read: self.read.at_most_either(&other.read),
            leads: [self.leads, other.leads].concat(),
            written: self.written.at_most_either(&other.written),
            held: self.held.at_most_either(&other.held),
        }
    }

    fn add(&mut self, other: Self) {
        self.calls += &other.calls;
        self.prompt += &other.prompt;
        self.read += &other.read;
        self.leads.extend(other.leads);
        self.written += &other.written;
        self.held = self.held.at_most_either(&other.held);
    }
}
