/** The page's way to the extension: requests with answers, and what it is told. */
import type { GmemRequests } from '../../protocol.ts';
import type { FromPage, MapRequest, ToPage } from '../messages.ts';

declare function acquireVsCodeApi(): { postMessage(message: FromPage): void };

interface Waiting {
  resolve(body: unknown): void;
  reject(error: Error): void;
}

export class Host {
  private readonly editor = acquireVsCodeApi();
  private readonly waiting = new Map<number, Waiting>();
  private count = 0;

  /** @param told of all but answers */
  constructor(told: (message: ToPage) => void) {
    window.addEventListener('message', ({ data }: MessageEvent<ToPage>) => {
      if (data.kind !== 'answer' && data.kind !== 'refused') return told(data);
      const waiting = this.waiting.get(data.id);
      this.waiting.delete(data.id);
      if (data.kind === 'answer') waiting?.resolve(data.body);
      else waiting?.reject(new Error(data.message));
    });
  }

  tell(message: FromPage): void {
    this.editor.postMessage(message);
  }

  ask<M extends MapRequest>(method: M, args: GmemRequests[M]['arguments']): Promise<GmemRequests[M]['body']> {
    const id = ++this.count;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve: (body) => resolve(body as GmemRequests[M]['body']), reject });
      this.tell({ kind: 'ask', id, method, args });
    });
  }
}
