/* SPDX-License-Identifier: Apache-2.0 */
/* fork(): a child has none of its parent's threads. It computes on, or gets an error at once, and
 * never hangs, neither when it destroys what it inherited nor when it exits. */
#define _GNU_SOURCE

#include "guest.h"
#include "threads.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECONDS = 60 }; /* a child that has not ended by then hangs */

static const char *device_name;
static minrnn_device *device;
static minrnn_buffer *inherited;
static struct guest parent;
static float losses[3];
static bool is_opencl;

/* Runs `child` in a child, in which cmocka must not see a failure: whether it returned true. */
static bool succeeds(bool (*child)(void), bool exits) {
    fflush(NULL);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        alarm(SECONDS);
        const int code = child() ? 0 : 3;
        fflush(NULL);
        if (exits) {
            exit(code); /* with what libraries do then */
        }
        _exit(code);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status)) {
        fail_msg("the child ended by signal %d%s", WTERMSIG(status),
                 WTERMSIG(status) == SIGALRM ? ": it hung" : "");
    }
    return WEXITSTATUS(status) == 0;
}

/* Whether a step is what it is without a fork, or on OpenCL refused. */
static bool step_is_right(struct guest *guest, float expected) {
    float loss;
    const minrnn_status status = guest_step(guest, &loss);
    if (is_opencl) {
        return status == MINRNN_DEVICE_ERROR && strstr(minrnn_error_text(), "fork");
    }
    return status == MINRNN_OK && loss == expected;
}

static bool goes_on(void) {
    return step_is_right(&parent, losses[1]);
}

/* Not even OpenBLAS, which makes its threads anew after a fork, can have any: no signal. */
static bool goes_on_without_threads(void) {
    enum { NOBODY = 65534 };
    const struct rlimit none = {1, 1};
    float loss;
    if (getuid() == 0 && setuid(NOBODY) != 0) { /* for whom no limit holds */
        return false;
    }
    if (setrlimit(RLIMIT_NPROC, &none) != 0) {
        return false;
    }
    const minrnn_status status = guest_step(&parent, &loss);
    return status ? status == MINRNN_DEVICE_ERROR && strstr(minrnn_error_text(), "after fork()")
                  : loss == losses[1];
}

static bool opens_its_own(void) {
    minrnn_device *own;
    struct guest guest;
    const minrnn_status status = minrnn_device_open(device_name, &own);
    if (is_opencl) {
        int count = 0;
        minrnn_device_info info[8];
        return status == MINRNN_DEVICE_ERROR && strstr(minrnn_error_text(), "fork") &&
               minrnn_device_list(info, 8, &count) == MINRNN_OK && count == 1;
    }
    if (status || guest_begin(own, &guest) || !step_is_right(&guest, losses[0])) {
        return false;
    }
    guest_end(&guest);
    minrnn_device_destroy(own);
    return true;
}

static bool destroys_all(void) {
    minrnn_buffer_destroy(inherited);
    guest_end(&parent);
    minrnn_device_destroy(device);
    return true;
}

static bool has_a_child_of_its_own(void) {
    return succeeds(goes_on, false) && succeeds(opens_its_own, true) && goes_on();
}

/* Each call that takes what belongs to a device, on what was inherited. */
static bool refuses_all(void) {
    static float values[1 << 20];
    static int32_t tokens[GUEST_TOKENS];
    double loss = 0;
    int64_t count = 0;
    minrnn_buffer *buffer;
    minrnn_device_info info;
    minrnn_memory memory;
    minrnn_model *model;
    minrnn_session *session;
    minrnn_trainer *trainer;
    minrnn_mixer *mixer;
    int64_t saved, temporary;
    minrnn_model_config config;
    minrnn_trainer_config training;
    minrnn_mixer_config layer;
    minrnn_model_get_config(parent.model, &config);
    minrnn_trainer_get_config(parent.trainer, &training);
    (void)minrnn_mixer_config_defaults("mingru", &layer);
    layer.width = 8;
    if (minrnn_mixer_create(device, &layer, &mixer)) {
        return false; /* it takes nothing of the device */
    }
    const minrnn_status statuses[] = {
        minrnn_device_describe(device, &info),
        minrnn_device_finish(device),
        minrnn_buffer_create(device, 64, &buffer),
        minrnn_model_read(parent.model, values),
        minrnn_model_write(parent.model, values),
        minrnn_model_create(device, &config, 1, &model),
        minrnn_model_save(parent.model, "/dev/null"),
        minrnn_model_memory(device, &config, 1, 1, true, &memory),
        minrnn_session_create(parent.model, 1, 1, &session),
        minrnn_trainer_create(parent.model, &training, &trainer),
        support_evaluate(parent.trainer, tokens, tokens, NULL, &loss, &count),
        minrnn_trainer_read_gradients(parent.trainer, values),
        minrnn_trainer_save(parent.trainer, "/dev/null"),
        minrnn_mixer_workspace(mixer, 1, 1, &saved, &temporary),
        minrnn_buffer_write(inherited, 0, values, 64),
        minrnn_buffer_read(inherited, 0, values, 64),
    };
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        if (statuses[i] != MINRNN_DEVICE_ERROR) {
            fprintf(stderr, "call %zu: %s\n", i, minrnn_status_name(statuses[i]));
            return false;
        }
    }
    return true;
}

/* In a child whose parent never had a device: all threads, as OpenMP makes them for a step. */
static bool has_all_threads(void) {
    minrnn_device *own;
    struct guest guest;
    minrnn_device_info info;
    float loss;
    if (minrnn_device_open("cpu", &own) || minrnn_device_describe(own, &info) ||
        guest_begin(own, &guest)) {
        return false;
    }
    const int before = threads_of_process();
    return guest_step(&guest, &loss) == MINRNN_OK &&
           (before == 0 || threads_of_process() >= info.compute_units);
}

/* ---- the tests, in this order: the first one before any device is open ---- */

static void test_prefork(void **unused) {
    (void)unused;
    assert_true(succeeds(has_all_threads, false));
}

static void open_parent(void) {
    float loss;
    struct guest alone;
    minrnn_device_info info;
    device = support_open_device();
    CHECK(minrnn_device_describe(device, &info));
    is_opencl = info.is_opencl;
    CHECK(guest_begin(device, &alone));
    for (int i = 0; i < 3; i++) {
        CHECK(guest_step(&alone, &losses[i]));
    }
    guest_end(&alone);
    CHECK(minrnn_buffer_create(device, 64, &inherited));
    CHECK(guest_begin(device, &parent));
    CHECK(guest_step(&parent, &loss));
    assert_true(loss == losses[0]);
}

static void test_children(void **unused) {
    (void)unused;
    open_parent();
    assert_true(succeeds(goes_on, false));
    assert_true(succeeds(opens_its_own, false));
    assert_true(succeeds(destroys_all, false));
    assert_true(succeeds(has_a_child_of_its_own, false));
    assert_true(!is_opencl || succeeds(refuses_all, false));
    assert_true(is_opencl || succeeds(goes_on_without_threads, false));
    assert_true(succeeds(goes_on, true));
    assert_true(succeeds(destroys_all, true));
}

/* After all of that the parent goes on as if nothing had been. */
static void test_parent(void **unused) {
    (void)unused;
    float loss;
    CHECK(guest_step(&parent, &loss));
    assert_true(loss == losses[1]);
    CHECK(guest_step(&parent, &loss));
    assert_true(loss == losses[2]);
    assert_true(destroys_all());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prefork),
        cmocka_unit_test(test_children),
        cmocka_unit_test(test_parent),
    };
    device_name = getenv("MINRNN_DEVICE");
    device_name = device_name ? device_name : "cpu";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
