//! Calls of functions and closures: the caller gives its arguments away, and counts depth as the interpreter does.

use super::emit::Emitter;
use super::kind::Kind;
use super::operand::{Operand, types_of};
use crate::image::{FunctionIndex, Register};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};

impl Emitter<'_, '_> {
    pub(super) fn call_function(&mut self, callee: FunctionIndex, arguments: &[Register]) -> Option<Operand> {
        self.demand_depth();
        let kinds = self.parameters(callee, 0, arguments.len())?;
        let values: Vec<Operand> =
            arguments.iter().zip(&kinds).map(|(register, kind)| self.want(*register, kind)).collect();
        let lent = &self.source.facts.functions[&callee].lent;
        for ((parameter, register), value) in (0..).zip(arguments).zip(&values) {
            if !lent.contains(parameter) {
                self.take_as(*register, value);
            }
        }
        self.enter_callee(callee, &values)
    }

    pub(super) fn call_closure(&mut self, closure: Register, arguments: &[Register]) -> Option<Operand> {
        let Kind::Closure(callee) = self.kind(closure) else { return None };
        self.demand_depth();
        let pointer = self.peek(closure).word();
        let (mut values, captured) = self.captures(pointer, callee, arguments.len())?;
        let kinds = self.parameters(callee, captured, arguments.len())?;
        let given: Vec<Operand> =
            arguments.iter().zip(&kinds).map(|(register, kind)| self.want(*register, kind)).collect();
        values.iter().for_each(|value| self.retain(value));
        for (register, value) in arguments.iter().zip(&given) {
            self.take_as(*register, value);
        }
        values.extend(given);
        self.enter_callee(callee, &values)
    }

    /// Calls the closure of a built-in with arguments that it takes. What the built-in holds is in `held`.
    pub(super) fn apply(&mut self, closure: Value, callee: FunctionIndex, arguments: &[Operand]) -> Option<Operand> {
        // Until the call the arguments are still of this function.
        let held = self.held.len();
        self.held.extend_from_slice(arguments);
        self.demand_depth();
        let (mut values, captured) = self.captures(closure, callee, arguments.len())?;
        let kinds = self.parameters(callee, captured, arguments.len())?;
        let given: Vec<Operand> =
            arguments.iter().zip(&kinds).map(|(value, kind)| self.convert(value.clone(), kind)).collect();
        self.held.truncate(held);
        values.iter().for_each(|value| self.retain(value));
        values.extend(given);
        self.enter_callee(callee, &values)
    }

    fn parameters(&self, callee: FunctionIndex, from: usize, count: usize) -> Option<Vec<Kind>> {
        Some(self.source.facts.parameters(callee).get(from..from + count)?.to_vec())
    }

    /// What a closure captured, not owned, and how much that is.
    fn captures(&mut self, closure: Value, callee: FunctionIndex, arguments: usize) -> Option<(Vec<Operand>, usize)> {
        let count = self.source.facts.parameters(callee).len().checked_sub(arguments)?;
        let len = self.len(closure);
        let right = self.b.ins().icmp_imm_u(IntCC::Equal, len, count as i64);
        self.demand(right);
        let kinds = self.parameters(callee, 0, count)?;
        let data = self.load(types::I64, closure, self.source.layout.data);
        let mut values = Vec::with_capacity(count + arguments);
        for (offset, kind) in (0..).step_by(16).zip(&kinds) {
            values.push(self.load_value(data, offset, kind));
        }
        Some((values, count))
    }

    /// Gives up where the interpreter would find calls too deep.
    fn demand_depth(&mut self) {
        let may = self.b.ins().icmp_imm_s(IntCC::SignedGreaterThan, self.depth, 0);
        self.demand(may);
    }

    fn enter_callee(&mut self, callee: FunctionIndex, values: &[Operand]) -> Option<Operand> {
        let reference = *self.callees.get(&callee)?;
        self.settle();
        let fuel = self.b.use_var(self.fuel);
        let depth = self.b.ins().iadd_imm_s(self.depth, -1);
        let mut words = vec![self.context, fuel, depth];
        words.extend(values.iter().flat_map(|value| &value.words));
        let call = self.b.ins().call(reference, &words);
        let results = self.b.inst_results(call).to_vec();
        self.b.def_var(self.fuel, results[0]);
        let fine = self.b.ins().icmp_imm_s(IntCC::SignedGreaterThanOrEqual, results[0], 0);
        self.demand(fine);
        let kind = self.source.facts.functions[&callee].result.clone();
        debug_assert_eq!(types_of(&kind).len(), results.len() - 1);
        Some(Operand::new(kind, results[1..].to_vec()))
    }
}
