/* SPDX-License-Identifier: Apache-2.0 */
/* minrnn_validate: every op in turn, each with its share of the time. */
#include <minrnn/check.h>

#include "base/clock.h"
#include "base/sized.h"
#include "check/harness.h"
#include "check/op_check.h"
#include "check/select.h"

#include <stdio.h>
#include <string.h>

static const struct sized_type config_type =
    SIZED_TYPE(minrnn_check_config, "minrnn_check_config_defaults");

static const minrnn_check_config standard = {.seed = 1};

void minrnn_check_config_init(minrnn_check_config *config, size_t size) {
    if (config) {
        sized_give(&standard, sizeof standard, config, size);
    }
}

/* One op's cases on their way through the harness. */
struct check {
    minrnn_device *device;
    const struct op_entry *entry;
    const minrnn_check_config *config;
    double deadline; /* 0: none */
    int number;      /* of the case, from 1 */
    minrnn_check_result *result;
    minrnn_status status;
};

/* However late it is, an op gets this many cases. */
enum { LEAST_CASES = 8 };

static void describe(const struct check *check, const struct check_case *c, char *text,
                     size_t capacity) {
    const int used = snprintf(text, capacity, "#%d ", check->number);
    check_describe(check->entry, c, text + used, capacity - (size_t)used);
}

static bool take_case(void *user, const struct check_case *drawn) {
    struct check *check = user;
    minrnn_check_result *result = check->result;
    struct check_case c = *drawn;
    check->number++;
    if (!select_case(check->config, check->entry, check->number, &c)) {
        return true;
    }
    if (check->deadline > 0 && result->cases >= LEAST_CASES && clock_seconds() > check->deadline) {
        result->left_out++;
        return true;
    }
    /* Each case has inputs of its own. */
    const uint64_t seed = check->config->seed + ((uint64_t)(check->number - 1) << 32);
    struct check_outcome outcome;
    check->status = check_run(check->device, check->entry, &c, seed, &outcome);
    if (check->status) {
        char text[sizeof result->worst_case];
        describe(check, &c, text, sizeof text);
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
        describe(check, &c, result->worst_case, sizeof result->worst_case);
    }
    result->worst = fmax(result->worst, outcome.worst);
    if (outcome.seconds > result->longest) {
        result->longest = outcome.seconds;
        describe(check, &c, result->longest_case, sizeof result->longest_case);
    }
    return true;
}

static enum check_mode mode_of(const minrnn_check_config *config) {
    return config->small ? CHECK_SMALL : config->thorough ? CHECK_THOROUGH : CHECK_QUICK;
}

/* ---- time ---- */

static bool count_case(void *user, const struct check_case *c) {
    (void)c;
    ++*(int *)user;
    return true;
}

/* What an op's cases take, roughly, the programs to be built among it. */
static double cost_of(const struct op_entry *entry, const minrnn_check_config *config) {
    int cases = 0;
    check_cases(entry, mode_of(config), config->seed, count_case, &cases);
    return cases * (1 + entry->check->extra_cost);
}

static bool is_wanted(const struct op_entry *entry, const minrnn_check_config *config) {
    return !config->op || strcmp(config->op, entry->name) == 0;
}

/* The share of the ops before the `end`-th in what all of them take. */
static double share_before(int end, const minrnn_check_config *config) {
    double before = 0, all = 0;
    for (int op = 0; op < CHECK_OPS; op++) {
        const struct op_entry *entry = op_entry_at((enum check_op)op);
        const double cost = is_wanted(entry, config) ? cost_of(entry, config) : 0;
        before += op < end ? cost : 0;
        all += cost;
    }
    return before / all;
}

/* ---- all ops ---- */

static minrnn_status take_config(const minrnn_check_config *given, minrnn_check_config *config) {
    *config = standard;
    const minrnn_status status = sized_take(&config_type, given, config);
    if (status) {
        return status;
    }
    if (config->op && !op_entry_find(config->op)) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_validate: there is no op \"%s\"", config->op);
    }
    if (config->only_case < 0 || !(config->seconds >= 0)) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "minrnn_validate: case %d, seconds %g: must be 0 or more", config->only_case,
                    config->seconds);
    }
    return select_check(config->shape);
}

minrnn_status minrnn_validate(minrnn_device *device, const minrnn_check_config *config,
                              minrnn_on_check on_result, void *user, int *failures) {
    if (!device || !config || !failures) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_validate: an argument is NULL");
    }
    *failures = 0;
    minrnn_check_config own;
    minrnn_status status = take_config(config, &own);
    const double begin = clock_seconds();
    for (int op = 0; op < CHECK_OPS && !status; op++) {
        const struct op_entry *entry = op_entry_at((enum check_op)op);
        if (!is_wanted(entry, &own)) {
            continue;
        }
        const double share = own.seconds > 0 ? share_before(op + 1, &own) : 0;
        minrnn_check_result result = {.op = entry->name};
        struct check check = {.device = device,
                              .entry = entry,
                              .config = &own,
                              .deadline = share > 0 ? begin + own.seconds * share : 0,
                              .result = &result};
        check_cases(entry, mode_of(&own), own.seed, take_case, &check);
        status = check.status;
        *failures += result.failures > 0;
        if (!status && on_result) {
            on_result(user, &result);
        }
    }
    /* Programs of odd shapes, hundreds of them: to save them can take longer than the check. */
    if (device->backend->forget_programs && !device_is_lost(device)) {
        device->backend->forget_programs(device);
    }
    return status;
}
