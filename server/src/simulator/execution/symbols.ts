/** Functions and global variables as the C names them; memory and code are given to them by the machine that runs. */
import type { Initialiser, Local, Stmt } from './ast.js';
import type { Item, Viewpoint } from './source.js';
import type { Loc } from './tokens.js';
import type { CType, FunctionType } from './types.js';

export interface GlobalVariable {
  /** Unique: file, place and name. */
  key: string;
  name: string;
  type: CType;
  loc: Loc;
  align?: number;
  /** Only declared: no definition is in the source. */
  extern: boolean;
  /** Reads the initialiser, and with it the length of `x[] = …`. */
  initialiser(): Initialiser | null;
  /** Address once it has memory: set by the machine. */
  address?: bigint;
}

/** A function's definition, parsed. */
export interface FunctionBody {
  parameters: Local[];
  body: Stmt[];
  end: Loc;
}

export interface FunctionSymbol {
  key: string;
  name: string;
  type: FunctionType;
  loc: Loc;
  /** Nothing: declared only. */
  item?: Item;
  viewpoint: Viewpoint;
  /** Parses the body. @throws CodeError */
  parse?(): FunctionBody;
  /** Index in the machine's table of functions. */
  index?: number;
}
