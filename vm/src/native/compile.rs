//! Kinds to machine code: one module per function that is asked for, with everything that it calls.

use super::emit::{Emitter, Source, signature};
use super::infer::Inference;
use super::kind::Kind;
use super::layout::Layout;
use super::operand::{trusted, types_of};
use crate::image::{FunctionIndex, Image};
use crate::value::Value;
use cranelift_codegen::Context;
use cranelift_codegen::ir::{AbiParam, FuncRef, Function, InstBuilder, Signature, UserFuncName, types};
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{FuncId, Module};
use indexmap::IndexMap;

/// Code for one function and what it calls, ready to be entered.
pub(super) struct Code {
    /// `(context, fuel, depth, arguments, results) -> fuel`, where arguments and results are words.
    pub(super) enter: *const u8,
    pub(super) parameters: Vec<Kind>,
    /// Which of them the code owns: not those that are only lent to it.
    pub(super) owns: Vec<bool>,
    pub(super) result: Kind,
    /// Texts of the image that it reads.
    pub(super) texts: usize,
    /// Instructions of the image that it is made of.
    pub(super) ops: usize,
    /// Holds the memory of the code; taken to free it.
    module: Option<JITModule>,
}

// SAFETY: the pointer is to code, which any thread may run, and the module is only held to be freed.
unsafe impl Send for Code {}
// SAFETY: nothing of it changes, and the module is not used until it is freed.
unsafe impl Sync for Code {}

impl Drop for Code {
    fn drop(&mut self) {
        if let Some(module) = self.module.take() {
            // SAFETY: runs borrow the image, which holds this code, so none runs it now.
            unsafe { module.free_memory() };
        }
    }
}

/// Makes code for calls with arguments of these kinds; none where some of it is not pure code or has no code.
pub(super) fn compile(image: &Image, function: FunctionIndex, arguments: &[Value]) -> Option<Code> {
    let layout = Layout::probe()?;
    let facts = Inference::of_call(image, function, arguments)?;
    let isa = host()?;
    let convention = isa.default_call_conv();
    let mut module = JITModule::new(JITBuilder::with_isa(isa, cranelift_module::default_libcall_names()));
    let mut ids: IndexMap<FunctionIndex, FuncId> = IndexMap::new();
    for (index, known) in &facts.functions {
        let signature = signature(facts.parameters(*index), &known.result);
        ids.insert(*index, module.declare_anonymous_function(&signature).ok()?);
    }
    let mut maker = Maker { context: module.make_context(), builders: FunctionBuilderContext::new() };
    for (index, id) in &ids {
        let source = Source { image, facts: &facts, layout, convention, index: *index };
        maker.function(&mut module, &ids, &source, *id)?;
    }
    let enter = maker.entrance(&mut module, &facts, function, ids[&function])?;
    module.finalize_definitions().ok()?;
    let texts = texts_read(image, &facts);
    let ops = facts.functions.keys().map(|index| image.functions[*index as usize].code.len()).sum();
    Some(Code {
        enter: module.get_finalized_function(enter),
        parameters: facts.parameters(function).to_vec(),
        owns: (0..image.functions[function as usize].parameters)
            .map(|p| !facts.functions[&function].lent.contains(p))
            .collect(),
        result: facts.functions[&function].result.clone(),
        texts,
        ops,
        module: Some(module),
    })
}

fn texts_read(image: &Image, facts: &Inference<'_>) -> usize {
    let ops = facts.functions.keys().flat_map(|index| &image.functions[*index as usize].code);
    let texts = ops.filter_map(|op| match op {
        crate::image::Op::Text { text, .. } => Some(*text as usize + 1),
        _ => None,
    });
    texts.max().unwrap_or(0)
}

/// This machine, as a target.
fn host() -> Option<OwnedTargetIsa> {
    let mut flags = settings::builder();
    flags.set("opt_level", "speed").ok()?;
    flags.set("is_pic", "false").ok()?;
    flags.set("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" }).ok()?;
    cranelift_native::builder().ok()?.finish(settings::Flags::new(flags)).ok()
}

struct Maker {
    context: Context,
    builders: FunctionBuilderContext,
}

impl Maker {
    fn function(
        &mut self,
        module: &mut JITModule,
        ids: &IndexMap<FunctionIndex, FuncId>,
        source: &Source<'_>,
        id: FuncId,
    ) -> Option<()> {
        let known = &source.facts.functions[&source.index];
        let signature = signature(source.facts.parameters(source.index), &known.result);
        self.context.func = Function::with_name_signature(UserFuncName::user(0, id.as_u32()), signature);
        let callees: IndexMap<FunctionIndex, FuncRef> =
            ids.iter().map(|(index, id)| (*index, module.declare_func_in_func(*id, &mut self.context.func))).collect();
        let builder = FunctionBuilder::new(&mut self.context.func, &mut self.builders);
        let config = module.isa().frontend_config();
        match Emitter::emit(builder, source, &callees) {
            Some(builder) => builder.finalize(config),
            None => {
                self.builders = FunctionBuilderContext::new();
                return None;
            }
        }
        self.define(module, id)
    }

    fn define(&mut self, module: &mut JITModule, id: FuncId) -> Option<()> {
        let made = module.define_function(id, &mut self.context);
        debug_assert!(made.is_ok(), "{made:?}\n{}", self.context.func.display());
        module.clear_context(&mut self.context);
        made.ok()
    }

    /// What Rust calls: words from memory to arguments, and results to memory.
    fn entrance(
        &mut self,
        module: &mut JITModule,
        facts: &Inference<'_>,
        function: FunctionIndex,
        callee: FuncId,
    ) -> Option<FuncId> {
        let mut outside = Signature::new(module.isa().default_call_conv());
        outside.params.extend([AbiParam::new(types::I64); 5]);
        outside.returns.push(AbiParam::new(types::I64));
        let id = module.declare_anonymous_function(&outside).ok()?;
        self.context.func = Function::with_name_signature(UserFuncName::user(0, id.as_u32()), outside);
        let callee = module.declare_func_in_func(callee, &mut self.context.func);
        let mut b = FunctionBuilder::new(&mut self.context.func, &mut self.builders);
        let block = b.create_block();
        b.append_block_params_for_function_params(block);
        b.switch_to_block(block);
        let words = b.block_params(block).to_vec();
        let (arguments, results) = (words[3], words[4]);
        let mut given = words[..3].to_vec();
        for (offset, ty) in (0..).step_by(8).zip(facts.parameters(function).iter().flat_map(types_of)) {
            given.push(b.ins().load(*ty, trusted(), arguments, offset));
        }
        let call = b.ins().call(callee, &given);
        let found = b.inst_results(call).to_vec();
        for (offset, word) in (0..).step_by(8).zip(&found[1..]) {
            b.ins().store(trusted(), *word, results, offset);
        }
        b.ins().return_(&found[..1]);
        b.seal_all_blocks();
        b.finalize(module.isa().frontend_config());
        self.define(module, id)?;
        Some(id)
    }
}
