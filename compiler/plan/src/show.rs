//! A plan as a tree for the terminal: a line per turn, branch and choice, with when its text is known and how many tokens it takes.

use crate::amount::Amount;
use crate::binding::Binding;
use crate::cost::{Cost, Tokens, hole_max};
use crate::step::{EntryPlan, Step, Width, symbol};
use crate::trace::{Beside, Measured};
use std::fmt::Write;

/// Columns of text before the numbers.
const TEXT_COLUMNS: usize = 72;
/// Characters of a turn that are shown.
const SHOWN_MAX: usize = 160;

/// The tree of a plan, and what it costs; with what each step came to in a run, if there was one.
pub fn tree(plan: &EntryPlan, cost: &Cost, tokens: &dyn Tokens, beside: Option<&Beside>) -> String {
    let parameters: Vec<&str> = plan.parameters.iter().map(|(name, _)| name.as_str()).collect();
    let mut text = format!("{}({})\n", plan.name, parameters.join(", "));
    Painter { tokens, text: &mut text, role: None, beside }.steps(&plan.steps, "");
    text.push_str(&summary(cost));
    if let Some(beside) = beside {
        let _ = writeln!(text, "  ran      {}", ran(&beside.total));
    }
    text
}

fn summary(cost: &Cost) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "  {name:<8} {value}");
    };
    line("asks", format!("{} times", cost.calls));
    let cached = match cost.cached_share() {
        Some(share) => format!("; {:.1} % come from the cache", share * 100.0),
        None => String::new(),
    };
    line("prompts", format!("{} tokens{cached}", cost.prompt));
    line("reads", format!("{} tokens, {} of them shared by every call", cost.read, cost.shared));
    line("writes", format!("at most {} tokens", cost.written));
    line("holds", format!("at most {} tokens at a time", cost.held));
    text
}

/// What requests came to, beside what was predicted.
fn ran(measured: &Measured) -> String {
    let Measured { asked, prompt, predicted_prompt, cached, predicted_cached, written, forced, written_max } = measured;
    let most = written_max.map(|most| format!(" of at most {most}")).unwrap_or_default();
    let forced = if *forced > 0 { format!(", {forced} of them forced") } else { String::new() };
    format!(
        "asked {asked} times with {prompt} tokens (predicted {predicted_prompt}), {cached} from the cache (predicted \
         {predicted_cached}), wrote {written}{most}{forced}"
    )
}

struct Painter<'a> {
    tokens: &'a dyn Tokens,
    text: &'a mut String,
    role: Option<String>,
    beside: Option<&'a Beside>,
}

impl Painter<'_> {
    fn steps(&mut self, steps: &[Step], indent: &str) {
        for (index, step) in steps.iter().enumerate() {
            let last = index + 1 == steps.len();
            let (knot, below) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            self.step(step, &format!("{indent}{knot}"), &format!("{indent}{below}"));
        }
    }

    fn step(&mut self, step: &Step, at: &str, below: &str) {
        match step {
            Step::Turn { role, steps, .. } if steps.iter().all(is_leaf) => {
                let around = self.tokens.opening(role, self.role.as_deref()) + self.tokens.closing(role);
                self.role = Some(role.clone());
                self.leaves(&format!("{at}{role}"), steps, around);
                self.measured(steps, below);
            }
            Step::Turn { role, steps, .. } => {
                let around = self.tokens.opening(role, self.role.as_deref()) + self.tokens.closing(role);
                self.role = Some(role.clone());
                self.line(&format!("{at}{role}"), "deploy", &around.to_string());
                self.steps(steps, below);
            }
            Step::Text { .. } | Step::Splice { .. } | Step::Hole { .. } | Step::Select { .. } => {
                self.leaves(at.trim_end_matches(' '), std::slice::from_ref(step), 0);
                self.measured(std::slice::from_ref(step), below);
            }
            Step::Tool { name } => self.line(&format!("{at}tool {name}"), "generated", ""),
            Step::Branches { by, forked, width, join, branches, .. } => {
                let from = if *forked { "shares all above" } else { "begins anew" };
                let count = match width {
                    Width::Times(1) => String::new(),
                    Width::Times(count) => format!(" ×{count}"),
                    Width::Symbol(name) => format!(" ×{name}"),
                };
                let join = format!("{join:?}").to_lowercase();
                let join = if join == "all" { String::new() } else { format!(", join {join}") };
                self.line(&format!("{at}{by}{count}: {from}{join}{}", self.turned(step)), "", "");
                let role = self.role.clone();
                match &branches[..] {
                    [only] => self.branch(&only.steps, below, *forked),
                    many => {
                        for (index, branch) in many.iter().enumerate() {
                            self.role.clone_from(&role);
                            let last = index + 1 == many.len();
                            let (knot, deeper) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
                            self.line(&format!("{below}{knot}{}", branch.name), "", "");
                            self.branch(&branch.steps, &format!("{below}{deeper}"), *forked);
                        }
                    }
                }
                self.role = role;
            }
            Step::Repeat { times, steps, .. } => {
                let times = match times {
                    Width::Times(count) => count.to_string(),
                    Width::Symbol(name) => name.clone(),
                };
                self.line(&format!("{at}repeat ×{times}{}", self.turned(step)), "", "");
                self.steps(steps, below);
            }
            Step::Guarded { retries, tokens_max, steps } => {
                let mut what = match retries {
                    Width::Times(0) => "budget".to_string(),
                    Width::Times(count) => format!("tried at most {} times", count + 1),
                    Width::Symbol(name) => format!("tried again at most {name} times"),
                };
                if let Some(most) = tokens_max {
                    let _ = write!(what, " of {most} tokens");
                }
                self.line(&format!("{at}{what}"), "", "");
                self.steps(steps, below);
            }
            Step::Choice { binding, then, otherwise } => {
                self.line(&format!("{at}if"), binding.name(), "");
                let role = self.role.clone();
                let deeper = if otherwise.is_empty() { below.to_string() } else { format!("{below}│  ") };
                self.steps(then, if otherwise.is_empty() { below } else { &deeper });
                if !otherwise.is_empty() {
                    self.line(&format!("{below}else"), "", "");
                    self.role = role;
                    self.steps(otherwise, &format!("{below}   "));
                }
            }
            Step::Again { name } => self.line(&format!("{at}{name}: again, recursively"), "generated", ""),
        }
    }

    /// What holes and choices came to, a line each.
    fn measured(&mut self, steps: &[Step], indent: &str) {
        let Some(beside) = self.beside else { return };
        for step in steps {
            let (Step::Hole { label, .. } | Step::Select { label, .. }) = step else { continue };
            let came_to = beside.of(step).map_or("was not reached".to_string(), ran);
            let _ = writeln!(self.text, "{indent}   $[{label}] {came_to}");
        }
    }

    /// How often a step was repeated in the run.
    fn turned(&self, step: &Step) -> String {
        match self.beside.and_then(|beside| beside.turns(step)) {
            Some((1, turns)) => format!(" (was {turns})"),
            Some((reached, turns)) => format!(" (was {turns} in {reached} times)"),
            None => String::new(),
        }
    }

    fn branch(&mut self, steps: &[Step], indent: &str, forked: bool) {
        if !forked {
            self.role = None;
        }
        self.steps(steps, indent);
    }

    /// Text, splices and holes in one line.
    fn leaves(&mut self, head: &str, steps: &[Step], around: u64) {
        let (mut shown, mut read, mut latest) = (String::new(), Amount::of(around), Binding::Const);
        let mut written = Amount::default();
        for step in steps {
            match step {
                Step::Text { text, .. } => {
                    shown.push_str(text);
                    read += &Amount::of(self.tokens.text(text));
                }
                Step::Splice { of, computed, binding, text, .. } => {
                    latest = latest.max(*binding);
                    match text {
                        Some(text) => {
                            shown.push_str(text);
                            read += &Amount::of(self.tokens.text(text));
                        }
                        None => {
                            let _ = write!(shown, "${{{of}}}");
                            read += &Amount::symbol(&symbol(of, *computed));
                        }
                    }
                }
                Step::Hole { label, shape, max_tokens, .. } => {
                    let most = hole_max(shape, *max_tokens, self.tokens);
                    let _ = write!(shown, "$[{label}]");
                    written += &Amount::of(most);
                    latest = Binding::Generated;
                }
                Step::Select { label, .. } => {
                    let _ = write!(shown, "$[{label}: select]");
                    latest = Binding::Generated;
                }
                _ => {}
            }
        }
        let written = if written == Amount::default() { String::new() } else { format!(", writes ≤ {written}") };
        let shown = shown.replace('\n', "⏎");
        let short: String = shown.chars().take(SHOWN_MAX).collect();
        let more = if short.len() < shown.len() { "…" } else { "" };
        self.line(&format!("{head} {short}{more}"), latest.name(), &format!("{read}{written}"));
    }

    /// A line, cut to its column.
    fn line(&mut self, head: &str, binding: &str, numbers: &str) {
        if binding.is_empty() && numbers.is_empty() {
            let _ = writeln!(self.text, "{head}");
            return;
        }
        let mut head: String = head.to_string();
        if head.chars().count() > TEXT_COLUMNS {
            head = head.chars().take(TEXT_COLUMNS - 1).collect();
            head.push('…');
        }
        let padding = TEXT_COLUMNS - head.chars().count();
        let line = format!("{head}{:padding$}  {binding:<9} {numbers}", "");
        let _ = writeln!(self.text, "{}", line.trim_end());
    }
}

/// Whether a step is text or a hole.
fn is_leaf(step: &Step) -> bool {
    matches!(step, Step::Text { .. } | Step::Splice { .. } | Step::Hole { .. } | Step::Select { .. })
}
