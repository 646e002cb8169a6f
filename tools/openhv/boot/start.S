/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Entry from a multiboot loader: 32-bit protected mode, paging off.
 * Multiboot specification 0.6.96, section 3; Multiboot 2, section 3.
 */
#include "multiboot.h"

	.section .multiboot, "a"
	.align	8
	.long	MULTIBOOT_HEADER_MAGIC
	.long	MULTIBOOT_HEADER_FLAGS
	.long	-(MULTIBOOT_HEADER_MAGIC + MULTIBOOT_HEADER_FLAGS)

	.align	8
multiboot2_header:
	.long	MULTIBOOT2_HEADER_MAGIC
	.long	MULTIBOOT2_ARCH_I386
	.long	multiboot2_end - multiboot2_header
	.long	-(MULTIBOOT2_HEADER_MAGIC + MULTIBOOT2_ARCH_I386 + \
		  multiboot2_end - multiboot2_header)
	/* Modules on page boundaries */
	.short	MULTIBOOT2_TAG_ALIGN, 0
	.long	8
	/* End */
	.short	0, 0
	.long	8
multiboot2_end:

	.section .head, "ax"
	.code32
	.globl	start
start:
	cli
	cld
	mov	$(boot_stack + 16384), %esp
	mov	%eax, %esi			/* magic */
	mov	%ebx, %edi			/* information */

	/* Is there long mode? */
	mov	$0x80000000, %eax
	cpuid
	cmp	$0x80000001, %eax
	jb	no_long_mode
	mov	$0x80000001, %eax
	cpuid
	test	$(1 << 29), %edx
	jz	no_long_mode

	/* The first 4 GiB at their own addresses, in 2 MiB pages */
	mov	$boot_pd, %eax
	or	$3, %eax
	mov	$boot_pdpt, %ebx
	mov	$4, %ecx
1:	mov	%eax, (%ebx)
	add	$4096, %eax
	add	$8, %ebx
	dec	%ecx
	jnz	1b
	mov	$boot_pdpt, %eax
	or	$3, %eax
	mov	%eax, boot_pml4
	mov	$boot_pd, %ebx
	mov	$0x83, %eax
	mov	$2048, %ecx
2:	mov	%eax, (%ebx)
	add	$0x200000, %eax
	add	$8, %ebx
	dec	%ecx
	jnz	2b

	mov	$boot_pml4, %eax
	mov	%eax, %cr3
	mov	%cr4, %eax
	or	$0x20, %eax			/* PAE */
	mov	%eax, %cr4
	mov	$0xC0000080, %ecx		/* EFER: LME, NXE */
	rdmsr
	or	$0x900, %eax
	wrmsr
	mov	%cr0, %eax
	and	$0x9FFFFFFF, %eax		/* caches on */
	or	$0x80010001, %eax		/* PG, WP, PE */
	mov	%eax, %cr0
	lgdt	boot_gdt_pointer
	ljmp	$0x08, $start64

	/* Without long mode there is nothing to print with but the serial port */
no_long_mode:
	mov	$no_long_mode_text, %esi
	mov	$0x3F8, %edx
3:	lodsb
	test	%al, %al
	jz	4f
	out	%al, %dx
	jmp	3b
4:	mov	$0xF4, %edx
	mov	$0x3E, %eax
	out	%eax, %dx
5:	hlt
	jmp	5b

	.code64
start64:
	mov	$0x10, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	xor	%eax, %eax
	mov	%eax, %fs
	mov	%eax, %gs
	mov	$(boot_stack + 16384), %rsp
	xor	%ebp, %ebp
	push	%rbp
	push	%rbp
	mov	%edi, %eax
	mov	%esi, %edi			/* magic */
	mov	%eax, %esi			/* information */
	call	boot_main
6:	hlt
	jmp	6b

	.section .rodata
no_long_mode_text:
	.asciz	"openhv: this processor has no 64-bit mode\r\n"
	.align	8
boot_gdt:
	.quad	0
	.quad	0x00AF9B000000FFFF
	.quad	0x00CF93000000FFFF
boot_gdt_pointer:
	.word	. - boot_gdt - 1
	.long	boot_gdt

	.section .bss
	.align	16384
	.globl	boot_stack
boot_stack:
	.skip	16384
	.align	4096
	.globl	boot_pml4
boot_pml4:
	.skip	4096
boot_pdpt:
	.skip	4096
boot_pd:
	.skip	4 * 4096

	.section .note.GNU-stack, "", @progbits
