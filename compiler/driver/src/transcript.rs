//! The transcript on the terminal, as it comes: turns by name, generated text apart from literal text.
//!
//! Branches run together. The main transcript streams; a branch's text is kept until the branch's turn closes and is then
//! shown as a whole, under the branch's name.

use crate::report;
use indexmap::IndexMap;
use sgl_protocol::Role;
use sgl_source::render::Colour;
use sgl_vm::{BranchPath, Observer, TextKind};

/// Shows a transcript.
#[derive(Debug)]
pub struct Terminal {
    colour: Colour,
    waiting: IndexMap<String, String>,
    line_open: bool,
}

impl Terminal {
    /// With or without colour.
    pub fn new(colour: Colour) -> Self {
        Self { colour, waiting: IndexMap::new(), line_open: false }
    }

    /// Shows what is still kept, and ends the last line.
    pub fn finish(&mut self) {
        for (branch, text) in std::mem::take(&mut self.waiting) {
            self.show_branch(&branch, &text);
        }
        self.end_line();
    }

    fn write(&mut self, branch: &BranchPath, text: &str) {
        if branch.is_root() {
            self.line_open = !text.ends_with('\n');
            report::piece(text);
        } else {
            self.waiting.entry(branch.to_string()).or_default().push_str(text);
        }
    }

    fn show_branch(&mut self, branch: &str, text: &str) {
        self.end_line();
        let tag = self.paint("2", &format!("[{branch}] "));
        for line in text.lines() {
            report::piece(&format!("{tag}{line}\n"));
        }
    }

    fn end_line(&mut self) {
        if std::mem::take(&mut self.line_open) {
            report::piece("\n");
        }
    }

    fn paint(&self, style: &str, text: &str) -> String {
        match self.colour {
            Colour::On => format!("\u{1b}[{style}m{text}\u{1b}[0m"),
            Colour::Off => text.to_string(),
        }
    }
}

/// The colour of a role's name.
fn style(role: &Role) -> &'static str {
    match role {
        Role::System => "35",
        Role::User => "34",
        Role::Assistant => "32",
        Role::Other(_) => "33",
    }
}

impl Observer for Terminal {
    fn open_role(&mut self, branch: &BranchPath, role: &Role) {
        if branch.is_root() {
            self.end_line();
        }
        let name = self.paint(style(role), role.name());
        self.write(branch, &format!("{name}: "));
    }

    fn close_role(&mut self, branch: &BranchPath) {
        self.write(branch, "\n");
        if let Some(text) = self.waiting.shift_remove(&branch.to_string()) {
            self.show_branch(&branch.to_string(), &text);
        }
    }

    fn text(&mut self, branch: &BranchPath, kind: TextKind, text: &str) {
        let shown = match kind {
            TextKind::Literal => text.to_string(),
            TextKind::Generated => self.paint("1;36", text),
        };
        self.write(branch, &shown);
    }

    fn rewound(&mut self, branch: &BranchPath) {
        // What is on the terminal can't be taken back; that it does not count can be said.
        if branch.is_root() {
            self.end_line();
        }
        let said = self.paint("2", "(a fault: taken back)");
        self.write(branch, &format!("{said}\n"));
    }
}
