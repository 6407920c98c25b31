#include <minrnn/check.h>

#include <math.h>
#include <stdio.h>

#include "base/status.h"
#include "check/harness.h"

void minrnn_check_config_defaults(minrnn_check_config *config) {
    if (config) {
        *config = (minrnn_check_config){.seed = 1};
    }
}

/* One op's cases on their way through the harness. */
struct check {
    minrnn_device *device;
    const struct op_entry *entry;
    uint64_t seed;
    minrnn_check_result *result;
    minrnn_status status;
};

static bool take_case(void *user, const struct check_case *c) {
    struct check *check = user;
    minrnn_check_result *result = check->result;
    struct check_outcome outcome;
    /* Each case has inputs of its own. */
    const uint64_t seed = check->seed + ((uint64_t)result->cases << 32);
    check->status = check_run(check->device, check->entry, c, seed, &outcome);
    if (check->status) {
        char text[sizeof result->worst_case];
        check_describe(check->entry, c, text, sizeof text);
        check->status = fail_in(check->status, "validate %s, %s", check->entry->name, text);
        return false;
    }
    result->cases++;
    const bool failed = outcome.failure[0] != 0;
    const bool first = failed && result->failures++ == 0;
    if (first) {
        snprintf(result->failure, sizeof result->failure, "%s", outcome.failure);
    }
    /* The case that failed first is the one to look at, else the worst. */
    if (first || (result->failures == 0 && !(outcome.worst <= result->worst))) {
        check_describe(check->entry, c, result->worst_case, sizeof result->worst_case);
    }
    result->worst = fmax(result->worst, outcome.worst);
    return true;
}

static enum check_mode mode_of(const minrnn_check_config *config) {
    return config->small ? CHECK_SMALL : config->thorough ? CHECK_THOROUGH : CHECK_QUICK;
}

minrnn_status minrnn_validate(minrnn_device *device, const minrnn_check_config *config,
                              minrnn_on_check on_result, void *user, int *failures) {
    if (!device || !config || !failures) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_validate: an argument is NULL");
    }
    *failures = 0;
    const struct op_entry *only = config->op ? op_entry_find(config->op) : NULL;
    if (config->op && !only) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_validate: there is no op \"%s\"", config->op);
    }
    for (int op = 0; op < CHECK_OPS; op++) {
        const struct op_entry *entry = op_entry_at((enum check_op)op);
        if (only && only != entry) {
            continue;
        }
        minrnn_check_result result = {.op = entry->name};
        struct check check = {device, entry, config->seed, &result, MINRNN_OK};
        check_cases(entry->op, mode_of(config), config->seed, take_case, &check);
        if (check.status) {
            return check.status;
        }
        *failures += result.failures > 0;
        if (on_result) {
            on_result(user, &result);
        }
    }
    return MINRNN_OK;
}
