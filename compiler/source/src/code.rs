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
    E0801 "mock of a hole that the test does not reach"
    E0802 "mock whose answer does not fit its hole"
    E0803 "piece of a test outside a test"
    E0804 "two tests or evals with one name"
    E0901 "project file that can't be read"
    E0902 "unknown or missing key of the project file"
    E0903 "value of the wrong type in the project file"
    E0904 "capability that is not granted"
    E0905 "tool that is bound to nothing"
    E0906 "model that is bound to nothing"
    W0101 "statement after `return`"
    W0201 "value that nobody reads"
    W0301 "pattern that can never match"
    W0401 "loop without a bound"
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
