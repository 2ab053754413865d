//! The entry: all modules in, a program and every diagnostic out.

use crate::body;
use crate::declare::{self, Names};
use crate::generic::{Environment, Generic, Instance};
use crate::program::{ConstId, EnumId, FunctionId, GenericId, Program};
use crate::types::Type;
use indexmap::IndexMap;
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
    declare::endless(&mut context);
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
    /// Generic items, and what was made of them.
    pub(crate) generics: Vec<Generic<'a>>,
    pub(crate) instances: IndexMap<(GenericId, Vec<Type>), Instance>,
    /// Generic aliases that are being written out.
    pub(crate) applications_open: usize,
    /// In a hole: what its type has computed, and as which type.
    pub(crate) computed: Option<Vec<(ast::Expression, Type)>>,
    /// The type parameters that are in scope.
    pub(crate) environment: Environment,
    /// Per function: the type parameters of its body.
    pub(crate) environments: Vec<Environment>,
    /// Which shapes of holes any text fits.
    pub(crate) possible: sgl_constrain::Possible,
    /// Enums of calls: of which tools.
    pub(crate) tool_calls: Vec<(Vec<FunctionId>, EnumId)>,
    /// What tools answer in tests.
    pub(crate) tool_mocks: Vec<ToolMock<'a>>,
}

/// What a tool answers in a test.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ToolMock<'a> {
    /// Where the test stands.
    pub(crate) module: usize,
    /// Which test of the program it is, if it is one of the root module.
    pub(crate) test: Option<usize>,
    /// The tool, as it is named there.
    pub(crate) tool: &'a [ast::Name],
    /// The function whose body is the answer.
    pub(crate) gives: FunctionId,
}

/// Where a function's body comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source<'a> {
    Function(&'a ast::Function),
    Test(&'a ast::TestItem),
    /// What an eval does with a row.
    Eval(&'a ast::EvalItem),
    /// One `require` of an eval, and whose rows it judges.
    Gate(&'a ast::EvalItem, &'a ast::Expression, FunctionId),
    /// What a tool gives in a test.
    Answer(&'a ast::Expression),
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
            generics: Vec::new(),
            instances: IndexMap::new(),
            applications_open: 0,
            computed: None,
            environment: Vec::new(),
            environments: Vec::new(),
            possible: sgl_constrain::Possible::default(),
            tool_calls: Vec::new(),
            tool_mocks: Vec::new(),
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
