//! Options of holes, and `select`.

use super::Body;
use crate::assign;
use crate::declare::Definition;
use crate::program::{
    Block, Effect, Expression, ExpressionKind, Hole, HoleOption, Pattern, SelectBy, Statement, StatementKind,
};
use crate::types::Type;
use sgl_protocol::Shape;
use sgl_source::{Code, Diagnostic, Span, did_you_mean};
use sgl_syntax::ast;

/// The option that names a model.
const MODEL: &str = "model";

impl Body<'_, '_> {
    /// Options as written, and those of enclosing `with` blocks.
    pub(super) fn options(&mut self, trees: &[ast::HoleOption]) -> Vec<(HoleOption, Expression)> {
        let mut options: Vec<(HoleOption, Expression)> = Vec::new();
        for tree in trees.iter().filter(|tree| tree.name.value != MODEL) {
            let Some((option, value)) = self.option(tree) else { continue };
            if options.iter().any(|(known, _)| *known == option) {
                let message = format!("the option `{}` is given twice", option.name());
                self.report(Diagnostic::error(Code::E0209, message, tree.name.span, "given again here"));
                continue;
            }
            options.push((option, value));
        }
        for (option, local) in self.with.clone().into_iter().rev() {
            if !options.iter().any(|(known, _)| *known == option) {
                let local_of = &self.locals[local.index()];
                let (ty, span) = (local_of.ty.clone(), local_of.span);
                self.read(local);
                options.push((option, Expression { kind: ExpressionKind::Local(local), ty, span }));
            }
        }
        options
    }

    pub(super) fn option(&mut self, tree: &ast::HoleOption) -> Option<(HoleOption, Expression)> {
        let Some(option) = HoleOption::ALL.iter().find(|o| o.name() == tree.name.value).copied() else {
            let near = did_you_mean(&tree.name.value, HoleOption::ALL.iter().map(|o| o.name()));
            let all: Vec<&str> = HoleOption::ALL.iter().map(|o| o.name()).collect();
            self.report(
                Diagnostic::error(
                    Code::E0209,
                    format!("a hole has no option `{}`", tree.name.value),
                    tree.name.span,
                    "unknown option",
                )
                .with_help(
                    near.map_or_else(
                        || format!("there is {}", all.join(", ")),
                        |near| format!("did you mean `{near}`?"),
                    ),
                ),
            );
            self.expression(&tree.value, None);
            return None;
        };
        let found = self.expression(&tree.value, None);
        let ty = assign::widen(&self.variables.resolve(&found.ty));
        let (wanted, fits) = match option {
            HoleOption::MaxTokens
            | HoleOption::MinTokens
            | HoleOption::TopK
            | HoleOption::Seed
            | HoleOption::Logprobs => ("an `Int`", matches!(ty, Type::Int { .. })),
            HoleOption::Stream => ("a `Bool`", ty == Type::Bool),
            HoleOption::Stop | HoleOption::StopRegex => (
                "a `Str` or a list of them",
                matches!(&ty, Type::Str(_)) || matches!(&ty, Type::List { item, .. } if matches!(**item, Type::Str(_))),
            ),
            _ => ("a number", matches!(ty, Type::Int { .. } | Type::Float { .. })),
        };
        if !fits && ty != Type::Error {
            let shown = self.show(&ty);
            let message = format!("`{}` is {wanted}, not `{shown}`", option.name());
            self.report(Diagnostic::error(Code::E0407, message, found.span, format!("this is `{shown}`")));
            return None;
        }
        if let Some(range) = out_of_range(option, &found) {
            let message = format!("`{}` must be {range}", option.name());
            self.report(Diagnostic::error(Code::E0407, message, found.span, "out of range"));
            return None;
        }
        let span = found.span;
        let number = !matches!(
            option,
            HoleOption::MaxTokens | HoleOption::MinTokens | HoleOption::TopK | HoleOption::Seed | HoleOption::Logprobs
        );
        let value = match ty {
            Type::Int { .. } if number => {
                Expression { kind: ExpressionKind::ToFloat(Box::new(found)), ty: Type::float(), span }
            }
            _ => found,
        };
        Some((option, value))
    }

    /// The model of a hole with these options: its own, else that of what is around it.
    pub(super) fn model_of(&mut self, options: &[ast::HoleOption]) -> Option<u32> {
        self.named_model(options).or(self.models.last().copied())
    }

    /// `model: judge`
    fn named_model(&mut self, options: &[ast::HoleOption]) -> Option<u32> {
        let tree = options.iter().find(|option| option.name.value == MODEL)?;
        let mut path = Vec::new();
        if super::call::path(&tree.value, &mut path) {
            return self.model_at(&path);
        }
        self.no_model("this", tree.value.span);
        None
    }

    /// `using judge`
    pub(super) fn using(&mut self, name: &ast::Name) {
        if self.effect != Effect::Prompt {
            self.report(
                Diagnostic::error(Code::E0501, "a `fn` is pure, and uses no model", name.span, "not in a `fn`")
                    .with_help("declare it as `prompt`"),
            );
        }
        let model = self.model_at(std::slice::from_ref(name));
        self.models.extend(model);
    }

    fn model_at(&mut self, path: &[ast::Name]) -> Option<u32> {
        let (last, before) = path.split_last()?;
        let mut home = self.module;
        for step in before {
            let Some((Definition::Module(target), ..)) = self.context.names[home].all.get(&step.value) else {
                self.no_model(&format!("`{}`", step.value), step.span);
                return None;
            };
            home = *target;
        }
        match self.context.names[home].all.get(&last.value) {
            Some((Definition::Model(id), exported, _)) if *exported || home == self.module => Some(*id),
            _ => {
                self.no_model(&format!("`{}`", last.value), last.span);
                None
            }
        }
    }

    fn no_model(&mut self, shown: &str, span: Span) {
        let names = self.context.program.models.iter().map(|model| model.name.as_str());
        let near = did_you_mean(shown.trim_matches('`'), names);
        let help = near.map_or_else(
            || "declare it: `model judge`, and say in `sgl.toml` which it is: `[models]`, `judge = \"…\"`".to_string(),
            |near| format!("did you mean `{near}`?"),
        );
        self.report(
            Diagnostic::error(Code::E0508, format!("{shown} is no model"), span, "a model is wanted here")
                .with_help(help),
        );
    }

    /// Defaults for the holes of a block: each is computed once.
    pub(super) fn with(&mut self, options: &[ast::HoleOption], body: &ast::Block) -> StatementKind {
        let before = (self.with.len(), self.models.len());
        if let Some(model) = self.named_model(options) {
            self.models.push(model);
        }
        let mut statements = Vec::new();
        for tree in options.iter().filter(|tree| tree.name.value != MODEL) {
            let Some((option, value)) = self.option(tree) else { continue };
            let span = tree.name.span;
            let local = self.local(&format!("%{}", option.name()), value.ty.clone(), false, span);
            self.read(local);
            statements.push(Statement { kind: StatementKind::Let(Pattern::Bind(local), value), span });
            self.with.push((option, local));
        }
        // Like a turn, it delimits options, not names.
        let block = self.block_statements(&body.statements);
        self.with.truncate(before.0);
        self.models.truncate(before.1);
        statements.extend(block.statements);
        StatementKind::Block(Block { statements, value: None })
    }

    pub(super) fn select(&mut self, options: &ast::Expression, settings: &[ast::HoleOption], span: Span) -> Expression {
        self.needs_prompt("`select`", span);
        let options = self.expression(options, None);
        let element = match self.variables.resolve(&options.ty) {
            Type::List { item, .. } => *item,
            Type::Error => return Self::error_expression(span),
            other => {
                let shown = self.show(&other);
                self.report(Diagnostic::error(
                    Code::E0301,
                    format!("`select` takes a list, not `{shown}`"),
                    options.span,
                    format!("this is `{shown}`"),
                ));
                return Self::error_expression(span);
            }
        };
        if matches!(&options.kind, ExpressionKind::List(items) if items.is_empty()) {
            self.report(Diagnostic::error(
                Code::E0411,
                "`select` has nothing to choose from",
                options.span,
                "this list is empty",
            ));
            return Self::error_expression(span);
        }
        let mut by = SelectBy::Mean;
        let mut constrained = false;
        let model = self.model_of(settings);
        for setting in settings.iter().filter(|setting| setting.name.value != MODEL) {
            let word = match &setting.value.kind {
                ast::ExpressionKind::Name(word) => word.as_str(),
                _ => "",
            };
            match (setting.name.value.as_str(), word) {
                ("by", "mean") => by = SelectBy::Mean,
                ("by", "greedy") => by = SelectBy::Greedy,
                ("by", "pmi") => by = SelectBy::Pmi,
                ("by", "constrained") => constrained = true,
                ("by", _) => self.report(
                    Diagnostic::error(
                        Code::E0407,
                        "`by` is `mean`, `greedy`, `pmi` or `constrained`",
                        setting.value.span,
                        "unknown way to rank",
                    )
                    .with_help_if(
                        did_you_mean(word, ["mean", "greedy", "pmi", "constrained"])
                            .map(|near| format!("did you mean `{near}`?")),
                    ),
                ),
                (other, _) => self.report(
                    Diagnostic::error(
                        Code::E0209,
                        format!("`select` has no option `{other}`"),
                        setting.name.span,
                        "unknown option",
                    )
                    .with_help("its options are `by` and `model`"),
                ),
            }
        }
        if constrained {
            return self.sample(options, element, model, span);
        }
        Expression {
            kind: ExpressionKind::Select { options: Box::new(options), by, label: "select".into(), model },
            ty: element,
            span,
        }
    }
}

impl Body<'_, '_> {
    /// One of the texts of a list, sampled under its mask.
    fn sample(&mut self, options: Expression, element: Type, model: Option<u32>, span: Span) -> Expression {
        if assign::widen(&element) != Type::text() {
            let shown = self.show(&element);
            self.report(
                Diagnostic::error(
                    Code::E0407,
                    format!("`by: constrained` chooses among texts, not `{shown}`"),
                    options.span,
                    format!("a list of `{shown}`"),
                )
                .with_help("use `by: mean`, or make them texts: `[\"${x}\" for x in xs]`"),
            );
            return Self::error_expression(span);
        }
        let mut all = self.options(&[]);
        all.push((HoleOption::Part(0), options));
        let hole = Hole {
            local: None,
            label: "select".into(),
            ty: element.clone(),
            shape: Shape::Computed(0),
            model,
            options: all,
            span,
        };
        Expression { kind: ExpressionKind::Generate(Box::new(hole)), ty: element, span }
    }
}

/// What a constant option must be, if it is not.
pub(super) fn out_of_range(option: HoleOption, value: &Expression) -> Option<&'static str> {
    let number = match value.kind {
        ExpressionKind::Int(n) => n as f64,
        ExpressionKind::Float(x) => x,
        _ => return None,
    };
    let (fine, range) = match option {
        HoleOption::MaxTokens => (number >= 1.0, "at least 1"),
        HoleOption::Temperature => (number >= 0.0, "at least 0"),
        HoleOption::TopP => (number > 0.0 && number <= 1.0, "above 0 and at most 1"),
        HoleOption::TopK | HoleOption::MinTokens => (number >= 0.0, "at least 0"),
        HoleOption::MinP => ((0.0..=1.0).contains(&number), "between 0 and 1"),
        HoleOption::RepetitionPenalty => (number > 0.0, "above 0"),
        HoleOption::FrequencyPenalty | HoleOption::PresencePenalty => {
            ((-2.0..=2.0).contains(&number), "between -2 and 2")
        }
        HoleOption::Logprobs => ((0.0..=20.0).contains(&number), "between 0 and 20"),
        HoleOption::Seed | HoleOption::Stop | HoleOption::StopRegex | HoleOption::Stream | HoleOption::Part(_) => {
            (true, "")
        }
    };
    (!fine).then_some(range)
}
