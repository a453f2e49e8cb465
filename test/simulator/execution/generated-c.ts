/** Random C without undefined behaviour (gcc runs with -fwrapv, as the kernel is built). */
import fc from 'fast-check';
import type { CProgram } from './gcc.ts';

const TYPES = [
  ['bool', 1],
  ['char', 8],
  ['s8', 8],
  ['u8', 8],
  ['s16', 16],
  ['u16', 16],
  ['int', 32],
  ['u32', 32],
  ['long', 64],
  ['unsigned long', 64],
  ['s64', 64],
  ['u64', 64],
] as const;

const INTERESTING = [
  '0',
  '1',
  '-1',
  '2',
  '7',
  '0x7f',
  '0x80',
  '0xff',
  '-128',
  '0x7fff',
  '0x8000',
  '0xffff',
  '0x7fffffff',
  '0x80000000',
  '0xffffffff',
  '-2147483647 - 1',
  '0x100000000',
  '0x7fffffffffffffff',
  '0x8000000000000000',
  '0xffffffffffffffff',
  '1u',
  '3ul',
  '-5ll',
  "'a'",
  "'\\xff'",
];

/** Draws from a list of numbers, so that fast-check chooses. */
class Choice {
  private at = 0;

  constructor(private readonly numbers: readonly number[]) {}

  below(count: number): number {
    return this.numbers[this.at++ % this.numbers.length]! % count;
  }

  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  number(): string {
    const kind = this.below(4);
    if (kind < 2) return `(${this.of(INTERESTING)})`;
    const bits = 1 + this.below(63);
    const value =
      (BigInt(this.below(0x7fffffff)) << 33n) ^
      (BigInt(this.below(0x7fffffff)) << 7n) ^
      BigInt(this.below(1024));
    const small = BigInt.asUintN(bits, value);
    return this.below(3) === 0
      ? `(-${small}ll)`
      : `${small}${this.of(['', '', 'u', 'l', 'ul', 'll', 'ull'])}`.replace(/^(\d{19,})$/, '$1ull');
  }
}

interface Variable {
  name: string;
  /** May be written to. */
  writable: boolean;
}

class Writer {
  readonly variables: Variable[] = [];
  private loops = 0;

  constructor(
    readonly choice: Choice,
    private readonly calls: boolean,
  ) {}

  variable(): string {
    return this.choice.of(this.variables).name;
  }

  target(): string {
    return this.choice.of(this.variables.filter(({ writable }) => writable)).name;
  }

  expression(depth: number): string {
    const { choice } = this;
    if (depth <= 0) return choice.below(3) === 0 ? choice.number() : this.variable();
    const e = (): string => this.expression(depth - 1 - choice.below(2));
    switch (choice.below(this.calls ? 16 : 14)) {
      case 0:
        return `(${e()} ${choice.of(['+', '-', '*'])} ${e()})`;
      case 1:
        return `(${e()} ${choice.of(['&', '|', '^'])} ${e()})`;
      case 2:
        return `(${e()} ${choice.of(['<', '>', '<=', '>=', '==', '!='])} ${e()})`;
      case 3:
        return `(${e()} ${choice.of(['/', '%'])} ${choice.of([
          `((${e()} & 0xff) + 3)`,
          `(-(int)((${e()} & 0xff) + 2))`,
          `((u64)(${e()}) | 1)`,
          `((u32)(${e()}) | 4)`,
          `(s64)((u64)(${e()}) >> 1 | 2)`,
        ])})`;
      case 4:
        return `(${choice.of(['-', '~', '!', '+'])}${this.wrapped(e())})`;
      case 5:
        return `((${choice.of(TYPES)[0]})${this.wrapped(e())})`;
      case 6: {
        const [type, bits] = choice.of(TYPES.filter(([, width]) => width >= 32));
        return `((${type})(${e()}) ${choice.of(['<<', '>>'])} (${e()} & ${bits - 1}))`;
      }
      case 7:
        return `(${e()} >> ${choice.below(31)})`;
      case 8:
        return `(${e()} ? ${e()} : ${e()})`;
      case 9:
        return `(${e()} ${choice.of(['&&', '||'])} ${e()})`;
      case 10:
        return `max@(+${this.wrapped(e())}, -${this.wrapped(e())})`;
      case 15:
        return `call@(${e()}, ${e()})`;
      case 12:
        return `({ ${choice.of(TYPES)[0]} t = ${e()}; if (t > 3) t -= 2; t; })`;
      case 13:
        return `(${e()} ?: ${e()})`;
      case 14:
        return `table@[${e()} & 3](${e()})`;
      default:
        return `(${e()}, ${e()})`;
    }
  }

  private wrapped(text: string): string {
    return text.startsWith('(') ? text : `(${text})`;
  }

  statement(depth: number): string {
    const { choice } = this;
    const e = () => this.expression(1 + choice.below(3));
    const block = () => `{ ${this.statements(1 + choice.below(3), depth - 1)} }`;
    switch (choice.below(depth > 0 ? 13 : 7)) {
      case 0:
      case 1:
        return `${this.target()} = ${e()};`;
      case 2:
        return `${this.target()} ${choice.of(['+=', '-=', '*=', '&=', '|=', '^='])} ${e()};`;
      case 3:
        return `${this.target()} ${choice.of(['/=', '%='])} ((${e()} & 0x7f) + 2);`;
      case 4:
        return `${this.target()} ${choice.of(['<<=', '>>='])} (${e()} & 7);`;
      case 5: {
        const target = this.target();
        return choice.of([`${target}++;`, `--${target};`, `out(${target}++); out(++${target});`]);
      }
      case 6:
        return `out((u64)(${this.target()} = ${e()}));`;
      case 7:
      case 8:
        return `if (${e()}) ${block()} else ${block()}`;
      case 9: {
        const i = `i${this.loops++}`;
        return `for (int ${i} = 0; ${i} < ${2 + choice.below(5)}; ${i}++) { if (${e()}) ${choice.of(['break', 'continue'])}; ${this.statements(2, depth - 1)} }`;
      }
      case 10: {
        const n = `n${this.loops++}`;
        const start = `u32 ${n} = ${1 + choice.below(6)};`;
        if (choice.below(2) === 0) return `{ ${start} while (--${n}) ${block()} }`;
        return `{ ${start} do ${block()} while (--${n}); }`;
      }
      case 11:
        return `switch (${e()} & 7) { case 0: ${this.statement(0)} case 1 ... 3: ${this.statement(0)} break; default: ${this.statement(0)} case 6: ${this.statement(0)} }`;
      default: {
        const label = `l${this.loops++}@`;
        return `{ int once = 0; ${label}: ${this.statement(0)} if (!once++) goto ${label}; }`;
      }
    }
  }

  statements(count: number, depth: number): string {
    return Array.from({ length: count }, () => this.statement(depth)).join('\n\t');
  }
}

function program(numbers: readonly number[], index: number): CProgram {
  const choice = new Choice(numbers);
  const writer = new Writer(choice, true);
  const globals: string[] = [];
  const locals: string[] = [];
  const names = 'abcdefgh';
  for (let i = 0; i < names.length; i++) {
    const [type] = choice.of(TYPES);
    const isGlobal = choice.below(3) === 0;
    const name = isGlobal ? `${names[i]}@` : names[i]!;
    (isGlobal ? globals : locals).push(`${isGlobal ? 'static ' : ''}${type} ${name} = ${choice.number()};`);
    writer.variables.push({ name, writable: true });
  }
  const bits = () => 1 + choice.below(31);
  globals.push(
    `struct fields@ { u32 x : ${bits()}; s32 y : ${bits()}; u64 z : ${bits()}; u8 w : ${1 + choice.below(7)}; s16 v; bool q : 1; };`,
    'static struct fields@ fields@ = { 1, -1, 3, 1, 2, 1 };',
    `static ${choice.of(TYPES)[0]} array@[8] = { 1, 2, [4] = 5, 6 };`,
    'union both@ { u64 whole; u32 half[2]; s16 quarter[4]; u8 bytes[8]; };',
  );
  locals.push(`union both@ both = { ${choice.number()} };`, 'struct fields@ copy = { .y = 5 }, *to = &copy;');
  for (const name of [
    'fields@.x',
    'fields@.y',
    'fields@.z',
    'to->w',
    'to->v',
    'copy.q',
    'both.half[1]',
    'both.quarter[2]',
    'both.whole',
  ])
    writer.variables.push({ name, writable: true });
  writer.variables.push({ name: `array@[${choice.below(8)}]`, writable: true });
  writer.variables.push({
    name: `array@[(u32)(a${locals.some((text) => / a = /.test(text)) ? '' : '@'}) & 7]`,
    writable: true,
  });
  const outside = new Writer(choice, false);
  outside.variables.push({ name: 'x', writable: true }, { name: 'y', writable: true });
  const [first, second, result] = [choice.of(TYPES)[0], choice.of(TYPES)[0], choice.of(TYPES)[0]];
  const text = `
#define max@(a, b) ({ typeof(a) _x = (a); typeof(b) _y = (b); _x > _y ? _x : _y; })
${globals.join('\n')}
static ${result} call@(${first} x, ${second} y)
{
	${choice.below(3) === 0 ? 'if (x > 100) return call@(x / 2 & 0x7f, y);' : ''}
	x ^= y;
	return ${outside.expression(2)};
}
static s64 one@(u8 x) { return -x; }
static s64 two@(u8 x) { return call@(x, 1); }
static s64 (*const table@[4])(u8) = { one@, two@, [3] = one@, [2] = &two@ };
static void run@(void)
{
	${locals.join('\n\t')}
	${writer.statements(6 + choice.below(8), 2)}
${writer.variables.map(({ name }) => `\tout((u64)${name});`).join('\n')}
	for (int i = 0; i < 8; i++) out(array@[i]);
}
`;
  return { name: `generated ${index}`, text, entry: 'run@' };
}

const MEMBER_TYPES = [
  'bool',
  'char',
  'u8',
  's16',
  'u16',
  'int',
  'u32',
  'long',
  'u64',
  'void *',
  'enum side@',
];

function layout(numbers: readonly number[], index: number): CProgram {
  const choice = new Choice(numbers);
  const plain: string[] = [];
  const fields: string[] = [];
  let next = 0;
  const member = (depth: number): string => {
    const name = `m${next++}`;
    switch (choice.below(depth > 0 ? 8 : 5)) {
      case 0: {
        const [type, width] = choice.of([
          ['u8', 8],
          ['u16', 16],
          ['u32', 32],
          ['int', 32],
          ['u64', 64],
          ['long', 64],
          ['bool', 1],
        ] as const);
        if (choice.below(8) === 0) return `${type} : ${choice.below(2) === 0 ? 0 : 1 + choice.below(width)};`;
        fields.push(name);
        return `${type} ${name} : ${1 + choice.below(width)};`;
      }
      case 1:
        plain.push(name);
        return `${choice.of(MEMBER_TYPES)} ${name}[${1 + choice.below(4)}];`;
      case 2:
        plain.push(name);
        return `${choice.of(MEMBER_TYPES)} ${name}${choice.of(['', '', ' __attribute__((aligned(8)))', ' __attribute__((packed))', ' __attribute__((aligned(32)))'])};`;
      case 5:
        return `struct { ${member(depth - 1)} ${member(depth - 1)} };`;
      case 6:
        return `union { ${member(depth - 1)} ${member(depth - 1)} };`;
      case 7: {
        plain.push(name);
        const [savedPlain, savedFields] = [plain.length, fields.length];
        const inside = `struct { ${member(depth - 1)} ${member(depth - 1)} } ${name};`;
        plain.length = savedPlain;
        fields.length = savedFields;
        return inside;
      }
      default:
        plain.push(name);
        return `${choice.of(MEMBER_TYPES)} ${name};`;
    }
  };
  const members = Array.from({ length: 2 + choice.below(6) }, () => member(2)).join(' ');
  const attributes = choice.of([
    '',
    '',
    '',
    ' __attribute__((packed))',
    ' __attribute__((aligned(16)))',
    ' __attribute__((packed, aligned(4)))',
  ]);
  const text = `
enum side@ { LEFT@, RIGHT@ = ${choice.of(['5', '-1', '0x80000000', '1ull << 40'])}, NEXT@ };
struct s@ { ${members} }${attributes};
struct outer@ { char before; struct s@ inner; char behind; };
static struct s@ s@;
static void dump@(void)
{
	unsigned int i;
	for (i = 0; i < sizeof(s@); i++)
		out(((u8 *)&s@)[i]);
}
static void run@(void)
{
	out(sizeof(struct s@));
	out(_Alignof(struct s@));
	out(sizeof(struct outer@));
	out(sizeof(enum side@));
	out(NEXT@);
	out(LEFT@ - 1 < 0);
	out((enum side@)-1 < 0);
${plain.map((name) => `\tout(__builtin_offsetof(struct s@, ${name}));`).join('\n')}
${fields.map((name) => `\ts@.${name} = -1;\n\tdump@();\n\tout(s@.${name});\n\ts@.${name} = 2;\n\tout(s@.${name}--);`).join('\n')}
	dump@();
}
`;
  return { name: `layout ${index}`, text, entry: 'run@' };
}

/** @param seed the same seed, the same programs */
export function generatedPrograms(seed: number, count: number, layouts: number): CProgram[] {
  const numbers = fc.array(fc.nat({ max: 0x7fffffff }), { minLength: 600, maxLength: 600 });
  const choices = fc.sample(numbers, { seed, numRuns: count + layouts });
  return choices.map((one, index) => (index < count ? program(one, index) : layout(one, index)));
}
