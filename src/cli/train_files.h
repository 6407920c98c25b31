/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a training run: looked at before the work. */
#ifndef CLI_TRAIN_FILES_H
#define CLI_TRAIN_FILES_H

#include <stdbool.h>

enum { TRAIN_OUTPUTS = 3 };
struct train_files {
    /* Files, pipes, folders, and "-" for standard input: first the `data` to train on, then the
     * `validation` texts. */
    const char **inputs; /* [data + validation] */
    int data, validation;
    const char *outputs[TRAIN_OUTPUTS]; /* the model, its state, the log; NULL: not written */
    bool resume, overwrite;
};

/* Whether nothing is written twice or over what is read, and every output can be written. An
 * earlier run's outputs must be wanted. Returns 0 or, having reported, an exit code. */
int train_files_check(const struct train_files *files);

#endif
