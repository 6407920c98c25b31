/* The mean loss over a split of a text. */
#ifndef CLI_EVALUATE_H
#define CLI_EVALUATE_H

#include <minrnn/evaluator.h>
#include <minrnn/text.h>
#include <minrnn/trainer.h>

struct evaluation {
    double loss; /* nats per character */
    int64_t characters;
};

/* What evaluates: one of the two. */
struct evaluates {
    minrnn_evaluator *evaluator;
    minrnn_trainer *trainer;
};

/* Room for a batch of a text, `sequences` of `time` tokens. */
struct text_room {
    int64_t sequences, time;
    int32_t *tokens, *targets;
    int32_t *reset; /* used with two documents or more */
};

/* false without memory; text_room_free frees it either way. */
bool text_room_allocate(struct text_room *room, int64_t sequences, int64_t time);
void text_room_free(struct text_room *room);

/* A batch of what is in the room, its first `sequences`. */
minrnn_batch text_room_batch(const struct text_room *room, const minrnn_text *text,
                             int64_t sequences);

/* Evaluates `split` cut into windows, `sequences` of them at once, in at most `batches` batches (0:
 * all). Ends early, with fewer characters, if `stop` (which may be NULL) says so. The loss over no
 * characters is NaN. */
minrnn_status evaluate_split(struct evaluates with, const minrnn_text *text, minrnn_split split,
                             int64_t sequences, int64_t batches, const struct text_room *room,
                             bool (*stop)(void), struct evaluation *evaluation);

#endif
