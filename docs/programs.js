// The book: colours for programs. highlight.js comes with mdBook; this tells it the words of the language.

(function () {
    if (typeof hljs === "undefined") {
        return;
    }
    const splice = { className: "subst", begin: /\$\{/, end: /\}/ };
    const hole = { className: "subst", begin: /\$\[/, end: /\]/ };
    hljs.registerLanguage("sgl", () => ({
        keywords: {
            keyword:
                "and as assert break budget const continue else emit enum eval fault fn for fork if import in inline " +
                "join let match metric model mock not on or over prompt pub raw require retry return scratch seeds " +
                "select struct test tool try type until uses using var while with yield",
            literal: "true false none",
            built_in: "system user assistant role gen transcript schema tools invoke",
        },
        contains: [
            { className: "comment", begin: "//", end: "$" },
            { className: "string", begin: '"""', end: '"""', contains: [splice, hole] },
            { className: "string", begin: '"', end: '"', illegal: "\\n", contains: [{ begin: /\\./ }, splice, hole] },
            { className: "number", begin: /\b\d[\d_]*(\.\d+)?(ms|s|m)?\b/ },
            { className: "type", begin: /\b[A-Z]\w*/ },
        ],
    }));
    document.querySelectorAll("code.language-sgl").forEach((block) => {
        delete block.dataset.highlighted;
        block.textContent = block.textContent;
        (hljs.highlightElement || hljs.highlightBlock)(block);
    });
})();
