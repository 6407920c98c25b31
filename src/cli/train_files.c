/* SPDX-License-Identifier: Apache-2.0 */
/* Checks the files of a run against each other and against what is there. */
#include "cli/train_files.h"

#include "cli/output.h"
#include "cli/report.h"

#include <string.h>

static bool is_standard(const char *input) {
    return strcmp(input, "-") == 0;
}

static int check_inputs(const struct train_files *files) {
    int standard = 0;
    for (int i = 0; i < files->data + files->validation; i++) {
        standard += is_standard(files->inputs[i]);
    }
    return standard > 1 ? report_wrong_use("standard input (-) can be read only once") : 0;
}

/* What is written is not read, now or by the next run. */
static int check_against_inputs(const struct train_files *files, const char *output) {
    for (int i = 0; i < files->data + files->validation; i++) {
        const char *option = i < files->data ? "--data" : "--validation";
        const char *input = is_standard(files->inputs[i]) ? "/dev/stdin" : files->inputs[i];
        if (output_is_same(input, output)) {
            return report_wrong_use("%s is an input (%s): outputs must be different files", output,
                                    option);
        }
        if (!output_is_special(output) && output_is_inside(output, input)) {
            return report_wrong_use("%s is in the folder %s, which is an input (%s): outputs must "
                                    "be in different folders",
                                    output, input, option);
        }
    }
    return 0;
}

/* A device or a pipe takes whatever comes; a file does not. */
static int check_against_outputs(const struct train_files *files, int index) {
    const char *output = files->outputs[index];
    if (output_is_special(output)) {
        return 0;
    }
    if (output_is_same("/dev/stdout", output) || output_is_same("/dev/stderr", output)) {
        return report_wrong_use(
            "%s receives what is printed: a run's results must be different files", output);
    }
    for (int i = 0; i < index; i++) {
        if (files->outputs[i] && output_is_same(files->outputs[i], output)) {
            return report_wrong_use("--out, its state %s.state and --log must be different files",
                                    files->outputs[0]);
        }
    }
    return 0;
}

int train_files_check(const struct train_files *files) {
    int code = check_inputs(files);
    for (int i = 0; !code && i < TRAIN_OUTPUTS; i++) {
        if (files->outputs[i]) {
            code = check_against_inputs(files, files->outputs[i]);
            code = code ? code : check_against_outputs(files, i);
        }
    }
    const bool fresh = !files->resume && !files->overwrite;
    for (int i = 0; !code && fresh && i < TRAIN_OUTPUTS; i++) {
        if (files->outputs[i] && output_is_taken(files->outputs[i])) {
            code = report_wrong_use("%s already exists: --overwrite replaces it, --resume goes on "
                                    "from it",
                                    files->outputs[i]);
        }
    }
    for (int i = 0; !code && i < TRAIN_OUTPUTS; i++) {
        if (files->outputs[i]) {
            code = output_check(files->outputs[i],
                                i + 1 < TRAIN_OUTPUTS); /* the log is no library's */
        }
    }
    return code;
}
