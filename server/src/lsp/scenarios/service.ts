/**
 * Scenarios for an editor: which there are, which pass through a function, and running them in the simulator's process.
 * That is started when something is first run.
 */
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type CancellationToken, ErrorCodes, LSPErrorCodes, ResponseError } from 'vscode-languageserver/node';
import { isCancelled, Simulator } from '../../backend/client.js';
import { simulatorProgram } from '../../backend/debug-adapter.js';
import type { FunctionNode } from '../../program/model.js';
import type { RunAnswer } from '../../simulator/backend/protocol.js';
import { withVariant } from '../../simulator/scenario/model.js';
import type { OpenTree } from '../kernel-workspace.js';
import type {
  RunScenarioParams,
  RunScenarioProgress,
  RunTarget,
  ScenarioChoice,
  ScenarioItem,
} from '../protocol.js';
import { isScenarioFile, ScenarioCatalogue, type ScenarioEntry } from './catalogue.js';
import { type Passing, PassingScenarios } from './passing.js';
import { RunStore } from './run-store.js';
import { runTarget } from './run-target.js';
import { protocolRange } from './text-range.js';

export interface ScenarioHost {
  /** Text of an open document by its absolute path. */
  unsaved(path: string): string | undefined;
  /** Open documents whose text may not be that on the disk, by absolute path. */
  overlays(): Record<string, string>;
  log(line: string): void;
  onProgress(progress: RunScenarioProgress): void;
  /** Results or scenarios are others now. */
  onChange(what: 'runs' | 'scenarios'): void;
}

export class ScenarioService {
  readonly catalogue: ScenarioCatalogue;
  readonly runs: RunStore;
  private simulator: { readonly address: string; readonly client: Simulator } | undefined;
  private passing:
    | { readonly open: OpenTree; readonly revision: number; readonly by: PassingScenarios }
    | undefined;

  constructor(private readonly host: ScenarioHost) {
    this.catalogue = new ScenarioCatalogue((path) => host.unsaved(path));
    this.runs = new RunStore((path) => this.catalogue.text(path));
  }

  setFiles(uris: readonly string[]): void {
    this.catalogue.setWorkspaceFiles(uris.flatMap((uri) => pathOf(uri) ?? []));
    this.changed('scenarios');
  }

  /** A document was edited, or a file changed on the disk. True for a scenario file. */
  touch(uri: string): boolean {
    const path = pathOf(uri);
    if (path === undefined) return false;
    this.runs.touch(path);
    if (!isScenarioFile(path)) return false;
    this.catalogue.touch(path);
    this.passing = undefined;
    return true;
  }

  items(): ScenarioItem[] {
    return this.catalogue.all().map(itemOf);
  }

  through(open: OpenTree, node: FunctionNode): Passing[] {
    const { revision } = open.analysis.program;
    if (this.passing?.open !== open || this.passing.revision !== revision)
      this.passing = { open, revision, by: new PassingScenarios(open, this.catalogue, this.runs) };
    return this.passing.by.through(node);
  }

  choices(open: OpenTree, node: FunctionNode): ScenarioChoice[] {
    return this.through(open, node).map(({ entry, variant, how }) => ({
      scenario: entry.id,
      ...(variant !== undefined && { variant }),
      name: variant === undefined ? entry.name : `${entry.name}@${variant}`,
      title: (entry.scenario && withVariant(entry.scenario, variant)?.about) || entry.scenario?.title || '',
      rows: entry.scenario?.rows ?? [],
      how,
      function: node.name,
    }));
  }

  /** @throws ResponseError where there is no such scenario, or its file has mistakes */
  target({ scenario, on }: RunScenarioParams, tree: string | undefined): RunTarget {
    return runTarget(this.known(scenario).scenario!, tree, on);
  }

  /** @throws ResponseError with a message for the user */
  async run(
    params: RunScenarioParams,
    tree: string | undefined,
    address: string,
    cancel: CancellationToken,
  ): Promise<RunAnswer> {
    const { scenario, variant, token } = params;
    const entry = this.known(scenario);
    const overlays = this.host.overlays();
    const digests = this.runs.digestsOf(overlays);
    const wanted = {
      scenario: entry.id,
      ...(variant !== undefined && { variant }),
      ...this.target(params, tree),
      overlays,
    };
    try {
      const answer = await this.simulatorAt(address).run(
        wanted,
        ({ steps, actor }) => token !== undefined && this.host.onProgress({ token, steps, actor }),
        cancel,
      );
      this.runs.keep(entry.id, variant, answer, entry.files, digests);
      this.changed('runs');
      return answer;
    } catch (error) {
      if (isCancelled(error))
        throw new ResponseError(LSPErrorCodes.RequestCancelled, 'The run was cancelled.');
      throw new ResponseError(
        ErrorCodes.InternalError,
        error instanceof Error ? error.message : String(error),
      );
    }
  }

  dispose(): void {
    void this.simulator?.client.dispose();
    this.simulator = undefined;
  }

  private known(id: string): ScenarioEntry {
    const entry = this.catalogue.byId(id);
    if (!entry) throw new ResponseError(ErrorCodes.InvalidParams, `There is no scenario ${id}.`);
    const [problem] = entry.problems;
    if (!entry.scenario)
      throw new ResponseError(
        ErrorCodes.InvalidParams,
        `${entry.name} can't be run: ${problem ? `line ${problem.line}: ${problem.message}; ${problem.remedy}` : 'its file has mistakes'}.`,
      );
    return entry;
  }

  private changed(what: 'runs' | 'scenarios'): void {
    this.passing = undefined;
    this.host.onChange(what);
  }

  private simulatorAt(address: string): Simulator {
    if (this.simulator?.address === address) return this.simulator.client;
    void this.simulator?.client.dispose();
    const client = new Simulator({
      client: 'language server',
      program: simulatorProgram(),
      address,
      log: (line) => this.host.log(line),
    });
    this.simulator = { address, client };
    return client;
  }
}

/** The path of a document on the disk. */
export function pathOf(uri: string): string | undefined {
  if (!uri.startsWith('file:')) return undefined;
  try {
    return fileURLToPath(uri);
  } catch {
    return undefined;
  }
}

function itemOf({
  id,
  name,
  path,
  bundled,
  scenario,
  problems,
  range,
  variants,
}: ScenarioEntry): ScenarioItem {
  return {
    id,
    name,
    uri: pathToFileURL(path).toString(),
    title: scenario?.title ?? name,
    about: scenario?.about ?? '',
    rows: scenario?.rows ?? [],
    design: scenario?.design ?? '',
    platform: scenario?.platform ?? '',
    bundled,
    range: protocolRange(range),
    variants: variants.map((variant) => ({
      name: variant.name,
      about: scenario?.variants.find((one) => one.name === variant.name)?.about ?? '',
      range: protocolRange(variant.range),
    })),
    problems: problems.map(({ line, message, remedy }) => `${line}: ${message}; ${remedy}`),
  };
}
