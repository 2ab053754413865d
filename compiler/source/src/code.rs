//! Every diagnostic code, one line each.
//!
//! E00xx text and tokens, E01xx syntax, E02xx names and modules, E03xx types, E04xx prompts and holes, E05xx effects,
//! E06xx limits, E07xx runs, E08xx tests and evals, E09xx the project and what is granted; W are warnings. A code is never
//! reused. `tests/tidy` checks that each one has a corpus test.

macro_rules! codes {
    ($($name:ident $title:literal)*) => {
        /// A diagnostic's code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = $title] $name,)*
        }

        impl Code {
            /// All codes, in order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code as written, such as `E0304`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// What the code is about, in one phrase.
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

codes! {
    E0001 "character that no token starts with"
    E0002 "string that is not closed"
    E0003 "unknown escape in a string"
    E0004 "number that can't be read"
    E0005 "block string that is not indented as its closing quotes"
    E0006 "regular expression that can't be read"
    E0101 "unexpected token"
    E0102 "bracket that is not closed"
    E0103 "hole outside a text statement"
    E0104 "piece of the language that is not built yet"
    E0105 "malformed hole"
    E0106 "keyword used as a name"
    E0107 "nesting that is too deep"
    E0201 "unknown name"
    E0202 "unknown type"
    E0203 "name defined twice"
    E0204 "unknown module"
    E0205 "name that its module does not export"
    E0206 "unknown field"
    E0207 "unknown method"
    E0208 "unknown variant"
    E0209 "unknown option"
    E0210 "modules that import each other in a circle"
    E0211 "definition that depends on itself"
    E0212 "constant that can't be computed"
    E0301 "mismatched types"
    E0302 "wrong number of arguments"
    E0303 "unknown, missing or repeated argument name"
    E0304 "operator that its operands do not have"
    E0305 "condition that is not a `Bool`"
    E0306 "`match` that does not cover every case"
    E0307 "pattern that does not fit the value"
    E0308 "missing `return`"
    E0309 "something that can't be called"
    E0310 "something that can't be iterated"
    E0311 "type that can't be inferred"
    E0312 "assignment to something that is not a `var`"
    E0313 "value that is missing or out of range for its refinement"
    E0314 "refinement that its type does not have"
    E0315 "union whose members can't be told apart"
    E0316 "something that can't be indexed"
    E0317 "value that can't be spliced into text"
    E0318 "`break` or `continue` outside a loop"
    E0319 "missing or repeated field"
    E0320 "type whose values would never end"
    E0321 "generic item that needs itself with ever new types"
    E0322 "wrong number of types for a generic item"
    E0323 "prompt or tool that is taken for a value"
    E0401 "type that a model can't generate"
    E0402 "role block inside a role block"
    E0403 "text outside role blocks mixed with role blocks"
    E0404 "`yield` outside a branch"
    E0405 "branch that does not yield"
    E0406 "change of an outer variable inside a branch"
    E0407 "option value of the wrong type or out of range"
    E0408 "join that its fork can't have"
    E0409 "constraint that can't be enforced"
    E0410 "constraint that no text meets"
    E0411 "`select` without options"
    E0412 "metadata that a value does not carry"
    E0413 "program without an entry"
    E0440 "`max_tokens` below the shortest value"
    E0501 "pure code that uses the model"
    E0502 "prompt text outside a prompt"
    E0503 "use of the host that is not declared"
    E0504 "unknown capability"
    E0505 "tool that is bound outside, and says not what it reaches"
    E0506 "type that a tool can't take or give"
    E0507 "something that is no tool"
    E0508 "something that is no model"
    E0601 "program that exceeds a limit of the compiler"
    E0701 "run that ended with a fault"
    E0702 "fault of the world that nothing caught"
    E0801 "mock of a hole or tool that the test does not reach"
    E0802 "mock whose answer does not fit its hole"
    E0803 "piece of a test outside a test"
    E0804 "two tests or evals with one name"
    E0805 "mock of a tool that has a body"
    E0810 "unknown form of data"
    E0811 "row type that data can not hold"
    E0812 "metric that is neither a `Bool` nor a number"
    E0813 "eval without a metric"
    E0814 "number of seeds out of range"
    E0901 "project file that can't be read"
    E0902 "unknown or missing key of the project file"
    E0903 "value of the wrong type in the project file"
    E0904 "capability that is not granted"
    E0905 "tool that is bound to nothing"
    E0906 "model that is bound to nothing"
    E0907 "image for a model that reads text only"
    W0101 "statement after `return`"
    W0102 "prompt text after `return`"
    W0103 "value that is computed and dropped"
    W0104 "empty block"
    W0105 "`continue` that changes nothing"
    W0106 "value assigned to itself"
    W0107 "loop that runs at most once"
    W0201 "value that nobody reads"
    W0202 "import that nobody uses"
    W0203 "item that nobody uses"
    W0204 "name that hides another"
    W0205 "parameter that nobody reads"
    W0206 "`var` that never changes"
    W0207 "alias that says nothing new"
    W0208 "module that is imported twice"
    W0209 "name in the case of another kind"
    W0301 "pattern that can never match"
    W0302 "condition that is always the same"
    W0303 "comparison that its types decide"
    W0304 "alternative that is written twice"
    W0305 "key that is written twice"
    W0306 "option of `select` that is written twice"
    W0307 "member of a union that is written twice"
    W0308 "`Bool` compared with a literal"
    W0309 "`if` that is its own condition"
    W0310 "length compared with 0"
    W0311 "negation that has a shorter form"
    W0312 "division by a literal zero"
    W0313 "range without numbers"
    W0314 "branches that do the same"
    W0316 "`.to_str()` in a splice"
    W0401 "loop without a bound"
    W0402 "capture that nobody reads"
    W0403 "loop of holes without a budget"
    W0404 "example that its type does not have"
    W0405 "constraint that leaves one text"
    W0406 "word that runs into a hole"
    W0407 "constant text after a value that changes"
    W0408 "`max_tokens` that limits nothing"
    W0409 "option that changes nothing at temperature 0"
    W0411 "fork without anything side by side"
    W0412 "join that never ends early"
    W0413 "empty turn"
    W0414 "system turn after another turn"
    W0416 "prompt that could be a function"
    W0417 "braces without a dollar"
    W0418 "special token as plain text"
    W0422 "role that has a word of its own"
    W0423 "literal that is spliced"
    W0426 "`select` of one option"
    W0427 "blank at the end of a turn"
    W0428 "system text that is nearly another"
    W0429 "calls that wait for one another"
    W0801 "test that asserts nothing"
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
