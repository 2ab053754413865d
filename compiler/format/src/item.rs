//! Items and whole files.

use crate::cursor::{Cursor, Kind};
use crate::document::{Document, concat, group, text};
use crate::sequence::{PARENTHESES, Separator};
use sgl_syntax::ast::{
    Enum, EnumVariant, EvalItem, EvalPart, Function, FunctionKind, Item, ItemKind, Mock, Module, Parameter, Struct,
    TestItem,
};

impl<'a> Cursor<'a> {
    pub(crate) fn module(&mut self, module: &Module) -> Document<'a> {
        let mut parts = Vec::new();
        for (index, item) in module.items.iter().enumerate() {
            self.line_start(&mut parts, index == 0, Document::Newline);
            let docs = self.docs();
            parts.extend([docs, self.item(item)]);
        }
        for (index, (blank, comment)) in self.comments_above().into_iter().enumerate() {
            parts.push(Document::Newline);
            if blank && (index > 0 || !module.items.is_empty()) {
                parts.push(Document::Blank);
            }
            parts.push(text(comment));
        }
        concat(parts)
    }

    /// `///` lines, and comments between them, each on its own line.
    pub(crate) fn docs(&mut self) -> Document<'a> {
        let mut parts = Vec::new();
        while self.kind() == Kind::Doc {
            parts.extend([self.token(), Document::Newline]);
            for (_, comment) in self.comments_above() {
                parts.extend([text(comment), Document::Newline]);
            }
        }
        concat(parts)
    }

    fn item(&mut self, item: &Item) -> Document<'a> {
        let form = match &item.kind {
            ItemKind::Struct(Struct { form, .. }) | ItemKind::Enum(Enum { form, .. }) => form.is_some(),
            _ => false,
        };
        let form = if form { self.form() } else { Document::Nil };
        let exported = if item.exported { concat([self.expect("pub"), text(" ")]) } else { Document::Nil };
        concat([form, exported, self.item_kind(&item.kind)])
    }

    /// `@form(yaml)`, and comments after it, each on its own line.
    fn form(&mut self) -> Document<'a> {
        let form = [self.expect("@"), self.token(), self.expect("("), self.token(), self.expect(")")];
        let mut parts = vec![concat(form), Document::Newline];
        for (_, comment) in self.comments_above() {
            parts.extend([text(comment), Document::Newline]);
        }
        concat(parts)
    }

    fn item_kind(&mut self, kind: &ItemKind) -> Document<'a> {
        match kind {
            ItemKind::Import(import) => {
                let mut parts = vec![self.expect("import"), text(" ")];
                let end = match import.alias.as_ref().or(import.path.last()) {
                    Some(last) => last.span.end as usize,
                    None => 0,
                };
                while self.at < self.pieces.len() && self.start() < end {
                    let alias = import.alias.is_some() && self.next_is("as") && self.pieces[self.at + 1].end == end;
                    parts.push(if alias { concat([text(" "), self.token(), text(" ")]) } else { self.token() });
                }
                concat(parts)
            }
            ItemKind::Const(c) => {
                let head = concat([self.expect("const"), text(" "), self.token(), self.annotation(c.ty.as_ref())]);
                concat([head, text(" "), self.expect("="), text(" "), self.expression(&c.value)])
            }
            ItemKind::Type(alias) => {
                let head = concat([self.expect("type"), text(" "), self.token(), self.generics(&alias.generics)]);
                concat([head, text(" "), self.expect("="), text(" "), self.ty(&alias.ty)])
            }
            ItemKind::Struct(s) => {
                let head = concat([self.expect("struct"), text(" "), self.token(), self.generics(&s.generics)]);
                concat([head, text(" "), group(self.braced(&s.fields, Separator::Comma, Self::field))])
            }
            ItemKind::Enum(e) => {
                let head = concat([self.expect("enum"), text(" "), self.token(), self.generics(&e.generics)]);
                concat([head, text(" "), group(self.braced(&e.variants, Separator::Comma, Self::variant))])
            }
            ItemKind::Function(function) => self.function(function),
            ItemKind::Model(model) => {
                let mut parts = vec![self.expect("model"), text(" "), self.token()];
                if model.of.is_some() {
                    parts.extend([text(" "), self.expect("="), text(" "), self.plain_text()]);
                }
                concat(parts)
            }
            ItemKind::Test(test) => self.test(test),
            ItemKind::Eval(eval) => self.eval(eval),
            ItemKind::Error => self.give_up(),
        }
    }

    fn function(&mut self, function: &Function) -> Document<'a> {
        let mut parts = vec![self.token(), text(" "), self.token(), self.generics(&function.generics)];
        parts.push(self.sequence(PARENTHESES, &function.parameters, Self::parameter));
        if let Some(result) = &function.result {
            parts.extend([text(" "), self.expect("->"), text(" "), self.ty(result)]);
        }
        parts.push(self.uses(function.uses.len()));
        if function.using.is_some() {
            parts.extend([text(" "), self.expect("using"), text(" "), self.token()]);
        }
        if function.kind != FunctionKind::BoundTool {
            parts.extend([text(" "), group(self.block(&function.body))]);
        }
        concat(parts)
    }

    /// ` uses net, stdin`
    fn uses(&mut self, count: usize) -> Document<'a> {
        let mut parts = Vec::new();
        for index in 0..count {
            let before = if index == 0 { self.expect("uses") } else { self.expect(",") };
            parts.extend([text(if index == 0 { " " } else { "" }), before, text(" "), self.token()]);
        }
        concat(parts)
    }

    fn parameter(&mut self, parameter: &Parameter) -> Document<'a> {
        let docs = self.docs();
        let name = concat([self.token(), self.annotation(Some(&parameter.ty))]);
        let default = match &parameter.default {
            Some(value) => concat([text(" "), self.expect("="), text(" "), self.expression(value)]),
            None => Document::Nil,
        };
        concat([docs, name, default])
    }

    fn variant(&mut self, variant: &EnumVariant) -> Document<'a> {
        let docs = self.docs();
        let renamed = self.generated_name(variant.generated_name.is_some());
        let name = self.token();
        let payload = match &variant.payload {
            Some(fields) => self.sequence(PARENTHESES, fields, Self::field),
            None => Document::Nil,
        };
        concat([docs, renamed, name, payload])
    }

    fn test(&mut self, test: &TestItem) -> Document<'a> {
        let mut parts = vec![self.expect("test"), text(" "), self.plain_text(), text(" ")];
        if self.next_is("with") {
            parts.extend([self.expect("with"), text(" "), self.token(), text(" ")]);
            parts.push(group(self.braced(&test.mocks, Separator::Comma, Self::mock)));
            parts.push(text(" "));
        }
        parts.push(group(self.block(&test.body)));
        concat(parts)
    }

    fn eval(&mut self, eval: &EvalItem) -> Document<'a> {
        let mut parts = vec![self.expect("eval"), text(" "), self.token(), text(" "), self.expect("over"), text(" ")];
        parts.extend([self.token(), self.expect("("), self.plain_text(), self.expect(")"), text(" ")]);
        if eval.seeds.is_some() {
            parts.extend([self.expect("seeds"), text(" "), self.number(), text(" ")]);
        }
        parts.extend([self.expect("as"), text(" "), self.token(), self.annotation(Some(&eval.ty)), text(" ")]);
        parts.push(group(self.braced(&eval.parts, Separator::Semicolon, Self::eval_part)));
        concat(parts)
    }

    fn eval_part(&mut self, part: &EvalPart) -> Document<'a> {
        match part {
            EvalPart::Statement(statement) => self.statement(statement),
            EvalPart::Metric(_, value) => {
                let head = concat([self.expect("metric"), text(" "), self.token(), text(" "), self.expect("=")]);
                concat([head, text(" "), self.expression(value)])
            }
            EvalPart::Require(e) => concat([self.expect("require"), text(" "), self.expression(e)]),
        }
    }

    fn mock(&mut self, mock: &Mock) -> Document<'a> {
        let key = match mock {
            Mock::Hole { .. } => self.plain_text(),
            Mock::Tool { tool, .. } => {
                let mut path = vec![self.token()];
                for _ in &tool[1..] {
                    path.extend([self.expect("."), self.token()]);
                }
                concat(path)
            }
        };
        let arrow = concat([key, text(" "), self.expect("=>"), text(" ")]);
        match mock {
            Mock::Hole { .. } => concat([arrow, self.plain_text()]),
            Mock::Tool { value, .. } => concat([arrow, self.expression(value)]),
        }
    }
}
