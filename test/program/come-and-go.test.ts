/** Functions that come and go while a file is typed in: calls behind a table that names them follow. */
import { expect, test } from 'vitest';
import { TreeAnalysis } from '../../server/src/rules/tree-analysis.ts';
import { edit, programOf, SNIPPET } from '../support/c-program.ts';

const FUNCTION = `
void sev_invalidate(u64 pfn)
{
}
`;

const TABLE = `
void sev_invalidate(u64 pfn);
struct ops { void (*invalidate)(u64 pfn); };
struct ops sev_ops = { .invalidate = sev_invalidate };
void invalidate(struct ops *ops, u64 pfn)
{
	ops->invalidate(pfn);
}
`;

test('a call through a table reaches a function only while that is defined', async () => {
  const program = await programOf({ [SNIPPET]: FUNCTION, 'arch/x86/kvm/x86.c': TABLE });
  const analysis = new TreeAnalysis(program);
  const callees = () =>
    program
      .functionsIn('arch/x86/kvm/x86.c')
      .flatMap((node) => program.callsFrom(node))
      .map(({ calleeName, callee }) => `${calleeName} ${callee?.file ?? 'nowhere'}`);
  expect(callees()).toEqual([`sev_invalidate ${SNIPPET}`]);
  await edit(analysis, FUNCTION.replace('void sev_invalidate(u64 pfn)', ''));
  expect(callees()).toEqual(['sev_invalidate nowhere']);
  await edit(analysis, FUNCTION);
  expect(callees()).toEqual([`sev_invalidate ${SNIPPET}`]);
});
