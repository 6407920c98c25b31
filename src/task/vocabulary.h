/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder know of a vocabulary. */
#ifndef TASK_VOCABULARY_H
#define TASK_VOCABULARY_H

#include <minrnn/text.h>

enum { BYTE_TOKENS = 256 };

minrnn_status vocabulary_copy(const minrnn_vocabulary *vocabulary, minrnn_vocabulary **copy);

/* The token of a character (below 128, of a byte); -1 if there is none. */
int32_t vocabulary_find(const minrnn_vocabulary *vocabulary, uint32_t code);

#endif
