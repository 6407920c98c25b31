/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a text, read; and what is said of those that are none. */
#ifndef TASK_DOCUMENTS_H
#define TASK_DOCUMENTS_H

#include "base/input.h"

/* Documents, the bytes of one after those of the other. */
struct documents {
    struct input_list list;
    struct input_bytes bytes;
    struct document {
        const char *path; /* the list's */
        uint64_t begin, end;
        uint64_t mark; /* bytes of a byte order mark that were dropped before `begin` */
    } * documents;     /* [count] */
    size_t count;
    bool decoded; /* UTF-8, not bytes as they are */
};

/* Reads all there is at paths[count]; see minrnn_text_open. documents_destroy follows, whatever
 * happens. */
minrnn_status documents_read(const char *const *paths, int count, bool decoded,
                             struct documents *documents);
void documents_destroy(struct documents *documents);

/* After a failure to make tokens of them: names the first that is not UTF-8, where, and what it
 * looks like. `status` and its text stand if all are. `offers_bytes`: a model of bytes would do. */
minrnn_status documents_explain(const struct documents *documents, minrnn_status status,
                                bool offers_bytes);

#endif
