//! Methods of built-in types.

use super::Body;
use crate::builtin;
use crate::program::{Expression, ExpressionKind};
use crate::types::Type;
use sgl_source::{Code, Diagnostic, Span, did_you_mean};
use sgl_syntax::ast::{self, Argument};

impl Body<'_, '_> {
    pub(super) fn method(
        &mut self,
        base: &ast::Expression,
        name: &ast::Name,
        arguments: &[Argument],
        wanted: Option<&Type>,
        span: Span,
    ) -> Expression {
        let receiver = self.expression(base, None);
        let ty = self.variables.resolve(&receiver.ty);
        if ty == Type::Error {
            return self.give_up(arguments, span);
        }
        let has_field = match &ty {
            Type::Struct(id) => self.context.program.structs[id.index()].fields.iter().any(|f| f.name == name.value),
            Type::Record(fields) => fields.iter().any(|(f, _)| *f == name.value),
            _ => false,
        };
        if has_field {
            let callee = self.field(receiver, name);
            return self.call_value(callee, arguments, span);
        }
        let found = builtin::methods(&ty).find(|m| m.name == name.value);
        let Some(method) = found else {
            let shown = self.show(&ty);
            let near = did_you_mean(&name.value, builtin::methods(&ty).map(|m| m.name))
                .or_else(|| builtin::known_elsewhere(&name.value, &ty))
                .map(|near| format!("did you mean `.{near}(…)`?"));
            let help = near.or_else(|| match &ty {
                Type::Optional(_) => {
                    Some("it may be `none`: take it apart with `match`, or give a default with `??`".to_string())
                }
                Type::Variable(_) => Some("its type is not known here; write it where it is bound".to_string()),
                _ => None,
            });
            self.report(
                Diagnostic::error(
                    Code::E0207,
                    format!("`{shown}` has no method `{}`", name.value),
                    name.span,
                    "unknown method",
                )
                .with_help_if(help),
            );
            return self.give_up(arguments, span);
        };
        if arguments.len() != method.parameters.len() {
            let count = method.parameters.len();
            let message = format!(
                "`.{}` takes {count} argument{}, and {} {} given",
                method.name,
                if count == 1 { "" } else { "s" },
                arguments.len(),
                if arguments.len() == 1 { "is" } else { "are" }
            );
            self.report(Diagnostic::error(Code::E0302, message, span, "wrong number of arguments"));
            return self.give_up(arguments, span);
        }
        if let Some(named) = arguments.iter().find_map(|a| a.name.as_ref()) {
            let message = format!("`.{}` takes its arguments without names", method.name);
            self.report(Diagnostic::error(Code::E0303, message, named.span, "remove the name"));
        }
        let new = self.variables.fresh();
        if let (Some(Type::List { item, .. }), "map") = (wanted.map(|w| self.variables.resolve(w)), method.name) {
            self.variables.fits(&self.context.program, &new, &item);
        }
        let mut items = vec![receiver];
        for (argument, sig) in arguments.iter().zip(method.parameters) {
            let parameter = builtin::instantiate(sig, &ty, &new);
            items.push(self.expect(&argument.value, &parameter));
        }
        self.check_elements(method.name, &ty, span);
        let result = match (method.vm, &items[..]) {
            ("int.clamp", [_, low, high]) => clamped(low, high),
            _ => builtin::instantiate(&method.result, &ty, &new),
        };
        Expression { kind: ExpressionKind::Builtin(method.vm, items), ty: result, span }
    }

    /// Methods that not every element has.
    pub(super) fn check_elements(&mut self, method: &str, ty: &Type, span: Span) {
        let Type::List { item, .. } = ty else { return };
        let item = crate::assign::widen(&self.variables.resolve(item));
        let number = matches!(item, Type::Int { .. } | Type::Float { .. } | Type::Error);
        let ordered = number || matches!(item, Type::Str(_));
        let (fine, wants) = match method {
            "sum" => (number, "numbers"),
            "sort" | "min" | "max" => (ordered, "numbers or texts"),
            "flatten" => (matches!(item, Type::List { .. } | Type::Error), "lists"),
            _ => (true, ""),
        };
        if !fine {
            let shown = self.show(ty);
            self.report(
                Diagnostic::error(
                    Code::E0207,
                    format!("`{shown}` has no method `{method}`"),
                    span,
                    format!("only a list of {wants} has it"),
                )
                .with_help(if method == "sort" {
                    "say by what: `.sort_by(x => …)`"
                } else {
                    "map its elements first: `.map(x => …)`"
                }),
            );
        }
    }
}

/// The type of `.clamp(low, high)`: a range where both bounds are written out.
pub(super) fn clamped(low: &Expression, high: &Expression) -> Type {
    match (&low.kind, &high.kind) {
        (ExpressionKind::Int(low), ExpressionKind::Int(high)) if low <= high => {
            Type::Int { min: Some(*low), max: Some(*high) }
        }
        _ => Type::int(),
    }
}
