export async function startStdio(): Promise<number> { return 0; }
