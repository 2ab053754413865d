//! From meaning to plan. The program has no errors; this judges nothing.

mod expression;
mod pattern;
mod prompt;
mod statement;

use crate::program::{Constant, Entry, Eval, Function, Instruction, Op, Program, Region, Slot, Test, Tool, Value};
use indexmap::IndexSet;
use rustc_hash::FxHashMap;
use sgl_hir::program as hir;
use sgl_hir::{Type, shape_of};
use sgl_protocol::Shape;
use sgl_source::Span;

/// The plan of a checked program.
pub fn lower(source: &hir::Program) -> Program {
    let mut records = Records::default();
    for declared in &source.structs {
        let fields = declared.fields.iter().map(|f| f.generated.clone()).collect();
        // Struct ids are record ids: no two structs share one, even of the same name.
        records.0.insert((declared.name.clone(), fields, records.0.len()));
    }
    let enums = source
        .enums
        .iter()
        .map(|declared| {
            let fields = |v: &hir::Variant| v.fields.iter().map(|f| f.generated.clone()).collect();
            let variant = |v: &hir::Variant| (v.generated.clone(), fields(v));
            (declared.name.clone(), declared.variants.iter().map(variant).collect())
        })
        .collect();
    let bound: Vec<usize> = (0..source.functions.len()).filter(|id| source.functions[*id].bound).collect();
    let functions = source.functions.iter().enumerate().map(|(id, function)| {
        let tool = bound.iter().position(|bound| *bound == id);
        lower_function(source, function, tool, &mut records)
    });
    let functions = functions.collect();
    let entries: Vec<Entry> = source.entries.iter().map(|id| entry(source, *id)).collect();
    for entry in &entries {
        let shapes = entry.parameters.iter().map(|(_, _, shape, _)| shape);
        shapes.chain(&entry.result).for_each(|shape| records.of_shape(shape));
    }
    // What comes from outside: rows, and what a `require` reads of a metric.
    for eval in &source.evals {
        let row = &source.functions[eval.function.index()].parameters;
        row.iter().filter_map(|parameter| parameter.shape.as_ref()).for_each(|shape| records.of_shape(shape));
    }
    if !source.evals.is_empty() {
        records.anonymous(sgl_hir::STATISTICS.iter().map(|name| (*name).to_string()).collect());
    }
    Program {
        records: records.0.into_iter().map(|(name, fields, _)| (name, fields)).collect(),
        enums,
        functions,
        entries,
        models: source.models.iter().map(|m| (m.name.clone(), m.of.clone(), m.span)).collect(),
        tools: bound.iter().map(|id| tool(source, &source.functions[*id])).collect(),
        constants: source.constants.iter().map(|c| (c.name.clone(), c.function.0)).collect(),
        evals: source.evals.iter().map(|eval| lower_eval(source, eval)).collect(),
        tests: source.tests.iter().map(|test| lower_test(test, &bound)).collect(),
    }
}

/// The plan of a test; `bound` are the functions that are tools, in their order.
fn lower_test(test: &hir::Test, bound: &[usize]) -> Test {
    let number = |tool: hir::FunctionId| bound.iter().position(|bound| *bound == tool.index());
    let tools = test.tools.iter().filter_map(|(tool, gives)| Some((u32::try_from(number(*tool)?).ok()?, gives.0)));
    Test { name: test.name.clone(), function: test.function.0, mocks: test.mocks.clone(), tools: tools.collect() }
}

fn lower_eval(source: &hir::Program, eval: &hir::Eval) -> Eval {
    let row = source.functions[eval.function.index()].parameters.first().and_then(|p| p.shape.clone());
    Eval {
        name: eval.name.clone(),
        function: eval.function.0,
        row: row.expect("the checker refuses rows that data can't hold"),
        gates: eval.gates.iter().map(|gate| gate.0).collect(),
        format: eval.format,
        data: eval.data.clone(),
        seeds: eval.seeds,
        metrics: eval.metrics.clone(),
        span: eval.span,
    }
}

/// Record types: name, fields, and for structs which one.
#[derive(Default)]
struct Records(IndexSet<(String, Vec<String>, usize)>);

impl Records {
    /// The anonymous record type with these fields.
    fn anonymous(&mut self, fields: Vec<String>) -> u32 {
        let (index, _) = self.0.insert_full((String::new(), fields, usize::MAX));
        u32::try_from(index).expect("fewer record types than bytes of source")
    }

    /// The anonymous record types that values read by a shape may have.
    fn of_shape(&mut self, shape: &Shape) {
        if let Shape::Record { name, fields } = shape
            && name.is_empty()
        {
            self.anonymous(fields.iter().map(|field| field.name.clone()).collect());
        }
        shape.parts().into_iter().for_each(|part| self.of_shape(part));
    }
}

fn entry(source: &hir::Program, id: hir::FunctionId) -> Entry {
    let function = &source.functions[id.index()];
    let parameters = function
        .parameters
        .iter()
        .filter_map(|p| {
            let shape = p.shape.clone()?;
            Some((function.locals[p.local.index()].name.clone(), p.doc.clone(), shape, p.default.map(|f| f.0)))
        })
        .collect();
    Entry {
        name: function.name.clone(),
        doc: function.doc.clone(),
        function: id.0,
        parameters,
        result: shape_of(source, &function.result).ok(),
        uses: function.uses.clone(),
    }
}

fn tool(source: &hir::Program, function: &hir::Function) -> Tool {
    let parameters = function.parameters.iter().map(|p| function.locals[p.local.index()].name.clone()).collect();
    let result = shape_of(source, &function.result).expect("the checker made sure that a tool's result has a shape");
    Tool { name: function.name.clone(), uses: function.uses.clone(), parameters, result, span: function.span }
}

/// The plan of a function; of a tool that is bound outside the program, which of them it is.
fn lower_function(
    source: &hir::Program,
    function: &hir::Function,
    tool: Option<usize>,
    records: &mut Records,
) -> Function {
    let mut lowering = Lowering {
        source,
        function,
        records,
        places: FxHashMap::default(),
        variables: Vec::new(),
        values: 0,
        slots: 0,
        regions: vec![Region::default()],
        open: Vec::new(),
        loops: Vec::new(),
        bodies: Vec::new(),
        span: function.span,
    };
    let mut parameters = Vec::new();
    for parameter in &function.parameters {
        let value = lowering.fresh();
        lowering.places.insert(parameter.local, Place::Value(value));
        parameters.push(value);
    }
    match tool {
        Some(tool) => {
            let tool = u32::try_from(tool).expect("fewer tools than bytes of source");
            let value = lowering.emit(Op::CallTool(tool, parameters.clone()));
            lowering.effect(Op::Return(value));
        }
        None => {
            lowering.block(&function.body);
        }
    }
    let body = lowering.regions.pop().expect("the function's own region");
    Function {
        name: function.name.clone(),
        prompt: function.effect == hir::Effect::Prompt,
        parameters,
        values: lowering.values,
        slots: lowering.slots,
        body,
        span: function.span,
    }
}

/// Where a local is.
#[derive(Clone, Copy, Debug)]
enum Place {
    Value(Value),
    Slot(Slot),
}

/// What has to be closed on the way out.
#[derive(Clone, Copy, Debug)]
enum Open {
    Role,
    Guard,
}

struct Lowering<'a> {
    source: &'a hir::Program,
    function: &'a hir::Function,
    records: &'a mut Records,
    places: FxHashMap<hir::LocalId, Place>,
    /// `var`s that the regions which are open have bound, in order: those that were stored here.
    variables: Vec<hir::LocalId>,
    values: u32,
    slots: u32,
    regions: Vec<Region>,
    /// Turns and guards that are open here, since the innermost body began.
    open: Vec<Open>,
    /// Per loop of the innermost body: how many were open around it.
    loops: Vec<usize>,
    /// `open` and `loops` of the bodies around.
    bodies: Vec<(Vec<Open>, Vec<usize>)>,
    span: Span,
}

impl Lowering<'_> {
    fn fresh(&mut self) -> Value {
        self.values += 1;
        Value(self.values - 1)
    }

    fn slot(&mut self) -> Slot {
        self.slots += 1;
        Slot(self.slots - 1)
    }

    /// An instruction that defines a value.
    fn emit(&mut self, op: Op) -> Value {
        let value = self.fresh();
        self.push(vec![value], op);
        value
    }

    /// An instruction for its effect.
    fn effect(&mut self, op: Op) {
        self.push(Vec::new(), op);
    }

    fn push(&mut self, results: Vec<Value>, op: Op) {
        let span = self.span;
        let region = self.regions.last_mut().expect("there is a region");
        region.instructions.push(Instruction { results, op, span });
    }

    /// What `fill` emits, as a region of its own.
    fn region(&mut self, fill: impl FnOnce(&mut Self)) -> Region {
        let span = self.span;
        self.regions.push(Region::default());
        let variables = self.variables.len();
        fill(self);
        self.span = span;
        self.variables.truncate(variables);
        self.regions.pop().expect("just pushed")
    }

    fn constant(&mut self, constant: Constant) -> Value {
        self.emit(Op::Constant(constant))
    }

    /// A body that runs as a function of its own: `var`s around it are seen as they are now.
    fn body(&mut self, parameters: Vec<Value>, fill: impl FnOnce(&mut Self)) -> crate::program::Body {
        let before = self.places.clone();
        for local in self.variables.clone() {
            if let Some(Place::Slot(slot)) = self.places.get(&local).copied() {
                let value = self.emit(Op::Load(slot));
                self.places.insert(local, Place::Value(value));
            }
        }
        let open = std::mem::take(&mut self.open);
        let loops = std::mem::take(&mut self.loops);
        self.bodies.push((open, loops));
        let region = self.region(fill);
        (self.open, self.loops) = self.bodies.pop().expect("just pushed");
        self.places = before;
        crate::program::Body { parameters, region }
    }

    fn read(&mut self, local: hir::LocalId) -> Value {
        match self.places.get(&local) {
            Some(Place::Value(value)) => *value,
            Some(Place::Slot(slot)) => {
                let slot = *slot;
                self.emit(Op::Load(slot))
            }
            // Metadata of a hole that was never reached, and the like: the checker bound it before use.
            None => self.constant(Constant::Unit),
        }
    }

    /// Binds a local to a value: a `var` gets a slot.
    fn bind(&mut self, local: hir::LocalId, value: Value) {
        if self.function.locals[local.index()].mutable {
            let slot = self.slot();
            self.effect(Op::Store(slot, value));
            self.places.insert(local, Place::Slot(slot));
            self.variables.push(local);
        } else {
            self.places.insert(local, Place::Value(value));
        }
    }

    /// The record type of faults.
    fn fault_record(&mut self) -> u32 {
        self.records.anonymous(["kind", "message", "span"].map(str::to_string).to_vec())
    }

    fn anonymous_record(&mut self, ty: &Type) -> u32 {
        let fields = match ty {
            Type::Record(fields) => fields.iter().map(|(name, _)| name.clone()).collect(),
            _ => Vec::new(),
        };
        self.records.anonymous(fields)
    }
}
