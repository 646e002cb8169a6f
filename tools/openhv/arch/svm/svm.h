/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between the files of the SVM directory.
 */
#ifndef OPENHV_SVM_SVM_H
#define OPENHV_SVM_SVM_H

#include <openhv/types.h>

struct vcpu;

extern bool svm_has_tsc_aux;

void svm_enter(paddr_t vmcb, u64 *gpr);

/* Turn the VMCB's exit code into v->exit. */
void svm_decode_exit(struct vcpu *v);

#endif /* OPENHV_SVM_SVM_H */
