/* SPDX-License-Identifier: Apache-2.0 */
/* To be loaded before the library: a validation that finds the op "copy" to compute wrongly. */
#include <minrnn/check.h>

#include <string.h>

minrnn_status minrnn_validate(minrnn_device *device, const minrnn_check_config *config,
                              minrnn_on_check on_result, void *user, int *failures) {
    const char *op = config->op ? config->op : "copy"; /* of all ops, that one */
    const bool wrong = strcmp(op, "copy") == 0;
    const minrnn_check_result result = {
        .op = op, .cases = 1, .failures = wrong, .failure = "y is not x"};
    (void)device;
    *failures = wrong;
    on_result(user, &result);
    return MINRNN_OK;
}
