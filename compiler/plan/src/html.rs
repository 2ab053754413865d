//! A plan as one page for a browser: tree, strips of tokens coloured by when they are known, graph of model calls, numbers. The page
//! holds all that it needs, so that it can be sent and read without a network.

mod graph;

use crate::binding::Binding;
use crate::cost::{Cost, Tokens, hole_max};
use crate::step::{EntryPlan, Step, Width};
use crate::trace::{Beside, Measured};
use std::fmt::Write;

const STYLE: &str = include_str!("html/style.css");

/// The page of a program's plans, each with its run if there was one.
pub fn html(file: &str, model: &str, plans: &[(EntryPlan, Cost, Option<Beside>)], tokens: &dyn Tokens) -> String {
    let mut page = String::new();
    let title = escape(file);
    let _ = write!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<title>{title}: plan</title>\n<style>\n{STYLE}</style>\n\
         </head>\n<body>\n<h1>{title}</h1>\n<p class=\"model\">tokens of {}</p>\n<p class=\"legend\">",
        escape(model)
    );
    let all = [Binding::Const, Binding::Build, Binding::Deploy, Binding::Batch, Binding::Call, Binding::Generated];
    for binding in all {
        let _ = write!(page, "<span class=\"{0}\">{0}</span> ", binding.name());
    }
    page.push_str(
        "<span class=\"const shared\">shared by every call</span> <span class=\"generated bound\">constrained</span></p>\n",
    );
    for (plan, cost, beside) in plans {
        entry(&mut page, plan, cost, beside.as_ref(), tokens);
    }
    page.push_str("</body>\n</html>\n");
    page
}

fn entry(page: &mut String, plan: &EntryPlan, cost: &Cost, beside: Option<&Beside>, tokens: &dyn Tokens) {
    let _ = writeln!(page, "<section>\n<h2>{}</h2>", escape(&plan.name));
    page.push_str("<table><tbody>\n");
    let cached = cost.cached_share().map(|share| format!(" ({:.1} % from the cache)", share * 100.0));
    let rows = [
        ("model calls", cost.calls.to_string()),
        ("tokens of prompts", cost.prompt.to_string() + &cached.unwrap_or_default()),
        ("of these read", cost.read.to_string()),
        ("shared by every call", cost.shared.to_string()),
        ("tokens written, at most", cost.written.to_string()),
        ("tokens held at a time, at most", cost.held.to_string()),
    ];
    for (name, value) in rows {
        let _ = writeln!(page, "<tr><th>{name}</th><td>{}</td></tr>", escape(&value));
    }
    page.push_str("</tbody></table>\n");
    if let Some(beside) = beside {
        run(page, &beside.total);
    }
    page.push_str(&graph::svg(&plan.steps));
    Writer { page, tokens, role: None, beside, shared: true }.steps(&plan.steps);
    page.push_str("</section>\n");
}

/// The table of a run: what was predicted, and what happened.
fn run(page: &mut String, total: &Measured) {
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let rows = [
        ("tokens of prompts", total.predicted_prompt.to_string(), total.prompt.to_string()),
        ("of these from the cache", total.predicted_cached.to_string(), total.cached.to_string()),
        ("share", percent(total.predicted_hit_rate()), percent(total.hit_rate())),
        ("tokens written", String::new(), format!("{} ({} of them forced)", total.written, total.forced)),
    ];
    page.push_str(
        "<table class=\"run\"><thead><tr><th>the run</th><th>predicted</th><th>measured</th></tr></thead><tbody>\n",
    );
    for (name, predicted, measured) in rows {
        let _ = writeln!(page, "<tr><th>{name}</th><td>{predicted}</td><td>{measured}</td></tr>");
    }
    page.push_str("</tbody></table>\n");
}

/// Text that stands for itself in HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn times(width: &Width) -> String {
    match width {
        Width::Times(1) => String::new(),
        Width::Times(count) => format!(" × {count}"),
        Width::Symbol(name) => format!(" × {name}"),
    }
}

struct Writer<'a> {
    page: &'a mut String,
    tokens: &'a dyn Tokens,
    role: Option<String>,
    beside: Option<&'a Beside>,
    /// Whether all so far is the same in every call.
    shared: bool,
}

impl Writer<'_> {
    fn steps(&mut self, steps: &[Step]) {
        self.page.push_str("<ul>\n");
        for step in steps {
            self.page.push_str("<li>");
            self.step(step);
            self.page.push_str("</li>\n");
        }
        self.page.push_str("</ul>\n");
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Turn { role, steps, .. } => {
                let opening = self.tokens.opening(role, self.role.as_deref());
                let closing = self.tokens.closing(role);
                self.role = Some(role.clone());
                let _ = write!(self.page, "<div class=\"turn\"><b>{}</b><span class=\"strip\">", escape(role));
                self.piece("deploy", "⟨", &format!("{opening} tokens of the chat template"));
                let (leaves, rest) = steps.split_at(steps.iter().take_while(|step| leaf(step)).count());
                leaves.iter().for_each(|step| self.leaf(step));
                if rest.is_empty() {
                    self.piece("deploy", "⟩", &format!("{closing} tokens of the chat template"));
                }
                self.page.push_str("</span></div>");
                if !rest.is_empty() {
                    self.steps(rest);
                }
            }
            Step::Text { .. } | Step::Splice { .. } | Step::Hole { .. } | Step::Select { .. } => {
                self.page.push_str("<span class=\"strip\">");
                self.leaf(step);
                self.page.push_str("</span>");
            }
            Step::Tool { name } => {
                let _ = write!(self.page, "tool <b>{}</b>", escape(name));
            }
            Step::Branches { by, forked, width, join, branches, .. } => {
                let from = if *forked { "shares all above" } else { "begins anew" };
                let join = format!("{join:?}").to_lowercase();
                let join = if join == "all" { String::new() } else { format!(", join {join}") };
                let _ = write!(
                    self.page,
                    "<details open><summary>{}{} <i>{from}{join}</i></summary>",
                    escape(by),
                    escape(&times(width))
                );
                let role = self.role.clone();
                self.shared = false;
                for branch in branches {
                    self.role = if *forked { role.clone() } else { None };
                    if !branch.name.is_empty() {
                        let _ = write!(self.page, "<p>{}</p>", escape(&branch.name));
                    }
                    self.steps(&branch.steps);
                }
                self.role = role;
                self.page.push_str("</details>");
            }
            Step::Repeat { times: count, steps, .. } => self.inner(&format!("repeat{}", times(count)), steps),
            Step::Guarded { retries, tokens_max, steps } => {
                let most = tokens_max.map(|most| format!(", at most {most} tokens")).unwrap_or_default();
                let again = match retries {
                    Width::Times(0) => String::new(),
                    Width::Times(count) => format!(", again at most {count} times"),
                    Width::Symbol(name) => format!(", again at most {name} times"),
                };
                self.inner(&format!("guarded{again}{most}"), steps);
            }
            Step::Choice { binding, then, otherwise } => {
                let role = self.role.clone();
                self.inner(&format!("if, known at {}", binding.name()), then);
                if !otherwise.is_empty() {
                    self.role = role;
                    self.inner("else", otherwise);
                }
            }
            Step::Again { name } => {
                let _ = write!(self.page, "{} again, recursively", escape(name));
            }
        }
    }

    fn inner(&mut self, summary: &str, steps: &[Step]) {
        self.shared = false;
        let _ = write!(self.page, "<details open><summary>{}</summary>", escape(summary));
        self.steps(steps);
        self.page.push_str("</details>");
    }

    fn leaf(&mut self, step: &Step) {
        match step {
            Step::Text { text, .. } => {
                let title = format!("{} tokens, const", self.tokens.text(text));
                self.piece("const", text, &title);
            }
            Step::Splice { of, binding, text, .. } => {
                let shown = text.clone().unwrap_or_else(|| format!("${{{of}}}"));
                self.piece(binding.name(), &shown, binding.name());
            }
            Step::Hole { label, max_tokens, shape, .. } => {
                let most = hole_max(shape, *max_tokens, self.tokens);
                let kind = if shape.is_free_text() { "free text" } else { "constrained" };
                let class = if shape.is_free_text() { "generated" } else { "generated bound" };
                self.piece(class, &format!("$[{label}]"), &format!("{kind}, at most {most} tokens"));
                self.came_to(step);
            }
            Step::Select { label, .. } => {
                self.piece("generated", &format!("$[{label}]"), "a choice by probability");
                self.came_to(step);
            }
            _ => {}
        }
    }

    /// What a hole came to in the run.
    fn came_to(&mut self, step: &Step) {
        let Some(measured) = self.beside.and_then(|beside| beside.of(step)) else { return };
        let Measured { asked, prompt, predicted_prompt, cached, predicted_cached, written, .. } = measured;
        let shown = format!("{asked}×: {cached} of {prompt} from the cache, {written} written");
        let title = format!("predicted: {predicted_cached} of {predicted_prompt}");
        self.piece("came", &shown, &title);
    }

    fn piece(&mut self, class: &str, text: &str, title: &str) {
        self.shared &= ["const", "build", "deploy", "batch"].contains(&class);
        let shared = if self.shared { " shared" } else { "" };
        let text = escape(text).replace('\n', "⏎<br>");
        let _ = write!(self.page, "<span class=\"{class}{shared}\" title=\"{}\">{text}</span>", escape(title));
    }
}

fn leaf(step: &Step) -> bool {
    matches!(step, Step::Text { .. } | Step::Splice { .. } | Step::Hole { .. } | Step::Select { .. })
}
