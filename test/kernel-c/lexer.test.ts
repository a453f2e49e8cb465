import { describe, expect, test } from 'vitest';
import { TokenKind, tokenize } from '../../server/src/kernel-c/lexer.ts';

function tokens(text: string): string[] {
  const found = tokenize(text);
  return Array.from({ length: found.count }, (_, i) => text.slice(found.start[i], found.end[i]));
}

function kinds(text: string): TokenKind[] {
  const found = tokenize(text);
  return [...found.kind.subarray(0, found.count)];
}

describe('tokens', () => {
  test('words, numbers and punctuation', () => {
    expect(tokens('a->b[0x1fUL] = c ? 1.5e-3 : d;')).toEqual([
      'a',
      '->',
      'b',
      '[',
      '0x1fUL',
      ']',
      '=',
      'c',
      '?',
      '1.5e-3',
      ':',
      'd',
      ';',
    ]);
  });

  test('an exponent has a sign, a hexadecimal number has none', () => {
    expect(tokens('1e+5 0x1e+5')).toEqual(['1e+5', '0x1e', '+', '5']);
  });

  test('ranges and pasted words', () => {
    expect(tokens('case 1 ... 5: a##b')).toEqual(['case', '1', '...', '5', ':', 'a', '##', 'b']);
    expect(tokens('case 1...5:')).toEqual(['case', '1', '...', '5', ':']);
  });

  test('words may hold what a keyboard writes', () => {
    expect(tokens('größe $x')).toEqual(['größe', '$x']);
  });

  test('strings keep quotes, comment marks and escapes', () => {
    expect(tokens(String.raw`f("a \" /* b", '\'', "//")`)).toEqual([
      'f',
      '(',
      String.raw`"a \" /* b"`,
      ',',
      String.raw`'\''`,
      ',',
      '"//"',
      ')',
    ]);
  });

  test('a string that is not closed ends with its line', () => {
    expect(tokens('x = "abc;\ny;')).toEqual(['x', '=', '"abc;', 'y', ';']);
  });

  test('a string may go on behind a backslash', () => {
    expect(tokens('x = "a\\\nb";')).toEqual(['x', '=', '"a\\\nb"', ';']);
  });
});

describe('directives', () => {
  test('reach to the end of the last continuation line', () => {
    const text = '#define A(x) \\\n\tf(x) \\\r\n\t+ 1\nint b;';
    expect(tokens(text)[0]).toBe('#define A(x) \\\n\tf(x) \\\r\n\t+ 1');
    expect(kinds(text)[0]).toBe(TokenKind.Directive);
  });

  test('go on behind a comment of several lines', () => {
    expect(tokens('#define A 1 /* one\n two */ + 2\nb')).toEqual(['#define A 1 /* one\n two */ + 2', 'b']);
  });

  test('stand at the start of a line only', () => {
    expect(kinds('  #if A')).toEqual([TokenKind.Directive]);
    expect(kinds('a #if A')).not.toContain(TokenKind.Directive);
  });
});

describe('comments', () => {
  test('are no tokens', () => {
    expect(tokens('a /* b */ c // d\ne')).toEqual(['a', 'c', 'e']);
  });

  test('a line comment goes on behind a backslash', () => {
    expect(tokens('// a \\\n b\nc')).toEqual(['c']);
  });

  test('one that is never closed is told', () => {
    const { unterminated } = tokenize('a; /* b');
    expect(unterminated).toBe(3);
    expect(tokenize('a; /* b */').unterminated).toBe(-1);
  });

  test('one that is never closed ends with its function', () => {
    expect(tokens('{\n\ta; /* b\n}\nint c;\n/* d */\n')).toEqual(['{', 'a', ';', '}', 'int', 'c', ';']);
  });

  test('a comment may hold code', () => {
    expect(tokens('/*\nint f(void)\n{\n}\n*/\nint c;')).toEqual(['int', 'c', ';']);
  });
});

test('text that is no C', () => {
  expect(tokens('')).toEqual([]);
  expect(tokens('\u0001@`\ufeff')).toEqual(['\u0001', '@', '`']);
});
