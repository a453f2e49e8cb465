/** Functions that are handed over to be called later: who does that, and what it makes of them. */
import { expect, test } from 'vitest';
import { entryPointOf } from '../../server/src/program/entry-points.ts';
import { registrationsOf, registrationText } from '../../server/src/program/registrations.ts';
import { programOf, SNIPPET } from '../support/c-program.ts';

async function handedOver(source: string, name: string) {
  const program = await programOf({ [SNIPPET]: source });
  const node = program.symbols.functionsByName.get(name)![0]!;
  return {
    by: registrationsOf(program, node).map(
      (registration) => `${registration.by?.name ?? 'nobody'}: ${registrationText(registration)}`,
    ),
    entry: entryPointOf(program, node)?.label,
    callers: program.callsTo(node).map(({ caller }) => caller.name),
  };
}

const WORK = `
struct work_struct { void (*func)(struct work_struct *); };
#define __INIT_WORK(_work, _func) do { (_work)->func = (_func); } while (0)
#define INIT_WORK(_work, _func) __INIT_WORK((_work), (_func))
`;

test('a work item', async () => {
  const found = await handedOver(
    `${WORK}
struct irqfd { struct work_struct shutdown; };
static void irqfd_shutdown(struct work_struct *work) { }
void assign(struct irqfd *irqfd) { INIT_WORK(&irqfd->shutdown, irqfd_shutdown); }
`,
    'irqfd_shutdown',
  );
  expect(found).toEqual({
    by: ['assign: put into work_struct.func'],
    entry: 'work queue',
    callers: [],
  });
});

test('an RCU callback, given to a function whose body is not there', async () => {
  const found = await handedOver(
    `
void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *));
static void free_it(struct rcu_head *head) { }
void drop(struct rcu_head *head) { call_rcu(head, free_it); }
`,
    'free_it',
  );
  expect(found).toEqual({ by: ['drop: handed to call_rcu()'], entry: 'RCU callback', callers: [] });
});

test('a notifier block is handed over by who uses it', async () => {
  const found = await handedOver(
    `
struct notifier_block { int (*notifier_call)(int); };
static int on_change(int action) { return action; }
static struct notifier_block block = { .notifier_call = on_change };
void init(void) { register_notifier(&block); }
`,
    'on_change',
  );
  expect(found.by).toEqual(['init: put into notifier_block.notifier_call']);
  expect(found.entry).toBe('notifier chain');
});

test('module_init names the start', async () => {
  const found = await handedOver('\nstatic int begin(void) { return 0; }\nmodule_init(begin);\n', 'begin');
  expect(found).toEqual({
    by: ['nobody: handed to module_init()'],
    entry: 'start of the kernel or module',
    callers: [],
  });
});

test('a function that is called through its pointer is not handed over', async () => {
  const found = await handedOver(
    `
static void each(void (*fn)(int)) { fn(1); }
static void visit(int i) { }
void f(void) { each(visit); each(visit); }
`,
    'visit',
  );
  expect(found).toEqual({ by: [], entry: undefined, callers: ['each'] });
});

test('handing on to a function without a body, through one that has one', async () => {
  const found = await handedOver(
    `
int __setup_state(int state, int (*startup)(int));
static inline int setup_state(int state, int (*startup)(int)) { return __setup_state(state, startup); }
static int online(int cpu) { return cpu; }
void enable(void) { setup_state(1, online); }
`,
    'online',
  );
  expect(found).toEqual({ by: ['enable: handed to setup_state()'], entry: undefined, callers: [] });
});
