/** Whether a server that died is started again; knows nothing of VS Code. */

/** More deaths than this within `windowMs` mean that starting it again would not help. */
const maxRestarts = 3;
const windowMs = 3 * 60_000;

export class CrashPolicy {
  private crashes: number[] = [];

  /** @param now the time of the crash in milliseconds */
  shouldRestart(now: number): boolean {
    this.crashes = [...this.crashes.filter((time) => now - time < windowMs), now];
    return this.crashes.length <= maxRestarts;
  }

  /** The user asked for a start, so earlier deaths no longer count. */
  forget(): void {
    this.crashes = [];
  }
}
