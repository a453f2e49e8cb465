/** Declarations of library functions that gcc knows by itself; the machine has them built in. */
import { INTRINSICS } from './intrinsics.js';
import type { CodeSource } from './source.js';
import { textsSource } from './texts-source.js';

export const LIBRARY: CodeSource = textsSource({
  '<built in>.h': `
void *memcpy(void *to, const void *from, unsigned long n);
void *memmove(void *to, const void *from, unsigned long n);
void *memset(void *to, int byte, unsigned long n);
int memcmp(const void *a, const void *b, unsigned long n);
unsigned long strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, unsigned long n);
char *strcpy(char *to, const char *from);
char *strncpy(char *to, const char *from, unsigned long n);
char *strchr(const char *s, int c);
void *memchr(const void *s, int c, unsigned long n);
typedef __builtin_va_list va_list;
typedef unsigned long size_t;
`,
});

export const isLibraryFunction = (name: string): boolean => INTRINSICS[name] !== undefined;
