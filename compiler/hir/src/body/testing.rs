//! What only tests have: `assert_eq`, `assert_snapshot`, `render(f(x))`, `prefix_shared(f(x), branches: n)`.

use super::Body;
use crate::check::Source;
use crate::program::{BinaryOp, Expression, ExpressionKind, FunctionId, StatementKind};
use crate::types::Type;
use sgl_source::{Code, Diagnostic, Span};
use sgl_syntax::ast::{self, Argument, ExpressionKind as Tree};

impl Body<'_, '_> {
    /// The name that is called, if it is one of ours and nothing else has it.
    fn test_word<'t>(&self, callee: &'t ast::Expression, words: &[&str]) -> Option<&'t str> {
        let Tree::Name(name) = &callee.kind else { return None };
        let ours = words.contains(&name.as_str())
            && self.find(name).is_none()
            && !self.context.names[self.module].all.contains_key(name);
        ours.then_some(name.as_str())
    }

    /// `assert_eq(a, b)` or `assert_snapshot(value)` as a statement; the inner `None` is one that was reported.
    pub(super) fn test_statement(&mut self, tree: &ast::Expression) -> Option<Option<StatementKind>> {
        let Tree::Call(callee, arguments) = &tree.kind else { return None };
        let word = self.test_word(callee, &["assert_eq", "assert_snapshot"])?;
        let wanted = if word == "assert_eq" { 2 } else { 1 };
        if arguments.len() != wanted || arguments.iter().any(|a| a.name.is_some()) {
            let help =
                if wanted == 2 { "write `assert_eq(found, expected)`" } else { "write `assert_snapshot(value)`" };
            self.wrong_arguments(word, wanted, arguments, help, tree.span);
            return Some(None);
        }
        if word == "assert_eq" {
            let condition = self.equality(&arguments[0].value, &arguments[1].value, tree.span);
            return Some(Some(StatementKind::Assert(condition, String::new())));
        }
        self.only_in_tests(word, callee.span);
        let value = self.expression(&arguments[0].value, None);
        self.spliceable(&value);
        Some(Some(StatementKind::Snapshot(value)))
    }

    fn equality(&mut self, left: &ast::Expression, right: &ast::Expression, span: Span) -> Expression {
        let (left, right) = (Box::new(left.clone()), Box::new(right.clone()));
        let tree = ast::Expression { kind: Tree::Binary(ast::BinaryOp::Equal, left, right), span };
        let found = self.expression(&tree, Some(&Type::Bool));
        debug_assert!(
            !matches!(found.kind, ExpressionKind::Binary(op, ..) if op != BinaryOp::Equal),
            "`==` is an equality"
        );
        found
    }

    /// `render(f(x))` or `prefix_shared(f(x), branches: n)`.
    pub(super) fn test_call(
        &mut self,
        callee: &ast::Expression,
        arguments: &[Argument],
        span: Span,
    ) -> Option<Expression> {
        let word = self.test_word(callee, &["render", "prefix_shared"])?;
        self.only_in_tests(word, callee.span);
        if word == "render" {
            let [Argument { name: None, value }] = arguments else {
                self.wrong_arguments(word, 1, arguments, "write `render(f(x))`", span);
                return Some(Self::error_expression(span));
            };
            let Some((id, given)) = self.prompt_call(word, value) else { return Some(Self::error_expression(span)) };
            return Some(Expression { kind: ExpressionKind::Render(id, given), ty: Type::text(), span });
        }
        let named = |a: &Argument| a.name.as_ref().is_some_and(|name| name.value == "branches");
        let [Argument { name: None, value }, branches] = arguments else {
            self.wrong_arguments(word, 2, arguments, "write `prefix_shared(f(x), branches: 4)`", span);
            return Some(Self::error_expression(span));
        };
        if !named(branches) {
            self.wrong_arguments(word, 2, arguments, "write `prefix_shared(f(x), branches: 4)`", span);
            return Some(Self::error_expression(span));
        }
        let branches = self.expect(&branches.value, &Type::int());
        let Some((id, given)) = self.prompt_call(word, value) else { return Some(Self::error_expression(span)) };
        let kind = ExpressionKind::PrefixShared(id, given, Box::new(branches));
        Some(Expression { kind, ty: Type::float(), span })
    }

    /// The prompt that is called, and with what; anything else is reported.
    fn prompt_call(&mut self, word: &str, tree: &ast::Expression) -> Option<(FunctionId, Vec<Expression>)> {
        let call = self.expression(tree, None);
        let span = call.span;
        match call.kind {
            ExpressionKind::Call(id, arguments)
                if self.context.function(id).effect == crate::program::Effect::Prompt =>
            {
                Some((id, arguments))
            }
            ExpressionKind::Error => None,
            _ => {
                self.report(
                    Diagnostic::error(Code::E0309, format!("`{word}` needs a call of a prompt"), span, "this is none")
                        .with_help(format!("write `{word}(name(…))` with the name of a `prompt`")),
                );
                None
            }
        }
    }

    fn wrong_arguments(&mut self, word: &str, wanted: usize, arguments: &[Argument], help: &str, span: Span) {
        let found = arguments.len();
        let message = format!("`{word}` takes {wanted} argument{}", if wanted == 1 { "" } else { "s" });
        let label = if found == wanted { "not like this".to_string() } else { format!("{found} given") };
        self.report(Diagnostic::error(Code::E0302, message, span, label).with_help(help));
    }

    fn only_in_tests(&mut self, word: &str, span: Span) {
        if matches!(self.context.functions[self.id].1, Source::Test(_)) {
            return;
        }
        self.report(
            Diagnostic::error(Code::E0803, format!("`{word}` outside a test"), span, "only `sglc test` can do this")
                .with_help("move it into a `test \"…\" { … }`"),
        );
    }
}
