/* SPDX-License-Identifier: Apache-2.0 */
/* In which encoding a text may be that is not UTF-8. */
#ifndef TASK_ENCODING_H
#define TASK_ENCODING_H

#include <stdint.h>

struct encoding {
    const char *name;    /* "UTF-16" */
    const char *charset; /* as iconv calls it; NULL if it cannot be told */
};

/* A guess from the bytes around text[at], the first that is no UTF-8. */
struct encoding encoding_guess(const char *text, uint64_t bytes, uint64_t at);

#endif
