//! Text to image: every module is read and parsed, then all are checked, lowered and emitted together.

use crate::arguments::Stage;
use crate::project::Project;
use crate::sources::{Disk, Sources, relative};
use crate::testing::mock;
use crate::{Outcome, report};
use sgl_analysis::{HoleFact, Subject};
use sgl_hir::SourceModule;
use sgl_source::{Code, Diagnostic, FileId, Files, Span, did_you_mean};
use sgl_vm::Carried;
use sgl_vm::image::Image;

/// Most modules of one program.
const MODULES_MAX: usize = 1_000;

/// A program at every stage it reached, and all that was found on the way.
#[derive(Debug)]
pub struct Compiled {
    /// Texts and their names; the root file is the first.
    pub files: Files,
    /// The root module's tree.
    pub root: sgl_syntax::ast::Module,
    /// Its project file.
    pub project: Project,
    /// Every diagnostic, by place.
    pub diagnostics: Vec<Diagnostic>,
    /// The checked program, if it has no errors.
    pub hir: Option<sgl_hir::Program>,
    /// Its plan.
    pub ir: Option<sgl_ir::Program>,
    /// Its image.
    pub image: Option<Image>,
    /// Constraints that came with the image.
    pub constraints: Vec<Carried>,
}

impl Compiled {
    /// The text form of a stage's product, if the program got there.
    pub fn dump(&self, stage: Stage) -> Option<String> {
        match stage {
            Stage::Tokens => Some(sgl_syntax::dump::tokens(self.files.text(FileId(0)))),
            Stage::Ast => Some(sgl_syntax::dump::module(&self.root)),
            Stage::Hir => self.hir.as_ref().map(sgl_hir::dump),
            Stage::Ir => self.ir.as_ref().map(sgl_ir::print),
            Stage::Image => self.image.as_ref().map(sgl_vm::disassemble),
        }
    }
}

/// Compiles the program whose root file is `name`. An error only if that file can't be read.
pub fn compile(sources: &dyn Sources, name: &str) -> Result<Compiled, String> {
    let mut files = Files::default();
    let text = sources.read(name)?;
    let root_file = files.add(name, text);
    let mut modules = Modules { sources, files, parsed: Vec::new(), diagnostics: Vec::new() };
    let stem = name.rsplit('/').next().unwrap_or_default().trim_end_matches(".sgl");
    modules.parse(root_file, relative(name, &format!("./{stem}")));
    modules.load_imports();
    let Modules { mut files, mut parsed, mut diagnostics, .. } = modules;
    let (project, faults) = Project::of(name, sources, &mut files);
    diagnostics.extend(faults);
    let root = parsed.remove(0);
    let checked = sgl_hir::check(&root.1, &parsed);
    let unread: Vec<Span> = diagnostics.iter().filter(|d| d.is_error()).map(|d| d.labels[0].span).collect();
    diagnostics.extend(checked.diagnostics.into_iter().filter(|d| !is_echo(d, &unread)));
    if diagnostics.iter().any(Diagnostic::is_error) {
        // What an error leaves unread or unused is its echo.
        diagnostics.retain(Diagnostic::is_error);
    }
    sgl_source::diagnostic::tidy(&mut diagnostics);
    let (root, constraints) = (root.1.ast, Vec::new());
    let mut compiled = Compiled { files, root, project, diagnostics, hir: None, ir: None, image: None, constraints };
    if compiled.diagnostics.iter().any(Diagnostic::is_error) {
        return Ok(compiled);
    }
    let plan = sgl_ir::optimize(sgl_ir::lower(&checked.program));
    match sgl_codegen::emit(&plan, &compiled.files) {
        Ok(mut image) => {
            compiled.diagnostics.extend(sgl_codegen::fold(&plan, &mut image));
            compiled.diagnostics.extend(mock::check(&compiled, &image));
            compiled.diagnostics.extend(advice(&compiled, &image));
            sgl_source::diagnostic::tidy(&mut compiled.diagnostics);
            compiled.image = Some(image);
        }
        Err(diagnostic) => compiled.diagnostics.push(*diagnostic),
    }
    if compiled.diagnostics.iter().any(Diagnostic::is_error) {
        compiled.diagnostics.retain(Diagnostic::is_error);
        compiled.image = None;
        return Ok(compiled);
    }
    compiled.hir = Some(checked.program);
    compiled.ir = Some(plan);
    Ok(compiled)
}

/// Compiles a program from disk for a command; why it can't be read is reported.
pub(crate) fn from_disk(file: &str) -> Result<Compiled, Outcome> {
    compile(&Disk, file).map_err(|message| {
        report::error(&message);
        Outcome::Failed
    })
}

/// What the lints say of the root module.
fn advice(compiled: &Compiled, image: &Image) -> Vec<Diagnostic> {
    let root = FileId(0);
    let holes: Vec<HoleFact> = image
        .holes
        .iter()
        .filter(|hole| hole.at.file == root.0)
        .map(|hole| HoleFact {
            span: Span { file: root, start: hole.at.start, end: hole.at.end },
            shape: hole.shape.clone(),
        })
        .collect();
    let subject = Subject { module: &compiled.root, file: root, text: compiled.files.text(root), holes: &holes };
    sgl_analysis::lint(&subject)
}

/// Whether a body is only said to lack an end because a part of it could not be read.
fn is_echo(diagnostic: &Diagnostic, unread: &[Span]) -> bool {
    let body = diagnostic.labels[0].span;
    matches!(diagnostic.code, Code::E0308 | Code::E0405) && unread.iter().any(|span| body.contains(*span))
}

/// Modules as they are found, by the key under which others import them.
struct Modules<'a> {
    sources: &'a dyn Sources,
    files: Files,
    parsed: Vec<(String, SourceModule)>,
    diagnostics: Vec<Diagnostic>,
}

impl Modules<'_> {
    fn parse(&mut self, file: FileId, key: String) {
        let text = self.files.text(file).clone();
        let parsed = sgl_syntax::parse(file, &text);
        self.diagnostics.extend(parsed.diagnostics);
        let name = key.rsplit('/').next().unwrap_or_default().trim_end_matches(".sgl").to_string();
        self.parsed.push((key, SourceModule { file, name, ast: parsed.module, targets: Vec::new() }));
    }

    /// Reads what is imported, breadth first, each module once.
    fn load_imports(&mut self) {
        let mut next = 0;
        while next < self.parsed.len() && self.parsed.len() < MODULES_MAX {
            let importer = self.files.name(self.parsed[next].1.file).to_string();
            for import in sgl_hir::imports(&self.parsed[next].1.ast) {
                let key = if import.relative { relative(&importer, &import.path) } else { import.path.clone() };
                let leads = if key == self.parsed[0].0 { String::new() } else { key.clone() };
                self.parsed[next].1.targets.push((import.span, leads));
                if self.parsed.iter().any(|(known, _)| *known == key) {
                    continue;
                }
                let text = if import.relative {
                    self.sources.read(&key)
                } else {
                    sgl_stdlib::module(&key).map(str::to_string).ok_or_else(String::new)
                };
                match text {
                    Ok(text) => {
                        let name = if import.relative { key.clone() } else { format!("{key}.sgl") };
                        let file = self.files.add(name, text);
                        self.parse(file, key);
                    }
                    Err(_) => self.diagnostics.push(self.unknown(&import)),
                }
            }
            next += 1;
        }
    }

    fn unknown(&self, import: &sgl_hir::ImportRequest) -> Diagnostic {
        let near = if import.relative {
            let siblings = self.sources.siblings(&import.path);
            let wanted = import.path.rsplit('/').next().unwrap_or_default().to_string();
            let names: Vec<String> = siblings.iter().map(|s| s.trim_end_matches(".sgl").to_string()).collect();
            did_you_mean(&wanted, names.iter().map(String::as_str)).map(|near| format!("./{near}"))
        } else {
            did_you_mean(&import.path, sgl_stdlib::MODULES.iter().map(|(name, _)| *name)).map(str::to_string)
        };
        let label = if import.relative { "there is no such file" } else { "the standard library has no such module" };
        Diagnostic::error(Code::E0204, format!("unknown module `{}`", import.path), import.span, label)
            .with_help_if(near.map(|near| format!("did you mean `{near}`?")))
    }
}
