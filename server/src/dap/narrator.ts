/** What a run tells in the debug console: actions and how they came out, the kernel's log, hazards, the verdict. */
import type { StoryEntry } from '../simulator/scenario/result.js';
import { hazardText } from '../simulator/scenario/story.js';
import type { Dispatcher } from './dispatcher.js';
import type { Launched } from './launched.js';

type Category = 'console' | 'important' | 'stdout' | 'stderr';

export class Narrator {
  /** Story that was told already: moves that are made once more say nothing new. */
  private told: number;
  private ended = -1;

  constructor(
    private readonly launched: Launched,
    private readonly dispatcher: Dispatcher,
  ) {
    this.told = launched.simulation.story.length;
  }

  say(output: string, category: Category = 'console', at?: { file: string; line: number }): void {
    this.dispatcher.event('output', {
      category,
      output,
      ...(at && { source: this.launched.source(at.file), line: at.line }),
    });
  }

  /** After a move. */
  follow(entries: readonly StoryEntry[]): void {
    const { simulation, history } = this.launched;
    const { length } = simulation.story;
    // What was known behind here is another story now.
    if (history.position >= history.length) this.told = Math.min(this.told, length - entries.length);
    if (length <= this.told) return;
    this.told = length;
    for (const entry of entries) this.tell(entry);
  }

  /** The run is over. */
  verdict(): void {
    const { simulation, history } = this.launched;
    if (this.ended === history.position) return;
    this.ended = history.position;
    const { outcome, passed, expectations, message, steps, coverage } = simulation.finish();
    if (message !== undefined) this.say(`could not be carried out: ${message}\n`, 'stderr');
    for (const { name, file, line } of coverage.unmodelled)
      this.say(`not modelled: ${name}(), called at ${file}:${line}\n`, 'stderr', { file, line });
    for (const { ok, what, expected, actual } of expectations)
      if (!ok) this.say(`${what}: expected ${expected}, got ${actual}\n`, 'stderr');
    this.say(`${passed ? 'as expected' : 'NOT AS EXPECTED'}: ${outcome}; ${steps} steps\n`);
  }

  private tell(entry: StoryEntry): void {
    const { actor, at } = entry;
    switch (entry.kind) {
      case 'action':
        this.say(`${actor}: ${entry.text}\n`);
        return;
      case 'result':
        this.say(`${actor}:   = ${entry.text}\n`);
        return;
      case 'log':
        this.say(`printk: ${entry.text.replace(/\n?$/, '\n')}`, 'stdout', at);
        return;
      case 'hazard':
        this.say(`${hazardText(entry.hazard).join('\n')}\n`, 'stderr', at);
        return;
      default:
    }
  }
}
