/** Names of the places that hold function pointers, and which of them an initialiser fills. */
import type { Expression, Initialiser, Position, TypeText } from '../kernel-c/syntax.js';
import { expandMacro, unwrap } from './expansion.js';
import type { MacroEntry, Slot } from './model.js';
import type { Symbols } from './symbols.js';

export function parameterSlot(functionName: string, index: number, file: string): Slot {
  return `P:${functionName}#${index}@${file}`;
}

export function variableSlot(variable: { file: string; facts: { name: string; static: boolean } }): Slot {
  return `V:${variable.facts.name}${variable.facts.static ? `@${variable.file}` : ''}`;
}

/** Slot of a member: by its aggregate where that is known, by the bare field name otherwise. */
export function memberSlot(symbols: Symbols, owner: TypeText | undefined, field: string): Slot {
  if (owner === undefined || owner === '') return `S:?.${field}`;
  return `S:${symbols.resolveType(owner).replace(/^(struct|union) /, '')}.${field}`;
}

type MacroOf = (name: string) => MacroEntry | undefined;

const MAX_DEPTH = 8;

/** `OP(flags, run), OP2(…)`: rows of a table that macros write. Other macros' values are left as they are. */
export function rowsOf(item: Initialiser, macroOf: MacroOf, depth = 0): Initialiser[] {
  const value = unwrap(item.x);
  const callee = value.k === 'call' ? unwrap(value.f) : value;
  const macro = callee.k === 'id' && depth < MAX_DEPTH ? macroOf(callee.n) : undefined;
  if (!macro || macro.content.body === undefined || (macro.facts.parameters === null) !== (value.k === 'id'))
    return [item];
  const body = expandMacro(macro, value.k === 'call' ? value.a : []);
  const [only] = body;
  if (only?.k !== 'expr' || body.length > 1) return [item];
  const rows = operands(only.x).flatMap((x) => rowsOf({ x, p: item.p }, macroOf, depth + 1));
  if (!rows.some((row) => unwrap(row.x).k === 'init')) return [item];
  const [first, ...others] = rows.map((row) => placedAt(row, item.p));
  return item.d ? [{ ...first!, d: item.d }, ...others] : [first!, ...others];
}

/** What a macro writes stands where the macro is used. */
function placedAt(item: Initialiser, p: Position): Initialiser {
  const x = unwrap(item.x);
  return x.k === 'init'
    ? { ...item, x: { ...x, items: x.items.map((inner) => placedAt(inner, p)) }, p }
    : { ...item, p };
}

function operands(expression: Expression): Expression[] {
  const node = unwrap(expression);
  return node.k === 'comma' ? [...operands(node.l), ...operands(node.r)] : [node];
}

/** Calls `found` for each value of an initialiser list with the slot of the member it goes to. */
export function initialiserSlots(
  symbols: Symbols,
  macroOf: MacroOf,
  slot: Slot,
  type: TypeText,
  items: readonly Initialiser[],
  found: (slot: Slot, value: Expression, p: Position) => void,
): void {
  const resolved = symbols.resolveType(type);
  const isArray = resolved.endsWith('*') || (!resolved.endsWith('*()') && resolved.endsWith('()*'));
  const element = resolved.replace(/\*$/, '');
  const aggregate = symbols.aggregate(resolved.replace(/\**$/, ''));
  let position = 0;
  for (const item of items.flatMap((one) => rowsOf(one, macroOf))) {
    let memberType: TypeText | undefined = resolved;
    let memberSlotName = slot;
    if (item.d) {
      for (const designator of item.d) {
        if (designator === '[]') memberType = memberType?.replace(/\*$/, '');
        else {
          const owner: TypeText | undefined = memberType?.replace(/\**$/, '');
          memberSlotName = memberSlot(symbols, owner, designator);
          memberType = owner === undefined ? undefined : symbols.fieldType(owner, designator);
        }
      }
      const index = aggregate?.facts.fields.findIndex((field) => field.name === item.d![0]) ?? -1;
      if (index >= 0) position = index + 1;
    } else if (isArray || !aggregate) {
      memberType = element;
    } else {
      const field = aggregate.facts.fields[position++];
      if (!field) continue;
      memberSlotName = memberSlot(symbols, resolved, field.name);
      memberType = field.type;
    }
    const value = unwrap(item.x);
    if (value.k === 'init')
      initialiserSlots(symbols, macroOf, memberSlotName, value.t ?? memberType ?? '', value.items, found);
    else if (memberSlotName !== '') found(memberSlotName, item.x, item.p);
  }
}
