#include "cli/evaluate.h"

#include <math.h>
#include <stdlib.h>

bool text_room_allocate(struct text_room *room, int64_t sequences, int64_t time) {
    const size_t tokens = (size_t)(sequences * time);
    *room = (struct text_room){.sequences = sequences,
                               .time = time,
                               .tokens = calloc(tokens, sizeof *room->tokens),
                               .targets = calloc(tokens, sizeof *room->targets),
                               .reset = calloc(tokens, sizeof *room->reset)};
    return room->tokens && room->targets && room->reset;
}

void text_room_free(struct text_room *room) {
    free(room->tokens);
    free(room->targets);
    free(room->reset);
}

minrnn_batch text_room_batch(const struct text_room *room, const minrnn_text *text,
                             int64_t sequences) {
    minrnn_batch batch;
    minrnn_batch_defaults(&batch);
    batch.batch = sequences;
    batch.time = room->time;
    batch.tokens = room->tokens;
    batch.targets = room->targets;
    batch.reset = minrnn_text_documents(text) > 1 ? room->reset : NULL;
    return batch;
}

static minrnn_status evaluate(struct evaluates with, const minrnn_batch *batch, double *loss_sum,
                              int64_t *count) {
    return with.evaluator ? minrnn_evaluate(with.evaluator, batch, loss_sum, count)
                          : minrnn_trainer_evaluate(with.trainer, batch, loss_sum, count);
}

minrnn_status evaluate_split(struct evaluates with, const minrnn_text *text, minrnn_split split,
                             int64_t sequences, int64_t batches, const struct text_room *room,
                             bool (*stop)(void), struct evaluation *evaluation) {
    const minrnn_batch batch = text_room_batch(room, text, sequences);
    minrnn_status status = MINRNN_OK;
    double loss_sum = 0;
    *evaluation = (struct evaluation){.loss = NAN};
    for (int64_t index = 0; !status && (batches == 0 || index < batches); index++) {
        int64_t used = 0;
        status = minrnn_text_window(text, split, (uint64_t)index, sequences, room->time,
                                    room->tokens, room->targets, room->reset, &used);
        if (status || used == 0 || (stop && stop())) {
            break;
        }
        status = evaluate(with, &batch, &loss_sum, &evaluation->characters);
    }
    if (evaluation->characters > 0) {
        evaluation->loss = loss_sum / (double)evaluation->characters;
    }
    return status;
}
