//! `@form(…)`: how the values of a type are laid out in text.

use crate::check::Context;
use crate::program::Program;
use crate::types::Type;
use sgl_protocol::Form;
use sgl_source::{Code, Diagnostic, did_you_mean};
use sgl_syntax::ast::{ItemKind, Name};

/// The form of that name; none for JSON on one line, and for a name that [`judge`] reports.
pub(crate) fn of(name: Option<&Name>) -> Option<Form> {
    let name = name?;
    Form::NAMES.iter().find(|(known, _)| *known == name.value)?.1
}

/// Reports a form that does not exist, or that says nothing.
pub(crate) fn judge(context: &mut Context<'_>, item: &ItemKind) {
    let (form, is_name) = match item {
        ItemKind::Struct(item) => (&item.form, false),
        ItemKind::Enum(item) => (&item.form, item.variants.iter().all(|variant| variant.payload.is_none())),
        _ => return,
    };
    let Some(form) = form else { return };
    let names = || Form::NAMES.iter().map(|(name, _)| *name);
    if !names().any(|name| name == form.value) {
        let help = match did_you_mean(&form.value, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the forms are {}", names().collect::<Vec<_>>().join(", ")),
        };
        let message = format!("there is no form `{}`", form.value);
        context.report(Diagnostic::error(Code::E0209, message, form.span, "unknown form").with_help(help));
    } else if is_name {
        let message = "an enum without payload is a name in every form";
        context.report(
            Diagnostic::error(Code::E0209, message, form.span, "this changes nothing")
                .with_help("leave `@form` out, or put it on the type that holds the enum"),
        );
    }
}

/// The form in which a value of the type is written where it stands alone: that of its struct or enum. Lists, maps, tuples,
/// records and unions have the form of what they hold, if that is one form.
pub(crate) fn of_type(program: &Program, ty: &Type) -> Option<Form> {
    match said(program, ty) {
        Said::Nothing => None,
        Said::Form(form) => form,
    }
}

/// What a type says of its form.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    Nothing,
    /// This one; none is JSON on one line.
    Form(Option<Form>),
}

fn said(program: &Program, ty: &Type) -> Said {
    match ty {
        Type::Struct(id) => Said::Form(program.structs[id.index()].form),
        Type::Enum(id) => {
            let declared = &program.enums[id.index()];
            let has_payload = declared.variants.iter().any(|variant| !variant.fields.is_empty());
            if has_payload { Said::Form(declared.form) } else { Said::Nothing }
        }
        Type::Optional(of) | Type::List { item: of, .. } | Type::Map(_, of) => said(program, of),
        Type::Tuple(all) | Type::Union(all) => agreed(all.iter().map(|ty| said(program, ty))),
        Type::Record(fields) => agreed(fields.iter().map(|(_, ty)| said(program, ty))),
        _ => Said::Nothing,
    }
}

fn agreed(all: impl Iterator<Item = Said>) -> Said {
    let mut all = all.filter(|said| *said != Said::Nothing);
    let Some(first) = all.next() else { return Said::Nothing };
    if all.all(|other| other == first) { first } else { Said::Form(None) }
}
