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
    double worst;         /* worst error / bound over all cases and outputs */
    char worst_case[256]; /* the case that gave it: sizes and options */
    char failure[512];    /* what failed first, "" where nothing did */
} minrnn_check_result;

typedef struct minrnn_check_config {
    uint64_t seed;
    const char *op; /* only this op; NULL: all */
    bool thorough;  /* every shape and option, minutes; else a selection, well under two minutes */
    bool small;     /* only tiny shapes, for emulators */
} minrnn_check_config;

typedef void (*minrnn_on_check)(void *user, const minrnn_check_result *result);

/* Seed 1, all ops, the selection. */
MINRNN_API void minrnn_check_config_defaults(minrnn_check_config *config);

/* Runs ops of the device against an oracle in double precision, calling `on_result` after each op,
 * and sets *failures to the number of ops that failed. An op that fails is no error of the call. */
MINRNN_API minrnn_status minrnn_validate(minrnn_device *device, const minrnn_check_config *config,
                                         minrnn_on_check on_result, void *user, int *failures);

MINRNN_END_DECLS

#endif
