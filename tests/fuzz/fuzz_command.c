/* SPDX-License-Identifier: Apache-2.0 */
/* The command line. The input's lines are the arguments, up to an empty line; the rest is the
 * content of the file "file". The command runs whole, in a folder of its own that has a small text
 * "data" (again "data.state"), a model "model" and its state "model.state". Only what would take
 * long is cut short: meson.build puts limited_* in the place of the library's calls. */
#define _GNU_SOURCE /* memmem */

#include "base/status.h"
#include "cli/commands.h"
#include "harness.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- what takes long ---- */

enum { MOST_BYTES = 1 << 20, MOST_TOKENS = 256, MOST_STEPS = 8, MOST_CHARACTERS = 8 };

static int steps;

/* Of one run of the command; the sizes of each are small. */
enum { MOST_BENCHES = 64, MOST_RUNS = 8, MOST_SIZE = 64 };
static int benches;

/* The texts of a run, as they were when they were opened. */
enum { MOST_ARGUMENTS = 48 };
static struct {
    char *path;
    struct fuzz_bytes content;
} texts[MOST_ARGUMENTS];
static int text_count;

minrnn_status limited_model_create(minrnn_device *device, const minrnn_model_config *config,
                                   uint64_t seed, minrnn_model **model);
minrnn_status limited_trainer_create(minrnn_model *model, const minrnn_trainer_config *config,
                                     minrnn_trainer **trainer);
minrnn_status limited_trainer_step(minrnn_trainer *trainer, const minrnn_batch *batch);
minrnn_status limited_evaluator_create(const minrnn_model *model, int64_t batch, int64_t time,
                                       minrnn_evaluator **evaluator);
minrnn_status limited_generate(minrnn_session *session, const char *prompt, uint64_t prompt_bytes,
                               int64_t length, const minrnn_sampling *sampling,
                               minrnn_on_text on_text, void *user);
minrnn_status limited_validate(minrnn_device *device, const minrnn_check_config *config,
                               minrnn_on_check on_result, void *user, int *failures);
minrnn_status limited_text_open(const char *path, const minrnn_vocabulary *vocabulary,
                                minrnn_text **text);
minrnn_status limited_bench_limits(minrnn_device *device, double *bandwidth, double *rate);
minrnn_status limited_bench_copy(minrnn_device *device, uint64_t bytes, minrnn_bench **bench);
minrnn_status limited_bench_launch(minrnn_device *device, int64_t count, minrnn_bench **bench);
minrnn_status limited_bench_product(minrnn_device *device, int64_t m, int64_t n, int64_t k,
                                    bool transpose_a, bool transpose_b, minrnn_bench **bench);
minrnn_status limited_bench_scan(minrnn_device *device, const char *name, bool backward,
                                 int64_t batch, int64_t time, int64_t width, minrnn_bench **bench);
minrnn_status limited_bench_layer(minrnn_device *device, const minrnn_mixer_config *mixer,
                                  int64_t batch, int64_t time, int64_t classes,
                                  minrnn_bench **bench);
minrnn_status limited_bench_step(minrnn_device *device, const minrnn_model_config *model,
                                 const minrnn_trainer_config *trainer, minrnn_bench **bench);
minrnn_status limited_bench_generate(minrnn_device *device, const minrnn_model_config *model,
                                     int64_t batch, minrnn_bench **bench);
minrnn_status limited_bench_run_sized(minrnn_bench *bench, const minrnn_bench_config *config,
                                      minrnn_timing *timing, size_t size);
minrnn_status limited_bench_profile(minrnn_bench *bench, const minrnn_bench_config *config,
                                    minrnn_on_profile on_row, void *user);
minrnn_status limited_text_open_files(const char *const *paths, int count,
                                      const minrnn_vocabulary *vocabulary, minrnn_text **text);
int limited_mkdir(const char *path, mode_t mode);

minrnn_status limited_model_create(minrnn_device *device, const minrnn_model_config *config,
                                   uint64_t seed, minrnn_model **model) {
    minrnn_memory memory;
    const minrnn_status status = minrnn_model_memory(device, config, 1, 1, false, &memory);
    if (!status && memory.total > MOST_BYTES) {
        return fail(MINRNN_OUT_OF_MEMORY, "the fuzz target's limit");
    }
    return minrnn_model_create(device, config, seed, model);
}

minrnn_status limited_trainer_create(minrnn_model *model, const minrnn_trainer_config *config,
                                     minrnn_trainer **trainer) {
    minrnn_model_config model_config;
    minrnn_memory memory;
    MUST_WORK(minrnn_model_get_config(model, &model_config));
    const minrnn_status status = minrnn_model_memory(minrnn_model_device(model), &model_config,
                                                     config->batch, config->time, true, &memory);
    if (!status && (memory.total > MOST_BYTES || config->accumulation > MOST_TOKENS ||
                    config->accumulation * config->batch * config->time > MOST_TOKENS)) {
        return fail(MINRNN_OUT_OF_MEMORY, "the fuzz target's limit");
    }
    return minrnn_trainer_create(model, config, trainer);
}

minrnn_status limited_trainer_step(minrnn_trainer *trainer, const minrnn_batch *batch) {
    return ++steps > MOST_STEPS ? fail(MINRNN_UNSUPPORTED, "the fuzz target's limit")
                                : minrnn_trainer_step(trainer, batch);
}

minrnn_status limited_evaluator_create(const minrnn_model *model, int64_t batch, int64_t time,
                                       minrnn_evaluator **evaluator) {
    minrnn_model_config config;
    minrnn_memory memory;
    MUST_WORK(minrnn_model_get_config(model, &config));
    const minrnn_status status =
        minrnn_evaluator_memory(minrnn_model_device(model), &config, batch, time, &memory);
    if (!status && (memory.total > MOST_BYTES || batch * time > MOST_TOKENS)) {
        return fail(MINRNN_OUT_OF_MEMORY, "the fuzz target's limit");
    }
    return minrnn_evaluator_create(model, batch, time, evaluator);
}

minrnn_status limited_generate(minrnn_session *session, const char *prompt, uint64_t prompt_bytes,
                               int64_t length, const minrnn_sampling *sampling,
                               minrnn_on_text on_text, void *user) {
    return minrnn_generate(session, prompt, prompt_bytes,
                           length < MOST_CHARACTERS ? length : MOST_CHARACTERS, sampling, on_text,
                           user);
}

/* Validation takes seconds; the command sees one op, which fails with seed 13. */
minrnn_status limited_validate(minrnn_device *device, const minrnn_check_config *config,
                               minrnn_on_check on_result, void *user, int *failures) {
    const minrnn_check_result result = {.op = "gemm",
                                        .cases = 2,
                                        .failures = config->seed == 13,
                                        .worst = 0.5,
                                        .worst_case = "m=1",
                                        .failure = "m=1"};
    MUST(device);
    *failures = 0;
    if (!config->op || strcmp(config->op, result.op) == 0) {
        *failures = result.failures;
        on_result(user, &result);
    }
    return MINRNN_OK;
}

minrnn_status limited_text_open_files(const char *const *paths, int count,
                                      const minrnn_vocabulary *vocabulary, minrnn_text **text) {
    struct stat info;
    for (int i = 0; i < count; i++) {
        if (strcmp(paths[i], "-") == 0 || (stat(paths[i], &info) == 0 && !S_ISREG(info.st_mode))) {
            return fail(MINRNN_UNSUPPORTED, "the fuzz target's limit");
        }
    }
    const minrnn_status status = minrnn_text_open_files(paths, count, vocabulary, text);
    for (int i = 0; !status && i < count; i++) {
        MUST(text_count < MOST_ARGUMENTS);
        texts[text_count].path = strdup(paths[i]);
        texts[text_count++].content = fuzz_get(paths[i]);
    }
    return status;
}

minrnn_status limited_text_open(const char *path, const minrnn_vocabulary *vocabulary,
                                minrnn_text **text) {
    return limited_text_open_files(&path, 1, vocabulary, text);
}

/* ---- benches ---- */

/* A report is a folder, and takes minutes. */
int limited_mkdir(const char *path, mode_t mode) {
    (void)path;
    (void)mode;
    errno = ENOSPC;
    return -1;
}

/* The status of making one whose sizes are these; 0s do not count. */
static minrnn_status limit_bench(int64_t a, int64_t b, int64_t c, int64_t d) {
    const int64_t sizes[] = {a, b, c, d};
    for (int i = 0; i < 4; i++) {
        if (sizes[i] > MOST_SIZE) {
            return fail(MINRNN_OUT_OF_MEMORY, "the fuzz target's limit");
        }
    }
    return ++benches > MOST_BENCHES ? fail(MINRNN_DEVICE_ERROR, "the fuzz target's limit")
                                    : MINRNN_OK;
}

/* Measuring takes a second. */
minrnn_status limited_bench_limits(minrnn_device *device, double *bandwidth, double *rate) {
    MUST(device && (bandwidth || rate));
    if (bandwidth) {
        *bandwidth = 1e10;
    }
    if (rate) {
        *rate = 1e11;
    }
    return MINRNN_OK;
}

minrnn_status limited_bench_copy(minrnn_device *device, uint64_t bytes, minrnn_bench **bench) {
    const minrnn_status status = limit_bench((int64_t)(bytes >> 10), 0, 0, 0);
    return status ? status : minrnn_bench_copy(device, bytes, bench);
}

minrnn_status limited_bench_launch(minrnn_device *device, int64_t count, minrnn_bench **bench) {
    const minrnn_status status = limit_bench(count, 0, 0, 0);
    return status ? status : minrnn_bench_launch(device, count, bench);
}

minrnn_status limited_bench_product(minrnn_device *device, int64_t m, int64_t n, int64_t k,
                                    bool transpose_a, bool transpose_b, minrnn_bench **bench) {
    const minrnn_status status = limit_bench(m, n, k, 0);
    return status ? status : minrnn_bench_product(device, m, n, k, transpose_a, transpose_b, bench);
}

minrnn_status limited_bench_scan(minrnn_device *device, const char *name, bool backward,
                                 int64_t batch, int64_t time, int64_t width, minrnn_bench **bench) {
    const minrnn_status status = limit_bench(batch, time, width, 0);
    return status ? status : minrnn_bench_scan(device, name, backward, batch, time, width, bench);
}

minrnn_status limited_bench_layer(minrnn_device *device, const minrnn_mixer_config *mixer,
                                  int64_t batch, int64_t time, int64_t classes,
                                  minrnn_bench **bench) {
    const minrnn_status status = limit_bench(batch, time, classes, mixer->width);
    return status ? status : minrnn_bench_layer(device, mixer, batch, time, classes, bench);
}

minrnn_status limited_bench_step(minrnn_device *device, const minrnn_model_config *model,
                                 const minrnn_trainer_config *trainer, minrnn_bench **bench) {
    const minrnn_status status =
        limit_bench(model->width, model->layers, trainer->batch, trainer->time);
    return status ? status : minrnn_bench_step(device, model, trainer, bench);
}

minrnn_status limited_bench_generate(minrnn_device *device, const minrnn_model_config *model,
                                     int64_t batch, minrnn_bench **bench) {
    const minrnn_status status = limit_bench(model->width, model->layers, batch, 0);
    return status ? status : minrnn_bench_generate(device, model, batch, bench);
}

static minrnn_status limit_runs(const minrnn_bench_config *config) {
    return config->warm_up > MOST_RUNS || config->repetitions > MOST_RUNS
               ? fail(MINRNN_UNSUPPORTED, "the fuzz target's limit")
               : MINRNN_OK;
}

minrnn_status limited_bench_run_sized(minrnn_bench *bench, const minrnn_bench_config *config,
                                      minrnn_timing *timing, size_t size) {
    const minrnn_status status = limit_runs(config);
    return status ? status : minrnn_bench_run_sized(bench, config, timing, size);
}

minrnn_status limited_bench_profile(minrnn_bench *bench, const minrnn_bench_config *config,
                                    minrnn_on_profile on_row, void *user) {
    const minrnn_status status = limit_runs(config);
    return status ? status : minrnn_bench_profile(bench, config, on_row, user);
}

/* ---- the folder ---- */

static const char data_text[] = "the quick brown fox jumps over the lazy dog, twice";
static struct fuzz_bytes model_file, state_file;

static void make_files(void) {
    minrnn_text *text = NULL;
    minrnn_model *model = NULL;
    minrnn_trainer *trainer = NULL;
    minrnn_model_config config;
    minrnn_trainer_config training;
    const char *data = fuzz_put("data", data_text, sizeof data_text - 1);
    MUST_WORK(minrnn_text_open(data, NULL, &text));
    minrnn_model_config_defaults(&config);
    config.vocab = minrnn_vocabulary_size(minrnn_text_vocabulary(text));
    config.width = 4;
    config.layers = 1;
    minrnn_trainer_config_defaults(&training);
    training.batch = 1;
    training.time = 3;
    training.steps = 4;
    MUST_WORK(minrnn_model_create(fuzz_device(), &config, 1, &model));
    MUST_WORK(minrnn_model_set_vocabulary(model, minrnn_text_vocabulary(text)));
    MUST_WORK(minrnn_trainer_create(model, &training, &trainer));
    for (int i = 0; i < 2; i++) {
        static const int32_t tokens[3];
        minrnn_batch batch;
        minrnn_batch_defaults(&batch);
        batch.batch = 1;
        batch.time = 3;
        batch.tokens = batch.targets = tokens;
        MUST_WORK(minrnn_trainer_step(trainer, &batch));
    }
    MUST_WORK(minrnn_model_save(model, fuzz_path("model")));
    MUST_WORK(minrnn_trainer_save(trainer, fuzz_path("model.state")));
    model_file = fuzz_get(fuzz_path("model"));
    state_file = fuzz_get(fuzz_path("model.state"));
    minrnn_trainer_destroy(trainer);
    minrnn_model_destroy(model);
    minrnn_text_destroy(text);
}

static void release_files(void) {
    free(model_file.data);
    free(state_file.data);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    /* No driver: its memory is not ours to watch, and what it does takes long. */
    setenv("OCL_ICD_VENDORS", "/nonexistent", 1);
    unsetenv("MINRNN_DEVICE");
    MUST(freopen("/dev/null", "r", stdin));   /* --prompt-file - */
    setenv("MINRNN_CACHE", fuzz_folder(), 1); /* verdicts, which are not the user's */
    make_files();
    atexit(release_files);
    return 0;
}

static void put_files(const char *file, size_t bytes) {
    fuzz_clear_folder();
    (void)fuzz_put("data", data_text, sizeof data_text - 1);
    (void)fuzz_put("data.state", data_text, sizeof data_text - 1);
    (void)fuzz_put("model", model_file.data, model_file.size);
    (void)fuzz_put("model.state", state_file.data, state_file.size);
    (void)fuzz_put("file", file, bytes);
}

/* NAME.PROCESS-NUMBER.tmp, of this process. Of a string compared with the name the fuzzer would
 * learn the process, and write it into arguments. */
static bool is_temporary(const char *name) {
    for (const char *dot = name; *dot; dot++) {
        long process = 0, number = 0;
        int length = 0;
        if (sscanf(dot, ".%ld-%ld.tmp%n", &process, &number, &length) == 2 && length > 0 &&
            dot[length] == '\0' && process == (long)getpid()) {
            return true;
        }
    }
    return false;
}

/* The texts that were learnt from are as they were, and no temporary file is left. */
static void check_folder(void) {
    for (; text_count > 0; text_count--) {
        const struct fuzz_bytes before = texts[text_count - 1].content;
        char *path = texts[text_count - 1].path;
        struct fuzz_bytes now = fuzz_get(path);
        MUST(now.size == before.size && memcmp(now.data, before.data, now.size) == 0);
        free(now.data);
        free(before.data);
        free(path);
    }
    DIR *entries = opendir(".");
    MUST(entries);
    for (struct dirent *entry; (entry = readdir(entries));) {
        MUST(!is_temporary(entry->d_name));
    }
    closedir(entries);
}

/* ---- one run ---- */

/* No argument leads out of the folder; of what is there only a full disk is left. A tab stands for
 * the end of a line in an argument. */
static void confine(char *argument) {
    static const char full[] = "/dev/full";
    const size_t length = strlen(argument);
    const char *equals = strchr(argument, '=');
    if (strcmp(argument, full) == 0 || (equals && strcmp(equals + 1, full) == 0 &&
                                        !memchr(argument, '/', length - strlen(full)))) {
        return;
    }
    for (char *c = argument; *c; c++) {
        *c = *c == '/' ? '_' : *c == '\t' ? '\n' : *c;
    }
}

/* Cuts the lines of `text`, ended by an empty one or its end, into arguments. */
static int split(char *text, char **argv) {
    int argc = 0;
    argv[argc++] = (char *)(uintptr_t) "minrnn";
    while (*text && argc < MOST_ARGUMENTS) {
        char *end = text + strcspn(text, "\n");
        const bool last = !*end;
        *end = '\0';
        confine(text);
        argv[argc++] = text;
        text = last ? end : end + 1;
    }
    argv[argc] = NULL;
    return argc;
}

/* A failure is one line, and its exit code is 1 or 2. */
static void check_report(int code, const char *report) {
    const char *end = strchr(report, '\n');
    const bool fails_well =
        (code == 1 || code == 2) && strncmp(report, "minrnn: ", 8) == 0 && end && !end[1];
    const bool is_clean = (code == 0 && !*report) || fails_well;
    if (!is_clean) {
        fprintf(stderr, "exit code %d, on stderr: %s\n", code, report);
    }
    MUST(is_clean);
}

/* Runs the command, its standard output and error in memory. */
static void run(int argc, char **argv) {
    FILE *const out = stdout, *const err = stderr;
    char *output = NULL, *report = NULL;
    size_t output_bytes = 0, report_bytes = 0;
    stdout = open_memstream(&output, &output_bytes);
    stderr = open_memstream(&report, &report_bytes);
    const int code = stdout && stderr ? commands_run(argc, argv) : -1;
    fclose(stdout);
    fclose(stderr);
    stdout = out;
    stderr = err;
    check_report(code, report);
    free(output);
    free(report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *argv[MOST_ARGUMENTS + 1];
    const uint8_t *blank = memmem(data, size, "\n\n", 2);
    const size_t command = blank ? (size_t)(blank - data) : size;
    const size_t file = blank ? command + 2 : size;
    char *text = calloc(command + 1, 1);
    MUST(text);
    memcpy(text, data, command);
    put_files((const char *)data + file, size - file);
    const int argc = split(text, argv);
    const int before = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    MUST(before >= 0 && chdir(fuzz_folder()) == 0);
    steps = 0;
    benches = 0;
    run(argc, argv);
    check_folder();
    MUST(fchdir(before) == 0);
    close(before);
    free(text);
    return 0;
}
