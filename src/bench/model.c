/* SPDX-License-Identifier: Apache-2.0 */
/* Benches of whole models: a trainer's step, and a token that is generated. */
#include <minrnn/session.h>

#include "base/alloc.h"
#include "base/status.h"
#include "bench/bench.h"

/* ---- a trainer's step ---- */

struct step {
    minrnn_bench bench; /* first */
    minrnn_model *model;
    minrnn_trainer *trainer;
    minrnn_batch batch;
    int32_t *tokens, *targets; /* targets NULL: the tokens */
};

static minrnn_status run_step(minrnn_bench *bench) {
    struct step *step = (struct step *)bench;
    return minrnn_trainer_step(step->trainer, &step->batch);
}

static void destroy_step(minrnn_bench *bench) {
    struct step *step = (struct step *)bench;
    minrnn_trainer_destroy(step->trainer);
    minrnn_model_destroy(step->model);
    mem_free(step->tokens);
    mem_free(step->targets);
}

static const struct bench_kind kind_step = {
    .bytes = sizeof(struct step), .run = run_step, .destroy = destroy_step};

/* Each token is its own target; if only some may have one, the last ones. */
static minrnn_status make_targets(struct step *step, int64_t most) {
    if (most == 0) {
        step->batch.targets = step->tokens;
        return MINRNN_OK;
    }
    const int64_t rows = step->bench.info.tokens, time = step->batch.time;
    step->targets = mem_alloc((uint64_t)rows, sizeof *step->targets);
    if (!step->targets) {
        return MINRNN_OUT_OF_MEMORY;
    }
    for (int64_t i = 0; i < rows; i++) {
        step->targets[i] = i % time < time - most ? -1 : step->tokens[i];
    }
    step->batch.targets = step->targets;
    return MINRNN_OK;
}

static minrnn_status make_batch(struct step *step, const minrnn_trainer_config *trainer,
                                int64_t vocab) {
    minrnn_batch_defaults(&step->batch);
    step->batch.batch = trainer->batch * trainer->accumulation;
    step->batch.time = trainer->time;
    step->bench.info.tokens = step->batch.batch * step->batch.time;
    step->tokens = bench_tokens(step->bench.info.tokens, vocab);
    step->batch.tokens = step->tokens;
    return step->tokens ? make_targets(step, trainer->targets) : MINRNN_OUT_OF_MEMORY;
}

static minrnn_status make_step(struct step *step, const minrnn_model_config *model,
                               const minrnn_trainer_config *trainer) {
    minrnn_trainer_config own;
    minrnn_status status = minrnn_model_create(step->bench.device, model, 1, &step->model);
    status = status ? status : minrnn_trainer_create(step->model, trainer, &step->trainer);
    status = status ? status : minrnn_trainer_get_config(step->trainer, &own);
    if (status) {
        return status;
    }
    step->bench.info.parameters = minrnn_model_parameters(step->model);
    return make_batch(step, &own, model->vocab);
}

minrnn_status minrnn_bench_step(minrnn_device *device, const minrnn_model_config *model,
                                const minrnn_trainer_config *trainer, minrnn_bench **bench) {
    if (!device || !model || !trainer || !bench) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_bench_step: an argument is NULL");
    }
    *bench = NULL;
    struct step *step = (struct step *)bench_begin(device, &kind_step);
    return step ? bench_end(&step->bench, make_step(step, model, trainer), bench)
                : MINRNN_OUT_OF_MEMORY;
}

/* ---- a token ---- */

struct generation {
    minrnn_bench bench; /* first */
    minrnn_model *model;
    minrnn_session *session;
    minrnn_sampling sampling;
    int64_t batch, vocab;
    uint64_t drawn;
    int32_t *tokens; /* [batch], the last ones */
    float *logits;   /* [batch, vocab] */
};

static minrnn_status run_generation(minrnn_bench *bench) {
    struct generation *g = (struct generation *)bench;
    minrnn_status status = minrnn_session_forward(g->session, 1, g->tokens, NULL, g->logits);
    for (int64_t i = 0; i < g->batch && !status; i++) {
        status = minrnn_sample(&g->sampling, g->logits + i * g->vocab, g->vocab, g->drawn++,
                               &g->tokens[i]);
    }
    return status;
}

static void destroy_generation(minrnn_bench *bench) {
    struct generation *g = (struct generation *)bench;
    minrnn_session_destroy(g->session);
    minrnn_model_destroy(g->model);
    mem_free(g->tokens);
    mem_free(g->logits);
}

static const struct bench_kind kind_generation = {.bytes = sizeof(struct generation),
                                                  .run = run_generation,
                                                  .destroy = destroy_generation,
                                                  .waits = true};

static minrnn_status make_generation(struct generation *g, const minrnn_model_config *model) {
    minrnn_sampling_defaults(&g->sampling);
    minrnn_status status = minrnn_model_create(g->bench.device, model, 1, &g->model);
    status = status ? status : minrnn_session_create(g->model, g->batch, 1, &g->session);
    if (status) {
        return status;
    }
    g->vocab = model->vocab;
    g->bench.info.tokens = g->batch;
    g->bench.info.parameters = minrnn_model_parameters(g->model);
    g->tokens = bench_tokens(g->batch, g->vocab);
    g->logits = mem_alloc((uint64_t)g->batch * (uint64_t)g->vocab, sizeof *g->logits);
    return g->tokens && g->logits ? MINRNN_OK : MINRNN_OUT_OF_MEMORY;
}

minrnn_status minrnn_bench_generate(minrnn_device *device, const minrnn_model_config *model,
                                    int64_t batch, minrnn_bench **bench) {
    if (!device || !model || !bench) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_bench_generate: an argument is NULL");
    }
    *bench = NULL;
    struct generation *g = (struct generation *)bench_begin(device, &kind_generation);
    if (!g) {
        return MINRNN_OUT_OF_MEMORY;
    }
    g->batch = batch;
    return bench_end(&g->bench, make_generation(g, model), bench);
}
