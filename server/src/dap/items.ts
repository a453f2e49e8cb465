/** What a client shows as variables: trees that are made as they are opened, by references that last until the next move. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { staleVariables } from './errors.js';

export interface Item {
  readonly name: string;
  readonly value: string;
  readonly type?: string | undefined;
  /** C that stands for it in its frame. */
  readonly expression?: string | undefined;
  readonly children?: Items | undefined;
  /** What a data breakpoint on it watches. */
  readonly watch?: Watch | undefined;
  /** Takes a new value, as C text; gives the item as it is then. */
  readonly assign?: ((text: string) => Item) | undefined;
}

export interface Watch {
  readonly id: string;
  /** For a person. */
  readonly what: string;
}

/** Children of an item. Many are asked for piece by piece. */
export interface Items {
  /** If they are elements that clients may ask for piece by piece. */
  readonly indexed?: number;
  list(start: number, count: number | undefined): Item[];
}

export const itemsOf = (list: () => Item[]): Items => ({ list });

/** Elements of an array, made only where they are looked at. */
export const elements = (length: number, at: (index: number) => Item): Items => ({
  indexed: length,
  list: (start, count) => {
    const end = Math.min(length, count === undefined || count === 0 ? length : start + count);
    return Array.from({ length: Math.max(0, end - start) }, (_, i) => at(start + i));
  },
});

/** Elements that are shown at most by a client that doesn't ask piece by piece. */
const MOST_AT_ONCE = 1000;

export class References {
  private readonly byId = new Map<number, Items>();
  private next = 1;

  /** All references that were given are gone. Numbers aren't given again, so that old ones are known to be old. */
  clear(): void {
    this.byId.clear();
  }

  add(items: Items): number {
    const id = this.next++;
    this.byId.set(id, items);
    return id;
  }

  /** @throws DebugError for one that is gone */
  get(id: number): Items {
    const items = this.byId.get(id);
    if (!items) throw staleVariables();
    return items;
  }

  /** @throws DebugError for one that is gone */
  list({ variablesReference, filter, start, count }: DebugProtocol.VariablesArguments): Item[] {
    const items = this.get(variablesReference);
    if (filter === 'named' && items.indexed !== undefined) return [];
    if (filter === 'indexed' && items.indexed === undefined) return [];
    const most = count === undefined || count === 0 ? MOST_AT_ONCE : count;
    return items.list(start ?? 0, items.indexed === undefined ? undefined : most);
  }

  shown(item: Item): DebugProtocol.Variable {
    const { name, value, type, expression, children, assign } = item;
    return {
      name,
      value,
      variablesReference: children ? this.add(children) : 0,
      ...(type !== undefined && { type }),
      ...(expression !== undefined && { evaluateName: expression }),
      ...(children?.indexed !== undefined && { indexedVariables: children.indexed }),
      ...(!assign && { presentationHint: { attributes: ['readOnly'] } }),
    };
  }
}
