/* SPDX-License-Identifier: Apache-2.0 */
/* The operators; affine.h says what one gives. */
#ifndef CPU_SCAN_ALG_H
#define CPU_SCAN_ALG_H

#include "cpu/scan/affine.h"
#include "cpu/scan/log_affine.h"

#endif
