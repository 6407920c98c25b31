/* SPDX-License-Identifier: Apache-2.0 */
/* The model against PyTorch in float64: logits, loss, every gradient, then ten steps of AdamW.
 * make_golden.py made the data and documents their format. Usage: test_golden DIRECTORY */
#include "unit/mixer/layer.h"

#include <dirent.h>

#define TOLERANCE 1e-4

enum { MAX_RECORDS = 256 };

enum record_type { RECORD_F32 = 0, RECORD_I32 = 1, RECORD_F64 = 2, RECORD_TEXT = 3 };
static const size_t element_bytes[] = {4, 4, 8, 1};

struct record {
    char name[96];
    uint32_t type;
    uint32_t dimensions;
    int64_t shape[3];
    int64_t count; /* elements */
    union {
        float *f32;
        int32_t *i32;
        double *f64;
        char *text; /* with a zero byte at its end */
        void *any;
    } data;
};

struct golden {
    struct record records[MAX_RECORDS];
    int count;
};

static minrnn_device *device;
static const char *directory;

/* ---- reading a case ---- */

static void read_exactly(FILE *file, void *into, size_t bytes) {
    assert_int_equal(fread(into, 1, bytes, file), bytes);
}

/* False at the end of the file. */
static bool read_record(FILE *file, struct record *record) {
    uint32_t length;
    if (fread(&length, sizeof length, 1, file) != 1) {
        assert_true(feof(file));
        return false;
    }
    assert_true(length < sizeof record->name);
    read_exactly(file, record->name, length);
    record->name[length] = '\0';
    read_exactly(file, &record->type, sizeof record->type);
    read_exactly(file, &record->dimensions, sizeof record->dimensions);
    assert_true(record->type <= RECORD_TEXT && record->dimensions <= 3);
    record->count = 1;
    for (uint32_t i = 0; i < record->dimensions; i++) {
        read_exactly(file, &record->shape[i], sizeof record->shape[i]);
        record->count *= record->shape[i];
    }
    const size_t size = element_bytes[record->type];
    record->data.any = support_alloc((size_t)record->count + 1, size);
    read_exactly(file, record->data.any, (size_t)record->count * size);
    return true;
}

static struct golden *golden_read(const char *name) {
    struct golden *golden = support_alloc(1, sizeof *golden);
    char path[4096], magic[8];
    snprintf(path, sizeof path, "%s/%s.bin", directory, name);
    FILE *file = fopen(path, "rb");
    if (!file) {
        print_error("cannot open %s\n", path);
    }
    assert_non_null(file);
    read_exactly(file, magic, sizeof magic);
    assert_memory_equal(magic, "MINGOLD2", sizeof magic);
    while (true) {
        struct record record = {0};
        if (!read_record(file, &record)) {
            break;
        }
        assert_true(golden->count < MAX_RECORDS);
        golden->records[golden->count++] = record;
    }
    fclose(file);
    return golden;
}

static void golden_free(struct golden *golden) {
    for (int i = 0; i < golden->count; i++) {
        free(golden->records[i].data.any);
    }
    free(golden);
}

/* NULL if the case has no record of that name. */
static const struct record *find_optional(const struct golden *golden, const char *prefix,
                                          const char *name) {
    char full[96];
    snprintf(full, sizeof full, "%s%s", prefix, name);
    for (int i = 0; i < golden->count; i++) {
        if (strcmp(golden->records[i].name, full) == 0) {
            return &golden->records[i];
        }
    }
    return NULL;
}

static const struct record *find(const struct golden *golden, const char *prefix,
                                 const char *name) {
    const struct record *record = find_optional(golden, prefix, name);
    if (!record) {
        print_error("the golden data have no %s%s\n", prefix, name);
    }
    assert_non_null(record);
    return record;
}

/* ---- what a case asks for ---- */

/* A file's name begins with its mixer's. */
static const char *mixer_of(const char *name) {
    for (int i = 0; minrnn_mixer_name(i); i++) {
        const size_t length = strlen(minrnn_mixer_name(i));
        if (strncmp(name, minrnn_mixer_name(i), length) == 0 && name[length] == '_') {
            return minrnn_mixer_name(i);
        }
    }
    fail_msg("no mixer's name begins %s", name);
    return NULL;
}

/* A record's name behind `prefix`; NULL if it begins otherwise. */
static const char *name_below(const struct record *record, const char *prefix) {
    const size_t length = strlen(prefix);
    return strncmp(record->name, prefix, length) == 0 ? record->name + length : NULL;
}

static minrnn_model_config model_config(const struct golden *golden) {
    minrnn_model_config config;
    minrnn_model_config_defaults(&config);
    for (int i = 0; i < golden->count; i++) {
        const char *name = name_below(&golden->records[i], "model/");
        if (name) {
            CHECK(minrnn_model_set(&config, name, golden->records[i].data.text));
        }
    }
    return config;
}

static minrnn_trainer_config trainer_config(const struct golden *golden) {
    minrnn_trainer_config config;
    minrnn_trainer_config_defaults(&config);
    for (int i = 0; i < golden->count; i++) {
        const char *name = name_below(&golden->records[i], "trainer/");
        if (name) {
            CHECK(minrnn_trainer_set(&config, name, golden->records[i].data.text));
        }
    }
    return config;
}

/* Gives the model the case's parameters, tensor by tensor; names, shapes and which of them decay
 * must be the case's. */
static void write_parameters(const struct golden *golden, minrnn_model *model) {
    const int64_t total = minrnn_model_parameters(model);
    float *parameters = support_alloc((size_t)total, sizeof *parameters);
    int64_t written = 0;
    for (int i = 0; i < minrnn_model_tensor_count(model); i++) {
        minrnn_parameter_info info;
        CHECK(minrnn_model_parameter(model, i, &info));
        const struct record *record = find(golden, "parameter/", info.name);
        assert_int_equal(info.dimensions, record->dimensions);
        assert_memory_equal(info.shape, record->shape,
                            (size_t)info.dimensions * sizeof info.shape[0]);
        if (info.decays != (find(golden, "decays/", info.name)->data.f64[0] != 0.0)) {
            fail_msg("%s: weight decay is %s", info.name, info.decays ? "on" : "off");
        }
        memcpy(parameters + info.offset, record->data.f32,
               (size_t)record->count * sizeof *parameters);
        written += record->count;
    }
    assert_int_equal(written, total);
    int tensors = 0;
    for (int i = 0; i < golden->count; i++) {
        tensors += name_below(&golden->records[i], "parameter/") != NULL;
    }
    assert_int_equal(tensors, minrnn_model_tensor_count(model));
    CHECK(minrnn_model_write(model, parameters));
    free(parameters);
}

/* ---- comparisons; each returns the error it found ---- */

static double compare(const char *what, double error) {
    if (!(error <= TOLERANCE)) {
        fail_msg("%s: relative error %.3g is above %.3g", what, error, TOLERANCE);
    }
    return error;
}

static double compare_logits(const struct golden *golden, const minrnn_model *model) {
    const struct record *expected = find(golden, "", "logits");
    const struct record *reset = find_optional(golden, "", "reset");
    const int64_t batch = expected->shape[0], time = expected->shape[1];
    float *logits = support_alloc((size_t)expected->count, sizeof *logits);
    minrnn_session *session;
    CHECK(minrnn_session_create(model, batch, time, &session));
    CHECK(minrnn_session_forward(session, time, find(golden, "", "tokens")->data.i32,
                                 reset ? reset->data.i32 : NULL, logits));
    minrnn_session_destroy(session);
    const double error = support_error(logits, expected->data.f32, expected->count, 0.0);
    free(logits);
    return compare("logits", error);
}

/* A tensor whose gradient nearly cancels in exact arithmetic keeps the rounding of its terms, which
 * are of the size of the other gradients: so no tensor is measured against less than a thousandth
 * of the case's largest gradient. */
static double compare_gradients(const struct golden *golden, const minrnn_model *model,
                                minrnn_trainer *trainer) {
    float *gradients = support_alloc((size_t)minrnn_model_parameters(model), sizeof *gradients);
    CHECK(minrnn_trainer_read_gradients(trainer, gradients));
    double largest = 0.0, worst = 0.0;
    for (int i = 0; i < golden->count; i++) {
        const struct record *record = &golden->records[i];
        for (int64_t k = 0; name_below(record, "gradient/") && k < record->count; k++) {
            largest = fmax(largest, fabs((double)record->data.f32[k]));
        }
    }
    for (int i = 0; i < minrnn_model_tensor_count(model); i++) {
        minrnn_parameter_info info;
        CHECK(minrnn_model_parameter(model, i, &info));
        const struct record *expected = find(golden, "gradient/", info.name);
        const double error = support_error(gradients + info.offset, expected->data.f32,
                                           expected->count, 1e-3 * largest);
        worst = fmax(worst, compare(info.name, error));
    }
    free(gradients);
    return worst;
}

static double compare_loss(double loss, double expected, const char *what) {
    return compare(what, isfinite(loss) ? fabs(loss - expected) / fabs(expected) : INFINITY);
}

static double compare_training(const struct golden *golden, minrnn_model *model,
                               double *gradient_error) {
    const struct record *losses = find(golden, "", "losses");
    const struct record *reset = find_optional(golden, "", "reset");
    const minrnn_trainer_config config = trainer_config(golden);
    minrnn_trainer *trainer;
    CHECK(minrnn_trainer_create(model, &config, &trainer));
    double worst = 0.0;
    for (int64_t step = 0; step < losses->count; step++) {
        minrnn_step_record record;
        bool there = false;
        CHECK(support_step(trainer, find(golden, "", "tokens")->data.i32,
                           find(golden, "", "targets")->data.i32, reset ? reset->data.i32 : NULL,
                           NULL));
        if (step == 0) {
            *gradient_error = compare_gradients(golden, model, trainer);
        }
        CHECK(minrnn_trainer_record(trainer, true, &record, &there));
        assert_true(there);
        assert_int_equal(record.step, step + 1);
        char what[32];
        snprintf(what, sizeof what, "loss of step %d", (int)record.step);
        worst = fmax(worst, compare_loss(record.loss, losses->data.f64[step], what));
        if (step == 0 && config.clip > 0.0f) {
            const double norm = find(golden, "", "gradient_norm")->data.f64[0];
            assert_true(norm > config.clip); /* or the case would not clip */
            compare_loss(record.gradient_norm, norm, "gradient norm");
        }
    }
    minrnn_trainer_destroy(trainer);
    return worst;
}

/* ---- the mixer as a layer: states and their gradients too ---- */

static float *zeros_like(const struct record *record) {
    return support_alloc((size_t)record->count, sizeof(float));
}

static double compare_record(const struct golden *golden, const char *name, const float *found) {
    const struct record *expected = find(golden, "layer/", name);
    return compare(name, support_error(found, expected->data.f32, expected->count, 0.0));
}

/* The first block's parameters, laid out as the layer's. */
static float *layer_parameters(const struct golden *golden, const minrnn_mixer *mixer) {
    float *parameters = support_alloc((size_t)minrnn_mixer_parameters(mixer), sizeof *parameters);
    for (int i = 0; i < minrnn_mixer_tensor_count(mixer); i++) {
        minrnn_parameter_info info;
        CHECK(minrnn_mixer_parameter(mixer, i, &info));
        const struct record *record = find(golden, "parameter/layers.0.2.", info.name);
        memcpy(parameters + info.offset, record->data.f32,
               (size_t)record->count * sizeof *parameters);
    }
    return parameters;
}

static double compare_layer_gradients(const struct golden *golden, const minrnn_mixer *mixer,
                                      const float *gradients) {
    double worst = 0.0;
    for (int i = 0; i < minrnn_mixer_tensor_count(mixer); i++) {
        minrnn_parameter_info info;
        CHECK(minrnn_mixer_parameter(mixer, i, &info));
        const struct record *expected = find(golden, "layer/gradient/", info.name);
        worst = fmax(worst,
                     compare(info.name, support_error(gradients + info.offset, expected->data.f32,
                                                      expected->count, 0.0)));
    }
    return worst;
}

/* 0 if the case has no layer. */
static double compare_layer(const struct golden *golden, const minrnn_model_config *config) {
    const struct record *x = find_optional(golden, "layer/", "x");
    const struct record *reset = find_optional(golden, "", "reset");
    minrnn_mixer_config own = config->mixer;
    minrnn_mixer *mixer;
    if (!x) {
        return 0.0;
    }
    own.width = config->width;
    CHECK(minrnn_mixer_create(device, &own, &mixer));
    const struct record *state = find(golden, "layer/", "state");
    float *parameters = layer_parameters(golden, mixer);
    float *gradients = support_alloc((size_t)minrnn_mixer_parameters(mixer), sizeof *gradients);
    float *y = zeros_like(x), *dx = zeros_like(x);
    float *state_out = zeros_like(state), *dstate = zeros_like(state);
    assert_int_equal(state->shape[1], minrnn_mixer_state_size(mixer));
    layer_run(device, mixer, &own,
              &(struct layer_data){.batch = x->shape[0],
                                   .time = x->shape[1],
                                   .parameters = parameters,
                                   .x = x->data.f32,
                                   .state = state->data.f32,
                                   .reset = reset ? reset->data.i32 : NULL,
                                   .y = y,
                                   .state_out = state_out,
                                   .dy = find(golden, "layer/", "dy")->data.f32,
                                   .dstate_out = find(golden, "layer/", "dstate_out")->data.f32,
                                   .gradients = gradients,
                                   .dx = dx,
                                   .dstate = dstate});
    double worst = compare_layer_gradients(golden, mixer, gradients);
    worst = fmax(worst, compare_record(golden, "y", y));
    worst = fmax(worst, compare_record(golden, "dx", dx));
    worst = fmax(worst, compare_record(golden, "state_out", state_out));
    worst = fmax(worst, compare_record(golden, "dstate", dstate));
    free(parameters);
    free(gradients);
    free(y);
    free(dx);
    free(state_out);
    free(dstate);
    minrnn_mixer_destroy(mixer);
    return worst;
}

static void test_case(void **state) {
    const char *name = *state;
    struct golden *golden = golden_read(name);
    const minrnn_model_config config = model_config(golden);
    minrnn_model *model;
    assert_string_equal(config.mixer.name, mixer_of(name));
    CHECK(minrnn_model_create(device, &config, 1, &model));
    write_parameters(golden, model);
    double gradient_error = INFINITY;
    const double logit_error = compare_logits(golden, model);
    const double loss_error = compare_training(golden, model, &gradient_error);
    const double layer_error = compare_layer(golden, &config);
    print_message("%-28s logits %.1e, gradients %.1e, ten losses %.1e, layer %.1e\n", name,
                  logit_error, gradient_error, loss_error, layer_error);
    minrnn_model_destroy(model);
    golden_free(golden);
}

/* ---- the cases ---- */

enum { MAX_CASES = 64 };
static char names[MAX_CASES][64];
static int cases;

static int compare_names(const void *a, const void *b) {
    return strcmp(a, b);
}

/* Every file of the directory is one. */
static void find_cases(void) {
    DIR *entries = opendir(directory);
    for (struct dirent *entry; entries && (entry = readdir(entries));) {
        const char *end = strrchr(entry->d_name, '.');
        if (end && strcmp(end, ".bin") == 0 && cases < MAX_CASES) {
            snprintf(names[cases++], sizeof names[0], "%.*s", (int)(end - entry->d_name),
                     entry->d_name);
        }
    }
    if (entries) {
        closedir(entries);
    }
    qsort(names, (size_t)cases, sizeof names[0], compare_names);
}

static void test_every_mixer(void **unused) {
    (void)unused;
    for (int i = 0; minrnn_mixer_name(i); i++) {
        bool found = false;
        for (int k = 0; k < cases; k++) {
            found = found || mixer_of(names[k]) == minrnn_mixer_name(i);
        }
        if (!found) {
            fail_msg("%s has no %s_*.bin", directory, minrnn_mixer_name(i));
        }
    }
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: test_golden DIRECTORY\n");
        return 2;
    }
    directory = argv[1];
    device = support_open_device();
    find_cases();
    struct CMUnitTest tests[MAX_CASES + 1] = {cmocka_unit_test(test_every_mixer)};
    for (int i = 0; i < cases; i++) {
        tests[i + 1] = (struct CMUnitTest){names[i], test_case, NULL, NULL, names[i]};
    }
    const int failed = _cmocka_run_group_tests("golden", tests, (size_t)cases + 1, NULL, NULL);
    minrnn_device_destroy(device);
    return failed ? 1 : 0;
}
