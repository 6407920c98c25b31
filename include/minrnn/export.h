/* Symbol visibility and C++ linkage, for the other public headers. */
#ifndef MINRNN_EXPORT_H
#define MINRNN_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

#endif
