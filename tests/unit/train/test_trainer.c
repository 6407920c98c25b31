/* SPDX-License-Identifier: Apache-2.0 */
/* Training: records, determinism, accumulation, documents and lengths in the gradient, memory,
 * evaluation, the rate's schedule, dropout, and that it learns. */
#include "unit/models.h"

#include <time.h>

static minrnn_device *device;

enum { BATCH = 2, TIME = 12, ROWS = BATCH * TIME };

static minrnn_trainer_config trainer_config(int64_t batch, int64_t time) {
    minrnn_trainer_config config;
    minrnn_trainer_config_defaults(&config);
    config.batch = batch;
    config.time = time;
    config.rate = 5e-3f;
    return config;
}

static minrnn_trainer *trainer_make(minrnn_model *model, const minrnn_trainer_config *config) {
    minrnn_trainer *trainer;
    CHECK(minrnn_trainer_create(model, config, &trainer));
    return trainer;
}

static minrnn_step_record take_record(minrnn_trainer *trainer) {
    minrnn_step_record record = {0};
    bool there = false;
    CHECK(minrnn_trainer_record(trainer, true, &record, &there));
    assert_true(there);
    return record;
}

/* One step of a fresh trainer: its gradients (to be freed) and its loss. */
static float *gradients_of(minrnn_model *model, const minrnn_trainer_config *config,
                           const int32_t *tokens, const int32_t *targets, const int32_t *reset,
                           const int32_t *lengths, float *loss) {
    const int64_t total = minrnn_model_parameters(model);
    float *before = support_alloc((size_t)total, sizeof *before);
    float *gradients = support_alloc((size_t)total, sizeof *gradients);
    CHECK(minrnn_model_read(model, before));
    minrnn_trainer *trainer = trainer_make(model, config);
    CHECK(support_step(trainer, tokens, targets, reset, lengths));
    CHECK(minrnn_trainer_read_gradients(trainer, gradients));
    *loss = take_record(trainer).loss;
    minrnn_trainer_destroy(trainer);
    CHECK(minrnn_model_write(model, before));
    free(before);
    return gradients;
}

static minrnn_parameter_info parameter_named(const minrnn_model *model, const char *name) {
    minrnn_parameter_info info;
    for (int i = 0; i < minrnn_model_tensor_count(model); i++) {
        CHECK(minrnn_model_parameter(model, i, &info));
        if (strcmp(info.name, name) == 0) {
            return info;
        }
    }
    fail_msg("no parameter %s", name);
    return info;
}

/* ---- the same again ---- */

/* Ten steps, with dropout and two micro-batches a step; the parameters to be freed. */
static float *train_ten(int variant, uint64_t seed) {
    minrnn_model_config config = model_variant(variant);
    config.dropout = 0.2f;
    minrnn_model *model = model_make(device, &config);
    minrnn_trainer_config training = trainer_config(BATCH, TIME);
    training.accumulation = 2;
    training.seed = seed;
    minrnn_trainer *trainer = trainer_make(model, &training);
    struct support_random random = {11};
    for (int step = 0; step < 10; step++) {
        int32_t tokens[2 * ROWS], targets[2 * ROWS], reset[2 * ROWS] = {0};
        random_tokens(&random, tokens, 2 * ROWS);
        random_tokens(&random, targets, 2 * ROWS);
        reset[5] = 1;
        CHECK(support_step(trainer, tokens, targets, reset, NULL));
    }
    assert_int_equal(minrnn_trainer_steps(trainer), 10);
    float *parameters = support_alloc((size_t)minrnn_model_parameters(model), sizeof *parameters);
    CHECK(minrnn_model_read(model, parameters));
    minrnn_trainer_destroy(trainer);
    minrnn_model_destroy(model);
    return parameters;
}

static void test_same_bits(void **unused) {
    (void)unused;
    for (int v = 0; v < MODEL_VARIANTS; v++) {
        const minrnn_model_config config = model_variant(v);
        minrnn_model *model;
        CHECK(minrnn_model_create(device, &config, 1, &model));
        const size_t bytes = (size_t)minrnn_model_parameters(model) * sizeof(float);
        minrnn_model_destroy(model);
        float *once = train_ten(v, 1), *again = train_ten(v, 1), *other = train_ten(v, 2);
        assert_memory_equal(once, again, bytes);
        assert_memory_not_equal(once, other, bytes); /* the seed draws other dropout */
        free(once);
        free(again);
        free(other);
    }
}

/* ---- what a step takes in ---- */

/* Two micro-batches make the step that one of twice the size makes. */
static void test_accumulation(void **unused) {
    (void)unused;
    struct support_random random = {12};
    for (int v = 0; v < MODEL_VARIANTS; v++) {
        const minrnn_model_config config = model_variant(v);
        int32_t tokens[2 * ROWS], targets[2 * ROWS];
        random_tokens(&random, tokens, 2 * ROWS);
        random_tokens(&random, targets, 2 * ROWS);
        /* Ignored targets, more in one half: the mean is over those of the whole step. */
        for (int i = 3; i < 9; i++) {
            targets[i] = -1;
        }
        minrnn_model *model = model_make(device, &config);
        const int64_t total = minrnn_model_parameters(model);
        minrnn_trainer_config halves = trainer_config(BATCH, TIME);
        const minrnn_trainer_config whole = trainer_config(2 * BATCH, TIME);
        halves.accumulation = 2;
        float loss_a, loss_b;
        float *a = gradients_of(model, &halves, tokens, targets, NULL, NULL, &loss_a);
        float *b = gradients_of(model, &whole, tokens, targets, NULL, NULL, &loss_b);
        expect_close("accumulated gradient", v, a, b, total, 1e-5);
        expect_close("accumulated loss", v, &loss_a, &loss_b, 1, 1e-5);
        free(a);
        free(b);
        minrnn_model_destroy(model);
    }
}

/* The gradient of document B's loss is that of B alone, whatever stands before it. */
static void test_documents(void **unused) {
    (void)unused;
    enum { START = 5, LENGTH = TIME - START };
    struct support_random random = {13};
    for (int v = 0; v < MODEL_VARIANTS; v++) {
        const minrnn_model_config config = model_variant(v);
        minrnn_model *model = model_make(device, &config);
        const int64_t total = minrnn_model_parameters(model);
        int32_t tokens[TIME], targets[TIME], reset[TIME] = {0};
        for (int t = 0; t < TIME; t++) { /* A has tokens 0 to 4, B the others */
            tokens[t] = t < START ? support_below(&random, 5) : 5 + support_below(&random, 8);
            targets[t] = t < START ? -1 : support_below(&random, MODEL_VOCAB);
        }
        reset[START] = 1;
        const minrnn_trainer_config packed = trainer_config(1, TIME);
        const minrnn_trainer_config alone = trainer_config(1, LENGTH);
        float loss_a, loss_b, loss_c;
        float *a = gradients_of(model, &packed, tokens, targets, reset, NULL, &loss_a);
        float *b =
            gradients_of(model, &alone, tokens + START, targets + START, NULL, NULL, &loss_b);
        for (int t = 0; t < START; t++) {
            tokens[t] = (tokens[t] + 1) % 5;
        }
        float *c = gradients_of(model, &packed, tokens, targets, reset, NULL, &loss_c);
        expect_close("gradient of a packed document", v, a, b, total, 1e-5);
        expect_close("loss of a packed document", v, &loss_a, &loss_b, 1, 1e-5);
        assert_memory_equal(&loss_a, &loss_c, sizeof loss_a);
        expect_close("gradient after another document", v, a, c, total, 1e-6);
        const minrnn_parameter_info embedding = parameter_named(model, "token_emb.weight");
        for (int64_t i = 0; i < 5 * config.width; i++) {
            assert_true(a[embedding.offset + i] == 0.0f);
        }
        free(a);
        free(b);
        free(c);
        minrnn_model_destroy(model);
    }
}

/* What stands past a length, with no target there, is as good as not there. */
static void test_lengths(void **unused) {
    (void)unused;
    enum { SHORT = 7 };
    static const int32_t lengths[BATCH] = {SHORT, TIME};
    struct support_random random = {14};
    for (int v = 0; v < MODEL_VARIANTS; v++) {
        const minrnn_model_config config = model_variant(v);
        minrnn_model *model = model_make(device, &config);
        const int64_t total = minrnn_model_parameters(model);
        const minrnn_trainer_config training = trainer_config(BATCH, TIME);
        int32_t tokens[ROWS], targets[ROWS];
        random_tokens(&random, tokens, ROWS);
        random_tokens(&random, targets, ROWS);
        for (int t = SHORT; t < TIME; t++) {
            targets[t] = -1;
        }
        float loss_a, loss_b, loss_c;
        float *a = gradients_of(model, &training, tokens, targets, NULL, NULL, &loss_a);
        float *b = gradients_of(model, &training, tokens, targets, NULL, lengths, &loss_b);
        for (int t = SHORT; t < TIME; t++) {
            tokens[t] = (tokens[t] + 3) % MODEL_VOCAB;
        }
        float *c = gradients_of(model, &training, tokens, targets, NULL, lengths, &loss_c);
        expect_close("gradient with lengths", v, b, a, total, 1e-5);
        expect_close("gradient with other padding", v, c, b, total, 1e-6);
        expect_close("loss with lengths", v, &loss_b, &loss_a, 1, 1e-6);
        assert_memory_equal(&loss_b, &loss_c, sizeof loss_b);
        free(a);
        free(b);
        free(c);
        minrnn_model_destroy(model);
    }
}

/* ---- dropout ---- */

/* A step that changes nothing, so that only dropout tells one from the next. */
static minrnn_trainer_config still_config(int64_t accumulation) {
    minrnn_trainer_config config = trainer_config(BATCH, TIME);
    config.rate = 0.0f;
    config.clip = 0.0f;
    config.accumulation = accumulation;
    return config;
}

/* Every micro-batch draws its own masks: two in one step are the first two steps of one each. */
static void test_dropout_masks(void **unused) {
    (void)unused;
    enum { STEPS = 6 };
    minrnn_model_config config = model_variant(1);
    config.dropout = 0.3f;
    minrnn_model *model = model_make(device, &config);
    struct support_random random = {19};
    int32_t tokens[2 * ROWS], targets[2 * ROWS];
    random_tokens(&random, tokens, ROWS);
    random_tokens(&random, targets, ROWS);
    memcpy(tokens + ROWS, tokens, ROWS * sizeof *tokens);
    memcpy(targets + ROWS, targets, ROWS * sizeof *targets);
    float losses[STEPS];
    for (int64_t accumulation = 1; accumulation <= 2; accumulation++) {
        const minrnn_trainer_config training = still_config(accumulation);
        minrnn_trainer *trainer = trainer_make(model, &training);
        for (int step = 0; step < STEPS / accumulation; step++) {
            CHECK(support_step(trainer, tokens, targets, NULL, NULL));
            const float loss = take_record(trainer).loss;
            if (accumulation == 2) {
                const float both = 0.5f * (losses[2 * step] + losses[2 * step + 1]);
                expect_close("loss of two micro-batches", 1, &loss, &both, 1, 1e-6);
                continue;
            }
            losses[step] = loss;
            for (int earlier = 0; earlier < step; earlier++) {
                assert_true(fabsf(losses[earlier] - loss) > 1e-4f);
            }
        }
        minrnn_trainer_destroy(trainer);
    }
    minrnn_model_destroy(model);
}

static float loss_at(minrnn_model *model, const float *parameters, const int32_t *tokens,
                     const int32_t *targets) {
    const minrnn_trainer_config training = still_config(1);
    float loss;
    CHECK(minrnn_model_write(model, parameters));
    free(gradients_of(model, &training, tokens, targets, NULL, NULL, &loss));
    return loss;
}

/* The slope of the loss along its gradient is the gradient's norm, masks being the same: backward
 * drops what forward dropped. */
static void test_dropout_gradient(void **unused) {
    (void)unused;
    struct support_random random = {20};
    for (int v = 0; v < MODEL_VARIANTS; v++) {
        minrnn_model_config config = model_variant(v);
        config.dropout = 0.3f;
        minrnn_model *model = model_make(device, &config);
        const int64_t total = minrnn_model_parameters(model);
        int32_t tokens[ROWS], targets[ROWS];
        random_tokens(&random, tokens, ROWS);
        random_tokens(&random, targets, ROWS);
        float *start = support_alloc((size_t)total, sizeof *start);
        float *moved = support_alloc((size_t)total, sizeof *moved);
        CHECK(minrnn_model_read(model, start));
        const minrnn_trainer_config training = still_config(1);
        float loss, ends[2];
        float *gradient = gradients_of(model, &training, tokens, targets, NULL, NULL, &loss);
        double norm = 0.0;
        for (int64_t i = 0; i < total; i++) {
            norm += (double)gradient[i] * (double)gradient[i];
        }
        norm = sqrt(norm);
        const double step = 1e-2;
        for (int side = 0; side < 2; side++) {
            const double scale = (side ? step : -step) / norm;
            for (int64_t i = 0; i < total; i++) {
                moved[i] = start[i] + (float)(scale * (double)gradient[i]);
            }
            ends[side] = loss_at(model, moved, tokens, targets);
        }
        const double slope = ((double)ends[1] - (double)ends[0]) / (2.0 * step);
        if (!(fabs(slope - norm) <= 2e-3 * norm)) {
            fail_msg("variant %d: slope %.6f, gradient's norm %.6f", v, slope, norm);
        }
        free(start);
        free(moved);
        free(gradient);
        minrnn_model_destroy(model);
    }
}

/* ---- records ---- */

static double clock_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* A record's time is its step's end, though steps are taken together, long after. */
static void test_record_times(void **unused) {
    (void)unused;
    enum { STEPS = 4 };
    const struct timespec pause = {.tv_nsec = 30 * 1000 * 1000};
    minrnn_device_info info;
    CHECK(minrnn_device_describe(device, &info));
    const bool is_cpu = strcmp(info.name, "cpu") == 0;
    const minrnn_model_config config = model_variant(0);
    minrnn_model *model = model_make(device, &config);
    const minrnn_trainer_config training = trainer_config(BATCH, TIME);
    minrnn_trainer *trainer = trainer_make(model, &training);
    const int32_t tokens[ROWS] = {0};
    double begin[STEPS];
    for (int step = 0; step < STEPS; step++) {
        begin[step] = clock_seconds();
        CHECK(support_step(trainer, tokens, tokens, NULL, NULL));
        nanosleep(&pause, NULL);
    }
    double last = 0.0;
    for (int step = 0; step < STEPS; step++) {
        const double seconds = take_record(trainer).seconds;
        assert_true(seconds > begin[step] && seconds > last && seconds <= clock_seconds());
        /* A device beside the host is looked at in the next call. */
        assert_true(!is_cpu || step + 1 == STEPS || seconds < begin[step + 1]);
        last = seconds;
    }
    /* On the CPU a step is done when its call returns, and so is its record. */
    minrnn_step_record record;
    bool there = false;
    CHECK(support_step(trainer, tokens, tokens, NULL, NULL));
    CHECK(minrnn_trainer_record(trainer, false, &record, &there));
    assert_true(there || !is_cpu);
    minrnn_trainer_destroy(trainer);
    minrnn_model_destroy(model);
}

/* With `wait` each step's record is there; without, all of them come in order in the end. */
static void test_records(void **unused) {
    (void)unused;
    const minrnn_model_config config = model_variant(1);
    minrnn_model *model = model_make(device, &config);
    const minrnn_trainer_config training = trainer_config(BATCH, TIME);
    minrnn_trainer *trainer = trainer_make(model, &training);
    struct support_random random = {15};
    int32_t tokens[ROWS], targets[ROWS];
    random_tokens(&random, tokens, ROWS);
    random_tokens(&random, targets, ROWS);
    minrnn_step_record record = {0};
    bool there = true;
    CHECK(minrnn_trainer_record(trainer, true, &record, &there));
    assert_false(there); /* no step was made */
    int64_t taken = 0;
    float last = INFINITY;
    for (int step = 1; step <= 20; step++) {
        CHECK(support_step(trainer, tokens, targets, NULL, NULL));
        assert_int_equal(minrnn_trainer_steps(trainer), step);
        there = true;
        while (there) {
            CHECK(minrnn_trainer_record(trainer, step % 7 == 0, &record, &there));
            if (there) {
                assert_int_equal(record.step, ++taken);
                assert_true(isfinite(record.loss) && record.gradient_norm > 0.0f);
                assert_true(record.rate == training.rate);
                last = record.loss;
            }
        }
        assert_true(step % 7 != 0 || taken == step);
        assert_true(step - taken <= 4);
    }
    while (taken < 20) {
        assert_int_equal(take_record(trainer).step, ++taken);
    }
    CHECK(minrnn_trainer_record(trainer, true, &record, &there));
    assert_false(there);
    assert_true(last < 4.0f);

    /* Of steps whose records nobody took, four are kept, beside those in flight. */
    for (int step = 0; step < 9; step++) {
        CHECK(support_step(trainer, tokens, targets, NULL, NULL));
    }
    int kept = 0;
    int64_t newest = 0;
    do {
        CHECK(minrnn_trainer_record(trainer, true, &record, &there));
        if (there) {
            assert_true(kept == 0 || record.step == newest + 1);
            newest = record.step;
            kept++;
        }
    } while (there);
    assert_int_equal(newest, 29);
    assert_in_range(kept, 4, 6);
    minrnn_trainer_destroy(trainer);
    minrnn_model_destroy(model);
}

static void test_schedule(void **unused) {
    (void)unused;
    const minrnn_model_config config = model_variant(0);
    minrnn_model *model = model_make(device, &config);
    minrnn_trainer_config training = trainer_config(1, 2);
    training.schedule = MINRNN_SCHEDULE_COSINE;
    training.rate = 1e-2f;
    training.min_rate = 1e-3f;
    training.warmup = 4;
    training.steps = 20;
    minrnn_trainer *trainer = trainer_make(model, &training);
    const int32_t tokens[2] = {1, 2};
    float before = 0.0f;
    for (int step = 1; step <= 24; step++) {
        CHECK(support_step(trainer, tokens, tokens, NULL, NULL));
        const float rate = take_record(trainer).rate;
        assert_true(rate <= 1.00001e-2f && rate > 0.0f);
        if (step <= 4) {
            assert_true(rate >= before && fabsf(rate - 2.5e-3f * (float)step) <= 2.6e-3f);
        } else {
            const double progress = fmin(1.0, ((double)step - 4.0) / 16.0);
            const double expected = 1e-3 + 9e-3 * 0.5 * (1.0 + cos(3.14159265358979 * progress));
            assert_true(rate <= before);
            assert_true(fabs((double)rate - expected) <= 1e-3); /* within one step */
        }
        if (step >= 21) {
            assert_true(fabsf(rate - 1e-3f) <= 1e-6f);
        }
        before = rate;
    }
    minrnn_trainer_destroy(trainer);
    minrnn_model_destroy(model);
}

static void test_not_finite(void **unused) {
    (void)unused;
    const minrnn_model_config config = model_variant(0);
    minrnn_model *model = model_make(device, &config);
    const int64_t total = minrnn_model_parameters(model);
    float *parameters = support_alloc((size_t)total, sizeof *parameters);
    CHECK(minrnn_model_read(model, parameters));
    parameters[parameter_named(model, "to_logits.weight").offset] = NAN;
    CHECK(minrnn_model_write(model, parameters));
    const minrnn_trainer_config training = trainer_config(1, 2);
    minrnn_trainer *trainer = trainer_make(model, &training);
    const int32_t tokens[2] = {1, 2};
    minrnn_step_record record;
    bool there;
    CHECK(support_step(trainer, tokens, tokens, NULL, NULL));
    assert_int_equal(minrnn_trainer_record(trainer, true, &record, &there), MINRNN_NOT_FINITE);
    assert_non_null(strstr(minrnn_error_text(), "1")); /* names the step */
    free(parameters);
    minrnn_trainer_destroy(trainer);
    minrnn_model_destroy(model);
}

/* ---- memory ---- */

static void expect_bytes(const char *what, int variant, uint64_t bytes, uint64_t expected) {
    if (bytes != expected) {
        fail_msg("variant %d: %s: %llu bytes, foretold %llu", variant, what,
                 (unsigned long long)bytes, (unsigned long long)expected);
    }
}

static void test_memory(void **unused) {
    (void)unused;
    struct support_random random = {16};
    int32_t tokens[2 * ROWS], targets[2 * ROWS], lengths[2 * BATCH] = {TIME, 3, TIME, TIME};
    random_tokens(&random, tokens, 2 * ROWS);
    random_tokens(&random, targets, 2 * ROWS);
    for (int v = 0; v < 2 * MODEL_VARIANTS; v++) {
        minrnn_model_config config = model_variant(v % MODEL_VARIANTS);
        config.dropout = v < MODEL_VARIANTS ? 0.0f : 0.1f;
        minrnn_trainer_config training = trainer_config(BATCH, TIME);
        training.accumulation = v < MODEL_VARIANTS ? 1 : 2;
        const uint64_t base = minrnn_device_allocated(device);
        minrnn_memory memory;
        minrnn_model *model;
        CHECK(minrnn_model_memory(device, &config, BATCH, TIME, true, &memory));
        expect_bytes("planning", v, minrnn_device_allocated(device), base);
        assert_int_equal(memory.total,
                         memory.parameters + memory.gradients + memory.moments + memory.workspace);
        CHECK(minrnn_model_create(device, &config, 1, &model));
        expect_bytes("model", v, minrnn_device_allocated(device) - base, memory.parameters);
        minrnn_trainer *trainer = trainer_make(model, &training);
        expect_bytes("trainer", v, minrnn_device_allocated(device) - base, memory.total);
        for (int step = 0; step < 3; step++) {
            CHECK(support_step(trainer, tokens, targets, tokens, lengths));
            expect_bytes("step", v, minrnn_device_allocated(device) - base, memory.total);
        }
        double loss = 0.0;
        int64_t count = 0;
        CHECK(support_evaluate(trainer, tokens, targets, NULL, &loss, &count));
        expect_bytes("evaluate", v, minrnn_device_allocated(device) - base, memory.total);
        minrnn_trainer_destroy(trainer);
        minrnn_model_destroy(model);
        expect_bytes("left", v, minrnn_device_allocated(device), base);
    }
}

/* ---- evaluation and learning ---- */

/* The loss is what the session's logits give; nothing changes; dropout is off; calls add up. */
static void test_evaluate(void **unused) {
    (void)unused;
    struct support_random random = {17};
    for (int v = 0; v < MODEL_VARIANTS; v++) {
        minrnn_model_config config = model_variant(v);
        config.dropout = 0.5f;
        minrnn_model *model = model_make(device, &config);
        const minrnn_trainer_config training = trainer_config(BATCH, TIME);
        minrnn_trainer *trainer = trainer_make(model, &training);
        int32_t tokens[ROWS], targets[ROWS];
        float logits[ROWS * MODEL_VOCAB];
        random_tokens(&random, tokens, ROWS);
        random_tokens(&random, targets, ROWS);
        targets[0] = targets[ROWS - 1] = -1;
        minrnn_session *session;
        CHECK(minrnn_session_create(model, BATCH, TIME, &session));
        CHECK(minrnn_session_forward(session, TIME, tokens, NULL, logits));
        double expected = 0.0;
        for (int r = 1; r < ROWS - 1; r++) {
            const float *row = logits + r * MODEL_VOCAB;
            double sum = 0.0;
            for (int i = 0; i < MODEL_VOCAB; i++) {
                sum += exp((double)row[i]);
            }
            expected += log(sum) - (double)row[targets[r]];
        }
        const size_t bytes = (size_t)minrnn_model_parameters(model) * sizeof(float);
        float *before = support_alloc(1, bytes), *after = support_alloc(1, bytes);
        CHECK(minrnn_model_read(model, before));
        double sum = 0.0;
        int64_t count = 0;
        CHECK(support_evaluate(trainer, tokens, targets, NULL, &sum, &count));
        assert_int_equal(count, ROWS - 2);
        assert_true(fabs(sum - expected) <= 1e-5 * expected);
        CHECK(support_evaluate(trainer, tokens, targets, NULL, &sum, &count));
        assert_int_equal(count, 2 * (ROWS - 2));
        assert_true(fabs(sum - 2.0 * expected) <= 2e-5 * expected);
        CHECK(minrnn_model_read(model, after));
        assert_memory_equal(before, after, bytes);
        assert_int_equal(minrnn_trainer_steps(trainer), 0);
        free(before);
        free(after);
        minrnn_session_destroy(session);
        minrnn_trainer_destroy(trainer);
        minrnn_model_destroy(model);
    }
}

/* Each variant learns to say what came two tokens before, from nothing to almost never wrong. */
static void test_learns(void **unused) {
    (void)unused;
    enum { SEQUENCES = 8, LENGTH = 24, STEPS = 400, LAG = 2 };
    for (int v = 0; v < MODEL_VARIANTS; v++) {
        const minrnn_model_config config = model_variant(v);
        minrnn_model *model;
        CHECK(minrnn_model_create(device, &config, 3, &model));
        minrnn_trainer_config training = trainer_config(SEQUENCES, LENGTH);
        training.rate = 1e-2f;
        minrnn_trainer *trainer = trainer_make(model, &training);
        struct support_random random = {18};
        minrnn_step_record record = {0};
        float first = 0.0f;
        for (int step = 0; step < STEPS; step++) {
            int32_t tokens[SEQUENCES * LENGTH], targets[SEQUENCES * LENGTH];
            for (int i = 0; i < SEQUENCES * LENGTH; i++) {
                tokens[i] = support_below(&random, 4);
                targets[i] = i % LENGTH < LAG ? -1 : tokens[i - LAG];
            }
            CHECK(support_step(trainer, tokens, targets, NULL, NULL));
            record = take_record(trainer);
            first = step == 0 ? record.loss : first;
        }
        print_message("variant %d: loss %.3f -> %.4f\n", v, (double)first, (double)record.loss);
        assert_true(first > 1.4f && record.loss < 0.35f); /* log 4 = 1.386 is chance */
        minrnn_trainer_destroy(trainer);
        minrnn_model_destroy(model);
    }
}

/* ---- errors ---- */

static void expect_refused(minrnn_model *model, const char *what,
                           const minrnn_trainer_config *config) {
    minrnn_trainer *trainer = NULL;
    const minrnn_status status = minrnn_trainer_create(model, config, &trainer);
    if (status != MINRNN_INVALID_ARGUMENT || trainer || minrnn_error_text()[0] == '\0') {
        fail_msg("%s: %s, \"%s\"", what, minrnn_status_name(status), minrnn_error_text());
    }
}

#define REFUSED(change)                                                                            \
    do {                                                                                           \
        minrnn_trainer_config bad = trainer_config(BATCH, TIME);                                   \
        change;                                                                                    \
        expect_refused(model, #change, &bad);                                                      \
    } while (0)

static void test_refused(void **unused) {
    (void)unused;
    const minrnn_model_config config = model_variant(0);
    minrnn_model *model = model_make(device, &config);
    const uint64_t base = minrnn_device_allocated(device);
    REFUSED(bad.batch = 0);
    REFUSED(bad.time = 0);
    REFUSED(bad.batch = INT64_MAX);
    REFUSED(bad.accumulation = 0);
    REFUSED(bad.steps = -1);
    REFUSED(bad.rate = -1.0f);
    REFUSED(bad.rate = NAN);
    REFUSED(bad.warmup = -1);
    REFUSED(bad.beta1 = 1.0f);
    REFUSED(bad.beta2 = -0.1f);
    REFUSED(bad.epsilon = 0.0f);
    REFUSED(bad.weight_decay = -1.0f);
    REFUSED(bad.clip = -1.0f);
    REFUSED(bad.clip = NAN);
    REFUSED(bad.schedule = (minrnn_schedule)5);
    REFUSED(bad.size = 0);
    assert_int_equal(minrnn_device_allocated(device), base);
    const minrnn_trainer_config good = trainer_config(BATCH, TIME);
    minrnn_trainer *trainer;
    assert_int_equal(minrnn_trainer_create(NULL, &good, &trainer), MINRNN_INVALID_ARGUMENT);
    assert_int_equal(minrnn_trainer_create(model, NULL, &trainer), MINRNN_INVALID_ARGUMENT);
    assert_int_equal(minrnn_trainer_create(model, &good, NULL), MINRNN_INVALID_ARGUMENT);
    minrnn_trainer_destroy(NULL);
    trainer = trainer_make(model, &good);
    int32_t tokens[ROWS] = {0}, targets[ROWS] = {0}, lengths[BATCH] = {TIME + 1, 0};
    assert_int_equal(support_step(trainer, NULL, targets, NULL, NULL), MINRNN_INVALID_ARGUMENT);
    tokens[4] = MODEL_VOCAB;
    assert_int_equal(support_step(trainer, tokens, targets, NULL, NULL), MINRNN_INVALID_ARGUMENT);
    tokens[4] = 0;
    targets[4] = MODEL_VOCAB;
    assert_int_equal(support_step(trainer, tokens, targets, NULL, NULL), MINRNN_INVALID_ARGUMENT);
    targets[4] = 0;
    assert_int_equal(support_step(trainer, tokens, targets, NULL, lengths),
                     MINRNN_INVALID_ARGUMENT);
    assert_int_equal(minrnn_trainer_steps(trainer), 0);
    CHECK(support_step(trainer, tokens, targets, NULL, NULL)); /* still usable */
    take_record(trainer);
    minrnn_trainer_destroy(trainer);
    minrnn_model_destroy(model);
}

int main(void) {
    device = support_open_device();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bits),     cmocka_unit_test(test_accumulation),
        cmocka_unit_test(test_documents),     cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_dropout_masks), cmocka_unit_test(test_dropout_gradient),
        cmocka_unit_test(test_records),       cmocka_unit_test(test_record_times),
        cmocka_unit_test(test_schedule),      cmocka_unit_test(test_not_finite),
        cmocka_unit_test(test_memory),        cmocka_unit_test(test_evaluate),
        cmocka_unit_test(test_learns),        cmocka_unit_test(test_refused),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    minrnn_device_destroy(device);
    return failed ? 1 : 0;
}
