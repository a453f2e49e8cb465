/** Names that an external declaration may define, told from its unexpanded tokens: candidates, checked when it is read. */
import type { Token } from './tokens.js';

export interface ItemIndex {
  typedefs: string[];
  /** `struct kvm`. */
  tags: string[];
  enumerators: string[];
  functions: string[];
  prototypes: string[];
  variables: string[];
  /** Words in the arguments of a macro that is used here: it may make anything of them. */
  used: string[];
}

const KEYWORD = /^(struct|union|enum)$/;
const WORD = /^[A-Za-z_]\w*$/;

/** @param body index of a function's `{`, or -1 */
export function indexItem(tokens: readonly Token[], body: number): ItemIndex {
  const index: ItemIndex = {
    typedefs: [],
    tags: [],
    enumerators: [],
    functions: [],
    prototypes: [],
    variables: [],
    used: [],
  };
  const end = body < 0 ? tokens.length : body;
  const isTypedef = tokens.slice(0, 3).some(({ text }) => text === 'typedef');
  tagsAndConstants(tokens, end, index);
  let depth = 0;
  let assigned = false;
  const declared: string[] = [];
  /** `(*name)(…)`: what stands before it is its type. */
  const pointed: string[] = [];
  const called: string[] = [];
  for (let i = 0; i < end; i++) {
    const { kind, text } = tokens[i]!;
    if (kind === 'punc') {
      if (text === '(' || text === '[' || text === '{') depth++;
      else if (text === ')' || text === ']' || text === '}') depth--;
      else if (depth === 0 && text === '=') assigned = true;
      else if (depth === 0 && text === ',') assigned = false;
      // `(*name)(…)`
      const opens =
        tokens[i - 1]?.text === '(' || (tokens[i - 1]?.kind === 'id' && tokens[i - 2]?.text === '(');
      if (text === '*' && opens && depth === 1) {
        let at = i + 1;
        while (/^(const|volatile|__\w+)$/.test(tokens[at]?.text ?? '')) at++;
        const name = tokens[at];
        if (name?.kind === 'id') pointed.push(name.text);
      }
      continue;
    }
    // `typedef void (name)(void)`
    if (
      isTypedef &&
      kind === 'id' &&
      depth === 1 &&
      tokens[i - 1]?.text === '(' &&
      tokens[i + 1]?.text === ')' &&
      tokens[i + 2]?.text === '('
    )
      pointed.push(text);
    if (kind !== 'id' || depth > 0 || assigned) continue;
    const next = tokens[i + 1]?.text ?? ';';
    if (next === '(') called.push(text);
    else if (/^[=;,[:]$/.test(next) || /^__\w/.test(next)) declared.push(text);
  }
  if (isTypedef) index.typedefs.push(...(pointed.length > 0 ? pointed : typedefNames(tokens, end)));
  else if (body >= 0) index.functions.push(...called, ...pointed);
  else {
    index.prototypes.push(...called);
    index.variables.push(...declared, ...pointed);
  }
  if (tokens[1]?.text === '(' || called.some((name) => /^[A-Z]\w*$/.test(name) || name.startsWith('__'))) {
    const words = tokens.slice(0, end).filter(({ kind, text }) => kind === 'id' && WORD.test(text));
    index.used.push(...new Set(words.map(({ text }) => text)));
  }
  return index;
}

const ATTRIBUTE =
  /^__(attribute__|attribute|aligned\w*|packed|may_alias|no_randomize_layout|randomize_layout)$/;

/** The last word of each declarator that is no attribute; a type before it may look like anything. */
function typedefNames(tokens: readonly Token[], end: number): string[] {
  const names: string[] = [];
  let depth = 0;
  let name = '';
  for (let i = 0; i < end; i++) {
    const { kind, text } = tokens[i]!;
    if (text === '(' || text === '[' || text === '{') depth++;
    else if (text === ')' || text === ']' || text === '}') depth--;
    else if (depth === 0 && kind === 'id' && !ATTRIBUTE.test(text)) name = text;
    else if (depth === 0 && (text === ';' || text === ',') && name !== '') names.push(name);
  }
  return names;
}

function tagsAndConstants(tokens: readonly Token[], end: number, index: ItemIndex): void {
  for (let i = 0; i < end; i++) {
    const keyword = tokens[i]!.text;
    if (tokens[i]!.kind !== 'id' || !KEYWORD.test(keyword)) continue;
    let tag = '';
    let at = i + 1;
    for (; at < end; at++) {
      const { kind, text } = tokens[at]!;
      if (kind === 'id' && tokens[at + 1]?.text === '(') at = skipGroup(tokens, at + 1);
      else if (kind === 'id' && tag === '' && !/^__\w+$/.test(text)) tag = text;
      else if (kind === 'id' && tag === '' && text.startsWith('__') && tokens[at + 1]?.text === '{')
        tag = text;
      else if (kind !== 'id' || !text.startsWith('__')) break;
    }
    if (tokens[at]?.text !== '{') continue;
    if (tag !== '') index.tags.push(`${keyword} ${tag}`);
    if (keyword === 'enum') enumerators(tokens, at, index);
  }
}

function enumerators(tokens: readonly Token[], open: number, index: ItemIndex): void {
  let depth = 0;
  for (let i = open; i < tokens.length; i++) {
    const { text } = tokens[i]!;
    if (text === '{' || text === '(' || text === '[') depth++;
    else if (text === '}' || text === ')' || text === ']') {
      if (--depth === 0) return;
    }
    if (depth !== 1 || (text !== '{' && text !== ',')) continue;
    let at = i + 1;
    while (tokens[at]?.kind === 'directive') at++;
    const name = tokens[at];
    if (name?.kind === 'id') index.enumerators.push(name.text);
  }
}

/** Index of the `)` that closes the `(` at `open`. */
function skipGroup(tokens: readonly Token[], open: number): number {
  let depth = 0;
  for (let i = open; i < tokens.length; i++) {
    if (tokens[i]!.text === '(') depth++;
    if (tokens[i]!.text === ')' && --depth === 0) return i;
  }
  return tokens.length - 1;
}

/** Uses of macros that are tried for one name. */
export const MAX_TRIED = 40;

/** Words that a name may have been pasted from, longest first: of `class_mutex_t` `class_mutex`, `mutex_t`, `mutex` … */
export function partsOf(name: string): string[] {
  const words = name.split('_');
  const parts: string[] = [];
  for (let length = words.length; length >= 1; length--) {
    for (let at = 0; at + length <= words.length; at++) {
      const part = words.slice(at, at + length).join('_');
      if (part.length > 1) parts.push(part);
    }
  }
  return parts;
}
