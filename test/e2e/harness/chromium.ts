import { access, constants } from 'node:fs/promises';
import { type Browser, chromium } from 'playwright-core';

const usualPlaces = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--font-render-hinting=none',
];

export async function findChromium(): Promise<string> {
  const candidates = process.env.GMEM_LENS_CHROMIUM ? [process.env.GMEM_LENS_CHROMIUM] : usualPlaces;
  for (const path of candidates) {
    try {
      await access(path, constants.X_OK);
      return path;
    } catch {
      // Not here.
    }
  }
  throw new Error(
    `The end-to-end tests need Chromium, and there is none at ${candidates.join(', ')}. ` +
      'Install it (Debian: apt-get install chromium), or name one in GMEM_LENS_CHROMIUM.',
  );
}

export async function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: await findChromium(), args });
}
