/** What other files can see of a file. While it stays the same, a change of the file concerns only its own bodies. */
import type { FileFacts, FunctionFacts } from '../kernel-c/facts.js';

type Shape<T> = (a: T, b: T) => boolean;

function sameList<T>(a: readonly T[], b: readonly T[], same: Shape<T>): boolean {
  return (
    a === b ||
    (a.length === b.length && a.every((value, index) => value === b[index] || same(value, b[index]!)))
  );
}

const sameTexts: Shape<string> = (a, b) => a === b;

/** Do the functions look the same from outside: by name, order, signature, condition? */
export function sameFunctions(a: FileFacts, b: FileFacts): boolean {
  return sameList(a.functions, b.functions, sameFunction);
}

/** Does one function look the same from outside? */
export function sameFunction(x: FunctionFacts, y: FunctionFacts): boolean {
  return (
    x.name === y.name &&
    x.static === y.static &&
    x.weak === y.weak &&
    x.type === y.type &&
    x.truth === y.truth &&
    x.when === y.when &&
    x.generatedBy === y.generatedBy &&
    sameList(x.parameters, y.parameters, (p, q) => p.name === q.name && p.type === q.type)
  );
}

/** Is everything but the functions the same from outside: macros, variables, types, includes? */
export function sameSurroundings(a: FileFacts, b: FileFacts): boolean {
  return (
    sameList(
      a.macros,
      b.macros,
      (x, y) =>
        x.name === y.name &&
        x.text === y.text &&
        x.truth === y.truth &&
        x.when === y.when &&
        x.variadic === y.variadic &&
        (x.parameters === y.parameters ||
          (x.parameters !== null &&
            y.parameters !== null &&
            sameList(x.parameters, y.parameters, sameTexts))),
    ) &&
    sameList(
      a.variables,
      b.variables,
      (x, y) =>
        x.name === y.name &&
        x.type === y.type &&
        x.static === y.static &&
        x.extern === y.extern &&
        x.truth === y.truth &&
        x.when === y.when &&
        x.initialiser === y.initialiser,
    ) &&
    sameList(
      a.aggregates,
      b.aggregates,
      (x, y) =>
        x.tag === y.tag && sameList(x.fields, y.fields, (f, g) => f.name === g.name && f.type === g.type),
    ) &&
    sameList(a.typedefs, b.typedefs, (x, y) => x.name === y.name && x.type === y.type) &&
    sameList(a.prototypes, b.prototypes, (x, y) => x.name === y.name) &&
    sameList(a.includes, b.includes, (x, y) => x.path === y.path && x.truth === y.truth) &&
    sameList(
      a.invocations,
      b.invocations,
      (x, y) => x.name === y.name && x.truth === y.truth && sameList(x.arguments, y.arguments, sameTexts),
    )
  );
}
