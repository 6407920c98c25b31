/* SPDX-License-Identifier: Apache-2.0 */
/* Uses every struct of the public headers and prints what comes of it. other_versions.py compiles
 * it against headers of other versions of the library: it must not name members that were appended.
 * Every struct that a call fills is full of rubbish before, and has bytes after it that must stay.
 *
 *     program          results
 *     program sizes    the name and the size of each struct */
#include <minrnn/minrnn.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if ((call) != MINRNN_OK) {                                                                 \
            fprintf(stderr, "%s: %s\n", #call, minrnn_error_text());                               \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* ---- structs with bytes after them ---- */

enum { RUBBISH = 0x5a, GUARD_BYTES = 64 };

#define GUARDED(type, count)                                                                       \
    struct {                                                                                       \
        type value[count];                                                                         \
        unsigned char guard[GUARD_BYTES];                                                          \
    }

#define SPOIL(guarded) memset(&(guarded), RUBBISH, sizeof(guarded))

#define EXPECT_WHOLE(guarded)                                                                      \
    do {                                                                                           \
        expect_guard(#guarded, (guarded).guard);                                                   \
        expect_size(#guarded, (guarded).value[0].size, sizeof(guarded).value[0]);                  \
    } while (0)

static void expect_guard(const char *name, const unsigned char guard[GUARD_BYTES]) {
    for (int i = 0; i < GUARD_BYTES; i++) {
        if (guard[i] != RUBBISH) {
            fprintf(stderr, "byte %d after %s was written\n", i, name);
            exit(1);
        }
    }
}

static void expect_size(const char *name, size_t size, size_t expected) {
    if (size != expected) {
        fprintf(stderr, "the size of %s is %zu, not %zu\n", name, size, expected);
        exit(1);
    }
}

/* Bits, not decimals. */
static void print_float(const char *name, float value) {
    printf("%s %a\n", name, (double)value);
}

static void print_floats(const char *name, const float *values, int count) {
    for (int i = 0; i < count; i++) {
        print_float(name, values[i]);
    }
}

/* ---- devices ---- */

static void use_devices(minrnn_device *device) {
    enum { CAPACITY = 3 };
    GUARDED(minrnn_device_info, CAPACITY) infos;
    int count;
    SPOIL(infos);
    MUST(minrnn_device_list(infos.value, CAPACITY, &count));
    EXPECT_WHOLE(infos);
    for (int i = 0; i < count && i < CAPACITY; i++) {
        expect_size("an entry", infos.value[i].size, sizeof infos.value[i]);
        printf("device %d %s %s\n", i, infos.value[i].name, infos.value[i].platform);
    }
    SPOIL(infos);
    MUST(minrnn_device_describe(device, infos.value));
    expect_size("the description", infos.value[0].size, sizeof infos.value[0]);
    printf("described %s, %d units\n", infos.value[0].name, infos.value[0].compute_units);
}

/* ---- buffers and the scan ---- */

static minrnn_tensor make_tensor(minrnn_device *device, int count) {
    minrnn_tensor tensor = {NULL, 0, MINRNN_F32};
    float *values = malloc((size_t)count * sizeof *values);
    for (int i = 0; values && i < count; i++) {
        values[i] = (float)(i % 7) * 0.25f - 0.5f;
    }
    MUST(minrnn_buffer_create(device, (uint64_t)count * sizeof(float), &tensor.buffer));
    MUST(minrnn_buffer_write(tensor.buffer, 0, values, (uint64_t)count * sizeof(float)));
    free(values);
    return tensor;
}

static void print_tensor(const char *name, minrnn_tensor tensor, int count) {
    float values[64];
    MUST(minrnn_buffer_read(tensor.buffer, 0, values, (uint64_t)count * sizeof(float)));
    print_floats(name, values, count);
}

static void use_scan(minrnn_device *device) {
    enum { BATCH = 2, TIME = 5, WIDTH = 3, STATES = BATCH * TIME * WIDTH };
    GUARDED(minrnn_scan_config, 1) config;
    GUARDED(minrnn_scan_tensors, 1) tensors;
    uint64_t scratch;
    SPOIL(config);
    SPOIL(tensors);
    minrnn_scan_config_defaults(config.value);
    minrnn_scan_tensors_defaults(tensors.value);
    EXPECT_WHOLE(config);
    EXPECT_WHOLE(tensors);
    config.value[0].batch = BATCH;
    config.value[0].time = TIME;
    config.value[0].width = WIDTH;
    config.value[0].cell = MINRNN_CELL_MINGRU;
    config.value[0].run = MINRNN_RUN_SERIAL;
    MUST(minrnn_scan_scratch(device, config.value, &scratch));
    printf("scratch %" PRIu64 "\n", scratch);
    tensors.value[0].x = make_tensor(device, 2 * STATES);
    tensors.value[0].h = make_tensor(device, STATES);
    tensors.value[0].dh = make_tensor(device, STATES);
    tensors.value[0].dx = make_tensor(device, 2 * STATES);
    MUST(minrnn_scan_forward(device, config.value, tensors.value));
    MUST(minrnn_scan_backward(device, config.value, tensors.value));
    print_tensor("h", tensors.value[0].h, STATES);
    print_tensor("dx", tensors.value[0].dx, 2 * STATES);
    minrnn_buffer_destroy(tensors.value[0].x.buffer);
    minrnn_buffer_destroy(tensors.value[0].h.buffer);
    minrnn_buffer_destroy(tensors.value[0].dh.buffer);
    minrnn_buffer_destroy(tensors.value[0].dx.buffer);
}

/* ---- a mixer ---- */

static void print_parameter(const minrnn_parameter_info *info) {
    printf("parameter %s %d %" PRId64 " %" PRId64 "\n", info->name, info->dimensions,
           info->shape[0], info->offset);
}

static void use_mixer(minrnn_device *device) {
    enum { BATCH = 2, TIME = 3, WIDTH = 4, VALUES = BATCH * TIME * WIDTH };
    minrnn_mixer_config config;
    minrnn_mixer *mixer;
    GUARDED(minrnn_parameter_info, 1) info;
    GUARDED(minrnn_mixer_tensors, 1) t;
    int64_t saved, temporary;
    MUST(minrnn_mixer_config_defaults("minlstm", &config));
    config.width = WIDTH;
    MUST(minrnn_mixer_create(device, &config, &mixer));
    for (int i = 0; i < minrnn_mixer_tensor_count(mixer); i++) {
        SPOIL(info);
        MUST(minrnn_mixer_parameter(mixer, i, info.value));
        EXPECT_WHOLE(info);
        print_parameter(info.value);
    }
    MUST(minrnn_mixer_workspace(mixer, BATCH, TIME, &saved, &temporary));
    SPOIL(t);
    minrnn_mixer_tensors_defaults(t.value);
    EXPECT_WHOLE(t);
    minrnn_tensor *const tensors[] = {&t.value[0].parameters, &t.value[0].gradients, &t.value[0].x,
                                      &t.value[0].y,          &t.value[0].dy,        &t.value[0].dx,
                                      &t.value[0].saved,      &t.value[0].temporary};
    const int parameters = (int)minrnn_mixer_parameters(mixer);
    const int counts[] = {parameters, parameters, VALUES,         VALUES,
                          VALUES,     VALUES,     (int)saved + 1, (int)temporary + 1};
    for (int i = 0; i < 8; i++) {
        *tensors[i] = make_tensor(device, counts[i]);
    }
    MUST(minrnn_mixer_initialise(mixer, 3, t.value[0].parameters));
    MUST(minrnn_mixer_forward(mixer, BATCH, TIME, t.value));
    MUST(minrnn_mixer_backward(mixer, BATCH, TIME, t.value));
    print_tensor("y", t.value[0].y, VALUES);
    print_tensor("dx", t.value[0].dx, VALUES);
    for (int i = 0; i < 8; i++) {
        minrnn_buffer_destroy(tensors[i]->buffer);
    }
    minrnn_mixer_destroy(mixer);
}

/* ---- a model, its trainer, an evaluator, a session ---- */

enum { BATCH = 2, TIME = 8, VOCAB = 5, TOKENS = BATCH * TIME };

typedef GUARDED(minrnn_batch, 1) guarded_batch;
typedef GUARDED(minrnn_model_config, 1) guarded_model_config;
typedef GUARDED(minrnn_trainer_config, 1) guarded_trainer_config;
typedef GUARDED(minrnn_memory, 1) guarded_memory;

static void make_configs(guarded_model_config *model, guarded_trainer_config *trainer) {
    int64_t eval_every, save_every;
    char text[MINRNN_SETTING_TEXT];
    SPOIL(*model);
    SPOIL(*trainer);
    minrnn_model_config_defaults(model->value);
    minrnn_trainer_config_defaults(trainer->value);
    EXPECT_WHOLE(*model);
    EXPECT_WHOLE(*trainer);
    MUST(minrnn_preset(minrnn_preset_name(0), model->value, trainer->value, &eval_every,
                       &save_every));
    EXPECT_WHOLE(*model);
    EXPECT_WHOLE(*trainer);
    MUST(minrnn_model_set(model->value, "layers", "1"));
    MUST(minrnn_model_set(model->value, "mixer", "minlstm"));
    MUST(minrnn_trainer_set(trainer->value, "warmup", "2"));
    MUST(minrnn_trainer_get(trainer->value, "rate", text, sizeof text));
    printf("preset %s rate %s %" PRId64 "\n", minrnn_preset_name(0), text, eval_every);
    model->value[0].vocab = VOCAB;
    model->value[0].width = 8;
    trainer->value[0].batch = BATCH;
    trainer->value[0].time = TIME;
}

static void print_memory(const char *name, guarded_memory *memory) {
    EXPECT_WHOLE(*memory);
    printf("%s memory %" PRIu64 " %" PRIu64 "\n", name, memory->value[0].parameters,
           memory->value[0].total);
    SPOIL(*memory);
}

static void use_memory(minrnn_device *device, const minrnn_model_config *model,
                       const minrnn_trainer_config *trainer) {
    guarded_memory memory;
    SPOIL(memory);
    MUST(minrnn_model_memory(device, model, BATCH, TIME, false, memory.value));
    MUST(minrnn_memory_check(device, memory.value));
    print_memory("session", &memory);
    MUST(minrnn_model_memory(device, model, BATCH, TIME, true, memory.value));
    print_memory("model", &memory);
    MUST(minrnn_trainer_memory(device, model, trainer, memory.value));
    print_memory("trainer", &memory);
    MUST(minrnn_evaluator_memory(device, model, BATCH, TIME, memory.value));
    print_memory("evaluator", &memory);
}

static void use_model(const minrnn_model *model) {
    guarded_model_config config;
    GUARDED(minrnn_parameter_info, 1) info;
    SPOIL(config);
    MUST(minrnn_model_get_config(model, config.value));
    EXPECT_WHOLE(config);
    printf("width %" PRId64 ", mixer %s\n", config.value[0].width, config.value[0].mixer.name);
    for (int i = 0; i < minrnn_model_tensor_count(model); i++) {
        SPOIL(info);
        MUST(minrnn_model_parameter(model, i, info.value));
        EXPECT_WHOLE(info);
        print_parameter(info.value);
    }
}

static void use_trainer(minrnn_trainer *trainer, const minrnn_batch *batch) {
    guarded_trainer_config config;
    GUARDED(minrnn_step_record, 1) record;
    double loss = 0.0;
    int64_t count = 0;
    SPOIL(config);
    MUST(minrnn_trainer_get_config(trainer, config.value));
    EXPECT_WHOLE(config);
    printf("warmup %" PRId64 "\n", config.value[0].warmup);
    for (int step = 0; step < 3; step++) {
        bool there;
        SPOIL(record);
        MUST(minrnn_trainer_step(trainer, batch));
        MUST(minrnn_trainer_record(trainer, true, record.value, &there));
        EXPECT_WHOLE(record);
        print_float("loss", record.value[0].loss);
        print_float("norm", record.value[0].gradient_norm);
        print_float("rate", record.value[0].rate);
    }
    MUST(minrnn_trainer_evaluate(trainer, batch, &loss, &count));
    printf("evaluated %a %" PRId64 "\n", loss, count);
}

static void use_evaluator(const minrnn_model *model, const minrnn_batch *batch) {
    minrnn_evaluator *evaluator;
    GUARDED(minrnn_score, 1) score;
    double loss = 0.0;
    int64_t count = 0;
    SPOIL(score);
    minrnn_score_defaults(score.value);
    EXPECT_WHOLE(score);
    MUST(minrnn_evaluator_create(model, BATCH, TIME, &evaluator));
    MUST(minrnn_evaluate(evaluator, batch, &loss, &count));
    printf("evaluated %a %" PRId64 "\n", loss, count);
    MUST(minrnn_evaluator_score(evaluator, batch, score.value));
    EXPECT_WHOLE(score);
    printf("scored %a %" PRId64 "\n", score.value[0].loss_sum, score.value[0].targets);
    minrnn_evaluator_destroy(evaluator);
}

static void use_session(const minrnn_model *model, const int32_t *tokens) {
    minrnn_session *session;
    GUARDED(minrnn_sampling, 1) sampling;
    float logits[TIME * VOCAB];
    SPOIL(sampling);
    minrnn_sampling_defaults(sampling.value);
    EXPECT_WHOLE(sampling);
    MUST(minrnn_session_create(model, 1, TIME, &session));
    MUST(minrnn_session_forward(session, TIME, tokens, NULL, logits));
    print_floats("logit", logits, VOCAB);
    for (int i = 0; i < 20; i++) {
        int32_t token;
        sampling.value[0].top_k = i % 4;
        MUST(minrnn_sample(sampling.value, logits, VOCAB, (uint64_t)i, &token));
        printf("token %d\n", (int)token);
    }
    minrnn_session_destroy(session);
}

static void use_network(minrnn_device *device) {
    int32_t tokens[TOKENS], targets[TOKENS];
    guarded_batch batch;
    guarded_model_config model_config;
    guarded_trainer_config trainer_config;
    minrnn_model *model;
    minrnn_trainer *trainer;
    for (int i = 0; i < TOKENS; i++) {
        tokens[i] = i * i % VOCAB;
        targets[i] = (i + 1) * (i + 1) % VOCAB;
    }
    SPOIL(batch);
    minrnn_batch_defaults(batch.value);
    EXPECT_WHOLE(batch);
    batch.value[0].batch = BATCH;
    batch.value[0].time = TIME;
    batch.value[0].tokens = tokens;
    batch.value[0].targets = targets;
    make_configs(&model_config, &trainer_config);
    use_memory(device, model_config.value, trainer_config.value);
    MUST(minrnn_model_create(device, model_config.value, 1, &model));
    use_model(model);
    MUST(minrnn_trainer_create(model, trainer_config.value, &trainer));
    use_trainer(trainer, batch.value);
    use_evaluator(model, batch.value);
    use_session(model, tokens);
    minrnn_trainer_destroy(trainer);
    minrnn_model_destroy(model);
}

/* ---- validation ---- */

static void on_check(void *user, const minrnn_check_result *result) {
    minrnn_verdict *verdict = user;
    printf("%s: %d cases, worst %a\n", result->op, result->cases, result->worst);
    verdict->ops++;
    verdict->cases += result->cases;
}

static void use_validation(minrnn_device *device) {
    GUARDED(minrnn_check_config, 1) config;
    GUARDED(minrnn_verdict, 1) verdict;
    GUARDED(minrnn_device_info, 1) info;
    int failures;
    SPOIL(config);
    SPOIL(verdict);
    SPOIL(info);
    minrnn_check_config_defaults(config.value);
    minrnn_verdict_defaults(verdict.value);
    EXPECT_WHOLE(config);
    EXPECT_WHOLE(verdict);
    config.value[0].op = "rmsnorm_forward";
    config.value[0].only_case = 2;
    MUST(minrnn_validate(device, config.value, on_check, verdict.value, &failures));
    MUST(minrnn_device_describe(device, info.value));
    EXPECT_WHOLE(info);
    MUST(minrnn_verdict_keep(info.value, verdict.value));
    SPOIL(verdict);
    minrnn_verdict_find(info.value, verdict.value);
    EXPECT_WHOLE(verdict);
    printf("verdict %d %d, %d failed\n", verdict.value[0].ops, verdict.value[0].cases, failures);
}

/* ---- benches, of whose results only what no clock tells is printed ---- */

static void on_profile(void *user, const minrnn_profile_row *row) {
    (void)user;
    printf("%s %s: %d calls\n", row->op, row->sizes, row->calls);
}

static void use_bench(minrnn_device *device) {
    GUARDED(minrnn_bench_config, 1) config;
    GUARDED(minrnn_bench_info, 1) info;
    GUARDED(minrnn_timing, 1) timing;
    minrnn_bench *bench;
    SPOIL(config);
    SPOIL(info);
    SPOIL(timing);
    minrnn_bench_config_defaults(config.value);
    EXPECT_WHOLE(config);
    config.value[0].repetitions = 2;
    MUST(minrnn_bench_product(device, 4, 3, 2, false, true, &bench));
    MUST(minrnn_bench_describe(bench, info.value));
    EXPECT_WHOLE(info);
    printf("%g bytes, %g operations\n", info.value[0].bytes, info.value[0].operations);
    MUST(minrnn_bench_run(bench, config.value, timing.value));
    EXPECT_WHOLE(timing);
    MUST(minrnn_bench_profile(bench, config.value, on_profile, NULL));
    printf("%s\n", minrnn_bench_op(bench, 0));
    minrnn_bench_destroy(bench);
}

/* ---- tuning, which the native CPU has none of ---- */

static void use_tuning(minrnn_device *device) {
    GUARDED(minrnn_tune_config, 1) config;
    SPOIL(config);
    minrnn_tune_config_defaults(config.value);
    EXPECT_WHOLE(config);
    const minrnn_status status = minrnn_tune(device, config.value, NULL, NULL);
    printf("%g seconds, %s\n", config.value[0].seconds, minrnn_status_name(status));
}

/* ---- all ---- */

#define PRINT_SIZE(type) printf("%s %zu\n", #type, sizeof(type))

static void print_sizes(void) {
    PRINT_SIZE(minrnn_batch);
    PRINT_SIZE(minrnn_bench_config);
    PRINT_SIZE(minrnn_bench_info);
    PRINT_SIZE(minrnn_check_config);
    PRINT_SIZE(minrnn_device_info);
    PRINT_SIZE(minrnn_memory);
    PRINT_SIZE(minrnn_mixer_tensors);
    PRINT_SIZE(minrnn_model_config);
    PRINT_SIZE(minrnn_parameter_info);
    PRINT_SIZE(minrnn_sampling);
    PRINT_SIZE(minrnn_score);
    PRINT_SIZE(minrnn_scan_config);
    PRINT_SIZE(minrnn_scan_tensors);
    PRINT_SIZE(minrnn_step_record);
    PRINT_SIZE(minrnn_timing);
    PRINT_SIZE(minrnn_trainer_config);
    PRINT_SIZE(minrnn_tune_config);
    PRINT_SIZE(minrnn_verdict);
}

int main(int argc, char **argv) {
    minrnn_device *device;
    if (argc > 1 && strcmp(argv[1], "sizes") == 0) {
        print_sizes();
        return 0;
    }
    MUST(minrnn_device_open("cpu", &device));
    use_devices(device);
    use_scan(device);
    use_mixer(device);
    use_network(device);
    use_validation(device);
    use_bench(device);
    use_tuning(device);
    minrnn_device_destroy(device);
    return 0;
}
