//! Tools in bodies: what a call may reach, `invoke(call)`, `tools([…])`.

use super::Body;
use super::prompt::A_TOOL;
use crate::check::Source;
use crate::program::{Arm, Block, Expression, ExpressionKind, FunctionId, Pattern};
use crate::types::Type;
use crate::{resolve, schema_text, tool};
use sgl_source::{Code, Diagnostic, Span};
use sgl_syntax::ast::{self, Argument, ExpressionKind as Tree};

impl Body<'_, '_> {
    /// Reports what a call reaches and this function does not declare.
    pub(super) fn needs_uses(&mut self, id: FunctionId, span: Span) {
        let callee = self.context.function(id);
        if callee.uses.is_empty() {
            return;
        }
        let (name, uses, declared) = (callee.name.clone(), callee.uses.clone(), callee.span);
        let list = uses.join(", ");
        if let Some((place, help)) = self.pure_place().filter(|(place, _)| *place != A_TOOL) {
            self.report(
                Diagnostic::error(
                    Code::E0501,
                    format!("`{name}` is called in {place}, which is pure"),
                    span,
                    format!("this uses {list}"),
                )
                .with_help(help),
            );
            return;
        }
        let (_, source) = self.context.functions[self.id];
        let Source::Function(own) = source else { return };
        let own_uses = self.context.program.functions[self.id].uses.clone();
        let missing: Vec<String> = uses.into_iter().filter(|of| !own_uses.contains(of)).collect();
        if missing.is_empty() {
            return;
        }
        let all: Vec<String> = own_uses.into_iter().chain(missing.clone()).collect();
        self.report(
            Diagnostic::error(
                Code::E0503,
                format!("`{}` does not say that it uses {}", own.name.value, missing.join(", ")),
                span,
                format!("`{name}` uses {list}"),
            )
            .with_label(own.name.span, "declared here")
            .with_label(declared, format!("`{name}` is declared here"))
            .with_help(format!("write `uses {}` after its parameters and result", all.join(", "))),
        );
    }

    /// `invoke(call)`: runs the call that a value of `ToolCall<[…]>` holds.
    pub(super) fn invoke(&mut self, arguments: &[Argument], span: Span) -> Expression {
        let [only] = arguments else {
            self.report(
                Diagnostic::error(Code::E0302, "`invoke` takes one call", span, "wrong number of arguments")
                    .with_help("write `invoke(call)` with a value of type `ToolCall<[…]>`"),
            );
            return self.give_up(arguments, span);
        };
        let call = self.expression(&only.value, None);
        let ty = self.variables.resolve(&call.ty);
        let of = match &ty {
            Type::Enum(id) => self.context.tool_calls.iter().find(|(_, calls)| calls == id).cloned(),
            Type::Error => return Self::error_expression(span),
            _ => None,
        };
        let Some((tools, calls)) = of else {
            let shown = self.show(&ty);
            self.report(
                Diagnostic::error(
                    Code::E0507,
                    format!("`invoke` runs a call of a tool, not `{shown}`"),
                    call.span,
                    format!("this is `{shown}`"),
                )
                .with_help("its type must be `ToolCall<[…]>`"),
            );
            return Self::error_expression(span);
        };
        let mut arms = Vec::new();
        let mut results = Vec::new();
        for (index, tool) in (0u16..).zip(&tools) {
            self.needs_uses(*tool, span);
            let fields = self.context.program.enums[calls.index()].variants[usize::from(index)].fields.clone();
            let mut patterns = Vec::new();
            let mut given = Vec::new();
            for field in fields {
                let local = self.local(&format!("%{}", field.name), field.ty.clone(), false, span);
                self.read(local);
                patterns.push(Pattern::Bind(local));
                given.push(Expression { kind: ExpressionKind::Local(local), ty: field.ty, span });
            }
            let result = self.context.function(*tool).result.clone();
            results.push(result.clone());
            let value = Expression { kind: ExpressionKind::Call(*tool, given), ty: result, span };
            let body = Block { statements: Vec::new(), value: Some(Box::new(value)) };
            arms.push(Arm { pattern: Pattern::Variant(calls, index, patterns), guard: None, body });
        }
        let ty = resolve::union(results);
        Expression { kind: ExpressionKind::Match(Box::new(call), arms), ty, span }
    }

    /// `tools([search, calc])`: what tells a model of the tools, and how their calls are written.
    pub(super) fn tools(&mut self, arguments: &[Argument], span: Span) -> Expression {
        let trees = match arguments {
            [Argument { value: ast::Expression { kind: Tree::List(items), .. }, .. }] if !items.is_empty() => items,
            _ => {
                self.report(
                    Diagnostic::error(Code::E0302, "`tools` takes a list of tools", span, "which tools?")
                        .with_help("write `tools([search, calc])`"),
                );
                return Self::error_expression(span);
            }
        };
        let mut found = Vec::new();
        for tree in trees {
            let mut path = Vec::new();
            if !super::call::path(tree, &mut path) {
                path = vec![ast::Name::new("this".into(), tree.span)];
            }
            match tool::find(self.context, self.module, &path) {
                Some(id) => found.push(id),
                None => return Self::error_expression(span),
            }
        }
        let text = found.iter().map(|id| self.describe_tool(*id)).collect::<Vec<_>>().join("\n");
        Expression { kind: ExpressionKind::Text(text), ty: Type::text(), span }
    }

    /// `- search(query: <text>) gives <text>: Search the encyclopedia.`
    fn describe_tool(&self, id: FunctionId) -> String {
        let program = &self.context.program;
        let function = self.context.function(id);
        let mut docs = String::new();
        let parameters: Vec<String> = function
            .parameters
            .iter()
            .map(|parameter| {
                let local = &function.locals[parameter.local.index()];
                if !parameter.doc.is_empty() {
                    docs.push_str(&format!("\n  {}: {}", local.name, parameter.doc.replace('\n', " ")));
                }
                format!("{}: {}", local.name, schema_text(program, &local.ty))
            })
            .collect();
        let gives = schema_text(program, &function.result);
        let doc =
            if function.doc.is_empty() { String::new() } else { format!(": {}", function.doc.replace('\n', " ")) };
        format!("- {}({}) gives {gives}{doc}{docs}", function.name, parameters.join(", "))
    }
}
