/** Interfaces of a TypeScript file as data: what tests compare documents and schemas with. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

export interface Member {
  readonly name: string;
  readonly type: string;
  readonly optional: boolean;
  readonly about: string;
}

export interface Shape {
  readonly name: string;
  readonly about: string;
  readonly members: readonly Member[];
}

const root = join(import.meta.dirname, '..', '..');

/** Interfaces that a file exports, in its order. */
export function shapesOf(path: string): Shape[] {
  const text = readFileSync(join(root, path), 'utf8');
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const oneLine = (node: ts.Node | undefined): string =>
    (node?.getText(source) ?? '').replaceAll(/\s+/g, ' ');
  return source.statements.filter(ts.isInterfaceDeclaration).map((declaration) => ({
    name: declaration.name.text,
    about: commentOf(declaration),
    members: declaration.members.filter(ts.isPropertySignature).map((member) => ({
      name: member.name.getText(source).replaceAll("'", ''),
      type: oneLine(member.type).replaceAll('readonly ', ''),
      optional: member.questionToken !== undefined,
      about: commentOf(member),
    })),
  }));
}

function commentOf(node: ts.Node): string {
  const [comment] = ts.getJSDocCommentsAndTags(node);
  const text = comment && ts.isJSDoc(comment) ? ts.getTextOfJSDocComment(comment.comment) : '';
  return (text ?? '').replaceAll(/\s+/g, ' ');
}
