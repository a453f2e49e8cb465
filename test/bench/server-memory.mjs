// Resident memory of the language server, as an editor sees it: when the tree is read, with guest_memfd.c open, after
// the first hover, after edits; each with the peak so far. Linux only: it reads /proc.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

const FILE = 'virt/kvm/guest_memfd.c';
/** The server gives memory back when nothing is asked of it for a while. */
const REST_MS = 4000;

/** The least that speaks the protocol: requests by number, notifications by name. */
class Client {
  constructor(cli, cache) {
    this.server = spawn(process.execPath, [cli, 'lsp', '--stdio'], {
      env: { ...process.env, GMEM_LENS_CACHE: cache },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.answers = new Map();
    this.listeners = [];
    this.next = 1;
    this.text = Buffer.alloc(0);
    this.server.stdout.on('data', (data) => this.take(data));
  }

  take(data) {
    this.text = Buffer.concat([this.text, data]);
    for (;;) {
      const head = /^Content-Length: (\d+)\r\n(?:[^\r\n]+\r\n)*\r\n/.exec(this.text.toString('latin1'));
      if (!head || this.text.length < head[0].length + Number(head[1])) return;
      const end = head[0].length + Number(head[1]);
      this.handle(JSON.parse(this.text.toString('utf8', head[0].length, end)));
      this.text = this.text.subarray(end);
    }
  }

  handle(message) {
    if (message.method === undefined) this.answers.get(message.id)?.(message.result);
    else if (message.id !== undefined) this.write({ id: message.id, result: null });
    else for (const listener of this.listeners) listener(message);
  }

  write(message) {
    const body = JSON.stringify({ jsonrpc: '2.0', ...message });
    this.server.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  }

  request(method, params) {
    const id = this.next++;
    this.write({ id, method, params });
    return new Promise((resolve) => this.answers.set(id, resolve));
  }

  /** Resolves with the next notification that `isWanted`. */
  notified(isWanted) {
    return new Promise((resolve) => {
      const listener = (message) => {
        if (!isWanted(message)) return;
        this.listeners.splice(this.listeners.indexOf(listener), 1);
        resolve(message);
      };
      this.listeners.push(listener);
    });
  }

  /** MiB now and at most so far. */
  memory(when) {
    const status = readFileSync(`/proc/${this.server.pid}/status`, 'utf8');
    const of = (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)[1]) / 1024;
    return { when, rss: of('VmRSS'), peak: of('VmHWM') };
  }
}

/** Rows of { when, rss, peak }; none where there is no /proc. */
export async function serverMemory(cli, tree, cache) {
  if (process.platform !== 'linux') return [];
  const client = new Client(cli, cache);
  const rows = [];
  const rest = async (when) => {
    await pause(REST_MS);
    rows.push(client.memory(when));
  };
  try {
    const ready = client.notified(
      ({ method, params }) => method === 'gmemLens/status' && params.state !== 'indexing',
    );
    await client.request('initialize', {
      processId: process.pid,
      rootUri: pathToFileURL(tree).href,
      capabilities: {},
    });
    client.write({ method: 'initialized', params: {} });
    const { params } = await ready;
    if (params.state !== 'ready') throw new Error(`language server: ${params.message}`);
    await rest('tree read');
    const uri = pathToFileURL(join(tree, FILE)).href;
    const text = readFileSync(join(tree, FILE), 'utf8');
    client.write({
      method: 'textDocument/didOpen',
      params: { textDocument: { uri, languageId: 'c', version: 1, text } },
    });
    await client.request('textDocument/codeLens', { textDocument: { uri } });
    await rest('guest_memfd.c open');
    const line = text.slice(0, text.indexOf('truncate_inode_pages_range')).split('\n').length - 1;
    await client.request('textDocument/hover', { textDocument: { uri }, position: { line, character: 10 } });
    await rest('after the first hover');
    for (let version = 2; version < 22; version++) {
      const typed = version % 2 === 0 ? text.replace('return r;', 'return  r;') : text;
      client.write({
        method: 'textDocument/didChange',
        params: { textDocument: { uri, version }, contentChanges: [{ text: typed }] },
      });
      await client.request('textDocument/codeLens', { textDocument: { uri } });
    }
    await rest('after 20 edits');
    return rows;
  } finally {
    client.server.kill();
  }
}
