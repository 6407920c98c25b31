/* SPDX-License-Identifier: Apache-2.0 */
/* A host that loads a plugin, lets it train a step and unloads it, again and again:
 *   dlclose PLUGIN ROUNDS
 * Threads of OpenMP and of drivers must not lose the code that they run, nor become more each time.
 */
#include "threads.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int once(const char *path, float *loss) {
    void *plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    int (*run)(const char *name, float *loss) = NULL;
    if (plugin) {
        *(void **)&run = dlsym(plugin, "plugin_run");
    }
    if (!run) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    const int code = run(NULL, loss);
    return dlclose(plugin) ? 1 : code;
}

int main(int argc, char **argv) {
    const struct timespec pause = {.tv_nsec = 20000000}; /* in which a thread may wake up */
    float first = 0, loss = 0;
    int threads = 0;
    for (int i = 0; argc > 2 && i < atoi(argv[2]); i++) {
        const int code = once(argv[1], &loss);
        first = i == 0 ? loss : first;
        if (code || !(loss == first)) {
            fprintf(stderr, "round %d: code %d, loss %g, at first %g\n", i, code, (double)loss,
                    (double)first);
            return code ? code : 1;
        }
        nanosleep(&pause, NULL);
        if (i == 1) {
            threads = threads_of_process();
        }
    }
    if (threads_of_process() > threads) {
        fprintf(stderr, "%d threads after two rounds, %d at the end\n", threads,
                threads_of_process());
        return 1;
    }
    return argc > 2 ? 0 : 2;
}
