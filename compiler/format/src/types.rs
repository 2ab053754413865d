//! Types as written.

use crate::cursor::Cursor;
use crate::document::{Document, LINE, concat, group, nest, text};
use crate::sequence::{ANGLES, PARENTHESES, SQUARE, TUPLE};
use sgl_syntax::ast::{FieldDeclaration, Name, Refinement, TypeExpression, TypeKind};

impl<'a> Cursor<'a> {
    pub(crate) fn ty(&mut self, ty: &TypeExpression) -> Document<'a> {
        let own = usize::from(matches!(ty.kind, TypeKind::Tuple(_) | TypeKind::Record(_)));
        self.parenthesised(ty.span.end as usize, own, |cursor| cursor.ty_inside(ty))
    }

    fn ty_inside(&mut self, ty: &TypeExpression) -> Document<'a> {
        match &ty.kind {
            TypeKind::Name { path, arguments } => {
                let path = self.path(path);
                if arguments.is_empty() && !self.next_is("<") {
                    return path;
                }
                concat([path, self.sequence(ANGLES, arguments, Self::ty)])
            }
            TypeKind::FloatDigits(_) => concat([self.token(), self.expect("("), self.token(), self.expect(")")]),
            TypeKind::LiteralText(_) => self.plain_text(),
            TypeKind::LiteralInt(_) => self.number(),
            TypeKind::LiteralBool(_) => self.token(),
            TypeKind::Optional(of) => concat([self.ty(of), self.expect("?")]),
            TypeKind::Union(members) => self.alternatives(members, Self::ty),
            TypeKind::List(of, bound) => {
                let open = self.expect("[");
                let of = self.ty(of);
                let bound = bound.as_ref().map(|bound| concat([text("; "), self.expression(bound)]));
                concat([open, of, bound.unwrap_or(Document::Nil), self.expect("]")])
            }
            TypeKind::Map(key, value) => {
                concat([self.expect("{"), self.ty(key), self.expect(":"), text(" "), self.ty(value), self.expect("}")])
            }
            TypeKind::Several(types) => self.sequence(SQUARE, types, Self::ty),
            TypeKind::Tuple(types) => self.sequence(TUPLE, types, Self::ty),
            TypeKind::Record(fields) => self.sequence(PARENTHESES, fields, Self::field),
            TypeKind::Function(parameters, result) => concat([
                self.sequence(PARENTHESES, parameters, Self::ty),
                text(" "),
                self.expect("->"),
                text(" "),
                self.ty(result),
            ]),
            TypeKind::Refined(of, refinements) => {
                let of = self.ty(of);
                concat(std::iter::once(of).chain(refinements.iter().map(|refinement| self.refinement(refinement))))
            }
            TypeKind::Error => self.give_up(),
        }
    }

    fn refinement(&mut self, refinement: &Refinement) -> Document<'a> {
        let (word, value) = match refinement {
            Refinement::Matching(e) => ("matching", e),
            Refinement::Until(e) => ("until", e),
            Refinement::Max(e) => ("max", e),
            Refinement::In(e) => ("in", e),
            Refinement::From(e) => ("from", e),
            Refinement::As(e) => ("as", e),
        };
        concat([text(" "), self.expect(word), text(" "), self.expression(value)])
    }

    /// `: T`, if there is one.
    pub(crate) fn annotation(&mut self, ty: Option<&TypeExpression>) -> Document<'a> {
        match ty {
            Some(ty) => concat([self.expect(":"), text(" "), self.ty(ty)]),
            None => Document::Nil,
        }
    }

    /// A field of a struct, a payload or a record type.
    pub(crate) fn field(&mut self, field: &FieldDeclaration) -> Document<'a> {
        let docs = self.docs();
        let renamed = self.generated_name(field.generated_name.is_some());
        concat([docs, renamed, self.token(), self.annotation(Some(&field.ty))])
    }

    /// `@name("…") `
    pub(crate) fn generated_name(&mut self, there: bool) -> Document<'a> {
        if !there {
            return Document::Nil;
        }
        concat([self.expect("@"), self.token(), self.expect("("), self.plain_text(), self.expect(")"), text(" ")])
    }

    /// `<T, U>`
    pub(crate) fn generics(&mut self, generics: &[Name]) -> Document<'a> {
        if generics.is_empty() && !self.next_is("<") {
            return Document::Nil;
        }
        self.sequence(ANGLES, generics, |cursor, _| cursor.token())
    }

    /// `a.b.c`
    pub(crate) fn path(&mut self, path: &[Name]) -> Document<'a> {
        let mut parts = vec![self.token()];
        for _ in 1..path.len() {
            parts.push(self.expect("."));
            parts.push(self.token());
        }
        concat(parts)
    }

    /// `42`, `-1`
    pub(crate) fn number(&mut self) -> Document<'a> {
        if self.next_is("-") { concat([self.token(), self.token()]) } else { self.token() }
    }

    /// `a | b | c`: a line may break before each bar.
    pub(crate) fn alternatives<T>(
        &mut self,
        all: &[T],
        mut print: impl FnMut(&mut Self, &T) -> Document<'a>,
    ) -> Document<'a> {
        let mut rest = Vec::new();
        let mut first = Document::Nil;
        for (index, one) in all.iter().enumerate() {
            if index == 0 {
                first = print(self, one);
            } else {
                rest.extend([LINE, self.expect("|"), text(" "), print(self, one)]);
            }
        }
        group(concat([first, nest(concat(rest))]))
    }

    /// A node that only a file with errors has.
    pub(crate) fn give_up(&mut self) -> Document<'a> {
        self.lose();
        Document::Nil
    }
}
