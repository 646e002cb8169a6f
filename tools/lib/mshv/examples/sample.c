// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * A whole VMM: a guest in real mode adds two numbers and prints the sum.
 *
 * Build it with: cc sample.c $(pkg-config --cflags --libs libmshv)
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <mshv/vp.h>

#define GUEST_GPA	0x1000		/* where the guest's only page is */
#define PORT_PRINT	0x3f8
#define PORT_EXIT	0xf4

static const unsigned char guest_code[] = {
	0x00, 0xd8,			/* add  %bl, %al	*/
	0x04, '0',			/* add  $'0', %al	*/
	0xba, 0xf8, 0x03,		/* mov  $0x3f8, %dx	*/
	0xee,				/* out  %al, %dx	*/
	0xb0, '\n',			/* mov  $'\n', %al	*/
	0xee,				/* out  %al, %dx	*/
	0xb0, 0x00,			/* mov  $0, %al		*/
	0xe6, PORT_EXIT,		/* out  %al, $0xf4	*/
};

static int fail(void)
{
	fprintf(stderr, "sample: %s\n", mshv_strerror());
	return 1;
}

int main(void)
{
	const struct hv_x64_io_port_intercept_message *io;
	struct mshv_vp vp;
	int dev, partition;
	void *mem;

	/* A partition: an empty machine. */
	dev = mshv_open(NULL);
	if (dev < 0) {
		fprintf(stderr, "sample: %s\n", mshv_explain(NULL, dev));
		return 1;
	}
	partition = mshv_create_partition(dev, 1 << MSHV_PT_BIT_LAPIC);
	if (partition < 0 || mshv_initialize_partition(partition))
		return fail();

	/* Memory: a page of ours, with the guest's program in it. */
	mem = mmap(NULL, MSHV_HV_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		   -1, 0);
	if (mem == MAP_FAILED) {
		perror("sample: mmap");
		return 1;
	}
	memcpy(mem, guest_code, sizeof(guest_code));
	if (mshv_map_memory(partition, GUEST_GPA, mem, MSHV_HV_PAGE_SIZE,
			    1 << MSHV_SET_MEM_BIT_WRITABLE | 1 << MSHV_SET_MEM_BIT_EXECUTABLE))
		return fail();

	/* A virtual processor: in real mode, with 2 in each of the registers that it adds. */
	if (mshv_vp_init(&vp, partition, 0) || mshv_vp_setup_real_mode(&vp, GUEST_GPA, 0) ||
	    mshv_vp_set_register(&vp, HV_X64_REGISTER_RAX, 2) ||
	    mshv_vp_set_register(&vp, HV_X64_REGISTER_RBX, 2))
		return fail();

	/* It runs until it does something that only a device can do. */
	for (;;) {
		if (mshv_vp_run(&vp))
			return fail();
		if (vp.msg.header.message_type != HVMSG_X64_IO_PORT_INTERCEPT) {
			fprintf(stderr, "sample: unexpected message 0x%x\n",
				vp.msg.header.message_type);
			return 1;
		}
		io = mshv_msg_io(&vp.msg);
		if (io->port_number == PORT_EXIT)
			return io->rax & 0xff;
		if (io->port_number == PORT_PRINT)
			putchar((int)(io->rax & 0xff));
		if (mshv_vp_complete(&vp, NULL))	/* go past the OUT */
			return fail();
	}
}
