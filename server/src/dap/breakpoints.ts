/** Breakpoints on lines, functions and actions: bound when they are set, asked at each arrival. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { bindFunction, bindLine, type CodePoint } from './code-lines.js';
import { type HitCondition, parseHitCondition } from './hit-condition.js';
import type { Launched } from './launched.js';

export interface Breakpoint {
  readonly id: number;
  readonly condition?: string | undefined;
  readonly hit?: HitCondition | undefined;
  readonly logMessage?: string | undefined;
  /** Positions at which it was arrived at, its condition being true. */
  readonly hits: number[];
  readonly answer: DebugProtocol.Breakpoint;
}

type Asked = DebugProtocol.SourceBreakpoint | DebugProtocol.FunctionBreakpoint;

export class Breakpoints {
  private readonly byPath = new Map<string, DebugProtocol.SourceBreakpoint[]>();
  private functions: DebugProtocol.FunctionBreakpoint[] = [];
  private readonly set = new Map<string, Breakpoint[]>();
  /** By place: what stops there. */
  private readonly at = new Map<number, Breakpoint[]>();
  private nextId = 1;
  /** Numbers for those that are set again. */
  private kept: number[] = [];

  /** @param fileIn a path as the executed C names it */
  constructor(
    private launched: Launched,
    private readonly fileIn: (root: string, path: string) => string | undefined,
  ) {}

  setOnLines(path: string, asked: DebugProtocol.SourceBreakpoint[]): DebugProtocol.Breakpoint[] {
    this.byPath.set(path, asked);
    const made = asked.map((one) => this.onLine(path, one));
    return this.replace(path, made);
  }

  setOnFunctions(asked: DebugProtocol.FunctionBreakpoint[]): DebugProtocol.Breakpoint[] {
    this.functions = asked;
    return this.replace(
      '',
      asked.map((one) => this.onFunction(one)),
    );
  }

  /** The same breakpoints in a new run. @returns those that are set now */
  rebind(launched: Launched): DebugProtocol.Breakpoint[] {
    this.launched = launched;
    this.at.clear();
    const ids = [...this.set].flatMap(([key, set]) => (key === TEMPORARY ? [] : set.map(({ id }) => id)));
    const next = this.nextId;
    const all: DebugProtocol.Breakpoint[] = [];
    const again = (key: string, set: () => DebugProtocol.Breakpoint[]): void => {
      // The client knows them by their numbers.
      this.kept = (this.set.get(key) ?? []).map(({ id }) => id);
      this.set.delete(key);
      all.push(...set());
    };
    for (const [path, asked] of this.byPath) again(path, () => this.setOnLines(path, asked));
    again('', () => this.setOnFunctions(this.functions));
    this.kept = [];
    this.nextId = Math.max(next, ...ids.map((id) => id + 1));
    return all;
  }

  /** Stops once, where a launch wants to. */
  setTemporary(points: readonly CodePoint[]): void {
    const breakpoint: Breakpoint = { id: 0, hits: [], answer: { id: 0, verified: true } };
    this.replace(TEMPORARY, [{ breakpoint, places: points.map(this.placeOf) }]);
  }

  clearTemporary(): void {
    this.replace(TEMPORARY, []);
  }

  newId(): number {
    return this.nextId++;
  }

  /** Breakpoints at a place. */
  atPlace(id: number): readonly Breakpoint[] {
    return this.at.get(id) ?? NONE;
  }

  private replace(
    key: string,
    made: { breakpoint: Breakpoint; places: number[] }[],
  ): DebugProtocol.Breakpoint[] {
    const old = new Set(this.set.get(key));
    for (const [place, breakpoints] of this.at) {
      const kept = breakpoints.filter((one) => !old.has(one));
      if (kept.length > 0) this.at.set(place, kept);
      else this.at.delete(place);
    }
    this.set.set(
      key,
      made.map(({ breakpoint }) => breakpoint),
    );
    for (const { breakpoint, places } of made)
      for (const place of places) this.at.set(place, [...(this.at.get(place) ?? []), breakpoint]);
    return made.map(({ breakpoint }) => breakpoint.answer);
  }

  private onLine(
    path: string,
    asked: DebugProtocol.SourceBreakpoint,
  ): { breakpoint: Breakpoint; places: number[] } {
    const { launched } = this;
    const { line } = asked;
    const file = this.fileIn(launched.root, path);
    if (file === undefined) {
      const onAction = this.onAction(path, asked);
      if (onAction) return onAction;
      return this.refused(asked, `${path} is neither the scenario nor in the tree ${launched.root}.`);
    }
    const bound = bindLine(launched.simulation.c, file, line);
    if (bound.k === 'refused') return this.refused(asked, bound.why);
    const source = { ...launched.source(file), path };
    const answer = {
      verified: true,
      line: bound.line,
      source,
      ...(bound.moved !== undefined && { message: bound.moved }),
    };
    return this.made(asked, answer, bound.points.map(this.placeOf));
  }

  private readonly placeOf = (point: CodePoint): number =>
    this.launched.places.inCode(point.compiled, point.pc).id;

  private onFunction(asked: DebugProtocol.FunctionBreakpoint): { breakpoint: Breakpoint; places: number[] } {
    const { launched } = this;
    const bound = bindFunction(launched.simulation.c, asked.name.trim());
    if (bound.k === 'refused') return this.refused(asked, bound.why);
    const source = bound.file === undefined ? undefined : launched.source(bound.file);
    return this.made(
      asked,
      { verified: true, line: bound.line, ...(source && { source }) },
      bound.points.map(this.placeOf),
    );
  }

  /** A line of the scenario: before the action that is written there. */
  private onAction(
    path: string,
    asked: DebugProtocol.SourceBreakpoint,
  ): { breakpoint: Breakpoint; places: number[] } | undefined {
    const { simulation, places } = this.launched;
    const first = simulation.actors.actions.length - simulation.threads.length;
    const found: { line: number; place: number }[] = [];
    for (let list = first; list < simulation.actors.actions.length; list++)
      simulation.actors.actions[list]!.forEach((action, index) => {
        if (action.at?.file === path)
          found.push({ line: action.at.line, place: places.beforeAction(list, index).id });
      });
    if (found.length === 0 && path !== this.launched.scenarioPath) return undefined;
    const lines = found.map(({ line }) => line).sort((a, b) => a - b);
    const line = lines.find((one) => one >= asked.line) ?? lines.at(-1);
    if (line === undefined) return this.refused(asked, 'No action of an actor is written here.');
    const moved = line === asked.line ? undefined : 'This is the next line with an action of an actor.';
    return this.made(
      asked,
      {
        verified: true,
        line,
        source: this.launched.scenarioSource(path),
        ...(moved !== undefined && { message: moved }),
      },
      found.filter((one) => one.line === line).map(({ place }) => place),
    );
  }

  private refused(asked: Asked, message: string): { breakpoint: Breakpoint; places: number[] } {
    return this.made(
      asked,
      { verified: false, message, reason: 'failed', ...('line' in asked && { line: asked.line }) },
      [],
    );
  }

  private made(
    asked: Asked,
    answer: Omit<DebugProtocol.Breakpoint, 'id'>,
    places: number[],
  ): { breakpoint: Breakpoint; places: number[] } {
    const id = this.kept.shift() ?? this.nextId++;
    const { condition, hitCondition } = asked;
    const logMessage = 'logMessage' in asked ? asked.logMessage : undefined;
    const hit = hitCondition ? parseHitCondition(hitCondition) : undefined;
    if (hitCondition && !hit && answer.verified) {
      const message = `“${hitCondition}” is no hit count: give a number, or one of >, >=, <, <=, ==, % and a number.`;
      const refused = { ...answer, id, verified: false, message, reason: 'failed' } as const;
      return { breakpoint: { id, hits: [], answer: refused }, places: [] };
    }
    const breakpoint: Breakpoint = {
      id,
      hits: [],
      answer: { id, ...answer },
      ...(condition && { condition }),
      ...(hit && { hit }),
      ...(logMessage && { logMessage }),
    };
    return { breakpoint, places };
  }
}

const NONE: readonly Breakpoint[] = [];
/** No path and no function has this key. */
const TEMPORARY = 'temporary';

/** Counts an arrival; positions that were gone back behind don't count any more. @returns how often it was arrived at */
export function countHit(breakpoint: Breakpoint, position: number): number {
  const { hits } = breakpoint;
  while (hits.length > 0 && hits.at(-1)! >= position) hits.pop();
  return hits.push(position);
}
