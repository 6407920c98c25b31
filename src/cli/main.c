/* SPDX-License-Identifier: Apache-2.0 */
/* minrnn: the command. */
#include "cli/commands.h"
#include "cli/report.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const struct command *const commands[] = {
    &command_devices,  &command_train, &command_eval,  &command_generate,
    &command_validate, &command_tune,  &command_bench,
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static int print_usage(void) {
    printf("minrnn trains and runs minGRU and minLSTM on any OpenCL device and on the CPU.\n\n"
           "usage: minrnn COMMAND [OPTIONS]\n\n");
    for (int i = 0; i < COMMANDS; i++) {
        printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
    }
    printf("\n  --help     print this; after a command, its options\n"
           "  --version  print the version\n\n"
           "The exit code is 0, 1 if something failed, 2 if the command line is wrong, 128 + N if "
           "signal N\nended the run.\n"
           "MINRNN_DEVICE names the device if --device does not.\n");
    return 0;
}

static int run(int argc, char **argv) {
    if (argc < 2) {
        return report_wrong_use("which command? minrnn --help lists them");
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        return print_usage();
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("minrnn %s\n", minrnn_version());
        return 0;
    }
    for (int i = 0; i < COMMANDS; i++) {
        if (strcmp(argv[1], commands[i]->name) == 0) {
            return commands[i]->run(argc - 2, argv + 2);
        }
    }
    return report_wrong_use("no command '%s'; minrnn --help lists them", argv[1]);
}

int commands_run(int argc, char **argv) {
    return report_output(run(argc, argv));
}

/* The caller may have closed standard input, output or error. The next file to be opened would take
 * the free number, and what is printed would land in it. "/" is there even if /dev/null is not. */
static bool open_standard(void) {
    for (int file = STDIN_FILENO; file <= STDERR_FILENO; file++) {
        if (fcntl(file, F_GETFD) == -1 && open("/dev/null", O_RDWR) == -1 &&
            open("/", O_RDONLY) == -1) {
            return false;
        }
    }
    return true;
}

/* If the address space has a limit, threads that OpenBLAS made when it was loaded may still try to
 * have their buffers. Its exit would wait for them. */
static void leave(int code) {
    struct rlimit room;
    if (getrlimit(RLIMIT_AS, &room) == 0 && room.rlim_cur != RLIM_INFINITY) {
        fflush(stderr);
        _exit(code);
    }
}

int main(int argc, char **argv) {
    const int code = open_standard() ? commands_run(argc, argv) : EXIT_FAILED;
    leave(code);
    return code;
}
