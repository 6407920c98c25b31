/* SPDX-License-Identifier: Apache-2.0 */
/* The harness itself: each kind of wrong op must be reported, and a right one must not. */
#include <minrnn/check.h>

#include "base/status.h"
#include "check/op_check.h"
#include "cpu/cpu.h"

#include <math.h>
#include <string.h>
#include <time.h>

/* Last: it makes a macro of the library's own word `fail`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The CPU with one op, gelu_forward, in wrong hands. */
enum fault {
    FAULT_NONE,
    FAULT_ELEMENT,   /* one element a little off */
    FAULT_NAN,       /* one element not a number */
    FAULT_UNWRITTEN, /* one element left as it was */
    FAULT_AFTER,     /* one element past the end */
    FAULT_BEFORE,    /* one element before the start */
    FAULT_INPUT,     /* an input changed */
    FAULT_SCRATCH,   /* a byte past the scratch asked for */
    FAULT_UNSTEADY,  /* other bits the second time */
    FAULT_ERROR,     /* an error status */
    FAULT_PLANNING,  /* needs more scratch than it says */
    FAULTS,
    SLOWNESS = FAULTS /* no fault: two calls take long */
};

struct fake {
    struct backend backend;
    struct op_table ops;
    struct gelu_forward_op op;
    const struct op_table *right;
    enum fault fault;
    int calls;
};

/* Ops get no user pointer: the fake is found behind its backend, its first member. */
static struct fake *fake_of(const minrnn_device *device) {
    return (struct fake *)device->backend;
}

static minrnn_status poke(minrnn_tensor tensor, int64_t i, float change) {
    float value = 0;
    minrnn_status status = tensor_read(tensor_at(tensor, i), &value, 1, true);
    value += change;
    return status ? status : tensor_write(tensor_at(tensor, i), &value, 1, true);
}

static minrnn_status spoil(const struct fake *fake, struct op_context *context,
                           const struct gelu_forward_args *args) {
    const int64_t count = args->rows * args->width, middle = count / 2;
    static const float filler = 1;
    switch (fake->fault) {
    case FAULT_ELEMENT: return poke(args->y, middle, 1e-3f);
    case FAULT_NAN: return poke(args->y, middle, NAN);
    case FAULT_AFTER: return tensor_write(tensor_at(args->y, count), &filler, 1, true);
    case FAULT_BEFORE: return tensor_write(tensor_at(args->y, -1), &filler, 1, true);
    case FAULT_INPUT: return args->bias.buffer ? poke(args->bias, 0, 1) : MINRNN_OK;
    case FAULT_SCRATCH:
        return minrnn_buffer_write(
            context->scratch.buffer,
            (uint64_t)(context->scratch.offset * F32_BYTES + context->scratch_bytes), &filler, 1);
    case FAULT_UNSTEADY: return fake->calls % 2 ? poke(args->y, middle, 1e-7f) : MINRNN_OK;
    case FAULT_ERROR: error_text_set("the device is on fire"); return MINRNN_DEVICE_ERROR;
    default: return MINRNN_OK;
    }
}

static minrnn_status run_wrong(struct op_context *context, const struct gelu_forward_args *args) {
    struct fake *fake = fake_of(context->device);
    float kept = 0;
    minrnn_status status = tensor_read(args->y, &kept, 1, true);
    status = status ? status : fake->right->gelu_forward->run(context, args);
    if (!status && fake->fault == FAULT_UNWRITTEN) {
        status = tensor_write(args->y, &kept, 1, true);
    }
    status = status ? status : spoil(fake, context, args);
    if (fake->fault == SLOWNESS && (fake->calls == 2 || fake->calls == 5)) {
        nanosleep(&(struct timespec){.tv_nsec = fake->calls == 2 ? 600000000 : 300000000}, NULL);
    }
    fake->calls++;
    return status;
}

static int64_t scratch_wrong(const minrnn_device *device, const struct gelu_forward_args *args) {
    const bool planned = !args->x.buffer;
    return fake_of(device)->fault == FAULT_PLANNING && planned ? 8 : 16;
}

static void keep(void *user, const minrnn_check_result *result) {
    *(minrnn_check_result *)user = *result;
}

/* Validates gelu_forward with a fault; returns the result. */
static minrnn_check_result validate(enum fault fault, uint64_t seed) {
    minrnn_device *device = NULL;
    assert_int_equal(cpu_device_open(1, &device), MINRNN_OK);
    const struct backend *right = device->backend;
    struct fake fake = {.backend = *right, .ops = *right->ops, .right = right->ops, .fault = fault};
    fake.backend.ops = &fake.ops;
    fake.op = (struct gelu_forward_op){.run = run_wrong, .scratch = scratch_wrong};
    fake.ops.gelu_forward = &fake.op;
    device->backend = &fake.backend;
    minrnn_check_config config;
    minrnn_check_config_defaults(&config);
    config.op = "gelu_forward";
    config.seed = seed;
    minrnn_check_result result = {0};
    int failures = -1;
    assert_int_equal(minrnn_validate(device, &config, keep, &result, &failures), MINRNN_OK);
    assert_int_equal(failures, result.failures > 0);
    assert_true(result.cases >= 10);
    assert_int_equal(fake.calls > 0, fault != FAULT_PLANNING);
    device->backend = right;
    minrnn_device_destroy(device);
    return result;
}

static void test_right_op_passes(void **state) {
    (void)state;
    const minrnn_check_result result = validate(FAULT_NONE, 1);
    assert_int_equal(result.failures, 0);
    assert_true(result.worst <= 1);
    assert_string_equal(result.failure, "");
}

static void assert_reported(enum fault fault, const char *text) {
    for (uint64_t seed = 1; seed <= 3; seed++) {
        const minrnn_check_result result = validate(fault, seed);
        assert_true(result.failures > 0);
        if (!strstr(result.failure, text)) {
            fail_msg("\"%s\" does not say \"%s\"", result.failure, text);
        }
        assert_true(result.worst_case[0] != 0);
    }
}

static void test_faults_are_reported(void **state) {
    (void)state;
    static const char *const texts[FAULTS] = {
        [FAULT_ELEMENT] = "y[",
        [FAULT_NAN] = "is nan",
        [FAULT_UNWRITTEN] = "y[0]",
        [FAULT_AFTER] = "wrote where it must not",
        [FAULT_BEFORE] = "wrote where it must not",
        [FAULT_INPUT] = "wrote where it must not: element 0 of bias",
        [FAULT_SCRATCH] = "scratch",
        [FAULT_UNSTEADY] = "differs between two runs",
        [FAULT_ERROR] = "on fire",
        [FAULT_PLANNING] = "scratch",
    };
    for (int fault = FAULT_NONE + 1; fault < FAULTS; fault++) {
        assert_reported((enum fault)fault, texts[fault]);
    }
}

/* A case's first run builds programs, and does not count: the second case's was the slowest, but
 * the third's second run is the longest. */
static void test_longest_call(void **state) {
    (void)state;
    const minrnn_check_result result = validate(SLOWNESS, 1);
    assert_int_equal(result.failures, 0);
    assert_true(result.longest >= 0.3);
    assert_int_equal(strncmp(result.longest_case, "#3 ", 3), 0);
}

/* A NaN anywhere makes the worst error infinite, whatever comes after it. */
static void test_nan_is_the_worst(void **state) {
    (void)state;
    assert_true(isinf(validate(FAULT_NAN, 1).worst));
}

/* Every output of the list has a bound, and what is no output has none. */
static void test_every_output_has_a_bound(void **state) {
    (void)state;
    for (int op = 0; op < CHECK_OPS; op++) {
        const struct op_entry *entry = op_entry_at((enum check_op)op);
        const union op_args args = {0};
        struct op_argument arguments[OP_MAX_ARGUMENTS];
        const int count = entry->arguments(&args, arguments);
        for (int i = 0; i < count; i++) {
            const bool is_input = arguments[i].role == OP_IN || arguments[i].role == OP_IN_OPT;
            const double bound = check_bound(entry, i, &args);
            assert_true(is_input ? bound < 0 : bound >= 0);
        }
    }
}

/* Every op of the list has cases, one that is cut into pieces, and one at least to be timed. */
static void test_every_op_is_looked_at(void **state) {
    (void)state;
    for (int op = 0; op < CHECK_OPS; op++) {
        const struct op_entry *entry = op_entry_at((enum check_op)op);
        struct op_argument arguments[OP_MAX_ARGUMENTS];
        assert_non_null(entry->check->cases);
        assert_non_null(timed_case(entry, 0));
        assert_null(timed_case(entry, CHECK_TIMED));
        assert_true(entry->arguments(&timed_case(entry, 0)->args, arguments) > 0);
        assert_true(arguments[0].extent > 0);
        entry->arguments(&entry->check->large.args, arguments);
        assert_true(arguments[0].extent > 0);
    }
}

static void test_arguments_are_checked(void **state) {
    (void)state;
    minrnn_device *device = NULL;
    minrnn_check_config config;
    int failures = 0;
    assert_int_equal(cpu_device_open(1, &device), MINRNN_OK);
    minrnn_check_config_defaults(&config);
    assert_int_equal(config.seed, 1);
    assert_int_equal(minrnn_validate(NULL, &config, NULL, NULL, &failures),
                     MINRNN_INVALID_ARGUMENT);
    assert_int_equal(minrnn_validate(device, NULL, NULL, NULL, &failures), MINRNN_INVALID_ARGUMENT);
    config.op = "no_such_op";
    assert_int_equal(minrnn_validate(device, &config, NULL, NULL, &failures),
                     MINRNN_INVALID_ARGUMENT);
    assert_non_null(strstr(minrnn_error_text(), "no_such_op"));
    config.op = NULL;
    static const char *const shapes[] = {"time",     "time=",    "time=0",     "time=1.5",
                                         "time=-1",  "=3",       "time=3;k=1", "speed=3",
                                         "time=3,k", "time=nan", "time=1e30",  "time=2000000"};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        config.shape = shapes[i];
        assert_int_equal(minrnn_validate(device, &config, NULL, NULL, &failures),
                         MINRNN_INVALID_ARGUMENT);
        assert_non_null(strstr(minrnn_error_text(), shapes[i]));
    }
    config.shape = NULL;
    config.seconds = (double)NAN;
    assert_int_equal(minrnn_validate(device, &config, NULL, NULL, &failures),
                     MINRNN_INVALID_ARGUMENT);
    minrnn_device_destroy(device);
}

static minrnn_check_result result_of(minrnn_device *device, const minrnn_check_config *config) {
    minrnn_check_result result = {0};
    int failures = -1;
    assert_int_equal(minrnn_validate(device, config, keep, &result, &failures), MINRNN_OK);
    assert_int_equal(failures, 0);
    return result;
}

/* One shape, the options asked for, one case, and no more than there is time for. */
static void test_cases_are_selected(void **state) {
    (void)state;
    minrnn_device *device = NULL;
    minrnn_check_config config;
    assert_int_equal(cpu_device_open(1, &device), MINRNN_OK);
    minrnn_check_config_defaults(&config);
    config.op = "gemm";
    const minrnn_check_result all = result_of(device, &config);
    config.shape = "m=5,n=7,k=9,time=3";
    minrnn_check_result result = result_of(device, &config);
    assert_int_equal(result.cases, all.cases);
    assert_non_null(strstr(result.worst_case, " m 5 n 7 k 9"));
    config.shape = "m=5,transpose_a=1";
    result = result_of(device, &config);
    assert_true(result.cases > 0 && result.cases < all.cases);
    assert_non_null(strstr(result.worst_case, "transpose_a 1"));
    config.shape = "";
    config.only_case = 3;
    result = result_of(device, &config);
    assert_int_equal(result.cases, 1);
    assert_int_equal(strncmp(result.worst_case, "#3 ", 3), 0);
    config.only_case = 0;
    config.seconds = 1e-9;
    result = result_of(device, &config);
    assert_true(result.cases > 0 && result.left_out > 0);
    assert_int_equal(result.cases + result.left_out, all.cases);
    minrnn_device_destroy(device);
}

/* The selection has in it what the documentation says, whatever the seed. */
struct seen {
    int values[VALUES_KINDS], marks[MARKS_KINDS];
    int64_t longest, shortest;
    int runs[MINRNN_RUN_CHUNK + 1][2];
    uint32_t given, absent; /* the tensors that once were */
};

static bool look(void *user, const struct check_case *c) {
    struct seen *seen = user;
    seen->values[c->values]++;
    seen->marks[c->marks]++;
    seen->given |= c->given;
    seen->absent |= ~c->given;
    return true;
}

static bool look_at_scan(void *user, const struct check_case *c) {
    struct seen *seen = user;
    const struct scan_backward_args *args = &c->args.scan_backward;
    seen->longest = args->time > seen->longest ? args->time : seen->longest;
    seen->shortest = args->time < seen->shortest ? args->time : seen->shortest;
    seen->runs[args->run][args->reversed]++;
    return look(user, c);
}

/* Absent tensors are NULL to a kernel: drivers have to let them be. */
static void expect_optional(const struct op_entry *entry, const struct seen *seen) {
    struct op_argument arguments[OP_MAX_ARGUMENTS];
    const union op_args none = {0};
    const int count = entry->arguments(&none, arguments);
    for (int i = 0; i < count; i++) {
        const bool optional = arguments[i].role == OP_IN_OPT || arguments[i].role == OP_OUT_OPT;
        const bool both = (seen->given >> i & 1) && (seen->absent >> i & 1);
        if (optional && !both) {
            fail_msg("%s: %s is always there, or never", entry->name, arguments[i].name);
        }
    }
}

static void test_every_kind_of_case_is_there(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        for (int op = 0; op < CHECK_OPS; op++) {
            const struct op_entry *entry = op_entry_at((enum check_op)op);
            const bool scan = op == CHECK_OP_scan_backward;
            struct seen seen = {.shortest = INT64_MAX};
            check_cases(entry, CHECK_QUICK, seed, scan ? look_at_scan : look, &seen);
            for (int i = 0; i < VALUES_KINDS; i++) {
                assert_true(seen.values[i] > 0);
            }
            for (int i = 0; i < MARKS_KINDS; i++) {
                assert_true(seen.marks[i] > 0);
            }
            expect_optional(entry, &seen);
            for (int i = 0; scan && i < 2 * (MINRNN_RUN_CHUNK + 1); i++) {
                assert_true(seen.runs[i / 2][i % 2] > 0);
            }
            assert_true(!scan || (seen.shortest == 1 && seen.longest > 65536));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right_op_passes),
        cmocka_unit_test(test_faults_are_reported),
        cmocka_unit_test(test_longest_call),
        cmocka_unit_test(test_nan_is_the_worst),
        cmocka_unit_test(test_every_output_has_a_bound),
        cmocka_unit_test(test_every_op_is_looked_at),
        cmocka_unit_test(test_arguments_are_checked),
        cmocka_unit_test(test_cases_are_selected),
        cmocka_unit_test(test_every_kind_of_case_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
