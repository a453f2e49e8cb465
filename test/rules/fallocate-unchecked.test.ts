/** `fallocate-unchecked` (mail row E5): a VMM looks whether its guest memory was allocated. */
import { describe, test } from 'vitest';
import { expectC } from '../support/c-program.ts';

const HEADERS = `
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
`;

const check = (source: string, file = 'backends/memory.c') =>
  expectC({ [file]: HEADERS + source }, { rules: ['fallocate-unchecked'] });

describe('the result', () => {
  test('is ignored, thrown away, overwritten, kept and never read', () =>
    check(`
void start(int priv_fd, long size)
{
	fallocate(priv_fd, 0, 0, size); /*! finding always */
}

void deliberate(int guest_memfd, long size)
{
	(void)fallocate(guest_memfd, 0, 0, size); /*! leads */
}

int overwritten(int guest_memfd, long size)
{
	int ret;

	ret = fallocate(guest_memfd, 0, 0, size); /*! finding always */
	ret = fallocate(guest_memfd, 3, 0, 4096);
	if (ret && errno != EINTR)
		return ret;
	return 0;
}

void kept(int guest_memfd, long size)
{
	int ret = fallocate(guest_memfd, 0, 0, size); /*! finding always */

	start_guest();
}
`));

  test('is looked at and the call made again', () =>
    check(`
int by_goto(int priv_fd, long size)
{
	int ret;

again:
	ret = fallocate(priv_fd, 0, 0, size);
	if (ret) {
		if (errno == EINTR)
			goto again;
		return -1;
	}
	return 0;
}

int by_loop(int priv_fd, long size)
{
	int ret;

	do {
		ret = fallocate(priv_fd, 0, 0, size);
	} while (ret == -1 && errno == EINTR);
	return ret;
}

int by_macro(int priv_fd, long size)
{
	return TEMP_FAILURE_RETRY(fallocate(priv_fd, 0, 0, size));
}

void by_macro_and_forgotten(int priv_fd, long size)
{
	TEMP_FAILURE_RETRY(fallocate(priv_fd, 0, 0, size)); /*! finding always */
}
`));

  test('is looked at, and a signal is not thought of: information', () =>
    check(`
int once(int priv_fd, long size)
{
	if (fallocate(priv_fd, 0, 0, size) < 0) { /*! leads */
		perror("fallocate");
		exit(1);
	}
	return 0;
}
`));

  test('is what a test asserts', () =>
    check(
      `
static void test_punch(int fd, long size)
{
	int ret;

	ret = fallocate(fd, 1, 0, size);
	TEST_ASSERT(!ret, "fallocate() should succeed");
	ret = fallocate(fd, 3, 1, size);
	TEST_ASSERT(ret, "fallocate() unaligned should fail");
	ASSERT_EQ(fallocate(fd, 3, 0, size), 0);
	fallocate(fd, 3, 0, size); /*! finding always */
}

int main(void)
{
	int fd = vm_create_guest_memfd(vm, 4096, 0);

	test_punch(fd, 4096);
	return 0;
}
`,
      'tools/testing/selftests/kvm/guest_memfd_test.c',
    ));
});

describe('the descriptor', () => {
  test('is one of guest memory by where it comes from, or it is not', () =>
    check(`
struct backend { int guest_memfd; int disk; };

void by_ioctl(int vm, struct create *args)
{
	int fd = ioctl(vm, KVM_CREATE_GUEST_MEMFD, args);

	fallocate(fd, 0, 0, 4096); /*! finding always */
}

void by_member(struct backend *backend)
{
	fallocate(backend->guest_memfd, 0, 0, 4096); /*! finding always */
	fallocate(backend->disk, 0, 0, 4096);
}

void a_disk(const char *path)
{
	int fd = open(path, 2);

	fallocate(fd, 0, 0, 4096);
}
`));

  test('goes through a wrapper that hands the result on', () =>
    check(`
static int fill(int fd, long size)
{
	return fallocate(fd, 0, 0, size);
}

static int fill_patiently(int fd, long size)
{
	int ret;

	do
		ret = fallocate(fd, 0, 0, size);
	while (ret && errno == EINTR);
	return ret;
}

int start(int priv_fd, int disk)
{
	fill(priv_fd, 4096); /*! finding always */
	fill(disk, 4096);
	fill_patiently(priv_fd, 4096); /*! finding always */
	if (fill_patiently(priv_fd, 8192))
		return -1;
	if (fill(priv_fd, 8192)) /*! leads */
		return -1;
	return 0;
}
`));
});

test("the kernel's own functions of that name are none of a program's", () =>
  expectC(
    {
      'fs/filler.c': `
int fallocate(struct file *guest_memfd, int mode, long from, long size);

void fill(struct file *guest_memfd)
{
	fallocate(guest_memfd, 0, 0, 4096);
}
`,
      'tools/vmm.c': `
void start(int guest_memfd)
{
	fallocate(guest_memfd, 0, 0, 4096); /*! finding always */
}
`,
    },
    { rules: ['fallocate-unchecked'] },
  ));
