/* SPDX-License-Identifier: Apache-2.0 */
/* wrap.c needs the linker's --wrap for each symbol of host_calls.def, and for free. */
#ifndef TESTS_FAULTS_WRAP_H
#define TESTS_FAULTS_WRAP_H

/* Lets cJSON's allocations be counted and fail too. */
void wrap_start(void);

#endif
