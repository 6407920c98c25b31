/* SPDX-License-Identifier: Apache-2.0 */
/* The BLAS, beside whoever else in the process uses it. */
#ifndef CPU_BLAS_H
#define CPU_BLAS_H

#include "base/status.h"

/* "OpenBLAS SkylakeX", "CBLAS". */
const char *blas_name(char name[64]);

/* To be called before anything else takes much memory. OpenBLAS makes threads when it is loaded,
 * and each maps a buffer first of all; if there is no room left, it tries for ever. If the address
 * space has a limit, this waits for them, up to a tenth of a second. */
void blas_settle(void);

/* What blas_end puts back. */
struct blas_use {
    int threads; /* that may call the BLAS at once: as wanted, or fewer if memory is short */
    int omp_threads;
};

/* Between the two the BLAS computes each call in the thread that made it: threads of its own would
 * change results and fight with OpenMP's. Outside of them the process's setting is its own.
 * MINRNN_OUT_OF_MEMORY if not even one thread can have the buffer that OpenBLAS takes. OpenBLAS
 * would try for ever. */
minrnn_status blas_begin(int threads, struct blas_use *use);
void blas_end(const struct blas_use *use);

#endif
