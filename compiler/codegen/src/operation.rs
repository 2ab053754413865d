//! One instruction of the plan as instructions of the machine.

use crate::emit::place;
use crate::function::FunctionEmitter;
use sgl_hir::program::{BinaryOp, MetadataKind, SelectBy};
use sgl_ir::program::{Attempt, Constant, Guard, Hole, Instruction, Join, Limits, Op, Report, Start, Value};
use sgl_protocol::{Role, Shape};
use sgl_vm::image::{self, Binary, GuardKind, HoleOptions, JoinPolicy, Metadata, Op as Code, Register};

impl FunctionEmitter<'_> {
    pub(crate) fn instruction(&mut self, instruction: &Instruction) {
        let get = |this: &Self, value: &Value| this.get(*value);
        // Control and effects first: they define nothing here, or define it themselves.
        match &instruction.op {
            Op::If(condition, then, otherwise) => {
                let condition = self.get(*condition);
                return self.branch(condition, then, otherwise);
            }
            Op::Loop(region) => return self.repeat(region),
            Op::Each(over, element, region) => {
                let over = self.get(*over);
                return self.each(over, *element, region);
            }
            Op::Break => return self.leave_loop(false),
            Op::Continue => return self.leave_loop(true),
            Op::Return(value) | Op::Yield(value) => {
                let value = self.get(*value);
                self.push(Code::Return { value });
                return;
            }
            Op::Store(slot, value) => {
                let from = self.get(*value);
                let to = self.slot(*slot);
                self.push(Code::Copy { to, from });
                return;
            }
            Op::Push(slot, value) => {
                let item = self.get(*value);
                let list = self.slot(*slot);
                self.push(Code::Push { list, item });
                return;
            }
            Op::OpenRole(role) => {
                let role = match *role {
                    "system" => Role::System,
                    "user" => Role::User,
                    _ => Role::Assistant,
                };
                self.push(Code::OpenRole { role });
                return;
            }
            Op::OpenNamedRole(role) => {
                let role = self.get(*role);
                self.push(Code::OpenNamedRole { role });
                return;
            }
            Op::CloseRole => {
                self.push(Code::CloseRole);
                return;
            }
            Op::Append(text) => {
                let text = self.tables.text(text);
                self.push(Code::Append { text });
                return;
            }
            Op::AppendImage(value) => {
                let of = self.get(*value);
                self.push(Code::AppendImage { of });
                return;
            }
            Op::AppendValue(value) => {
                let of = self.get(*value);
                self.push(Code::AppendValue { of });
                return;
            }
            Op::Snapshot(value) => {
                let of = get(self, value);
                self.push(Code::Snapshot { of });
                return;
            }
            Op::Assert(condition, text, compared) => {
                let condition = self.get(*condition);
                let text = self.tables.text(text);
                let compared = compared.map(|(left, right)| (get(self, &left), get(self, &right)));
                self.push(Code::Assert { condition, text, compared });
                return;
            }
            Op::Attempt(attempt) => return self.attempt(attempt),
            Op::OpenGuard(guard) => {
                let kind = match guard {
                    Guard::Retry(times) => GuardKind::Retry { times: self.get(*times) },
                    Guard::Budget(limits) => self.budget(limits),
                };
                let to = self.register();
                self.push(Code::Guard { kind, to, record: 0, handler: None });
                return;
            }
            Op::CloseGuard => {
                self.push(Code::Unguard);
                return;
            }
            Op::Fail(value) => {
                let message = self.get(*value);
                self.push(Code::Fail { message });
                return;
            }
            Op::NoMatch(value) => {
                let of = self.get(*value);
                self.push(Code::NoMatch { of });
                return;
            }
            _ => {}
        }
        let code = match &instruction.op {
            Op::Generate(hole, options, kinds) => {
                let set = options.iter().map(|(option, value)| (option.name().to_string(), self.get(*value))).collect();
                let hole = self.hole(hole);
                let to = self.result(instruction, 0);
                let metadata = kinds
                    .iter()
                    .enumerate()
                    .map(|(index, kind)| (metadata(*kind), self.result(instruction, index + 1)))
                    .collect();
                Code::Generate { to, hole, options: HoleOptions { set }, metadata }
            }
            Op::Select(options, by, label, model) => {
                let options = self.get(*options);
                let planned = Hole {
                    label: label.clone(),
                    shape: Shape::free_text(),
                    model: model.clone(),
                    follow: String::new(),
                    max_tokens: None,
                };
                let hole = self.hole(&planned);
                let by = match by {
                    SelectBy::Mean => image::SelectBy::Mean,
                    SelectBy::Greedy => image::SelectBy::Greedy,
                    SelectBy::Pmi => image::SelectBy::Pmi,
                };
                let to = self.result(instruction, 0);
                Code::Select { to, hole, options, by, metadata: Vec::new() }
            }
            Op::Closure(body) => {
                let (function, captures) = self.body("closure", body);
                Code::Closure { to: self.result(instruction, 0), function, captures }
            }
            Op::Scratch(start, body) => {
                let (function, arguments) = self.body("scratch", body);
                let start = self.start(*start);
                Code::Spawn { to: self.result(instruction, 0), function, arguments, start }
            }
            Op::Fork(over, body, join) => {
                let (function, captures) = self.body("fork", body);
                let (over, join) = (self.get(*over), self.join(join));
                Code::ForkEach { to: self.result(instruction, 0), function, captures, over, join }
            }
            Op::ForkNamed(bodies, record, join) => {
                // All branches share one list of captures: a branch ignores what it does not use.
                let all = sgl_ir::program::Body {
                    parameters: Vec::new(),
                    region: sgl_ir::program::Region {
                        instructions: bodies.iter().flat_map(|(_, body)| body.region.instructions.clone()).collect(),
                    },
                };
                let shared = sgl_ir::captures(&all);
                let captures = self.all(&shared);
                let functions = bodies.iter().map(|(name, body)| self.named_branch(name, &shared, body)).collect();
                let join = self.join(join);
                Code::ForkNamed { to: self.result(instruction, 0), functions, captures, record: *record, join }
            }
            Op::Report(function, arguments, report) => {
                let arguments = self.all(arguments);
                let report = match report {
                    Report::Transcript => image::Report::Transcript,
                    Report::Shared(branches) => image::Report::Shared(get(self, branches)),
                };
                Code::Report { to: self.result(instruction, 0), function: *function, arguments, report }
            }
            Op::Spawn(function, arguments, start) => {
                let (arguments, start) = (self.all(arguments), self.start(*start));
                Code::Spawn { to: self.result(instruction, 0), function: *function, arguments, start }
            }
            other => {
                let to = self.result(instruction, 0);
                self.plain(other, to, get)
            }
        };
        self.push(code);
    }

    /// The register of one of the instruction's results; one that nobody names is made up.
    fn result(&mut self, instruction: &Instruction, index: usize) -> Register {
        match instruction.results.get(index) {
            Some(value) => self.define(*value),
            None => self.register(),
        }
    }

    fn named_branch(&mut self, name: &str, shared: &[Value], body: &sgl_ir::program::Body) -> u32 {
        let with_all = sgl_ir::program::Body { parameters: shared.to_vec(), region: body.region.clone() };
        self.body(name, &with_all).0
    }

    /// An operation with one result and no region.
    fn plain(&mut self, op: &Op, to: Register, get: impl Fn(&Self, &Value) -> Register) -> Code {
        match op {
            Op::Constant(constant) => match constant {
                Constant::Unit => Code::Unit { to },
                Constant::None => Code::None { to },
                Constant::Unknown => Code::Unknown { to },
                Constant::Bool(value) => Code::Bool { to, value: *value },
                Constant::Int(value) => Code::Int { to, value: *value },
                Constant::Float(value) => Code::Float { to, value: *value },
                Constant::Text(text) => Code::Text { to, text: self.tables.text(text) },
            },
            Op::List(items) => Code::List { to, items: self.all(items) },
            Op::Map(pairs) => {
                Code::Map { to, pairs: pairs.iter().map(|(k, v)| (get(self, k), get(self, v))).collect() }
            }
            Op::Tuple(items) => Code::Tuple { to, items: self.all(items) },
            Op::Record(record, items) => Code::Record { to, record: *record, items: self.all(items) },
            Op::Variant(of, variant, items) => Code::Variant { to, of: *of, variant: *variant, items: self.all(items) },
            Op::Range(start, end, inclusive) => Code::Range {
                to,
                start: get(self, start),
                end: end.as_ref().map(|end| get(self, end)),
                inclusive: *inclusive,
            },
            Op::Field(of, index) => Code::Field { to, of: get(self, of), index: *index },
            Op::WithField(of, index, value) => {
                Code::WithField { to, of: get(self, of), index: *index, value: get(self, value) }
            }
            Op::Index(of, at) => Code::Index { to, of: get(self, of), at: get(self, at) },
            Op::WithIndex(of, at, value) => {
                Code::WithIndex { to, of: get(self, of), at: get(self, at), value: get(self, value) }
            }
            Op::Negate(of) => Code::Negate { to, of: get(self, of) },
            Op::Not(of) => Code::Not { to, of: get(self, of) },
            Op::Binary(op, left, right) => {
                Code::Binary { op: binary(*op), to, left: get(self, left), right: get(self, right) }
            }
            Op::ToFloat(of) => Code::Builtin { to, builtin: "int.to_float".into(), arguments: vec![get(self, of)] },
            Op::ToText(of) => Code::ToText { to, of: get(self, of) },
            Op::Concat(items) => Code::Concat { to, items: self.all(items) },
            Op::IsVariant(of, variant) => Code::IsVariant { to, of: get(self, of), variant: *variant },
            Op::IsNone(of) => Code::IsNone { to, of: get(self, of) },
            Op::WriteAs(of, shape) => Code::WriteAs { to, of: get(self, of), shape: self.tables.shape(shape) },
            Op::IsShape(of, shape) => Code::IsShape { to, of: get(self, of), shape: self.tables.shape(shape) },
            Op::Load(slot) => Code::Copy { to, from: self.slot(*slot) },
            Op::Function(function) => Code::Closure { to, function: *function, captures: Vec::new() },
            Op::Call(function, arguments) => Code::Call { to, function: *function, arguments: self.all(arguments) },
            Op::CallTool(tool, arguments) => Code::CallTool { to, tool: *tool, arguments: self.all(arguments) },
            Op::CallClosure(closure, arguments) => {
                Code::CallClosure { to, closure: get(self, closure), arguments: self.all(arguments) }
            }
            Op::Builtin(name, arguments) => {
                Code::Builtin { to, builtin: (*name).to_string(), arguments: self.all(arguments) }
            }
            Op::Transcript => Code::Transcript { to },
            _ => unreachable!("operations with regions or effects were emitted by the caller"),
        }
    }

    fn attempt(&mut self, attempt: &Attempt) {
        let kind = attempt.budget.as_ref().map_or(GuardKind::Try, |limits| self.budget(limits));
        let to = self.define(attempt.fault);
        let guard = self.push(Code::Guard { kind, to, record: attempt.record, handler: Some(0) });
        self.region(&attempt.body);
        self.push(Code::Unguard);
        let end = self.push(Code::Jump { target: 0 });
        self.aim(guard);
        self.region(&attempt.otherwise);
        self.aim(end);
    }

    fn budget(&self, limits: &Limits) -> GuardKind {
        let get = |value: Option<Value>| value.map(|value| self.get(value));
        GuardKind::Budget {
            tokens: get(limits.tokens),
            milliseconds: get(limits.milliseconds),
            steps: get(limits.steps),
        }
    }

    fn hole(&mut self, hole: &Hole) -> u32 {
        let at = place(self.span);
        self.tables.hole(image::Hole {
            label: hole.label.clone(),
            shape: hole.shape.clone(),
            model: hole.model.clone(),
            follow: hole.follow.clone(),
            max_tokens: hole.max_tokens,
            at,
        })
    }

    fn start(&self, start: Start) -> image::Start {
        match start {
            Start::Fresh => image::Start::Fresh,
            Start::Fork => image::Start::Fork,
            Start::On(value) => image::Start::On(self.get(value)),
        }
    }

    fn join(&self, join: &Join) -> JoinPolicy {
        match join {
            Join::All => JoinPolicy::All,
            Join::First(n) => JoinPolicy::First(self.get(*n)),
            Join::Race => JoinPolicy::Race,
            Join::Vote { stop, min, record } => {
                JoinPolicy::Vote { stop: stop.map(|v| self.get(v)), min: min.map(|v| self.get(v)), record: *record }
            }
            Join::Best(f) => JoinPolicy::Best(self.get(*f)),
            Join::Until(f) => JoinPolicy::Until(self.get(*f)),
            Join::Concat => JoinPolicy::Concat,
        }
    }
}

fn binary(op: BinaryOp) -> Binary {
    match op {
        BinaryOp::Add => Binary::Add,
        BinaryOp::Subtract => Binary::Subtract,
        BinaryOp::Multiply => Binary::Multiply,
        BinaryOp::Divide => Binary::Divide,
        BinaryOp::Remainder => Binary::Remainder,
        BinaryOp::Equal => Binary::Equal,
        BinaryOp::NotEqual => Binary::NotEqual,
        // `a > b` was lowered to `b < a`.
        BinaryOp::Less | BinaryOp::Greater => Binary::Less,
        BinaryOp::LessEqual | BinaryOp::GreaterEqual => Binary::LessEqual,
        BinaryOp::In => Binary::In,
    }
}

fn metadata(kind: MetadataKind) -> Metadata {
    match kind {
        MetadataKind::Logprob => Metadata::Logprob,
        MetadataKind::Tokens => Metadata::Tokens,
        MetadataKind::Text => Metadata::Text,
        MetadataKind::Distribution => Metadata::Distribution,
        MetadataKind::Margin => Metadata::Margin,
        MetadataKind::Truncated => Metadata::Truncated,
        MetadataKind::Milliseconds => Metadata::Milliseconds,
    }
}
