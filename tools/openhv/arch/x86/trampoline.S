/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a processor starts after a SIPI: real mode, at the beginning of a
 * page below 1 MiB. The code is copied there, so that it refers to itself by
 * offsets from its beginning, and to its place by the segment it runs in.
 */
	.section .rodata
	.align	16
	.globl	trampoline_start, trampoline_end, trampoline_data
	.code16
trampoline_start:
	cli
	cld
	mov	%cs, %ax
	mov	%ax, %ds
	movzwl	%ax, %ebx
	shl	$4, %ebx			/* linear address of the page */

	/* Pointers into the page */
	lea	(trampoline_gdt - trampoline_start)(%ebx), %eax
	mov	%eax, (trampoline_gdt_pointer + 2 - trampoline_start)
	lea	(trampoline_32 - trampoline_start)(%ebx), %eax
	mov	%eax, (trampoline_far - trampoline_start)
	lgdtl	(trampoline_gdt_pointer - trampoline_start)
	mov	$0x11, %eax			/* PE */
	mov	%eax, %cr0
	ljmpl	*(trampoline_far - trampoline_start)

	.code32
trampoline_32:
	mov	$0x10, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	%cr4, %eax
	or	$0x20, %eax			/* PAE */
	mov	%eax, %cr4
	mov	(trampoline_data - trampoline_start)(%ebx), %eax
	mov	%eax, %cr3
	mov	$0xC0000080, %ecx		/* EFER: LME, NXE */
	rdmsr
	or	$0x900, %eax
	wrmsr
	mov	$0x80010011, %eax		/* PG, WP, ET, PE */
	mov	%eax, %cr0
	lea	(trampoline_64 - trampoline_start)(%ebx), %eax
	lea	4080(%ebx), %esp
	push	$0x18
	push	%eax
	lret

	.code64
trampoline_64:
	mov	(trampoline_data + 8 - trampoline_start)(%rbx), %rsp
	mov	(trampoline_data + 16 - trampoline_start)(%rbx), %rax
	xor	%ebp, %ebp
	push	%rbp
	push	%rbp
	jmp	*%rax

	.align	8
trampoline_gdt:
	.quad	0
	.quad	0x00CF9B000000FFFF		/* 0x08: 32-bit code */
	.quad	0x00CF93000000FFFF		/* 0x10: data */
	.quad	0x00AF9B000000FFFF		/* 0x18: 64-bit code */
trampoline_gdt_pointer:
	.word	. - trampoline_gdt - 1
	.long	0
	.align	4
trampoline_far:
	.long	0
	.word	0x08
	.align	8
	/* struct trampoline_data */
trampoline_data:
	.quad	0				/* page tables */
	.quad	0				/* stack */
	.quad	0				/* entry */
trampoline_end:

	.section .note.GNU-stack, "", @progbits
