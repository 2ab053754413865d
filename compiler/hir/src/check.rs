//! The entry: all modules in, a program and every diagnostic out.

use crate::body;
use crate::declare::{self, Names};
use crate::program::{ConstId, FunctionId, Program};
use crate::types::Type;
use sgl_source::{Diagnostic, FileId, Span};
use sgl_syntax::ast;

/// A parsed module.
#[derive(Clone, Debug)]
pub struct SourceModule {
    /// Its file.
    pub file: FileId,
    /// Its name, for messages: `shots`, `std.stats`.
    pub name: String,
    /// Its tree.
    pub ast: ast::Module,
    /// Where its imports lead: by the place of the path, the key of the module; the empty key is the root.
    pub targets: Vec<(Span, String)>,
}

/// What checking comes to.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The program; to be used only if no diagnostic is an error.
    pub program: Program,
    /// What is wrong.
    pub diagnostics: Vec<Diagnostic>,
}

/// Checks a program: its root module, and the modules that were found for imports, by the key under which they were
/// asked for (a path such as `lib/shots.sgl`, or `std.stats`).
pub fn check(root: &SourceModule, imported: &[(String, SourceModule)]) -> Checked {
    let mut context = Context::new(root, imported);
    declare::names(&mut context);
    declare::signatures(&mut context);
    body::everything(&mut context);
    declare::entries(&mut context);
    let mut diagnostics = context.diagnostics;
    sgl_source::diagnostic::tidy(&mut diagnostics);
    Checked { program: context.program, diagnostics }
}

/// How far a constant has been looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Waiting,
    Underway,
    Done,
}

/// Everything that checking knows and finds.
pub(crate) struct Context<'a> {
    pub(crate) modules: Vec<&'a SourceModule>,
    pub(crate) keys: Vec<String>,
    pub(crate) names: Vec<Names>,
    pub(crate) program: Program,
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Per function: its module and tree.
    pub(crate) functions: Vec<(usize, Source<'a>)>,
    /// Per constant: its module, tree and progress.
    pub(crate) constants: Vec<(usize, &'a ast::Const, Progress)>,
    /// Per alias: its module and tree.
    pub(crate) aliases: Vec<(usize, &'a ast::TypeAlias)>,
    /// Per struct and enum: its module and tree.
    pub(crate) structs: Vec<(usize, &'a ast::Struct)>,
    pub(crate) enums: Vec<(usize, &'a ast::Enum)>,
    pub(crate) aliases_open: Vec<usize>,
}

/// Where a function's body comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source<'a> {
    Function(&'a ast::Function),
    Test(&'a ast::TestItem),
    /// A constant or default: one expression, of a declared type if there is one.
    Value(&'a ast::Expression),
}

impl<'a> Context<'a> {
    fn new(root: &'a SourceModule, imported: &'a [(String, SourceModule)]) -> Self {
        let mut modules = vec![root];
        modules.extend(imported.iter().map(|(_, module)| module));
        let mut keys = vec![String::new()];
        keys.extend(imported.iter().map(|(key, _)| key.clone()));
        let names = modules.iter().map(|_| Names::default()).collect();
        Self {
            modules,
            keys,
            names,
            program: Program::default(),
            diagnostics: Vec::new(),
            functions: Vec::new(),
            constants: Vec::new(),
            aliases: Vec::new(),
            structs: Vec::new(),
            enums: Vec::new(),
            aliases_open: Vec::new(),
        }
    }

    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    pub(crate) fn show(&self, ty: &Type) -> String {
        crate::show(&self.program, ty)
    }

    pub(crate) fn function(&self, id: FunctionId) -> &crate::program::Function {
        &self.program.functions[id.index()]
    }

    pub(crate) fn constant_type(&mut self, id: ConstId) -> Option<Type> {
        body::constant(self, id)
    }
}
