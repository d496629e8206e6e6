/**
 * A compiled expression as JSON (language §7.4). Scalars are literals; a list is an operation whose first member names it:
 *
 * | form | meaning |
 * |---|---|
 * | `["v", name]` | variable |
 * | `[".", x, "f"]`, `[".?", x, "f"]` | field; optional field |
 * | `["[]", x, i]`, `["[?]", x, i]` | index; optional index |
 * | `["d", 1.0]` | a double that is written like an int |
 * | `["l", …]`, `["m", k, v, …]` | list; map with static string keys |
 * | `["?", c, a, b]` | conditional |
 * | `["&&", a, b, …]`, `["\|\|", …]`, `["+", …]` | chains, one node each |
 * | `["-", a, b]`, `["*", …]`, `["/", …]`, `["/i", …]`, `["%", …]`, `["neg", a]`, `["!", a]` | arithmetic; `/i` is int division |
 * | `["==", a, b]`, `["!=", …]`, `["<", …]`, `["<=", …]`, `[">", …]`, `[">=", …]`, `["in", a, b]` | comparison |
 * | `["has", x, "f"]` | presence test of a field |
 * | `["all" \| "exists" \| "exists_one" \| "filter", x, "v", e]` | macros |
 * | `["map", x, "v", e]`, `["map", x, "v", condition, e]` | map macro with two or three arguments |
 * | `["c", "fn", …args]` | function call; the receiver of a method is the first argument |
 * | `["t", …parts]` | text: literal strings and trees, joined by the rules of language §7.3 |
 * | `["q", json]` | quoted JSON: a literal value as it is |
 */
export type Tree = null | boolean | number | string | TreeNode;
export type TreeNode = [op: string, ...args: unknown[]];
