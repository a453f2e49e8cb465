/** The version of the extension and of everything in it. */
import manifest from '../../../package.json' with { type: 'json' };

export const version: string = manifest.version;
