/* SPDX-License-Identifier: Apache-2.0 */
/* Several threads open the first OpenCL device of the process at once. */
#include "opencl/opencl.h"

#include <pthread.h>
#include <stdio.h>

enum { THREADS = 4 };

static pthread_barrier_t barrier;

static void *open_one(void *status) {
    minrnn_device *device = NULL;
    pthread_barrier_wait(&barrier);
    *(minrnn_status *)status = opencl_device_open(0, &device);
    minrnn_device_destroy(device);
    return NULL;
}

int main(void) {
    pthread_t threads[THREADS];
    minrnn_status status[THREADS];
    int failed = pthread_barrier_init(&barrier, NULL, THREADS);
    for (int i = 0; !failed && i < THREADS; i++) {
        failed = pthread_create(&threads[i], NULL, open_one, &status[i]);
    }
    for (int i = 0; !failed && i < THREADS; i++) {
        failed = pthread_join(threads[i], NULL);
    }
    for (int i = 0; !failed && i < THREADS; i++) {
        failed = status[i] != status[0];
    }
    if (failed) {
        printf("FAILED: some threads opened the device, and some did not\n");
        return 1;
    }
    return status[0] ? 77 : 0;
}
