//! The plan as text: one instruction per line, regions indented.

use crate::program::{Body, Constant, Guard, Instruction, Join, Limits, Op, Program, Region, Report, Start, Value};

/// All functions.
pub fn print(program: &Program) -> String {
    let mut out = String::new();
    for (index, function) in program.functions.iter().enumerate() {
        let word = if function.prompt { "prompt" } else { "fn" };
        out.push_str(&format!("f{index} {word} {}({}) {{\n", function.name, values(&function.parameters)));
        region(&function.body, 1, &mut out);
        out.push_str("}\n\n");
    }
    out
}

fn values(all: &[Value]) -> String {
    all.iter().map(|v| format!("v{}", v.0)).collect::<Vec<_>>().join(", ")
}

fn region(region: &Region, depth: usize, out: &mut String) {
    for instruction in &region.instructions {
        let pad = "  ".repeat(depth);
        let results =
            if instruction.results.is_empty() { String::new() } else { format!("{} = ", values(&instruction.results)) };
        out.push_str(&format!("{pad}{results}{}\n", head(instruction)));
        inner(&instruction.op, depth, out);
    }
}

fn inner(op: &Op, depth: usize, out: &mut String) {
    let pad = "  ".repeat(depth);
    let mut block = |name: &str, r: &Region| {
        if !r.instructions.is_empty() {
            out.push_str(&format!("{pad}{name}:\n"));
            region(r, depth + 1, out);
        }
    };
    match op {
        Op::If(_, a, b) => {
            block("then", a);
            block("else", b);
        }
        Op::Loop(r) | Op::Each(_, _, r) => block("do", r),
        Op::Closure(body) | Op::Scratch(_, body) | Op::Fork(_, body, _) => block(&title(body), &body.region),
        Op::ForkNamed(all, ..) => all.iter().for_each(|(name, body)| block(name, &body.region)),
        Op::Attempt(attempt) => {
            block("do", &attempt.body);
            block(&format!("fault v{}", attempt.fault.0), &attempt.otherwise);
        }
        _ => {}
    }
}

fn title(body: &Body) -> String {
    format!("body ({})", values(&body.parameters))
}

fn head(instruction: &Instruction) -> String {
    let v = |value: &Value| format!("v{}", value.0);
    match &instruction.op {
        Op::Constant(constant) => match constant {
            Constant::Unit => "()".into(),
            Constant::None => "none".into(),
            Constant::Unknown => "Unknown".into(),
            Constant::Bool(b) => b.to_string(),
            Constant::Int(n) => n.to_string(),
            Constant::Float(x) => format!("{x:?}"),
            Constant::Text(text) => format!("{text:?}"),
        },
        Op::List(all) => format!("list [{}]", values(all)),
        Op::Map(pairs) => {
            let pairs: Vec<String> = pairs.iter().map(|(k, x)| format!("{}: {}", v(k), v(x))).collect();
            format!("map [{}]", pairs.join(", "))
        }
        Op::Tuple(all) => format!("tuple ({})", values(all)),
        Op::Record(id, all) => format!("record r{id} ({})", values(all)),
        Op::Variant(id, index, all) => format!("variant e{id}.{index} ({})", values(all)),
        Op::Range(a, b, inclusive) => {
            format!("range {}..{}{}", v(a), if *inclusive { "=" } else { "" }, b.as_ref().map(v).unwrap_or_default())
        }
        Op::Field(a, index) => format!("field {}.{index}", v(a)),
        Op::WithField(a, index, b) => format!("with_field {}.{index} = {}", v(a), v(b)),
        Op::Index(a, b) => format!("index {}[{}]", v(a), v(b)),
        Op::WithIndex(a, b, c) => format!("with_index {}[{}] = {}", v(a), v(b), v(c)),
        Op::Push(slot, a) => format!("push s{} {}", slot.0, v(a)),
        Op::Negate(a) => format!("negate {}", v(a)),
        Op::Not(a) => format!("not {}", v(a)),
        Op::Binary(op, a, b) => format!("{} {}, {}", format!("{op:?}").to_lowercase(), v(a), v(b)),
        Op::ToFloat(a) => format!("to_float {}", v(a)),
        Op::ToText(a) => format!("to_text {}", v(a)),
        Op::Concat(all) => format!("concat {}", values(all)),
        Op::IsVariant(a, index) => format!("is_variant {} {index}", v(a)),
        Op::IsNone(a) => format!("is_none {}", v(a)),
        Op::IsShape(a, shape) => format!("is_shape {} {shape:?}", v(a)),
        Op::Load(slot) => format!("load s{}", slot.0),
        Op::Store(slot, a) => format!("store s{} {}", slot.0, v(a)),
        Op::If(a, ..) => format!("if {}", v(a)),
        Op::Loop(_) => "loop".into(),
        Op::Each(over, element, _) => format!("each {} in {}", v(element), v(over)),
        Op::Break => "break".into(),
        Op::Continue => "continue".into(),
        Op::Return(a) => format!("return {}", v(a)),
        Op::Yield(a) => format!("yield {}", v(a)),
        Op::Function(id) => format!("function f{id}"),
        Op::Closure(_) => "closure".into(),
        Op::Call(id, all) => format!("call f{id} ({})", values(all)),
        Op::CallClosure(f, all) => format!("call {} ({})", v(f), values(all)),
        Op::Builtin(name, all) => format!("builtin {name} ({})", values(all)),
        Op::Spawn(id, all, start) => {
            format!("spawn f{id} ({}) {}", values(all), show_start(*start))
        }
        Op::Scratch(start, _) => format!("scratch {}", show_start(*start)),
        Op::Fork(over, _, join) => format!("fork {} join {}", v(over), show_join(join)),
        Op::ForkNamed(_, record, join) => format!("fork into r{record} join {}", show_join(join)),
        Op::OpenRole(role) => format!("open_role {role}"),
        Op::OpenNamedRole(role) => format!("open_role {}", v(role)),
        Op::CloseRole => "close_role".into(),
        Op::Append(text) => format!("append {text:?}"),
        Op::AppendImage(a) => format!("append_image {}", v(a)),
        Op::WriteAs(a, shape) => format!("write_as {} {shape:?}", v(a)),
        Op::AppendValue(a) => format!("append {}", v(a)),
        Op::Generate(hole, options, metadata) => {
            let options: Vec<String> = options.iter().map(|(o, x)| format!(" {}={}", o.name(), v(x))).collect();
            let metadata: Vec<String> =
                metadata.iter().map(|m| format!(" @{}", format!("{m:?}").to_lowercase())).collect();
            let using = hole.model.as_ref().map(|model| format!(" using {model}")).unwrap_or_default();
            format!("gen {} {:?}{using}{}{}", hole.label, hole.shape, options.concat(), metadata.concat())
        }
        Op::Select(a, by, label, model) => {
            let using = model.as_ref().map(|model| format!(" using {model}")).unwrap_or_default();
            format!("select {label} {} by {}{using}", v(a), format!("{by:?}").to_lowercase())
        }
        Op::Transcript => "transcript".into(),
        Op::Assert(a, text, None) => format!("assert {} {text:?}", v(a)),
        Op::Assert(a, text, Some((left, right))) => {
            format!("assert {} {text:?} comparing {}, {}", v(a), v(left), v(right))
        }
        Op::Snapshot(a) => format!("snapshot {}", v(a)),
        Op::Report(id, all, Report::Transcript) => format!("report transcript of f{id} ({})", values(all)),
        Op::Report(id, all, Report::Shared(n)) => format!("report shared by {} of f{id} ({})", v(n), values(all)),
        Op::NoMatch(a) => format!("no_match {}", v(a)),
        Op::Attempt(attempt) => match &attempt.budget {
            None => "attempt".into(),
            Some(limits) => format!("attempt budget{}", show_limits(limits)),
        },
        Op::OpenGuard(Guard::Retry(times)) => format!("retry {}", v(times)),
        Op::OpenGuard(Guard::Budget(limits)) => format!("budget{}", show_limits(limits)),
        Op::CloseGuard => "close_guard".into(),
        Op::Fail(a) => format!("fail {}", v(a)),
        Op::CallTool(id, all) => format!("call_tool t{id} ({})", values(all)),
    }
}

fn show_limits(limits: &Limits) -> String {
    let part = |name: &str, v: &Option<Value>| v.map(|v| format!(" {name}=v{}", v.0)).unwrap_or_default();
    part("tokens", &limits.tokens) + &part("ms", &limits.milliseconds) + &part("steps", &limits.steps)
}

fn show_start(start: Start) -> String {
    match start {
        Start::Fresh => "fresh".into(),
        Start::Fork => "fork".into(),
        Start::On(value) => format!("on v{}", value.0),
    }
}

fn show_join(join: &Join) -> String {
    match join {
        Join::All => "all".into(),
        Join::First(v) => format!("first v{}", v.0),
        Join::Race => "race".into(),
        Join::Vote { stop, min, .. } => {
            let part = |name: &str, v: &Option<Value>| v.map(|v| format!(" {name}=v{}", v.0)).unwrap_or_default();
            format!("vote{}{}", part("stop", stop), part("min", min))
        }
        Join::Best(v) => format!("best v{}", v.0),
        Join::Until(v) => format!("until v{}", v.0),
        Join::Concat => "concat".into(),
    }
}
