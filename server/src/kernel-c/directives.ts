/** One preprocessor directive's text, taken apart. */

export interface MacroDefinition {
  name: string;
  /** Parameter names; `null` for an object-like macro. The variadic parameter is listed as `__VA_ARGS__` or its own name. */
  parameters: string[] | null;
  variadic: boolean;
  /** Replacement text with comments and continuations taken out. */
  body: string;
}

export type Directive =
  | { kind: 'define'; macro: MacroDefinition }
  | { kind: 'undef'; name: string }
  | { kind: 'include'; path: string; angled: boolean }
  | { kind: 'if' | 'elif'; condition: string }
  | { kind: 'else' | 'endif' | 'other' };

function plain(text: string): string {
  if (!text.includes('/') && !text.includes('\\')) return text.trim();
  return text
    .replace(/\\\r?\n/g, ' ')
    .replace(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\/\*[\s\S]*?\*\/|\/\/.*/g, (match) =>
      match[0] === '/' ? ' ' : match,
    )
    .trim();
}

function defineOf(text: string): MacroDefinition | null {
  const head = /^([A-Za-z_$][\w$]*)(\(([^)]*)\))?/.exec(text);
  if (!head) return null;
  const body = text.slice(head[0].length).trim();
  if (head[2] === undefined) return { name: head[1]!, parameters: null, variadic: false, body };
  let variadic = false;
  const parameters = head[3]!
    .split(',')
    .map((parameter) => parameter.trim())
    .filter((parameter) => parameter !== '')
    .map((parameter) => {
      if (!parameter.endsWith('...')) return parameter;
      variadic = true;
      return parameter.slice(0, -3).trim() || '__VA_ARGS__';
    });
  return { name: head[1]!, parameters, variadic, body };
}

/** Takes a directive apart; `text` runs from `#` to the end of its last line. */
export function parseDirective(text: string): Directive {
  const match = /^#\s*([A-Za-z_]+)?\s*([\s\S]*)$/.exec(text);
  const rest = match?.[2] ?? '';
  switch (match?.[1]) {
    case 'define': {
      const macro = defineOf(plain(rest));
      return macro ? { kind: 'define', macro } : { kind: 'other' };
    }
    case 'undef':
      return { kind: 'undef', name: plain(rest) };
    case 'include': {
      const path = /^[<"]([^>"\n]+)[>"]/.exec(rest);
      return path ? { kind: 'include', path: path[1]!, angled: rest.startsWith('<') } : { kind: 'other' };
    }
    case 'if':
      return { kind: 'if', condition: plain(rest) };
    case 'ifdef':
      return { kind: 'if', condition: `defined(${plain(rest)})` };
    case 'ifndef':
      return { kind: 'if', condition: `!defined(${plain(rest)})` };
    case 'elif':
      return { kind: 'elif', condition: plain(rest) };
    case 'elifdef':
      return { kind: 'elif', condition: `defined(${plain(rest)})` };
    case 'elifndef':
      return { kind: 'elif', condition: `!defined(${plain(rest)})` };
    case 'else':
      return { kind: 'else' };
    case 'endif':
      return { kind: 'endif' };
    default:
      return { kind: 'other' };
  }
}
