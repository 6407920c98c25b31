/* SPDX-License-Identifier: Apache-2.0 */
/* What a validation finds. */
#ifndef CLI_VALIDATE_H
#define CLI_VALIDATE_H

#include <minrnn/check.h>

/* Adds an op's result to a verdict. */
void validate_note(minrnn_verdict *verdict, const minrnn_check_result *result);

#endif
