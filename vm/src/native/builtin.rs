//! Built-ins: those that are a few instructions, those that call closures as loops, and all others by the interpreter's own code.

use super::elements::Elements;
use super::emit::Emitter;
use super::kind::Kind;
use super::layout::tag;
use super::operand::Operand;
use super::services::{Context, Helper};
use crate::builtin::number_of;
use crate::image::{FunctionIndex, Register};
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{Block, InstBuilder, Value, types};
use cranelift_frontend::Variable;

/// A loop over a list that calls a closure.
struct Each {
    elements: Elements,
    closure: Value,
    callee: FunctionIndex,
    item: Kind,
    certain: bool,
    at: Variable,
    again: Block,
    end: Block,
}

impl Emitter<'_, '_> {
    pub(super) fn builtin(&mut self, name: &str, to: Register, arguments: &[Register]) -> Option<Operand> {
        if let Some(result) = self.short(name, arguments) {
            return Some(result);
        }
        match (name, arguments) {
            ("list.map", [list, closure]) => {
                let mapped = self.map(*list, *closure)?;
                Some(Operand::one(Kind::list(Kind::Any), mapped))
            }
            ("list.sort_by" | "list.max_by" | "list.min_by" | "list.group_by", [list, closure]) => {
                let ranks = Operand::one(Kind::list(Kind::Any), self.map(*list, *closure)?);
                let items = self.peek(*list);
                let at = self.room(2);
                self.store_boxed(&items, at, 0);
                self.store_boxed(&ranks, at, 16);
                let (number, out) = (self.int(number_of(name)? as i64), self.output());
                let second = self.b.ins().iadd_imm_s(at, 16);
                let done = self.call(Helper::Rank, &[number, at, second, out]);
                self.release(&ranks);
                Some(self.given(done, out, to))
            }
            ("list.filter", [list, closure]) => self.filter(*list, *closure),
            ("list.fold", [list, first, closure]) => self.fold(*list, *first, *closure),
            ("list.any" | "list.all" | "list.count" | "list.find", [list, closure]) => {
                self.search(name, *list, *closure)
            }
            _ => {
                let number = self.int(number_of(name)? as i64);
                let (at, count) = self.lay_out(arguments);
                let out = self.output();
                let done = self.call(Helper::Builtin, &[self.context, number, at, count, out]);
                Some(self.given(done, out, to))
            }
        }
    }

    /// Those that are a few instructions.
    fn short(&mut self, name: &str, arguments: &[Register]) -> Option<Operand> {
        let kind = |this: &Self, index: usize| this.kind(arguments[index]).some().clone();
        let is = |this: &Self, index: usize, wanted: &Kind| this.kind(arguments[index]).some() == wanted;
        let is_list = |this: &Self| matches!(kind(this, 0), Kind::List(_));
        let bool = |word: Value| Some(Operand::one(Kind::Bool, word));
        match name {
            "list.len" if is_list(self) => Some(Operand::one(Kind::Int, self.elements_in(arguments[0]).len)),
            "list.is_empty" if is_list(self) => {
                let len = self.elements_in(arguments[0]).len;
                bool(self.b.ins().icmp_imm_u(IntCC::Equal, len, 0))
            }
            "str.is_empty" if is(self, 0, &Kind::Str) => {
                let text = self.some(arguments[0]).word();
                let key = self.load(types::I64, text, self.source.layout.text_key);
                bool(self.b.ins().icmp_imm_u(IntCC::Equal, key, 0))
            }
            "list.get" if is_list(self) => Some(self.get(arguments[0], arguments[1])),
            "list.push" if is_list(self) => Some(self.push(arguments[0], arguments[1])),
            "int.abs" => {
                let n = self.want(arguments[0], &Kind::Int).word();
                let least = self.b.ins().icmp_imm_s(IntCC::Equal, n, i64::MIN);
                self.demand_not(least);
                Some(Operand::one(Kind::Int, self.b.ins().iabs(n)))
            }
            "int.min" | "int.max" => {
                let (a, b) = (self.want(arguments[0], &Kind::Int).word(), self.want(arguments[1], &Kind::Int).word());
                let word = if name == "int.min" { self.b.ins().smin(a, b) } else { self.b.ins().smax(a, b) };
                Some(Operand::one(Kind::Int, word))
            }
            "int.to_float" => {
                let word = self.float(arguments[0]);
                Some(Operand::one(Kind::Float, word))
            }
            "float.abs" | "float.sqrt" => {
                let x = self.float(arguments[0]);
                let word = if name == "float.abs" { self.b.ins().fabs(x) } else { self.b.ins().sqrt(x) };
                Some(Operand::one(Kind::Float, word))
            }
            "float.floor" | "float.ceil" | "float.to_int" => {
                let x = self.float(arguments[0]);
                let whole = match name {
                    "float.floor" => self.b.ins().floor(x),
                    "float.ceil" => self.b.ins().ceil(x),
                    _ => self.b.ins().trunc(x),
                };
                Some(self.whole(whole))
            }
            "optional.is_some" => {
                let of = self.peek(arguments[0]);
                let (head, _) = self.boxed(&of);
                let none = self.has_tag(head, tag::NONE).word();
                bool(self.b.ins().bxor_imm_u(none, 1))
            }
            "json.as_int" => Some(self.as_kind(arguments[0], tag::INT, Kind::Int)),
            "json.as_bool" => Some(self.as_kind(arguments[0], tag::BOOL, Kind::Bool)),
            "json.as_str" => Some(self.as_kind(arguments[0], tag::STR, Kind::Str)),
            "json.as_list" => Some(self.as_kind(arguments[0], tag::LIST, Kind::list(Kind::Any))),
            "json.as_map" => {
                Some(self.as_kind(arguments[0], tag::MAP, Kind::Map(Box::new(Kind::Str), Box::new(Kind::Any))))
            }
            "json.is_null" => {
                let of = self.peek(arguments[0]);
                let (head, _) = self.boxed(&of);
                Some(self.has_tag(head, tag::NONE))
            }
            "optional.or" => Some(self.or(arguments[0], arguments[1])),
            _ => None,
        }
    }

    /// The same value if it is of a kind, else `none`.
    fn as_kind(&mut self, of: Register, wanted: u8, kind: Kind) -> Operand {
        let of = self.peek(of);
        let (head, payload) = self.boxed(&of);
        let is_it = self.has_tag(head, wanted).word();
        let (none, nothing) = (self.int(i64::from(tag::NONE)), self.int(0));
        let words = vec![self.b.ins().select(is_it, head, none), self.b.ins().select(is_it, payload, nothing)];
        let value = Operand::new(Kind::maybe(kind), words);
        self.retain_result(&value);
        value
    }

    /// A whole float as an integer.
    fn whole(&mut self, x: Value) -> Operand {
        let (least, beyond) =
            (self.b.ins().f64const(-9_223_372_036_854_775_808.0), self.b.ins().f64const(9_223_372_036_854_775_808.0));
        let from = self.b.ins().fcmp(FloatCC::GreaterThanOrEqual, x, least);
        let below = self.b.ins().fcmp(FloatCC::LessThan, x, beyond);
        let inside = self.b.ins().band(from, below);
        self.demand(inside);
        Operand::one(Kind::Int, self.b.ins().fcvt_to_sint_sat(types::I64, x))
    }

    /// A value that may be missing, or another.
    fn or(&mut self, left: Register, right: Register) -> Operand {
        let (maybe, other) = (self.peek(left), self.peek(right));
        let (maybe, other) = (self.boxed(&maybe), self.boxed(&other));
        let is_none = self.has_tag(maybe.0, tag::NONE).word();
        let head = self.b.ins().select(is_none, other.0, maybe.0);
        let payload = self.b.ins().select(is_none, other.1, maybe.1);
        let value = Operand::new(Kind::Any, vec![head, payload]);
        if self.kind(left).is_counted() || self.kind(right).is_counted() {
            self.retain_result(&value);
        }
        value
    }

    fn each(&mut self, list: Register, closure: Register) -> Option<Each> {
        let Kind::Closure(callee) = self.kind(closure) else { return None };
        let item = match self.kind(list).some() {
            Kind::List(item) => item.clone(),
            _ => Box::new(Kind::Any),
        };
        let pointer = self.want(list, &Kind::List(item.clone())).word();
        let elements = match self.elements[usize::from(list)] {
            Some(_) => self.elements_in(list),
            None => self.elements_of(pointer),
        };
        let closure = self.peek(closure).word();
        // Turns count from what is left then.
        self.settle();
        let at = self.b.declare_var(types::I64);
        let (again, end) = (self.b.create_block(), self.b.create_block());
        let certain = self.certain.contains(list);
        Some(Each { elements, closure, callee, item: *item, certain, at, again, end })
    }

    /// The beginning of a turn: its element, not owned.
    fn turn(&mut self, each: &Each) -> Operand {
        let at = self.b.use_var(each.at);
        let more = self.b.ins().icmp(IntCC::UnsignedLessThan, at, each.elements.len);
        let on = self.b.create_block();
        self.b.ins().brif(more, on, &[], each.end, &[]);
        self.b.switch_to_block(on);
        let nesting = self.load(types::I64, self.context, Context::NESTING);
        let may = self.b.ins().icmp_imm_u(IntCC::NotEqual, nesting, 0);
        self.demand(may);
        let following = self.b.ins().iadd_imm_s(at, 1);
        self.b.def_var(each.at, following);
        self.element(each.elements.data, at, &each.item, each.certain)
    }

    fn start(&mut self, each: &Each) {
        let nothing = self.int(0);
        self.b.def_var(each.at, nothing);
        self.b.ins().jump(each.again, &[]);
        self.b.switch_to_block(each.again);
    }

    /// Calls the closure one level deeper.
    fn ask(&mut self, each: &Each, arguments: &[Operand]) -> Option<Operand> {
        let nesting = self.load(types::I64, self.context, Context::NESTING);
        let less = self.b.ins().iadd_imm_s(nesting, -1);
        self.store(less, self.context, Context::NESTING);
        let given = self.apply(each.closure, each.callee, arguments)?;
        self.store(nesting, self.context, Context::NESTING);
        Some(given)
    }

    fn map(&mut self, list: Register, closure: Register) -> Option<Value> {
        let each = self.each(list, closure)?;
        let out = self.new_list(each.elements.len);
        self.start(&each);
        let so_far = Operand::one(Kind::list(Kind::Any), self.b.use_var(out));
        self.held.push(so_far.clone());
        let item = self.turn(&each);
        self.retain(&item);
        let given = self.ask(&each, &[item])?;
        self.held.clear();
        let longer = self.pushed(&so_far, &given, true);
        self.b.def_var(out, longer.word());
        self.b.ins().jump(each.again, &[]);
        self.b.switch_to_block(each.end);
        Some(self.b.use_var(out))
    }

    fn new_list(&mut self, room: Value) -> Variable {
        let out = self.b.declare_var(types::I64);
        let list = self.call(Helper::NewList, &[room]);
        self.b.def_var(out, list);
        out
    }

    fn filter(&mut self, list: Register, closure: Register) -> Option<Operand> {
        let each = self.each(list, closure)?;
        let nothing = self.int(0);
        let out = self.new_list(nothing);
        self.start(&each);
        let so_far = Operand::one(Kind::list(Kind::Any), self.b.use_var(out));
        self.held.push(so_far.clone());
        let item = self.turn(&each);
        self.retain(&item);
        let given = self.ask(&each, std::slice::from_ref(&item))?;
        let keep = self.truth(&given);
        self.held.clear();
        let kept = self.b.create_block();
        self.b.ins().brif(keep, kept, &[], each.again, &[]);
        self.b.switch_to_block(kept);
        self.retain(&item);
        let longer = self.pushed(&so_far, &item, true);
        self.b.def_var(out, longer.word());
        self.b.ins().jump(each.again, &[]);
        self.b.switch_to_block(each.end);
        Some(Operand::one(Kind::list(Kind::Any), self.b.use_var(out)))
    }

    /// What a closure gave, which must be a `Bool`.
    fn truth(&mut self, given: &Operand) -> Value {
        if given.kind == Kind::Bool {
            return given.word();
        }
        self.held.push(given.clone());
        let word = self.convert(given.clone(), &Kind::Bool).word();
        self.held.pop();
        self.release(given);
        word
    }

    fn fold(&mut self, list: Register, first: Register, closure: Register) -> Option<Operand> {
        let each = self.each(list, closure)?;
        let parameters = self.source.facts.parameters(each.callee);
        let kind = parameters.get(parameters.len().checked_sub(2)?)?.clone();
        let first = self.take(first, &kind);
        let so_far: Vec<Variable> =
            first.words.iter().map(|word| self.b.declare_var(self.b.func.dfg.value_type(*word))).collect();
        so_far.iter().zip(&first.words).for_each(|(variable, word)| self.b.def_var(*variable, *word));
        self.start(&each);
        let current = Operand::new(kind.clone(), self.use_all(&so_far));
        self.held.push(current.clone());
        let item = self.turn(&each);
        self.retain(&item);
        self.held.clear();
        let given = self.ask(&each, &[current, item])?;
        self.held.push(given.clone());
        let given = self.convert(given, &kind);
        self.held.clear();
        so_far.iter().zip(&given.words).for_each(|(variable, word)| self.b.def_var(*variable, *word));
        self.b.ins().jump(each.again, &[]);
        self.b.switch_to_block(each.end);
        let words = self.use_all(&so_far);
        Some(Operand::new(kind, words))
    }

    /// `any`, `all`, `count` and `find`.
    fn search(&mut self, name: &str, list: Register, closure: Register) -> Option<Operand> {
        let each = self.each(list, closure)?;
        let (found, after) = (self.b.create_block(), self.b.create_block());
        let count = self.b.declare_var(types::I64);
        let nothing = self.int(0);
        self.b.def_var(count, nothing);
        self.start(&each);
        let item = self.turn(&each);
        self.retain(&item);
        let given = self.ask(&each, std::slice::from_ref(&item))?;
        let holds = self.truth(&given);
        match name {
            "list.count" => {
                let one = self.b.ins().uextend(types::I64, holds);
                let so_far = self.b.use_var(count);
                let more = self.b.ins().iadd(so_far, one);
                self.b.def_var(count, more);
                self.b.ins().jump(each.again, &[]);
                self.b.switch_to_block(found);
                self.b.ins().jump(after, &[]);
                self.b.switch_to_block(each.end);
                self.b.ins().jump(after, &[]);
                self.b.switch_to_block(after);
                Some(Operand::one(Kind::Int, self.b.use_var(count)))
            }
            "list.find" => {
                self.b.append_block_param(after, types::I64);
                self.b.append_block_param(after, types::I64);
                self.b.ins().brif(holds, found, &[], each.again, &[]);
                self.b.switch_to_block(found);
                self.retain(&item);
                let (head, payload) = self.boxed(&item);
                self.b.ins().jump(after, &[head.into(), payload.into()]);
                self.b.switch_to_block(each.end);
                let (none, nothing) = (self.int(i64::from(tag::NONE)), self.int(0));
                self.b.ins().jump(after, &[none.into(), nothing.into()]);
                self.b.switch_to_block(after);
                let words = self.b.block_params(after).to_vec();
                Some(Operand::new(Kind::Any, words))
            }
            _ => {
                let wanted = i64::from(name == "list.any");
                self.b.append_block_param(after, types::I8);
                let stops = self.b.ins().icmp_imm_u(IntCC::Equal, holds, wanted);
                self.b.ins().brif(stops, found, &[], each.again, &[]);
                self.b.switch_to_block(found);
                let word = self.b.ins().iconst(types::I8, wanted);
                self.b.ins().jump(after, &[word.into()]);
                self.b.switch_to_block(each.end);
                let word = self.b.ins().iconst(types::I8, 1 - wanted);
                self.b.ins().jump(after, &[word.into()]);
                self.b.switch_to_block(after);
                Some(Operand::one(Kind::Bool, self.b.block_params(after)[0]))
            }
        }
    }
}
