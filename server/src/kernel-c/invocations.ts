/** Macros used at file level → facts, with those arguments as expressions that hold more than names. */
import type { Configuration } from './conditions.js';
import type { FileFacts } from './facts.js';
import { conditionAt, nothingFound } from './item-facts.js';
import { LineIndex } from './line-index.js';
import { type MaskedText, maskKernelC } from './masking.js';
import type { CParser } from './parser.js';
import { readMasked } from './read-masked.js';
import type { Statement } from './syntax.js';

/** Prefix of the functions that carry an invocation in the text that is parsed. */
const INVOCATION_FUNCTION = '__invocation_';

export function readInvocations(
  parser: CParser,
  source: string,
  masked: MaskedText,
  lines: LineIndex,
  configuration: Configuration,
): FileFacts['invocations'] {
  const facts = masked.invocations.map((invocation): FileFacts['invocations'][number] => ({
    name: invocation.name,
    arguments: invocation.arguments,
    line: lines.lineAt(invocation.start) + 1,
    ...conditionAt(masked, invocation.start),
  }));
  const text = masked.invocations
    .flatMap(({ arguments: args, start, end }, index) =>
      // On the function's own line, so that places count from the invocation's.
      args.some((argument) => argument.includes('('))
        ? [`void ${INVOCATION_FUNCTION}${index}(void) { ${source.slice(start, end)} ;\n}\n`]
        : [],
    )
    .join('');
  if (text === '') return facts;
  const found = nothingFound();
  readMasked(parser, maskKernelC(text, configuration), new LineIndex(text), found);
  for (const { name, body } of found.functions) {
    const invocation = name.startsWith(INVOCATION_FUNCTION)
      ? facts[Number(name.slice(INVOCATION_FUNCTION.length))]
      : undefined;
    const [first] = JSON.parse(body) as Statement[];
    if (invocation && first?.k === 'expr' && first.x.k === 'call')
      invocation.parsed = JSON.stringify(first.x.a);
  }
  return facts;
}
