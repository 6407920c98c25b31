/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Symbol visibility and C++ linkage, for the other public headers.
 *
 * How structs grow. A struct that may get new members begins with its size, as the program was
 * compiled; new members come last. The library takes a member that the program lacks as its
 * _defaults would set it, and never writes one. A member that only the program has, being newer
 * than the library, must be zero when it is taken and is zero when it is filled in.
 *
 * Programs need not write sizes. A struct that the caller makes gets its size and standard values
 * from its _defaults; in one that a call fills in, the call sets it. Such calls are inline and hand
 * the struct's size to one that is exported: minrnn_X_init for minrnn_X_defaults, else
 * minrnn_CALL_sized for minrnn_CALL. Programs in other languages use those. */
#ifndef MINRNN_EXPORT_H
#define MINRNN_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** @cond */
#if defined(_WIN32)
#define MINRNN_API __declspec(dllexport)
#elif defined(__GNUC__)
#define MINRNN_API __attribute__((visibility("default")))
#else
#define MINRNN_API
#endif

#ifdef __cplusplus
#define MINRNN_BEGIN_DECLS extern "C" {
#define MINRNN_END_DECLS }
#else
#define MINRNN_BEGIN_DECLS
#define MINRNN_END_DECLS
#endif
/** @endcond */

#endif
