//! The whole image.

use crate::function::FunctionEmitter;
use crate::tables::Tables;
use sgl_ir::Program;
use sgl_ir::program::Named;
use sgl_protocol::Shape;
use sgl_source::{Code, Diagnostic, Files, Span};
use sgl_vm::image::{
    DataFormat, Entry, EntryParameter, EnumType, Eval, Function, Gate, Image, Model, Place, RecordType, Test, Tool,
    VariantType,
};

/// The image of a plan. An error only if a function needs more registers than there are.
pub fn emit(program: &Program, files: &Files) -> Result<Image, Box<Diagnostic>> {
    let empty = Function { name: String::new(), parameters: 0, registers: 0, code: Vec::new(), places: Vec::new() };
    let mut tables = Tables { functions: vec![empty; program.functions.len()], ..Tables::default() };
    for (index, function) in program.functions.iter().enumerate() {
        let mut emitter = FunctionEmitter::new(&mut tables, function.span);
        for parameter in &function.parameters {
            emitter.parameter(*parameter);
        }
        emitter.region(&function.body);
        let emitted = emitter.finish(function.name.clone()).map_err(|()| too_large(&function.name, function.span))?;
        tables.functions[index] = emitted;
    }
    let record = |(name, fields): &Named| RecordType { name: name.clone(), fields: fields.clone() };
    let variant = |(name, fields): &Named| VariantType { name: name.clone(), fields: fields.clone() };
    let of_enum = |(name, variants): &(String, Vec<Named>)| EnumType {
        name: name.clone(),
        variants: variants.iter().map(variant).collect(),
    };
    let entries = program.entries.iter().map(|entry| Entry {
        name: entry.name.clone(),
        doc: entry.doc.clone(),
        function: entry.function,
        prompt: program.functions[entry.function as usize].prompt,
        parameters: entry
            .parameters
            .iter()
            .map(|(name, doc, shape, default)| EntryParameter {
                name: name.clone(),
                doc: doc.clone(),
                shape: shape.clone(),
                default: *default,
            })
            .collect(),
        result: entry.result.clone().unwrap_or(Shape::Null),
        uses: entry.uses.clone(),
    });
    let tests = program.tests.iter().map(|test| Test {
        name: test.name.clone(),
        function: test.function,
        mocks: test.mocks.clone(),
        tools: test.tools.clone(),
        at: place(program.functions[test.function as usize].span),
    });
    Ok(Image {
        files: files.ids().map(|id| files.name(id).to_string()).collect(),
        lines: files.ids().map(|id| line_starts(files.text(id))).collect(),
        records: program.records.iter().map(record).collect(),
        enums: program.enums.iter().map(of_enum).collect(),
        entries: entries.collect(),
        tests: tests.collect(),
        evals: program.evals.iter().map(|eval| of_eval(program, eval)).collect(),
        texts: tables.texts.into_iter().collect(),
        shapes: tables.shapes.into_iter().collect(),
        holes: tables.holes,
        functions: tables.functions,
        models: program
            .models
            .iter()
            .map(|(name, of, span)| Model { name: name.clone(), of: of.clone(), at: place(*span) })
            .collect(),
        tools: program.tools.iter().map(tool).collect(),
        native: sgl_vm::NativeCode::default(),
    })
}

fn tool(tool: &sgl_ir::program::Tool) -> Tool {
    Tool {
        name: tool.name.clone(),
        uses: tool.uses.clone(),
        parameters: tool.parameters.clone(),
        result: tool.result.clone(),
        at: place(tool.span),
    }
}

fn of_eval(program: &Program, eval: &sgl_ir::program::Eval) -> Eval {
    let gate = |function: &u32| Gate { function: *function, at: place(program.functions[*function as usize].span) };
    Eval {
        name: eval.name.clone(),
        function: eval.function,
        row: eval.row.clone(),
        format: match eval.format {
            sgl_hir::program::DataFormat::JsonLines => DataFormat::JsonLines,
            sgl_hir::program::DataFormat::Csv => DataFormat::Csv,
        },
        data: eval.data.clone(),
        seeds: eval.seeds,
        metrics: eval.metrics.clone(),
        gates: eval.gates.iter().map(gate).collect(),
        at: place(eval.span),
    }
}

/// The byte at which each line begins.
fn line_starts(text: &str) -> Vec<u32> {
    let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
    std::iter::once(0).chain(ends.map(|(at, _)| crate::tables::number(at + 1))).collect()
}

fn too_large(name: &str, span: Span) -> Box<Diagnostic> {
    Box::new(
        Diagnostic::error(Code::E0601, format!("`{name}` holds more values than a function may"), span, "too large")
            .with_note("a function has at most 65,535 registers")
            .with_help("move a part of it into a function of its own"),
    )
}

/// A span as the image has it.
pub(crate) fn place(span: Span) -> Place {
    Place { file: span.file.0, start: span.start, end: span.end }
}
