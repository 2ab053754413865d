//! One function of the image as a function of the machine: blocks, fuel, who owns what, and ways to give up.
//!
//! A function takes the context, the fuel that is left, the calls that may still be open, and its arguments, which it owns. It
//! gives the fuel that is left then, and its result. Less than no fuel means that it gave up: it has freed what it held, and
//! the interpreter runs the call again from its beginning. Pure code can't tell.
//!
//! A register owns what it holds from where it is written to where it is read last, so that at each place the owners are the
//! live registers, and a value that is read for the last time can be changed where it is.

mod control;

use super::flow::{Registers, read, written};
use super::infer::Inference;
use super::kind::Kind;
use super::layout::Layout;
use super::naturals::{self, Naturals};
use super::operand::{Operand, types_of};
use super::services::{Context, Helper};
use super::ways::Ways;
use super::{elements, lists};
use crate::image::{Function, FunctionIndex, Image, Op, Register};
use control::Carried;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    AbiParam, Block, FuncRef, InstBuilder, SigRef, Signature, StackSlot, StackSlotData, StackSlotKind, Value, types,
};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::{FunctionBuilder, Variable};
use indexmap::IndexMap;

/// What a function gives as fuel when it gave up.
pub(super) const GAVE_UP: i64 = i64::MIN;

/// How a function is called by native code.
pub(super) fn signature(parameters: &[Kind], result: &Kind) -> Signature {
    let mut signature = Signature::new(CallConv::Tail);
    signature.params.extend([AbiParam::new(types::I64); 3]);
    signature.params.extend(parameters.iter().flat_map(|kind| types_of(kind)).map(|ty| AbiParam::new(*ty)));
    signature.returns.push(AbiParam::new(types::I64));
    signature.returns.extend(types_of(result).iter().map(|ty| AbiParam::new(*ty)));
    signature
}

/// What a function is made from.
pub(super) struct Source<'a> {
    pub(super) image: &'a Image,
    pub(super) facts: &'a Inference<'a>,
    pub(super) layout: Layout,
    /// How this machine calls what is written in Rust.
    pub(super) convention: CallConv,
    pub(super) index: FunctionIndex,
}

/// Makes one function.
pub(super) struct Emitter<'a, 'b> {
    pub(super) b: FunctionBuilder<'b>,
    pub(super) source: &'a Source<'a>,
    pub(super) function: &'a Function,
    /// The functions that it may call, as this one names them.
    pub(super) callees: &'a IndexMap<FunctionIndex, FuncRef>,
    pub(super) context: Value,
    pub(super) depth: Value,
    pub(super) fuel: Variable,
    variables: Vec<Vec<Variable>>,
    /// Where the elements of registers with lists are.
    pub(super) elements: Vec<Option<[Variable; 2]>>,
    ways: Ways,
    heads: Vec<Block>,
    carried: Vec<Option<Carried>>,
    /// Steps that were taken and are not counted in `fuel` yet.
    owed: i64,
    /// Lists' lengths and places that were found to be inside, of values that are computed on the way here.
    pub(super) inside: Vec<[Value; 2]>,
    /// Numbers with the next ones, which are computed on the way here.
    pub(super) following: Vec<[Value; 2]>,
    /// Whether what is made is seldom run.
    pub(super) is_cold: bool,
    pub(super) naturals: Naturals,
    /// Registers whose lists hold elements of their kind for certain.
    pub(super) certain: Registers,
    /// Registers that hold their lists alone here.
    pub(super) alone: Registers,
    /// The instruction that is made.
    pub(super) at: usize,
    /// Registers that own something here.
    pub(super) owned: Registers,
    /// What is read after the instruction that is made.
    live_after: Registers,
    /// How often the instruction still reads each register.
    reads_left: Vec<Register>,
    /// The register that the instruction writes.
    target: Option<Register>,
    /// Whether it gets a value that another register owns.
    pub(super) borrows: bool,
    /// Values of the instruction that no register owns, freed when it gives up.
    pub(super) held: Vec<Operand>,
    /// Where to go to give up, by what is owned then.
    exits: IndexMap<Registers, Block>,
    helpers: IndexMap<usize, SigRef>,
    scratch: Option<(StackSlot, u32)>,
    pub(super) output_slot: StackSlot,
    pub(super) index: FunctionIndex,
}

impl<'a, 'b> Emitter<'a, 'b> {
    /// Makes the function; none if there is an instruction that it has no code for.
    pub(super) fn emit(
        mut b: FunctionBuilder<'b>,
        source: &'a Source<'a>,
        callees: &'a IndexMap<FunctionIndex, FuncRef>,
    ) -> Option<FunctionBuilder<'b>> {
        let index = source.index;
        let facts = &source.facts.functions[&index];
        let function = &source.image.functions[index as usize];
        let variables = facts
            .registers
            .iter()
            .map(|kind| types_of(kind).iter().map(|ty| b.declare_var(*ty)).collect())
            .collect::<Vec<Vec<Variable>>>();
        let elements = facts.registers.iter().map(|kind| elements::variables(&mut b, kind)).collect();
        let fuel = b.declare_var(types::I64);
        let output_slot = b.create_sized_stack_slot(StackSlotData::new(StackSlotKind::ExplicitSlot, 16, 3));
        let entry = b.create_block();
        b.append_block_params_for_function_params(entry);
        b.switch_to_block(entry);
        let words = b.block_params(entry).to_vec();
        b.def_var(fuel, words[1]);
        let mut emitter = Self {
            b,
            source,
            function,
            callees,
            context: words[0],
            depth: words[2],
            fuel,
            variables,
            elements,
            ways: Ways::of(function, &facts.flow, &facts.registers),
            heads: Vec::new(),
            carried: Vec::new(),
            owed: 0,
            inside: Vec::new(),
            following: Vec::new(),
            is_cold: false,
            naturals: naturals::find(function, &facts.flow, &facts.registers),
            certain: lists::certain(function, &facts.flow, &facts.registers),
            alone: Registers::of(function.registers),
            at: 0,
            owned: facts.flow.blocks[0].live.clone(),
            live_after: facts.flow.blocks[0].live.clone(),
            reads_left: Vec::new(),
            target: None,
            borrows: false,
            held: Vec::new(),
            exits: IndexMap::new(),
            helpers: IndexMap::new(),
            scratch: None,
            output_slot,
            index,
        };
        emitter.enter(&words[3..]);
        emitter.blocks()?;
        emitter.exits();
        emitter.b.seal_all_blocks();
        Some(emitter.b)
    }

    pub(super) fn kind(&self, register: Register) -> Kind {
        self.source.facts.kind(self.index, register)
    }

    /// Arguments to registers; those that nobody reads are freed. Everything that is read before it is written is `()`.
    fn enter(&mut self, words: &[Value]) {
        let live = self.owned.clone();
        for register in live.iter() {
            self.owned.remove(register);
        }
        let mut words = words.iter().copied();
        let mut unread = Vec::new();
        for register in 0..self.function.parameters {
            let kind = self.kind(register);
            let count = types_of(&kind).len();
            let operand = Operand::new(kind, words.by_ref().take(count).collect());
            if live.contains(register) {
                self.set(register, &operand);
                self.own(register);
            } else if !self.is_lent(register) {
                unread.push(operand);
            }
        }
        for register in live.iter().filter(|register| *register >= self.function.parameters) {
            let (head, payload) = (self.int(0), self.int(0));
            self.set(register, &Operand::new(Kind::Any, vec![head, payload]));
            self.own(register);
        }
        if self
            .function
            .code
            .iter()
            .any(|op| matches!(op, Op::Call { .. } | Op::CallClosure { .. } | Op::Builtin { .. }))
        {
            self.held.clone_from(&unread);
            let pointer = self.b.ins().get_stack_pointer(types::I64);
            let end = self.load(types::I64, self.context, Context::STACK_END);
            let room = self.b.ins().icmp(IntCC::UnsignedGreaterThan, pointer, end);
            self.demand(room);
            self.held.clear();
        }
        unread.iter().for_each(|operand| self.release(operand));
    }

    /// Only what is counted needs an owner.
    fn keep_counted(&mut self) {
        let all: Vec<Register> = self.owned.iter().collect();
        for register in all {
            if !self.kind(register).is_counted() || self.is_lent(register) {
                self.owned.remove(register);
            }
        }
    }

    /// Whether a register's values are owned by others for as long as the call lasts.
    pub(super) fn is_lent(&self, register: Register) -> bool {
        self.source.facts.functions[&self.index].lent.contains(register)
    }

    fn own(&mut self, register: Register) {
        if self.kind(register).is_counted() && !self.is_lent(register) {
            self.owned.insert(register);
        }
    }

    fn begin(&mut self, at: usize, live_after: Registers) {
        let op = &self.function.code[at];
        self.at = at;
        self.live_after = live_after;
        self.target = written(op);
        self.reads_left.clear();
        let reads = &mut self.reads_left;
        read(op, &mut |register| reads.push(register));
    }

    /// What a register holds, while it stays its owner.
    pub(super) fn peek(&mut self, register: Register) -> Operand {
        let words = self.use_all(&self.variables[usize::from(register)].clone());
        Operand::new(self.kind(register), words)
    }

    /// What a register holds, as a value of another kind; gives up if it is none.
    pub(super) fn want(&mut self, register: Register, kind: &Kind) -> Operand {
        let found = self.peek(register);
        self.convert(found, kind)
    }

    /// The value of a register without the `none` that it might have been.
    pub(super) fn some(&mut self, register: Register) -> Operand {
        let kind = self.kind(register).some().clone();
        self.want(register, &kind)
    }

    /// What a register holds, with an owner of its own: the register's, if nobody reads it later.
    pub(super) fn take(&mut self, register: Register, kind: &Kind) -> Operand {
        let value = self.want(register, kind);
        self.take_as(register, &value);
        value
    }

    /// The same for a value that was read of the register before; whether the register no longer owns it.
    pub(super) fn take_as(&mut self, register: Register, value: &Operand) -> bool {
        if let Some(index) = self.reads_left.iter().position(|read| *read == register) {
            self.reads_left.swap_remove(index);
        }
        let again = self.reads_left.contains(&register);
        let later = self.live_after.contains(register) && self.target != Some(register);
        if again || later || self.is_lent(register) {
            self.retain(value);
            return false;
        }
        self.owned.remove(register);
        true
    }

    /// The end of an instruction: registers that nobody reads again are freed, and the result, which is owned, is written.
    pub(super) fn finish(&mut self, to: Register, result: Operand) {
        if !self.borrows && !self.live_after.contains(to) {
            self.free_read();
            return self.release(&result);
        }
        let kind = self.kind(to);
        if !self.borrows {
            self.held.push(result.clone());
        }
        let result = self.convert(result, &kind);
        self.held.clear();
        self.free_read();
        self.set(to, &result);
        if !self.borrows {
            self.own(to);
        }
    }

    /// One more owner of a result, unless it is borrowed.
    pub(super) fn retain_result(&mut self, result: &Operand) {
        if !self.borrows {
            self.retain(result);
        }
    }

    /// Frees what the instruction read for the last time.
    pub(super) fn free_read(&mut self) {
        let owned: Vec<Register> = self.owned.iter().collect();
        for register in owned {
            if !self.live_after.contains(register) || self.target == Some(register) {
                let value = self.peek(register);
                self.owned.remove(register);
                self.release(&value);
            }
        }
    }

    pub(super) fn set(&mut self, register: Register, value: &Operand) {
        let variables = self.variables[usize::from(register)].clone();
        for (variable, word) in variables.iter().zip(&value.words) {
            self.b.def_var(*variable, *word);
        }
        self.set_elements(register, value);
    }

    /// Goes on only if a condition holds, else gives up.
    pub(super) fn demand(&mut self, holds: Value) {
        let on = self.b.create_block();
        if self.held.is_empty() {
            let exit = self.exit();
            self.b.ins().brif(holds, on, &[], exit, &[]);
        } else {
            let away = self.b.create_block();
            self.b.set_cold_block(away);
            self.b.ins().brif(holds, on, &[], away, &[]);
            self.b.seal_block(away);
            self.b.switch_to_block(away);
            let was_cold = std::mem::replace(&mut self.is_cold, true);
            let held = std::mem::take(&mut self.held);
            held.iter().for_each(|value| self.release(value));
            let exit = self.exit();
            self.b.ins().jump(exit, &[]);
            self.held = held;
            self.is_cold = was_cold;
        }
        self.b.seal_block(on);
        self.b.switch_to_block(on);
    }

    /// Gives up here.
    fn give_up(&mut self) {
        let exit = self.exit();
        self.b.ins().jump(exit, &[]);
    }

    fn exit(&mut self) -> Block {
        if let Some(block) = self.exits.get(&self.owned) {
            return *block;
        }
        let block = self.b.create_block();
        self.b.set_cold_block(block);
        self.exits.insert(self.owned.clone(), block);
        block
    }

    fn exits(&mut self) {
        let exits = std::mem::take(&mut self.exits);
        self.is_cold = true;
        for (owned, block) in exits {
            self.b.switch_to_block(block);
            for register in owned.iter() {
                let value = self.peek(register);
                self.release(&value);
            }
            let mut words = vec![self.int(GAVE_UP)];
            for ty in types_of(&self.source.facts.functions[&self.index].result) {
                words.push(match *ty {
                    types::F64 => self.b.ins().f64const(0.0),
                    ty => self.b.ins().iconst(ty, 0),
                });
            }
            self.b.ins().return_(&words);
        }
    }

    /// Calls a helper. What those that give nothing give is nothing.
    pub(super) fn call(&mut self, helper: Helper, words: &[Value]) -> Value {
        let (address, count) = helper.place();
        debug_assert_eq!(count, words.len());
        let signature = if let Some(signature) = self.helpers.get(&count) {
            *signature
        } else {
            let mut signature = Signature::new(self.source.convention);
            signature.params.extend(std::iter::repeat_n(AbiParam::new(types::I64), count));
            signature.returns.push(AbiParam::new(types::I64));
            let signature = self.b.import_signature(signature);
            self.helpers.insert(count, signature);
            signature
        };
        let address = self.int(address as i64);
        let call = self.b.ins().call_indirect(signature, address, words);
        self.b.inst_results(call)[0]
    }

    /// A place on the stack for so many values, until the next one is wanted.
    pub(super) fn room(&mut self, values: usize) -> Value {
        let bytes = u32::try_from(values.max(1) * 16).expect("an instruction has fewer than 2^16 operands");
        let slot = match self.scratch {
            Some((slot, size)) if size >= bytes => slot,
            _ => {
                let slot = self.b.create_sized_stack_slot(StackSlotData::new(StackSlotKind::ExplicitSlot, bytes, 3));
                self.scratch = Some((slot, bytes));
                slot
            }
        };
        self.b.ins().stack_addr(types::I64, slot, 0)
    }
}
