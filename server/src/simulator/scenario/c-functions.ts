/** Functions of a small kernel by name, without parsing it. */

/** Names of the C functions that are defined in texts. */
export function functionsIn(texts: Readonly<Record<string, string>>): Set<string> {
  const names = new Set<string>();
  for (const text of Object.values(texts))
    for (const [, name] of text.matchAll(/^[A-Za-z_][\w \t*]*?\b(\w+)\([^;{}]*\)\s*\{/gm)) names.add(name!);
  return names;
}
