/** A whole kernel tree, analysed in this process; its files can be changed in memory, never on the disk. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleFiles } from '../../server/src/host/bundle-files.ts';
import { type LoadedProgram, loadProgram } from '../../server/src/host/load-program.ts';
import { loadParser } from '../../server/src/kernel-c/parser.ts';
import { readFileFacts } from '../../server/src/kernel-c/templates.ts';
import { LOCK_WORDS } from '../../server/src/locks/primitives.ts';
import type { FunctionNode } from '../../server/src/program/model.ts';
import { TreeAnalysis } from '../../server/src/rules/tree-analysis.ts';
import { testCache } from '../support/cache.ts';
import { fetchKernel, type KernelVersion } from './fetch-kernel.ts';

export class KernelAnalysis {
  private readonly originals = new Map<string, string>();
  private readonly present = new Map<string, string>();

  private constructor(
    private readonly loaded: LoadedProgram,
    readonly analysis: TreeAnalysis,
  ) {}

  static async of(version: KernelVersion): Promise<KernelAnalysis> {
    const tree = await fetchKernel(version);
    const loaded = await loadProgram({
      tree,
      watched: LOCK_WORDS,
      cacheFolder: join(testCache(), 'facts'),
    });
    await loaded.saved;
    return new KernelAnalysis(loaded, new TreeAnalysis(loaded.program));
  }

  get fileCount(): number {
    return this.loaded.files.length;
  }

  /** The file as it is on the disk. */
  text(file: string): string {
    let text = this.originals.get(file);
    if (text === undefined) {
      text = readFileSync(join(this.loaded.tree, file), 'utf8');
      this.originals.set(file, text);
    }
    return text;
  }

  /** Makes these files have these texts, and all others that of the disk. */
  async become(texts: ReadonlyMap<string, string>): Promise<void> {
    const parser = await loadParser(bundleFiles());
    for (const file of new Set([...texts.keys(), ...this.present.keys()])) {
      const text = texts.get(file) ?? this.text(file);
      if (text === (this.present.get(file) ?? this.text(file))) continue;
      this.loaded.program.setFile(
        file,
        readFileFacts(
          parser,
          text,
          this.loaded.configuration.configuration,
          this.loaded.program.templates().get(file),
        ),
      );
      if (texts.has(file)) this.present.set(file, text);
      else this.present.delete(file);
    }
    this.analysis.refresh();
  }

  /** The definitions of a name that something calls, or all where nothing does. */
  functions(name: string): FunctionNode[] {
    const { program } = this.loaded;
    const all = program.symbols.functionsByName.get(name) ?? [];
    const called = all.filter((node) => program.callsTo(node).length > 0);
    return called.length > 0 ? called : [...all];
  }

  /** Lines of KVM's function bodies that match. */
  linesWith(pattern: RegExp): { node: FunctionNode; line: number }[] {
    const { program } = this.loaded;
    const found: { node: FunctionNode; line: number }[] = [];
    for (const file of program.paths) {
      if (!/^(virt\/kvm|arch\/x86\/kvm|include\/linux\/kvm)/.test(file)) continue;
      this.text(file)
        .split('\n')
        .forEach((text, index) => {
          const line = index + 1;
          const node =
            pattern.test(text) &&
            program.functionsIn(file).find(({ facts }) => facts.line <= line && line <= facts.endLine);
          if (node) found.push({ node, line });
        });
    }
    return found;
  }

  /** Is `kvm->mmu_lock` held when functions of this name are entered? One answer for each definition. */
  mmuLock(name: string): string[] {
    return this.functions(name).map((node) => this.analysis.contexts.whenHeld(node, 'kvm.mmu_lock'));
  }
}
