//! The graph of model calls, from left to right: what stands side by side waits for what is left of it, what stands below one another
//! runs at the same time.

use super::{escape, times};
use crate::step::{Step, Width};
use std::fmt::Write;
use std::rc::Rc;

/// Pixels between boxes.
const GAP: u32 = 24;
/// Pixels of a box's height.
const ROW: u32 = 26;
/// Pixels of one character.
const CHARACTER: u32 = 8;

/// A part of the graph: what is drawn at (0, 0), and how large it is.
enum Part {
    Box {
        label: String,
        tool: bool,
    },
    /// One after the other.
    Row(Vec<Part>),
    /// At the same time.
    Column(Vec<Part>),
    /// What happens several times, or on one condition.
    Group {
        note: String,
        inner: Rc<Part>,
    },
}

/// The graph of these steps; nothing if no model is asked.
pub(super) fn svg(steps: &[Step]) -> String {
    let Some(part) = row(steps) else { return String::new() };
    let (width, height) = part.size();
    let mut text = String::new();
    let (all_width, all_height) = (width + 2, height + 2);
    let _ = write!(
        text,
        "<svg role=\"img\" aria-label=\"graph of model calls\" width=\"{all_width}\" height=\"{all_height}\" \
         viewBox=\"-1 -1 {all_width} {all_height}\">"
    );
    part.draw(0, 0, &mut text);
    text.push_str("</svg>\n");
    text
}

fn row(steps: &[Step]) -> Option<Part> {
    let mut parts: Vec<Part> = steps.iter().filter_map(part).collect();
    match parts.len() {
        0 => None,
        1 => parts.pop(),
        _ => Some(Part::Row(parts)),
    }
}

fn part(step: &Step) -> Option<Part> {
    match step {
        Step::Hole { label, .. } | Step::Select { label, .. } => Some(Part::Box { label: label.clone(), tool: false }),
        Step::Tool { name } => Some(Part::Box { label: name.clone(), tool: true }),
        Step::Again { name } => Some(Part::Box { label: format!("{name} …"), tool: false }),
        Step::Text { .. } | Step::Splice { .. } => None,
        Step::Turn { steps, .. } => row(steps),
        Step::Branches { by, width, branches, .. } => {
            let mut parts: Vec<Part> = branches.iter().filter_map(|branch| row(&branch.steps)).collect();
            let inner = if parts.len() == 1 { parts.pop()? } else { Part::Column(parts) };
            (!matches!(&inner, Part::Column(parts) if parts.is_empty())).then(|| match width {
                Width::Times(1) => inner,
                width => Part::Group { note: format!("{by}{}", times(width)), inner: inner.into() },
            })
        }
        Step::Repeat { times: count, steps, .. } => {
            Some(Part::Group { note: format!("repeat{}", times(count)), inner: row(steps)?.into() })
        }
        Step::Guarded { steps, .. } => Some(Part::Group { note: "guarded".into(), inner: row(steps)?.into() }),
        Step::Choice { then, otherwise, .. } => {
            let parts: Vec<Part> = [then, otherwise].into_iter().filter_map(|steps| row(steps)).collect();
            (!parts.is_empty()).then(|| Part::Group { note: "if".into(), inner: Part::Column(parts).into() })
        }
    }
}

impl Part {
    fn size(&self) -> (u32, u32) {
        match self {
            Self::Box { label, .. } => (width_of(label) + 16, ROW),
            Self::Row(parts) => {
                let sizes: Vec<_> = parts.iter().map(Self::size).collect();
                let gaps = GAP * u32::try_from(parts.len().saturating_sub(1)).unwrap_or(0);
                (
                    sizes.iter().map(|size| size.0).sum::<u32>() + gaps,
                    sizes.iter().map(|size| size.1).max().unwrap_or(0),
                )
            }
            Self::Column(parts) => {
                let sizes: Vec<_> = parts.iter().map(Self::size).collect();
                let gaps = GAP / 2 * u32::try_from(parts.len().saturating_sub(1)).unwrap_or(0);
                (
                    sizes.iter().map(|size| size.0).max().unwrap_or(0),
                    sizes.iter().map(|size| size.1).sum::<u32>() + gaps,
                )
            }
            Self::Group { note, inner } => {
                let (width, height) = inner.size();
                (width.max(width_of(note)) + 20, height + ROW + 8)
            }
        }
    }

    fn draw(&self, x: u32, y: u32, text: &mut String) {
        match self {
            Self::Box { label, tool } => {
                let class = if *tool { "tool" } else { "hole" };
                let (width, _) = self.size();
                let _ = write!(
                    text,
                    "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{ROW}\" rx=\"4\"/>\
                     <text x=\"{}\" y=\"{}\">{}</text>",
                    x + 8,
                    y + 17,
                    escape(label)
                );
            }
            Self::Row(parts) => {
                let (_, whole) = self.size();
                let mut at = x;
                for (index, part) in parts.iter().enumerate() {
                    let (width, height) = part.size();
                    if index > 0 {
                        let middle = y + whole / 2;
                        let _ = write!(text, "<path d=\"M{} {middle}h{GAP}\"/>", at - GAP);
                    }
                    part.draw(at, y + (whole - height) / 2, text);
                    at += width + GAP;
                }
            }
            Self::Column(parts) => {
                let mut at = y;
                for part in parts {
                    part.draw(x, at, text);
                    at += part.size().1 + GAP / 2;
                }
            }
            Self::Group { note, inner } => {
                let (width, height) = self.size();
                let _ = write!(
                    text,
                    "<rect class=\"group\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"6\"/>\
                     <text class=\"note\" x=\"{}\" y=\"{}\">{}</text>",
                    x + 10,
                    y + 17,
                    escape(note)
                );
                inner.draw(x + 10, y + ROW, text);
            }
        }
    }
}

fn width_of(label: &str) -> u32 {
    u32::try_from(label.chars().count()).unwrap_or(u32::MAX / 64).saturating_mul(CHARACTER)
}
