/* Validation: whether a device computes right, said on the spot. */
#ifndef MINRNN_CHECK_H
#define MINRNN_CHECK_H

#include <minrnn/device.h>

MINRNN_BEGIN_DECLS

/* One op's result: the worst error over its cases, relative to its bound (passes at <= 1; a NaN
 * fails). */
typedef struct minrnn_check_result {
    const char *op;
    int cases;
    int failures;
    int left_out;         /* cases for which there was no time */
    double worst;         /* worst error / bound over all cases and outputs */
    char worst_case[256]; /* the case that gave it: its number, sizes and options */
    char failure[512];    /* what failed first, "" where nothing did */
} minrnn_check_result;

typedef struct minrnn_check_config {
    uint64_t seed;
    const char *op; /* only this op; NULL: all */
    /* "time=7,width=33,run=2": every case gets these sizes, and of the options (the op list's
     * values; enumerations by number) only such cases are run; NULL: all, as drawn. Names that an
     * op has not are passed over. */
    const char *shape;
    int only_case;  /* the number of the one case of each op to run; 0: all */
    double seconds; /* time to spend; cases beyond it are left out and counted; 0: no limit */
    bool thorough;  /* every combination of options, for minutes; else a selection */
    bool small;     /* only tiny shapes, for emulators */
} minrnn_check_config;

typedef void (*minrnn_on_check)(void *user, const minrnn_check_result *result);

/* Seed 1, all ops, the selection, no limit of time. */
MINRNN_API void minrnn_check_config_defaults(minrnn_check_config *config);

/* Runs ops of the device against an oracle in double precision, calling `on_result` after each op,
 * and sets *failures to the number of ops that failed. An op that fails is no error of the call. */
MINRNN_API minrnn_status minrnn_validate(minrnn_device *device, const minrnn_check_config *config,
                                         minrnn_on_check on_result, void *user, int *failures);

MINRNN_END_DECLS

#endif
