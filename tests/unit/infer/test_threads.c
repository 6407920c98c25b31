/* SPDX-License-Identifier: Apache-2.0 */
/* Threads beside each other: error texts, the list of devices, devices of their own with one folder
 * of programs, and sessions that share a model. What a thread computes is what it computes alone.
 * ThreadSanitizer sees the rest. */
#include "unit/models.h"

#include <dirent.h>
#include <pthread.h>
#include <unistd.h>

enum { THREADS = 4 };

static const char *device_name(void) {
    const char *name = getenv("MINRNN_DEVICE");
    return name ? name : "cpu";
}

/* ---- threads that begin together ---- */

struct thread {
    pthread_t handle;
    pthread_barrier_t *start;
    void (*run)(void *work);
    void *work;
};

static void *begin(void *argument) {
    const struct thread *thread = argument;
    const int code = pthread_barrier_wait(thread->start);
    if (code == 0 || code == PTHREAD_BARRIER_SERIAL_THREAD) {
        thread->run(thread->work);
    }
    return NULL;
}

/* Runs `run` on each of THREADS structs of `bytes`, all at once. It must not assert: cmocka leaves
 * a test by a jump, which only the test's own thread may take. */
static void run_together(void (*run)(void *work), void *works, size_t bytes) {
    struct thread threads[THREADS];
    pthread_barrier_t start;
    assert_int_equal(pthread_barrier_init(&start, NULL, THREADS), 0);
    for (int i = 0; i < THREADS; i++) {
        threads[i] =
            (struct thread){.start = &start, .run = run, .work = (char *)works + (size_t)i * bytes};
        assert_int_equal(pthread_create(&threads[i].handle, NULL, begin, &threads[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i].handle, NULL), 0);
    }
    assert_int_equal(pthread_barrier_destroy(&start), 0);
}

/* ---- error texts ---- */

struct failing {
    int number;
    int own; /* how often the text was this thread's own */
};

enum { ERRORS = 200 };

static void fail_often(void *work) {
    struct failing *failing = work;
    char name[32];
    for (int i = 0; i < ERRORS; i++) {
        minrnn_device *device = NULL;
        snprintf(name, sizeof name, "no such device %d-%d", failing->number, i);
        const minrnn_status status = minrnn_device_open(name, &device);
        failing->own += status == MINRNN_DEVICE_NOT_FOUND && !device &&
                        strstr(minrnn_error_text(), name) != NULL;
    }
}

static void test_error_texts(void **unused) {
    (void)unused;
    struct failing failing[THREADS] = {{0}};
    minrnn_device *device;
    assert_int_equal(minrnn_device_open("no such device, says the test", &device),
                     MINRNN_DEVICE_NOT_FOUND);
    for (int i = 0; i < THREADS; i++) {
        failing[i].number = i;
    }
    run_together(fail_often, failing, sizeof *failing);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(failing[i].own, ERRORS);
    }
    assert_non_null(strstr(minrnn_error_text(), "says the test"));
}

/* ---- the list of devices ---- */

enum { MAX_DEVICES = 16 };

struct listing {
    minrnn_device_info infos[MAX_DEVICES];
    int count;
    minrnn_status status;
};

static void list_devices(void *work) {
    struct listing *listing = work;
    listing->status = minrnn_device_list(listing->infos, MAX_DEVICES, &listing->count);
}

static void test_device_list(void **unused) {
    (void)unused;
    static struct listing alone, together[THREADS];
    list_devices(&alone);
    CHECK(alone.status);
    assert_in_range(alone.count, 1, MAX_DEVICES);
    run_together(list_devices, together, sizeof *together);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(together[i].status, MINRNN_OK);
        assert_int_equal(together[i].count, alone.count);
        for (int d = 0; d < alone.count; d++) {
            assert_string_equal(together[i].infos[d].name, alone.infos[d].name);
            assert_string_equal(together[i].infos[d].platform, alone.infos[d].platform);
        }
    }
}

/* ---- devices of their own ---- */

enum { BATCH = 2, TIME = 12, STEPS = 4, MAX_PARAMETERS = 1 << 16 };

struct training {
    int32_t tokens[STEPS][BATCH * TIME];
    float parameters[MAX_PARAMETERS];
    int64_t total;
    minrnn_status status;
    char error[256];
};

static minrnn_status train(struct training *training, minrnn_device **device, minrnn_model **model,
                           minrnn_trainer **trainer) {
    const minrnn_model_config config = model_variant(1);
    minrnn_trainer_config options;
    minrnn_trainer_config_defaults(&options);
    options.batch = BATCH;
    options.time = TIME;
    minrnn_status status = minrnn_device_open(device_name(), device);
    status = status ? status : minrnn_model_create(*device, &config, 1, model);
    status = status ? status : minrnn_trainer_create(*model, &options, trainer);
    for (int s = 0; !status && s < STEPS; s++) {
        status = support_step(*trainer, training->tokens[s], training->tokens[s], NULL, NULL);
    }
    if (status) {
        return status;
    }
    training->total = minrnn_model_parameters(*model);
    return training->total <= MAX_PARAMETERS ? minrnn_model_read(*model, training->parameters)
                                             : MINRNN_INVALID_ARGUMENT;
}

/* From opening a device to destroying it: PoCL's programs are stored as the device goes. */
static void train_alone(void *work) {
    struct training *training = work;
    minrnn_device *device = NULL;
    minrnn_model *model = NULL;
    minrnn_trainer *trainer = NULL;
    training->status = train(training, &device, &model, &trainer);
    snprintf(training->error, sizeof training->error, "%s", minrnn_error_text());
    minrnn_trainer_destroy(trainer);
    minrnn_model_destroy(model);
    minrnn_device_destroy(device);
}

static void expect_same(const struct training *together, const struct training *alone) {
    if (together->status) {
        fail_msg("%s: %s", minrnn_status_name(together->status), together->error);
    }
    assert_int_equal(together->total, alone->total);
    assert_memory_equal(together->parameters, alone->parameters,
                        (size_t)alone->total * sizeof *alone->parameters);
}

/* Without programs on disk, and again with those that the first time left. */
static void test_own_devices(void **unused) {
    (void)unused;
    struct training *alone = support_alloc(THREADS, sizeof *alone);
    struct training *together = support_alloc(THREADS, sizeof *together);
    struct support_random random = {11};
    for (int i = 0; i < THREADS; i++) {
        random_tokens(&random, &alone[i].tokens[0][0], STEPS * BATCH * TIME);
        memcpy(together[i].tokens, alone[i].tokens, sizeof alone[i].tokens);
    }
    for (int attempt = 0; attempt < 2; attempt++) {
        run_together(train_alone, together, sizeof *together);
        for (int i = 0; i < THREADS; i++) {
            if (attempt == 0) {
                train_alone(&alone[i]);
            }
            expect_same(&together[i], &alone[i]);
            memset(together[i].parameters, 0, sizeof together[i].parameters);
        }
    }
    assert_memory_not_equal(alone[0].parameters, alone[1].parameters,
                            (size_t)alone[0].total * sizeof(float));
    free(alone);
    free(together);
}

/* ---- one model, a session for each thread ---- */

enum { CALLS = 8, CALL_TIME = 8, STREAM = CALLS * CALL_TIME };

struct stream {
    const minrnn_model *model;
    int32_t tokens[STREAM];
    float logits[STREAM * MODEL_VOCAB];
    minrnn_status status;
};

/* Creates its session too: planning one reads the shared model. */
static void run_stream(void *work) {
    struct stream *stream = work;
    minrnn_session *session = NULL;
    stream->status = minrnn_session_create(stream->model, 1, CALL_TIME, &session);
    for (int64_t t = 0; !stream->status && t < STREAM; t += CALL_TIME) {
        stream->status = minrnn_session_forward(session, CALL_TIME, stream->tokens + t, NULL,
                                                stream->logits + t * MODEL_VOCAB);
    }
    minrnn_session_destroy(session);
}

static void test_shared_model(void **unused) {
    (void)unused;
    static struct stream alone[THREADS], together[THREADS];
    minrnn_device *device = support_open_device();
    struct support_random random = {12};
    const uint64_t before = minrnn_device_allocated(device);
    for (int v = 0; v < MODEL_VARIANTS; v++) {
        const minrnn_model_config config = model_variant(v);
        minrnn_model *model = model_make(device, &config);
        for (int i = 0; i < THREADS; i++) {
            alone[i].model = together[i].model = model;
            random_tokens(&random, alone[i].tokens, STREAM);
            memcpy(together[i].tokens, alone[i].tokens, sizeof alone[i].tokens);
        }
        run_together(run_stream, together, sizeof *together); /* first: programs are built here */
        for (int i = 0; i < THREADS; i++) {
            run_stream(&alone[i]);
            CHECK(alone[i].status);
            assert_int_equal(together[i].status, MINRNN_OK);
            assert_memory_equal(together[i].logits, alone[i].logits, sizeof alone[i].logits);
            memset(together[i].logits, 0, sizeof together[i].logits);
        }
        assert_memory_not_equal(alone[0].logits, alone[1].logits, sizeof alone[0].logits);
        minrnn_model_destroy(model);
    }
    assert_int_equal(minrnn_device_allocated(device), before);
    minrnn_device_destroy(device);
}

/* ---- a folder of programs that nobody else has ---- */

static char folder[] = "/tmp/minrnn-threads-XXXXXX";

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? setenv("MINRNN_CACHE", folder, 1) : -1;
}

static int remove_folder(void **state) {
    (void)state;
    DIR *directory = opendir(folder);
    if (!directory) {
        return -1;
    }
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (entry->d_name[0] != '.') {
            char path[sizeof folder + sizeof entry->d_name + 1];
            snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
            unlink(path);
        }
    }
    closedir(directory);
    return rmdir(folder);
}

int main(void) {
    minrnn_device_destroy(support_open_device()); /* or skipped */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error_texts),
        cmocka_unit_test(test_device_list),
        cmocka_unit_test(test_own_devices),
        cmocka_unit_test(test_shared_model),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
