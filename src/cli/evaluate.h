/* The mean loss over a split of a text. */
#ifndef CLI_EVALUATE_H
#define CLI_EVALUATE_H

#include <minrnn/trainer.h>

struct evaluation {
    double loss; /* nats per character */
    int64_t characters;
};

/* Evaluates `split` cut into windows of the trainer's size, at most `batches` batches of them (0:
 * all). `tokens`, `targets` and `reset` hold a batch; resets are used if the text has two documents
 * or more, else NULL will do. Ends early, with fewer characters, if `stop` (which may be NULL) says
 * so. The loss over no characters is NaN. */
minrnn_status evaluate_split(minrnn_trainer *trainer, const minrnn_text *text, minrnn_split split,
                             int64_t batches, int32_t *tokens, int32_t *targets, int32_t *reset,
                             bool (*stop)(void), struct evaluation *evaluation);

#endif
