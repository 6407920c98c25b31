/* SPDX-License-Identifier: Apache-2.0 */
/* Several threads open the first OpenCL device of the process at once; and children that fork()
 * makes while a thread asks for devices are refused one, and do not wait for ever. */
#include "opencl/opencl.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4, CHILDREN = 20, PATIENCE = 10 /* s */ };

static pthread_barrier_t barrier;
static atomic_bool done;

static void *ask(void *unused) {
    while (!atomic_load(&done)) {
        int count = 0;
        (void)opencl_list(NULL, 0, &count);
    }
    return unused;
}

static bool is_refused_in_child(void) {
    int result = 0;
    const pid_t child = fork();
    if (child == 0) {
        minrnn_device *device = NULL;
        alarm(PATIENCE);
        _exit(opencl_device_open(0, &device) == MINRNN_DEVICE_ERROR ? 0 : 1);
    }
    return child > 0 && waitpid(child, &result, 0) == child && result == 0;
}

static int check_children(void) {
    pthread_t asker;
    int failed = pthread_create(&asker, NULL, ask, NULL);
    if (failed) {
        return failed;
    }
    for (int i = 0; !failed && i < CHILDREN; i++) {
        failed = !is_refused_in_child();
    }
    atomic_store(&done, true);
    (void)pthread_join(asker, NULL);
    if (failed) {
        printf("FAILED: a child of fork() is not refused a device, or waits\n");
    }
    return failed;
}

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
    return status[0] ? 77 : check_children();
}
