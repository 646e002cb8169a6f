/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dsdt.asl, as iasl has compiled it; DSDT_AML is the file's name.
 */
	.section .rodata
	.global dsdt_aml, dsdt_aml_end
	.balign 16
dsdt_aml:
	.incbin DSDT_AML
dsdt_aml_end:

	.section .note.GNU-stack, "", @progbits
