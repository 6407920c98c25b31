/* SPDX-License-Identifier: Apache-2.0 */
/* How much a trainer queues: two micro-batches of a quick device, one of a slow one, and the same
 * results; and when its steps ended. The device is the CPU, whose fences pass when this file says
 * so. */
#include "base/clock.h"
#include "op/device.h"
#include "train/pace.h"
#include "unit/train/training.h"

static minrnn_device *device;

/* ---- the rule ---- */

static bool note(struct pace *pace, double begun, double passed) {
    pace_note(pace, &(struct piece){.fence.passed = passed, .begun = begun});
    return pace->quick;
}

static void test_rule(void **unused) {
    (void)unused;
    struct pace pace = {0};
    assert_false(pace.quick);
    assert_true(note(&pace, 100.0, 101.9));  /* it took 1.9 s */
    assert_false(note(&pace, 101.0, 104.0)); /* 2.1, after the one before */
    assert_true(note(&pace, 102.0, 105.9));  /* 1.9, though enqueued long ago */
    assert_false(note(&pace, 200.0, 202.0)); /* 2, the device having been idle */
    assert_false(note(&pace, 200.0, 202.0)); /* measured already */
    assert_false(note(&pace, 100.0, 101.0)); /* an older one */
    assert_false(note(&pace, 300.0, 0.0));   /* not done */
    assert_true(pace.passed == 202.0);
    assert_true(note(&pace, 202.0, 202.1));
}

/* ---- a trainer ---- */

/* Fences that are open: set and not waited for; waits, of which number `failing` fails. `seconds`
 * is what the work before the next takes. */
static int is_open, most_open, passes, failing;
static double seconds, last_passed;

static minrnn_status fence_set(minrnn_device *unused, struct fence *fence) {
    (void)unused;
    assert_null(fence->event);
    *fence = (struct fence){.event = &is_open};
    is_open++;
    most_open = is_open > most_open ? is_open : most_open;
    return MINRNN_OK;
}

/* All that is under way is done, at `done` if that is set. */
static double done;

static void fence_look(struct fence *fence) {
    if (done > 0 && fence->event && !(fence->passed > 0)) {
        fence->passed = done;
    }
}

static minrnn_status fence_wait(minrnn_device *unused, struct fence *fence) {
    (void)unused;
    if (fence->event) {
        fence->event = NULL;
        is_open--;
        passes++;
        last_passed = fmax(last_passed, clock_seconds()) + seconds;
        fence->passed = fence->passed > 0 ? fence->passed : last_passed;
        return passes == failing ? MINRNN_DEVICE_ERROR : MINRNN_OK;
    }
    return MINRNN_OK;
}

enum { BATCH = 2, TIME = 8, MOST_MICROS = 5, STEPS = 4 };

/* The parameters after some steps, the first `slow` of which take long. */
static float *parameters_after(int micros, int slow, int64_t *count) {
    const minrnn_model_config config = model_variant(1);
    minrnn_model *model = model_make(device, &config);
    minrnn_trainer_config training = trainer_config(BATCH, TIME);
    training.accumulation = micros;
    minrnn_trainer *trainer = trainer_make(model, &training);
    struct support_random random = {7};
    int32_t tokens[MOST_MICROS * BATCH * TIME];
    is_open = most_open = passes = 0;
    for (int step = 0; step < STEPS; step++) {
        seconds = step < slow ? 3.0 : 1e-3;
        if (step == slow) {
            most_open = is_open;
        }
        random_tokens(&random, tokens, micros * BATCH * TIME);
        CHECK(support_step(trainer, tokens, tokens, NULL, NULL));
        assert_true(step >= slow || (is_open == 0 && most_open == 1));
    }
    minrnn_trainer_destroy(trainer);
    *count = minrnn_model_parameters(model);
    float *parameters = support_alloc((size_t)*count, sizeof *parameters);
    CHECK(minrnn_model_read(model, parameters));
    minrnn_model_destroy(model);
    return parameters;
}

static struct backend fake_of(const struct backend *own) {
    struct backend fake = *own;
    fake.fence_set = fence_set;
    fake.fence_look = fence_look;
    fake.fence_wait = fence_wait;
    return fake;
}

static void test_queue(void **unused) {
    (void)unused;
    const struct backend *own = device->backend;
    const struct backend fake = fake_of(own);
    for (int micros = 1; micros <= MOST_MICROS; micros++) {
        int64_t count;
        float *right = parameters_after(micros, 0, &count);
        for (int slow = 0; slow <= STEPS; slow++) {
            device->backend = &fake;
            float *got = parameters_after(micros, slow, &count);
            device->backend = own;
            assert_memory_equal(got, right, (size_t)count * sizeof *got);
            free(got);
            /* The first quick one is waited for too, and the two after it may be there together. */
            assert_int_equal(most_open, (STEPS - slow) * micros > 2 ? 2 : 1);
            assert_int_equal(is_open, 0);
            assert_int_equal(passes, STEPS * micros);
        }
        free(right);
    }
}

/* Whichever wait fails, the run ends, and no fence stays behind. */
static void test_failures(void **unused) {
    (void)unused;
    enum { MICROS = 3 };
    const struct backend *own = device->backend;
    const struct backend fake = fake_of(own);
    const minrnn_model_config config = model_variant(0);
    minrnn_trainer_config training = trainer_config(BATCH, TIME);
    const int32_t tokens[MICROS * BATCH * TIME] = {0};
    training.accumulation = MICROS;
    seconds = 1e-3;
    int ended = 0;
    for (failing = 1; failing <= STEPS * MICROS; failing++) {
        minrnn_model *model = model_make(device, &config);
        minrnn_trainer *trainer = trainer_make(model, &training);
        minrnn_status status = MINRNN_OK;
        device->backend = &fake;
        passes = 0;
        for (int step = 0; !status && step < STEPS; step++) {
            status = support_step(trainer, tokens, tokens, NULL, NULL);
        }
        if (passes >= failing) {
            assert_int_equal(status, MINRNN_DEVICE_ERROR);
            assert_int_equal(support_step(trainer, tokens, tokens, NULL, NULL),
                             MINRNN_DEVICE_ERROR);
            assert_non_null(strstr(minrnn_error_text(), "failed part-way"));
            ended++;
        }
        minrnn_trainer_destroy(trainer);
        device->backend = own;
        assert_int_equal(is_open, 0);
        minrnn_model_destroy(model);
    }
    failing = 0;
    assert_int_equal(ended, STEPS * MICROS - MICROS_QUEUED); /* the last two are for who destroys */
}

/* ---- the times of steps ---- */

struct timed {
    minrnn_model *model;
    minrnn_trainer *trainer;
    const struct backend *own;
};

static struct timed begin_timed(const struct backend *fake) {
    const minrnn_model_config config = model_variant(0);
    const minrnn_trainer_config training = trainer_config(BATCH, TIME);
    struct timed timed = {.model = model_make(device, &config), .own = device->backend};
    timed.trainer = trainer_make(timed.model, &training);
    device->backend = fake;
    is_open = passes = 0;
    last_passed = done = 0;
    return timed;
}

static void end_timed(struct timed timed) {
    done = 0;
    minrnn_trainer_destroy(timed.trainer);
    device->backend = timed.own;
    minrnn_model_destroy(timed.model);
}

static void take_steps(minrnn_trainer *trainer, int count) {
    const int32_t tokens[BATCH * TIME] = {0};
    for (int step = 0; step < count; step++) {
        CHECK(support_step(trainer, tokens, tokens, NULL, NULL));
    }
}

/* Two steps that are seen at once share the time: by a look, and by a wait for the first. */
static void test_seen_at_once(void **unused) {
    (void)unused;
    const struct backend fake = fake_of(device->backend);
    for (int waits = 0; waits <= 1; waits++) {
        struct timed timed = begin_timed(&fake);
        seconds = 1e-3;
        take_steps(timed.trainer, 3); /* the first is waited for, and two are under way */
        const double first = take_record(timed.trainer).seconds;
        const double end = clock_seconds() + 10;
        assert_int_equal(is_open, 2);
        if (waits) {
            seconds = end - clock_seconds(); /* the wait takes so long; then the other is done */
            last_passed = 0;
        }
        done = end;
        const double second = take_record(timed.trainer).seconds;
        const double third = take_record(timed.trainer).seconds;
        const double middle = second - first;
        assert_true(fabs(third - end) < 1 && fabs(middle - (third - second)) < 1);
        end_timed(timed);
    }
}

/* A step that took long has the next one waited for: the one between is then not seen later. */
static void test_seen_in_order(void **unused) {
    (void)unused;
    const struct backend fake = fake_of(device->backend);
    struct timed timed = begin_timed(&fake);
    seconds = 1e-3;
    take_steps(timed.trainer, 3);
    seconds = 3.0;
    take_steps(timed.trainer, 2);
    double last = 0;
    for (int step = 0; step < 4; step++) { /* as many as are kept */
        const double now = take_record(timed.trainer).seconds;
        assert_true(now - last > 1e-4);
        last = now;
    }
    end_timed(timed);
}

int main(void) {
    if (minrnn_device_open("cpu", &device)) {
        fprintf(stderr, "%s\n", minrnn_error_text());
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rule),          cmocka_unit_test(test_queue),
        cmocka_unit_test(test_failures),      cmocka_unit_test(test_seen_at_once),
        cmocka_unit_test(test_seen_in_order),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    minrnn_device_destroy(device);
    return failed;
}
