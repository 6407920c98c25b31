/* SPDX-License-Identifier: Apache-2.0 */
/* A host that uses OpenBLAS beside the library: its number of threads is its own, before, between
 * and after the library's calls, and its products are right while the library trains. */
#include "guest.h"

#include <cblas.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { HOST_THREADS = 3, OPENMP = 2 };

static void expect_threads(int expected) {
    assert_int_equal(openblas_get_num_threads(), expected);
}

static void test_threads(void **unused) {
    (void)unused;
    minrnn_device *device, *second;
    struct guest guest;
    float loss;
    openblas_set_num_threads(HOST_THREADS);
    CHECK(minrnn_device_open("cpu", &device));
    expect_threads(HOST_THREADS);
    CHECK(guest_begin(device, &guest));
    CHECK(guest_step(&guest, &loss));
    expect_threads(HOST_THREADS);
    /* What the host sets while a device is open stays as well. */
    openblas_set_num_threads(2);
    CHECK(guest_step(&guest, &loss));
    expect_threads(2);
    CHECK(minrnn_device_open("cpu", &second));
    minrnn_device_destroy(second);
    expect_threads(2);
    guest_end(&guest);
    minrnn_device_destroy(device);
    expect_threads(2);
}

/* The host's own product, of ones: each element is SIZE. */
enum { SIZE = 192 };
static atomic_bool stop;

static void *multiply(void *wrong) {
    float *a = malloc(3 * sizeof(float) * SIZE * SIZE);
    float *c = a + 2 * SIZE * SIZE;
    for (int i = 0; a && i < 2 * SIZE * SIZE; i++) {
        a[i] = 1.0f;
    }
    while (a && !atomic_load(&stop)) {
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, SIZE, SIZE, SIZE, 1.0f, a, SIZE,
                    a + SIZE * SIZE, SIZE, 0.0f, c, SIZE);
        for (int i = 0; i < SIZE * SIZE; i++) {
            *(int *)wrong += !(c[i] == (float)SIZE);
        }
        sched_yield();
    }
    free(a);
    return NULL;
}

static void train(int steps, float *losses) {
    minrnn_device *device;
    struct guest guest;
    CHECK(minrnn_device_open("cpu", &device));
    CHECK(guest_begin(device, &guest));
    for (int i = 0; i < steps; i++) {
        CHECK(guest_step(&guest, &losses[i]));
    }
    guest_end(&guest);
    minrnn_device_destroy(device);
}

static void test_beside(void **unused) {
    (void)unused;
    enum { STEPS = 20 };
    float alone[STEPS], beside[STEPS];
    int wrong = 0;
    pthread_t thread;
    openblas_set_num_threads(HOST_THREADS);
    train(STEPS, alone);
    assert_int_equal(pthread_create(&thread, NULL, multiply, &wrong), 0);
    train(STEPS, beside);
    atomic_store(&stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(wrong, 0);
    assert_memory_equal(alone, beside, sizeof alone);
    if (openblas_get_parallel() != OPENMP) { /* which sets it anew at each of the host's calls */
        expect_threads(HOST_THREADS);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_beside),
    };
    openblas_set_num_threads(HOST_THREADS);
    if (openblas_get_num_threads() != HOST_THREADS && openblas_get_parallel() != OPENMP) {
        printf("skipped: this OpenBLAS has no threads\n");
        return SUPPORT_SKIP;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
