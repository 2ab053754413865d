//! The rules of the tree, as tests: what is not checked here is not a rule.

mod tidy {
    pub(crate) mod book;
    pub(crate) mod codes;
    pub(crate) mod docs;
    pub(crate) mod layers;
    pub(crate) mod only;
    pub(crate) mod sizes;
    pub(crate) mod stdlib;
    pub(crate) mod tour;
    pub(crate) mod tree;
    pub(crate) mod words;
}
