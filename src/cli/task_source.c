/* SPDX-License-Identifier: Apache-2.0 */
/* Opens what a model learns from. */
#include "cli/task_source.h"

#include "cli/describe.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool task_source_is_text(const minrnn_task_config *config) {
    return strcmp(config->name, "text") == 0;
}

minrnn_status task_source_read(struct task_source *source, const char *const *texts, int count,
                               const char *const *validation, int validation_count,
                               const minrnn_vocabulary *vocabulary) {
    minrnn_status status = minrnn_text_open_files(texts, count, vocabulary, &source->text);
    if (!status && validation_count > 0) {
        status = minrnn_text_open_files(validation, validation_count,
                                        minrnn_text_vocabulary(source->text), &source->validation);
    }
    return status ? status : minrnn_text_task(source->text, source->validation, &source->task);
}

void task_source_destroy(struct task_source *source) {
    minrnn_task_destroy(source->task);
    minrnn_text_destroy(source->validation);
    minrnn_text_destroy(source->text);
}

void task_source_print(const minrnn_task *task, const minrnn_task_config *config) {
    char held_out[MINRNN_SETTING_TEXT] = "0", count[DESCRIBE_CAPACITY];
    (void)minrnn_task_get(config, "held_out", held_out, sizeof held_out);
    printf("task     %s: sequences of %" PRId64 " positions, %" PRId64 " of them with a target; %s "
           "to validate\n",
           config->name, minrnn_task_time(task), minrnn_task_targets(task),
           describe_count(strtoll(held_out, NULL, 10), count));
}
