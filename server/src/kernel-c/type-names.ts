/** Names that C code uses for types, told by how kernel code writes them: `u64`, `gfn_t`, `__le32`. */

const TYPE_NAME =
  /^(?:(?:__)?[su](?:8|16|32|64|128)|__(?:le|be)(?:16|32|64)|[a-z_]\w*_t|u(?:char|short|int|long)|_?Bool)$/;

/** Is a name, met where either a type or a value could stand, a type's? */
export function isTypeName(name: string): boolean {
  return TYPE_NAME.test(name);
}
