/** What other files can see of a file. While it stays the same, a change of the file concerns only its own bodies. */
import type { FileFacts, FunctionFacts, InvocationFacts } from '../kernel-c/facts.js';

type Shape<T> = (a: T, b: T) => boolean;

function sameList<T>(a: readonly T[], b: readonly T[], same: Shape<T>): boolean {
  return (
    a === b ||
    (a.length === b.length && a.every((value, index) => value === b[index] || same(value, b[index]!)))
  );
}

/** Are these the very same objects, places and all? */
export const sameObjects = <T>(a: readonly T[], b: readonly T[]): boolean => sameList(a, b, () => false);

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

/** EXPORT_SYMBOL() and its kin say something of a name; nothing that is read comes of them. */
const mayGenerate = ({ name }: InvocationFacts) => !/^(EXPORT_|MODULE_)/.test(name);

/** Is everything but functions, variables and prototypes the same: macros, types, includes? */
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
      a.aggregates,
      b.aggregates,
      (x, y) =>
        x.tag === y.tag && sameList(x.fields, y.fields, (f, g) => f.name === g.name && f.type === g.type),
    ) &&
    sameList(a.typedefs, b.typedefs, (x, y) => x.name === y.name && x.type === y.type) &&
    sameList(a.includes, b.includes, (x, y) => x.path === y.path && x.truth === y.truth) &&
    sameList(
      a.invocations.filter(mayGenerate),
      b.invocations.filter(mayGenerate),
      (x, y) => x.name === y.name && x.truth === y.truth && sameList(x.arguments, y.arguments, sameTexts),
    )
  );
}

/** Variables whose face or value is another, by name. */
export function changedVariables(a: FileFacts, b: FileFacts): Set<string> {
  return changed(
    a.variables,
    b.variables,
    (x, y) =>
      x.type === y.type &&
      x.static === y.static &&
      x.extern === y.extern &&
      x.truth === y.truth &&
      x.when === y.when &&
      x.initialiser === y.initialiser,
  );
}

export function changedPrototypes(a: FileFacts, b: FileFacts): Set<string> {
  return changed(a.prototypes, b.prototypes, () => true);
}

/** Functions that came, went, or look otherwise from outside, by name. */
export function changedFunctions(a: FileFacts, b: FileFacts): Set<string> {
  return changed(a.functions, b.functions, sameFunction);
}

/** Names of items that only one side has. */
function changed<T extends { name: string }>(
  a: readonly T[],
  b: readonly T[],
  same: (x: T, y: T) => boolean,
): Set<string> {
  const names = new Set<string>();
  const differences = (from: readonly T[], others: readonly T[]) => {
    const byName = new Map<string, T[]>();
    for (const one of others) byName.set(one.name, [...(byName.get(one.name) ?? []), one]);
    for (const one of from) if (!byName.get(one.name)?.some((other) => same(one, other))) names.add(one.name);
  };
  differences(a, b);
  differences(b, a);
  return names;
}
