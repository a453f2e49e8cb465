/** What a stopped simulation shows: frames, scopes, variables, values of expressions; and changes of them by the user. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Variable } from '../simulator/execution/inspect.js';
import type { Thread } from '../simulator/execution/thread.js';
import type { RunHazard } from '../simulator/scenario/result.js';
import { hazardText } from '../simulator/scenario/story.js';
import { CItems } from './c-items.js';
import { noC, notThere, staleFrame } from './errors.js';
import { carryOut, changesSomething, valueOfText } from './evaluation.js';
import { framesOf, type Shown } from './frames.js';
import { type Item, itemsOf, References } from './items.js';
import type { Launched } from './launched.js';
import {
  guestPageItems,
  guestWatchOf,
  hex,
  hostPageItems,
  lockItems,
  machineItems,
  watchOf,
} from './machine-items.js';
import { pageAtHand } from './page-at-hand.js';
import { parseWatch, watchText } from './watchpoints.js';

/** `$rmp(pfn)`, `$page(pfn)`, `$gfn(gfn)`: the machine in expressions. */
const MACHINE_EXPRESSION = /^\s*\$(rmp|page|pfn|gfn)\s*\((.*)\)\s*$/s;

export class Inspector {
  private readonly references = new References();
  private readonly frameIds = new Map<number, Shown>();
  private readonly shownFrames = new Map<Thread, { first: number; frames: Shown[] }>();
  private nextFrame = 1;

  constructor(
    private readonly launched: Launched,
    /** After a change by the user. */
    private readonly edited: () => void,
  ) {}

  /** Everything that was shown is out of date. */
  forget(): void {
    this.references.clear();
    this.frameIds.clear();
    this.shownFrames.clear();
  }

  // ---- frames

  shown(thread: Thread): Shown[] {
    return framesOf(this.launched, thread);
  }

  frames(thread: Thread, start: number, levels: number): DebugProtocol.StackTraceResponse['body'] {
    const { first, frames } = this.framesWithIds(thread);
    const end = levels > 0 ? start + levels : frames.length;
    return {
      stackFrames: frames.slice(start, end).map((frame, i) => ({
        id: first + start + i,
        name: frame.name,
        line: frame.line,
        column: frame.column,
        ...(frame.source && { source: frame.source }),
        ...(frame.hint && { presentationHint: frame.hint }),
      })),
      totalFrames: frames.length,
    };
  }

  /** Numbers stay the same until the next move, and are never given again. */
  private framesWithIds(thread: Thread): { first: number; frames: Shown[] } {
    const known = this.shownFrames.get(thread);
    if (known) return known;
    const frames = this.shown(thread);
    const made = { first: this.nextFrame, frames };
    this.nextFrame += frames.length;
    for (const [i, frame] of frames.entries()) this.frameIds.set(made.first + i, frame);
    this.shownFrames.set(thread, made);
    return made;
  }

  private frame(id: number): Shown {
    const frame = this.frameIds.get(id);
    if (!frame) throw staleFrame();
    return frame;
  }

  // ---- scopes

  scopes(frameId: number): DebugProtocol.ScopesResponse['body'] {
    const shown = this.frame(frameId);
    const { thread, frame } = shown;
    const { simulation } = this.launched;
    const scope = (
      name: string,
      list: () => Item[],
      more: Partial<DebugProtocol.Scope> = {},
    ): DebugProtocol.Scope => ({
      name,
      variablesReference: this.references.add(itemsOf(list)),
      expensive: false,
      ...more,
    });
    const scopes: DebugProtocol.Scope[] = [];
    if (frame !== undefined) {
      const items = this.cItems(thread, frame);
      scopes.push(
        scope('Arguments', () => items.ofFrame(thread, frame, 'parameters'), {
          presentationHint: 'arguments',
        }),
        scope('Locals', () => items.ofFrame(thread, frame, 'locals'), { presentationHint: 'locals' }),
      );
    }
    const index = simulation.c.threads.indexOf(thread);
    scopes.push(
      scope('Locks held', () => lockItems(simulation, simulation.c.threads[index]!.id)),
      scope('Page', () => this.pageItems(thread, frame)),
      scope('Machine', () => machineItems(simulation), { expensive: true }),
    );
    return { scopes };
  }

  private pageItems(thread: Thread, frame: number | undefined): Item[] {
    const { simulation } = this.launched;
    const { gfn, pfn } = pageAtHand(simulation, thread, frame);
    const items: Item[] = [];
    if (gfn !== undefined) items.push(...guestPageItems(simulation, gfn));
    if (pfn !== undefined) items.push(...hostPageItems(simulation, pfn));
    return items;
  }

  variables(args: DebugProtocol.VariablesArguments): DebugProtocol.VariablesResponse['body'] {
    return { variables: this.references.list(args).map((item) => this.references.shown(item)) };
  }

  private cItems(thread: Thread, frame: number): CItems {
    return new CItems(this.launched.simulation, (expression, value) =>
      this.assign(thread, frame, `${expression} = (${value})`),
    );
  }

  /** An assignment is a move: going back undoes it. Frames stay as they are. */
  private assign(thread: Thread, frame: number, text: string): Variable {
    const { simulation, history, trail, places, threads } = this.launched;
    // Refused before it is part of the history.
    const trial = simulation.save();
    try {
      carryOut(simulation, thread, frame, text);
    } finally {
      simulation.restore(trial);
    }
    let value: Variable | undefined;
    history.edit(() => {
      value = carryOut(simulation, thread, frame, text);
    });
    trail.note(history.position, threads.indexOf(thread), places.of(thread));
    this.edited();
    return value!;
  }

  // ---- expressions

  evaluate(
    { expression, frameId, context }: DebugProtocol.EvaluateArguments,
    current: Thread | undefined,
  ): DebugProtocol.EvaluateResponse['body'] {
    const { thread, frame } = frameId === undefined ? this.innermost(current) : this.frame(frameId);
    const machine = MACHINE_EXPRESSION.exec(expression);
    if (machine) return this.shownValue(this.ofMachine(machine[1]!, machine[2]!, thread, frame));
    if (frame === undefined) throw noC();
    if (changesSomething(expression)) {
      if (context !== 'repl')
        throw notThere(`“${expression}” changes something: it is carried out only in the debug console.`);
      return this.shownValue(
        this.cItems(thread, frame).item(this.assign(thread, frame, expression), undefined),
      );
    }
    const value = valueOfText(this.launched.simulation, thread, frame, expression);
    return this.shownValue(this.cItems(thread, frame).item(value, expression));
  }

  /** The value of an expression in the innermost C of a thread. @throws DebugError */
  valueIn(thread: Thread, expression: string): Variable {
    const { frame } = this.innermost(thread);
    if (frame === undefined) throw noC();
    return valueOfText(this.launched.simulation, thread, frame, expression);
  }

  private innermost(thread: Thread | undefined): { thread: Thread; frame: number | undefined } {
    if (!thread) throw noC();
    const frame = thread.frames.findLastIndex(({ k }) => k === 'c');
    return { thread, frame: frame < 0 ? undefined : frame };
  }

  private ofMachine(what: string, text: string, thread: Thread, frame: number | undefined): Item {
    const { simulation } = this.launched;
    const plain = /^\s*(0x[0-9a-fA-F]+|\d+)\s*$/.exec(text);
    if (!plain && frame === undefined) throw noC();
    const number = plain ? BigInt(plain[1]!) : valueOfText(simulation, thread, frame!, text).number;
    if (number === undefined || number < 0n || number > BigInt(Number.MAX_SAFE_INTEGER))
      throw notThere(`“${text}” is no frame number.`);
    const at = Number(number);
    const items = what === 'gfn' ? guestPageItems(simulation, at) : hostPageItems(simulation, at);
    const line = what === 'rmp' ? 'RMP' : what === 'gfn' ? 'attribute' : 'owner';
    const value = items.find(({ name }) => name === line)?.value ?? 'none';
    const watch =
      what === 'rmp'
        ? watchOf('rmp', at)
        : what === 'gfn'
          ? guestWatchOf('mapping', at)
          : watchOf('owner', at);
    return { name: `$${what}(${hex(at)})`, value, children: itemsOf(() => items), watch };
  }

  private shownValue(item: Item): DebugProtocol.EvaluateResponse['body'] {
    const { value, type, variablesReference, indexedVariables } = this.references.shown(item);
    return {
      result: value,
      variablesReference,
      ...(type !== undefined && { type }),
      ...(indexedVariables !== undefined && { indexedVariables }),
    };
  }

  // ---- changes

  setVariable({
    variablesReference,
    name,
    value,
  }: DebugProtocol.SetVariableArguments): DebugProtocol.SetVariableResponse['body'] {
    const item = this.childNamed(variablesReference, name);
    if (!item.assign) throw notThere(`${name} can't be set: it is not a number or pointer of the C.`);
    const { result, ...shown } = this.shownValue(item.assign(value));
    return { value: result, ...shown };
  }

  setExpression({
    expression,
    value,
    frameId,
  }: DebugProtocol.SetExpressionArguments): DebugProtocol.SetExpressionResponse['body'] {
    if (frameId === undefined) throw noC();
    const { thread, frame } = this.frame(frameId);
    if (frame === undefined) throw noC();
    const set = this.assign(thread, frame, `(${expression}) = (${value})`);
    const { result, ...shown } = this.shownValue(this.cItems(thread, frame).item(set, expression));
    return { value: result, ...shown };
  }

  private childNamed(reference: number, name: string): Item {
    const items = this.references.get(reference);
    const index = /^\[(\d+)\]$/.exec(name)?.[1];
    const found =
      items.indexed !== undefined && index !== undefined
        ? items.list(Number(index), 1)
        : items.list(0, undefined);
    const item = found.find((one) => one.name === name);
    if (!item) throw notThere(`There is no variable ${name} here.`);
    return item;
  }

  // ---- data breakpoints and hazards

  watchInfo({
    variablesReference,
    name,
    frameId,
  }: DebugProtocol.DataBreakpointInfoArguments): DebugProtocol.DataBreakpointInfoResponse['body'] {
    const refused = (why: string) => ({ dataId: null, description: why });
    const item = variablesReference ? this.childNamed(variablesReference, name) : this.watched(name, frameId);
    if (typeof item === 'string') return refused(item);
    if (!item.watch)
      return refused(`${name} can't be watched: only numbers and pointers, and states of pages, can.`);
    const { id, what } = item.watch;
    return {
      dataId: id,
      description: `${what} changes`,
      accessTypes: ['write'],
      canPersist: !id.startsWith('c '),
    };
  }

  /** What a name without a variable means: an id as we give it, or an expression. */
  private watched(name: string, frameId: number | undefined): Item | string {
    const watched = parseWatch(name.trim());
    if (watched) return { name, value: '', watch: { id: name.trim(), what: watchText(watched) } };
    const { thread, frame } =
      frameId === undefined ? { thread: undefined, frame: undefined } : this.frame(frameId);
    const machine = MACHINE_EXPRESSION.exec(name);
    if (machine) return this.ofMachine(machine[1]!, machine[2]!, thread ?? this.launched.threads[0]!, frame);
    if (!thread || frame === undefined) return `There is no C in this frame: “${name}” means nothing in it.`;
    return this.cItems(thread, frame).item(valueOfText(this.launched.simulation, thread, frame, name), name);
  }

  hazardInfo(hazard: RunHazard | undefined): DebugProtocol.ExceptionInfoResponse['body'] {
    if (!hazard) throw notThere('The simulation has not stopped at a hazard.');
    const [headline = '', ...rest] = hazardText(hazard);
    return {
      exceptionId: hazard.kind,
      description: hazard.message,
      breakMode: 'always',
      details: {
        message: [headline, ...rest.slice(0, hazard.lock ? 2 : 1)].join('\n'),
        typeName: hazard.kind,
        ...(hazard.row !== undefined && { fullTypeName: `${hazard.kind} (mail row ${hazard.row})` }),
        stackTrace: [...hazard.path]
          .reverse()
          .map(({ function: name, file, line }) => `at ${name} (${this.launched.absolute(file)}:${line})`)
          .join('\n'),
      },
    };
  }
}
