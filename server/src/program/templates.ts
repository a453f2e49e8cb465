/** Which files are templates, seen from all files together. */
import type { FileFacts } from '../kernel-c/facts.js';
import { type TemplateInstance, templateInstances } from '../kernel-c/templates.js';
import { normalisePath } from './symbols.js';

/** Path of each template → its instances. A file without functions is a list for macros, and needs no instances. */
export function templatesOf(files: ReadonlyMap<string, FileFacts>): Map<string, TemplateInstance[]> {
  const found = new Map<string, TemplateInstance[]>();
  for (const [file, facts] of files) {
    for (const [written, instances] of templateInstances(facts)) {
      const path = normalisePath(file.slice(0, file.lastIndexOf('/') + 1) + written);
      if ((files.get(path)?.functions.length ?? 0) > 0) found.set(path, instances);
    }
  }
  return found;
}
