import { expect, test } from 'vitest';
import { checkC } from '../support/c-facts.ts';

test('both branches of file-level items are read, with their conditions', () =>
  checkC(
    `
#ifdef CONFIG_KVM
int get(void)			/*! function get */
{
	return 1;
}
#else
static inline int get(void)	/*! function get static inline off !(defined(CONFIG_KVM)) */
{
	return 0;
}
#endif
#if HAVE_PUT
void put(void)			/*! function put if (HAVE_PUT) */
{
}
#elif defined(CONFIG_LOCKS)
void put(void)			/*! function put if !(HAVE_PUT) && (defined(CONFIG_LOCKS)) */
{
}
#endif`,
    { CONFIG_KVM: 'y' },
  ));

test('inside of a function one branch is read', () =>
  checkC(
    `
int get(struct kvm *kvm)	/*! function get */
{
#ifdef CONFIG_KVM
	if (a(kvm)) {		/*! calls a */
#else
	if (b(kvm)) {		/*! masked */
#endif
		return c();	/*! calls c */
	}
#ifndef CONFIG_KVM
	d();			/*! masked */
#endif
	return e(
#if UNKNOWN
		f(),		/*! calls f */
#else
		g(),		/*! masked */
#endif
		1);
}`,
    { CONFIG_KVM: 'y' },
  ));

test('a branch that begins in one item and ends in another is chosen, not kept', () =>
  checkC(
    `
#ifdef CONFIG_KVM
int get(int a, int b)	/*! function get */
{
#else
int get(int a)
{
#endif
	return one();	/*! calls one */
}`,
    { CONFIG_KVM: 'y' },
  ));

test('a list that conditions cut through', () =>
  checkC(
    `
static int (*const handlers[])(int) = {	/*! variable handlers: int()** */ /*! initialiser .[]=one .[]=three */
	[A] = one,
#ifdef CONFIG_KVM
	[C] = three,
#else
	[B] = two,
#endif
};`,
    { CONFIG_KVM: 'y' },
  ));

test('text that nobody compiles is not read', () =>
  checkC(
    `
#if 0
int old(void)
{
}
#endif
#ifdef __ASSEMBLY__
	.macro SAVE reg
	push \\reg
	.endm
#else
int now(void)	/*! function now */
{
	return 0;
}
#endif`,
    { __ASSEMBLY__: 'n' },
  ));

test('an include guard is no condition', () =>
  checkC(`
#ifndef _ASM_THING_H
#define _ASM_THING_H
int get(void)	/*! function get */
{
	return 0;
}
#endif`));

test('conditions nest', () =>
  checkC(
    `
#ifdef CONFIG_KVM
#if X
int a(void)	/*! function a if (defined(CONFIG_KVM)) && (X) */
{
	return 0;
}
#endif
int b(void)	/*! function b */
{
	return 0;
}
#endif
#if X
#ifdef CONFIG_KVM
int c(void)	/*! function c if (X) && (defined(CONFIG_KVM)) */
{
	return 0;
}
#endif
#endif`,
    { CONFIG_KVM: 'y' },
  ));

test('includes and macros are found wherever they stand', () =>
  checkC(`
#include <linux/kvm_host.h>	/*! include linux/kvm_host.h */
int get(void)			/*! function get */
{
#define ONE(x) one(x)		/*! macro ONE(x): one */
	return ONE(2);
#undef ONE
}
#if 0
#include "never.h"		/*! include never.h */
#endif`));

test('a template sees the macros that its includer defined', async () => {
  const facts = await checkC(`
#define PTTYPE 64
#include "tmpl.h"	/*! include tmpl.h */
#undef PTTYPE
#define PTTYPE 32
#include "tmpl.h"	/*! include tmpl.h */
#undef PTTYPE
#include "other.h"	/*! include other.h */
`);
  expect(facts.includes.map((include) => include.defined)).toEqual([
    { PTTYPE: '64' },
    { PTTYPE: '32' },
    undefined,
  ]);
});

test('directives without their partner are said and cost nothing else', () =>
  checkC(`
int a(void)	/*! function a */
{
	return 0;
}
#endif		/*! note without its partner */
int b(void)	/*! function b */
{
	return 0;
}
#ifdef CONFIG_NEW	/*! note without its partner */
int c(void)	/*! function c */
{
	return 0;
}
`));
