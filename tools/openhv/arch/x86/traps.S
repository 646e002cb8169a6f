/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exceptions and interrupts of openhv itself: 256 entries that save all
 * registers and call trap_handle(). openhv uses neither FS nor GS nor the FPU,
 * whose contents here are a guest's.
 */
	.text

	.altmacro
	.macro	trap_entry vector
	.align	16
	.if	(\vector == 8) || (\vector >= 10 && \vector <= 14) || (\vector == 17) || \
		(\vector == 21) || (\vector == 29) || (\vector == 30)
	.else
	push	$0
	.endif
	push	$\vector
	jmp	trap_common
	.endm

	.globl	trap_entries
	.align	16
trap_entries:
	.set	i, 0
	.rept	256
	trap_entry %i
	.set	i, i + 1
	.endr

trap_common:
	push	%rax
	push	%rbx
	push	%rcx
	push	%rdx
	push	%rsi
	push	%rdi
	push	%rbp
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	cld
	mov	%rsp, %rdi
	call	trap_handle
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rbp
	pop	%rdi
	pop	%rsi
	pop	%rdx
	pop	%rcx
	pop	%rbx
	pop	%rax
	add	$16, %rsp
	iretq

/*
 * void wait_for_interrupt(void): sleep with GIF set, until an interrupt has come.
 *
 * STI takes effect after HLT: no interrupt can slip in between. An NMI can, and
 * makes us leave out the HLT (lp_nmi_ends_wait()).
 */
	.globl	wait_for_interrupt, wait_open, wait_over
	.type	wait_for_interrupt, @function
wait_for_interrupt:
	cli
	stgi
wait_open:
	sti
	hlt
wait_over:
	clgi
	sti
	ret
	.size	wait_for_interrupt, . - wait_for_interrupt

	.section .note.GNU-stack, "", @progbits
