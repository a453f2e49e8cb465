/** The comment that takes a finding back stands where the analysis looks for it. */
import { expect, test } from 'vitest';
import { type SuppressionEdit, suppressionEdit } from '../../server/src/lsp/suppression-edit.ts';
import { analyse } from '../support/c-program.ts';

const RULE = 'rmp-under-mmu-lock';

function applied(text: string, { line, character, before, after, needsReason }: SuppressionEdit): string {
  const lines = text.split('\n');
  const at = lines[line] ?? '';
  lines[line] =
    `${at.slice(0, character)}${before}${needsReason ? 'no such page yet' : ''}${after}${at.slice(character)}`;
  return lines.join('\n');
}

const findings = async (text: string) =>
  (await analyse(text)).findings.filter(({ rule, severity }) => rule === RULE && severity !== 'info');

/** Takes back the first finding of the rule; the text afterwards. */
async function suppressed(text: string): Promise<string> {
  const [finding] = await findings(text);
  if (!finding) throw new Error('nothing is found');
  return applied(text, suppressionEdit(text.split('\n'), finding.line - 1, RULE));
}

const source = (call: string) => `
void zap(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
${call}
	write_unlock(&kvm->mmu_lock);
}
`;

test('above the line, as far in as that', async () => {
  const text = await suppressed(source('\trmp_make_shared(1, 0);'));
  expect(text).toContain(
    '\n\t/* gmem-lens: ignore rmp-under-mmu-lock: no such page yet */\n\trmp_make_shared(1, 0);\n',
  );
  expect(await findings(text)).toEqual([]);
});

test('between a condition and its only statement', async () => {
  const text = await suppressed(source('\tif (kvm->dirty)\n\t\trmp_make_shared(1, 0);'));
  expect(await findings(text)).toEqual([]);
});

test.each([
  ['above', '\t/* gmem-lens: ignore sleep-under-mmu-lock: of old */\n\trmp_make_shared(1, 0);'],
  ['behind', '\trmp_make_shared(1, 0); // gmem-lens: ignore sleep-under-mmu-lock: of old'],
])('a comment that is there already takes the rule in: %s', async (_, call) => {
  const text = await suppressed(source(call));
  expect(text).toContain(`gmem-lens: ignore sleep-under-mmu-lock, ${RULE}: of old`);
  expect(await findings(text)).toEqual([]);
});

test('in a macro the line before is continued', () => {
  const lines = ['#define ZAP(kvm) do { \\', '\tzap(kvm); \\', '} while (0)'];
  const { before, after } = suppressionEdit(lines, 1, RULE);
  expect(`${before}why${after}`).toBe('\t/* gmem-lens: ignore rmp-under-mmu-lock: why */ \\\n');
});
