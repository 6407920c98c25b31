/* SPDX-License-Identifier: Apache-2.0 */
/* What is learnt or measured: texts, or a task that draws its sequences. */
#ifndef CLI_TASK_SOURCE_H
#define CLI_TASK_SOURCE_H

#include <minrnn/text.h>

struct task_source {
    minrnn_task *task;
    minrnn_text *text, *validation; /* of texts; validation NULL: the end of `text` */
};

/* Whether a task reads text; every other one draws its sequences. */
bool task_source_is_text(const minrnn_task_config *config);

/* task_source_destroy frees what was made, also after an error; the source begins as zeros. With
 * `vocabulary` NULL it is that of the first text. */
minrnn_status task_source_read(struct task_source *source, const char *const *texts, int count,
                               const char *const *validation, int validation_count,
                               const minrnn_vocabulary *vocabulary);
void task_source_destroy(struct task_source *source);

/* A line on a task that draws. */
void task_source_print(const minrnn_task *task, const minrnn_task_config *config);

#endif
