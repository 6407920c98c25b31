/* SPDX-License-Identifier: Apache-2.0 */
/* For narrow.c: as much of a CBLAS as lets the CPU backend link. Nothing calls it. */
#ifndef TESTS_GUEST_NARROW_CBLAS_H
#define TESTS_GUEST_NARROW_CBLAS_H

#include <stdlib.h>

enum { CblasRowMajor, CblasTrans, CblasNoTrans };

#define cblas_sgemm(...) abort()
#define cblas_sgemv(...) abort()

#endif
